/* query.c - reads a DNS query: every octet is hostile
 *
 * respond.c calls it first for each datagram and each TCP message. The order of the checks
 * decides the reply to a bad query:
 *
 *     no reply    to what may be a reflected response
 *     NOTIMP      to another opcode, whatever follows the header
 *     FORMERR     to what cannot be read
 *     BADVERS     to a query that is otherwise sound
 *
 * RFC 1035, 6891, 7873, 8906, 8945, 9619.
 *
 * The name is put into lower case on the way, eight octets at a time, because the table is
 * looked up in lower case. Length octets are at most 63 and thus never taken for letters.
 */
#include "dnsd/wire/query.h"

#include <string.h>

#include "common/bigendian.h"

enum { OPT_FIXED_LEN = 11 };

/* ASCII upper case to lower case in each of eight octets at once. */
static uint64_t octets_lower8(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t low7 = word & (0x7f * ones);
	uint64_t above_z = low7 + (0x7f - 'Z') * ones;
	uint64_t from_a = low7 + (0x80 - 'A') * ones;
	uint64_t upper = (from_a ^ above_z) & ~word & (0x80 * ones);

	return word | upper >> 2;
}

/* Copies the name in lower case, with zeroes behind it, and hashes it on the way. */
static void qname_lower(struct query *query, const uint8_t *name, size_t len)
{
	uint64_t hash = len;
	uint64_t word;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		memcpy(&word, name + i, 8);
		word = octets_lower8(word);
		memcpy(query->name + i, &word, 8);
		hash = name_hash_step(hash, word);
	}
	memset(query->name + i, 0, QUERY_NAME_PAD);
	if (i < len) {
		/* reads into the packet's slack */
		memcpy(&word, name + i, 8);
		word = octets_lower8(word) & (~(uint64_t)0 >> (64 - 8 * (len - i)));
		memcpy(query->name + i, &word, 8);
		hash = name_hash_step(hash, word);
	}
	query->hash = (uint32_t)hash;
}

/* QNAME without compression: a question has nothing before it to point at. */
static bool qname_parse(const uint8_t *packet, size_t len, struct query *query)
{
	const uint8_t *name = packet + DNS_HEADER_LEN;
	size_t room = len - DNS_HEADER_LEN;
	size_t at = 0;

	if (room > NAME_MAX_LEN)
		room = NAME_MAX_LEN;
	while (at < room && name[at]) {
		if (name[at] > 63)
			return false;
		at += 1u + name[at];
	}
	if (at >= room)
		return false;

	query->qname_len = (uint8_t)(at + 1);
	qname_lower(query, name, at + 1);
	return true;
}

static bool question_parse(const uint8_t *packet, size_t len, struct query *query, size_t *at)
{
	if (!qname_parse(packet, len, query))
		return false;

	size_t end = (size_t)DNS_HEADER_LEN + query->qname_len;
	if (len - end < DNS_QUESTION_FIXED)
		return false;
	query->qtype = be16_read(packet + end);
	query->qclass = be16_read(packet + end + 2);
	query->has_question = true;
	*at = end + DNS_QUESTION_FIXED;
	return true;
}

/* A record that follows the question. */
struct record {
	const uint8_t *owner; /* in the packet */
	size_t owner_len;     /* 0 if it is compressed */
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	const uint8_t *rdata;
	size_t rdata_len;
};

/* Steps over a name that may end in a compression pointer, which is not followed. */
static bool name_skip(const uint8_t *packet, size_t len, size_t *at, size_t *ret_plain_len)
{
	size_t start = *at;
	size_t i = start;

	while (i < len && packet[i] && packet[i] <= 63) {
		i += 1u + packet[i];
		if (i - start >= NAME_MAX_LEN)
			return false;
	}
	if (i >= len)
		return false;
	if (packet[i] == 0) {
		*ret_plain_len = i + 1 - start;
		*at = i + 1;
		return true;
	}
	if ((packet[i] & 0xc0) != 0xc0 || len - i < 2)
		return false;
	*ret_plain_len = 0;
	*at = i + 2;
	return true;
}

static bool record_parse(
	const uint8_t *packet, size_t len, size_t *at, struct record *ret_record)
{
	struct record record = {.owner = packet + *at};

	if (!name_skip(packet, len, at, &record.owner_len) || len - *at < 10)
		return false;

	const uint8_t *fixed = packet + *at;
	record.type = be16_read(fixed);
	record.class = be16_read(fixed + 2);
	record.ttl = be32_read(fixed + 4);
	record.rdata_len = be16_read(fixed + 8);
	record.rdata = fixed + 10;
	*at += 10;
	if (len - *at < record.rdata_len)
		return false;
	*at += record.rdata_len;
	*ret_record = record;
	return true;
}

static bool edns_option_parse(
	uint16_t code, const uint8_t *data, size_t len, struct query_edns *edns)
{
	switch (code) {
	case DNS_EDNS_NSID:
		edns->wants_nsid = true;
		return true;
	case DNS_EDNS_KEEPALIVE:
		/* RFC 7828 section 3.2.1: clients send it empty. Over UDP the option is
		 * ignored whatever it holds, so another length means no wish, not an error. */
		edns->wants_keepalive = len == 0;
		return true;
	case DNS_EDNS_COOKIE:
		/* RFC 7873 section 5.2.2: 8 octets, or 16 to 40, else FORMERR */
		if (len != 8 && (len < 16 || len > 40))
			return false;
		if (!edns->cookie) {
			edns->cookie = data;
			edns->cookie_len = (uint8_t)len;
		}
		return true;
	default:
		return true; /* RFC 6891 section 6.1.2: unknown options are ignored */
	}
}

static bool opt_parse(const struct record *record, struct query_edns *edns)
{
	/* RFC 6891 section 6.1.1: one OPT, its owner is the root */
	if (edns->present || record->owner_len != 1)
		return false;

	edns->present = true;
	edns->udp_size = record->class;
	edns->version = (uint8_t)(record->ttl >> 16);
	edns->dnssec_ok = record->ttl & DNS_EDNS_DO;
	if (edns->version != 0)
		return true; /* BADVERS: options of other versions are not checked */

	const uint8_t *option = record->rdata;
	size_t left = record->rdata_len;
	while (left > 0) {
		if (left < 4)
			return false;

		size_t len = be16_read(option + 2);
		if (left - 4 < len)
			return false;
		if (!edns_option_parse(be16_read(option), option + 4, len, edns))
			return false;
		option += 4 + len;
		left -= 4 + len;
	}
	return true;
}

/* RFC 8945 section 4.2. Keeps only what the error response must repeat. */
static bool tsig_parse(const struct record *record, struct query_tsig *tsig)
{
	const uint8_t *rdata = record->rdata;
	size_t len = record->rdata_len;
	size_t at = 0;
	size_t algorithm_len;

	if (!record->owner_len || record->class != DNS_CLASS_ANY || record->ttl != 0)
		return false;
	if (!name_skip(rdata, len, &at, &algorithm_len) || !algorithm_len || len - at < 10)
		return false;

	size_t mac_len = be16_read(rdata + at + 8);
	if (len - at - 10 < mac_len || len - at - 10 - mac_len < 6)
		return false;

	const uint8_t *after_mac = rdata + at + 10 + mac_len;
	if (len - at - 16 - mac_len != be16_read(after_mac + 4))
		return false;

	*tsig = (struct query_tsig){
		.present = true,
		.owner = record->owner,
		.owner_len = (uint8_t)record->owner_len,
		.algorithm = rdata,
		.algorithm_len = (uint8_t)algorithm_len,
		.time_signed = rdata + at,
		.original_id = be16_read(after_mac),
	};
	return true;
}

/* Most resolvers send only an OPT of version 0 without options. */
static bool plain_opt_parse(const uint8_t *packet, size_t len, size_t at, struct query *query)
{
	static const uint8_t counts[6] = {[5] = 1};
	const uint8_t *opt = packet + at;

	if (len - at != OPT_FIXED_LEN || memcmp(packet + 6, counts, sizeof(counts)) != 0 ||
		opt[0] != 0 || be16_read(opt + 1) != DNS_TYPE_OPT || opt[6] != 0 ||
		be16_read(opt + 9) != 0)
		return false;
	query->has_authority = false;
	query->edns.present = true;
	query->edns.udp_size = be16_read(opt + 3);
	query->edns.dnssec_ok = opt[7] & 0x80;
	return true;
}

static bool records_parse(const uint8_t *packet, size_t len, size_t at, struct query *query)
{
	unsigned int n_before = be16_read(packet + 6) + (unsigned int)be16_read(packet + 8);
	unsigned int n_additional = be16_read(packet + 10);
	struct record record;

	if (plain_opt_parse(packet, len, at, query))
		return true;
	query->has_authority = be16_read(packet + 8) > 0;
	for (unsigned int i = 0; i < n_before; i++)
		if (!record_parse(packet, len, &at, &record) || record.type == DNS_TYPE_OPT ||
			record.type == DNS_TYPE_TSIG)
			return false;

	for (unsigned int i = 0; i < n_additional; i++) {
		/* RFC 8945 section 5.1: TSIG is the last record, and there is one at most */
		if (query->tsig.present || !record_parse(packet, len, &at, &record))
			return false;
		if (record.type == DNS_TYPE_OPT && !opt_parse(&record, &query->edns))
			return false;
		if (record.type == DNS_TYPE_TSIG && !tsig_parse(&record, &query->tsig))
			return false;
	}

	/* octets after the last record: the counts are wrong, and no part can be trusted */
	return at == len;
}

enum query_verdict query_parse(const uint8_t *packet, size_t len, struct query *ret_query)
{
	struct query *query = ret_query;

	if (len < DNS_HEADER_LEN)
		return QUERY_SILENT;
	query->id = be16_read(packet);
	query->flags = be16_read(packet + 2);
	query->opcode = (unsigned int)(query->flags & DNS_OPCODE_MASK) >> 11;
	query->has_question = false;
	query->edns = (struct query_edns){0};
	query->tsig = (struct query_tsig){0};
	if (query->flags & DNS_QR)
		return QUERY_SILENT; /* a response: answering could start a loop */
	if (query->opcode != DNS_OPCODE_QUERY && query->opcode != DNS_OPCODE_NOTIFY)
		return QUERY_NOTIMP;

	unsigned int n_questions = be16_read(packet + 4);
	size_t at = DNS_HEADER_LEN;
	if (n_questions > 1)
		return QUERY_FORMERR; /* RFC 9619 */
	if (n_questions == 1 && !question_parse(packet, len, query, &at))
		return QUERY_FORMERR;
	if (!records_parse(packet, len, at, query))
		return QUERY_FORMERR;

	if (query->edns.present && query->edns.version != 0)
		return QUERY_BADVERS;
	if (n_questions == 0)
		return query->edns.cookie ? QUERY_COOKIE_ONLY : QUERY_FORMERR;
	return QUERY_OK;
}
