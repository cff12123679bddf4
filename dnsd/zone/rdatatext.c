/* rdatatext.c - RDATA from the words of a master file
 *
 * Called by zonerecord.c for each record. ldns's descriptor tells which fields a type has. The
 * common ones (names, numbers, addresses, strings) are read here, since ldns lets numbers wrap
 * (MX 70000 becomes 4464), accepts names of more than 255 octets once the origin is appended,
 * and cannot say which word is wrong. ldns's own readers read all other fields, one at a time.
 * RFC 3597's \# is accepted for every type, and its length is checked.
 */
#include "dnsd/zone/rdatatext.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bigendian.h"
#include "common/cleanup.h"
#include "common/net/addr.h"
#include "dnsd/wire/rdata.h"
#include "dnsd/zone/rdatamnemonic.h"

struct parse {
	const struct rdatatext *text;
	size_t next; /* index of the next token */
	uint8_t *out;
	size_t len;
	char *why;
};

static int rdata_refuse(struct parse *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int rdata_refuse(struct parse *p, const char *format, ...)
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

static int token_refuse(struct parse *p, const struct zonetoken *token, const char *problem)
{
	char show[ZONETOKEN_SHOW_LEN];

	return rdata_refuse(p, "'%s' %s", zonetoken_show(token, show), problem);
}

static int rdata_put(struct parse *p, const void *bytes, size_t len)
{
	if (len > RDATA_MAX_LEN - p->len)
		return rdata_refuse(p, "the data is longer than 65535 octets");
	if (len > 0)
		memcpy(p->out + p->len, bytes, len);
	p->len += len;
	return 0;
}

static size_t tokens_left(const struct parse *p)
{
	return p->text->n_tokens - p->next;
}

static int name_parse(struct parse *p, const struct zonetoken *token)
{
	uint8_t name[NAME_MAX_LEN];
	size_t len;
	const char *problem = zonetoken_name(token, p->text->origin, name, &len);

	return problem ? token_refuse(p, token, problem) : rdata_put(p, name, len);
}

static int value_put(struct parse *p, uint32_t value, size_t octets)
{
	uint8_t be[4];

	be32_write(be, value);
	return rdata_put(p, be + 4 - octets, octets);
}

static int number_parse(struct parse *p, const struct zonetoken *token, size_t octets)
{
	uint32_t max = octets == 4 ? UINT32_MAX : (1u << (8 * octets)) - 1;
	uint32_t value;
	const char *problem = zonetoken_number(token, max, &value);

	return problem ? token_refuse(p, token, problem) : value_put(p, value, octets);
}

static int period_parse(struct parse *p, const struct zonetoken *token)
{
	uint32_t value;
	const char *problem = zonetoken_period(token, &value);

	return problem ? token_refuse(p, token, problem) : value_put(p, value, 4);
}

static int addr_field_parse(struct parse *p, const struct zonetoken *token, int family)
{
	struct addr addr;

	if (addr_parse(token->text, &addr) < 0 || addr.family != family)
		return token_refuse(p, token,
			family == AF_INET ? "is not an IPv4 address"
					  : "is not an IPv6 address");
	return rdata_put(p, addr.bytes, addr_len(&addr));
}

static int string_parse(struct parse *p, const struct zonetoken *token)
{
	AUTO(freep) uint8_t *octets = malloc(token->len + 1);
	size_t len;

	if (!octets)
		return -ENOMEM;
	const char *problem = zonetoken_octets(token, octets, &len);
	if (problem)
		return token_refuse(p, token, problem);
	if (len > 255)
		return token_refuse(p, token,
			"is longer than 255 octets: split it into several \"strings\"");

	uint8_t len_octet = (uint8_t)len;
	int err = rdata_put(p, &len_octet, 1);
	return err ? err : rdata_put(p, octets, len);
}

/* A string without length octet: the value of CAA and URI, quoted or not. */
static int long_string_parse(struct parse *p, const struct zonetoken *token)
{
	AUTO(freep) uint8_t *octets = malloc(token->len + 1);
	size_t len;

	if (!octets)
		return -ENOMEM;
	const char *problem = zonetoken_octets(token, octets, &len);

	return problem ? token_refuse(p, token, problem) : rdata_put(p, octets, len);
}

/* `n` words from the next on, joined; the caller frees. */
static int words_join(const struct parse *p, size_t n, const char *between, char **ret_text)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct zonetoken *token = &p->text->tokens[p->next + i];

		fprintf(out, token->quoted ? "%s\"%s\"" : "%s%s", i > 0 ? between : "",
			token->text);
	}
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
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
	case LDNS_RDF_TYPE_TIME:
		return "a date as YYYYMMDDHHMMSS";
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

/* One field that ldns reads, from `n` joined words. */
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

		return rdata_refuse(
			p, "'%s' is not %s", zonetoken_show(&token, show), field_noun(type));
	}
	err = rdata_put(p, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
	ldns_rdf_deep_free(rdf);
	return err;
}

/* A mnemonic or a number: of one octet, of two for CERT's type and for types of records. */
static int mnemonic_parse(struct parse *p, ldns_rdf_type type, const struct zonetoken *token)
{
	bool wide = type == LDNS_RDF_TYPE_CERT_ALG || type == LDNS_RDF_TYPE_TYPE;
	size_t octets = wide ? 2 : 1;

	if (type != LDNS_RDF_TYPE_TYPE && strspn(token->text, "0123456789") == token->len)
		return number_parse(p, token, octets);
	int value = rdatamnemonic_value(type, token);
	if (value < 0)
		return token_refuse(p, token,
			type == LDNS_RDF_TYPE_TYPE  ? "is not a type"
			: type == LDNS_RDF_TYPE_ALG ? "is not an algorithm"
						    : "is not a number, nor a known name");
	return value_put(p, (uint32_t)value, octets);
}

/* The gateway of IPSECKEY, RFC 4025 section 2.5, in the form that its type selects. */
static int gateway_parse(struct parse *p, const struct zonetoken *type)
{
	const struct zonetoken *token = &p->text->tokens[p->next];

	switch (type->text[0]) {
	case '0':
		return zonetoken_is(token, ".") ? 0 : token_refuse(p, token, "is not '.'");
	case '1':
		return addr_field_parse(p, token, AF_INET);
	case '2':
		return addr_field_parse(p, token, AF_INET6);
	default:
		return name_parse(p, token);
	}
}

/* Precedence, gateway type, algorithm, gateway, key. ldns leaks memory at each mistake here,
 * and leaves a gateway's name without the origin. */
static int ipseckey_parse(struct parse *p)
{
	const struct zonetoken *tokens = p->text->tokens;
	uint32_t type;

	if (p->text->n_tokens < 4)
		return rdata_refuse(
			p, "there are too few fields, %zu of 5", p->text->n_tokens);
	if (tokens[1].len != 1 || zonetoken_number(&tokens[1], 3, &type))
		return token_refuse(p, &tokens[1], "is not a gateway's type, 0 to 3");
	for (; p->next < 3; p->next++) {
		int err = number_parse(p, &tokens[p->next], 1);
		if (err)
			return err;
	}
	int err = gateway_parse(p, &tokens[1]);
	if (err)
		return err;
	p->next++;
	return tokens_left(p) > 0 ? ldns_parse(p, LDNS_RDF_TYPE_B64, tokens_left(p)) : 0;
}

/* The types of NSEC and CSYNC; ldns skips a word that it does not know. */
static int bitmap_parse(struct parse *p)
{
	for (size_t i = p->next; i < p->text->n_tokens; i++)
		if (rdatamnemonic_type(&p->text->tokens[i]) < 0)
			return token_refuse(p, &p->text->tokens[i], "is not a type");
	return ldns_parse(p, LDNS_RDF_TYPE_BITMAP, tokens_left(p));
}

/* The number of words that the field takes. */
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
		return tokens_left(p);
	case LDNS_RDF_TYPE_HIP:
		return tokens_left(p) < 3 ? tokens_left(p) : 3;
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
	case LDNS_RDF_TYPE_TYPE:
	case LDNS_RDF_TYPE_ALG:
	case LDNS_RDF_TYPE_CERT_ALG:
	case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
	case LDNS_RDF_TYPE_SELECTOR:
	case LDNS_RDF_TYPE_MATCHING_TYPE:
		return mnemonic_parse(p, type, token);
	case LDNS_RDF_TYPE_BITMAP:
		return bitmap_parse(p);
	case LDNS_RDF_TYPE_IPSECKEY:
		return ipseckey_parse(p);
	case LDNS_RDF_TYPE_UNKNOWN:
	case LDNS_RDF_TYPE_INT16_DATA:
		return rdata_refuse(
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

	for (i = 0; i < max && tokens_left(p) > 0; i++) {
		ldns_rdf_type type = ldns_rr_descriptor_field_type(layout, i);
		size_t end = p->next + field_width(p, type);
		int err = field_parse(p, type);

		if (err)
			return err;
		p->next = end;
	}

	if (i < min)
		return rdata_refuse(p,
			i == 0 ? "there is no data" : "there are too few fields, %zu of %zu",
			i, min);
	if (tokens_left(p) > 0) {
		char show[ZONETOKEN_SHOW_LEN];

		return rdata_refuse(p, "'%s' is one field too many",
			zonetoken_show(&p->text->tokens[p->next], show));
	}
	return 0;
}

static int hex_word_parse(struct parse *p, const struct zonetoken *token)
{
	if (token->len % 2 != 0 || token->quoted)
		return token_refuse(
			p, token, "is not a whole number of octets in hexadecimal");
	for (size_t i = 0; i < token->len; i += 2) {
		int high = OPENSSL_hexchar2int((unsigned char)token->text[i]);
		int low = OPENSSL_hexchar2int((unsigned char)token->text[i + 1]);

		if (high < 0 || low < 0)
			return token_refuse(p, token, "is not hexadecimal");
		uint8_t octet = (uint8_t)(high << 4 | low);
		int err = rdata_put(p, &octet, 1);
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
		return rdata_refuse(p, "after \\# comes the number of octets");
	const char *problem = zonetoken_number(&text->tokens[1], RDATA_MAX_LEN, &stated);
	if (problem)
		return token_refuse(p, &text->tokens[1], problem);

	for (size_t i = 2; i < text->n_tokens; i++) {
		int err = hex_word_parse(p, &text->tokens[i]);
		if (err)
			return err;
	}
	if (p->len != stated)
		return rdata_refuse(p, "\\# says %u octets, and %zu follow", stated, p->len);
	if (!rdata_is_valid(text->type, p->out, p->len))
		return rdata_refuse(p, "the octets after \\# are not data of this type");
	return 0;
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
		err = rdata_refuse(
			&p, "an unknown type needs its data as \\# LENGTH HEX (RFC 3597)");
	else
		err = fields_parse(&p, layout);
	if (err)
		return err;

	*ret_len = p.len;
	return 0;
}
