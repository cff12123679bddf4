/* message.c - DNS messages as a client writes and reads them
 *
 * Called by verify*.c, ask.c and parent*.c, which talk to servers of others: every octet that
 * arrives is hostile. message_read() walks the whole message once and accepts or refuses it,
 * so that message_next() cannot fail later. A compression pointer must point to before the
 * start of its own name, so every walk ends; a name has at most 255 octets. ldns does the same
 * with less care (it leaks and asserts on some messages), so it reads no packets.
 *
 * Names that we write are not compressed: RFC 2136 and RFC 8945 allow little of it, and the
 * messages are short.
 */
#include "dnsd/wire/message.h"

#include <stdio.h>
#include <string.h>

#include "common/bigendian.h"

enum {
	RECORD_FIXED = 10,   /* TYPE, CLASS, TTL, RDLENGTH */
	POINTER_MASK = 0xc0, /* of a length octet */
};

/* ---- writing ---- */

static void writer_put(struct message_writer *writer, const uint8_t *bytes, size_t len)
{
	if (writer->is_full || writer->cap - writer->len < len) {
		writer->is_full = true;
		return;
	}
	if (len > 0)
		memcpy(writer->bytes + writer->len, bytes, len);
	writer->len += len;
}

static void writer_put16(struct message_writer *writer, unsigned int value)
{
	uint8_t bytes[2];

	be16_write(bytes, value);
	writer_put(writer, bytes, sizeof(bytes));
}

static void writer_put32(struct message_writer *writer, uint32_t value)
{
	uint8_t bytes[4];

	be32_write(bytes, value);
	writer_put(writer, bytes, sizeof(bytes));
}

static void writer_count(struct message_writer *writer, enum message_section section)
{
	uint8_t *at = writer->bytes + 4 + 2 * (size_t)section;

	if (!writer->is_full)
		be16_write(at, be16_read(at) + 1u);
}

void message_begin(struct message_writer *writer, uint8_t *bytes, size_t cap, uint16_t id,
	unsigned int flags)
{
	*writer = (struct message_writer){.bytes = bytes, .cap = cap, .len = DNS_HEADER_LEN};
	memset(bytes, 0, DNS_HEADER_LEN);
	be16_write(bytes, id);
	be16_write(bytes + 2, flags);
}

void message_put_question(
	struct message_writer *writer, const uint8_t *name, uint16_t type, uint16_t class)
{
	writer_put(writer, name, name_len(name));
	writer_put16(writer, type);
	writer_put16(writer, class);
	writer_count(writer, MESSAGE_QUESTION);
}

void message_put(struct message_writer *writer, enum message_section section,
	const struct message_rr *rr)
{
	writer_put(writer, rr->name, name_len(rr->name));
	writer_put16(writer, rr->type);
	writer_put16(writer, rr->class);
	writer_put32(writer, rr->ttl_s);
	writer_put16(writer, rr->rdata_len);
	writer_put(writer, rr->rdata, rr->rdata_len);
	writer_count(writer, section);
}

void message_put_opt(struct message_writer *writer, bool dnssec_ok)
{
	static const uint8_t root[1];
	const struct message_rr opt = {
		.name = root,
		.type = DNS_TYPE_OPT,
		.class = MESSAGE_UDP_SIZE,
		.ttl_s = dnssec_ok ? DNS_EDNS_DO : 0,
	};

	message_put(writer, MESSAGE_ADDITIONAL, &opt);
}

size_t message_write_query(uint8_t *bytes, uint16_t id, const uint8_t *name, uint16_t type,
	bool recursion_desired)
{
	struct message_writer writer;

	message_begin(&writer, bytes, MESSAGE_QUERY_CAP, id, recursion_desired ? DNS_RD : 0);
	message_put_question(&writer, name, type, DNS_CLASS_IN);
	message_put_opt(&writer, false);
	return writer.len;
}

/* ---- names ---- */

/* The name at `at`, uncompressed and in lower case, and the offset behind it. */
static bool message_read_name(const uint8_t *bytes, size_t len, size_t at,
	uint8_t ret_name[NAME_MAX_LEN], size_t *ret_behind)
{
	uint8_t name[NAME_MAX_LEN];
	size_t n = 0;
	size_t limit = at; /* a pointer must point to before it */
	bool jumped = false;

	for (;;) {
		if (at >= len)
			return false;

		uint8_t label = bytes[at];
		if ((label & POINTER_MASK) == POINTER_MASK) {
			if (len - at < 2)
				return false;
			size_t to = be16_read(bytes + at) & 0x3fffu;
			if (!jumped)
				*ret_behind = at + 2;
			jumped = true;
			if (to >= limit || to < DNS_HEADER_LEN)
				return false;
			at = limit = to;
			continue;
		}
		if (label > 63 || len - at < 1u + label || n + 1u + label > NAME_MAX_LEN)
			return false;
		name[n++] = label;
		name_lower(name + n, bytes + at + 1, label);
		n += label;
		at += 1u + label;
		if (label == 0)
			break;
	}
	if (!jumped)
		*ret_behind = at;
	memcpy(ret_name, name, n);
	return true;
}

/* ---- reading ---- */

static bool record_read(const struct message *message, size_t at,
	struct message_record *ret_record, size_t *ret_at)
{
	const uint8_t *bytes = message->bytes;
	struct message_record *record = ret_record;

	record->at = at;
	if (!message_read_name(bytes, message->len, at, record->owner, &at) ||
		message->len - at < RECORD_FIXED)
		return false;
	record->type = be16_read(bytes + at);
	record->class = be16_read(bytes + at + 2);
	record->ttl_s = be32_read(bytes + at + 4);
	record->rdata_len = be16_read(bytes + at + 8);
	record->rdata = bytes + at + RECORD_FIXED;
	at += RECORD_FIXED;
	if (message->len - at < record->rdata_len)
		return false;
	*ret_at = at + record->rdata_len;
	return true;
}

bool message_next(const struct message *message, struct message_walk *walk,
	struct message_record *ret_record)
{
	if (walk->at == 0) {
		walk->at = message->records_at;
		walk->section = MESSAGE_ANSWER;
	}
	while (walk->section < MESSAGE_N_SECTIONS &&
		walk->n_seen[walk->section] == message->counts[walk->section])
		walk->section++;
	if (walk->section == MESSAGE_N_SECTIONS)
		return false;

	ret_record->section = walk->section;
	walk->n_seen[walk->section]++;
	return record_read(message, walk->at, ret_record, &walk->at);
}

static bool message_read_question(struct message *message)
{
	const uint8_t *bytes = message->bytes;
	size_t at = DNS_HEADER_LEN;

	if (message->counts[MESSAGE_QUESTION] > 1)
		return false;
	if (message->counts[MESSAGE_QUESTION] == 1) {
		if (!message_read_name(bytes, message->len, at, message->qname, &at) ||
			message->len - at < DNS_QUESTION_FIXED)
			return false;
		message->qtype = be16_read(bytes + at);
		message->qclass = be16_read(bytes + at + 2);
		message->has_question = true;
		at += DNS_QUESTION_FIXED;
	}
	message->records_at = at;
	return true;
}

/* Each record is read once, so that later walks cannot fail. */
static bool message_check_records(struct message *message)
{
	struct message_walk walk = {0};
	struct message_record record;
	unsigned int n = 0;

	while (message_next(message, &walk, &record)) {
		n++;
		if (record.section == MESSAGE_ADDITIONAL && record.type == DNS_TYPE_OPT)
			message->rcode = (message->rcode & 15) | record.ttl_s >> 24 << 4;
	}
	return walk.at == message->len && n == (unsigned int)message->counts[MESSAGE_ANSWER] +
							  message->counts[MESSAGE_AUTHORITY] +
							  message->counts[MESSAGE_ADDITIONAL];
}

bool message_read(const uint8_t *bytes, size_t len, struct message *ret_message)
{
	struct message message = {.bytes = bytes, .len = len};

	if (len < DNS_HEADER_LEN || len > MESSAGE_MAX)
		return false;
	message.id = be16_read(bytes);
	message.flags = be16_read(bytes + 2);
	message.opcode = (unsigned int)(message.flags & DNS_OPCODE_MASK) >> 11;
	message.rcode = message.flags & 15;
	for (size_t i = 0; i < MESSAGE_N_SECTIONS; i++)
		message.counts[i] = be16_read(bytes + 4 + 2 * i);
	if (!message_read_question(&message) || !message_check_records(&message))
		return false;
	*ret_message = message;
	return true;
}

bool message_rdata_name(const struct message *message, const struct message_record *record,
	size_t offset, uint8_t ret_name[NAME_MAX_LEN], size_t *ret_behind)
{
	size_t begin = (size_t)(record->rdata - message->bytes);
	size_t end = begin + record->rdata_len;
	size_t behind;

	/* the name's own octets lie within the RDATA; a pointer points to before it */
	if (offset >= record->rdata_len ||
		!message_read_name(message->bytes, end, begin + offset, ret_name, &behind))
		return false;
	*ret_behind = behind - begin;
	return true;
}

bool message_is_response(const struct message *message, const uint8_t *query, size_t query_len)
{
	struct message asked;

	if (!message_read(query, query_len, &asked) || !(message->flags & DNS_QR) ||
		message->id != asked.id || message->opcode != asked.opcode)
		return false;
	if (!message->has_question)
		return message->rcode != DNS_RCODE_NOERROR ||
		       asked.opcode == DNS_OPCODE_UPDATE;
	return asked.has_question && message->qtype == asked.qtype &&
	       message->qclass == asked.qclass && name_eq(message->qname, asked.qname);
}

const char *message_rcode_str(unsigned int rcode)
{
	static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
		"NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"};

	static _Thread_local char other[24];

	if (rcode < sizeof(names) / sizeof(names[0]))
		return names[rcode];
	snprintf(other, sizeof(other), "RCODE %u", rcode);
	return other;
}
