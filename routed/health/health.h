/* health.h - whether the servers work, on the path of each uplink: `servers[].check`
 *
 * Edge: one TCP connection at a time to each address and port that is checked (healthset.h has
 * the paths and the times). A dead path stays in the kernel: dnsd stops offering it, and
 * clients that come in by it are forwarded as before.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/site/site.h"
#include "routed/health/healthcheck.h"

struct event_base;
struct situation;
struct health; /* opaque, see health.c */

/* Called within a wake-up of the event loop when a verdict has changed: health_dead and
 * health_partly may have changed too. It must not free or configure the health. */
typedef void health_changed_fn(void *arg);

/* `situation` holds the families that the uplinks have. It is borrowed for the health's life. 0
 * or -ENOMEM. Checks start with the first health_configure. */
int health_new(struct event_base *base, const struct situation *situation,
	health_changed_fn *changed, void *arg, struct health **ret_health);
void health_free(struct health *health);

/* Takes another configuration, borrowed until the next one. What is checked in both keeps its
 * verdict. -ENOMEM: nothing has changed. */
int health_configure(struct health *health, const struct site *site);

/* The set of uplinks on whose path site->servers[server] is dead in every family that is
 * forwarded. Empty for a server without a check. A path without a verdict is alive. */
uint32_t health_dead(const struct health *health, size_t server);

/* The set of uplinks on whose path one family is dead and the other works. */
uint32_t health_partly(const struct health *health, size_t server);

/* The reason of the verdict, for an operator: "3 of 3 connections to 10.0.1.5 port 80 refused
 * since 10:00:02" for each family; "" without a check. Returns `out`, which has HEALTH_WHY_MAX
 * or more octets per family. */
const char *health_why(
	const struct health *health, size_t server, size_t uplink, char *out, size_t cap);

/* The present state of one path in one family. */
struct health_path {
	struct addr addr;
	uint16_t port;
	bool alive;
	int64_t rtt_us;	  /* of the last accepted connection; -1: none was */
	int64_t since_us; /* monotonic, of the verdict; 0: there is none yet */
	char why[HEALTH_WHY_MAX];
};

/* False if there is no such path, or it is not checked. */
bool health_path(const struct health *health, size_t server, size_t uplink,
	enum site_family family, struct health_path *ret_path);
