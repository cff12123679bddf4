/* doctor.c - judges what was found on this machine: links, probe targets, settings
 *
 * Pure. Each check is one function that looks at the facts and puts down what is wrong, and
 * next to it what to do, in words that can be acted upon. What routed sets right by itself is
 * said only where somebody else is about to set it wrong again; what an operator may well mean
 * is not said at all: `doctor` on a sound machine is silent.
 *
 * doctorfilter.c looks at other firewalls, doctorrules.c at other rules.
 */
#include "routed/doctor/doctor.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/pickaddr.h"
#include "common/xalloc.h"
#include "routed/doctor/doctorjudge.h"

/* --- findings --- */

void judge_problem(struct judge *judge, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	judge->problem = xvasprintf(format, args);
	va_end(args);
}

void judge_remedy(struct judge *judge, const char *check, const char *format, ...)
{
	struct doctor_findings *findings = judge->findings;
	va_list args;

	findings->items = xgrow(findings->items, findings->n, sizeof(*findings->items));
	va_start(args, format);
	findings->items[findings->n++] = (struct doctor_finding){
		.check = check,
		.problem = judge->problem,
		.remedy = xvasprintf(format, args),
	};
	va_end(args);
	judge->problem = NULL;
}

void doctor_findings_fini(struct doctor_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		free(findings->items[i].problem);
		free(findings->items[i].remedy);
	}
	free(findings->items);
	*findings = (struct doctor_findings){0};
}

/* --- the interfaces --- */

static const char *uplink_name(const struct judge *judge, size_t i)
{
	return judge->site->uplinks[i].name;
}

static const char *uplink_interface(const struct judge *judge, size_t i)
{
	return judge->site->uplinks[i].interface;
}

static void judge_devices(struct judge *judge)
{
	for (size_t i = 0; i < judge->site->n_uplinks; i++) {
		const struct doctor_device *device = &judge->facts->uplinks[i];

		if (device->ifindex == 0) {
			judge_problem(judge, "uplink %s: there is no interface %s",
				uplink_name(judge, i), uplink_interface(judge, i));
			judge_remedy(judge, "no-interface",
				"compare the name with `ip link`; all is well if a dial-up "
				"or tunnel program makes it later");
		} else if (*device->master) {
			judge_problem(judge,
				"uplink %s: %s is a port of %s, and what is addressed to a "
				"port is not routed",
				uplink_name(judge, i), uplink_interface(judge, i),
				device->master);
			judge_remedy(judge, "enslaved",
				"write `interface: %s`, or take %s out of it", device->master,
				uplink_interface(judge, i));
		}
	}
	for (size_t i = 0; i < judge->site->n_lan; i++)
		if (judge->facts->lan[i].ifindex == 0) {
			judge_problem(
				judge, "lan: there is no interface %s", judge->site->lan[i]);
			judge_remedy(judge, "no-interface", "compare the name with `ip link`");
		}
}

/* Shared at least in part; host prefixes (point-to-point links, carrier NAT) may be. */
static bool overlap(const struct link_addr *a, const struct link_addr *b)
{
	struct prefix of_a = prefix_of(&a->addr, a->prefix_len);
	struct prefix of_b = prefix_of(&b->addr, b->prefix_len);

	if (a->addr.family != b->addr.family || addr_is_link_local(&a->addr) ||
		of_a.len == 8 * addr_len(&of_a.addr) || of_b.len == 8 * addr_len(&of_b.addr))
		return false;
	return prefix_contains(&of_a, &of_b.addr) || prefix_contains(&of_b, &of_a.addr);
}

static const struct link_addr *find_overlap(
	const struct doctor_device *a, const struct doctor_device *b)
{
	for (size_t i = 0; i < a->n_addrs; i++)
		for (size_t j = 0; j < b->n_addrs; j++)
			if (overlap(&a->addrs[i], &b->addrs[j]))
				return &a->addrs[i];
	return NULL;
}

/* RFC 6598: behind a carrier's NAT nobody can reach us. */
static void judge_cgnat(struct judge *judge)
{
	for (size_t i = 0; i < judge->site->n_uplinks; i++) {
		const struct site_uplink *uplink = &judge->site->uplinks[i];
		const struct doctor_device *device = &judge->facts->uplinks[i];
		struct link_addr addrs[DOCTOR_MAX_ADDRS];
		struct link link = {.addrs = addrs, .n_addrs = device->n_addrs};

		memcpy(addrs, device->addrs, sizeof(addrs));
		const struct link_addr *own = pickaddr(&link, AF_INET,
			&uplink->address[SITE_IPV4], &uplink->gateway[SITE_IPV4]);
		if (!uplink->inbound || addr_is_set(&uplink->public_addrs[SITE_IPV4]) ||
			!own || !addr_is_cgnat(&own->addr))
			continue;
		judge_problem(judge,
			"uplink %s: %s is behind the ISP's NAT (100.64.0.0/10), so nothing "
			"comes in, though servers are offered at it",
			uplink->name, addr_str(&own->addr));
		judge_remedy(judge, "carrier-nat",
			"set `inbound: no`, or `public` if the ISP forwards an address to it");
	}
}

static void judge_subnets(struct judge *judge)
{
	for (size_t i = 0; i < judge->site->n_uplinks; i++)
		for (size_t j = i + 1; j < judge->site->n_uplinks; j++) {
			const struct link_addr *shared = find_overlap(
				&judge->facts->uplinks[i], &judge->facts->uplinks[j]);

			if (!shared)
				continue;
			struct prefix subnet = prefix_of(&shared->addr, shared->prefix_len);
			judge_problem(judge,
				"uplinks %s and %s are in one subnet, %s: the kernel takes "
				"either interface for the neighbours of both, and answers "
				"ARP for one address on the other",
				uplink_name(judge, i), uplink_name(judge, j),
				prefix_str(&subnet));
			judge_remedy(judge, "same-subnet",
				"give the LAN side of one modem another subnet, or put both "
				"addresses on one interface as one uplink");
		}
}

/* --- probe targets --- */

static bool is_connected(const struct doctor_device *device, const struct addr *addr)
{
	for (size_t i = 0; i < device->n_addrs; i++) {
		struct prefix subnet = prefix_of(
			&device->addrs[i].addr, device->addrs[i].prefix_len);

		if (device->addrs[i].addr.family == addr->family &&
			prefix_contains(&subnet, addr))
			return true;
	}
	return false;
}

static bool is_near(const struct judge *judge, size_t uplink, const struct site_probe *probe)
{
	return probe->gateway || is_connected(&judge->facts->uplinks[uplink], &probe->addr);
}

/* Targets next door answer when the ISP behind them is gone. */
static void judge_near_targets(struct judge *judge, size_t i)
{
	const struct site_uplink *uplink = &judge->site->uplinks[i];
	size_t n_near = 0;

	for (size_t p = 0; p < uplink->n_probes; p++)
		n_near += is_near(judge, i, &uplink->probes[p]);
	if (n_near == 0 || n_near < uplink->quorum)
		return;
	judge_problem(judge,
		"uplink %s: %zu of its %zu probe targets %s its own subnet, which is enough "
		"for `quorum: %u`: it counts as up when the modem lives and the ISP is dead",
		uplink->name, n_near, uplink->n_probes, n_near == 1 ? "is in" : "are in",
		uplink->quorum);
	judge_remedy(judge, "near-target",
		"probe hosts on the Internet, such as the ISP's resolvers (`dns ADDRESS`)");
}

static void judge_inside_targets(struct judge *judge, size_t i)
{
	const struct site_uplink *uplink = &judge->site->uplinks[i];

	for (size_t p = 0; p < uplink->n_probes; p++)
		for (size_t l = 0; l < judge->site->n_lan; l++) {
			const struct addr *target = &uplink->probes[p].addr;

			if (uplink->probes[p].gateway ||
				!is_connected(&judge->facts->lan[l], target))
				continue;
			judge_problem(judge,
				"uplink %s: its probe target %s is on the LAN (%s) and cannot "
				"answer over the uplink",
				uplink->name, addr_str(target), judge->site->lan[l]);
			judge_remedy(judge, "inside-target", "probe a host on the Internet");
		}
}

/* Does every probe of the uplink go to this one address? */
static bool has_only(const struct site_uplink *uplink, const struct addr *target)
{
	for (size_t p = 0; p < uplink->n_probes; p++)
		if (uplink->probes[p].gateway || !addr_eq(&uplink->probes[p].addr, target))
			return false;
	return uplink->n_probes > 0;
}

static void judge_shared_target(struct judge *judge)
{
	const struct site *site = judge->site;
	const struct addr *target = site->uplinks[0].n_probes
					    ? &site->uplinks[0].probes[0].addr
					    : NULL;

	if (!target || site->n_uplinks < 2)
		return;
	for (size_t i = 0; i < site->n_uplinks; i++)
		if (!has_only(&site->uplinks[i], target))
			return;
	judge_problem(judge,
		"all uplinks are judged by one host, %s: when it fails, all of "
		"them count as down",
		addr_str(target));
	judge_remedy(judge, "shared-target",
		"probe several hosts, and at least one of each ISP's own");
}

static void judge_targets(struct judge *judge)
{
	for (size_t i = 0; i < judge->site->n_uplinks; i++) {
		judge_near_targets(judge, i);
		judge_inside_targets(judge, i);
	}
	judge_shared_target(judge);
}

/* --- gateways --- */

static bool has_default(const struct judge *judge, int ifindex)
{
	for (size_t i = 0; i < judge->facts->n_defaults; i++)
		if (judge->facts->defaults[i].family == AF_INET &&
			judge->facts->defaults[i].ifindex == ifindex)
			return true;
	return false;
}

/* The uplink whose default is in the way, or -1. */
static int default_in_the_way(const struct judge *judge, size_t except, uint32_t *ret_metric)
{
	for (size_t i = 0; i < judge->site->n_uplinks; i++)
		for (size_t d = 0; d < judge->facts->n_defaults && i != except; d++) {
			const struct doctor_default *found = &judge->facts->defaults[d];

			if (found->family != AF_INET || found->prefix_len != 0 ||
				found->ifindex == 0 ||
				found->ifindex != judge->facts->uplinks[i].ifindex)
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

/* The kernel holds one IPv4 route per destination and metric: of two DHCP clients with the
 * same metric the later one is refused, and from then on nothing names its gateway. */
static void judge_gateways(struct judge *judge)
{
	for (size_t i = 0; i < judge->site->n_uplinks; i++) {
		const struct site_uplink *uplink = &judge->site->uplinks[i];
		const struct doctor_device *device = &judge->facts->uplinks[i];
		uint32_t metric = 0;

		if (addr_is_set(&uplink->gateway[SITE_IPV4]) || !has_ipv4(device) ||
			is_point_to_point(device) || has_default(judge, device->ifindex))
			continue;
		int other = default_in_the_way(judge, i, &metric);
		if (other < 0)
			continue;
		judge_problem(judge,
			"uplink %s has an address on %s and no default route there, and so "
			"no known gateway: its DHCP client was refused one, most likely, "
			"since that of %s has the same metric (%u)",
			uplink->name, uplink->interface, uplink_name(judge, (size_t)other),
			metric);
		judge_remedy(judge, "no-default",
			"give each DHCP client a metric of its own (networkd: RouteMetric= "
			"in [DHCPv4]; ifupdown and dhcpcd: metric), or write `gateway:`");
	}
}

/* --- the ways inside --- */

static bool leads_outside(const struct judge *judge, int ifindex)
{
	for (size_t i = 0; i < judge->site->n_uplinks; i++)
		if (judge->facts->uplinks[i].ifindex == ifindex)
			return true;
	return false;
}

/* What is beyond the limit is not lost, but goes by another gateway than main says. */
static void judge_main_routes(struct judge *judge)
{
	for (size_t i = 0; i < judge->facts->main_routes.n; i++) {
		const struct mainroutes_over *routes = &judge->facts->main_routes.over[i];

		for (size_t k = 0; k < judge->site->n_uplinks && routes->n_seen > routes->n;
			k++) {
			if (judge->facts->uplinks[k].ifindex != routes->ifindex)
				continue;
			judge_problem(judge,
				"main has %zu %s routes over %s, more than the %d that the "
				"table of uplink %s takes: connections to the other "
				"destinations go by the uplink's default",
				routes->n_seen, routes->family == AF_INET ? "IPv4" : "IPv6",
				judge->site->uplinks[k].interface, MAINROUTES_MAX,
				judge->site->uplinks[k].name);
			judge_remedy(judge, "many-routes",
				"let the routing daemon bring fewer routes over that "
				"interface (summaries, a default)");
		}
	}
}

static void judge_way(struct judge *judge, const struct doctor_way *way)
{
	const struct site_server *server = &judge->site->servers[way->server];
	bool loopback = way->uplink < judge->site->n_uplinks;

	if (way->ifindex == 1)
		judge_problem(judge, "server %s: %s is an address of the router itself",
			server->name, addr_str(&way->addr));
	else if (way->ifindex == 0)
		judge_problem(judge, "server %s: there is no way to its %s %s", server->name,
			loopback ? "loopback" : "address", addr_str(&way->addr));
	else if (leads_outside(judge, way->ifindex))
		judge_problem(judge, "server %s: the way to its %s %s leads out of an uplink",
			server->name, loopback ? "loopback" : "address", addr_str(&way->addr));
	else
		return;

	if (way->ifindex == 1)
		judge_remedy(judge, "no-way",
			"take it off the router: it belongs on the server (`routed "
			"server-config %s`)",
			server->name);
	else if (loopback && !server->route)
		judge_remedy(judge, "no-way",
			"with `route: no` something else must bring the route: look at the "
			"routing daemon, or leave the key out");
	else
		judge_remedy(judge, "no-way",
			"check `address:` and `via:` against the addresses "
			"of the LAN interfaces");
}

static void judge_ways(struct judge *judge)
{
	for (size_t i = 0; i < judge->facts->n_ways; i++)
		judge_way(judge, &judge->facts->ways[i]);
}

/* --- settings --- */

static void judge_rp_filter(struct judge *judge, long value, const char *where)
{
	if (value != 1)
		return;
	judge_problem(judge,
		"net.ipv4.conf.%s.rp_filter is 1: the kernel drops what comes in over an "
		"uplink unless the way back to its sender leads over that one",
		where);
	if (judge->facts->applied)
		judge_remedy(judge, "rp-filter",
			"something has set it after routed did: "
			"look for rp_filter in /etc/sysctl.d, "
			"/usr/lib/sysctl.d and the firewall's settings, and make it 2");
	else
		judge_remedy(judge, "rp-filter",
			"routed makes it 2 when it starts; look for rp_filter in "
			"/etc/sysctl.d, lest it be set back");
}

static void judge_settings(struct judge *judge)
{
	judge_rp_filter(judge, judge->facts->rp_filter_all, "all");
	for (size_t i = 0; i < judge->site->n_uplinks; i++)
		judge_rp_filter(
			judge, judge->facts->uplinks[i].rp_filter, uplink_interface(judge, i));

	if (judge->facts->tcp_loose == 0) {
		judge_problem(judge, "net.netfilter.nf_conntrack_tcp_loose is 0: TCP "
				     "connections that were there before the router's "
				     "connection tracking are never taken up again");
		judge_remedy(judge, "tcp-loose",
			"sysctl net.netfilter.nf_conntrack_tcp_loose=1, and in /etc/sysctl.d");
	}
	if (judge->facts->conntrack_max > 0 &&
		judge->facts->conntrack_count >= judge->facts->conntrack_max / 10 * 8) {
		judge_problem(judge,
			"connection tracking is nearly full (%ld of %ld): the kernel drops "
			"new connections then",
			judge->facts->conntrack_count, judge->facts->conntrack_max);
		judge_remedy(judge, "conntrack-full",
			"raise net.netfilter.nf_conntrack_max, and see with `conntrack -L` "
			"who opens so many");
	}
	if (judge->facts->now_s < judge->facts->site_changed_s) {
		judge_problem(judge, "the clock stands before the last change of %s",
			judge->site->path);
		judge_remedy(judge, "clock",
			"set the clock (NTP): keys and signatures of DNS depend on it, and "
			"so does what the log says");
	}
}

static void judge_networkd(struct judge *judge)
{
	const struct doctor_networkd *networkd = &judge->facts->networkd;

	if (!networkd->runs || (!networkd->manages_rules && !networkd->manages_routes))
		return;
	judge_problem(judge,
		"systemd-networkd removes %s that it did not make, whenever it starts or sets "
		"up a link anew: routed puts its own back, but packets go astray meanwhile",
		!networkd->manages_routes  ? "routing rules"
		: !networkd->manages_rules ? "routes"
					   : "routes and routing rules");
	judge_remedy(judge, "networkd",
		"write ManageForeignRoutingPolicyRules=no and ManageForeignRoutes=no under "
		"[Network] into /etc/systemd/networkd.conf.d/multihomed.conf, "
		"then restart systemd-networkd");
}

static void judge_kernel(struct judge *judge)
{
	if (judge->facts->no_rules) {
		judge_problem(judge, "this kernel has no policy routing");
		judge_remedy(judge, "kernel",
			"use one with CONFIG_IP_MULTIPLE_TABLES "
			"and CONFIG_IPV6_MULTIPLE_TABLES");
	}
	if (judge->facts->no_conntrack_list) {
		judge_problem(judge, "this kernel does not list or delete tracked "
				     "connections: they stay on a dead uplink");
		judge_remedy(judge, "kernel",
			"use one with CONFIG_NF_CT_NETLINK "
			"(module nf_conntrack_netlink)");
	}
	if (*judge->facts->table_refused) {
		judge_problem(judge, "the kernel does not take our nftables table: %s",
			judge->facts->table_refused);
		judge_remedy(judge, "kernel",
			"load or build the modules nf_tables, nft_nat, nft_masq, nft_ct and "
			"nf_conntrack; a container gets them from its host");
	}
}

void doctor_judge(const struct site *site, const struct doctor_facts *facts,
	struct doctor_findings *ret_findings)
{
	struct judge judge = {.site = site, .facts = facts, .findings = ret_findings};

	*ret_findings = (struct doctor_findings){0};
	judge_kernel(&judge);
	judge_devices(&judge);
	judge_subnets(&judge);
	judge_cgnat(&judge);
	judge_gateways(&judge);
	judge_main_routes(&judge);
	judge_targets(&judge);
	judge_ways(&judge);
	judge_filters(&judge);
	judge_rules(&judge);
	judge_networkd(&judge);
	judge_settings(&judge);
}
