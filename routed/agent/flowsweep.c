/* flowsweep.c - deletes the tracked connections that are bound to what an uplink has lost
 *
 * Called by reconcile.c after the kernel was changed, and when a deletion that was postponed
 * is due.
 */
#include "routed/agent/flowsweep.h"

#include "common/clock.h"
#include "routed/kernel/conntrack.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wantednumbers.h"

static int flows_part_af(const struct flows_part *part)
{
	if (part->family[SITE_IPV4] == part->family[SITE_IPV6])
		return AF_UNSPEC;
	return part->family[SITE_IPV4] ? AF_INET : AF_INET6;
}

static void sweep_part(const struct site *site, size_t i, struct conntrack *conntrack,
	const struct flows_part *part, struct flowsweep *sweep)
{
	uint32_t mask = part->which == FLOWS_ALL ? wanted_mark_uplink_mask(site)
						 : wanted_mark_mask(site);
	int64_t start_us = clock_now_us();

	if (conntrack_delete_family(
		    conntrack, flows_part_af(part), wanted_mark_out(site, i), mask) < 0)
		return;
	sweep->n_deletions++;
	sweep->uplinks[i].deleted = part->which;
	sweep->uplinks[i].took_us = clock_now_us() - start_us;
}

/* Another uplink takes new connections of that family, and not as a last resort. */
static bool agent_has_egress(const struct agent *agent, size_t index, enum site_family family)
{
	return (agent_usable_others(agent, index) & agent->decision.active[family]) != 0;
}

void flowsweep_run(struct agent *agent, struct conntrack *conntrack,
	flowsweep_address_fn *gone, void *arg, struct flowsweep *ret_sweep)
{
	const struct site *site = agent->site;
	int64_t now_us = clock_now_us();

	*ret_sweep = (struct flowsweep){.next_us = INT64_MAX};
	for (size_t i = 0; i < site->n_uplinks && !agent->standby; i++) {
		struct agent_uplink *uplink = agent->uplinks[i];
		const bool other_is_up[SITE_FAMILIES] = {
			[SITE_IPV4] = agent_has_egress(agent, i, SITE_IPV4),
			[SITE_IPV6] = agent_has_egress(agent, i, SITE_IPV6),
		};
		struct addr addrs[FLOWS_MAX_ADDRS];

		flows_observe(&uplink->flows, &uplink->machine, &agent->situation.uplinks[i],
			site->routing.flush_after_ms, now_us);
		struct flows_part part = flows_take(&uplink->flows, other_is_up, now_us);
		if (part.which != FLOWS_NONE)
			sweep_part(site, i, conntrack, &part, ret_sweep);

		/* the uplink goes on with other addresses than those */
		size_t n = flows_take_gone(&uplink->flows, clock_now_us(), addrs);
		for (size_t k = 0; k < n; k++) {
			int64_t start_us = clock_now_us();

			if (conntrack_delete_address(conntrack, &addrs[k],
				    wanted_mark_out(site, i),
				    wanted_mark_uplink_mask(site)) < 0)
				continue;
			ret_sweep->n_deletions++;
			gone(i, &addrs[k], clock_now_us() - start_us, arg);
		}

		int64_t due_us = flows_next_us(&uplink->flows, now_us);
		if (due_us < ret_sweep->next_us)
			ret_sweep->next_us = due_us;
	}
}
