/* test_wanted.c - routes, rules, groups and sysctls that follow from site and links */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "lib/situations.h"
#include "routed/kernel/mainroutes.h"
#include "routed/kernel/text.h"
#include "routed/wanted/decide.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wanted.h"
#include "routed/wanted/wantednumbers.h"

/* A site and its links; `work` makes the rest. */
struct fixture {
	struct site *site;
	struct situation situation;
	struct decision decision;
	struct kernel kernel;
	char *routes;
	char *rules;
};

static struct fixture reference(const char *extra)
{
	return (struct fixture){
		.site = situations_reference(extra),
		.situation = situations_both_up(),
	};
}

static void forget(struct fixture *f)
{
	kernel_fini(&f->kernel);
	free(f->routes);
	free(f->rules);
	f->routes = f->rules = NULL;
}

static void work(struct fixture *f)
{
	forget(f);
	f->decision = decide(f->site, &f->situation);
	wanted_kernel(f->site, &f->situation, &f->decision, &f->kernel);
	f->routes = situations_routes(&f->kernel);
	f->rules = situations_rules(&f->kernel);
}

static void fini(struct fixture *f)
{
	forget(f);
	site_free(f->site);
}

static void assert_has(const char *text, const char *what)
{
	if (!strstr(text, what))
		print_error("no \"%s\" in:\n%s", what, text);
	assert_non_null(strstr(text, what));
}

static void assert_lacks(const char *text, const char *what)
{
	if (strstr(text, what))
		print_error("\"%s\" in:\n%s", what, text);
	assert_null(strstr(text, what));
}

/* "path=value" of each, in the order in which they are written. */
static void assert_sysctls(const struct fixture *f, const char *expected)
{
	struct text text = {0};

	for (size_t i = 0; i < f->kernel.n_sysctls; i++)
		text_add(&text, "%s=%ld\n", f->kernel.sysctls[i].path,
			f->kernel.sysctls[i].value);
	assert_string_equal(text.data, expected);
	text_fini(&text);
}

static void reference_site_has_the_routes_of_the_design(void **state)
{
	struct fixture f = reference(NULL);

	(void)state;
	work(&f);
	assert_string_equal(f.routes,
		"192.168.2.0/29 dev wan-a table 5301 proto 200 src 192.168.2.1\n"
		"default via 192.168.2.6 dev wan-a table 5301 proto 200 src 192.168.2.1\n"
		"172.16.1.0/30 dev wan-b table 5302 proto 200 src 172.16.1.1\n"
		"default via 172.16.1.2 dev wan-b table 5302 proto 200 src 172.16.1.1\n"
		"default via 192.168.2.6 dev wan-a table 5300 proto 200 "
		"src 192.168.2.1 onlink\n"
		"10.0.1.1 via 10.0.0.10 proto 200\n"
		"unreachable 10.0.1.1 proto 200 metric 4278198272\n"
		"10.0.1.5 via 10.0.0.10 proto 200\n"
		"unreachable 10.0.1.5 proto 200 metric 4278198272\n");
	fini(&f);
}

static const char reference_rules[] =
	"priority 1000 from all lookup main suppress_prefixlength 1 suppress_ifgroup "
	"5300 protocol 200\n"
	"priority 32000 from all lookup main suppress_prefixlength 0 protocol 200\n"
	"priority 1100 from 192.168.2.1 lookup 5301 protocol 200\n"
	"priority 1101 from 172.16.1.1 lookup 5302 protocol 200\n"
	"priority 1200 from 10.0.1.1 lookup 5301 protocol 200\n"
	"priority 1201 from 10.0.1.1 blackhole protocol 200\n"
	"priority 1202 from 10.0.1.5 lookup 5302 protocol 200\n"
	"priority 1203 from 10.0.1.5 blackhole protocol 200\n"
	"priority 1300 from all fwmark 0x100/0x7f00 lookup 5301 protocol 200\n"
	"priority 1301 from all fwmark 0x100/0x7f00 blackhole protocol 200\n"
	"priority 1302 from all fwmark 0x200/0x7f00 lookup 5302 protocol 200\n"
	"priority 1303 from all fwmark 0x200/0x7f00 blackhole protocol 200\n"
	"priority 32001 from all lookup 5300 protocol 200\n";

static void reference_site_has_the_rules_of_the_design(void **state)
{
	struct fixture f = reference(NULL);

	(void)state;
	work(&f);
	assert_string_equal(f.rules, reference_rules);
	fini(&f);
}

/* The way inward does not depend on what the probes say. */
static void verdict_moves_only_the_tracked_default(void **state)
{
	struct fixture f = reference(NULL);

	(void)state;
	f.situation.uplinks[0].state = UPLINK_DOWN;
	work(&f);
	assert_string_equal(f.rules, reference_rules);
	assert_has(f.routes, "default via 192.168.2.6 dev wan-a table 5301 proto 200");
	assert_has(f.routes, "default via 172.16.1.2 dev wan-b table 5300 proto 200");
	assert_lacks(f.routes, "default via 192.168.2.6 dev wan-a table 5300");
	fini(&f);
}

static void lost_address_empties_the_table_but_leaves_the_null0(void **state)
{
	struct fixture f = reference(NULL);

	(void)state;
	f.situation.uplinks[0].n_addrs = 0;
	f.situation.uplinks[0].chosen[SITE_IPV4] = (struct addr){0};
	f.situation.uplinks[0].state = UPLINK_DOWN;
	work(&f);
	assert_lacks(f.routes, "table 5301");
	assert_lacks(f.rules, "from 192.168.2.1");
	assert_has(f.rules, "priority 1200 from 10.0.1.1 lookup 5301");
	assert_has(f.rules, "priority 1201 from 10.0.1.1 blackhole");
	fini(&f);
}

static void missing_interface_is_left_out(void **state)
{
	struct fixture f = reference(NULL);

	(void)state;
	f.situation.uplinks[0] = (struct situation_uplink){.state = UPLINK_DOWN};
	work(&f);
	assert_lacks(f.routes, "5301");
	assert_int_equal(f.kernel.n_groups, 1);
	assert_string_equal(f.kernel.groups[0].interface, "wan-b");
	assert_int_equal(f.kernel.groups[0].group, KERNEL_UPLINK_GROUP);
	assert_sysctls(&f, "net/ipv4/conf/all/rp_filter=2\n"
			   "net/ipv4/conf/wan-b/rp_filter=2\n"
			   "net/ipv4/neigh/wan-b/unres_qlen_bytes=2048\n"
			   "net/ipv4/neigh/lan0/unres_qlen_bytes=2048\n"
			   "net/ipv4/ip_forward=1\n");
	fini(&f);
}

static struct kernel_route main_route(const char *dst, const char *gateway, int ifindex)
{
	struct kernel_route route = {
		.table = RT_TABLE_MAIN,
		.nexthops = {{.ifindex = ifindex, .weight = 1}},
		.n_nexthops = 1,
	};

	assert_int_equal(prefix_parse(dst, &route.dst), 0);
	route.family = route.dst.addr.family;
	if (gateway)
		assert_int_equal(addr_parse(gateway, &route.nexthops[0].gateway), 0);
	return route;
}

static void routes_of_main_are_copied(void **state)
{
	struct fixture f = reference(NULL);
	struct kernel_route items[] = {
		main_route("192.168.2.0/29", NULL, 2), /* connected: ours already */
		main_route("192.168.100.1/32", NULL, 2),
		main_route("10.99.0.0/16", "192.168.2.2", 2),
	};
	struct mainroutes_over over = {2, AF_INET, true, items, 3, 3};

	(void)state;
	items[0].metrics.values[RTAX_MTU] = 1400;
	items[0].metrics.values[RTAX_LOCK] = 1u << RTAX_MTU;
	items[2].metric = 7;
	items[2].metrics.values[RTAX_INITCWND] = 20;
	f.situation.uplinks[0].main_routes[SITE_IPV4] = &over;
	work(&f);
	assert_has(f.routes,
		"192.168.2.0/29 dev wan-a table 5301 proto 200 src 192.168.2.1 mtu lock 1400\n"
		"192.168.100.1 dev wan-a table 5301 proto 200\n"
		"10.99.0.0/16 via 192.168.2.2 dev wan-a table 5301 proto "
		"200 metric 7 initcwnd 20\n"
		"default via 192.168.2.6 dev wan-a table 5301 proto 200 src 192.168.2.1\n");
	assert_lacks(f.routes, "10.99.0.0/16 via 192.168.2.2 dev wan-a table 5302");
	assert_lacks(f.routes, "10.99.0.0/16 via 192.168.2.2 dev wan-a table 5300");

	/* down by the probes: as it was; no gateway: still what main has */
	f.situation.uplinks[0].state = UPLINK_DOWN;
	work(&f);
	assert_has(f.routes, "10.99.0.0/16 via 192.168.2.2 dev wan-a table 5301");
	f.situation.uplinks[0].gateway[SITE_IPV4] = (struct addr){0};
	work(&f);
	assert_has(f.routes, "10.99.0.0/16 via 192.168.2.2 dev wan-a table 5301");
	assert_has(f.routes, "192.168.2.0/29 dev wan-a table 5301 proto 200 mtu lock 1400\n");
	assert_lacks(f.routes, "default via 192.168.2.6");
	f.situation.uplinks[0].is_down = true;
	work(&f);
	assert_lacks(f.routes, "5301");
	fini(&f);
}

static void a_default_is_copied_as_it_stands(void **state)
{
	struct fixture f = reference(NULL);
	struct situation_uplink *uplink = &f.situation.uplinks[0];

	(void)state;
	uplink->gateway[SITE_IPV4] = (struct addr){0};
	uplink->bare_default[SITE_IPV4] = true;
	work(&f);
	assert_has(f.routes, "default dev wan-a table 5301 proto 200 src 192.168.2.1\n");
	assert_has(f.routes, "default dev wan-a table 5300 proto 200 src 192.168.2.1\n");

	uplink->bare_default[SITE_IPV4] = false;
	assert_int_equal(addr_parse("fe80::6", &uplink->gateway[SITE_IPV4]), 0);
	uplink->metrics[SITE_IPV4].values[RTAX_ADVMSS] = 1300;
	work(&f);
	assert_has(f.routes, "default via inet6 fe80::6 dev wan-a table 5301 proto 200 "
			     "src 192.168.2.1 advmss 1300\n");
	assert_has(f.routes, "default via inet6 fe80::6 dev wan-a table 5300 proto 200 "
			     "src 192.168.2.1 advmss 1300\n");
	fini(&f);
}

static void an_unnumbered_uplink_routes_ipv6_all_the_same(void **state)
{
	struct fixture f = reference(NULL);
	struct situation_uplink *uplink = &f.situation.uplinks[0];

	(void)state;
	assert_int_equal(addr_parse("fe80::6", &uplink->gateway[SITE_IPV6]), 0);
	uplink->uses_ra = true;
	work(&f);
	assert_lacks(f.routes, "fe80::6");
	uplink->unnumbered = true;
	work(&f);
	assert_has(
		f.routes, "default via fe80::6 dev wan-a table 5301 proto 200 metric 1024\n");
	assert_has(
		f.routes, "default via fe80::6 dev wan-a table 5300 proto 200 metric 1024\n");
	fini(&f);
}

static void without_a_gateway_there_is_no_table(void **state)
{
	struct fixture f = reference(NULL);

	(void)state;
	f.situation.uplinks[0].gateway[SITE_IPV4] = (struct addr){0};
	assert_false(situation_can_route(&f.situation.uplinks[0], SITE_IPV4));
	work(&f);
	assert_lacks(f.routes, "5301");
	assert_has(f.routes, "default via 172.16.1.2 dev wan-b table 5300");
	fini(&f);
}

static void point_to_point_needs_no_gateway(void **state)
{
	struct fixture f = reference(NULL);
	struct situation_uplink *uplink = &f.situation.uplinks[0];

	(void)state;
	uplink->point_to_point = true;
	uplink->gateway[SITE_IPV4] = (struct addr){0};
	uplink->addrs[0].prefix_len = 32;
	assert_int_equal(addr_parse("192.0.2.254", &uplink->addrs[0].peer), 0);
	work(&f);
	assert_has(f.routes, "192.0.2.254 dev wan-a table 5301 proto 200 src 192.168.2.1\n"
			     "default dev wan-a table 5301 proto 200 src 192.168.2.1\n");
	assert_has(f.routes, "default dev wan-a table 5300 proto 200 src 192.168.2.1\n");

	uplink->addrs[0].peer = (struct addr){0}; /* a lone /32 brings no subnet */
	work(&f);
	assert_lacks(f.routes, "192.168.2.1 dev");
	fini(&f);
}

static void gateway_outside_of_the_subnet_is_on_link(void **state)
{
	struct fixture f = reference(NULL);

	(void)state;
	situations_gateway(&f.situation, 0, "192.0.2.254");
	work(&f);
	assert_has(f.routes, "default via 192.0.2.254 dev wan-a table 5301 proto 200 src "
			     "192.168.2.1 onlink\n");
	fini(&f);
}

static void several_addresses_share_one_connected_route(void **state)
{
	struct fixture f = reference(NULL);

	(void)state;
	situations_address(&f.situation, 0, "192.168.2.2/29");
	situations_address(&f.situation, 0, "192.0.2.9/24");
	assert_int_equal(
		addr_parse("192.168.2.2", &f.situation.uplinks[0].chosen[SITE_IPV4]), 0);
	work(&f);
	assert_has(f.routes, "192.168.2.0/29 dev wan-a table 5301 proto 200 src 192.168.2.2\n"
			     "192.0.2.0/24 dev wan-a table 5301 proto 200 src 192.0.2.9\n"
			     "default via");
	assert_has(f.rules, "priority 1100 from 192.168.2.1 lookup 5301");
	assert_has(f.rules, "priority 1100 from 192.168.2.2 lookup 5301");
	assert_has(f.rules, "priority 1100 from 192.0.2.9 lookup 5301");
	fini(&f);
}

static void no_loopbacks_no_rules_for_them(void **state)
{
	struct fixture f = reference(NULL);

	(void)state;
	f.site->servers[0].has_loopbacks = false;
	work(&f);
	assert_lacks(f.rules, "priority 120");
	assert_lacks(f.routes, "via 10.0.0.10");
	f.site->servers[0].has_loopbacks = true;
	f.site->servers[0].route = false;
	work(&f);
	assert_has(f.rules, "priority 1201 from 10.0.1.1 blackhole");
	assert_lacks(f.routes, "via 10.0.0.10");
	fini(&f);
}

/* --- decisions --- */

static enum uplink_state state_of(char letter)
{
	switch (letter) {
	case 'U':
		return UPLINK_UP;
	case 'G':
		return UPLINK_DEGRADED;
	case 'R':
		return UPLINK_DRAINED;
	default:
		return UPLINK_DOWN;
	}
}

static void decisions_follow_states_and_modes(void **state)
{
	static const struct {
		enum site_mode mode;
		bool keep;
		const char *states; /* a letter per uplink, see state_of */
		unsigned int weights[3];
		uint32_t active;
	} table[] = {
		{SITE_MODE_FAILOVER, true, "UUU", {1, 1, 1}, 1},
		{SITE_MODE_FAILOVER, true, "DUU", {1, 1, 1}, 2},
		{SITE_MODE_FAILOVER, true, "GUU", {1, 1, 1}, 2},
		{SITE_MODE_FAILOVER, true, "GDR", {1, 1, 1}, 1},
		{SITE_MODE_FAILOVER, true, "RUU", {1, 1, 1}, 2},
		{SITE_MODE_FAILOVER, true, "DDD", {1, 1, 1}, 1},
		{SITE_MODE_FAILOVER, true, "RDD", {1, 1, 1}, 2},
		{SITE_MODE_FAILOVER, true, "RRR", {1, 1, 1}, 0},
		{SITE_MODE_FAILOVER, false, "DDD", {1, 1, 1}, 0},
		{SITE_MODE_FAILOVER, false, "DGD", {1, 1, 1}, 2},
		{SITE_MODE_FAILOVER, true, "UUU", {0, 1, 1}, 1},
		{SITE_MODE_BALANCE, true, "UUU", {1, 1, 1}, 7},
		{SITE_MODE_BALANCE, true, "UDU", {1, 1, 1}, 5},
		{SITE_MODE_BALANCE, true, "UGR", {1, 1, 1}, 1},
		{SITE_MODE_BALANCE, true, "UUU", {0, 1, 1}, 6},
		{SITE_MODE_BALANCE, true, "UDD", {0, 1, 1}, 1},
		{SITE_MODE_BALANCE, true, "UUD", {0, 0, 1}, 1},
		{SITE_MODE_BALANCE, true, "GDG", {1, 1, 1}, 5},
		{SITE_MODE_BALANCE, true, "DDD", {1, 1, 1}, 1},
		{SITE_MODE_BALANCE, false, "DDD", {1, 1, 1}, 0},
	};
	struct site *site = situations_site("uplinks:\n"
					    "  - {name: isp-a, interface: wan-a}\n"
					    "  - {name: isp-b, interface: wan-b}\n"
					    "  - {name: isp-c, interface: wan-c}\n");
	struct situation situation = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		situations_device(&situation, i, (int)i + 2);
		situations_address(&situation, i, "192.0.2.1/24");
		situations_gateway(&situation, i, "192.0.2.254");
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		site->routing.mode = table[i].mode;
		site->routing.last_resort_keep = table[i].keep;
		for (size_t j = 0; j < 3; j++) {
			site->uplinks[j].weight = table[i].weights[j];
			situation.uplinks[j].state = state_of(table[i].states[j]);
		}
		uint32_t active = decide(site, &situation).active[SITE_IPV4];
		if (active != table[i].active)
			print_error("row %zu: 0x%x\n", i, active);
		assert_int_equal(active, table[i].active);
		assert_int_equal(decide(site, &situation).active[SITE_IPV6], 0);
	}
	site_free(site);
}

static void last_resort_wants_carrier(void **state)
{
	struct fixture f = reference(NULL);

	(void)state;
	f.situation.uplinks[0].state = f.situation.uplinks[1].state = UPLINK_DOWN;
	f.situation.uplinks[0].carrier = false;
	assert_int_equal(decide(f.site, &f.situation).active[SITE_IPV4], 2);
	f.situation.uplinks[1].carrier = false;
	work(&f);
	assert_int_equal(f.decision.active[SITE_IPV4], 0);
	assert_lacks(f.routes, "table 5300");
	fini(&f);
}

static void balance_makes_one_route_with_weights(void **state)
{
	struct fixture f = reference("routing: {mode: balance, sticky: client}\n");

	(void)state;
	f.site->uplinks[0].weight = 3;
	work(&f);
	assert_has(f.routes, "default table 5300 proto 200"
			     " nexthop via 192.168.2.6 dev wan-a weight 3 onlink"
			     " nexthop via 172.16.1.2 dev wan-b weight 1 onlink\n");
	assert_sysctls(&f, "net/ipv4/conf/all/rp_filter=2\n"
			   "net/ipv4/conf/wan-a/rp_filter=2\n"
			   "net/ipv4/conf/wan-b/rp_filter=2\n"
			   "net/ipv4/neigh/wan-a/unres_qlen_bytes=2048\n"
			   "net/ipv4/neigh/wan-b/unres_qlen_bytes=2048\n"
			   "net/ipv4/neigh/lan0/unres_qlen_bytes=2048\n"
			   "net/ipv4/fib_multipath_hash_fields=1\n"
			   "net/ipv4/fib_multipath_hash_policy=3\n"
			   "net/ipv4/ip_forward=1\n");

	f.situation.uplinks[1].state = UPLINK_DRAINED;
	f.site->routing.sticky = SITE_STICKY_NO;
	work(&f);
	assert_has(f.routes, "default via 192.168.2.6 dev wan-a table 5300 proto 200 src "
			     "192.168.2.1 onlink\n");
	assert_string_equal(f.kernel.sysctls[6].path, "net/ipv4/fib_multipath_hash_policy");
	assert_int_equal(f.kernel.sysctls[6].value, 1);
	fini(&f);
}

/* --- policies --- */

static void policies_take_the_first_good_uplink(void **state)
{
	struct fixture f = reference("routing:\n"
				     "  policies:\n"
				     "    - {from: 10.0.0.10, to: 0.0.0.0/0, port: 25/tcp,"
				     " via: [isp-b, isp-a], else: drop}\n"
				     "    - {from: [10.0.0.0/28, \"2001:db8::/32\"],"
				     " to: [192.0.2.0/25, 192.0.2.128/25], via: [isp-b],"
				     " else: default}\n");

	(void)state;
	work(&f);
	assert_has(f.rules, "priority 1400 from 10.0.0.10 ipproto tcp "
			    "dport 25 lookup 5302 protocol 200\n"
			    "priority 1401 from 10.0.0.10 ipproto tcp "
			    "dport 25 blackhole protocol 200\n"
			    "priority 1402 from 10.0.0.0/28 to 192.0.2.0/25 "
			    "lookup 5302 protocol 200\n"
			    "priority 1402 from 10.0.0.0/28 to 192.0.2.128/25 "
			    "lookup 5302 protocol 200\n"
			    "priority 32001");

	f.situation.uplinks[1].state = UPLINK_DEGRADED;
	work(&f);
	assert_has(f.rules, "priority 1400 from 10.0.0.10 ipproto tcp dport 25 lookup 5301");
	assert_has(f.rules, "priority 1402 from 10.0.0.0/28 to 192.0.2.0/25 lookup 5302");

	f.situation.uplinks[0].state = f.situation.uplinks[1].state = UPLINK_DOWN;
	work(&f);
	assert_has(f.rules, "priority 1401 from 10.0.0.10 ipproto tcp dport 25 blackhole");
	assert_lacks(f.rules, "priority 1400");
	assert_lacks(f.rules, "priority 1402");
	fini(&f);
}

/* --- IPv6 --- */

static const char ipv6_site[] = "uplinks:\n"
				"  - name: isp-a\n"
				"    interface: wan-a\n"
				"    prefixes6: \"2001:db8:a::/48\"\n"
				"  - {name: isp-b, interface: "
				"wan-b, gateway6: \"2001:db8:2::1\"}\n"
				"lan: [lan0]\n"
				"servers:\n"
				"  - name: web\n"
				"    address: [10.0.0.10, \"fd00::10\"]\n"
				"    loopbacks: {isp-a: \"fd00:1::1\", isp-b: \"fd00:1::5\"}\n"
				"    ports: [443/tcp]\n"
				"routing: {mode: balance, sticky: pair}\n";

static struct fixture ipv6(void)
{
	struct fixture f = {.site = situations_site(ipv6_site)};

	situations_device(&f.situation, 0, 2);
	situations_address(&f.situation, 0, "2001:db8:1::2/64");
	situations_gateway(&f.situation, 0, "fe80::1");
	f.situation.uplinks[0].uses_ra = true;
	situations_device(&f.situation, 1, 3);
	situations_address(&f.situation, 1, "2001:db8:2::2/128");
	situations_gateway(&f.situation, 1, "2001:db8:2::1");
	return f;
}

static void ipv6_is_routed_alike(void **state)
{
	struct fixture f = ipv6();

	(void)state;
	work(&f);
	assert_string_equal(f.routes,
		"2001:db8:1::/64 dev wan-a table 5301 proto 200 metric 1024 src 2001:db8:1::2\n"
		"fe80::/64 dev wan-a table 5301 proto 200 metric 1024\n"
		"default via fe80::1 dev wan-a table 5301 proto 200 metric 1024 "
		"src 2001:db8:1::2\n"
		"fe80::/64 dev wan-b table 5302 proto 200 metric 1024\n"
		"default via 2001:db8:2::1 dev wan-b table 5302 proto 200 metric 1024 "
		"src 2001:db8:2::2 onlink\n"
		"default table 5300 proto 200 metric 1024"
		" nexthop via fe80::1 dev wan-a weight 1"
		" nexthop via 2001:db8:2::1 dev wan-b weight 1 onlink\n"
		"fd00:1::1 via fd00::10 proto 200 metric 1024\n"
		"unreachable fd00:1::1 proto 200 metric 4278198272\n"
		"fd00:1::5 via fd00::10 proto 200 metric 1024\n"
		"unreachable fd00:1::5 proto 200 metric 4278198272\n");
	assert_has(f.rules, "priority 1100 from 2001:db8:1::2 lookup 5301");
	assert_has(f.rules, "priority 1203 from fd00:1::5 blackhole");
	assert_has(f.rules, "priority 1200 from 2001:db8:a::/48 lookup 5301");
	assert_has(f.rules, "priority 1201 from 2001:db8:a::/48 blackhole");
	fini(&f);
}

/* The default learned by router advertisements is lost if forwarding comes first. */
static void accept_ra_comes_before_forwarding(void **state)
{
	struct fixture f = ipv6();

	(void)state;
	work(&f);
	assert_sysctls(&f, "net/ipv6/conf/wan-a/accept_ra=2\n"
			   "net/ipv6/conf/wan-a/use_oif_addrs_only=1\n"
			   "net/ipv6/conf/wan-b/use_oif_addrs_only=1\n"
			   "net/ipv4/conf/all/rp_filter=2\n"
			   "net/ipv4/conf/wan-a/rp_filter=2\n"
			   "net/ipv4/conf/wan-b/rp_filter=2\n"
			   "net/ipv4/neigh/wan-a/unres_qlen_bytes=2048\n"
			   "net/ipv4/neigh/wan-b/unres_qlen_bytes=2048\n"
			   "net/ipv4/neigh/lan0/unres_qlen_bytes=2048\n"
			   "net/ipv6/neigh/wan-a/unres_qlen_bytes=2048\n"
			   "net/ipv6/neigh/wan-b/unres_qlen_bytes=2048\n"
			   "net/ipv6/neigh/lan0/unres_qlen_bytes=2048\n"
			   "net/ipv4/fib_multipath_hash_policy=0\n"
			   "net/ipv6/fib_multipath_hash_policy=0\n"
			   "net/ipv4/ip_forward=1\n"
			   "net/ipv6/conf/all/forwarding=1\n");
	fini(&f);

	/* nothing of isp-b is masqueraded; isp-a has no address of its own */
	f = ipv6();
	f.site->uplinks[1].nat6 = SITE_NAT6_NO;
	f.situation.uplinks[0].chosen[SITE_IPV6] = (struct addr){0};
	work(&f);
	for (size_t i = 0; i < f.kernel.n_sysctls; i++)
		assert_null(strstr(f.kernel.sysctls[i].path, "use_oif_addrs_only"));
	fini(&f);
}

/* A kernel that forwards does not listen to the first one either, which comes after us. */
static void accept_ra_does_not_wait_for_an_advertisement(void **state)
{
	struct fixture f = ipv6();
	const struct kernel_sysctl *first;

	(void)state;
	f.situation.uplinks[0].uses_ra = false;
	f.situation.uplinks[0].gateway[SITE_IPV6] = (struct addr){0};
	work(&f);
	first = &f.kernel.sysctls[0];
	assert_string_equal(first->path, "net/ipv6/conf/wan-a/accept_ra");
	assert_int_equal(first->value, 2);
	assert_int_equal(first->kind, KERNEL_SYSCTL_NOT_STRICT);    /* 0: networkd listens */
	assert_null(strstr(f.kernel.sysctls[1].path, "accept_ra")); /* wan-b: gateway6 */
	fini(&f);
}

static void delegated_prefix_may_move_where_all_is_masqueraded(void **state)
{
	struct fixture f = ipv6();

	(void)state;
	f.site->uplinks[1].nat6 = SITE_NAT6_ALL;
	work(&f);
	assert_has(f.rules, "priority 1200 from 2001:db8:a::/48 lookup 5301");
	assert_lacks(f.rules, "from 2001:db8:a::/48 blackhole");
	fini(&f);
}

static void ipv6_multipath_leaves_out_bare_next_hops(void **state)
{
	struct fixture f = ipv6();

	(void)state;
	f.situation.uplinks[0].point_to_point = true;
	f.situation.uplinks[0].gateway[SITE_IPV6] = (struct addr){0};
	work(&f);
	assert_has(f.routes, "default via 2001:db8:2::1 dev wan-b table 5300");
	assert_has(f.routes, "default dev wan-a table 5301");
	assert_lacks(f.routes, "nexthop");

	f.situation.uplinks[1].point_to_point = true;
	f.situation.uplinks[1].gateway[SITE_IPV6] = (struct addr){0};
	work(&f);
	assert_has(f.routes, "default dev wan-a table 5300");
	assert_lacks(f.routes, "nexthop");
	fini(&f);
}

static void ipv6_is_left_alone_where_nobody_has_it(void **state)
{
	struct fixture f = reference(NULL);

	(void)state;
	work(&f);
	for (size_t i = 0; i < f.kernel.n_rules; i++)
		assert_int_equal(f.kernel.rules[i].family, AF_INET);
	assert_int_equal(addr_parse("fd00::1", &f.situation.lan_addrs[1].addr), 0);
	f.situation.n_lan_addrs = 2;
	work(&f);
	assert_int_equal(f.kernel.n_rules, 13 + 7); /* main, marks, default */
	fini(&f);
}

static void as_many_uplinks_as_there_may_be(void **state)
{
	struct text yaml = {0};
	struct fixture f = {0};
	struct kernel_rule *last;

	(void)state;
	text_str(&yaml, "uplinks:\n");
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++) {
		text_add(&yaml, "  - {name: isp-%zu, interface: wan%zu}\n", i, i);
		situations_device(&f.situation, i, (int)i + 100);
		situations_address(&f.situation, i, "192.0.2.1/24");
		situations_gateway(&f.situation, i, "192.0.2.254");
	}
	text_str(&yaml, "routing: {mode: balance}\n");
	f.site = situations_site(yaml.data);
	work(&f);
	assert_has(f.routes, "nexthop via 192.0.2.254 dev if131 weight 1 onlink\n");
	last = &f.kernel.rules[f.kernel.n_rules - 2];
	assert_int_equal(last->priority, 1000 + WANTED_PRIO_MARK + 63);
	assert_int_equal(last->fwmark, wanted_mark_out(f.site, 31));
	assert_int_equal(wanted_mark_in(f.site, 31), 0xa000);
	assert_int_equal(wanted_mark_answered(f.site), 0x4000);
	assert_int_equal(wanted_mark_uplink_mask(f.site), 0x3f00);
	assert_int_equal(wanted_mark_packet_mask(f.site), 0x7f00);
	f.site->routing.mark = 0x7f00; /* 32 takes six bits, the direction one */
	assert_int_equal(wanted_mark_answered(f.site), 0);
	assert_int_equal(wanted_mark_uplink_mask(f.site), 0x3f00);
	text_fini(&yaml);
	fini(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_site_has_the_routes_of_the_design),
		cmocka_unit_test(reference_site_has_the_rules_of_the_design),
		cmocka_unit_test(verdict_moves_only_the_tracked_default),
		cmocka_unit_test(lost_address_empties_the_table_but_leaves_the_null0),
		cmocka_unit_test(missing_interface_is_left_out),
		cmocka_unit_test(without_a_gateway_there_is_no_table),
		cmocka_unit_test(routes_of_main_are_copied),
		cmocka_unit_test(a_default_is_copied_as_it_stands),
		cmocka_unit_test(an_unnumbered_uplink_routes_ipv6_all_the_same),
		cmocka_unit_test(point_to_point_needs_no_gateway),
		cmocka_unit_test(gateway_outside_of_the_subnet_is_on_link),
		cmocka_unit_test(several_addresses_share_one_connected_route),
		cmocka_unit_test(no_loopbacks_no_rules_for_them),
		cmocka_unit_test(decisions_follow_states_and_modes),
		cmocka_unit_test(last_resort_wants_carrier),
		cmocka_unit_test(balance_makes_one_route_with_weights),
		cmocka_unit_test(policies_take_the_first_good_uplink),
		cmocka_unit_test(ipv6_is_routed_alike),
		cmocka_unit_test(accept_ra_comes_before_forwarding),
		cmocka_unit_test(accept_ra_does_not_wait_for_an_advertisement),
		cmocka_unit_test(delegated_prefix_may_move_where_all_is_masqueraded),
		cmocka_unit_test(ipv6_multipath_leaves_out_bare_next_hops),
		cmocka_unit_test(ipv6_is_left_alone_where_nobody_has_it),
		cmocka_unit_test(as_many_uplinks_as_there_may_be),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("wanted", tests, NULL, NULL);
}
