/* wantedroutes.c - the routes among what the kernel should hold
 *
 * Three kinds, in the order in which they are made:
 *
 * - the table of each uplink: its connected prefixes and its default, as long as there is a
 *   device, an address and a gateway; and a copy of each route of main that leads over it, as
 *   long as main has it. A verdict of the probes changes nothing here.
 * - the tracked default over the active uplinks; none if there are none.
 * - in main, the servers' loopbacks by way of the server, each with an unreachable one behind
 *   it: the kernel takes the former away with the LAN's device, and what is forwarded to the
 *   loopback would follow the default to an ISP.
 *
 * IPv6 routes carry metric 1024, which is what the kernel makes of no metric, so that what is
 * read back compares equal.
 */
#include "routed/wanted/wantedroutes.h"

#include <linux/rtnetlink.h>
#include <string.h>

#include "common/net/family.h"
#include "common/site/uplinkset.h"
#include "routed/kernel/mainroutes.h"
#include "routed/wanted/decide.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wantednumbers.h"

enum { IPV6_METRIC = 1024 }; /* IP6_RT_PRIO_USER, include/uapi/linux/ipv6_route.h */

/* The lowest preference, as in Documentation/networking/vrf.rst: routing daemons read the upper
 * octet as the administrative distance, here 255. */
static const uint32_t last_metric = 4278198272;

static struct kernel_route route_to(
	enum site_family family, const struct prefix *dst, uint32_t table)
{
	struct kernel_route route = {
		.family = family_af(family),
		.type = KERNEL_UNICAST,
		.table = table,
		.metric = family == SITE_IPV6 ? IPV6_METRIC : 0,
	};

	if (dst)
		route.dst = *dst;
	else
		route.dst.addr.family = (uint8_t)family_af(family);
	return route;
}

static void route_add_nexthop(struct kernel_route *route, int ifindex,
	const struct addr *gateway, bool onlink, unsigned int weight)
{
	route->nexthops[route->n_nexthops++] = (struct kernel_nexthop){
		.ifindex = ifindex,
		.gateway = *gateway,
		.onlink = onlink,
		.weight = weight,
	};
}

/* A lone address is no subnet: the local table has it already. */
static bool has_subnet(const struct link_addr *addr)
{
	return addr_is_set(&addr->peer) || addr->prefix_len < 8 * addr_len(&addr->addr);
}

static bool is_connected(const struct situation_uplink *uplink, const struct addr *gateway)
{
	if (gateway->family == AF_INET6 && addr_is_link_local(gateway))
		return true;
	for (size_t i = 0; i < uplink->n_addrs; i++) {
		struct prefix subnet = link_addr_subnet(&uplink->addrs[i]);

		if (has_subnet(&uplink->addrs[i]) && prefix_contains(&subnet, gateway))
			return true;
	}
	return false;
}

/* Several addresses in one subnet make one route: its source is the chosen one if that lies
 * within, else the first. */
static void add_connected(const struct situation_uplink *uplink, enum site_family family,
	uint32_t table, struct kernel *kernel)
{
	struct prefix seen[SITUATION_MAX_ADDRS];
	size_t n_seen = 0;

	for (size_t i = 0; i < uplink->n_addrs; i++) {
		const struct link_addr *addr = &uplink->addrs[i];
		struct prefix subnet = link_addr_subnet(addr);
		size_t j = 0;

		if (addr->addr.family != family_af(family) || !has_subnet(addr))
			continue;
		while (j < n_seen &&
			(seen[j].len != subnet.len || !addr_eq(&seen[j].addr, &subnet.addr)))
			j++;
		if (j < n_seen)
			continue;
		seen[n_seen++] = subnet;

		const struct addr *chosen = &uplink->chosen[family];
		struct kernel_route route = route_to(family, &subnet, table);
		route.prefsrc = prefix_contains(&subnet, chosen) ? *chosen : addr->addr;
		route_add_nexthop(&route, uplink->ifindex, &(struct addr){0}, false, 1);
		kernel_add_route(kernel, &route);
	}
}

/* Answers to a link-local neighbour must not take the default: fe80::/64 is connected too. */
static void add_link_local(
	const struct situation_uplink *uplink, uint32_t table, struct kernel *kernel)
{
	const struct prefix fe80 = {
		.addr = {.family = AF_INET6, .bytes = {0xfe, 0x80}},
		.len = 64,
	};
	struct kernel_route route = route_to(SITE_IPV6, &fe80, table);

	route_add_nexthop(&route, uplink->ifindex, &(struct addr){0}, false, 1);
	kernel_add_route(kernel, &route);
}

/* A connected prefix that we have made already, among the routes from `first` on. */
static struct kernel_route *find_connected(
	struct kernel *kernel, size_t first, const struct kernel_route *copy)
{
	if (copy->n_nexthops != 1 || addr_is_set(&copy->nexthops[0].gateway))
		return NULL;
	for (size_t i = first; i < kernel->n_routes; i++)
		if (kernel->routes[i].dst.len == copy->dst.len &&
			addr_eq(&kernel->routes[i].dst.addr, &copy->dst.addr))
			return &kernel->routes[i];
	return NULL;
}

/* The other routes of main over the uplink. The table has connected prefixes already, with the
 * source that we chose: they take only the MTU and the like. */
static void add_copies(const struct situation_uplink *uplink, enum site_family family,
	uint32_t table, size_t first, struct kernel *kernel)
{
	const struct mainroutes_over *routes = uplink->main_routes[family];
	size_t n_own = kernel->n_routes;

	for (size_t i = 0; routes && i < routes->n; i++) {
		struct kernel_route copy = routes->items[i];
		struct kernel_route *connected = NULL;

		copy.table = table;
		if (first < n_own)
			connected = find_connected(kernel, first, &copy);
		if (connected && connected < kernel->routes + n_own)
			connected->metrics = copy.metrics;
		else
			kernel_add_route(kernel, &copy);
	}
}

/* The gateway that a next hop names. A point-to-point device needs none in IPv4; in IPv6 one
 * that is known is named all the same, since a multipath route takes no next hop without. */
static struct addr gateway_of(const struct situation_uplink *uplink, enum site_family family)
{
	if (uplink->point_to_point && family == SITE_IPV4)
		return (struct addr){0};
	return uplink->gateway[family];
}

static void add_uplink_table(const struct site *site, size_t i,
	const struct situation_uplink *uplink, enum site_family family, struct kernel *kernel)
{
	uint32_t table = wanted_uplink_table(site, i);
	struct addr gateway = gateway_of(uplink, family);
	struct kernel_route route = route_to(family, NULL, table);
	size_t first = kernel->n_routes;

	if (uplink->ifindex == 0 || uplink->is_down)
		return;
	if (!situation_can_route(uplink, family)) {
		add_copies(uplink, family, table, first, kernel);
		return;
	}
	add_connected(uplink, family, table, kernel);
	if (family == SITE_IPV6)
		add_link_local(uplink, table, kernel);
	add_copies(uplink, family, table, first, kernel);
	route.prefsrc = uplink->chosen[family];
	route.metrics = uplink->metrics[family];
	route_add_nexthop(&route, uplink->ifindex, &gateway,
		addr_is_set(&gateway) && !is_connected(uplink, &gateway), 1);
	kernel_add_route(kernel, &route);
}

/* IPv6 refuses a multipath route with a next hop that has no gateway (net/ipv6/route.c,
 * ip6_route_multipath_add): those that have one share then; without any the first stands. */
static uint32_t without_bare_nexthops(
	const struct situation *situation, uint32_t active, size_t n_uplinks)
{
	uint32_t with_gateway = 0;

	for (size_t i = 0; i < n_uplinks; i++)
		if (uplinkset_has(active, i) &&
			addr_is_set(&situation->uplinks[i].gateway[SITE_IPV6]))
			uplinkset_add(&with_gateway, i);
	if (with_gateway == 0)
		return uplinkset_first(active);
	return with_gateway;
}

/* The gateways are marked on-link here: to find them the kernel would ask our own rules, and a
 * policy may lead that question elsewhere. */
static void add_tracked_default(const struct site *site, const struct situation *situation,
	uint32_t active, enum site_family family, struct kernel *kernel)
{
	struct kernel_route route = route_to(family, NULL, wanted_default_table(site));

	if (family == SITE_IPV6 && uplinkset_count(active) > 1)
		active = without_bare_nexthops(situation, active, site->n_uplinks);

	bool alone = uplinkset_count(active) == 1;
	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct situation_uplink *uplink = &situation->uplinks[i];
		struct addr gateway = gateway_of(uplink, family);
		bool link_local = gateway.family == AF_INET6 && addr_is_link_local(&gateway);
		unsigned int weight = site->uplinks[i].weight;

		if (!uplinkset_has(active, i))
			continue;
		route_add_nexthop(&route, uplink->ifindex, &gateway,
			addr_is_set(&gateway) && !link_local,
			alone || weight == 0 ? 1 : weight);
		if (alone) {
			route.prefsrc = uplink->chosen[family];
			route.metrics = uplink->metrics[family];
		}
	}
	if (route.n_nexthops > 0)
		kernel_add_route(kernel, &route);
}

/* Which device leads to the server is left to the kernel: it is somewhere on the LAN. */
static void add_loopback(const struct addr *loopback, const struct addr *via,
	enum site_family family, struct kernel *kernel)
{
	struct prefix dst = {
		.addr = *loopback,
		.len = (uint8_t)(8 * addr_len(loopback)),
	};
	struct kernel_route route = route_to(family, &dst, RT_TABLE_MAIN);
	struct kernel_route without = route;

	route_add_nexthop(&route, 0, via, false, 1);
	kernel_add_route(kernel, &route);
	without.type = KERNEL_UNREACHABLE;
	without.metric = last_metric;
	kernel_add_route(kernel, &without);
}

static void add_loopbacks(const struct site *site, enum site_family family,
	const struct site_server *server, struct kernel *kernel)
{
	const struct addr *via = &server->via[family];

	if (!addr_is_set(via))
		via = &server->address[family];
	if (!server->has_loopbacks || !server->route || !addr_is_set(via))
		return;

	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct addr *loopback = &server->loopbacks[i][family];

		if (addr_is_set(loopback))
			add_loopback(loopback, via, family, kernel);
	}
}

void wanted_routes(const struct site *site, const struct situation *situation,
	const struct decision *decision, enum site_family family, struct kernel *kernel)
{
	for (size_t i = 0; i < site->n_uplinks; i++)
		add_uplink_table(site, i, &situation->uplinks[i], family, kernel);
	add_tracked_default(site, situation, decision->active[family], family, kernel);
	for (size_t i = 0; i < site->n_servers; i++)
		add_loopbacks(site, family, &site->servers[i], kernel);
}
