/* compose.c - writes the RRsets of an answer into a message, compressed
 *
 * compile.c calls it for answers laid out in advance, respond.c for the others. Names are
 * compressed against all names before them (RFC 1035 section 4.1.4): owners always, names in
 * RDATA only for the types of RFC 1035 itself (RFC 3597 section 4). If an RRset does not fit, it
 * is taken back as a whole (RFC 2181 section 9), and no other follows.
 */
#include "dnsd/answer/compose.h"

#include "common/bigendian.h"

enum {
	COMPOSE_MAX_SUFFIXES = 192,
	/* 14 bits, less the growth of a pointer by relocation in a shared answer (respond.c) */
	COMPOSE_POINTER_MAX = 0x3fff - NAME_MAX_LEN,
	RR_FIXED = 10, /* type, class, TTL, length */
};

/* A name in the message, or the end of a name. */
struct suffix {
	const uint8_t *name; /* uncompressed, where it came from */
	uint16_t at;	     /* in the message */
	uint8_t len;	     /* octets, uncompressed */
};

struct composer {
	const struct table *table;
	struct compose_record *record;
	uint8_t *message;
	size_t tail; /* where the question ends */
	size_t at;
	size_t limit;
	bool full; /* something did not fit */
	unsigned int n_suffixes;
	struct suffix suffixes[COMPOSE_MAX_SUFFIXES];
};

static bool has_room(struct composer *c, size_t len)
{
	if (c->limit - c->at < len)
		c->full = true;
	return !c->full;
}

static void put_bytes(struct composer *c, const void *bytes, size_t len)
{
	if (!has_room(c, len))
		return;
	memcpy(c->message + c->at, bytes, len);
	c->at += len;
}

static void put_be16(struct composer *c, unsigned int value)
{
	if (!has_room(c, 2))
		return;
	be16_write(c->message + c->at, value);
	c->at += 2;
}

static bool suffix_matches(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (a == b)
		return true;
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i] && name_octet_lower(a[i]) != name_octet_lower(b[i]))
			return false;
	return true;
}

static void remember_suffix(struct composer *c, const uint8_t *name, size_t at, size_t len)
{
	if (c->n_suffixes < COMPOSE_MAX_SUFFIXES && at <= COMPOSE_POINTER_MAX)
		c->suffixes[c->n_suffixes++] = (struct suffix){
			.name = name, .at = (uint16_t)at, .len = (uint8_t)len};
}

static bool find_suffix(const struct composer *c, unsigned int n_suffixes, const uint8_t *name,
	size_t len, size_t *ret_at)
{
	for (unsigned int i = 0; i < n_suffixes; i++)
		if (c->suffixes[i].len == len &&
			suffix_matches(c->suffixes[i].name, name, len)) {
			*ret_at = c->suffixes[i].at;
			return true;
		}
	return false;
}

static void put_pointer(struct composer *c, size_t to)
{
	if (c->record && has_room(c, 2)) {
		uint16_t at = (uint16_t)(c->at - c->tail);

		grow_add(&c->record->relocate, &at, 1);
	}
	put_be16(c, 0xc000u | (unsigned int)to);
}

static void put_name(struct composer *c, const uint8_t *name)
{
	unsigned int n_known = c->n_suffixes; /* a name does not refer to itself */
	size_t len = name_len(name);

	while (*name) {
		size_t at;

		if (find_suffix(c, n_known, name, len, &at)) {
			put_pointer(c, at);
			return;
		}
		if (!has_room(c, 1u + *name))
			return;
		remember_suffix(c, name, c->at, len);
		put_bytes(c, name, 1u + *name);
		len -= 1u + *name;
		name += 1 + *name;
	}
	put_bytes(c, name, 1);
}

/* RDATA of the types of RFC 1035: octets, names, octets. */
struct rdata_shape {
	uint8_t n_before;
	uint8_t n_names;
};

static struct rdata_shape shape_of(uint16_t type)
{
	switch (type) {
	case DNS_TYPE_NS:
	case DNS_TYPE_MD:
	case DNS_TYPE_MF:
	case DNS_TYPE_CNAME:
	case DNS_TYPE_MB:
	case DNS_TYPE_MG:
	case DNS_TYPE_MR:
	case DNS_TYPE_PTR:
		return (struct rdata_shape){0, 1};
	case DNS_TYPE_SOA:
	case DNS_TYPE_MINFO:
		return (struct rdata_shape){0, 2};
	case DNS_TYPE_MX:
		return (struct rdata_shape){2, 1};
	default:
		return (struct rdata_shape){0, 0};
	}
}

static void put_rdata(struct composer *c, uint16_t type, const uint8_t *rdata, size_t len)
{
	struct rdata_shape shape = shape_of(type);
	const uint8_t *end = rdata + len;

	if (shape.n_names > 0) {
		put_bytes(c, rdata, shape.n_before);
		rdata += shape.n_before;
		for (unsigned int i = 0; i < shape.n_names; i++) {
			put_name(c, rdata);
			rdata += name_len(rdata);
		}
	}
	put_bytes(c, rdata, (size_t)(end - rdata));
}

static void put_rr(struct composer *c, const struct answer_item *item, uint16_t type,
	const uint8_t *rdata, size_t rdata_len)
{
	put_name(c, item->owner);
	if (!has_room(c, RR_FIXED))
		return;

	uint8_t *fixed = c->message + c->at;
	be16_write(fixed, type);
	be16_write(fixed + 2, DNS_CLASS_IN);
	be32_write(fixed + 4, item->ttl_s);
	c->at += RR_FIXED;
	put_rdata(c, type, rdata, rdata_len);
	if (!c->full)
		be16_write(
			fixed + 8, (unsigned int)(c->at - (size_t)(fixed + 10 - c->message)));
}

/* Returns the number of records. */
static unsigned int put_item(struct composer *c, const struct answer_item *item)
{
	if (item->rrset == ANSWER_NO_RRSET) {
		put_rr(c, item, DNS_TYPE_CNAME, item->target, name_len(item->target));
		return 1;
	}

	const struct table_rrset *rrset = table_rrset(c->table, item->rrset);
	const uint8_t *data = table_byte(c->table, rrset->data_at);
	for (unsigned int i = 0; i < rrset->n_rrs && !c->full; i++) {
		uint16_t len;

		memcpy(&len, data, sizeof(len));
		put_rr(c, item, rrset->type, data + sizeof(len), len);
		data += sizeof(len) + len;
	}
	return rrset->n_rrs;
}

static bool needs_more(const struct answer *answer, unsigned int from)
{
	for (unsigned int i = from; i < answer->n_items; i++)
		if (answer->items[i].required)
			return true;
	return answer->too_many;
}

static void record_cut(struct composer *c, const struct answer *answer, unsigned int n_done,
	struct composed *so_far)
{
	struct table_cut cut = {
		.len = (uint16_t)(c->at - c->tail),
		.flags = so_far->flags,
		.counts = {so_far->counts[0], so_far->counts[1], so_far->counts[2]},
	};

	if (needs_more(answer, n_done))
		cut.flags |= DNS_TC;
	grow_add(&c->record->cuts, &cut, 1);
}

void compose(const struct table *table, const struct answer *answer, const uint8_t *qname,
	uint8_t *message, size_t question_end, size_t limit, struct compose_record *record,
	struct composed *ret_composed)
{
	struct composer c = {
		.table = table,
		.record = record,
		.message = message,
		.tail = question_end,
		.at = question_end,
		.limit = limit,
	};
	struct composed *out = ret_composed;
	unsigned int n_done = 0;

	*out = (struct composed){
		.flags = (uint16_t)(answer->rcode | (answer->authoritative ? DNS_AA : 0))};

	size_t left = name_len(qname);
	size_t at = DNS_HEADER_LEN;
	for (const uint8_t *name = qname; *name; name += 1 + *name) {
		remember_suffix(&c, name, at, left);
		at += 1u + *name;
		left -= 1u + *name;
	}

	for (; n_done < answer->n_items; n_done++) {
		size_t before = c.at;
		size_t n_relocate = record ? record->relocate.n : 0;

		if (record)
			record_cut(&c, answer, n_done, out);
		unsigned int n_rrs = put_item(&c, &answer->items[n_done]);
		if (c.full) {
			c.at = before;
			if (record)
				record->relocate.n = n_relocate;
			break;
		}
		out->counts[answer->items[n_done].section] += (uint16_t)n_rrs;
	}

	out->len = c.at;
	if (needs_more(answer, n_done))
		out->flags |= DNS_TC;
}
