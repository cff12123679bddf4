/* observer.h - what the links and the routes of other programs say about the uplinks
 *
 * Edge: reads the mirror of links, the carriers and the routes, and writes the agent's
 * situation from them. It never decides what follows.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "routed/kernel/gateways.h"

struct agent;
struct links;
struct rtnl;
struct rtnlwatch;

/* Embedded; zero to begin with but for the pointers, which are borrowed. */
struct observer {
	const struct links *links;
	struct rtnl *rtnl;
	struct rtnlwatch *watch;
	struct gateways gateways;
	bool gateways_dirty;   /* default routes of others may have changed */
	int64_t routes_due_us; /* routes of main are not read again before */
};

void observer_fini(struct observer *observer);

/* Looks at everything, tells the machines and the probers, and lets the machines draw their
 * conclusions. Returns a set of enum agent_change. */
unsigned int observer_look(struct observer *observer, struct agent *agent);

/* Reads the carriers alone: the kernel reports a lost one up to a second late
 * (common/net/links.h). True if one has changed: observer_look has to follow. */
bool observer_poll_carriers(const struct observer *observer, struct agent *agent);

/* How long to wait before the routes of main may be read again; 0: they may be now. */
int64_t observer_routes_wait_us(const struct observer *observer);
