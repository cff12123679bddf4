/* nexthops.c - the kernel's nexthop objects, and what a route that uses one leads to
 *
 * Called by rtnl.c for each look at all routes. A route is copied with the next hops that its
 * object stands for, and not with the object's number: when the owner deletes the object, the
 * kernel deletes all routes that use it, and notifies of the object only
 * (net/ipv4/nexthop.c, __remove_nexthop_fib).
 */
#include "routed/kernel/nexthops.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"

void nexthops_fini(struct nexthops *nexthops)
{
	free(nexthops->items);
	*nexthops = (struct nexthops){0};
}

/* The capacity is not kept: it is the next power of two. */
void nexthops_add(struct nexthops *nexthops, const struct rtnlmsg_nexthop *nexthop)
{
	nexthops->items = xgrow(nexthops->items, nexthops->n, sizeof(*nexthops->items));
	nexthops->items[nexthops->n++] = *nexthop;
}

static int nexthop_cmp(const void *a, const void *b)
{
	uint32_t id_a = ((const struct rtnlmsg_nexthop *)a)->id;
	uint32_t id_b = ((const struct rtnlmsg_nexthop *)b)->id;

	return (id_a > id_b) - (id_a < id_b);
}

void nexthops_sort(struct nexthops *nexthops)
{
	if (nexthops->n > 0)
		qsort(nexthops->items, nexthops->n, sizeof(*nexthops->items), nexthop_cmp);
}

static const struct rtnlmsg_nexthop *find_nexthop(const struct nexthops *nexthops, uint32_t id)
{
	const struct rtnlmsg_nexthop key = {.id = id};

	if (nexthops->n == 0)
		return NULL;
	return bsearch(&key, nexthops->items, nexthops->n, sizeof(key), nexthop_cmp);
}

static void add_hop(struct rtnlmsg_route *route, const struct rtnlmsg_nexthop *nexthop,
	unsigned int weight)
{
	struct kernel_route *r = &route->route;

	if (nexthop->hop.ifindex <= 0 || r->n_nexthops == KERNEL_MAX_NEXTHOPS)
		return;
	route->has_encap = route->has_encap || nexthop->has_encap;
	r->nexthops[r->n_nexthops] = nexthop->hop;
	r->nexthops[r->n_nexthops++].weight = weight;
}

void nexthops_resolve(const struct nexthops *nexthops, struct rtnlmsg_route *route)
{
	const struct rtnlmsg_nexthop *nexthop = find_nexthop(nexthops, route->nhid);

	if (!nexthop)
		return;
	if (nexthop->n_members == 0)
		add_hop(route, nexthop, 1);
	for (size_t i = 0; i < nexthop->n_members; i++) {
		const struct rtnlmsg_nexthop *member = find_nexthop(
			nexthops, nexthop->members[i].id);

		if (member)
			add_hop(route, member, nexthop->members[i].weight);
	}
	route->unresolved = route->route.n_nexthops == 0;
}
