/* rdata.c - the fields of RDATA in wire form: where the names in it are, how two compare
 *
 * Called by zonerules.c, zonetarget.c and rdatatext.c. A field is a range of octets; ldns's
 * field type and the octets themselves give its length. A walk ends at the first field of
 * another shape, which is always the tail of the record (keys, digests, bit maps, parameters).
 */
#include "dnsd/wire/rdata.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <string.h>

#include "dnsd/wire/name.h"

enum field_kind { FIELD_NAME, FIELD_OCTETS, FIELD_OPAQUE, FIELD_BAD };

struct field {
	enum field_kind kind;
	size_t len;
};

static struct field field_of_name(const uint8_t *at, size_t left)
{
	size_t len = 0;

	/* no compression: a length octet above 63 is no label */
	while (len < left && at[len] > 0 && at[len] <= 63)
		len += 1u + at[len];
	if (len >= left || at[len] != 0 || len + 1 > NAME_MAX_LEN)
		return (struct field){.kind = FIELD_BAD};
	return (struct field){.kind = FIELD_NAME, .len = len + 1};
}

static struct field field_of_octets(size_t len, size_t left)
{
	return (struct field){.kind = len <= left ? FIELD_OCTETS : FIELD_BAD, .len = len};
}

static struct field field_at(ldns_rdf_type type, const uint8_t *at, size_t left)
{
	switch (type) {
	case LDNS_RDF_TYPE_DNAME:
		return field_of_name(at, left);
	case LDNS_RDF_TYPE_INT8:
	case LDNS_RDF_TYPE_ALG:
		return field_of_octets(1, left);
	case LDNS_RDF_TYPE_INT16:
		return field_of_octets(2, left);
	case LDNS_RDF_TYPE_INT32:
	case LDNS_RDF_TYPE_PERIOD:
	case LDNS_RDF_TYPE_A:
		return field_of_octets(4, left);
	case LDNS_RDF_TYPE_AAAA:
		return field_of_octets(16, left);
	case LDNS_RDF_TYPE_STR:
		return field_of_octets(left ? 1u + at[0] : 1, left);
	default:
		return (struct field){.kind = FIELD_OPAQUE, .len = left};
	}
}

struct walk {
	const ldns_rr_descriptor *layout;
	const uint8_t *rdata;
	size_t len;
	size_t pos;
	size_t index; /* of the next field */
};

static struct walk walk_begin(uint16_t type, const uint8_t *rdata, size_t len)
{
	const ldns_rr_descriptor *layout = ldns_rr_descript(type);
	/* for an unknown type ldns returns the descriptor of another one */
	bool known = type != 0 && layout && layout->_type == type;

	return (struct walk){.layout = known ? layout : NULL, .rdata = rdata, .len = len};
}

/* False at the end, or at a field of another shape. */
static bool walk_next(struct walk *walk, struct field *ret_field, const uint8_t **ret_at)
{
	const uint8_t *at = walk->rdata + walk->pos;

	if (!walk->layout || walk->pos >= walk->len ||
		walk->index >= ldns_rr_descriptor_maximum(walk->layout))
		return false;
	*ret_field = field_at(ldns_rr_descriptor_field_type(walk->layout, walk->index), at,
		walk->len - walk->pos);
	*ret_at = at;
	walk->pos += ret_field->len;
	walk->index++;
	return ret_field->kind == FIELD_NAME || ret_field->kind == FIELD_OCTETS;
}

bool rdata_is_valid(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct walk walk = walk_begin(type, rdata, len);
	struct field field = {.kind = FIELD_OCTETS};
	const uint8_t *at;

	if (!walk.layout)
		return true;
	while (walk_next(&walk, &field, &at)) {
	}
	if (field.kind == FIELD_BAD)
		return false;
	if (field.kind == FIELD_OPAQUE)
		return true;
	return walk.pos == len && walk.index >= ldns_rr_descriptor_minimum(walk.layout);
}

const uint8_t *rdata_next_name(uint16_t type, const uint8_t *rdata, size_t len, size_t *pos)
{
	struct walk walk = walk_begin(type, rdata, len);
	struct field field;
	const uint8_t *at;

	while (walk_next(&walk, &field, &at)) {
		if (field.kind != FIELD_NAME || walk.pos <= *pos)
			continue;
		*pos = walk.pos;
		return at;
	}
	return NULL;
}

const uint8_t *rdata_target(uint16_t type, const uint8_t *rdata, size_t len)
{
	size_t pos = 0;

	switch (type) {
	case LDNS_RR_TYPE_NS:
	case LDNS_RR_TYPE_CNAME:
	case LDNS_RR_TYPE_MX:
	case LDNS_RR_TYPE_AFSDB:
	case LDNS_RR_TYPE_RT:
	case LDNS_RR_TYPE_KX:
	case LDNS_RR_TYPE_SRV:
	case LDNS_RR_TYPE_NAPTR:
	case LDNS_RR_TYPE_SVCB:
	case LDNS_RR_TYPE_HTTPS:
		return rdata_next_name(type, rdata, len, &pos);
	default:
		return NULL;
	}
}

/* RFC 4034 section 6.2, as RFC 6840 section 5.1 corrects it; newer types keep their case. */
static bool names_are_lowered(uint16_t type)
{
	switch (type) {
	case LDNS_RR_TYPE_NS:
	case LDNS_RR_TYPE_MD:
	case LDNS_RR_TYPE_MF:
	case LDNS_RR_TYPE_CNAME:
	case LDNS_RR_TYPE_SOA:
	case LDNS_RR_TYPE_MB:
	case LDNS_RR_TYPE_MG:
	case LDNS_RR_TYPE_MR:
	case LDNS_RR_TYPE_PTR:
	case LDNS_RR_TYPE_MINFO:
	case LDNS_RR_TYPE_MX:
	case LDNS_RR_TYPE_RP:
	case LDNS_RR_TYPE_AFSDB:
	case LDNS_RR_TYPE_RT:
	case LDNS_RR_TYPE_PX:
	case LDNS_RR_TYPE_NAPTR:
	case LDNS_RR_TYPE_KX:
	case LDNS_RR_TYPE_SRV:
	case LDNS_RR_TYPE_DNAME:
		return true;
	default:
		return false;
	}
}

static int octets_cmp(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int field_cmp(
	const struct field *a, const uint8_t *a_at, const struct field *b, const uint8_t *b_at)
{
	uint8_t a_low[NAME_MAX_LEN];
	uint8_t b_low[NAME_MAX_LEN];

	if (a->kind != FIELD_NAME || b->kind != FIELD_NAME)
		return octets_cmp(a_at, a->len, b_at, b->len);
	name_lower(a_low, a_at, a->len);
	name_lower(b_low, b_at, b->len);
	return octets_cmp(a_low, a->len, b_low, b->len);
}

int rdata_cmp(uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	struct walk wa = walk_begin(type, a, a_len);
	struct walk wb = walk_begin(type, b, b_len);

	if (!names_are_lowered(type))
		return octets_cmp(a, a_len, b, b_len);

	for (;;) {
		struct field fa, fb;
		const uint8_t *a_at, *b_at;
		bool more_a = walk_next(&wa, &fa, &a_at);
		bool more_b = walk_next(&wb, &fb, &b_at);

		if (!more_a || !more_b)
			return (int)more_a - (int)more_b;
		int order = field_cmp(&fa, a_at, &fb, b_at);
		if (order)
			return order;
	}
}

const char *rdata_type_str(uint16_t type, char *out)
{
	const ldns_rr_descriptor *layout = ldns_rr_descript(type);

	if (layout && layout->_name && layout->_type == type)
		snprintf(out, RDATA_TYPE_STR_LEN, "%s", layout->_name);
	else
		snprintf(out, RDATA_TYPE_STR_LEN, "TYPE%u", type);
	return out;
}
