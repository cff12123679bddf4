/* wanted.c - what the kernel should hold: rules, groups, sysctls; routes by wantedroutes.c
 *
 * Pure. The rules are those of the design, P and D being `priority` and `default-priority`:
 *
 *   P+0      lookup main, neither over uplinks nor by a default or half a default
 *   P+100+i  from an address of uplink i      its table
 *   P+200+2i from a loopback or prefix of i   its table; one later: blackhole
 *   P+300+2i marked as a flow of i            its table; one later: blackhole
 *   P+400+2k policy k                         an uplink's table; one later: blackhole
 *   D+0      lookup main, but not its default
 *   D+1      lookup the tracked default
 *
 * A blackhole stands behind every look-up that must not fall through to another uplink: the
 * kernel empties a table by itself when a link or an address goes, without asking.
 *
 * The IPv6 half is left out where nothing at the site speaks IPv6.
 */
#include "routed/wanted/wanted.h"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/net/family.h"
#include "routed/wanted/decide.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wantednumbers.h"
#include "routed/wanted/wantedroutes.h"

struct want {
	const struct site *site;
	const struct situation *situation;
	const struct decision *decision;
	struct kernel *kernel;
	enum site_family family;
};

/* --- rules --- */

static struct kernel_rule rule_at(const struct want *want, uint32_t priority)
{
	return (struct kernel_rule){
		.family = family_af(want->family),
		.priority = priority,
		.suppress_prefixlen = KERNEL_NO_SUPPRESS,
		.suppress_ifgroup = KERNEL_NO_SUPPRESS,
	};
}

static uint32_t block(const struct want *want, uint32_t offset, size_t index)
{
	return want->site->routing.priority + offset + (uint32_t)index;
}

static struct prefix host_prefix(const struct addr *addr)
{
	return (struct prefix){.addr = *addr, .len = (uint8_t)(8 * addr_len(addr))};
}

static void add_lookup(const struct want *want, struct kernel_rule rule, uint32_t table)
{
	rule.table = table;
	kernel_add_rule(want->kernel, &rule);
}

/* The same packets, one priority later, go nowhere. */
static void add_blackhole(const struct want *want, struct kernel_rule rule)
{
	rule.priority++;
	rule.blackhole = true;
	kernel_add_rule(want->kernel, &rule);
}

static void add_main_rules(const struct want *want)
{
	struct kernel_rule first = rule_at(want, block(want, WANTED_PRIO_MAIN, 0));
	struct kernel_rule last = rule_at(want, want->site->routing.default_priority);

	first.suppress_ifgroup = KERNEL_UPLINK_GROUP;
	first.suppress_prefixlen = 1;
	last.suppress_prefixlen = 0;
	add_lookup(want, first, RT_TABLE_MAIN);
	add_lookup(want, last, RT_TABLE_MAIN);
}

static void add_source_rule(
	const struct want *want, uint32_t priority, const struct addr *from, uint32_t table)
{
	struct kernel_rule rule = rule_at(want, priority);

	rule.from = host_prefix(from);
	add_lookup(want, rule, table);
}

/* The chosen address may be of a scope that the others are not taken from. */
static void add_address_rules(const struct want *want, size_t i)
{
	const struct situation_uplink *uplink = &want->situation->uplinks[i];
	const struct addr *chosen = &uplink->chosen[want->family];
	uint32_t priority = block(want, WANTED_PRIO_ADDRESS, i);
	uint32_t table = wanted_uplink_table(want->site, i);
	bool listed = !addr_is_set(chosen);

	for (size_t j = 0; j < uplink->n_addrs; j++) {
		const struct addr *addr = &uplink->addrs[j].addr;

		if (addr->family == family_af(want->family))
			add_source_rule(want, priority, addr, table);
		listed = listed || addr_eq(addr, chosen);
	}
	if (!listed)
		add_source_rule(want, priority, chosen, table);
}

static void add_loopback_rules(const struct want *want, size_t i)
{
	for (size_t j = 0; j < want->site->n_servers; j++) {
		const struct site_server *server = &want->site->servers[j];
		struct kernel_rule rule = rule_at(
			want, block(want, WANTED_PRIO_LOOPBACK, 2 * i));

		if (!server->has_loopbacks ||
			!addr_is_set(&server->loopbacks[i][want->family]))
			continue;
		rule.from = host_prefix(&server->loopbacks[i][want->family]);
		add_lookup(want, rule, wanted_uplink_table(want->site, i));
		add_blackhole(want, rule);
	}
}

/* Another uplink that masquerades every source may carry this one's prefixes too. */
static bool others_masquerade_all(const struct site *site, size_t i)
{
	for (size_t j = 0; j < site->n_uplinks; j++)
		if (j != i && site->uplinks[j].nat6 == SITE_NAT6_ALL)
			return true;
	return false;
}

/* Sources that the provider delegated: no other provider would let them pass. */
static void add_prefix_rules(const struct want *want, size_t i)
{
	const struct site_prefixes *prefixes = &want->site->uplinks[i].prefixes6;

	for (size_t j = 0; j < prefixes->n && want->family == SITE_IPV6; j++) {
		struct kernel_rule rule = rule_at(
			want, block(want, WANTED_PRIO_LOOPBACK, 2 * i));

		rule.from = prefixes->items[j];
		add_lookup(want, rule, wanted_uplink_table(want->site, i));
		if (!others_masquerade_all(want->site, i))
			add_blackhole(want, rule);
	}
}

static void add_mark_rules(const struct want *want, size_t i)
{
	struct kernel_rule rule = rule_at(want, block(want, WANTED_PRIO_MARK, 2 * i));

	rule.fwmark = wanted_mark_out(want->site, i);
	rule.fwmask = wanted_mark_packet_mask(want->site);
	add_lookup(want, rule, wanted_uplink_table(want->site, i));
	add_blackhole(want, rule);
}

/* --- policies --- */

/* The first uplink of the list that is up; failing that, the first degraded one. -1: none. */
static int policy_uplink(const struct want *want, const struct site_policy *policy)
{
	static const enum uplink_state good[] = {UPLINK_UP, UPLINK_DEGRADED};

	for (size_t s = 0; s < sizeof(good) / sizeof(good[0]); s++)
		for (size_t i = 0; i < policy->n_via; i++) {
			const struct situation_uplink
				*uplink = &want->situation->uplinks[policy->via[i]];

			if (uplink->state == good[s] &&
				situation_can_route(uplink, want->family))
				return policy->via[i];
		}
	return -1;
}

static void add_policy_rule(
	const struct want *want, const struct site_policy *policy, struct kernel_rule rule)
{
	int uplink = policy_uplink(want, policy);

	if (uplink >= 0)
		add_lookup(want, rule, wanted_uplink_table(want->site, (size_t)uplink));
	if (policy->else_drop)
		add_blackhole(want, rule);
}

static void add_policy_ports(
	const struct want *want, const struct site_policy *policy, struct kernel_rule rule)
{
	if (policy->port.first == 0) {
		add_policy_rule(want, policy, rule);
		return;
	}
	rule.dport_first = policy->port.first;
	rule.dport_last = policy->port.last;
	if (policy->port.tcp) {
		rule.ipproto = IPPROTO_TCP;
		add_policy_rule(want, policy, rule);
	}
	if (policy->port.udp) {
		rule.ipproto = IPPROTO_UDP;
		add_policy_rule(want, policy, rule);
	}
}

/* The i-th prefix of a list in the family wanted. An empty list has one, which is any. */
static bool prefix_at(const struct want *want, const struct site_prefixes *prefixes, size_t i,
	struct prefix *ret_prefix)
{
	if (prefixes->n == 0) {
		*ret_prefix = (struct prefix){0};
		return true;
	}
	if (prefixes->items[i].addr.family != family_af(want->family))
		return false;

	*ret_prefix = prefixes->items[i];
	if (ret_prefix->len == 0)
		*ret_prefix = (struct prefix){0};
	return true;
}

static void add_policy(const struct want *want, size_t k)
{
	const struct site_policy *policy = &want->site->routing.policies[k];
	size_t n_from = policy->from.n ? policy->from.n : 1;
	size_t n_to = policy->to.n ? policy->to.n : 1;
	struct kernel_rule rule = rule_at(want, block(want, WANTED_PRIO_POLICY, 2 * k));

	for (size_t i = 0; i < n_from; i++)
		for (size_t j = 0; j < n_to; j++)
			if (prefix_at(want, &policy->from, i, &rule.from) &&
				prefix_at(want, &policy->to, j, &rule.to))
				add_policy_ports(want, policy, rule);
}

static void add_rules(const struct want *want)
{
	const struct site *site = want->site;

	add_main_rules(want);
	for (size_t i = 0; i < site->n_uplinks; i++)
		add_address_rules(want, i);
	for (size_t i = 0; i < site->n_uplinks; i++) {
		add_loopback_rules(want, i);
		add_prefix_rules(want, i);
	}
	for (size_t i = 0; i < site->n_uplinks; i++)
		add_mark_rules(want, i);
	for (size_t k = 0; k < site->routing.n_policies; k++)
		add_policy(want, k);
	add_lookup(want, rule_at(want, site->routing.default_priority + 1),
		wanted_default_table(site));
}

/* --- groups and sysctls --- */

static void add_groups(const struct want *want)
{
	for (size_t i = 0; i < want->site->n_uplinks; i++) {
		struct kernel_group group = {
			.ifindex = want->situation->uplinks[i].ifindex,
			.group = KERNEL_UPLINK_GROUP,
		};

		if (group.ifindex == 0)
			continue;
		memcpy(group.interface, want->site->uplinks[i].interface,
			sizeof(group.interface));
		kernel_add_group(want->kernel, &group);
	}
}

static void add_sysctl(
	const struct want *want, enum kernel_sysctl_kind kind, long value, const char *path)
{
	struct kernel_sysctl sysctl = {.kind = kind, .value = value};

	snprintf(sysctl.path, sizeof(sysctl.path), "%s", path);
	kernel_add_sysctl(want->kernel, &sysctl);
}

/* The same setting of each uplink whose device is there. */
static void add_uplink_sysctl(const struct want *want, size_t i, enum kernel_sysctl_kind kind,
	long value, const char *family, const char *name)
{
	char path[128];

	if (want->situation->uplinks[i].ifindex == 0)
		return;
	snprintf(path, sizeof(path), "net/%s/conf/%s/%s", family,
		want->site->uplinks[i].interface, name);
	add_sysctl(want, kind, value, path);
}

/* ip-sysctl: 0 hashes source and destination, 1 ports as well, 3 the fields that are listed,
 * of which bit 0 is the source. */
static void add_hash_policy(const struct want *want, const char *family)
{
	static const long policies[] = {
		[SITE_STICKY_PAIR] = 0,
		[SITE_STICKY_CLIENT] = 3,
		[SITE_STICKY_NO] = 1,
	};
	enum site_sticky sticky = want->site->routing.sticky;
	char path[128];

	if (sticky == SITE_STICKY_CLIENT) {
		snprintf(path, sizeof(path), "net/%s/fib_multipath_hash_fields", family);
		add_sysctl(want, KERNEL_SYSCTL_EXACT, 1, path);
	}
	snprintf(path, sizeof(path), "net/%s/fib_multipath_hash_policy", family);
	add_sysctl(want, KERNEL_SYSCTL_EXACT, policies[sticky], path);
}

/* In the moment after such an address has gone, masquerading would take one of another
 * interface, the LAN's, and give it to the ISP; with this setting it finds none. An uplink
 * that never had an address of its own, where all are delegated to the LAN, needs one of
 * others. */
static bool has_address_to_lose(const struct want *want, size_t i)
{
	return want->site->uplinks[i].nat6 != SITE_NAT6_NO &&
	       addr_is_set(&want->situation->uplinks[i].chosen[SITE_IPV6]);
}

/* May its IPv6 default come from router advertisements? Also where none has come yet: see
 * below. */
static bool may_use_ra(const struct want *want, size_t i, bool ipv6)
{
	return want->situation->uplinks[i].uses_ra ||
	       (ipv6 && !addr_is_set(&want->site->uplinks[i].gateway[SITE_IPV6]));
}

/* Packets for a neighbour that is not resolved wait in the kernel, charged to their sender: up
 * to unres_qlen_bytes each, 212992 by default. Queries with sources forged from a connected
 * network would fill a name server's send buffer so, and with it go its other answers. Where a
 * packet is larger (buffers count, 2304 octets for 1232 of DNS), the kernel keeps one
 * all the same: the newest (neigh_event_send). */
static void add_neigh_sysctl(
	const struct want *want, const char *family, const char *interface)
{
	char path[128];

	snprintf(path, sizeof(path), "net/%s/neigh/%s/unres_qlen_bytes", family, interface);
	add_sysctl(want, KERNEL_SYSCTL_AT_MOST, WANTED_UNRESOLVED_OCTETS, path);
}

/* A LAN's device that is not there is left alone like any setting that the kernel lacks. */
static void add_neigh_sysctls(const struct want *want, const char *family)
{
	const struct site *site = want->site;

	for (size_t i = 0; i < site->n_uplinks; i++)
		if (want->situation->uplinks[i].ifindex != 0)
			add_neigh_sysctl(want, family, site->uplinks[i].interface);
	for (size_t i = 0; i < site->n_lan; i++)
		add_neigh_sysctl(want, family, site->lan[i]);
}

/* Forwarding comes last. A kernel that forwards heeds router advertisements only where
 * accept_ra is 2; else it forgets the default learned from them, and learns none from those
 * that come later. Where it is 0 another program listens to them (systemd-networkd,
 * NetworkManager), and the kernel must not do so too. */
static void add_sysctls(const struct want *want, bool ipv6)
{
	const struct site *site = want->site;

	for (size_t i = 0; i < site->n_uplinks; i++)
		if (may_use_ra(want, i, ipv6))
			add_uplink_sysctl(
				want, i, KERNEL_SYSCTL_NOT_STRICT, 2, "ipv6", "accept_ra");
	for (size_t i = 0; i < site->n_uplinks; i++)
		if (has_address_to_lose(want, i))
			add_uplink_sysctl(
				want, i, KERNEL_SYSCTL_EXACT, 1, "ipv6", "use_oif_addrs_only");
	add_sysctl(want, KERNEL_SYSCTL_NOT_STRICT, 2, "net/ipv4/conf/all/rp_filter");
	for (size_t i = 0; i < site->n_uplinks; i++)
		add_uplink_sysctl(want, i, KERNEL_SYSCTL_NOT_STRICT, 2, "ipv4", "rp_filter");
	add_neigh_sysctls(want, "ipv4");
	if (ipv6)
		add_neigh_sysctls(want, "ipv6");
	if (site->routing.mode == SITE_MODE_BALANCE) {
		add_hash_policy(want, "ipv4");
		if (ipv6)
			add_hash_policy(want, "ipv6");
	}
	add_sysctl(want, KERNEL_SYSCTL_AT_LEAST, 1, "net/ipv4/ip_forward");
	if (ipv6)
		add_sysctl(want, KERNEL_SYSCTL_AT_LEAST, 1, "net/ipv6/conf/all/forwarding");
}

/* --- the whole --- */

static bool site_speaks_ipv6(const struct site *site)
{
	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct site_uplink *uplink = &site->uplinks[i];

		if (addr_is_set(&uplink->gateway[SITE_IPV6]) ||
			addr_is_set(&uplink->address[SITE_IPV6].addr) ||
			addr_is_set(&uplink->public_addrs[SITE_IPV6]) ||
			uplink->prefixes6.n > 0)
			return true;
	}
	for (size_t i = 0; i < site->n_servers; i++)
		if (addr_is_set(&site->servers[i].address[SITE_IPV6]))
			return true;
	return false;
}

static bool situation_speaks_ipv6(const struct site *site, const struct situation *situation)
{
	for (size_t i = 0; i < site->n_uplinks; i++)
		if (addr_is_set(&situation->uplinks[i].chosen[SITE_IPV6]) ||
			situation->uplinks[i].uses_ra)
			return true;
	for (size_t i = 0; i < situation->n_lan_addrs; i++) {
		const struct addr *addr = &situation->lan_addrs[i].addr;

		if (addr->family == AF_INET6 && !addr_is_link_local(addr))
			return true;
	}
	return false;
}

void wanted_kernel(const struct site *site, const struct situation *situation,
	const struct decision *decision, struct kernel *ret_kernel)
{
	bool ipv6 = site_speaks_ipv6(site) || situation_speaks_ipv6(site, situation);
	struct want want = {
		.site = site,
		.situation = situation,
		.decision = decision,
		.kernel = ret_kernel,
	};

	*ret_kernel = (struct kernel){0};
	add_groups(&want);
	for (want.family = SITE_IPV4; want.family <= (ipv6 ? SITE_IPV6 : SITE_IPV4);
		want.family++) {
		wanted_routes(site, situation, decision, want.family, ret_kernel);
		add_rules(&want);
	}
	add_sysctls(&want, ipv6);
}
