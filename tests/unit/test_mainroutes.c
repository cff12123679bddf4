/* test_mainroutes.c - what main routes over the uplinks, and what nexthop objects stand for */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/kernel/mainroutes.h"

#include <linux/rtnetlink.h>
#include <string.h>

#include "routed/kernel/nexthops.h"
#include "routed/kernel/rtnlmsg.h"

enum { WAN_A = 2, WAN_B = 3, LAN = 9 };

static struct addr addr(const char *text)
{
	struct addr parsed;

	assert_int_equal(addr_parse(text, &parsed), 0);
	return parsed;
}

static void add_hop(struct rtnlmsg_route *route, int ifindex, const char *gateway)
{
	struct kernel_nexthop *hop = &route->route.nexthops[route->route.n_nexthops++];

	hop->ifindex = ifindex;
	hop->weight = 3;
	if (gateway)
		hop->gateway = addr(gateway);
}

static struct rtnlmsg_route static_route(const char *dst)
{
	struct rtnlmsg_route route = {.protocol = RTPROT_STATIC, .route.table = RT_TABLE_MAIN};

	assert_int_equal(prefix_parse(dst, &route.route.dst), 0);
	route.route.family = route.route.dst.addr.family;
	return route;
}

static struct mainroutes both_uplinks(void)
{
	static const int devices[] = {WAN_A, WAN_B, 0};
	struct mainroutes routes = {0};

	assert_true(mainroutes_follow(&routes, devices, 3));
	assert_false(mainroutes_follow(&routes, devices, 3));
	assert_int_equal(routes.n, 4);
	return routes;
}

static size_t n_over(const struct mainroutes *routes, int ifindex, int family)
{
	return mainroutes_find(routes, ifindex, family)->n;
}

static void of_a_multipath_route_only_the_next_hops_over_it_count(void **state)
{
	struct mainroutes routes = both_uplinks();
	struct rtnlmsg_route route = static_route("10.99.0.0/16");

	(void)state;
	route.route.metric = 7;
	route.route.metrics.values[RTAX_MTU] = 1400;
	add_hop(&route, WAN_B, "172.16.1.2");
	add_hop(&route, WAN_A, "192.168.2.2");
	add_hop(&route, LAN, "10.0.0.10");
	mainroutes_see(&routes, &route);

	const struct mainroutes_over *over = mainroutes_find(&routes, WAN_A, AF_INET);
	assert_int_equal(over->n, 1);
	assert_int_equal(over->items[0].n_nexthops, 1);
	assert_string_equal(addr_str(&over->items[0].nexthops[0].gateway), "192.168.2.2");
	assert_int_equal(over->items[0].nexthops[0].weight, 1);
	assert_int_equal(over->items[0].metric, 7);
	assert_int_equal(over->items[0].metrics.values[RTAX_MTU], 1400);
	assert_int_equal(n_over(&routes, WAN_B, AF_INET), 1);
	assert_null(mainroutes_find(&routes, LAN, AF_INET));
	assert_int_equal(n_over(&routes, WAN_A, AF_INET6), 0);
	mainroutes_fini(&routes);
}

static void what_is_not_mains_own_is_left_out(void **state)
{
	static const struct {
		const char *what;
		const char *dst;
		uint32_t table;
		uint8_t protocol;
		uint8_t tos;
		bool has_from;
		bool has_encap;
		enum kernel_route_type type;
		size_t expected;
	} cases[] = {
		{"a static one", "10.9.0.0/16", RT_TABLE_MAIN, RTPROT_STATIC, .expected = 1},
		{"a connected one", "192.168.2.0/29", RT_TABLE_MAIN, RTPROT_KERNEL,
			.expected = 1},
		{"half a default", "0.0.0.0/1", RT_TABLE_MAIN, RTPROT_BOOT, .expected = 1},
		{"of `local`", "192.168.2.1/32", RT_TABLE_LOCAL, RTPROT_KERNEL, .expected = 0},
		{"of another table", "10.9.0.0/16", 77, RTPROT_STATIC, .expected = 0},
		{"ours", "10.9.0.0/16", RT_TABLE_MAIN, KERNEL_PROTOCOL, .expected = 0},
		{"by type of service", "10.9.0.0/16", RT_TABLE_MAIN, RTPROT_STATIC, .tos = 16},
		{"by source", "2001:db8:9::/48", RT_TABLE_MAIN, RTPROT_STATIC,
			.has_from = true},
		{"into a tunnel", "10.9.0.0/16", RT_TABLE_MAIN, RTPROT_STATIC,
			.has_encap = true},
		{"unreachable", "10.9.0.0/16", RT_TABLE_MAIN, RTPROT_STATIC,
			.type = KERNEL_UNREACHABLE},
		{"multicast", "224.0.0.0/4", RT_TABLE_MAIN, RTPROT_STATIC, .expected = 0},
		{"the default", "0.0.0.0/0", RT_TABLE_MAIN, RTPROT_STATIC, .expected = 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mainroutes routes = both_uplinks();
		struct rtnlmsg_route route = static_route(cases[i].dst);

		route.route.table = cases[i].table;
		route.route.type = cases[i].type;
		route.protocol = cases[i].protocol;
		route.tos = cases[i].tos;
		route.has_from = cases[i].has_from;
		route.has_encap = cases[i].has_encap;
		add_hop(&route, WAN_A, NULL);
		mainroutes_see(&routes, &route);
		size_t n = n_over(&routes, WAN_A, AF_INET) + n_over(&routes, WAN_A, AF_INET6);
		if (n != cases[i].expected)
			print_error("%s: %zu copies\n", cases[i].what, n);
		assert_int_equal(n, cases[i].expected);
		mainroutes_fini(&routes);
	}
}

/* A tunnel or a type of service does not make it less of a default. */
static void a_default_of_any_kind_is_noted(void **state)
{
	struct mainroutes routes = both_uplinks();
	struct rtnlmsg_route route = static_route("0.0.0.0/0");

	(void)state;
	add_hop(&route, WAN_A, "192.168.2.6");
	route.has_encap = true;
	mainroutes_see(&routes, &route);
	assert_true(mainroutes_find(&routes, WAN_A, AF_INET)->has_default);
	assert_false(mainroutes_find(&routes, WAN_B, AF_INET)->has_default);
	assert_false(mainroutes_find(&routes, WAN_A, AF_INET6)->has_default);
	mainroutes_fini(&routes);
}

static void more_than_the_limit_are_counted_and_not_kept(void **state)
{
	struct mainroutes routes = both_uplinks();
	struct rtnlmsg_route route = static_route("10.0.0.0/24");

	(void)state;
	add_hop(&route, WAN_A, "192.168.2.2");
	for (unsigned int i = 0; i < MAINROUTES_MAX + 5; i++) {
		route.route.dst.addr.bytes[1] = (uint8_t)(i >> 8);
		route.route.dst.addr.bytes[2] = (uint8_t)i;
		mainroutes_see(&routes, &route);
	}
	assert_int_equal(n_over(&routes, WAN_A, AF_INET), MAINROUTES_MAX);
	assert_int_equal(mainroutes_find(&routes, WAN_A, AF_INET)->n_seen, MAINROUTES_MAX + 5);
	mainroutes_fini(&routes);
}

static void a_device_that_stays_keeps_its_routes(void **state)
{
	static const int other[] = {WAN_A, 7};
	struct mainroutes routes = both_uplinks();
	struct rtnlmsg_route route = static_route("10.99.0.0/16");
	struct mainroutes fresh;

	(void)state;
	add_hop(&route, WAN_A, "192.168.2.2");
	mainroutes_see(&routes, &route);
	assert_true(mainroutes_follow(&routes, other, 2));
	assert_int_equal(n_over(&routes, WAN_A, AF_INET), 1);
	assert_int_equal(n_over(&routes, 7, AF_INET), 0);
	assert_null(mainroutes_find(&routes, WAN_B, AF_INET));

	mainroutes_begin(&fresh, &routes);
	assert_false(mainroutes_eq(&fresh, &routes));
	mainroutes_see(&fresh, &route);
	assert_true(mainroutes_eq(&fresh, &routes));
	route.route.metrics.values[RTAX_ADVMSS] = 1300;
	mainroutes_fini(&fresh);
	mainroutes_begin(&fresh, &routes);
	mainroutes_see(&fresh, &route);
	assert_false(mainroutes_eq(&fresh, &routes));
	mainroutes_fini(&fresh);
	mainroutes_fini(&routes);
}

/* ---- nexthop objects ---- */

static struct nexthops some_objects(void)
{
	struct nexthops nexthops = {0};
	const struct rtnlmsg_nexthop objects[] = {
		{.id = 20, .members = {{11, 1}, {12, 4}, {99, 1}}, .n_members = 3},
		{.id = 12, .hop = {.ifindex = WAN_B, .gateway = addr("fe80::6"), .weight = 1}},
		{.id = 11,
			.hop = {.ifindex = WAN_A,
				.gateway = addr("192.168.2.6"),
				.onlink = true,
				.weight = 1}},
		{.id = 13}, /* a blackhole */
		{.id = 14, .hop = {.ifindex = WAN_A, .weight = 1}, .has_encap = true},
	};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		nexthops_add(&nexthops, &objects[i]);
	nexthops_sort(&nexthops);
	return nexthops;
}

static struct rtnlmsg_route resolved(const struct nexthops *nexthops, uint32_t nhid)
{
	struct rtnlmsg_route route = static_route("0.0.0.0/0");

	route.nhid = nhid;
	route.unresolved = true;
	nexthops_resolve(nexthops, &route);
	return route;
}

static void an_object_stands_for_its_next_hop(void **state)
{
	struct nexthops nexthops = some_objects();
	struct rtnlmsg_route route = resolved(&nexthops, 11);

	(void)state;
	assert_false(route.unresolved);
	assert_int_equal(route.route.n_nexthops, 1);
	assert_int_equal(route.route.nexthops[0].ifindex, WAN_A);
	assert_true(route.route.nexthops[0].onlink);
	assert_string_equal(addr_str(&route.route.nexthops[0].gateway), "192.168.2.6");
	assert_true(resolved(&nexthops, 14).has_encap);
	nexthops_fini(&nexthops);
}

static void a_group_stands_for_its_members(void **state)
{
	struct nexthops nexthops = some_objects();
	struct rtnlmsg_route route = resolved(&nexthops, 20);

	(void)state;
	assert_int_equal(route.route.n_nexthops, 2);
	assert_int_equal(route.route.nexthops[0].ifindex, WAN_A);
	assert_int_equal(route.route.nexthops[1].ifindex, WAN_B);
	assert_int_equal(route.route.nexthops[1].weight, 4);
	nexthops_fini(&nexthops);
}

static void an_object_that_leads_nowhere_leaves_the_route_open(void **state)
{
	struct nexthops nexthops = some_objects();
	struct nexthops none = {0};

	(void)state;
	assert_true(resolved(&nexthops, 13).unresolved);
	assert_true(resolved(&nexthops, 4711).unresolved);
	assert_true(resolved(&none, 11).unresolved);
	nexthops_fini(&nexthops);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_multipath_route_only_the_next_hops_over_it_count),
		cmocka_unit_test(what_is_not_mains_own_is_left_out),
		cmocka_unit_test(a_default_of_any_kind_is_noted),
		cmocka_unit_test(more_than_the_limit_are_counted_and_not_kept),
		cmocka_unit_test(a_device_that_stays_keeps_its_routes),
		cmocka_unit_test(an_object_stands_for_its_next_hop),
		cmocka_unit_test(a_group_stands_for_its_members),
		cmocka_unit_test(an_object_that_leads_nowhere_leaves_the_route_open),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("mainroutes", tests, NULL, NULL);
}
