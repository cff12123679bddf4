/* zonerules.c - the records of one node among themselves
 *
 * Called by zonecheck.c for each node. RFC 1035 section 5.2, RFC 2181 section 5 and 10, RFC
 * 4592 section 4, RFC 6672 section 2, RFC 9460.
 */
#include "dnsd/zonerules.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "dnsd/rdata.h"
#include "dnsd/svcb.h"

static void soa_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *soa)
{
	char name[NAME_STR_LEN];

	if (!name_eq(node->name, check->zone->apex)) {
		for (size_t i = 0; i < soa->n_rdatas; i++)
			zone_error(check, &soa->rdatas[i],
				"SOA of %s: only the zone's apex, %s, has one",
				name_str(node->name, name),
				name_str(check->zone->apex, (char[NAME_STR_LEN]){0}));
		return;
	}
	for (size_t i = 1; i < soa->n_rdatas; i++)
		zone_error(check, &soa->rdatas[i],
			"a second SOA record; the first is on line %d", soa->rdatas[0].line);

	/* MNAME, then RNAME */
	const struct zone_rdata *first = &soa->rdatas[0];
	size_t pos = 0;
	rdata_next_name(soa->type, first->bytes, first->len, &pos);
	const uint8_t *rname = rdata_next_name(soa->type, first->bytes, first->len, &pos);
	if (rname && memchr(rname + 1, '@', rname[0]))
		zone_warning(check, first,
			"SOA: the mail address stands with a dot in place of its @: "
			"hostmaster.example.com.");
}

static int rdata_order(const void *a, const void *b, void *arg)
{
	const struct zone_rdata *x = *(const struct zone_rdata *const *)a;
	const struct zone_rdata *y = *(const struct zone_rdata *const *)b;
	const uint16_t *type = arg;
	int order = rdata_cmp(*type, x->bytes, x->len, y->bytes, y->len);

	return order ? order : (x > y) - (x < y);
}

static void twice_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *rrset)
{
	char name[NAME_STR_LEN];
	char type[RDATA_TYPE_STR_LEN];
	uint16_t number = rrset->type;
	bool single = number == LDNS_RR_TYPE_CNAME || number == LDNS_RR_TYPE_DNAME;

	if (rrset->n_rdatas < 2 || number == LDNS_RR_TYPE_SOA)
		return;
	AUTO(freep)
	const struct zone_rdata **sorted = calloc(rrset->n_rdatas, sizeof(*sorted));
	if (!sorted)
		return;
	for (size_t i = 0; i < rrset->n_rdatas; i++)
		sorted[i] = &rrset->rdatas[i];
	qsort_r(sorted, rrset->n_rdatas, sizeof(*sorted), rdata_order, &number);

	for (size_t i = 1; i < rrset->n_rdatas; i++) {
		const struct zone_rdata *a = sorted[i - 1];
		const struct zone_rdata *b = sorted[i];

		name_str(node->name, name);
		rdata_type_str(number, type);
		if (rdata_cmp(number, a->bytes, a->len, b->bytes, b->len) == 0)
			zone_error(check, b, "%s %s: the same record is already on line %d",
				name, type, a->line);
		else if (single)
			zone_error(check, a > b ? a : b,
				"%s has a second %s; the other is on line %d", name, type,
				a > b ? b->line : a->line);
	}
}

static void ttl_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *rrset)
{
	char name[NAME_STR_LEN];
	char type[RDATA_TYPE_STR_LEN];

	if (rrset->type == LDNS_RR_TYPE_RRSIG) /* a set per type covered, in truth */
		return;
	for (size_t i = 1; i < rrset->n_rdatas; i++) {
		if (rrset->rdatas[i].ttl_s == rrset->rdatas[0].ttl_s)
			continue;
		zone_warning(check, &rrset->rdatas[i],
			"%s %s: TTL %u here and %u on line %d; records of one name and type "
			"share the least (RFC 2181 section 5.2)",
			name_str(node->name, name), rdata_type_str(rrset->type, type),
			rrset->rdatas[i].ttl_s, rrset->rdatas[0].ttl_s, rrset->rdatas[0].line);
		return;
	}
}

/* Beside a CNAME only what signs it: RFC 2181 section 10.1, RFC 4034 section 3 and 4. */
static void cname_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *cname)
{
	char name[NAME_STR_LEN];
	char type[RDATA_TYPE_STR_LEN];

	name_str(node->name, name);
	if (name_eq(node->name, check->zone->apex)) {
		zone_error(check, &cname->rdatas[0],
			"CNAME at the apex %s: the SOA and NS records there allow no CNAME",
			name);
		return;
	}
	if (node->n_pseudos > 0)
		zone_error(check, &cname->rdatas[0],
			"%s has a CNAME and other data (%s on line %d)", name,
			node->pseudos[0].kind <= PSEUDO_SERVER_ALL ? "SERVER" : "UPLINK",
			node->pseudos[0].line);
	for (size_t i = 0; i < node->n_rrsets; i++) {
		const struct zone_rrset *rrset = &node->rrsets[i];

		if (rrset == cname || rrset->type == LDNS_RR_TYPE_RRSIG ||
			rrset->type == LDNS_RR_TYPE_NSEC || rrset->type == LDNS_RR_TYPE_SIG ||
			rrset->type == LDNS_RR_TYPE_NXT || rrset->type == LDNS_RR_TYPE_KEY)
			continue;
		zone_error(check, &cname->rdatas[0],
			"%s has a CNAME and other data (%s on line %d)", name,
			rdata_type_str(rrset->type, type), rrset->rdatas[0].line);
	}
}

static void dname_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *dname)
{
	char name[NAME_STR_LEN];
	const struct zone_rrset *ns = zone_node_find(node, LDNS_RR_TYPE_NS);

	/* RFC 6672 section 2.3 */
	if (ns && !name_eq(node->name, check->zone->apex))
		zone_error(check, &dname->rdatas[0],
			"%s has a DNAME and, on line %d, an NS record: below the apex these "
			"exclude each other",
			name_str(node->name, name), ns->rdatas[0].line);
	if (node->name[0] == 1 && node->name[1] == '*')
		zone_warning(check, &dname->rdatas[0],
			"%s: a wildcard DNAME means different things to different servers "
			"(RFC 4592 section 4.4)",
			name_str(node->name, name));
}

static void wildcard_ns_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *ns)
{
	char name[NAME_STR_LEN];

	if (node->name[0] == 1 && node->name[1] == '*')
		zone_warning(check, &ns->rdatas[0],
			"%s: a wildcard NS record delegates nothing in a way that works (RFC "
			"4592 "
			"section 4.2)",
			name_str(node->name, name));
}

static void ds_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *ds)
{
	char name[NAME_STR_LEN];

	name_str(node->name, name);
	if (name_eq(node->name, check->zone->apex))
		zone_warning(check, &ds->rdatas[0],
			"DS of %s: it belongs into the parent zone, nobody asks for it here",
			name);
	else if (!zone_node_find(node, LDNS_RR_TYPE_NS))
		zone_warning(check, &ds->rdatas[0], "DS of %s, which is not delegated", name);
}

static void dnssec_check(struct zone_check *check, const struct zone_rrset *rrset)
{
	char type[RDATA_TYPE_STR_LEN];

	if (check->said_dnssec)
		return;
	check->said_dnssec = true;
	zone_warning(check, &rrset->rdatas[0],
		"%s: dnsd does not serve signed answers yet, so resolvers that validate will "
		"take "
		"a zone with a DS record in its parent for forged",
		rdata_type_str(rrset->type, type));
}

static void svcb_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *rrset)
{
	char name[NAME_STR_LEN];
	char type[RDATA_TYPE_STR_LEN];

	for (size_t i = 0; i < rrset->n_rdatas; i++) {
		const struct zone_rdata *rdata = &rrset->rdatas[i];
		bool is_error = true;
		const char *problem = svcb_problem(rdata->bytes, rdata->len, &is_error);

		if (problem)
			zone_check_say(check, is_error ? REPORT_ERROR : REPORT_WARNING,
				rdata->file, rdata->line, "%s %s: %s",
				name_str(node->name, name), rdata_type_str(rrset->type, type),
				problem);
	}
}

static void pseudos_check(struct zone_check *check, const struct zone_node *node)
{
	char name[NAME_STR_LEN];

	name_str(node->name, name);
	for (size_t i = 1; i < node->n_pseudos; i++) {
		const struct pseudo *pseudo = &node->pseudos[i];

		for (size_t j = 0; j < i; j++) {
			const struct pseudo *before = &node->pseudos[j];

			if (pseudo->kind != before->kind || pseudo->index != before->index)
				continue;
			zone_error(check, pseudo, "%s: the same record is already on line %d",
				name, before->line);
			break;
		}
		if (pseudo->ttl_s != node->pseudos[0].ttl_s)
			zone_warning(check, pseudo,
				"%s: TTL %u here and %u on line %d; addresses of one name "
				"share "
				"the least (RFC 2181 section 5.2)",
				name, pseudo->ttl_s, node->pseudos[0].ttl_s,
				node->pseudos[0].line);
	}
	for (uint16_t type = LDNS_RR_TYPE_A; node->n_pseudos > 0; type = LDNS_RR_TYPE_AAAA) {
		const struct zone_rrset *rrset = zone_node_find(node, type);

		if (rrset && rrset->ttl_s != node->pseudos[0].ttl_s)
			zone_warning(check, &node->pseudos[0],
				"%s: TTL %u here and %u on line %d; addresses of one name "
				"share "
				"the least (RFC 2181 section 5.2)",
				name, node->pseudos[0].ttl_s, rrset->ttl_s,
				rrset->rdatas[0].line);
		if (type == LDNS_RR_TYPE_AAAA)
			break;
	}
}

static void rrset_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *rrset)
{
	twice_check(check, node, rrset);
	ttl_check(check, node, rrset);

	switch (rrset->type) {
	case LDNS_RR_TYPE_SOA:
		soa_check(check, node, rrset);
		break;
	case LDNS_RR_TYPE_CNAME:
		cname_check(check, node, rrset);
		break;
	case LDNS_RR_TYPE_DNAME:
		dname_check(check, node, rrset);
		break;
	case LDNS_RR_TYPE_NS:
		wildcard_ns_check(check, node, rrset);
		break;
	case LDNS_RR_TYPE_DS:
		ds_check(check, node, rrset);
		break;
	case LDNS_RR_TYPE_SVCB:
	case LDNS_RR_TYPE_HTTPS:
		svcb_check(check, node, rrset);
		break;
	case LDNS_RR_TYPE_RRSIG:
	case LDNS_RR_TYPE_NSEC:
	case LDNS_RR_TYPE_DNSKEY:
	case LDNS_RR_TYPE_NSEC3:
	case LDNS_RR_TYPE_NSEC3PARAM:
		dnssec_check(check, rrset);
		break;
	default:
		break;
	}
}

void zonerules_check_node(struct zone_check *check, const struct zone_node *node)
{
	for (size_t i = 0; i < node->n_rrsets; i++)
		rrset_check(check, node, &node->rrsets[i]);
	pseudos_check(check, node);
}
