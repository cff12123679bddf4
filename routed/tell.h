/* tell.h - says what changed: the log, those who follow the events, the operator's program
 *
 * Each event is an object as `routed events` prints it; routed(8) lists the members. Called by
 * reconcile.c after the kernel was changed, never before.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct addr;
struct plan;
struct routed;

#define TELL_VERB "events" /* of the control socket */

/* Everything that differs from what was told last. */
void tell_changes(struct routed *routed);

/* The connections that were bound to an address which is gone have been deleted. */
void tell_address_gone(
	struct routed *routed, size_t uplink, const struct addr *addr, int64_t took_us);

void tell_repair(struct routed *routed, const struct plan *plan);
void tell_reload(struct routed *routed, int err);
