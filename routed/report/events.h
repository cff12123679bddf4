/* events.h - reports what changed: log, subscribers of `events`, the operator's program
 *
 * Each event is an object as `routed events` prints it; routed(8) lists the members. Called by
 * reconcile.c after the kernel was changed, never before.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "routed/report/eventsink.h"

struct addr;
struct agent;
struct events; /* opaque, see events.c */
struct flowsweep;
struct health;
struct last_writer;
struct links;
struct plan;
struct site;

/* All borrowed for its life. -ENOMEM. */
int events_new(
	const struct eventsink *sink, const struct health *health, struct events **ret_events);
void events_free(struct events *events);

/* Everything that differs from the last report, and what `sweep` has deleted. True if an
 * uplink is in another state: the saved state has to be written. */
bool events_changes(
	struct events *events, const struct agent *agent, const struct flowsweep *sweep);

/* Another site takes the place of `old`: what was reported of uplinks and servers that are in
 * both is kept, so that a reload makes no event. */
void events_follow(struct events *events, const struct site *old, const struct site *site);

/* The state of each uplink is an event again. */
void events_reset_uplinks(struct events *events);

/* The connections that were bound to an address which is gone have been deleted. */
void events_address_gone(
	struct events *events, const char *uplink, const struct addr *addr, int64_t took_us);

/* Others had changed what is ours; `links` has the names for the steps. */
void events_repair(struct events *events, const struct plan *plan, struct links *links,
	const struct last_writer *writer);

/* The router took over, or stands by from now on. */
void events_standby(struct events *events, bool standby);

/* `err` 0: the configuration was read again; else that has failed. */
void events_reload(struct events *events, int err);
