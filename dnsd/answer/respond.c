/* respond.c - the path of a query: octets in, octets out
 *
 *     query_parse -> find the answer in the table -> copy it behind the question
 *                                                 -> write the header and OPT
 *
 * The usual query finds a finished answer and costs a hash, a comparison and a copy. Questions
 * without one (wildcards, DNAME, ...) go through answer.c and compose.c on the stack. A message
 * that is not a sound question of class IN gets a header and perhaps OPT from here: RFC 1035,
 * 5936, 6891, 7828, 7873, 8490, 8906, 8945.
 *
 * udp.c, tcp.c and the tests call it. Must never allocate, lock, or make a system call.
 */
#include "dnsd/answer/respond.h"

#include "common/bigendian.h"
#include "dnsd/answer/compose.h"

enum {
	UDP_WITHOUT_EDNS_MAX = 512, /* RFC 1035 section 4.2.1 */
	OPT_FIXED = 11,
};

/* One query and its response. */
struct exchange {
	const struct table *table;
	const struct respond_conf *conf;
	const struct respond_from *from;
	struct stats *stats;
	const uint8_t *packet;
	uint8_t *reply;
	size_t limit;	/* octets of the reply at most, without OPT */
	size_t opt_len; /* of the OPT record at the end of the reply; 0: none */
	struct query query;
};

/* --- OPT --- */

static size_t opt_len(const struct exchange *x)
{
	const struct query_edns *edns = &x->query.edns;
	size_t len = OPT_FIXED;

	if (edns->wants_nsid && x->conf->nsid_len > 0)
		len += 4 + x->conf->nsid_len;
	if (edns->cookie)
		len += 4 + COOKIE_CLIENT_LEN + COOKIE_SERVER_LEN;
	if (edns->wants_keepalive && x->from->tcp)
		len += 4 + 2;
	return len;
}

static uint8_t *put_option(uint8_t *at, unsigned int code, size_t len)
{
	be16_write(at, code);
	be16_write(at + 2, (unsigned int)len);
	return at + 4;
}

static uint8_t *put_cookie(const struct exchange *x, uint8_t *at)
{
	const struct query_edns *edns = &x->query.edns;
	const uint8_t *server = edns->cookie + COOKIE_CLIENT_LEN;
	struct addr client = addr_from_sockaddr(x->from->client);

	stats_add(x->stats, STATS_COOKIES, 1);
	if (edns->cookie_len > COOKIE_CLIENT_LEN &&
		cookie_is_valid(&x->conf->cookies, edns->cookie, server,
			(size_t)edns->cookie_len - COOKIE_CLIENT_LEN, &client, x->from->now_s))
		stats_add(x->stats, STATS_COOKIES_VALID, 1);

	at = put_option(at, DNS_EDNS_COOKIE, COOKIE_CLIENT_LEN + COOKIE_SERVER_LEN);
	memcpy(at, edns->cookie, COOKIE_CLIENT_LEN);
	cookie_make(&x->conf->cookies, edns->cookie, &client, x->from->now_s,
		at + COOKIE_CLIENT_LEN);
	return at + COOKIE_CLIENT_LEN + COOKIE_SERVER_LEN;
}

/* Writes the OPT record at the end of the reply. RFC 6891 section 6.1. */
static size_t put_opt(const struct exchange *x, size_t len, unsigned int rcode)
{
	const struct query_edns *edns = &x->query.edns;
	uint8_t *opt = x->reply + len;
	uint8_t *at = opt + OPT_FIXED;

	opt[0] = 0; /* the root */
	be16_write(opt + 1, DNS_TYPE_OPT);
	be16_write(opt + 3, RESPOND_UDP_MAX);
	opt[5] = (uint8_t)(rcode >> 4);
	opt[6] = 0; /* version */
	be16_write(opt + 7, edns->dnssec_ok ? DNS_EDNS_DO : 0);
	be16_write(opt + 9, (unsigned int)(x->opt_len - OPT_FIXED));
	if (x->opt_len == OPT_FIXED)
		return len + OPT_FIXED;

	if (edns->wants_nsid && x->conf->nsid_len > 0) {
		at = put_option(at, DNS_EDNS_NSID, x->conf->nsid_len);
		memcpy(at, x->conf->nsid, x->conf->nsid_len);
		at += x->conf->nsid_len;
	}
	if (edns->cookie)
		at = put_cookie(x, at);
	if (edns->wants_keepalive && x->from->tcp) {
		at = put_option(at, DNS_EDNS_KEEPALIVE, 2);
		be16_write(at, x->conf->keepalive_100ms);
		at += 2;
	}
	return (size_t)(at - x->reply);
}

/* --- headers --- */

/* The body ends at `len`: writes the header before it and OPT behind it, and counts. */
static size_t finish(struct exchange *x, size_t len, unsigned int flags, unsigned int rcode,
	const uint16_t counts[3])
{
	uint8_t *reply = x->reply;
	bool has_opt = x->opt_len > 0;

	/* RFC 1035 section 4.1.1: opcode and RD are copied; AD, CD, RA and Z are clear */
	flags |= DNS_QR | (x->query.flags & (DNS_OPCODE_MASK | DNS_RD)) | (rcode & 15);
	be16_write(reply, x->query.id);
	be16_write(reply + 2, flags);
	be16_write(reply + 4, len > DNS_HEADER_LEN);
	be16_write(reply + 6, counts[ANSWER_SECTION]);
	be16_write(reply + 8, counts[AUTHORITY_SECTION]);
	be16_write(reply + 10, counts[ADDITIONAL_SECTION] + (unsigned int)has_opt);
	if (has_opt) {
		stats_add(x->stats, STATS_EDNS, 1);
		len = put_opt(x, len, rcode);
	}
	if (flags & DNS_TC)
		stats_add(x->stats, STATS_TRUNCATED, 1);
	stats_count_rcode(x->stats, rcode);
	stats_add(x->stats, STATS_RESPONSES, 1);
	return len;
}

static size_t question_len(const struct query *query)
{
	return (size_t)DNS_HEADER_LEN + query->qname_len + DNS_QUESTION_FIXED;
}

/* Copies it octet by octet, with its mixed case (draft-vixie-dnsext-dns0x20). */
static void copy_question(struct exchange *x)
{
	uint8_t *to = x->reply;
	const uint8_t *from = x->packet;
	const uint8_t *end = from + question_len(&x->query);

	/* sixteen octets at a time: a call of memcpy costs more for so few. Packet and reply
	 * have room for the excess. */
	for (; from < end; from += 16, to += 16)
		memcpy(to, from, 16);
}

static size_t respond_empty(struct exchange *x, unsigned int rcode, bool with_question)
{
	static const uint16_t none[3];
	size_t len = DNS_HEADER_LEN;

	if (with_question) {
		copy_question(x);
		len = question_len(&x->query);
	}
	return finish(x, len, 0, rcode, none);
}

/* --- answers --- */

/* The finished answer of a name in the table, or NULL if the general algorithm decides. */
static const struct table_answer *find_answer(
	const struct table *table, const struct table_node *node, uint16_t qtype)
{
	const struct table_answer *answer = table_answer(table, node->first_answer);

	for (unsigned int i = 0; i < node->n_answers; i++, answer++)
		if (answer->type == qtype)
			return answer;
	return node->other_plus1 ? table_answer(table, node->other_plus1 - 1) : NULL;
}

/* The longest version that has room for `room` octets of tail. */
static struct table_cut fit(
	const struct table *table, const struct table_answer *answer, size_t room)
{
	struct table_cut cut = {
		.len = answer->len,
		.flags = answer->flags,
		.counts = {answer->counts[0], answer->counts[1], answer->counts[2]},
	};

	if (cut.len <= room)
		return cut;
	for (unsigned int i = 0; i < answer->n_cuts; i++) {
		const struct table_cut *shorter = table_cut(table, answer->cuts_at + i);

		if (shorter->len <= room)
			return *shorter;
	}
	return (struct table_cut){.flags = answer->flags | DNS_TC};
}

/* Moves the compression pointers of a shared answer to this question's longer name. */
static void relocate(const struct table *table, const struct table_answer *answer,
	uint8_t *tail, size_t len, unsigned int by)
{
	const uint8_t *list = table_byte(table, answer->relocate_at);

	for (unsigned int i = 0; i < answer->n_relocate; i++, list += sizeof(uint16_t)) {
		uint16_t at;

		memcpy(&at, list, sizeof(at));
		if (at + 2u > len)
			return; /* cut off; they are in ascending order */
		be16_write(tail + at, be16_read(tail + at) + by);
	}
}

static size_t respond_finished(struct exchange *x, const struct table_answer *answer)
{
	size_t tail = question_len(&x->query);
	struct table_cut cut = fit(x->table, answer, x->limit - tail);

	copy_question(x);
	memcpy(x->reply + tail, table_byte(x->table, answer->tail_at), cut.len);
	if (answer->n_relocate > 0 && x->query.qname_len != answer->for_name_len)
		relocate(x->table, answer, x->reply + tail, cut.len,
			x->query.qname_len - answer->for_name_len);
	return finish(x, tail + cut.len, cut.flags & ~15u, cut.flags & 15, cut.counts);
}

__attribute__((noinline)) static size_t respond_general(struct exchange *x)
{
	struct answer answer;
	struct composed composed;

	stats_add(x->stats, STATS_SLOW, 1);
	answer_find(x->table, x->query.name, x->query.qname_len, x->query.qtype, &answer);
	copy_question(x);
	compose(x->table, &answer, x->query.name, x->reply, question_len(&x->query), x->limit,
		NULL, &composed);
	return finish(
		x, composed.len, composed.flags & ~15u, composed.flags & 15, composed.counts);
}

/* An answer of one TXT record, TTL 0, with one string of up to 128 octets. */
static size_t respond_txt(struct exchange *x, const uint8_t *text, size_t len)
{
	static const uint16_t one[3] = {1, 0, 0};

	copy_question(x);
	uint8_t *rr = x->reply + question_len(&x->query);
	be16_write(rr, 0xc000 | DNS_HEADER_LEN);
	be16_write(rr + 2, DNS_TYPE_TXT);
	be16_write(rr + 4, x->query.qclass);
	be32_write(rr + 6, 0);
	be16_write(rr + 10, (unsigned int)len + 1);
	rr[12] = (uint8_t)len;
	memcpy(rr + 13, text, len);
	return finish(x, question_len(&x->query) + 13 + len, DNS_AA, DNS_RCODE_NOERROR, one);
}

/* --- names that do not exist --- */

/* A name with an open token of `verify --inbound`: TXT gives the view, other types NODATA. */
__attribute__((noinline)) static size_t respond_inbound(
	struct exchange *x, const struct table_node *apex, enum inbound_kind kind)
{
	static const uint16_t none[3];
	char text[8 + SITE_NAME_MAX] = "view=";

	if (kind == INBOUND_TRUNCATED && !x->from->tcp) {
		copy_question(x);
		return finish(
			x, question_len(&x->query), DNS_AA | DNS_TC, DNS_RCODE_NOERROR, none);
	}
	if (x->query.qtype != DNS_TYPE_TXT && x->query.qtype != DNS_TYPE_ANY)
		return apex->other_plus1 ? respond_finished(x, table_answer(x->table,
								       apex->other_plus1 - 1))
					 : respond_empty(x, DNS_RCODE_NOERROR, true);
	strncat(text, x->conf->view_name, SITE_NAME_MAX);
	return respond_txt(x, (const uint8_t *)text, strlen(text));
}

__attribute__((noinline)) static enum inbound_kind inbound_kind_of(
	const struct exchange *x, const struct table_node *apex)
{
	const struct query *query = &x->query;
	const struct inbound_query arrived = {
		.label = query->name,
		.view = x->conf->view,
		.ipv6 = x->from->client->sa_family == AF_INET6,
		.tcp = x->from->tcp,
		.now_s = x->from->now_s,
	};

	if (query->name[0] + 1u + apex->name_len != query->qname_len)
		return INBOUND_NOT;
	return inbound_token_count(x->conf->inbound_tokens, &arrived);
}

/* The closest encloser has the answer for names below itself that do not exist. */
static size_t respond_below(struct exchange *x)
{
	const struct query *query = &x->query;
	bool exact;
	const struct table_node *node = answer_closest(
		x->table, query->name, query->qname_len, &exact);

	if (node && node->flags & NODE_APEX &&
		inbound_tokens_are_open(x->conf->inbound_tokens)) {
		enum inbound_kind kind = inbound_kind_of(x, node);

		if (kind != INBOUND_NOT)
			return respond_inbound(x, node, kind);
	}
	if (node && node->below_plus1)
		return respond_finished(x, table_answer(x->table, node->below_plus1 - 1));
	return respond_general(x);
}

/* --- messages that are not plain questions --- */

/* RFC 4892: the identity of the server, if the operator gave it one. */
static size_t respond_chaos(struct exchange *x)
{
	static const uint8_t id_server[] = "\2id\6server";
	static const uint8_t hostname_bind[] = "\10hostname\4bind";
	const uint8_t *name = x->query.name;
	size_t nsid_len = x->conf->nsid_len;

	if ((!name_eq(name, id_server) && !name_eq(name, hostname_bind)) || nsid_len == 0 ||
		(x->query.qtype != DNS_TYPE_TXT && x->query.qtype != DNS_TYPE_ANY))
		return respond_empty(x, DNS_RCODE_REFUSED, true);

	return respond_txt(x, x->conf->nsid, nsid_len);
}

/* RFC 8945 section 5.2.1: we know no key, so the error is BADKEY, and unsigned. The TSIG record is
 * the last one, behind OPT. */
static size_t respond_badkey(struct exchange *x)
{
	const struct query_tsig *tsig = &x->query.tsig;
	size_t len = respond_empty(x, DNS_RCODE_NOTAUTH, x->query.has_question);
	uint8_t *at = x->reply + len;

	if (len + tsig->owner_len + tsig->algorithm_len + 26u > x->limit + x->opt_len)
		return len;
	memcpy(at, tsig->owner, tsig->owner_len);
	at += tsig->owner_len;
	be16_write(at, DNS_TYPE_TSIG);
	be16_write(at + 2, DNS_CLASS_ANY);
	be32_write(at + 4, 0);
	be16_write(at + 8, tsig->algorithm_len + 16u);
	at += 10;
	memcpy(at, tsig->algorithm, tsig->algorithm_len);
	at += tsig->algorithm_len;
	memcpy(at, tsig->time_signed, 8);
	be16_write(at + 8, 0); /* MAC size */
	be16_write(at + 10, tsig->original_id);
	be16_write(at + 12, DNS_RCODE_BADKEY);
	be16_write(at + 14, 0); /* other length */
	be16_write(x->reply + 10, be16_read(x->reply + 10) + 1u);
	return (size_t)(at + 16 - x->reply);
}

/* The RCODE for a type that is no data: RFC 6895 section 3.1. Other types return NOERROR here. */
static unsigned int meta_type_rcode(const struct exchange *x)
{
	switch (x->query.qtype) {
	case DNS_TYPE_OPT:
	case DNS_TYPE_TSIG:
	case DNS_TYPE_TKEY:
		return DNS_RCODE_FORMERR;
	case DNS_TYPE_AXFR: /* RFC 5936 section 4.2: not over UDP */
		return x->from->tcp ? DNS_RCODE_REFUSED : DNS_RCODE_FORMERR;
	case DNS_TYPE_IXFR: /* RFC 1995 section 3: the client's SOA is in authority */
		return x->query.has_authority ? DNS_RCODE_REFUSED : DNS_RCODE_FORMERR;
	default:
		return DNS_RCODE_NOERROR;
	}
}

static size_t respond_question(struct exchange *x)
{
	if (x->query.tsig.present)
		return respond_badkey(x);
	if (x->query.opcode == DNS_OPCODE_NOTIFY)
		return respond_empty(
			x, DNS_RCODE_NOTAUTH, true); /* RFC 1996: not a secondary */
	if (x->query.qclass == DNS_CLASS_CH)
		return respond_chaos(x);
	if (x->query.qclass != DNS_CLASS_IN)
		return respond_empty(x, DNS_RCODE_REFUSED, true);

	unsigned int rcode = meta_type_rcode(x);
	if (rcode != DNS_RCODE_NOERROR)
		return respond_empty(x, rcode, true);

	const struct table_node *node = table_find_hash(
		x->table, x->query.name, x->query.qname_len, x->query.hash);
	if (!node || node->flags & NODE_OUTSIDE)
		return respond_below(x);
	const struct table_answer *answer = find_answer(x->table, node, x->query.qtype);
	return answer ? respond_finished(x, answer) : respond_general(x);
}

/* How long the reply may be. RFC 6891 section 6.2.3: less than 512 means 512. */
static size_t reply_limit(const struct exchange *x)
{
	const struct query_edns *edns = &x->query.edns;

	if (x->from->tcp)
		return RESPOND_TCP_MAX;
	if (!edns->present || edns->udp_size < UDP_WITHOUT_EDNS_MAX)
		return UDP_WITHOUT_EDNS_MAX;
	return edns->udp_size < RESPOND_UDP_MAX ? edns->udp_size : RESPOND_UDP_MAX;
}

size_t respond(const struct table *table, const struct respond_conf *conf,
	const struct respond_from *from, const uint8_t *query, size_t len, uint8_t *reply,
	struct stats *stats)
{
	struct exchange x;

	x.table = table;
	x.conf = conf;
	x.from = from;
	x.stats = stats;
	x.packet = query;
	x.reply = reply;
	stats_add(stats, STATS_QUERIES, 1);

	enum query_verdict verdict = query_parse(query, len, &x.query);
	if (verdict == QUERY_SILENT) {
		stats_add(stats, STATS_DROPPED, 1);
		return 0;
	}

	x.opt_len = x.query.edns.present ? opt_len(&x) : 0;
	x.limit = reply_limit(&x) - x.opt_len;
	switch (verdict) {
	case QUERY_OK:
		return respond_question(&x);
	case QUERY_COOKIE_ONLY:
		return respond_empty(&x, DNS_RCODE_NOERROR, false);
	case QUERY_BADVERS:
		return respond_empty(&x, DNS_RCODE_BADVERS, x.query.has_question);
	case QUERY_NOTIMP:
		return respond_empty(&x, DNS_RCODE_NOTIMP, false);
	case QUERY_FORMERR:
	default:
		return respond_empty(&x, DNS_RCODE_FORMERR, x.query.has_question);
	}
}
