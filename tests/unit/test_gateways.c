/* test_gateways.c - gateways learned from others' default routes: the choice on plain values,
 * then live in a network namespace of the test's own, with the watch that tells of changes
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/kernel/gateways.h"

#include <event2/event.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/netns.h"
#include "routed/kernel/kernel.h"
#include "routed/kernel/mainroutes.h"
#include "routed/kernel/plan.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/rtnlmsg.h"
#include "routed/kernel/rtnlwatch.h"

enum { WAN_A = 4, WAN_B = 5 };

/* ---- the choice ---- */

struct seen {
	int ifindex;
	const char *gateway; /* "": none */
	uint8_t protocol;
	uint32_t metric;
	uint8_t pref;
};

static struct rtnlmsg_route default_route(struct seen seen)
{
	struct rtnlmsg_route route = {
		.protocol = seen.protocol,
		.pref = seen.pref,
		.route.family = strchr(seen.gateway, ':') ? AF_INET6 : AF_INET,
		.route.metric = seen.metric,
		.route.nexthops = {{.ifindex = seen.ifindex, .weight = 1}},
		.route.n_nexthops = 1,
	};

	if (seen.gateway[0])
		assert_int_equal(
			addr_parse(seen.gateway, &route.route.nexthops[0].gateway), 0);
	return route;
}

static void look(struct gateways *gateways, const struct seen *seen, size_t n)
{
	gateways_begin(gateways);
	for (size_t i = 0; i < n; i++) {
		struct rtnlmsg_route route = default_route(seen[i]);

		gateways_see(gateways, &route);
	}
	gateways_end(gateways, NULL);
}

#define LOOK(gateways, ...)                                  \
	look((gateways), (const struct seen[]){__VA_ARGS__}, \
		sizeof((const struct seen[]){__VA_ARGS__}) / sizeof(struct seen))

static void assert_gateway(
	const struct gateways *gateways, int ifindex, int family, const char *expected)
{
	const struct gateway *gateway = gateways_find(gateways, ifindex, family);

	if (!expected) {
		assert_null(gateway);
		return;
	}
	assert_non_null(gateway);
	assert_string_equal(addr_str(&gateway->addr), expected);
}

static void each_interface_and_family_has_its_own(void **state)
{
	struct gateways g = {0};

	(void)state;
	LOOK(&g, {WAN_A, "192.168.2.6", RTPROT_DHCP, 100, 0},
		{WAN_B, "172.16.1.2", RTPROT_STATIC, 200, 0},
		{WAN_A, "fe80::1", RTPROT_RA, 1024, 0});
	assert_gateway(&g, WAN_A, AF_INET, "192.168.2.6");
	assert_gateway(&g, WAN_B, AF_INET, "172.16.1.2");
	assert_gateway(&g, WAN_A, AF_INET6, "fe80::1");
	assert_gateway(&g, WAN_B, AF_INET6, NULL);
	assert_true(gateways_uses_ra(&g, WAN_A));
	assert_false(gateways_uses_ra(&g, WAN_B));
	gateways_fini(&g);
}

/* As the kernel does: net/ipv6/route.c looks at the preference among equal metrics only. */
static void metric_comes_before_preference_and_preference_before_order(void **state)
{
	struct gateways g = {0};

	(void)state;
	LOOK(&g, {WAN_A, "192.168.2.5", RTPROT_DHCP, 200, 0},
		{WAN_A, "192.168.2.6", RTPROT_DHCP, 100, 0},
		{WAN_A, "192.168.2.4", RTPROT_DHCP, 100, 0},
		{WAN_A, "fe80::3", RTPROT_RA, 1, 3}, {WAN_A, "fe80::2", RTPROT_RA, 1024, 1},
		{WAN_A, "fe80::1", RTPROT_RA, 1, 0});
	assert_gateway(&g, WAN_A, AF_INET, "192.168.2.6");
	assert_gateway(&g, WAN_A, AF_INET6, "fe80::1");
	gateways_fini(&g);
}

static void main_comes_before_other_tables(void **state)
{
	struct rtnlmsg_route elsewhere = default_route(
		(struct seen){WAN_A, "192.168.2.5", RTPROT_STATIC, 0, 0});
	struct rtnlmsg_route in_main = default_route(
		(struct seen){WAN_A, "192.168.2.6", RTPROT_STATIC, 900, 0});
	struct gateways g = {0};

	(void)state;
	elsewhere.route.table = 77;
	in_main.route.table = RT_TABLE_MAIN;
	in_main.route.metrics.values[RTAX_MTU] = 1400;
	gateways_begin(&g);
	gateways_see(&g, &elsewhere);
	gateways_see(&g, &in_main);
	gateways_see(&g, &elsewhere);
	assert_gateway(&g, WAN_A, AF_INET, "192.168.2.6");
	assert_int_equal(gateways_find(&g, WAN_A, AF_INET)->metrics.values[RTAX_MTU], 1400);
	gateways_fini(&g);
}

static void a_default_for_one_prefix_counts_where_no_other_is(void **state)
{
	struct rtnlmsg_route route = default_route(
		(struct seen){WAN_A, "fe80::1", RTPROT_STATIC, 1, 0});
	struct gateways g = {0};

	(void)state;
	route.has_from = true;
	gateways_begin(&g);
	gateways_see(&g, &route);
	assert_gateway(&g, WAN_A, AF_INET6, "fe80::1");
	route = default_route((struct seen){WAN_A, "fe80::2", RTPROT_STATIC, 1024, 0});
	gateways_see(&g, &route);
	assert_gateway(&g, WAN_A, AF_INET6, "fe80::2");
	gateways_fini(&g);
}

static void the_gateway_may_be_of_the_other_family(void **state)
{
	struct rtnlmsg_route route = default_route(
		(struct seen){WAN_A, "", RTPROT_STATIC, 0, 0});
	struct gateways g = {0};

	(void)state;
	assert_int_equal(addr_parse("fe80::1", &route.route.nexthops[0].gateway), 0);
	gateways_begin(&g);
	gateways_see(&g, &route); /* IPv4 by way of IPv6, RFC 8950 */
	assert_gateway(&g, WAN_A, AF_INET, "fe80::1");
	assert_gateway(&g, WAN_A, AF_INET6, NULL);
	gateways_fini(&g);
}

static void the_last_one_is_kept_and_a_new_one_takes_its_place(void **state)
{
	struct gateways g = {0};

	(void)state;
	LOOK(&g, {WAN_A, "192.168.2.6", RTPROT_DHCP, 1, 0});
	look(&g, NULL, 0);
	assert_gateway(&g, WAN_A, AF_INET, "192.168.2.6");
	assert_false(gateways_find(&g, WAN_A, AF_INET)->live);

	/* with a worse metric than the one that went */
	LOOK(&g, {WAN_A, "192.168.2.5", RTPROT_DHCP, 1000, 0});
	assert_gateway(&g, WAN_A, AF_INET, "192.168.2.5");
	assert_true(gateways_find(&g, WAN_A, AF_INET)->live);
	gateways_fini(&g);
}

static bool exists_only_b(int ifindex)
{
	return ifindex == WAN_B;
}

static void a_gateway_goes_with_its_interface(void **state)
{
	struct gateways g = {0};

	(void)state;
	LOOK(&g, {WAN_A, "192.168.2.6", RTPROT_DHCP, 0, 0},
		{WAN_B, "172.16.1.2", RTPROT_DHCP, 0, 0});
	gateways_begin(&g);
	gateways_end(&g, exists_only_b);
	assert_gateway(&g, WAN_A, AF_INET, NULL);
	assert_gateway(&g, WAN_B, AF_INET, "172.16.1.2");
	gateways_fini(&g);
}

static void our_own_routes_count_only_where_nothing_else_is_known(void **state)
{
	struct gateways g = {0};

	(void)state;
	LOOK(&g, {WAN_A, "192.168.2.6", KERNEL_PROTOCOL, 0, 0});
	assert_gateway(&g, WAN_A, AF_INET, "192.168.2.6");
	LOOK(&g, {WAN_A, "192.168.2.5", RTPROT_DHCP, 1000, 0},
		{WAN_A, "192.168.2.6", KERNEL_PROTOCOL, 0, 0});
	assert_gateway(&g, WAN_A, AF_INET, "192.168.2.5");
	LOOK(&g, {WAN_A, "192.168.2.6", KERNEL_PROTOCOL, 0, 0});
	assert_gateway(&g, WAN_A, AF_INET, "192.168.2.5");
	gateways_fini(&g);
}

static void what_is_no_default_of_a_device_teaches_nothing(void **state)
{
	struct rtnlmsg_route route = default_route(
		(struct seen){WAN_A, "192.168.2.6", 0, 0, 0});
	struct gateways g = {0};

	(void)state;
	gateways_begin(&g);
	route.route.dst.len = 1;
	gateways_see(&g, &route);
	route.route.dst.len = 0;
	route.route.type = KERNEL_UNREACHABLE;
	gateways_see(&g, &route);
	route.route.type = KERNEL_UNICAST;
	route.tos = 16;
	gateways_see(&g, &route);
	route.tos = 0;
	route.has_encap = true;
	gateways_see(&g, &route);
	route.has_encap = false;
	assert_int_equal(g.n, 0);

	route.route.nexthops[0].gateway = (struct addr){0};
	gateways_see(&g, &route); /* on-link: nothing to be known, but a default */
	assert_gateway(&g, WAN_A, AF_INET, "none");
	gateways_fini(&g);
}

/* ---- live ---- */

struct fixture {
	struct event_base *base;
	struct rtnl *rtnl;
	struct rtnlwatch *watch;
	struct gateways gateways;
	struct rtnlwatch_news news; /* all since the last look */
	int wan_a;
};

static void on_news(const struct rtnlwatch_news *news, void *arg)
{
	struct fixture *f = arg;

	f->news.ours |= news->ours;
	f->news.defaults |= news->defaults;
	f->news.routes |= news->routes;
	f->news.lost |= news->lost;
	if (news->ours) {
		f->news.pid = news->pid;
		memcpy(f->news.name, news->name, sizeof(f->news.name));
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->base = event_base_new();
	netns_run("ip link add wan-a type veth peer name isp-a; ip link set isp-a up;"
		  "ip link set wan-a up; ip address add 192.168.2.1/29 dev wan-a;"
		  "ip address add 2001:db8:a::1/64 dev wan-a nodad");
	f->wan_a = (int)if_nametoindex("wan-a");
	assert_int_equal(rtnl_new(&f->rtnl), 0);
	assert_int_equal(rtnlwatch_new(f->base, rtnl_port(f->rtnl), on_news, f, &f->watch), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	netns_run("ip link del wan-a 2>/dev/null || true");
	netns_run("ip rule flush protocol 200; ip route flush table all proto 200");
	gateways_fini(&f->gateways);
	rtnlwatch_free(f->watch);
	rtnl_free(f->rtnl);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void read_news(struct fixture *f)
{
	f->news = (struct rtnlwatch_news){0};
	event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void defaults_of_any_table_and_protocol_are_learned(void **state)
{
	struct fixture *f = *state;

	netns_run("ip route add default via 192.168.2.6 dev wan-a proto dhcp table 77");
	netns_run(
		"ip -6 route add default via fe80::6 dev wan-a proto ra pref high expires 99");
	read_news(f);
	assert_true(f->news.defaults);
	assert_false(f->news.ours);
	assert_int_equal(gateways_read(&f->gateways, f->rtnl), 1);
	assert_int_equal(gateways_read(&f->gateways, f->rtnl), 0);
	assert_gateway(&f->gateways, f->wan_a, AF_INET, "192.168.2.6");
	assert_gateway(&f->gateways, f->wan_a, AF_INET6, "fe80::6");
	assert_int_equal(gateways_find(&f->gateways, f->wan_a, AF_INET6)->pref, 1);
	assert_true(gateways_uses_ra(&f->gateways, f->wan_a));

	/* the kernel takes them away, some without a word */
	netns_run("ip link set wan-a down");
	assert_int_equal(gateways_read(&f->gateways, f->rtnl), 1);
	assert_gateway(&f->gateways, f->wan_a, AF_INET, "192.168.2.6");
	netns_run("ip link del wan-a");
	assert_int_equal(gateways_read(&f->gateways, f->rtnl), 1);
	assert_int_equal(f->gateways.n, 0);
}

static void every_next_hop_of_a_multipath_default_counts(void **state)
{
	struct fixture *f = *state;

	netns_run("ip link add wan-b type veth peer name isp-b; ip link set isp-b up;"
		  "ip link set wan-b up; ip address add 172.16.1.1/30 dev wan-b;"
		  "ip route add default nexthop via 192.168.2.6 dev wan-a "
		  "nexthop via 172.16.1.2 dev wan-b");
	gateways_read(&f->gateways, f->rtnl);
	assert_gateway(&f->gateways, f->wan_a, AF_INET, "192.168.2.6");
	assert_gateway(&f->gateways, (int)if_nametoindex("wan-b"), AF_INET, "172.16.1.2");
	netns_run("ip link del wan-b");
}

static void what_we_write_ourselves_is_no_news(void **state)
{
	struct fixture *f = *state;
	struct plan_step step = {.op = PLAN_ADD_ROUTE,
		.route = {.family = AF_INET,
			.table = 5301,
			.type = KERNEL_UNICAST,
			.nexthops = {{.ifindex = f->wan_a, .weight = 1}},
			.n_nexthops = 1}};

	read_news(f);
	assert_int_equal(addr_parse("192.168.2.6", &step.route.nexthops[0].gateway), 0);
	assert_int_equal(rtnl_write(f->rtnl, &step), 0);
	uint64_t messages = rtnlwatch_counters(f->watch)->messages;
	read_news(f);
	assert_true(rtnlwatch_counters(f->watch)->messages > messages);
	assert_false(f->news.ours || f->news.defaults || f->news.lost);

	netns_run("ip route del default table 5301");
	read_news(f);
	assert_true(f->news.ours);
	assert_true(f->news.pid > 0);
}

static void a_rule_of_ours_that_goes_is_news_and_another_is_not(void **state)
{
	struct fixture *f = *state;

	netns_run("ip rule add priority 1000 lookup 5301 protocol 200");
	read_news(f);
	assert_true(f->news.ours);
	netns_run("ip rule del priority 1000");
	read_news(f);
	assert_true(f->news.ours);
	netns_run("ip rule add priority 99 lookup main; ip rule del priority 99;"
		  "ip route add 192.0.2.0/24 via 192.168.2.6");
	read_news(f);
	assert_false(f->news.ours || f->news.defaults || f->news.lost);
}

static void routes_of_main_over_a_followed_device_are_news(void **state)
{
	struct fixture *f = *state;

	mainroutes_follow(&f->gateways.main, &f->wan_a, 1);
	rtnlwatch_follow(f->watch, &f->wan_a, 1);
	netns_run("ip route add 10.99.0.0/16 via 192.168.2.2 dev wan-a mtu 1400");
	read_news(f);
	assert_true(f->news.routes);
	assert_false(f->news.ours || f->news.defaults);
	assert_int_equal(gateways_read(&f->gateways, f->rtnl), 1);
	assert_int_equal(gateways_read(&f->gateways, f->rtnl), 0);
	assert_int_equal(mainroutes_find(&f->gateways.main, f->wan_a, AF_INET)->n, 2);

	netns_run("ip route add 10.98.0.0/16 dev lo; ip route del 10.98.0.0/16;"
		  "ip route add 10.98.0.0/16 via 192.168.2.2 table 77");
	read_news(f);
	assert_false(f->news.routes);
	netns_run("ip route del 10.99.0.0/16");
	read_news(f);
	assert_true(f->news.routes);
	assert_int_equal(gateways_read(&f->gateways, f->rtnl), 1);
}

/* The kernel then shows the number of the object alone, and is silent of the routes that go
 * with it. */
static void nexthop_objects_are_followed(void **state)
{
	struct fixture *f = *state;

	netns_run("echo 0 >/proc/sys/net/ipv4/nexthop_compat_mode;"
		  "ip nexthop add id 11 via 192.168.2.6 dev wan-a;"
		  "ip nexthop add id 12 via 192.168.2.5 dev wan-a;"
		  "ip -6 nexthop add id 13 via fe80::6 dev wan-a;"
		  "ip nexthop add id 20 group 12/11;"
		  "ip route add default nhid 11; ip -6 route add default nhid 13");
	read_news(f);
	assert_true(f->news.defaults);
	assert_int_equal(gateways_read(&f->gateways, f->rtnl), 1);
	assert_gateway(&f->gateways, f->wan_a, AF_INET, "192.168.2.6");
	assert_gateway(&f->gateways, f->wan_a, AF_INET6, "fe80::6");

	netns_run("ip nexthop replace id 11 via 192.168.2.4 dev wan-a");
	read_news(f);
	assert_true(f->news.defaults);
	assert_int_equal(gateways_read(&f->gateways, f->rtnl), 1);
	assert_gateway(&f->gateways, f->wan_a, AF_INET, "192.168.2.4");

	netns_run("ip route replace default nhid 20");
	gateways_read(&f->gateways, f->rtnl);
	assert_gateway(&f->gateways, f->wan_a, AF_INET, "192.168.2.5");

	netns_run("ip nexthop del id 12; ip nexthop del id 11");
	read_news(f);
	assert_true(f->news.defaults);
	gateways_read(&f->gateways, f->rtnl);
	assert_false(gateways_find(&f->gateways, f->wan_a, AF_INET)->live);
	netns_run("echo 1 >/proc/sys/net/ipv4/nexthop_compat_mode; ip nexthop flush");
}

static void an_overrun_means_that_anything_may_have_changed(void **state)
{
	struct fixture *f = *state;
	int size = 1024;

	setsockopt(rtnlwatch_fd(f->watch), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	netns_run(
		"for i in $(seq 1 60); do echo route add 198.51.100.$i via 192.168.2.6; done |"
		"ip -batch -");
	read_news(f);
	assert_true(f->news.lost);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_interface_and_family_has_its_own),
		cmocka_unit_test(metric_comes_before_preference_and_preference_before_order),
		cmocka_unit_test(main_comes_before_other_tables),
		cmocka_unit_test(a_default_for_one_prefix_counts_where_no_other_is),
		cmocka_unit_test(the_gateway_may_be_of_the_other_family),
		cmocka_unit_test(the_last_one_is_kept_and_a_new_one_takes_its_place),
		cmocka_unit_test(a_gateway_goes_with_its_interface),
		cmocka_unit_test(our_own_routes_count_only_where_nothing_else_is_known),
		cmocka_unit_test(what_is_no_default_of_a_device_teaches_nothing),
		cmocka_unit_test_setup_teardown(
			defaults_of_any_table_and_protocol_are_learned, setup, teardown),
		cmocka_unit_test_setup_teardown(
			every_next_hop_of_a_multipath_default_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_we_write_ourselves_is_no_news, setup, teardown),
		cmocka_unit_test_setup_teardown(
			routes_of_main_over_a_followed_device_are_news, setup, teardown),
		cmocka_unit_test_setup_teardown(nexthop_objects_are_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_rule_of_ours_that_goes_is_news_and_another_is_not, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_overrun_means_that_anything_may_have_changed, setup, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	netns_enter();
	return cmocka_run_group_tests_name("gateways", tests, NULL, NULL);
}
