/* zonecheck.c - errors and probable mistakes in a zone that was read
 *
 * Called by zonefile.c when the whole zone is read. This file walks over the nodes and checks
 * what depends on where they stand; zonerules.c checks the records of one name, zonetarget.c
 * the names that records point to.
 *
 * In canonical order all that is below a name follows it directly, so one remembered cut (or
 * DNAME) tells where each node stands. A missing record is reported only where no unreadable
 * record may be the cause.
 */
#include "dnsd/zone/zonecheck.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "dnsd/wire/rdata.h"
#include "dnsd/zone/zonerules.h"
#include "dnsd/zone/zonetarget.h"

static bool is_address_type(uint16_t type)
{
	return type == LDNS_RR_TYPE_A || type == LDNS_RR_TYPE_AAAA;
}

static void apex_check(struct zone_check *check)
{
	const struct zone *zone = check->zone;
	const struct zone_node *apex = zone_find(zone, zone->apex);
	char name[NAME_STR_LEN];

	if (zone->has_unread || (apex && apex->has_unread))
		return;
	name_str(zone->apex, name);
	if (!apex || !zone_node_find(apex, LDNS_RR_TYPE_SOA))
		zone_problem_add(check, REPORT_ERROR, zone->file, 0,
			"there is no SOA record for %s, the zone's name in site.yaml", name);
	if (!apex || !zone_node_find(apex, LDNS_RR_TYPE_NS))
		zone_problem_add(check, REPORT_ERROR, zone->file, 0,
			"there is no NS record for %s", name);
}

/* Names outside the zone may have addresses, and a record of the zone should need them. */
static void outside_check(struct zone_check *check, const struct zone_node *node)
{
	char name[NAME_STR_LEN];
	char apex[NAME_STR_LEN];
	char type[RDATA_TYPE_STR_LEN];
	const char *file = node->n_pseudos > 0 ? node->pseudos[0].file : NULL;
	int line = node->n_pseudos > 0 ? node->pseudos[0].line : 0;

	name_str(node->name, name);
	name_str(check->zone->apex, apex);
	for (size_t i = 0; i < node->n_rrsets; i++) {
		const struct zone_rrset *rrset = &node->rrsets[i];

		if (is_address_type(rrset->type)) {
			file = rrset->rdatas[0].file;
			line = rrset->rdatas[0].line;
			continue;
		}
		for (size_t j = 0; j < rrset->n_rdatas; j++)
			zone_error(check, &rrset->rdatas[j],
				"%s %s: the name is not in the zone %s, where only address "
				"records may stand for others",
				name, rdata_type_str(rrset->type, type), apex);
	}
	if (file && !check->targets[zone_node_index(check->zone, node)] &&
		!check->zone->has_unread)
		zone_problem_add(check, REPORT_WARNING, file, line,
			"%s: the name is not in the zone %s, "
			"and no record of the zone needs its address",
			name, apex);
}

/* At a cut the zone has only the delegation, below it only glue: addresses of NS names. */
static bool node_has_delegation_type(
	const struct zone_check *check, const struct zone_node *node, uint16_t type)
{
	if (is_address_type(type))
		return check->ns_targets[zone_node_index(check->zone, node)];
	if (check->places[zone_node_index(check->zone, node)] == ZONE_PLACE_BELOW_CUT)
		return false;
	return type == LDNS_RR_TYPE_NS || type == LDNS_RR_TYPE_DS ||
	       type == LDNS_RR_TYPE_RRSIG || type == LDNS_RR_TYPE_NSEC ||
	       type == LDNS_RR_TYPE_DNAME; /* DNAME beside NS is an error already */
}

/* `above` is the cut or DNAME that hides the node. */
static void hidden_check(
	struct zone_check *check, const struct zone_node *node, const struct zone_node *above)
{
	char name[NAME_STR_LEN];
	char top[NAME_STR_LEN];
	char type[RDATA_TYPE_STR_LEN];
	enum zone_place place = check->places[zone_node_index(check->zone, node)];
	const char *where = place == ZONE_PLACE_CUT	    ? "is delegated"
			    : place == ZONE_PLACE_BELOW_CUT ? "is below the delegation of"
							    : "is below the DNAME of";

	name_str(node->name, name);
	top[0] = '\0';
	if (place != ZONE_PLACE_CUT)
		name_str(above->name, top);
	for (size_t i = 0; i < node->n_rrsets; i++) {
		const struct zone_rrset *rrset = &node->rrsets[i];

		if (place != ZONE_PLACE_BELOW_DNAME &&
			node_has_delegation_type(check, node, rrset->type))
			continue;
		zone_warning(check, &rrset->rdatas[0], "%s %s%s%s: this %s is never answered",
			name, where, *top ? " " : "", top, rdata_type_str(rrset->type, type));
	}
	if (node->n_pseudos > 0 &&
		(place == ZONE_PLACE_BELOW_DNAME ||
			!check->ns_targets[zone_node_index(check->zone, node)]))
		zone_warning(check, &node->pseudos[0],
			"%s %s%s%s: this record is never answered", name, where,
			*top ? " " : "", top);
}

/* Walks over all nodes; `above` is the topmost cut or DNAME over those that follow it. */
static void nodes_check(struct zone_check *check)
{
	const struct zone *zone = check->zone;
	const struct zone_node *above = NULL;
	enum zone_place below = ZONE_PLACE_INSIDE;

	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->nodes[i];
		enum zone_place *place = &check->places[i];

		if (above && (node->outside || !name_is_within(node->name, above->name)))
			above = NULL;
		*place = node->outside ? ZONE_PLACE_OUTSIDE
			 : above       ? below
				       : ZONE_PLACE_INSIDE;
		if (*place == ZONE_PLACE_INSIDE && !name_eq(node->name, zone->apex) &&
			zone_node_find(node, LDNS_RR_TYPE_NS)) {
			*place = ZONE_PLACE_CUT;
			above = node;
			below = ZONE_PLACE_BELOW_CUT;
		} else if (*place == ZONE_PLACE_INSIDE &&
			   zone_node_find(node, LDNS_RR_TYPE_DNAME)) {
			above = node;
			below = ZONE_PLACE_BELOW_DNAME;
		}

		zonerules_check_node(check, node);
		if (*place == ZONE_PLACE_OUTSIDE)
			outside_check(check, node);
		else if (*place != ZONE_PLACE_INSIDE)
			hidden_check(check, node, above);
	}
}

/* The first node that does not sort before the name. */
static size_t node_find_first(const struct zone *zone, const uint8_t *name)
{
	size_t low = 0;
	size_t high = zone->n_nodes;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (name_cmp(zone->nodes[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* A name belongs to the innermost zone that is served. hidden_check() reports names below a
 * delegation; here are those of an inner zone without a delegation. */
static void inner_zone_check(struct zone_check *check, const uint8_t *apex)
{
	const struct zone *zone = check->zone;
	char name[NAME_STR_LEN];
	char inner[NAME_STR_LEN];

	if (name_eq(apex, zone->apex) || !name_is_within(apex, zone->apex))
		return;
	for (size_t i = node_find_first(zone, apex); i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->nodes[i];
		const char *file = node->n_pseudos > 0	? node->pseudos[0].file
				   : node->n_rrsets > 0 ? node->rrsets[0].rdatas[0].file
							: NULL;
		int line = node->n_pseudos > 0	? node->pseudos[0].line
			   : node->n_rrsets > 0 ? node->rrsets[0].rdatas[0].line
						: 0;

		if (!name_is_within(node->name, apex))
			return;
		if (!file || check->places[i] != ZONE_PLACE_INSIDE)
			continue;
		zone_problem_add(check, REPORT_WARNING, file, line,
			"%s is in the zone %s, which has a file of its own in site.yaml: only "
			"that file answers for the name, and this one needs the NS records",
			name_str(node->name, name), name_str(apex, inner));
		return;
	}
}

static void inner_zones_check(struct zone_check *check, const struct site *site)
{
	uint8_t apex[NAME_MAX_LEN];
	size_t len;

	for (size_t i = 0; i < site->dns.n_zones; i++)
		if (site->dns.zones[i].name &&
			name_from_str(site->dns.zones[i].name, apex, &len) == 0)
			inner_zone_check(check, apex);
}

void zonecheck(const struct zone *zone, const struct site *site, struct report *report)
{
	size_t n = zone->n_nodes + 1;
	AUTO(freep) enum zone_place *places = calloc(n, sizeof(*places));
	AUTO(freep) bool *ns_targets = calloc(n, sizeof(*ns_targets));
	AUTO(freep) bool *targets = calloc(n, sizeof(*targets));
	struct zone_check check = {
		.zone = zone,
		.report = report,
		.places = places,
		.ns_targets = ns_targets,
		.targets = targets,
	};

	if (!places || !ns_targets || !targets) {
		report_add(report, REPORT_ERROR, zone->file, 0, "%s", strerror(ENOMEM));
		return;
	}
	zonetarget_mark(&check);
	apex_check(&check);
	nodes_check(&check);
	zonetarget_check(&check);
	if (site)
		inner_zones_check(&check, site);
}
