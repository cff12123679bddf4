/* test_rtnl.c - routes, rules and groups: written to a real kernel and read back, in a network
 * namespace of the test's own
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/kernel/rtnl.h"

#include <errno.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/nlcmd.h"
#include "lib/netns.h"
#include "routed/kernel/plan.h"
#include "routed/kernel/rtnlmsg.h"

static struct prefix prefix(const char *text)
{
	struct prefix parsed;

	assert_int_equal(prefix_parse(text, &parsed), 0);
	if (parsed.len == 0)
		parsed = (struct prefix){0};
	return parsed;
}

static struct addr addr(const char *text)
{
	struct addr parsed;

	assert_int_equal(addr_parse(text, &parsed), 0);
	return parsed;
}

struct fixture {
	struct rtnl *rtnl;
	int wan_a;
	int wan_b;
	struct kernel actual;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(rtnl_new(&f->rtnl), 0);
	netns_run("ip link add wan-a type veth peer name isp-a");
	netns_run("ip link add wan-b type veth peer name isp-b");
	netns_run("ip link set wan-a up; ip link set isp-a up");
	netns_run("ip link set wan-b up; ip link set isp-b up");
	netns_add("wan-a", "192.168.2.1/29");
	netns_add("wan-b", "172.16.1.1/30");
	netns_add("wan-a", "2001:db8:a::1/64");
	netns_add("wan-b", "2001:db8:b::1/64");
	f->wan_a = (int)if_nametoindex("wan-a");
	f->wan_b = (int)if_nametoindex("wan-b");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	netns_run("ip route flush table all proto 200; ip -6 route flush table all proto 200");
	netns_run("ip rule flush protocol 200; ip -6 rule flush protocol 200");
	netns_run("ip rule flush protocol 201; ip -6 rule flush protocol 201");
	netns_run("ip link del wan-a; ip link del wan-b");
	kernel_fini(&f->actual);
	rtnl_free(f->rtnl);
	free(f);
	return 0;
}

static void read_again(struct fixture *f)
{
	kernel_fini(&f->actual);
	assert_int_equal(rtnl_read(f->rtnl, &f->actual), 0);
}

static int step(struct fixture *f, enum plan_op op, const struct kernel_route *route)
{
	struct plan_step plan_step = {.op = op, .route = *route};
	int r = rtnl_write(f->rtnl, &plan_step);

	read_again(f);
	return r;
}

static int rule_step(struct fixture *f, enum plan_op op, const struct kernel_rule *rule)
{
	struct plan_step plan_step = {.op = op, .rule = *rule};
	int r = rtnl_write(f->rtnl, &plan_step);

	read_again(f);
	return r;
}

static struct kernel_route default_via(const char *gateway, int ifindex)
{
	struct addr via = addr(gateway);

	return (struct kernel_route){
		.family = via.family,
		.table = 5301,
		.metric = 1024,
		.nexthops = {{.ifindex = ifindex, .gateway = via, .weight = 1}},
		.n_nexthops = 1,
	};
}

static bool holds(const struct fixture *f, const struct kernel_route *route)
{
	for (size_t i = 0; i < f->actual.n_routes; i++)
		if (kernel_route_eq(&f->actual.routes[i], route))
			return true;
	return false;
}

static void written_routes_are_read_back_equal(void **state)
{
	struct fixture *f = *state;
	struct kernel_nexthop a = {
		.ifindex = f->wan_a, .gateway = addr("192.168.2.6"), .weight = 3};
	struct kernel_nexthop b = {
		.ifindex = f->wan_b, .gateway = addr("172.16.1.2"), .weight = 1};
	struct kernel_nexthop a6 = {
		.ifindex = f->wan_a, .gateway = addr("2001:db8:a::6"), .weight = 2};
	struct kernel_nexthop b6 = {
		.ifindex = f->wan_b, .gateway = addr("fe80::1"), .weight = 256};
	struct kernel_nexthop far = {.ifindex = f->wan_a,
		.gateway = addr("203.0.113.9"),
		.onlink = true,
		.weight = 1};
	struct kernel_route routes[] = {
		{.family = AF_INET,
			.table = 5301,
			.dst = prefix("192.168.2.0/29"),
			.prefsrc = addr("192.168.2.1"),
			.nexthops = {{.ifindex = f->wan_a, .weight = 1}},
			.n_nexthops = 1},
		{.family = AF_INET, .table = 5301, .nexthops = {a}, .n_nexthops = 1},
		{.family = AF_INET,
			.table = 5301,
			.metric = 7,
			.nexthops = {far},
			.n_nexthops = 1},
		{.family = AF_INET, .table = 5300, .nexthops = {a, b}, .n_nexthops = 2},
		{.family = AF_INET, .table = 4000000000, .type = KERNEL_BLACKHOLE},
		{.family = AF_INET,
			.table = RT_TABLE_MAIN,
			.dst = prefix("10.0.1.1/32"),
			.nexthops = {a},
			.n_nexthops = 1},
		{.family = AF_INET6,
			.table = 5301,
			.metric = 1024,
			.dst = prefix("2001:db8:a::/64"),
			.nexthops = {{.ifindex = f->wan_a, .weight = 1}},
			.n_nexthops = 1},
		{.family = AF_INET6,
			.table = 5301,
			.metric = 1024,
			.prefsrc = addr("2001:db8:a::1"),
			.nexthops = {a6},
			.n_nexthops = 1},
		{.family = AF_INET6,
			.table = 5300,
			.metric = 1024,
			.nexthops = {a6, b6},
			.n_nexthops = 2},
		{.family = AF_INET6,
			.table = 5302,
			.metric = 4278198272,
			.type = KERNEL_UNREACHABLE},
	};
	size_t n = sizeof(routes) / sizeof(routes[0]);

	for (size_t i = 0; i < n; i++) {
		if (step(f, PLAN_ADD_ROUTE, &routes[i]) != 0)
			fail_msg("route %zu: %s", i, rtnl_why(f->rtnl));
		if (!holds(f, &routes[i]))
			fail_msg("route %zu is not read back", i);
		assert_int_equal(step(f, PLAN_ADD_ROUTE, &routes[i]), 0);
		assert_int_equal(f->actual.n_routes, i + 1);
	}
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(step(f, PLAN_DEL_ROUTE, &routes[i]), 0);
		assert_int_equal(step(f, PLAN_DEL_ROUTE, &routes[i]), 0);
		assert_int_equal(f->actual.n_routes, n - i - 1);
	}
}

static void a_replaced_route_has_the_new_next_hops(void **state)
{
	struct fixture *f = *state;
	const char *const gateways[][2] = {
		{"192.168.2.6", "172.16.1.2"}, {"2001:db8:a::6", "2001:db8:b::6"}};

	for (size_t i = 0; i < 2; i++) {
		struct kernel_route old = default_via(gateways[i][0], f->wan_a);
		struct kernel_route new = default_via(gateways[i][1], f->wan_b);
		struct kernel_route both = old;

		both.nexthops[both.n_nexthops++] = new.nexthops[0];
		assert_int_equal(step(f, PLAN_ADD_ROUTE, &old), 0);
		assert_int_equal(step(f, PLAN_REPLACE_ROUTE, &both), 0);
		assert_true(holds(f, &both));
		assert_int_equal(step(f, PLAN_REPLACE_ROUTE, &new), 0);
		assert_true(holds(f, &new));
		assert_int_equal(f->actual.n_routes, i + 1);

		/* to be added, but an older one of ours is there */
		assert_int_equal(step(f, PLAN_ADD_ROUTE, &old), 0);
		assert_true(holds(f, &old));
		new = (struct kernel_route){.family = old.family,
			.table = old.table,
			.metric = old.metric,
			.type = KERNEL_UNREACHABLE};
		assert_int_equal(step(f, PLAN_REPLACE_ROUTE, &new), 0);
		assert_true(holds(f, &new));
		assert_int_equal(f->actual.n_routes, i + 1);
	}
}

static void a_route_of_another_program_is_never_touched(void **state)
{
	struct fixture *f = *state;
	const char *const gateways[][2] = {
		{"192.168.2.6", "192.168.2.5"}, {"2001:db8:a::6", "2001:db8:a::5"}};

	netns_run("ip route add default via 192.168.2.5 dev wan-a proto dhcp metric 1024");
	netns_run("ip -6 route add default via 2001:db8:a::5 dev wan-a proto ra metric 1024");
	for (size_t i = 0; i < 2; i++) {
		struct kernel_route ours = default_via(gateways[i][0], f->wan_a);
		struct kernel_route same = default_via(gateways[i][1], f->wan_a);

		ours.table = same.table = RT_TABLE_MAIN;
		assert_int_equal(step(f, PLAN_ADD_ROUTE, &ours), -EEXIST);
		assert_non_null(strstr(rtnl_why(f->rtnl), "another program"));
		assert_int_equal(step(f, PLAN_REPLACE_ROUTE, &ours), -EEXIST);
		assert_int_equal(step(f, PLAN_DEL_ROUTE, &ours), 0);
		assert_int_equal(step(f, PLAN_DEL_ROUTE, &same), 0);
		assert_int_equal(f->actual.n_routes, 0);
	}
	netns_run("ip route show proto dhcp | grep -q 'default via 192.168.2.5'");
	netns_run("ip -6 route show proto ra | grep -q 'default via 2001:db8:a::5'");
}

/* PPPoE: a default route that makes a neighbour of everybody, when the LAN is not there yet.
 */
static void a_server_is_not_sought_beyond_an_uplink(void **state)
{
	static const char *const loopbacks[] = {"10.0.1.1/32", "2001:db8:1::1/128"};
	static const char *const servers[] = {"10.0.0.10", "2001:db8:10::10"};
	struct fixture *f = *state;

	netns_run("ip tuntap add ppp0 mode tun; ip link set ppp0 up");
	netns_run("ip route add default dev ppp0; ip -6 route add default dev ppp0");
	for (size_t i = 0; i < 2; i++) {
		struct kernel_route route = default_via(servers[i], 0);
		struct plan_step again = {.op = PLAN_ADD_ROUTE, .route = route};

		route.table = RT_TABLE_MAIN;
		route.metric = i ? 1024 : 0;
		route.dst = prefix(loopbacks[i]);
		again.route = route;
		assert_int_equal(step(f, PLAN_ADD_ROUTE, &route), -ENETUNREACH);
		assert_int_equal(rtnl_write(f->rtnl, &again), -ENETUNREACH);
		assert_non_null(strstr(rtnl_why(f->rtnl), "default route"));
		assert_int_equal(f->actual.n_routes, i);

		/* one of a time when nobody looked, and the LAN comes */
		netns_run(i ? "ip -6 route add 2001:db8:1::1 via 2001:db8:10::10 proto 200"
			    : "ip route add 10.0.1.1 via 10.0.0.10 proto 200");
		if (i)
			netns_add("wan-b", "2001:db8:10::1/64");
		else
			netns_add("wan-b", "10.0.0.1/24");
		assert_int_equal(step(f, PLAN_REPLACE_ROUTE, &route), 0);
		assert_int_equal(f->actual.n_routes, i + 1);
		assert_int_equal(f->actual.routes[i].nexthops[0].ifindex, f->wan_b);
	}
	netns_run("ip link del ppp0");
}

static void a_refusal_comes_with_the_kernels_reason(void **state)
{
	struct fixture *f = *state;
	struct kernel_route bad = default_via("198.51.100.1", f->wan_a);

	assert_int_equal(step(f, PLAN_ADD_ROUTE, &bad), -ENETUNREACH);
	struct plan_step again = {.op = PLAN_ADD_ROUTE, .route = bad};
	rtnl_write(f->rtnl, &again);
	assert_string_equal(rtnl_why(f->rtnl), "Nexthop has invalid gateway");
}

static struct kernel_rule plain_rule(int family, uint32_t priority)
{
	return (struct kernel_rule){
		.family = family,
		.priority = priority,
		.table = 5301,
		.suppress_prefixlen = KERNEL_NO_SUPPRESS,
		.suppress_ifgroup = KERNEL_NO_SUPPRESS,
	};
}

static void written_rules_are_read_back_equal(void **state)
{
	struct fixture *f = *state;
	struct kernel_rule rules[16];
	size_t n = 0;

	for (size_t i = 0; i < 2; i++) {
		int family = i ? AF_INET6 : AF_INET;
		struct kernel_rule *rule = &rules[n];

		for (size_t k = 0; k < 7; k++)
			rules[n++] = plain_rule(family, 1000 + (uint32_t)k);
		rule[0].table = RT_TABLE_MAIN;
		rule[0].suppress_prefixlen = 1;
		rule[0].suppress_ifgroup = 5300;
		rule[1].from = prefix(i ? "2001:db8:a::1/128" : "192.168.2.1/32");
		rule[2].from = prefix(i ? "2001:db8::/32" : "10.0.1.1/32");
		rule[2].blackhole = true;
		rule[2].table = 0;
		rule[3].fwmark = 0x100;
		rule[3].fwmask = 0x7f00;
		rule[4].to = prefix(i ? "2001:db8:1::/48" : "198.51.100.0/24");
		rule[4].ipproto = IPPROTO_TCP;
		rule[4].dport_first = 25;
		rule[4].dport_last = 25;
		snprintf(rule[5].iif, sizeof(rule[5].iif), "lan0");
		snprintf(rule[5].oif, sizeof(rule[5].oif), "wan-a");
		rule[5].suppress_prefixlen = 0;
		rule[6].fwmark = 0; /* "no mark of ours" */
		rule[6].fwmask = 0xff00;
	}
	for (size_t i = 0; i < n; i++) {
		if (rule_step(f, PLAN_ADD_RULE, &rules[i]) != 0)
			fail_msg("rule %zu: %s", i, rtnl_why(f->rtnl));
		assert_int_equal(rule_step(f, PLAN_ADD_RULE, &rules[i]), 0);
		assert_int_equal(f->actual.n_rules, i + 1);
		if (!kernel_rule_eq(&f->actual.rules[i], &rules[i]))
			fail_msg("rule %zu is read back differently", i);
	}
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(rule_step(f, PLAN_DEL_RULE, &rules[i]), 0);
		assert_int_equal(rule_step(f, PLAN_DEL_RULE, &rules[i]), 0);
		assert_int_equal(f->actual.n_rules, n - i - 1);
	}
}

static void a_rule_of_another_program_is_never_touched(void **state)
{
	struct fixture *f = *state;
	struct kernel_rule rule = plain_rule(AF_INET, 1000);

	netns_run("ip rule add priority 1000 lookup 5301 protocol 201");
	/* some kernels keep two that differ only in who made them, others refuse */
	int r = rule_step(f, PLAN_ADD_RULE, &rule);
	assert_true(r == 0 ? f->actual.n_rules == 1 : r == -EEXIST);
	assert_int_equal(rule_step(f, PLAN_DEL_RULE, &rule), 0);
	assert_int_equal(f->actual.n_rules, 0);
	netns_run("ip rule show | grep -q '^1000:.*lookup 5301 proto 201'");
}

static void what_we_could_not_have_written_is_not_taken_for_ours(void **state)
{
	struct fixture *f = *state;

	netns_run("ip rule add not from 192.0.2.1 priority 1000 lookup 5301 protocol 200");
	netns_run(
		"ip rule add from 192.0.2.1 tos 0x10 priority 1001 lookup 5301 protocol 200");
	netns_run("ip rule add sport 5 priority 1002 lookup 5301 protocol 200");
	netns_run("ip route add 192.0.2.0/24 tos 0x10 dev wan-a table 5301 proto 200");
	netns_run("ip route add prohibit 192.0.2.0/24 table 5301 proto 200");
	read_again(f);
	assert_int_equal(f->actual.n_rules, 0);
	assert_int_equal(f->actual.n_routes, 0);
}

static void the_group_of_an_interface_is_set(void **state)
{
	struct fixture *f = *state;
	struct plan_step set = {.op = PLAN_SET_GROUP,
		.group = {.interface = "wan-a", .ifindex = f->wan_a, .group = 5300}};
	bool seen = false;

	assert_int_equal(rtnl_write(f->rtnl, &set), 0);
	read_again(f);
	for (size_t i = 0; i < f->actual.n_groups; i++) {
		const struct kernel_group *group = &f->actual.groups[i];

		assert_int_equal(group->group, group->ifindex == f->wan_a ? 5300 : 0);
		seen = seen || strcmp(group->interface, "wan-a") == 0;
	}
	assert_true(seen);

	set.group.ifindex = 4711;
	assert_int_equal(rtnl_write(f->rtnl, &set), -ENODEV);
	set.group.ifindex = 0; /* would mean: of all */
	assert_int_equal(rtnl_write(f->rtnl, &set), -ENODEV);
}

static void carrier_is_read_as_it_is_now(void **state)
{
	struct fixture *f = *state;
	bool carrier = false;

	assert_int_equal(rtnl_carrier(f->rtnl, f->wan_a, &carrier), 0);
	assert_true(carrier);
	netns_run("ip link set isp-a down");
	assert_int_equal(rtnl_carrier(f->rtnl, f->wan_a, &carrier), 0);
	assert_false(carrier);
	assert_int_equal(rtnl_carrier(f->rtnl, 4711, &carrier), -ENODEV);
	assert_int_equal(rtnl_carrier(f->rtnl, 0, &carrier), -ENODEV);
}

/* ---- crafted messages ---- */

static void malformed_messages_are_refused(void **state)
{
	struct kernel_route route = default_via("192.168.2.6", 4);
	struct rtnlmsg_route read;
	struct kernel_rule rule;
	uint8_t protocol;

	(void)state;
	struct nl_msg *msg = rtnlmsg_route(RTM_NEWROUTE, 0, &route);
	assert_int_equal(rtnlmsg_read_route(nlmsg_hdr(msg), &read), RTNLMSG_READ);
	assert_true(kernel_route_eq(&read.route, &route));

	struct rtmsg *rtm = nlmsg_data(nlmsg_hdr(msg));
	rtm->rtm_family = AF_INET6; /* a gateway of four octets */
	assert_int_equal(rtnlmsg_read_route(nlmsg_hdr(msg), &read), -EBADMSG);
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 24; /* of what? */
	assert_int_equal(rtnlmsg_read_route(nlmsg_hdr(msg), &read), -EBADMSG);
	rtm->rtm_dst_len = 33;
	assert_int_equal(rtnlmsg_read_route(nlmsg_hdr(msg), &read), -EBADMSG);
	nlmsg_hdr(msg)->nlmsg_len = NLMSG_HDRLEN + 4;
	assert_int_equal(rtnlmsg_read_route(nlmsg_hdr(msg), &read), -EBADMSG);
	assert_int_equal(rtnlmsg_read_rule(nlmsg_hdr(msg), &rule, &protocol), -EBADMSG);
	nlmsg_free(msg);
}

static void metrics_and_scope_are_written_and_read(void **state)
{
	struct fixture *f = *state;
	struct kernel_route route = default_via("192.168.2.6", f->wan_a);

	route.metric = 7;
	route.metrics.values[RTAX_MTU] = 1400;
	route.metrics.values[RTAX_LOCK] = 1u << RTAX_MTU;
	route.metrics.values[RTAX_ADVMSS] = 1300;
	route.metrics.values[RTAX_QUICKACK] = 1;
	strcpy(route.metrics.congctl, "reno");
	assert_int_equal(step(f, PLAN_ADD_ROUTE, &route), 0);
	assert_int_equal(f->actual.n_routes, 1);
	assert_true(kernel_route_eq(&f->actual.routes[0], &route));

	route.metrics.values[RTAX_ADVMSS] = 1200;
	assert_false(kernel_route_eq(&f->actual.routes[0], &route));
	assert_int_equal(step(f, PLAN_REPLACE_ROUTE, &route), 0);
	assert_true(kernel_route_eq(&f->actual.routes[0], &route));
	assert_int_equal(step(f, PLAN_DEL_ROUTE, &route), 0);
	assert_int_equal(f->actual.n_routes, 0);

	route = default_via("192.168.2.6", f->wan_a);
	route.dst = prefix("10.99.0.0/16");
	route.nexthops[0].gateway = (struct addr){0};
	route.scope = RT_SCOPE_UNIVERSE + 1;
	assert_int_equal(step(f, PLAN_ADD_ROUTE, &route), 0);
	assert_true(kernel_route_eq(&f->actual.routes[0], &route));
	assert_int_equal(step(f, PLAN_DEL_ROUTE, &route), 0);
	assert_int_equal(f->actual.n_routes, 0);

	route = default_via("fe80::6", f->wan_a);
	route.metrics.values[RTAX_HOPLIMIT] = 64;
	assert_int_equal(step(f, PLAN_ADD_ROUTE, &route), 0);
	assert_true(kernel_route_eq(&f->actual.routes[0], &route));
}

/* As the kernel sends it with net.ipv4.nexthop_compat_mode=0. */
static void a_route_by_a_nexthop_object_is_open(void **state)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWROUTE, 0);
	struct rtmsg rtm = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
	struct rtnlmsg_route read;

	(void)state;
	nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO);
	nla_put_u32(msg, RTA_NH_ID, 11);
	assert_int_equal(rtnlmsg_read_route(nlmsg_hdr(msg), &read), RTNLMSG_READ);
	assert_int_equal(read.nhid, 11);
	assert_true(read.unresolved);
	assert_int_equal(read.route.n_nexthops, 0);

	/* and with 1: nothing is left open */
	nla_put_u32(msg, RTA_OIF, 4);
	assert_int_equal(rtnlmsg_read_route(nlmsg_hdr(msg), &read), RTNLMSG_READ);
	assert_int_equal(read.nhid, 11);
	assert_false(read.unresolved);
	assert_int_equal(read.route.nexthops[0].ifindex, 4);
	nlmsg_free(msg);
}

static struct nl_msg *nexthop_message(int family)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWNEXTHOP, 0);
	struct nhmsg nhm = {.nh_family = (uint8_t)family, .nh_flags = RTNH_F_ONLINK};

	nlmsg_append(msg, &nhm, sizeof(nhm), NLMSG_ALIGNTO);
	nla_put_u32(msg, NHA_ID, 11);
	return msg;
}

static void nexthop_objects_are_read(void **state)
{
	struct nexthop_grp members[RTNLMSG_MAX_MEMBERS + 1] = {{.id = 11}, {12, 3, 0, 0}};
	struct addr gateway = addr("fe80::6");
	struct rtnlmsg_nexthop read;

	(void)state;
	struct nl_msg *msg = nexthop_message(AF_INET6);
	nla_put_u32(msg, NHA_OIF, 4);
	nla_put(msg, NHA_GATEWAY, 16, gateway.bytes);
	assert_int_equal(rtnlmsg_read_nexthop(nlmsg_hdr(msg), &read), RTNLMSG_READ);
	assert_int_equal(read.id, 11);
	assert_int_equal(read.hop.ifindex, 4);
	assert_true(read.hop.onlink);
	assert_true(addr_eq(&read.hop.gateway, &gateway));
	((struct nhmsg *)nlmsg_data(nlmsg_hdr(msg)))->nh_family = AF_INET;
	assert_int_equal(rtnlmsg_read_nexthop(nlmsg_hdr(msg), &read), -EBADMSG);
	nlmsg_free(msg);

	msg = nexthop_message(AF_UNSPEC);
	nla_put(msg, NHA_GROUP, 2 * sizeof(members[0]), members);
	assert_int_equal(rtnlmsg_read_nexthop(nlmsg_hdr(msg), &read), RTNLMSG_READ);
	assert_int_equal(read.n_members, 2);
	assert_int_equal(read.members[1].id, 12);
	assert_int_equal(read.members[1].weight, 4);
	nlmsg_free(msg);

	msg = nexthop_message(AF_UNSPEC);
	nla_put(msg, NHA_GROUP, 7, members);
	assert_int_equal(rtnlmsg_read_nexthop(nlmsg_hdr(msg), &read), -EBADMSG);
	nlmsg_free(msg);

	msg = nexthop_message(AF_UNSPEC);
	nla_put(msg, NHA_GROUP, sizeof(members), members);
	assert_int_equal(rtnlmsg_read_nexthop(nlmsg_hdr(msg), &read), RTNLMSG_NONE);
	nlmsg_free(msg);

	msg = nexthop_message(AF_INET);
	nla_put_u32(msg, NHA_OIF, 4);
	nla_put(msg, NHA_BLACKHOLE, 0, NULL);
	assert_int_equal(rtnlmsg_read_nexthop(nlmsg_hdr(msg), &read), RTNLMSG_READ);
	assert_int_equal(read.hop.ifindex, 0);
	nlmsg_free(msg);
}

static void next_hops_of_wrong_length_are_refused(void **state)
{
	struct kernel_route route = default_via("192.168.2.6", 4);
	struct rtnlmsg_route read;

	(void)state;
	route.nexthops[1] = route.nexthops[0];
	route.n_nexthops = 2;
	for (uint16_t len = 0; len < 24; len++) {
		struct nl_msg *msg = rtnlmsg_route(RTM_NEWROUTE, 0, &route);
		struct nlattr *attr = nlmsg_find_attr(
			nlmsg_hdr(msg), sizeof(struct rtmsg), RTA_MULTIPATH);
		struct rtnexthop *hop = nla_data(attr);

		hop->rtnh_len = len;
		int r = rtnlmsg_read_route(nlmsg_hdr(msg), &read);
		if (len < sizeof(*hop))
			assert_int_equal(r, -EBADMSG);
		nlmsg_free(msg);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			written_routes_are_read_back_equal, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_replaced_route_has_the_new_next_hops, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_route_of_another_program_is_never_touched, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_server_is_not_sought_beyond_an_uplink, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_refusal_comes_with_the_kernels_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(
			metrics_and_scope_are_written_and_read, setup, teardown),
		cmocka_unit_test(a_route_by_a_nexthop_object_is_open),
		cmocka_unit_test(nexthop_objects_are_read),
		cmocka_unit_test_setup_teardown(
			written_rules_are_read_back_equal, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_rule_of_another_program_is_never_touched, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_we_could_not_have_written_is_not_taken_for_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_group_of_an_interface_is_set, setup, teardown),
		cmocka_unit_test_setup_teardown(carrier_is_read_as_it_is_now, setup, teardown),
		cmocka_unit_test(malformed_messages_are_refused),
		cmocka_unit_test(next_hops_of_wrong_length_are_refused),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	netns_enter();
	return cmocka_run_group_tests_name("rtnl", tests, NULL, NULL);
}
