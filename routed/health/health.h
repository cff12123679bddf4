/* health.h - whether the servers work, on the path of each uplink: `servers[].check`
 *
 * Edge: one TCP connection at a time to each address and port that is checked (healthset.h has
 * the paths and the times). What is found dead is not taken out of the kernel: dnsd stops
 * offering it there, and whoever comes all the same is forwarded as before.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/site/site.h"
#include "routed/health/healthcheck.h"
#include "routed/wanted/wanted.h"

struct event_base;
struct health; /* opaque, see health.c */

/* Some verdict has become another one, within a wake-up of the event loop: health_dead and
 * health_partly may say something else now. Must not free or configure the health. */
typedef void health_changed_fn(void *arg);

/* `situation` tells which families the uplinks have; borrowed for the health's life. -ENOMEM,
 * or 0. Nothing is checked before the first health_configure. */
int health_new(struct event_base *base, const struct situation *situation,
	health_changed_fn *changed, void *arg, struct health **ret_health);
void health_free(struct health *health);

/* Takes another configuration, borrowed until the next one: what is still checked keeps its
 * verdict. -ENOMEM: nothing has changed. */
int health_configure(struct health *health, const struct site *site);

/* The set of uplinks (indices into site->uplinks) on whose path server number `server` of
 * site->servers is dead: every family that is forwarded there is. Empty for one without a
 * check; what has not been judged yet is alive. */
uint32_t health_dead(const struct health *health, size_t server);

/* The set of those on whose path one family is dead and the other works. */
uint32_t health_partly(const struct health *health, size_t server);

/* The reason for either, for an operator: "3 of 3 connections to 10.0.1.5 port 80 refused
 * since 10:00:02", of each family; "" without a check. Returns `out`, HEALTH_WHY_MAX or more
 * for each family. */
const char *health_why(
	const struct health *health, size_t server, size_t uplink, char *out, size_t cap);

/* One path in one family, as it is now. */
struct health_path {
	struct addr addr;
	uint16_t port;
	bool alive;
	int64_t rtt_us;	  /* of the last connection accepted; -1: none was */
	int64_t since_us; /* monotonic, when it was found so; 0: not judged yet */
	char why[HEALTH_WHY_MAX];
};

/* False: there is no such path, or it is not checked. */
bool health_path(const struct health *health, size_t server, size_t uplink,
	enum site_family family, struct health_path *ret_path);
