/* agentuplinks.h - the uplinks of another configuration take the place of the present ones
 *
 * An uplink of the same name on the same interface goes on with all that it knows; any other
 * one begins with what the saved state says about its name. Either all of a configuration is
 * taken, or nothing:
 *
 *     agentuplinks_make      new ones are made, the present ones take their new settings
 *     agentuplinks_take      the agent has them from now on
 *     agentuplinks_give_up   instead: the present ones get their former settings back
 */
#pragma once
#include <stdbool.h>

#include "routed/agent/agent.h"

struct agentuplinks {
	struct agent_uplink *items[SITE_MAX_UPLINKS]; /* as the uplinks of the new site */
	bool is_new[SITE_MAX_UPLINKS];
};

/* -ENOMEM: what was made so far is agentuplinks_give_up's to undo. */
int agentuplinks_make(struct agent *agent, const struct site *site,
	const struct savedstate *saved, struct agentuplinks *ret_uplinks);
void agentuplinks_give_up(struct agent *agent, struct agentuplinks *uplinks);

/* Takes the site too, and frees the uplinks that it no longer has. The former site is the
 * caller's to free. */
void agentuplinks_take(
	struct agent *agent, struct site *site, const struct agentuplinks *uplinks);

/* At the end. */
void agentuplinks_free(struct agent *agent);
