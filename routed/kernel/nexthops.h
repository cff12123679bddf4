/* nexthops.h - the kernel's nexthop objects, and what a route that uses one leads to
 *
 * With net.ipv4.nexthop_compat_mode=0 a route is shown with the number of its object and
 * nothing else: gateway and device have to be looked up. Pure: rtnl.c fills it.
 */
#pragma once
#include "routed/kernel/rtnlmsg.h"

struct nexthops {
	struct rtnlmsg_nexthop *items;
	size_t n;
};

void nexthops_fini(struct nexthops *nexthops);

/* Appends a copy. Out of memory ends the program. `nexthops_sort` is to follow the last one.
 */
void nexthops_add(struct nexthops *nexthops, const struct rtnlmsg_nexthop *nexthop);
void nexthops_sort(struct nexthops *nexthops);

/* Gives a route that is `unresolved` the next hops of its object. One whose object is not
 * there, or leads nowhere, stays without any. */
void nexthops_resolve(const struct nexthops *nexthops, struct rtnlmsg_route *route);
