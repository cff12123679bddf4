/* zonerules.c - the records of one node among themselves
 *
 * Called by zonecheck.c for each node. RFC 1035 section 5.2, RFC 2181 section 5 and 10, RFC
 * 4592 section 4, RFC 6672 section 2, RFC 9460.
 */
#include "dnsd/zone/zonerules.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "dnsd/wire/rdata.h"
#include "dnsd/wire/svcb.h"

enum { LINE_STR_LEN = 256 };

/* "line 7", and the name of the file if it is not `here`. */
static const char *line_str(const char *here, const char *file, int line, char *out)
{
	if (strcmp(here, file) == 0)
		snprintf(out, LINE_STR_LEN, "line %d", line);
	else
		snprintf(out, LINE_STR_LEN, "line %d of %s", line, file);
	return out;
}

static void soa_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *soa)
{
	char name[NAME_STR_LEN];
	char line[LINE_STR_LEN];

	if (!name_eq(node->name, check->zone->apex)) {
		for (size_t i = 0; i < soa->n_rdatas; i++)
			zone_error(check, &soa->rdatas[i],
				"SOA of %s: only the zone's apex, %s, has one",
				name_str(node->name, name),
				name_str(check->zone->apex, (char[NAME_STR_LEN]){0}));
		return;
	}
	for (size_t i = 1; i < soa->n_rdatas; i++)
		zone_error(check, &soa->rdatas[i], "a second SOA record; the first is on %s",
			line_str(soa->rdatas[i].file, soa->rdatas[0].file, soa->rdatas[0].line,
				line));

	/* MNAME, then RNAME */
	const struct zone_rdata *first = &soa->rdatas[0];
	size_t pos = 0;
	rdata_next_name(soa->type, first->bytes, first->len, &pos);
	const uint8_t *rname = rdata_next_name(soa->type, first->bytes, first->len, &pos);
	if (rname && memchr(rname + 1, '@', rname[0]))
		zone_warning(check, first,
			"SOA: the mail address stands with a dot in place "
			"of its @: hostmaster.example.com.");
}

static int rdata_order(const void *a, const void *b, void *arg)
{
	const struct zone_rdata *x = a;
	const struct zone_rdata *y = b;
	const uint16_t *type = arg;
	int order = rdata_cmp(*type, x->bytes, x->len, y->bytes, y->len);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static void twice_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *rrset)
{
	char name[NAME_STR_LEN];
	char type[RDATA_TYPE_STR_LEN];
	char line[LINE_STR_LEN];
	uint16_t number = rrset->type;
	bool single = number == LDNS_RR_TYPE_CNAME || number == LDNS_RR_TYPE_DNAME;

	if (rrset->n_rdatas < 2 || number == LDNS_RR_TYPE_SOA)
		return;
	AUTO(freep) struct zone_rdata *sorted = calloc(rrset->n_rdatas, sizeof(*sorted));
	if (!sorted)
		return;
	memcpy(sorted, rrset->rdatas, rrset->n_rdatas * sizeof(*sorted));
	qsort_r(sorted, rrset->n_rdatas, sizeof(*sorted), rdata_order, &number);

	name_str(node->name, name);
	rdata_type_str(number, type);
	for (size_t i = 1; i < rrset->n_rdatas; i++) {
		const struct zone_rdata *a = &sorted[i - 1];
		const struct zone_rdata *b = &sorted[i];
		const struct zone_rdata *later = a->line > b->line ? a : b;
		const struct zone_rdata *earlier = later == a ? b : a;

		if (rdata_cmp(number, a->bytes, a->len, b->bytes, b->len) == 0)
			zone_error(check, later, "%s %s: the same record is already on %s",
				name, type,
				line_str(later->file, earlier->file, earlier->line, line));
		else if (single)
			zone_error(check, later, "%s has a second %s; the other is on %s",
				name, type,
				line_str(later->file, earlier->file, earlier->line, line));
	}
}

static void ttl_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *rrset)
{
	char name[NAME_STR_LEN];
	char type[RDATA_TYPE_STR_LEN];

	if (rrset->type == LDNS_RR_TYPE_RRSIG) /* in fact one RRset per type covered */
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

/* Only DNSSEC records may stand beside a CNAME: RFC 2181 section 10.1, RFC 4034 section 3 and
 * 4. */
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
			pseudo_word(&node->pseudos[0]), node->pseudos[0].line);
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
			"%s: a wildcard NS record delegates nothing in a way "
			"that works (RFC 4592 section 4.2)",
			name_str(node->name, name));
}

static void ds_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_rrset *ds)
{
	char name[NAME_STR_LEN];

	name_str(node->name, name);
	if (name_eq(node->name, check->zone->apex))
		zone_warning(check, &ds->rdatas[0],
			"DS of %s: it belongs into the parent zone, "
			"no resolver asks for it here",
			name);
	else if (!zone_node_find(node, LDNS_RR_TYPE_NS))
		zone_warning(check, &ds->rdatas[0], "DS of %s, which is not delegated", name);
}

static void dnssec_check(struct zone_check *check, const struct zone_rrset *rrset)
{
	char type[RDATA_TYPE_STR_LEN];

	if (check->has_dnssec_warning)
		return;
	check->has_dnssec_warning = true;
	zone_warning(check, &rrset->rdatas[0],
		"%s: dnsd does not serve signed answers yet, so resolvers "
		"that validate will take a zone with a DS record in its parent for forged",
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
			zone_problem_add(check, is_error ? REPORT_ERROR : REPORT_WARNING,
				rdata->file, rdata->line, "%s %s: %s",
				name_str(node->name, name), rdata_type_str(rrset->type, type),
				problem);
	}
}

static void pseudo_twice_check(
	struct zone_check *check, const struct zone_node *node, const struct pseudo *pseudo)
{
	char name[NAME_STR_LEN];
	char line[LINE_STR_LEN];

	for (const struct pseudo *before = node->pseudos; before < pseudo; before++)
		if (pseudo->kind == before->kind && pseudo->index == before->index) {
			zone_error(check, pseudo, "%s: the same record is already on %s",
				name_str(node->name, name),
				line_str(pseudo->file, before->file, before->line, line));
			return;
		}
}

/* Compares the first pseudo record's TTL with that of another record of the same RRset. */
static void pseudo_ttl_check(
	struct zone_check *check, const struct zone_node *node, uint32_t ttl_s, int line)
{
	const struct pseudo *first = &node->pseudos[0];
	char name[NAME_STR_LEN];

	if (ttl_s != first->ttl_s)
		zone_warning(check, first,
			"%s: TTL %u here and %u on line %d; addresses of one name share the "
			"least (RFC 2181 section 5.2)",
			name_str(node->name, name), first->ttl_s, ttl_s, line);
}

static void pseudos_check(struct zone_check *check, const struct zone_node *node)
{
	static const uint16_t types[] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA};

	if (node->n_pseudos == 0)
		return;
	for (size_t i = 1; i < node->n_pseudos; i++) {
		pseudo_twice_check(check, node, &node->pseudos[i]);
		pseudo_ttl_check(check, node, node->pseudos[i].ttl_s, node->pseudos[i].line);
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const struct zone_rrset *rrset = zone_node_find(node, types[i]);

		if (rrset)
			pseudo_ttl_check(check, node, rrset->ttl_s, rrset->rdatas[0].line);
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
