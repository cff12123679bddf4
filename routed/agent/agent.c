/* agent.c - the uplinks of the running agent, and what follows from their states
 *
 * The steps of the machines in the order that their conclusions need, and the questions that
 * several modules ask about the uplinks as a whole. agentuplinks.c makes and frees the
 * uplinks, observer.c tells them about the links, reconcile.c calls both.
 */
#include "routed/agent/agent.h"

#include <string.h>

#include "common/clock.h"
#include "common/invariant.h"
#include "common/net/links.h"
#include "common/site/uplinkset.h"
#include "routed/uplink/probe.h"
#include "routed/wanted/situation.h"

const char *agent_ifname(int ifindex, void *arg)
{
	const struct link *link = links_find_index(arg, ifindex);

	return link ? link->name : NULL;
}

size_t agent_index(const struct agent *agent, const struct agent_uplink *uplink)
{
	for (size_t i = 0; i < agent->site->n_uplinks; i++)
		if (agent->uplinks[i] == uplink)
			return i;
	invariant(false, "an uplink is not among the %zu of the site", agent->site->n_uplinks);
}

uint32_t agent_active(const struct agent *agent)
{
	return agent->decision.active[SITE_IPV4] | agent->decision.active[SITE_IPV6];
}

uint32_t agent_usable_others(const struct agent *agent, size_t index)
{
	uint32_t others = 0;

	for (size_t i = 0; i < agent->site->n_uplinks; i++) {
		enum uplink_state state = uplink_state(&agent->uplinks[i]->machine);

		if (i != index && (state == UPLINK_UP || state == UPLINK_DEGRADED))
			uplinkset_add(&others, i);
	}
	return others;
}

/* ---- steps ---- */

/* Then a hold gains nothing. The last usable uplink with IPv4 counts too: IPv6 alone is not
 * the whole Internet yet, while clients can wait on IPv4 alone. */
static bool agent_is_last_usable(const struct agent *agent, size_t index)
{
	const struct situation_uplink *situations = agent->situation.uplinks;
	uint32_t others = agent_usable_others(agent, index);

	if (!situation_can_route(&situations[index], SITE_IPV4))
		return others == 0;
	for (size_t i = 0; i < agent->site->n_uplinks; i++)
		if (uplinkset_has(others, i) && situation_can_route(&situations[i], SITE_IPV4))
			return false;
	return true;
}

unsigned int agent_step(struct agent *agent, size_t index)
{
	struct uplink *machine = &agent->uplinks[index]->machine;
	enum uplink_fault fault = machine->fault;
	unsigned int changes = 0;

	uplink_set_last_usable(machine, agent_is_last_usable(agent, index));
	if (uplink_step(machine, clock_now_us())) {
		changes |= AGENT_NEW_STATE;
		if (machine->cause_us > agent->cause_us)
			agent->cause_us = machine->cause_us;
	}
	if (machine->fault != fault)
		changes |= AGENT_NEW_FAULT;
	agent->situation.uplinks[index].state = uplink_state(machine);
	return changes;
}

/* Two rounds, since an uplink that goes down may release another one from its hold. */
unsigned int agent_step_all(struct agent *agent)
{
	unsigned int changes = 0;

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < agent->site->n_uplinks; i++)
			changes |= agent_step(agent, i);
	for (size_t i = 0; i < agent->site->n_uplinks; i++)
		prober_rearm(agent->uplinks[i]->prober);
	return changes;
}

void agent_reset_uplinks(struct agent *agent)
{
	for (size_t i = 0; i < agent->site->n_uplinks; i++) {
		struct agent_uplink *uplink = agent->uplinks[i];

		uplink_reset(&uplink->machine, clock_now_us());
		uplink->flows = (struct flows){0};
		if (!agent->standby)
			prober_reload(uplink->prober);
	}
}

/* ---- the saved state ---- */

void agent_to_save(const struct agent *agent, struct savedstate *ret_saved)
{
	*ret_saved = (struct savedstate){
		.n_uplinks = agent->site->n_uplinks,
		.mark = agent->site->routing.mark,
		.role = agent->role,
	};
	for (size_t i = 0; i < ret_saved->n_uplinks; i++) {
		const struct uplink *machine = &agent->uplinks[i]->machine;
		struct savedstate_uplink *saved = &ret_saved->uplinks[i];

		memcpy(saved->name, machine->name, sizeof(saved->name));
		saved->drained = machine->drained;
		uplink_save(machine, &saved->saved);
	}
}

int agent_save(const struct agent *agent, bool durable)
{
	struct savedstate saved;

	agent_to_save(agent, &saved);
	return savedstate_store(agent->saved_path, &saved, durable);
}
