/* mainroutes.h - what main routes over the uplinks, to be copied into their tables
 *
 * An uplink's table must hold all that main routes over it: a flow is bound to the table from
 * its second packet on, and the router's own addresses and the loopbacks from the first. Pure:
 * gateways.c fills it in its look at all routes.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "common/site/site.h"
#include "routed/kernel/kernel.h"

struct rtnlmsg_route;

/* As many routes of one family over one uplink are followed; those beyond go by the uplink's
 * default. A full routing table of the Internet has a thousand times as many, and each of them
 * is read and compared at every change. */
enum { MAINROUTES_MAX = 1000 };

/* The routes of one family over one device. */
struct mainroutes_over {
	int ifindex;
	int family;
	bool has_default;	    /* of whatever kind */
	struct kernel_route *items; /* as in main, but for next hops over other devices */
	size_t n;
	size_t n_seen; /* with those beyond the limit */
};

struct mainroutes {
	struct mainroutes_over over[SITE_FAMILIES * SITE_MAX_UPLINKS];
	size_t n;
};

void mainroutes_fini(struct mainroutes *routes);

/* The devices to look at from now on, 0 for one that is not there. Devices that are followed
 * already keep their routes. True if the set has changed: a look is to follow. */
bool mainroutes_follow(struct mainroutes *routes, const int *ifindexes, size_t n);

/* A look: an empty set of the same devices, then each route of the kernel. */
void mainroutes_begin(struct mainroutes *fresh, const struct mainroutes *known);
void mainroutes_see(struct mainroutes *routes, const struct rtnlmsg_route *route);

bool mainroutes_eq(const struct mainroutes *a, const struct mainroutes *b);

/* Borrowed until the next look; NULL: the device is not followed. */
const struct mainroutes_over *mainroutes_find(
	const struct mainroutes *routes, int ifindex, int family);
