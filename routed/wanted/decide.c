/* decide.c - which uplinks new outbound connections use
 *
 * Pure. The order of preference is that of site.yaml; the states come from the state machines.
 * A decision is made for each family by itself, since an uplink may have only one of them.
 *
 *   1  up, with a weight          failover: the first of them; balance: all of them
 *   2  up, weight 0               the first of them
 *   3  degraded                   as 1, then as 2
 *   4  last-resort: keep          the first that has carrier, address and gateway
 *
 * The first line that yields an uplink counts. A drained one is never chosen: the operator
 * who drains it is about to pull it out.
 */
#include "routed/wanted/decide.h"

#include "common/site/uplinkset.h"
#include "routed/wanted/situation.h"

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
