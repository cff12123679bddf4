/* test_situation.c - from a link and what was learned to what the pure parts are told */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/kernel/mainroutes.h"
#include "routed/uplink/uplink.h"
#include "routed/wanted/situation.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

enum { N_ADDRS = 3, OPER_UP = 6 /* IF_OPER_UP, linux/if.h clashes with net/if.h */ };

struct fixture {
	struct site_uplink uplink;
	struct link link;
	struct link_addr addrs[N_ADDRS];
	struct situation_learned learned;
	struct situation_uplink result;
};

static struct addr addr(const char *text)
{
	struct addr parsed;

	assert_int_equal(addr_parse(text, &parsed), 0);
	return parsed;
}

/* wan-a with two addresses in IPv4 and one in IPv6. */
static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){
		.uplink = {.name = "isp-a", .interface = "wan-a"},
		.link = {.ifindex = 7,
			.name = "wan-a",
			.flags = IFF_UP,
			.operstate = OPER_UP,
			.carrier = true,
			.mtu = 1492,
			.n_addrs = N_ADDRS},
	};
	f.addrs[0] = (struct link_addr){.addr = addr("192.168.2.1"), .prefix_len = 29};
	f.addrs[1] = (struct link_addr){.addr = addr("192.168.2.2"), .prefix_len = 29};
	f.addrs[2] = (struct link_addr){.addr = addr("2001:db8:a::1"), .prefix_len = 64};
	f.link.addrs = f.addrs;
	*state = &f;
	return 0;
}

static const struct situation_uplink *look(struct fixture *f)
{
	situation_of_uplink(&f->uplink, &f->link, &f->learned, &f->result);
	return &f->result;
}

static void assert_addr(struct addr is, const char *wanted)
{
	assert_string_equal(addr_is_set(&is) ? addr_str(&is) : "none", wanted);
}

static void a_link_is_what_it_is(void **state)
{
	const struct situation_uplink *result = look(*state);

	assert_int_equal(result->ifindex, 7);
	assert_int_equal(result->mtu, 1492);
	assert_int_equal(result->n_addrs, 3);
	assert_true(result->carrier);
	assert_false(result->point_to_point);
	assert_addr(result->chosen[SITE_IPV4], "192.168.2.1");
	assert_addr(result->chosen[SITE_IPV6], "2001:db8:a::1");
	assert_addr(result->gateway[SITE_IPV4], "none");
}

/* As many as a /27 has; an uplink with temporary IPv6 addresses comes to twenty within a week. */
static void all_of_many_addresses_are_seen(void **state)
{
	struct fixture *f = *state;
	struct link_addr many[30];

	for (size_t i = 0; i < 30; i++) {
		many[i] = (struct link_addr){.addr = addr("198.51.100.1"), .prefix_len = 27};
		many[i].addr.bytes[3] = (uint8_t)(i + 1);
	}
	f->link.addrs = many;
	f->link.n_addrs = 30;
	assert_int_equal(look(f)->n_addrs, 30);
	assert_addr(f->result.addrs[29].addr, "198.51.100.30");
}

/* Its addresses stay, but the kernel takes no route over it: none is to be asked for. */
static void a_link_that_is_switched_off_takes_no_route(void **state)
{
	struct fixture *f = *state;

	f->learned.gateway[SITE_IPV4] = addr("192.168.2.6");
	assert_true(situation_can_route(look(f), SITE_IPV4));
	f->link.carrier = false;
	assert_true(situation_can_route(look(f), SITE_IPV4));
	f->link.flags = 0;
	assert_false(situation_can_route(look(f), SITE_IPV4));
	assert_addr(f->result.chosen[SITE_IPV4], "192.168.2.1");
}

/* The check refuses such a one, but it may become so while routed runs. */
static void a_port_of_a_bridge_is_of_no_use(void **state)
{
	struct fixture *f = *state;
	struct uplink_facts facts;

	situation_facts(look(f), &facts);
	assert_false(facts.port);
	assert_true(facts.carrier);
	f->link.master = 9;
	situation_facts(look(f), &facts);
	assert_true(facts.present);
	assert_true(facts.port);
	assert_false(f->result.carrier); /* nor is it the last resort */
}

static void what_site_yaml_says_comes_first(void **state)
{
	struct fixture *f = *state;

	f->learned.gateway[SITE_IPV4] = addr("192.168.2.5");
	f->learned.gateway[SITE_IPV6] = addr("fe80::1");
	f->uplink.gateway[SITE_IPV4] = addr("192.168.2.6");
	f->uplink.address[SITE_IPV4] = (struct prefix){addr("192.168.2.2"), 32};
	look(f);
	assert_addr(f->result.gateway[SITE_IPV4], "192.168.2.6");
	assert_addr(f->result.gateway[SITE_IPV6], "fe80::1");
	assert_addr(f->result.chosen[SITE_IPV4], "192.168.2.2");
}

static void an_address_that_is_not_ready_is_left_out(void **state)
{
	struct fixture *f = *state;

	f->addrs[0].scope = RT_SCOPE_LINK;
	f->addrs[2].flags = IFA_F_TENTATIVE;
	look(f);
	assert_int_equal(f->result.n_addrs, 1);
	assert_addr(f->result.chosen[SITE_IPV4], "192.168.2.2");
	assert_addr(f->result.chosen[SITE_IPV6], "none");
}

static void a_polled_carrier_counts_before_the_message(void **state)
{
	struct fixture *f = *state;

	f->learned.no_carrier = true;
	assert_false(look(f)->carrier);
	f->learned.no_carrier = false;
	f->link.carrier = false;
	assert_false(look(f)->carrier);
}

static void no_interface_is_nothing(void **state)
{
	struct fixture *f = *state;
	struct uplink_facts facts;

	situation_of_uplink(&f->uplink, NULL, &f->learned, &f->result);
	situation_facts(&f->result, &facts);
	assert_false(facts.present);
	assert_false(facts.carrier);
	assert_false(facts.address[SITE_IPV4]);
}

static void a_point_to_point_link_needs_no_gateway(void **state)
{
	struct fixture *f = *state;
	struct uplink_facts facts;

	situation_facts(look(f), &facts);
	assert_false(facts.gateway[SITE_IPV4]);
	f->link.flags |= IFF_POINTOPOINT;
	situation_facts(look(f), &facts);
	assert_true(facts.gateway[SITE_IPV4]);
	assert_true(facts.address[SITE_IPV6]);
}

static void the_world_sees_what_public_says(void **state)
{
	struct fixture *f = *state;

	look(f);
	assert_addr(situation_public(&f->uplink, &f->result, SITE_IPV4), "192.168.2.1");
	f->uplink.public_addrs[SITE_IPV4] = addr("203.0.113.7");
	assert_addr(situation_public(&f->uplink, &f->result, SITE_IPV4), "203.0.113.7");
}

static void a_default_without_a_gateway_needs_none(void **state)
{
	struct fixture *f = *state;
	struct uplink_facts facts;

	f->learned.bare_default[SITE_IPV4] = true;
	situation_facts(look(f), &facts);
	assert_true(facts.gateway[SITE_IPV4]);
	assert_true(situation_can_route(&f->result, SITE_IPV4));
	assert_false(facts.gateway[SITE_IPV6]);

	/* a configured gateway is used, whatever main has */
	f->uplink.gateway[SITE_IPV4] = addr("192.168.2.6");
	f->learned.metrics[SITE_IPV4].values[2] = 1400;
	look(f);
	assert_false(f->result.bare_default[SITE_IPV4]);
	assert_addr(f->result.gateway[SITE_IPV4], "192.168.2.6");
	assert_int_equal(f->result.metrics[SITE_IPV4].values[2], 0);
}

static void ipv6_with_a_link_local_address_alone(void **state)
{
	static const struct {
		const char *what;
		const char *address; /* of the uplink */
		uint32_t flags;
		bool has_default;
		bool lost;
		bool expected;
	} cases[] = {
		{"link-local", "fe80::1", 0, true, false, true},
		{"no default", "fe80::1", 0, false, false, false},
		{"had an address", "fe80::1", 0, true, true, false},
		{"not ready", "fe80::1", IFA_F_TENTATIVE, true, false, false},
		{"another is to come", "2001:db8:a::1", IFA_F_TENTATIVE, true, false, false},
		{"has another", "2001:db8:a::1", 0, true, false, false},
	};
	struct fixture *f = *state;
	struct mainroutes_over over = {.ifindex = 7, .family = AF_INET6};

	f->learned.main_routes[SITE_IPV6] = &over;
	f->learned.gateway[SITE_IPV6] = addr("fe80::6");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f->addrs[2] = (struct link_addr){
			.addr = addr(cases[i].address), .flags = cases[i].flags};
		f->addrs[2].scope = addr_is_link_local(&f->addrs[2].addr) ? RT_SCOPE_LINK
									  : RT_SCOPE_UNIVERSE;
		over.has_default = cases[i].has_default;
		f->learned.lost_ipv6 = cases[i].lost;
		if (look(f)->unnumbered != cases[i].expected)
			print_error("%s\n", cases[i].what);
		assert_int_equal(f->result.unnumbered, cases[i].expected);
	}
}

static void what_main_has_and_we_cannot_is_left_to_main(void **state)
{
	struct fixture *f = *state;
	struct mainroutes_over over = {.ifindex = 7, .family = AF_INET, .has_default = true};

	assert_false(situation_is_left_to_main(look(f), SITE_IPV4));
	f->learned.main_routes[SITE_IPV4] = &over;
	assert_true(situation_is_left_to_main(look(f), SITE_IPV4));
	assert_false(situation_is_left_to_main(&f->result, SITE_IPV6));
	f->learned.gateway[SITE_IPV4] = addr("192.168.2.6");
	assert_false(situation_is_left_to_main(look(f), SITE_IPV4));
}

#define test(f) cmocka_unit_test_setup(f, setup)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(a_link_is_what_it_is),
		test(all_of_many_addresses_are_seen),
		test(a_link_that_is_switched_off_takes_no_route),
		test(a_port_of_a_bridge_is_of_no_use),
		test(what_site_yaml_says_comes_first),
		test(an_address_that_is_not_ready_is_left_out),
		test(a_polled_carrier_counts_before_the_message),
		test(no_interface_is_nothing),
		test(a_point_to_point_link_needs_no_gateway),
		test(the_world_sees_what_public_says),
		test(a_default_without_a_gateway_needs_none),
		test(ipv6_with_a_link_local_address_alone),
		test(what_main_has_and_we_cannot_is_left_to_main),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("situation", tests, NULL, NULL);
}
