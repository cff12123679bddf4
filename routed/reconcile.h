/* reconcile.h - makes the kernel hold what it should: look, decide, compare, change, report */
#pragma once

struct routed;

/* Something may have changed: looks at it within a few milliseconds. */
void reconcile_soon(struct routed *routed);

/* Looks now, and makes the kernel follow. */
void reconcile_now(struct routed *routed);

/* The machines have drawn conclusions: `changes` is a set of enum agent_change. Looks now if
 * an uplink is in another state, soon if the reason alone is another one. */
void reconcile_after(struct routed *routed, unsigned int changes);

/* Deletes the flows that have to go now, arms the timer for those that have to go later, and
 * reports all that changed. */
void reconcile_flows(struct routed *routed);

/* Others have changed what is ours: if that happens too often, repairs come less quickly. */
void reconcile_note_repair(struct routed *routed);
