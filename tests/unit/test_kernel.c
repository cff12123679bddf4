/* test_kernel.c - routes and rules as values: when they are equal, and how they are printed */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "lib/situations.h"

static struct addr addr(const char *text)
{
	struct addr parsed;

	assert_int_equal(addr_parse(text, &parsed), 0);
	return parsed;
}

static struct prefix prefix(const char *text)
{
	struct prefix parsed;

	assert_int_equal(prefix_parse(text, &parsed), 0);
	return parsed;
}

static struct kernel_route default_route(void)
{
	return (struct kernel_route){
		.family = AF_INET,
		.table = 5300,
		.nexthops = {{2, addr("192.168.2.6"), true, 3},
			{3, addr("172.16.1.2"), true, 1}},
		.n_nexthops = 2,
	};
}

static struct kernel_rule rule(void)
{
	return (struct kernel_rule){
		.family = AF_INET,
		.priority = 1000,
		.table = RT_TABLE_MAIN,
		.suppress_prefixlen = KERNEL_NO_SUPPRESS,
		.suppress_ifgroup = KERNEL_NO_SUPPRESS,
	};
}

static void assert_route_str(const struct kernel_route *route, const char *expected)
{
	char line[1024];

	assert_string_equal(
		kernel_route_str(route, situations_ifname, NULL, line, sizeof(line)),
		expected);
}

static void assert_rule_str(const struct kernel_rule *rule_, const char *expected)
{
	char line[512];

	assert_string_equal(kernel_rule_str(rule_, line, sizeof(line)), expected);
}

static void order_of_next_hops_does_not_count(void **state)
{
	struct kernel_route a = default_route();
	struct kernel_route b = default_route();

	(void)state;
	b.nexthops[0] = a.nexthops[1];
	b.nexthops[1] = a.nexthops[0];
	assert_true(kernel_route_eq(&a, &b));

	b.nexthops[1].weight = 4;
	assert_false(kernel_route_eq(&a, &b));
}

static void one_next_hop_does_not_serve_twice(void **state)
{
	struct kernel_route a = default_route();
	struct kernel_route b = default_route();

	(void)state;
	b.nexthops[1] = b.nexthops[0];
	assert_false(kernel_route_eq(&a, &b));
	assert_false(kernel_route_eq(&b, &a));
}

static void open_device_matches_any(void **state)
{
	struct kernel_route a = default_route();
	struct kernel_route b = default_route();

	(void)state;
	a.n_nexthops = b.n_nexthops = 1;
	a.nexthops[0].ifindex = 0;
	assert_true(kernel_route_eq(&a, &b));

	/* without a gateway the device is all there is */
	a.nexthops[0].gateway = b.nexthops[0].gateway = (struct addr){0};
	assert_false(kernel_route_eq(&a, &b));
}

static void weight_of_a_lone_next_hop_does_not_count(void **state)
{
	struct kernel_route a = default_route();
	struct kernel_route b = default_route();

	(void)state;
	a.n_nexthops = b.n_nexthops = 1;
	b.nexthops[0].weight = 1;
	assert_true(kernel_route_eq(&a, &b));
	b.prefsrc = addr("192.168.2.1");
	assert_false(kernel_route_eq(&a, &b));
	b = a;
	b.type = KERNEL_BLACKHOLE;
	assert_false(kernel_route_eq(&a, &b));
}

static void rules_compare_by_what_has_an_effect(void **state)
{
	struct kernel_rule a = rule();
	struct kernel_rule b = rule();

	(void)state;
	a.blackhole = b.blackhole = true;
	b.table = 5301;
	b.fwmark = 0x100; /* without a mask */
	a.from.addr.family = AF_INET;
	assert_true(kernel_rule_eq(&a, &b));

	b.fwmask = 0x7f00;
	assert_false(kernel_rule_eq(&a, &b));

	b = a;
	strcpy(b.oif, "wan-a");
	assert_false(kernel_rule_eq(&a, &b));
	assert_int_equal(kernel_rule_cmp(&a, &b), -kernel_rule_cmp(&b, &a));
}

static void routes_print_as_ip_takes_them(void **state)
{
	struct kernel_route route = default_route();

	(void)state;
	assert_route_str(&route, "default table 5300 proto 200"
				 " nexthop via 192.168.2.6 dev wan-a weight 3 onlink"
				 " nexthop via 172.16.1.2 dev wan-b weight 1 onlink");
	route.n_nexthops = 1;
	route.nexthops[0].onlink = false;
	route.table = 5301;
	assert_route_str(&route, "default via 192.168.2.6 dev wan-a table 5301 proto 200");

	route.prefsrc = addr("192.168.2.1");
	route.metric = 7;
	assert_route_str(&route, "default via 192.168.2.6 dev wan-a table 5301 proto 200"
				 " metric 7 src 192.168.2.1");

	route = (struct kernel_route){
		.family = AF_INET,
		.type = KERNEL_BLACKHOLE,
		.dst = prefix("10.0.1.1"),
		.table = RT_TABLE_MAIN,
	};
	assert_route_str(&route, "blackhole 10.0.1.1 proto 200");
	route.dst = prefix("2001:db8::/32");
	route.type = KERNEL_UNREACHABLE;
	assert_route_str(&route, "unreachable 2001:db8::/32 proto 200");
}

static void rules_print_as_ip_takes_them(void **state)
{
	struct kernel_rule r = rule();

	(void)state;
	r.suppress_prefixlen = 1;
	r.suppress_ifgroup = 5300;
	assert_rule_str(&r, "priority 1000 from all lookup main suppress_prefixlength 1"
			    " suppress_ifgroup 5300 protocol 200");

	r = rule();
	r.from = prefix("10.0.0.0/24");
	r.to = prefix("192.0.2.1");
	r.ipproto = IPPROTO_TCP;
	r.dport_first = r.dport_last = 25;
	r.fwmark = 0x100;
	r.fwmask = 0x7f00;
	r.blackhole = true;
	assert_rule_str(&r, "priority 1000 from 10.0.0.0/24 to 192.0.2.1 fwmark 0x100/0x7f00"
			    " ipproto tcp dport 25 blackhole protocol 200");

	r = rule();
	strcpy(r.iif, "lan0");
	strcpy(r.oif, "wan-a");
	r.table = 5301;
	r.ipproto = 47;
	r.dport_first = 1;
	r.dport_last = 9;
	assert_rule_str(&r, "priority 1000 from all iif lan0 oif wan-a ipproto 47 dport 1-9"
			    " lookup 5301 protocol 200");
}

static void long_lines_are_cut(void **state)
{
	struct kernel_route route = default_route();
	char line[16];

	(void)state;
	assert_string_equal(
		kernel_route_str(&route, NULL, NULL, line, sizeof(line)), "default table 5");
}

static void kernel_grows(void **state)
{
	struct kernel kernel = {0};
	struct kernel_rule r = rule();

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		r.priority = i;
		kernel_add_rule(&kernel, &r);
	}
	assert_int_equal(kernel.n_rules, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(kernel.rules[i].priority, i);
	kernel_fini(&kernel);
	assert_null(kernel.rules);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_next_hops_does_not_count),
		cmocka_unit_test(one_next_hop_does_not_serve_twice),
		cmocka_unit_test(open_device_matches_any),
		cmocka_unit_test(weight_of_a_lone_next_hop_does_not_count),
		cmocka_unit_test(rules_compare_by_what_has_an_effect),
		cmocka_unit_test(routes_print_as_ip_takes_them),
		cmocka_unit_test(rules_print_as_ip_takes_them),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(kernel_grows),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
