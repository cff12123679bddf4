/* zonetarget.c - do the names exist that a zone's records point to?
 *
 * Called by zonecheck.c; zoneadvice.c uses the iterator. A name outside the zone cannot be
 * checked. A name with records that could not be read is not checked, so that one mistake is
 * not reported as two. RFC 1034 section 4.2.1 on glue, RFC 2181 section 10.3 on aliases as
 * targets.
 */
#include "dnsd/zone/zonetarget.h"

#include <ldns/ldns.h>
#include <string.h>
#include <strings.h>

#include "dnsd/wire/rdata.h"

bool zonetarget_next(struct zone_target *target)
{
	const struct zone_node *node = target->node;

	for (; target->next_rrset < node->n_rrsets; target->next_rrset++) {
		const struct zone_rrset *rrset = &node->rrsets[target->next_rrset];

		while (target->next_rdata < rrset->n_rdatas) {
			const struct zone_rdata *rdata = &rrset->rdatas[target->next_rdata++];

			target->name = rdata_target(rrset->type, rdata->bytes, rdata->len);
			if (!target->name)
				break; /* another type, or a broken one */
			target->type = rrset->type;
			target->rdata = rdata;
			return true;
		}
		target->next_rdata = 0;
	}
	return false;
}

void zonetarget_mark(struct zone_check *check)
{
	const struct zone *zone = check->zone;

	for (size_t i = 0; i < zone->n_nodes; i++) {
		struct zone_target target = {.node = &zone->nodes[i]};

		while (!target.node->outside && zonetarget_next(&target)) {
			const struct zone_node *found = zone_find(zone, target.name);

			if (!found)
				continue;
			check->targets[zone_node_index(check->zone, found)] = true;
			if (target.type == LDNS_RR_TYPE_NS)
				check->ns_targets[zone_node_index(check->zone, found)] = true;
		}
	}
}

/* The state of a name that a record points to. */
enum target_state {
	TARGET_GOOD,
	TARGET_ABSENT,
	TARGET_NO_ADDRESS,
	TARGET_CNAME,
	TARGET_UNKNOWN
};

static enum target_state node_target_state(const struct zone_node *node)
{
	if (node->has_unread)
		return TARGET_UNKNOWN;
	if (zone_node_find(node, LDNS_RR_TYPE_CNAME))
		return TARGET_CNAME;
	return zone_node_has_address(node) ? TARGET_GOOD : TARGET_NO_ADDRESS;
}

/* The wildcard below `encloser`, or NULL. */
static const struct zone_node *wildcard_find(const struct zone *zone, const uint8_t *encloser)
{
	uint8_t name[NAME_MAX_LEN + 2] = {1, '*'};
	size_t len = name_len(encloser);

	if (len + 2 > NAME_MAX_LEN)
		return NULL;
	memcpy(name + 2, encloser, len);
	return zone_find(zone, name);
}

/* A name without a node: a wildcard may answer for it, or a delegation or DNAME stands above
 * it. */
static enum target_state absent_target_state(
	const struct zone_check *check, const uint8_t *name)
{
	const struct zone *zone = check->zone;

	while (*name && !name_eq(name, zone->apex)) {
		name += 1 + *name;

		const struct zone_node *wildcard = wildcard_find(zone, name);
		const struct zone_node *node = zone_find(zone, name);

		if (wildcard)
			return node_target_state(wildcard);
		if (node &&
			check->places[zone_node_index(check->zone, node)] != ZONE_PLACE_INSIDE)
			return TARGET_UNKNOWN;
		if (node)
			return zone_node_find(node, LDNS_RR_TYPE_DNAME) ? TARGET_UNKNOWN
									: TARGET_ABSENT;
	}
	return TARGET_ABSENT;
}

static enum target_state target_state_of(const struct zone_check *check, const uint8_t *name)
{
	const struct zone_node *node;

	if (check->zone->has_unread || !name_is_within(name, check->zone->apex))
		return TARGET_UNKNOWN;
	node = zone_find(check->zone, name);
	return node ? node_target_state(node) : absent_target_state(check, name);
}

/* "ns1.example.com" written without its final dot in the zone of example.com. */
static const char *dot_hint(const struct zone *zone, const uint8_t *target)
{
	unsigned int n = name_n_labels(target);
	unsigned int n_apex = name_n_labels(zone->apex);
	const uint8_t *last = zone->apex;

	if (n < n_apex + 2 || n_apex == 0)
		return "";
	for (unsigned int i = 1; i < n_apex; i++)
		last += 1 + *last;
	for (unsigned int i = 1; i < n - n_apex; i++)
		target += 1 + *target;
	return target[0] == last[0] && strncasecmp((const char *)target + 1,
					       (const char *)last + 1, last[0]) == 0
		       ? " (is a final dot missing?)"
		       : "";
}

static void ns_target_check(struct zone_check *check, const struct zone_node *node,
	const struct zone_rdata *rdata, const uint8_t *target)
{
	bool at_apex = name_eq(node->name, check->zone->apex);
	bool needs_glue = !at_apex && name_is_within(target, node->name);
	const struct zone_node *found = zone_find(check->zone, target);
	enum target_state state = target_state_of(check, target);
	char name[NAME_STR_LEN];

	name_str(target, name);
	if (needs_glue && !check->zone->has_unread &&
		(!found || (!zone_node_has_address(found) && !found->has_unread))) {
		zone_error(check, rdata,
			"NS %s: glue is missing, the name is below the delegation "
			"and has no address here",
			name);
		return;
	}
	if (state == TARGET_CNAME)
		zone_warning(check, rdata,
			"NS %s: the name is a CNAME, "
			"which resolvers need not follow (RFC 2181 section 10.3)",
			name);
	else if ((state == TARGET_ABSENT || state == TARGET_NO_ADDRESS) && at_apex)
		zone_error(check, rdata, "NS %s: the name is in the zone and has no address%s",
			name, dot_hint(check->zone, target));
	else if (state == TARGET_ABSENT || state == TARGET_NO_ADDRESS)
		zone_warning(check, rdata,
			"NS %s: the name is in the zone and has no address%s", name,
			dot_hint(check->zone, target));
}

static void host_target_check(struct zone_check *check, uint16_t number,
	const struct zone_rdata *rdata, const uint8_t *target)
{
	char name[NAME_STR_LEN];
	char type[RDATA_TYPE_STR_LEN];
	enum target_state state = target_state_of(check, target);
	bool is_alias = number == LDNS_RR_TYPE_CNAME || number == LDNS_RR_TYPE_NAPTR;

	rdata_type_str(number, type);
	name_str(target, name);
	if (state == TARGET_ABSENT || (state == TARGET_NO_ADDRESS && !is_alias))
		zone_warning(check, rdata, "%s %s: the name is in the zone and has no %s%s",
			type, name, is_alias ? "record" : "address",
			dot_hint(check->zone, target));
	else if (state == TARGET_CNAME &&
		 (number == LDNS_RR_TYPE_MX || number == LDNS_RR_TYPE_SRV))
		zone_warning(check, rdata,
			"%s %s: the name is a CNAME, "
			"which is not allowed there (RFC 2181 section 10.3)",
			type, name);
}

void zonetarget_check(struct zone_check *check)
{
	const struct zone *zone = check->zone;
	struct zone_target target;

	for (size_t i = 0; i < zone->n_nodes; i++) {
		enum zone_place place = check->places[i];

		if (place != ZONE_PLACE_INSIDE && place != ZONE_PLACE_CUT)
			continue;
		target = (struct zone_target){.node = &zone->nodes[i]};
		while (zonetarget_next(&target))
			if (target.type == LDNS_RR_TYPE_NS)
				ns_target_check(check, target.node, target.rdata, target.name);
			else if (place == ZONE_PLACE_INSIDE)
				host_target_check(
					check, target.type, target.rdata, target.name);
	}
}
