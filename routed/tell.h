/* tell.h - says what changed: the log, those who follow the events, the operator's program
 *
 * Each event is an object as `routed events` prints it; routed(8) lists the members. Called by
 * reconcile.c after the kernel was changed, never before.
 */
#pragma once
#include <stddef.h>

#include "routed/flows.h"

struct plan;
struct routed;

/* Everything that differs from what was told last. */
void tell_changes(struct routed *routed);

void tell_deletion(struct routed *routed, size_t uplink, enum flows_which which);
void tell_repair(struct routed *routed, const struct plan *plan);
void tell_reload(struct routed *routed, int err);
