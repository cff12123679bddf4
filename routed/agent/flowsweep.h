/* flowsweep.h - deletes the tracked connections that are bound to what an uplink has lost
 *
 * Edge: flows.h says which connections, here they are deleted from the kernel's tracking.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "routed/agent/agent.h"

struct conntrack;

struct flowsweep_uplink {
	enum flows_which deleted; /* FLOWS_NONE mostly */
	int64_t took_us;	  /* that the kernel needed */
};

/* What one sweep has deleted. */
struct flowsweep {
	struct flowsweep_uplink uplinks[SITE_MAX_UPLINKS]; /* as site->uplinks */
	uint64_t n_deletions;
	int64_t next_us; /* when to sweep again; INT64_MAX: after the next change */
};

/* The connections that were bound to an address which is gone have been deleted. */
typedef void flowsweep_address_fn(
	size_t uplink, const struct addr *addr, int64_t took_us, void *arg);

/* Deletes what has to go now; to be called once the new path is in the kernel. On standby it
 * does nothing: the connections are the other router's. */
void flowsweep_run(struct agent *agent, struct conntrack *conntrack,
	flowsweep_address_fn *gone, void *arg, struct flowsweep *ret_sweep);
