/* reconcile.h - keeps the kernel what it should be: look, decide, compare, change, tell */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct routed;
struct routed_uplink;

/* Something may have changed: looks at it within a few milliseconds. */
void reconcile_soon(struct routed *routed);

/* Looks now, and makes the kernel follow. */
void reconcile_now(struct routed *routed);

/* Tells the machines what the links say and lets them draw their conclusions. True if an
 * uplink is in another state than before. */
bool reconcile_observe(struct routed *routed);

/* Lets one machine draw its conclusions. True likewise. */
bool reconcile_step(struct routed_uplink *uplink);

/* Deletes the flows that are to go now, and arms the timer for those that are to go later. */
void reconcile_flows(struct routed *routed);

/* Is any uplink other than `index` of use for new connections (up or degraded)? */
bool reconcile_has_other(const struct routed *routed, size_t index);

/* Something was changed by others: too often, and it is repaired less quickly. */
void reconcile_note_repair(struct routed *routed);
