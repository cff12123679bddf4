/* mainroutes.c - what main routes over the uplinks, to be copied into their tables
 *
 * Whoever made a route: connected prefixes (the kernel), an operator, a DHCP client (option
 * 121), router advertisements, routing daemons. Of a multipath route only the next hops over
 * the device count. Left out are our own, those that only a kind of packets takes (by type of
 * service, by source, into a tunnel), and the default, which gateways.c learns.
 */
#include "routed/kernel/mainroutes.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/net/family.h"
#include "common/xalloc.h"
#include "routed/kernel/rtnlmsg.h"

void mainroutes_fini(struct mainroutes *routes)
{
	for (size_t i = 0; i < routes->n; i++)
		free(routes->over[i].items);
	routes->n = 0;
}

const struct mainroutes_over *mainroutes_find(
	const struct mainroutes *routes, int ifindex, int family)
{
	for (size_t i = 0; i < routes->n; i++)
		if (routes->over[i].ifindex == ifindex && routes->over[i].family == family)
			return &routes->over[i];
	return NULL;
}

/* Takes over what is known of the same device and family. */
static bool move_over(struct mainroutes *from, struct mainroutes_over *to)
{
	for (size_t i = 0; i < from->n; i++) {
		struct mainroutes_over *known = &from->over[i];

		if (known->ifindex != to->ifindex || known->family != to->family)
			continue;
		*to = *known;
		known->items = NULL;
		return true;
	}
	return false;
}

bool mainroutes_follow(struct mainroutes *routes, const int *ifindexes, size_t n)
{
	struct mainroutes next = {0};
	size_t n_kept = 0;

	for (size_t i = 0; i < n && i < SITE_MAX_UPLINKS; i++) {
		if (ifindexes[i] <= 0 || mainroutes_find(&next, ifindexes[i], AF_INET))
			continue;
		for (enum site_family f = 0; f < SITE_FAMILIES; f++) {
			next.over[next.n++] = (struct mainroutes_over){
				.ifindex = ifindexes[i], .family = family_af(f)};
			n_kept += move_over(routes, &next.over[next.n - 1]);
		}
	}
	bool changed = n_kept != next.n || n_kept != routes->n;
	mainroutes_fini(routes);
	*routes = next;
	return changed;
}

void mainroutes_begin(struct mainroutes *fresh, const struct mainroutes *known)
{
	*fresh = (struct mainroutes){.n = known->n};
	for (size_t i = 0; i < known->n; i++)
		fresh->over[i] = (struct mainroutes_over){
			.ifindex = known->over[i].ifindex, .family = known->over[i].family};
}

/* The capacity is not kept: it is the next power of two. */
static void append_route(struct mainroutes_over *over, const struct kernel_route *route)
{
	size_t n = over->n;

	over->n_seen++;
	if (n == MAINROUTES_MAX)
		return;
	over->items = xgrow(over->items, n, sizeof(*over->items));
	over->items[over->n++] = *route;
}

/* A lone next hop has no weight to share by. */
static void copy_over(const struct rtnlmsg_route *route, struct mainroutes_over *over)
{
	struct kernel_route copy = route->route;

	copy.n_nexthops = 0;
	for (size_t i = 0; i < route->route.n_nexthops; i++)
		if (route->route.nexthops[i].ifindex == over->ifindex)
			copy.nexthops[copy.n_nexthops++] = route->route.nexthops[i];
	if (copy.n_nexthops == 0)
		return;
	for (size_t i = copy.n_nexthops; i < route->route.n_nexthops; i++)
		copy.nexthops[i] = (struct kernel_nexthop){0};
	if (copy.n_nexthops == 1)
		copy.nexthops[0].weight = 1;
	append_route(over, &copy);
}

void mainroutes_see(struct mainroutes *routes, const struct rtnlmsg_route *route)
{
	const struct kernel_route *r = &route->route;

	if (r->table != RT_TABLE_MAIN || r->type != KERNEL_UNICAST ||
		route->protocol == KERNEL_PROTOCOL || addr_is_multicast(&r->dst.addr))
		return;
	for (size_t i = 0; i < routes->n; i++) {
		struct mainroutes_over *over = &routes->over[i];

		if (over->family != r->family)
			continue;
		for (size_t k = 0; k < r->n_nexthops && r->dst.len == 0; k++)
			if (r->nexthops[k].ifindex == over->ifindex)
				over->has_default = true;
		if (r->dst.len > 0 && !route->tos && !route->has_from && !route->has_encap)
			copy_over(route, over);
	}
}

static bool over_eq(const struct mainroutes_over *a, const struct mainroutes_over *b)
{
	if (a->ifindex != b->ifindex || a->family != b->family ||
		a->has_default != b->has_default || a->n != b->n || a->n_seen != b->n_seen)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!kernel_route_eq(&a->items[i], &b->items[i]))
			return false;
	return true;
}

bool mainroutes_eq(const struct mainroutes *a, const struct mainroutes *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!over_eq(&a->over[i], &b->over[i]))
			return false;
	return true;
}
