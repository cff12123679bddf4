/* doctorlinks.c - checks of interfaces, their subnets, gateways and routes */
#include <string.h>

#include "common/net/addr.h"
#include "common/net/pickaddr.h"
#include "routed/doctor/doctorcheck.h"

static const char *uplink_name(const struct doctor_checkup *checkup, size_t i)
{
	return checkup->site->uplinks[i].name;
}

static const char *uplink_interface(const struct doctor_checkup *checkup, size_t i)
{
	return checkup->site->uplinks[i].interface;
}

void check_interfaces(struct doctor_checkup *checkup)
{
	for (size_t i = 0; i < checkup->site->n_uplinks; i++)
		if (checkup->facts->uplinks[i].ifindex == 0) {
			doctor_problem(checkup, "uplink %s: there is no interface %s",
				uplink_name(checkup, i), uplink_interface(checkup, i));
			doctor_remedy(checkup,
				"compare the name with `ip link`; if a dial-up or tunnel "
				"program creates it later, all is well");
		}
	for (size_t i = 0; i < checkup->site->n_lan; i++)
		if (checkup->facts->lan[i].ifindex == 0) {
			doctor_problem(checkup, "lan: there is no interface %s",
				checkup->site->lan[i]);
			doctor_remedy(checkup, "compare the name with `ip link`");
		}
}

void check_ports(struct doctor_checkup *checkup)
{
	for (size_t i = 0; i < checkup->site->n_uplinks; i++) {
		const char *master = checkup->facts->uplinks[i].master;

		if (!*master)
			continue;
		doctor_problem(checkup,
			"uplink %s: %s is a port of %s, and the kernel does not route what "
			"is sent to a port",
			uplink_name(checkup, i), uplink_interface(checkup, i), master);
		doctor_remedy(checkup, "write `interface: %s`, or remove %s from it", master,
			uplink_interface(checkup, i));
	}
}

/* True if they share addresses. Host prefixes (point-to-point links, carrier NAT) may. */
static bool subnets_overlap(const struct link_addr *a, const struct link_addr *b)
{
	struct prefix of_a = prefix_of(&a->addr, a->prefix_len);
	struct prefix of_b = prefix_of(&b->addr, b->prefix_len);

	if (a->addr.family != b->addr.family || addr_is_link_local(&a->addr) ||
		of_a.len == 8 * addr_len(&of_a.addr) || of_b.len == 8 * addr_len(&of_b.addr))
		return false;
	return prefix_contains(&of_a, &of_b.addr) || prefix_contains(&of_b, &of_a.addr);
}

static const struct link_addr *shared_subnet(
	const struct doctor_device *a, const struct doctor_device *b)
{
	for (size_t i = 0; i < a->n_addrs; i++)
		for (size_t j = 0; j < b->n_addrs; j++)
			if (subnets_overlap(&a->addrs[i], &b->addrs[j]))
				return &a->addrs[i];
	return NULL;
}

void check_subnets(struct doctor_checkup *checkup)
{
	for (size_t i = 0; i < checkup->site->n_uplinks; i++)
		for (size_t j = i + 1; j < checkup->site->n_uplinks; j++) {
			const struct link_addr *shared = shared_subnet(
				&checkup->facts->uplinks[i], &checkup->facts->uplinks[j]);

			if (!shared)
				continue;
			struct prefix subnet = prefix_of(&shared->addr, shared->prefix_len);
			doctor_problem(checkup,
				"uplinks %s and %s are in one subnet, %s: the kernel looks "
				"for the neighbours of both on either interface, and answers "
				"ARP for one address on the other",
				uplink_name(checkup, i), uplink_name(checkup, j),
				prefix_str(&subnet));
			doctor_remedy(checkup,
				"give the LAN side of one modem another subnet, or put both "
				"addresses on one interface as one uplink");
		}
}

/* RFC 6598: no host outside of a carrier's NAT can connect to us. */
void check_carrier_nat(struct doctor_checkup *checkup)
{
	for (size_t i = 0; i < checkup->site->n_uplinks; i++) {
		const struct site_uplink *uplink = &checkup->site->uplinks[i];
		const struct doctor_device *device = &checkup->facts->uplinks[i];
		struct link_addr addrs[DOCTOR_MAX_ADDRS];
		struct link link = {.addrs = addrs, .n_addrs = device->n_addrs};

		memcpy(addrs, device->addrs, sizeof(addrs));
		const struct link_addr *own = pickaddr(&link, AF_INET,
			&uplink->address[SITE_IPV4], &uplink->gateway[SITE_IPV4]);
		if (!uplink->inbound || addr_is_set(&uplink->public_addrs[SITE_IPV4]) ||
			!own || !addr_is_cgnat(&own->addr))
			continue;
		doctor_problem(checkup,
			"uplink %s: %s is behind the ISP's NAT (100.64.0.0/10): no "
			"connection comes in, though servers are offered at it",
			uplink->name, addr_str(&own->addr));
		doctor_remedy(checkup,
			"set `inbound: no`, or `public` if the ISP forwards an address to it");
	}
}

/* ---- gateways ---------------------------------------------------------------------------- */

static bool has_default(const struct doctor_checkup *checkup, int ifindex)
{
	for (size_t i = 0; i < checkup->facts->n_defaults; i++)
		if (checkup->facts->defaults[i].family == AF_INET &&
			checkup->facts->defaults[i].ifindex == ifindex)
			return true;
	return false;
}

/* The uplink whose default route took the metric, or -1. */
static int other_default(
	const struct doctor_checkup *checkup, size_t except, uint32_t *ret_metric)
{
	for (size_t i = 0; i < checkup->site->n_uplinks; i++)
		for (size_t d = 0; d < checkup->facts->n_defaults && i != except; d++) {
			const struct doctor_default *found = &checkup->facts->defaults[d];

			if (found->family != AF_INET || found->prefix_len != 0 ||
				found->ifindex == 0 ||
				found->ifindex != checkup->facts->uplinks[i].ifindex)
				continue;
			*ret_metric = found->metric;
			return (int)i;
		}
	return -1;
}

static bool has_ipv4(const struct doctor_device *device)
{
	for (size_t i = 0; i < device->n_addrs; i++)
		if (device->addrs[i].addr.family == AF_INET)
			return true;
	return false;
}

static bool is_point_to_point(const struct doctor_device *device)
{
	for (size_t i = 0; i < device->n_addrs; i++)
		if (addr_is_set(&device->addrs[i].peer))
			return true;
	return false;
}

/* The kernel holds one IPv4 route per destination and metric. If two DHCP clients use the same
 * metric, it refuses the later route, and nothing else names that gateway. */
void check_defaults(struct doctor_checkup *checkup)
{
	for (size_t i = 0; i < checkup->site->n_uplinks; i++) {
		const struct site_uplink *uplink = &checkup->site->uplinks[i];
		const struct doctor_device *device = &checkup->facts->uplinks[i];
		uint32_t metric = 0;

		if (addr_is_set(&uplink->gateway[SITE_IPV4]) || !has_ipv4(device) ||
			is_point_to_point(device) || has_default(checkup, device->ifindex))
			continue;
		int other = other_default(checkup, i, &metric);
		if (other < 0)
			continue;
		doctor_problem(checkup,
			"uplink %s has an address on %s but no default route there, so its "
			"gateway is not known: most likely the kernel refused the route of "
			"its DHCP client, since that of %s has the same metric (%u)",
			uplink->name, uplink->interface, uplink_name(checkup, (size_t)other),
			metric);
		doctor_remedy(checkup,
			"give each DHCP client a metric of its own (networkd: RouteMetric= "
			"in [DHCPv4]; ifupdown and dhcpcd: metric), or write `gateway:`");
	}
}

/* ---- routes of main over the uplinks ------------------------------------------------------ */

/* Connections to destinations beyond the limit work, but may use another gateway than main
 * says. */
void check_main_routes(struct doctor_checkup *checkup)
{
	const struct mainroutes *main_routes = &checkup->facts->main_routes;

	for (size_t i = 0; i < main_routes->n; i++) {
		const struct mainroutes_over *routes = &main_routes->over[i];

		for (size_t k = 0; k < checkup->site->n_uplinks && routes->n_seen > routes->n;
			k++) {
			if (checkup->facts->uplinks[k].ifindex != routes->ifindex)
				continue;
			doctor_problem(checkup,
				"table main has %zu %s routes over %s, more than the %d that "
				"the table of uplink %s takes: connections to the other "
				"destinations use the uplink's default route",
				routes->n_seen, routes->family == AF_INET ? "IPv4" : "IPv6",
				uplink_interface(checkup, k), MAINROUTES_MAX,
				uplink_name(checkup, k));
			doctor_remedy(checkup,
				"let the routing daemon install fewer routes over that "
				"interface (summaries, a default)");
		}
	}
}

/* ---- routes to the servers ---------------------------------------------------------------- */

static bool is_uplink_ifindex(const struct doctor_checkup *checkup, int ifindex)
{
	for (size_t i = 0; i < checkup->site->n_uplinks; i++)
		if (checkup->facts->uplinks[i].ifindex == ifindex)
			return true;
	return false;
}

static void check_server_route(
	struct doctor_checkup *checkup, const struct doctor_server_route *route)
{
	const struct site_server *server = &checkup->site->servers[route->server];
	bool loopback = route->uplink < checkup->site->n_uplinks;

	if (route->ifindex == 1)
		doctor_problem(checkup, "server %s: %s is an address of the router itself",
			server->name, addr_str(&route->addr));
	else if (route->ifindex == 0)
		doctor_problem(checkup, "server %s: there is no route to its %s %s",
			server->name, loopback ? "loopback" : "address",
			addr_str(&route->addr));
	else if (is_uplink_ifindex(checkup, route->ifindex))
		doctor_problem(checkup,
			"server %s: the route to its %s %s leads out of an uplink",
			server->name, loopback ? "loopback" : "address",
			addr_str(&route->addr));
	else
		return;

	if (route->ifindex == 1)
		doctor_remedy(checkup,
			"remove it from the router: it belongs on the server (`routed "
			"server-config %s`)",
			server->name);
	else if (loopback && !server->route)
		doctor_remedy(checkup,
			"with `route: no` another program must install the route: check the "
			"routing daemon, or remove the key");
	else
		doctor_remedy(checkup, "check `address:` and `via:` against the addresses "
				       "of the LAN interfaces");
}

void check_server_routes(struct doctor_checkup *checkup)
{
	for (size_t i = 0; i < checkup->facts->n_server_routes; i++)
		check_server_route(checkup, &checkup->facts->server_routes[i]);
}
