/* rdatamnemonic.c - words that stand for numbers: types, algorithms, the fields of TLSA
 *
 * Called by rdatatext.c and zonerecord.c. The tables are ldns's where they are public; its own
 * readers of these fields leak memory at an unknown word, and let numbers wrap.
 */
#include "dnsd/zone/rdatamnemonic.h"

#include <ldns/ldns.h>
#include <strings.h>

int rdatamnemonic_type(const struct zonetoken *token)
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

/* RFC 7218 section 2, in the order of their numbers. */
static const char *const tlsa_usages[] = {"PKIX-TA", "PKIX-EE", "DANE-TA", "DANE-EE"};
static const char *const tlsa_selectors[] = {"Cert", "SPKI"};
static const char *const tlsa_matchings[] = {"Full", "SHA2-256", "SHA2-512"};

static int word_index(const struct zonetoken *token, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (zonetoken_is(token, words[i]))
			return (int)i;
	return zonetoken_is(token, "PrivCert") || zonetoken_is(token, "PrivSel") ||
			       zonetoken_is(token, "PrivMatch")
		       ? 255
		       : -1;
}

int rdatamnemonic_value(ldns_rdf_type field, const struct zonetoken *token)
{
	const ldns_lookup_table *entry = NULL;

	switch (field) {
	case LDNS_RDF_TYPE_TYPE:
		return rdatamnemonic_type(token);
	case LDNS_RDF_TYPE_ALG:
		entry = ldns_lookup_by_name(ldns_algorithms, token->text);
		break;
	case LDNS_RDF_TYPE_CERT_ALG:
		entry = ldns_lookup_by_name(ldns_cert_algorithms, token->text);
		break;
	case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
		return word_index(token, tlsa_usages, 4);
	case LDNS_RDF_TYPE_SELECTOR:
		return word_index(token, tlsa_selectors, 2);
	case LDNS_RDF_TYPE_MATCHING_TYPE:
		return word_index(token, tlsa_matchings, 3);
	default:
		break;
	}
	return entry ? entry->id : -1;
}
