/* decide.c - which uplinks new outbound connections use, and the numbers of tables and marks
 *
 * Pure. The order of preference is that of site.yaml; the states come from the state machines.
 * A decision is made for each family by itself, since an uplink may have only one of them.
 *
 *   1  up, with a weight          failover: the first of them; balance: all of them
 *   2  up, weight 0               the first of them
 *   3  degraded                   as 1, then as 2
 *   4  last-resort: keep          the first that has carrier, address and gateway
 *
 * The first line that yields an uplink counts. A drained one is never chosen: whoever drains
 * it is about to pull it out.
 */
#include "common/site/uplinkset.h"
#include "routed/wanted/wanted.h"

bool situation_has_address(const struct situation_uplink *uplink, enum site_family family)
{
	return addr_is_set(&uplink->chosen[family]) ||
	       (family == SITE_IPV6 && uplink->unnumbered);
}

bool situation_has_gateway(const struct situation_uplink *uplink, enum site_family family)
{
	return uplink->point_to_point || uplink->bare_default[family] ||
	       addr_is_set(&uplink->gateway[family]);
}

bool situation_can_route(const struct situation_uplink *uplink, enum site_family family)
{
	return uplink->ifindex != 0 && !uplink->is_down &&
	       situation_has_address(uplink, family) && situation_has_gateway(uplink, family);
}

bool situation_is_left_to_main(const struct situation_uplink *uplink, enum site_family family)
{
	const struct mainroutes_over *routes = uplink->main_routes[family];

	return routes && routes->has_default && !situation_can_route(uplink, family);
}

static uint32_t with_state(const struct site *site, const struct situation *situation,
	enum site_family family, enum uplink_state state)
{
	uint32_t set = 0;

	for (size_t i = 0; i < site->n_uplinks; i++)
		if (situation->uplinks[i].state == state &&
			situation_can_route(&situation->uplinks[i], family))
			uplinkset_add(&set, i);
	return set;
}

/* Which of `candidates` share the load. */
static uint32_t share(const struct site *site, uint32_t candidates)
{
	uint32_t weighted = 0;

	if (site->routing.mode == SITE_MODE_FAILOVER)
		return uplinkset_first(candidates);

	for (size_t i = 0; i < site->n_uplinks; i++)
		if (uplinkset_has(candidates, i) && site->uplinks[i].weight > 0)
			uplinkset_add(&weighted, i);
	return weighted ? weighted : uplinkset_first(candidates);
}

static uint32_t last_resort(
	const struct site *site, const struct situation *situation, enum site_family family)
{
	if (!site->routing.last_resort_keep)
		return 0;

	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct situation_uplink *uplink = &situation->uplinks[i];

		if (uplink->carrier && uplink->state != UPLINK_DRAINED &&
			situation_can_route(uplink, family))
			return uplinkset_of(i);
	}
	return 0;
}

static uint32_t decide_family(
	const struct site *site, const struct situation *situation, enum site_family family)
{
	uint32_t up = with_state(site, situation, family, UPLINK_UP);
	uint32_t degraded = with_state(site, situation, family, UPLINK_DEGRADED);

	if (up)
		return share(site, up);
	if (degraded)
		return share(site, degraded);
	return last_resort(site, situation, family);
}

struct decision decide(const struct site *site, const struct situation *situation)
{
	struct decision decision = {0};

	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		decision.active[family] = decide_family(site, situation, family);
	return decision;
}

/* --- numbers that follow from site.yaml --- */

uint32_t wanted_default_table(const struct site *site)
{
	return site->routing.tables;
}

uint32_t wanted_uplink_table(const struct site *site, size_t uplink)
{
	return site->routing.tables + 1 + (uint32_t)uplink;
}

uint32_t wanted_mark_mask(const struct site *site)
{
	return site->routing.mark;
}

/* The bits of `mark` follow one another and have room for every uplink: site_check. */
static uint32_t direction_bit(uint32_t mark)
{
	return mark ? 1u << (31 - __builtin_clz(mark)) : 0;
}

uint32_t wanted_mark_direction(const struct site *site)
{
	return direction_bit(site->routing.mark);
}

/* The bit below, unless the number of an uplink needs it. */
uint32_t wanted_mark_answered(const struct site *site)
{
	uint32_t bit = direction_bit(site->routing.mark) >> 1;

	return site->n_uplinks > 0 && wanted_mark_out(site, site->n_uplinks - 1) < bit ? bit
										       : 0;
}

uint32_t wanted_mark_uplink_mask(const struct site *site)
{
	return site->routing.mark & ~wanted_mark_direction(site) & ~wanted_mark_answered(site);
}

uint32_t wanted_mark_packet_mask(const struct site *site)
{
	return site->routing.mark & ~wanted_mark_direction(site);
}

uint32_t wanted_mark_out(const struct site *site, size_t uplink)
{
	uint32_t mark = site->routing.mark;

	return mark ? (uint32_t)(uplink + 1) << __builtin_ctz(mark) : 0;
}

uint32_t wanted_mark_in(const struct site *site, size_t uplink)
{
	return wanted_mark_out(site, uplink) | direction_bit(site->routing.mark);
}
