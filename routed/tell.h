/* tell.h - says what changed: the log, those who follow the events, the operator's program
 *
 * Each event is an object as `routed events` prints it; routed(8) lists the members. Called by
 * reconcile.c after the kernel was changed, never before.
 */
#pragma once
struct plan;
struct routed;

/* Everything that differs from what was told last. */
void tell_changes(struct routed *routed);

void tell_repair(struct routed *routed, const struct plan *plan);
/* That the router took over, or stands by from now on. */
void tell_standby(struct routed *routed);

void tell_reload(struct routed *routed, int err);
