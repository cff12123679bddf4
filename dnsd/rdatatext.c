/* rdatatext.c - RDATA from the words of a master file
 *
 * Called by zonerecord.c for each record. ldns's descriptor tells which fields a type has. The
 * common ones (names, numbers, addresses, strings) are read here, since ldns lets numbers wrap
 * (MX 70000 becomes 4464), accepts names of more than 255 octets once the origin is appended,
 * and cannot say which word it did not like. All other fields go through ldns's own readers,
 * one at a time. RFC 3597's \# is accepted for every type, and its length is checked.
 */
#include "dnsd/rdatatext.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/cleanup.h"
#include "dnsd/rdata.h"

struct parse {
	const struct rdatatext *text;
	size_t next; /* index of the next token */
	uint8_t *out;
	size_t len;
	char *why;
};

static int refuse(struct parse *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(struct parse *p, const char *format, ...)
{
	char type[RDATA_TYPE_STR_LEN];
	va_list args;

	int n = snprintf(
		p->why, RDATATEXT_WHY_LEN, "%s: ", rdata_type_str(p->text->type, type));
	va_start(args, format);
	vsnprintf(p->why + n, RDATATEXT_WHY_LEN - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

static int refuse_token(struct parse *p, const struct zonetoken *token, const char *problem)
{
	char show[ZONETOKEN_SHOW_LEN];

	return refuse(p, "'%s' %s", zonetoken_show(token, show), problem);
}

static int put(struct parse *p, const void *bytes, size_t len)
{
	if (len > RDATA_MAX_LEN - p->len)
		return refuse(p, "the data is longer than 65535 octets");
	if (len > 0)
		memcpy(p->out + p->len, bytes, len);
	p->len += len;
	return 0;
}

static size_t n_left(const struct parse *p)
{
	return p->text->n_tokens - p->next;
}

static int name_parse(struct parse *p, const struct zonetoken *token)
{
	uint8_t name[NAME_MAX_LEN];
	size_t len;
	const char *problem = zonetoken_name(token, p->text->origin, name, &len);

	return problem ? refuse_token(p, token, problem) : put(p, name, len);
}

static int number_parse(struct parse *p, const struct zonetoken *token, size_t octets)
{
	uint32_t max = octets == 4 ? UINT32_MAX : (1u << (8 * octets)) - 1;
	uint32_t value;
	const char *problem = zonetoken_number(token, max, &value);

	if (problem)
		return refuse_token(p, token, problem);
	uint8_t be[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
		(uint8_t)value};
	return put(p, be + 4 - octets, octets);
}

static int period_parse(struct parse *p, const struct zonetoken *token)
{
	uint32_t value;
	const char *problem = zonetoken_period(token, &value);

	if (problem)
		return refuse_token(p, token, problem);
	uint8_t be[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
		(uint8_t)value};
	return put(p, be, 4);
}

static int addr_field_parse(struct parse *p, const struct zonetoken *token, int family)
{
	struct addr addr;

	if (addr_parse(token->text, &addr) < 0 || addr.family != family)
		return refuse_token(p, token,
			family == AF_INET ? "is not an IPv4 address"
					  : "is not an IPv6 address");
	return put(p, addr.bytes, addr_len(&addr));
}

static int string_parse(struct parse *p, const struct zonetoken *token)
{
	AUTO(freep) uint8_t *octets = malloc(token->len + 1);
	size_t len;

	if (!octets)
		return -ENOMEM;
	const char *problem = zonetoken_octets(token, octets, &len);
	if (problem)
		return refuse_token(p, token, problem);
	if (len > 255)
		return refuse_token(p, token,
			"is longer than 255 octets: split it into several \"strings\"");

	uint8_t len_octet = (uint8_t)len;
	int err = put(p, &len_octet, 1);
	return err ? err : put(p, octets, len);
}

/* A string without length octet: the value of CAA and URI, quoted or not. */
static int long_string_parse(struct parse *p, const struct zonetoken *token)
{
	AUTO(freep) uint8_t *octets = malloc(token->len + 1);
	size_t len;

	if (!octets)
		return -ENOMEM;
	const char *problem = zonetoken_octets(token, octets, &len);

	return problem ? refuse_token(p, token, problem) : put(p, octets, len);
}

/* RFC 4025: a gateway that is a name; ldns leaves it without the origin. */
static bool is_ipseckey_name(const struct parse *p, size_t index)
{
	return p->text->type == LDNS_RR_TYPE_IPSECKEY && index == 3 &&
	       strcmp(p->text->tokens[1].text, "3") == 0;
}

/* The text that ldns reads in place of one word. */
static int word_print(struct parse *p, size_t index, FILE *out)
{
	const struct zonetoken *token = &p->text->tokens[index];
	uint8_t name[NAME_MAX_LEN];
	char shown[NAME_STR_LEN];
	size_t len;

	if (!is_ipseckey_name(p, index)) {
		fprintf(out, token->quoted ? "\"%s\"" : "%s", token->text);
		return 0;
	}
	const char *problem = zonetoken_name(token, p->text->origin, name, &len);
	if (problem)
		return refuse_token(p, token, problem);
	fputs(name_str(name, shown), out);
	return 0;
}

/* `n` words from the next on, joined; the caller frees. */
static int words_join(struct parse *p, size_t n, const char *between, char **ret_text)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int err = 0;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < n && !err; i++) {
		if (i > 0)
			fputs(between, out);
		err = word_print(p, p->next + i, out);
	}
	if (fclose(out) != 0 && !err)
		err = -ENOMEM;
	if (err) {
		free(text);
		return err;
	}
	*ret_text = text;
	return 0;
}

static const char *field_noun(ldns_rdf_type type)
{
	switch (type) {
	case LDNS_RDF_TYPE_B64:
		return "base64";
	case LDNS_RDF_TYPE_HEX:
		return "a whole number of octets in hexadecimal";
	case LDNS_RDF_TYPE_NSEC:
		return "a list of types";
	case LDNS_RDF_TYPE_TYPE:
		return "a type";
	case LDNS_RDF_TYPE_TIME:
		return "a date as YYYYMMDDHHMMSS";
	case LDNS_RDF_TYPE_ALG:
	case LDNS_RDF_TYPE_CERT_ALG:
		return "an algorithm";
	case LDNS_RDF_TYPE_LOC:
		return "a location (51 30 12.748 N 0 7 39.611 W 10m)";
	case LDNS_RDF_TYPE_APL:
		return "a prefix as 1:192.0.2.0/24";
	case LDNS_RDF_TYPE_EUI48:
		return "an EUI-48 address (00-00-5e-00-53-2a)";
	case LDNS_RDF_TYPE_EUI64:
		return "an EUI-64 address";
	case LDNS_RDF_TYPE_TAG:
		return "a tag (letters and digits)";
	case LDNS_RDF_TYPE_SVCPARAMS:
		return "a list of service parameters (alpn=h2 port=443)";
	default:
		return "what this type takes";
	}
}

/* One field of the shapes that ldns reads, from `n` joined words. */
static int ldns_parse(struct parse *p, ldns_rdf_type type, size_t n)
{
	bool packed = type == LDNS_RDF_TYPE_B64 || type == LDNS_RDF_TYPE_HEX;
	AUTO(freep) char *joined = NULL;

	int err = words_join(p, n, packed ? "" : " ", &joined);
	if (err)
		return err;
	ldns_rdf *rdf = ldns_rdf_new_frm_str(type, joined);
	if (!rdf) {
		struct zonetoken token = {.text = joined, .len = strlen(joined)};
		char show[ZONETOKEN_SHOW_LEN];

		return refuse(
			p, "'%s' is not %s", zonetoken_show(&token, show), field_noun(type));
	}
	err = put(p, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
	ldns_rdf_deep_free(rdf);
	return err;
}

/* A mnemonic or a number of one octet (two for CERT's type); ldns lets numbers wrap. */
static int mnemonic_parse(struct parse *p, ldns_rdf_type type, const struct zonetoken *token)
{
	uint32_t max = type == LDNS_RDF_TYPE_CERT_ALG ? UINT16_MAX : UINT8_MAX;
	uint32_t value;

	if (strspn(token->text, "0123456789") == token->len) {
		const char *problem = zonetoken_number(token, max, &value);
		if (problem)
			return refuse_token(p, token, problem);
	}
	return ldns_parse(p, type, 1);
}

/* The types of NSEC and CSYNC; ldns passes over a word that it does not know. */
static int bitmap_parse(struct parse *p)
{
	for (size_t i = p->next; i < p->text->n_tokens; i++)
		if (rdatatext_type(&p->text->tokens[i]) < 0)
			return refuse_token(p, &p->text->tokens[i], "is not a type");
	return ldns_parse(p, LDNS_RDF_TYPE_BITMAP, n_left(p));
}

/* How many words the field takes. */
static size_t field_width(const struct parse *p, ldns_rdf_type type)
{
	switch (type) {
	case LDNS_RDF_TYPE_B64:
	case LDNS_RDF_TYPE_HEX:
	case LDNS_RDF_TYPE_LOC:
	case LDNS_RDF_TYPE_WKS:
	case LDNS_RDF_TYPE_NSEC:
	case LDNS_RDF_TYPE_NSAP:
	case LDNS_RDF_TYPE_ATMA:
	case LDNS_RDF_TYPE_IPSECKEY:
	case LDNS_RDF_TYPE_SVCPARAMS:
		return n_left(p);
	case LDNS_RDF_TYPE_HIP:
		return n_left(p) < 3 ? n_left(p) : 3;
	default:
		return 1;
	}
}

static int field_parse(struct parse *p, ldns_rdf_type type)
{
	const struct zonetoken *token = &p->text->tokens[p->next];

	switch (type) {
	case LDNS_RDF_TYPE_DNAME:
		return name_parse(p, token);
	case LDNS_RDF_TYPE_INT8:
		return number_parse(p, token, 1);
	case LDNS_RDF_TYPE_INT16:
		return number_parse(p, token, 2);
	case LDNS_RDF_TYPE_INT32:
		return number_parse(p, token, 4);
	case LDNS_RDF_TYPE_PERIOD:
		return period_parse(p, token);
	case LDNS_RDF_TYPE_A:
		return addr_field_parse(p, token, AF_INET);
	case LDNS_RDF_TYPE_AAAA:
		return addr_field_parse(p, token, AF_INET6);
	case LDNS_RDF_TYPE_STR:
		return string_parse(p, token);
	case LDNS_RDF_TYPE_LONG_STR:
		return long_string_parse(p, token);
	case LDNS_RDF_TYPE_ALG:
	case LDNS_RDF_TYPE_CERT_ALG:
	case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
	case LDNS_RDF_TYPE_SELECTOR:
	case LDNS_RDF_TYPE_MATCHING_TYPE:
		return mnemonic_parse(p, type, token);
	case LDNS_RDF_TYPE_BITMAP:
		return bitmap_parse(p);
	case LDNS_RDF_TYPE_UNKNOWN:
	case LDNS_RDF_TYPE_INT16_DATA:
		return refuse(
			p, "this type has no text form of its own; write \\# (RFC 3597)");
	default:
		return ldns_parse(p, type, field_width(p, type));
	}
}

static int fields_parse(struct parse *p, const ldns_rr_descriptor *layout)
{
	size_t min = ldns_rr_descriptor_minimum(layout);
	size_t max = ldns_rr_descriptor_maximum(layout);
	size_t i;

	for (i = 0; i < max && n_left(p) > 0; i++) {
		ldns_rdf_type type = ldns_rr_descriptor_field_type(layout, i);
		size_t width = field_width(p, type);
		int err = field_parse(p, type);

		if (err)
			return err;
		p->next += width;
	}

	if (i < min)
		return refuse(p,
			i == 0 ? "there is no data" : "there are too few fields, %zu of %zu",
			i, min);
	if (n_left(p) > 0) {
		char show[ZONETOKEN_SHOW_LEN];

		return refuse(p, "'%s' is one field too many",
			zonetoken_show(&p->text->tokens[p->next], show));
	}
	return 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int hex_word_parse(struct parse *p, const struct zonetoken *token)
{
	if (token->len % 2 != 0 || token->quoted)
		return refuse_token(
			p, token, "is not a whole number of octets in hexadecimal");
	for (size_t i = 0; i < token->len; i += 2) {
		int high = hex_value(token->text[i]);
		int low = hex_value(token->text[i + 1]);

		if (high < 0 || low < 0)
			return refuse_token(p, token, "is not hexadecimal");
		uint8_t octet = (uint8_t)(high << 4 | low);
		int err = put(p, &octet, 1);
		if (err)
			return err;
	}
	return 0;
}

/* RFC 3597 section 5: \# LENGTH HEX... */
static int generic_parse(struct parse *p)
{
	const struct rdatatext *text = p->text;
	uint32_t stated;

	if (text->n_tokens < 2)
		return refuse(p, "after \\# comes the number of octets");
	const char *problem = zonetoken_number(&text->tokens[1], RDATA_MAX_LEN, &stated);
	if (problem)
		return refuse_token(p, &text->tokens[1], problem);

	for (size_t i = 2; i < text->n_tokens; i++) {
		int err = hex_word_parse(p, &text->tokens[i]);
		if (err)
			return err;
	}
	if (p->len != stated)
		return refuse(p, "\\# says %u octets, and %zu follow", stated, p->len);
	if (!rdata_is_valid(text->type, p->out, p->len))
		return refuse(p, "the octets after \\# are not data of this type");
	return 0;
}

int rdatatext_type(const struct zonetoken *token)
{
	uint32_t number;

	if (token->quoted)
		return -1;
	if (strncasecmp(token->text, "TYPE", 4) == 0) {
		struct zonetoken digits = {.text = token->text + 4, .len = token->len - 4};

		return zonetoken_number(&digits, UINT16_MAX, &number) ? -1 : (int)number;
	}
	int type = (int)ldns_get_rr_type_by_name(token->text);
	return type > 0 ? type : -1;
}

int rdatatext_parse(
	const struct rdatatext *text, uint8_t *ret_rdata, size_t *ret_len, char *why)
{
	const ldns_rr_descriptor *layout = ldns_rr_descript(text->type);
	bool known = layout && layout->_type == text->type;
	struct parse p = {.text = text, .out = ret_rdata, .why = why};
	int err;

	if (text->n_tokens > 0 && zonetoken_is(&text->tokens[0], "\\#"))
		err = generic_parse(&p);
	else if (!known)
		err = refuse(
			&p, "an unknown type needs its data as \\# LENGTH HEX (RFC 3597)");
	else
		err = fields_parse(&p, layout);
	if (err)
		return err;

	*ret_len = p.len;
	return 0;
}
