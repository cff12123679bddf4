/* agentuplinks.c - the uplinks of another configuration take the place of the present ones
 *
 * Called by routed.c at start and for each reload.
 */
#include "routed/agent/agentuplinks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "routed/uplink/probe.h"

static void agent_uplink_free(struct agent_uplink *uplink)
{
	if (!uplink)
		return;
	prober_free(uplink->prober);
	uplink_fini(&uplink->machine);
	free(uplink);
}

static void agent_uplink_on_probed(void *arg)
{
	struct agent_uplink *uplink = arg;

	uplink->agent->probed(uplink, uplink->agent->probed_arg);
}

/* It goes on from what the saved state knows about its name. NULL without memory. */
static struct agent_uplink *agent_uplink_new(
	struct agent *agent, const struct site *site, size_t i, const struct savedstate *saved)
{
	const struct savedstate_uplink *before = savedstate_find(saved, site->uplinks[i].name);
	struct agent_uplink *uplink = calloc(1, sizeof(*uplink));
	int64_t now_us = clock_now_us();

	if (!uplink)
		return NULL;
	uplink->agent = agent;
	if (uplink_init(&uplink->machine, site, i, now_us) < 0) {
		free(uplink);
		return NULL;
	}
	if (before && before->drained)
		uplink_drain(&uplink->machine);
	if (before)
		uplink_restore(&uplink->machine, &before->saved, now_us);
	if (prober_new(agent->base, &uplink->machine, agent_uplink_on_probed, uplink,
		    &uplink->prober) < 0) {
		agent_uplink_free(uplink);
		return NULL;
	}
	return uplink;
}

/* The present uplink of the same name on the same interface, or NULL. */
static struct agent_uplink *present_uplink(
	const struct agent *agent, const struct site_uplink *config)
{
	int k = agent->site ? site_find_uplink(agent->site, config->name) : -1;

	if (k < 0 || strcmp(agent->site->uplinks[k].interface, config->interface) != 0)
		return NULL;
	return agent->uplinks[k];
}

int agentuplinks_make(struct agent *agent, const struct site *site,
	const struct savedstate *saved, struct agentuplinks *ret_uplinks)
{
	struct agentuplinks *uplinks = ret_uplinks;

	*uplinks = (struct agentuplinks){0};
	for (size_t i = 0; i < site->n_uplinks; i++) {
		uplinks->items[i] = present_uplink(agent, &site->uplinks[i]);
		if (uplinks->items[i])
			continue;
		uplinks->items[i] = agent_uplink_new(agent, site, i, saved);
		uplinks->is_new[i] = true;
		if (!uplinks->items[i])
			return -ENOMEM;
	}
	for (size_t i = 0; i < site->n_uplinks; i++) {
		if (uplinks->is_new[i])
			continue;
		int err = uplink_configure(
			&uplinks->items[i]->machine, site, i, clock_now_us());
		if (err < 0)
			return err;
	}
	return 0;
}

void agentuplinks_give_up(struct agent *agent, struct agentuplinks *uplinks)
{
	const struct site *site = agent->site;

	for (size_t i = 0; site && i < site->n_uplinks; i++) {
		uplink_configure(&agent->uplinks[i]->machine, site, i, clock_now_us());
		prober_reload(agent->uplinks[i]->prober);
	}
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++)
		if (uplinks->is_new[i])
			agent_uplink_free(uplinks->items[i]);
}

static bool agentuplinks_have(
	const struct agentuplinks *uplinks, const struct agent_uplink *uplink)
{
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++)
		if (uplinks->items[i] == uplink)
			return true;
	return false;
}

void agentuplinks_take(
	struct agent *agent, struct site *site, const struct agentuplinks *uplinks)
{
	const struct site *old = agent->site;

	/* the same name on another interface: the connections that are bound to its former
	 * addresses have to be deleted */
	for (size_t i = 0; old && i < site->n_uplinks; i++) {
		int k = site_find_uplink(old, site->uplinks[i].name);

		if (uplinks->is_new[i] && k >= 0)
			uplinks->items[i]->flows = agent->uplinks[k]->flows;
	}
	for (size_t i = 0; old && i < old->n_uplinks; i++)
		if (!agentuplinks_have(uplinks, agent->uplinks[i]))
			agent_uplink_free(agent->uplinks[i]);

	memcpy(agent->uplinks, uplinks->items, sizeof(agent->uplinks));
	agent->site = site;
	for (size_t i = 0; i < site->n_uplinks; i++)
		if (!uplinks->is_new[i])
			prober_reload(agent->uplinks[i]->prober);
}

void agentuplinks_free(struct agent *agent)
{
	for (size_t i = 0; agent->site && i < agent->site->n_uplinks; i++)
		agent_uplink_free(agent->uplinks[i]);
}
