/* events.h - says what changed: the log, those who follow the events, the operator's program
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
struct routed_server;
struct site;

#define EVENTS_VERB "events" /* of the control socket */

/* Everything that differs from what was told last. */
void events_changes(struct routed *routed);

/* Which servers are dead on whose path; called by events_changes: serverevents.c */
void events_servers(struct routed *routed);

/* What was told of the servers and uplinks of `site` that are in the present site too, for
 * routed->servers: so that a reload makes no news. The caller frees it; NULL without memory.
 */
struct routed_server *events_servers_of(const struct routed *routed, const struct site *site);

/* The connections that were bound to an address which is gone have been deleted. */
void events_address_gone(
	struct routed *routed, size_t uplink, const struct addr *addr, int64_t took_us);

void events_repair(struct routed *routed, const struct plan *plan);
/* That the router took over, or stands by from now on. */
void events_standby(struct routed *routed);

void events_reload(struct routed *routed, int err);
