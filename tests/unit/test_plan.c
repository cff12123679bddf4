/* test_plan.c - the way from one state of the kernel to another: complete, and safe in between
 *
 * Random situations of one site are planned one after another. After each single step a model
 * of the kernel's look-up (lib/fib.h) tells where packets would go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fib.h"

#include "common/site/uplinkset.h"
#include "lib/situations.h"
#include "routed/kernel/text.h"
#include "routed/wanted/decide.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wanted.h"
#include "routed/wanted/wantednumbers.h"

static struct addr addr(const char *text)
{
	struct addr parsed;

	assert_int_equal(addr_parse(text, &parsed), 0);
	return parsed;
}

static struct kernel wanted_of(const struct site *site, const struct situation *situation)
{
	struct decision decision = decide(site, situation);
	struct kernel kernel;

	wanted_kernel(site, situation, &decision, &kernel);
	return kernel;
}

static char *plan_lines(const struct plan *plan)
{
	struct text text = {0};
	char line[4096];

	for (size_t i = 0; i < plan->n_steps; i++)
		text_add(&text, "%s\n",
			plan_step_str(
				&plan->steps[i], situations_ifname, NULL, line, sizeof(line)));
	return text_take(&text);
}

/* --- single plans --- */

static void first_start_adds_everything_in_order(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	struct kernel actual = {0};
	struct kernel wanted = wanted_of(site, &situation);
	struct plan plan;

	(void)state;
	plan_diff(&actual, &wanted, &plan);
	char *lines = plan_lines(&plan);
	assert_string_equal(lines,
		"+ ip link set dev wan-a group 5300\n"
		"+ ip link set dev wan-b group 5300\n"
		"+ ip route add unreachable 10.0.1.1 proto 200 metric 4278198272\n"
		"+ ip route add unreachable 10.0.1.5 proto 200 metric 4278198272\n"
		"+ ip route add 192.168.2.0/29 dev wan-a table 5301 proto 200 src 192.168.2.1\n"
		"+ ip route add 172.16.1.0/30 dev wan-b table 5302 proto 200 src 172.16.1.1\n"
		"+ ip route add 10.0.1.1 via 10.0.0.10 proto 200\n"
		"+ ip route add 10.0.1.5 via 10.0.0.10 proto 200\n"
		"+ ip route add default via 192.168.2.6 dev wan-a table 5300 proto 200"
		" src 192.168.2.1 onlink\n"
		"+ ip route add default via 192.168.2.6 dev wan-a table 5301 proto 200"
		" src 192.168.2.1\n"
		"+ ip route add default via 172.16.1.2 dev wan-b table 5302 proto 200"
		" src 172.16.1.1\n"
		"+ ip rule add priority 1000 from all lookup main suppress_prefixlength 1"
		" suppress_ifgroup 5300 protocol 200\n"
		"+ ip rule add priority 32000 from all lookup main suppress_prefixlength 0"
		" protocol 200\n"
		"+ ip rule add priority 1100 from 192.168.2.1 lookup 5301 protocol 200\n"
		"+ ip rule add priority 1101 from 172.16.1.1 lookup 5302 protocol 200\n"
		"+ ip rule add priority 1201 from 10.0.1.1 blackhole protocol 200\n"
		"+ ip rule add priority 1200 from 10.0.1.1 lookup 5301 protocol 200\n"
		"+ ip rule add priority 1203 from 10.0.1.5 blackhole protocol 200\n"
		"+ ip rule add priority 1202 from 10.0.1.5 lookup 5302 protocol 200\n"
		"+ ip rule add priority 1301 from all fwmark 0x100/0x7f00 "
		"blackhole protocol 200\n"
		"+ ip rule add priority 1300 from all fwmark 0x100/0x7f00 "
		"lookup 5301 protocol 200\n"
		"+ ip rule add priority 1303 from all fwmark 0x200/0x7f00 "
		"blackhole protocol 200\n"
		"+ ip rule add priority 1302 from all fwmark 0x200/0x7f00 "
		"lookup 5302 protocol 200\n"
		"+ ip rule add priority 32001 from all lookup 5300 protocol 200\n"
		"+ sysctl -w net/ipv4/conf/all/rp_filter=2\n"
		"+ sysctl -w net/ipv4/conf/wan-a/rp_filter=2\n"
		"+ sysctl -w net/ipv4/conf/wan-b/rp_filter=2\n"
		"+ sysctl -w net/ipv4/neigh/wan-a/unres_qlen_bytes=2048\n"
		"+ sysctl -w net/ipv4/neigh/wan-b/unres_qlen_bytes=2048\n"
		"+ sysctl -w net/ipv4/neigh/lan0/unres_qlen_bytes=2048\n"
		"+ sysctl -w net/ipv4/ip_forward=1\n");
	free(lines);
	plan_fini(&plan);
	kernel_fini(&wanted);
	site_free(site);
}

static void nothing_is_planned_for_what_is_there(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	struct kernel actual = wanted_of(site, &situation);
	struct kernel wanted = wanted_of(site, &situation);
	struct plan plan;

	(void)state;
	/* the kernel has found out which device leads to the server */
	actual.routes[actual.n_routes - 2].nexthops[0].ifindex = 9;
	plan_diff(&actual, &wanted, &plan);
	assert_int_equal(plan.n_steps, 0);
	plan_fini(&plan);
	kernel_fini(&actual);
	kernel_fini(&wanted);
	site_free(site);
}

static void changed_default_is_one_step(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	struct kernel actual = wanted_of(site, &situation);
	struct plan plan;

	(void)state;
	situation.uplinks[0].state = UPLINK_DOWN;
	struct kernel wanted = wanted_of(site, &situation);
	plan_diff(&actual, &wanted, &plan);
	char *lines = plan_lines(&plan);
	assert_string_equal(lines, "+ ip route replace default via 172.16.1.2 dev wan-b table "
				   "5300 proto 200 src 172.16.1.1 onlink\n");
	free(lines);
	plan_fini(&plan);
	kernel_fini(&actual);
	kernel_fini(&wanted);
	site_free(site);
}

/* The kernel chose the device when the LAN was not there. */
static void a_loopback_is_called_back_from_an_uplink(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	struct kernel actual = wanted_of(site, &situation);
	struct kernel wanted = wanted_of(site, &situation);
	struct plan plan;

	(void)state;
	for (size_t i = 0; i < actual.n_routes; i++)
		if (actual.routes[i].table == RT_TABLE_MAIN &&
			actual.routes[i].n_nexthops == 1)
			actual.routes[i].nexthops[0].ifindex = wanted.groups[1].ifindex;
	plan_diff(&actual, &wanted, &plan);
	char *lines = plan_lines(&plan);
	assert_string_equal(lines, "+ ip route replace 10.0.1.1 via 10.0.0.10 proto 200\n"
				   "+ ip route replace 10.0.1.5 via 10.0.0.10 proto 200\n");
	free(lines);
	plan_fini(&plan);
	kernel_fini(&actual);
	kernel_fini(&wanted);
	site_free(site);
}

static void doubles_are_taken_away(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	struct kernel actual = wanted_of(site, &situation);
	struct kernel wanted = wanted_of(site, &situation);
	struct plan plan;

	(void)state;
	kernel_add_rule(&actual, &actual.rules[4]);
	kernel_add_route(&actual, &actual.routes[4]);
	actual.routes[actual.n_routes - 1].prefsrc = addr("192.168.2.3");
	kernel_add_rule(&wanted, &wanted.rules[3]);
	kernel_add_route(&wanted, &wanted.routes[3]);
	plan_diff(&actual, &wanted, &plan);
	char *lines = plan_lines(&plan);
	assert_string_equal(lines,
		"- ip rule del priority 1200 from 10.0.1.1 lookup 5301 protocol 200\n"
		"- ip route del default via 192.168.2.6 dev wan-a table 5300 proto 200"
		" src 192.168.2.3 onlink\n");
	free(lines);
	plan_fini(&plan);
	kernel_fini(&actual);
	kernel_fini(&wanted);
	site_free(site);
}

static void group_is_taken_back_from_former_uplinks_only(void **state)
{
	struct kernel actual = {0};
	struct kernel wanted = {0};
	struct plan plan;

	(void)state;
	kernel_add_group(&actual, &(struct kernel_group){"wan-a", 2, KERNEL_UPLINK_GROUP});
	kernel_add_group(&actual, &(struct kernel_group){"lan0", 9, 7});
	plan_diff(&actual, &wanted, &plan);
	char *lines = plan_lines(&plan);
	assert_string_equal(lines, "- ip link set dev wan-a group 0\n");
	free(lines);
	plan_fini(&plan);
	kernel_fini(&actual);
}

static void sysctls_are_touched_only_where_needed(void **state)
{
	static const struct {
		enum kernel_sysctl_kind kind;
		long value;
		long now;
		bool touched;
	} table[] = {
		{KERNEL_SYSCTL_EXACT, 2, 1, true},
		{KERNEL_SYSCTL_EXACT, 2, 2, false},
		{KERNEL_SYSCTL_EXACT, 0, 1, true},
		{KERNEL_SYSCTL_AT_LEAST, 1, 0, true},
		{KERNEL_SYSCTL_AT_LEAST, 1, 2, false},
		{KERNEL_SYSCTL_AT_MOST, 2048, 212992, true},
		{KERNEL_SYSCTL_AT_MOST, 2048, 2048, false},
		{KERNEL_SYSCTL_AT_MOST, 2048, 0, false},
		{KERNEL_SYSCTL_AT_MOST, 2048, LONG_MIN, false},
		{KERNEL_SYSCTL_NOT_STRICT, 2, 0, false},
		{KERNEL_SYSCTL_NOT_STRICT, 2, 1, true},
		{KERNEL_SYSCTL_NOT_STRICT, 2, 2, false},
		{KERNEL_SYSCTL_EXACT, 2, LONG_MIN, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct kernel actual = {0};
		struct kernel wanted = {0};
		struct kernel_sysctl sysctl = {"x", table[i].kind, table[i].value};
		struct plan plan;

		kernel_add_sysctl(&wanted, &sysctl);
		sysctl.value = table[i].now;
		kernel_add_sysctl(&actual, &sysctl);
		plan_diff(&actual, &wanted, &plan);
		if (plan.n_steps != table[i].touched)
			print_error("row %zu\n", i);
		assert_int_equal(plan.n_steps, table[i].touched);
		plan_fini(&plan);
		kernel_fini(&actual);
		kernel_fini(&wanted);
	}
}

/* --- random walks --- */

static unsigned int die(uint32_t *seed, unsigned int sides)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 16) % sides;
}

static void roll_uplink(uint32_t *seed, struct situation *situation, size_t i)
{
	static const char *const addresses[][2] = {
		{"192.168.2.1/29", "192.168.2.2/29"},
		{"172.16.1.1/30", "198.51.100.2/24"},
	};
	static const char *const gateways[][2] = {
		{"192.168.2.6", "192.168.2.5"},
		{"172.16.1.2", "198.51.100.254"},
	};
	unsigned int which = die(seed, 2);

	situation->uplinks[i] = (struct situation_uplink){.state = UPLINK_DOWN};
	if (die(seed, 5) == 0)
		return;
	situations_device(situation, i, (int)i + 2);
	if (die(seed, 5) == 0)
		return;
	situations_address(situation, i, addresses[i][which]);
	if (die(seed, 5) == 0)
		return;
	situations_gateway(situation, i, gateways[i][which]);
	situation->uplinks[i].state = (enum uplink_state)die(seed, 4);
}

static void add_other(struct fib *fib, const struct prefix *dst, int ifindex)
{
	struct kernel_route route = {
		.family = AF_INET,
		.dst = *dst,
		.table = RT_TABLE_MAIN,
		.nexthops = {{.ifindex = ifindex, .weight = 1}},
		.n_nexthops = 1,
	};

	kernel_add_route(&fib->others, &route);
}

static bool is_gone(const struct situation *situation, int ifindex)
{
	return (ifindex == 2 || ifindex == 3) && situation->uplinks[ifindex - 2].ifindex == 0;
}

/* What the kernel does by itself: subnets of the addresses in main; with a device go its
 * routes and its group. A foreign default stays over lan0 or goes nowhere. */
static void kernel_follows(
	struct fib *fib, const struct situation *situation, bool foreign_default)
{
	size_t n_routes = 0;
	size_t n_groups = 0;
	struct prefix subnet = {.addr = addr("10.0.0.0"), .len = 24};

	kernel_fini(&fib->others);
	add_other(fib, &subnet, 9);
	if (foreign_default)
		add_other(fib, &(struct prefix){0}, 8);
	for (size_t i = 0; i < 2; i++) {
		const struct situation_uplink *uplink = &situation->uplinks[i];

		if (uplink->ifindex == 0 || uplink->n_addrs == 0)
			continue;
		subnet.addr = uplink->addrs[0].addr;
		subnet.len = uplink->addrs[0].prefix_len;
		subnet.addr.bytes[3] &= subnet.len == 24 ? 0 : 0xfc;
		add_other(fib, &subnet, uplink->ifindex);
	}
	for (size_t i = 0; i < fib->ours.n_routes; i++)
		if (!is_gone(situation, fib->ours.routes[i].nexthops[0].ifindex))
			fib->ours.routes[n_routes++] = fib->ours.routes[i];
	fib->ours.n_routes = n_routes;
	for (size_t i = 0; i < fib->ours.n_groups; i++)
		if (!is_gone(situation, fib->ours.groups[i].ifindex))
			fib->ours.groups[n_groups++] = fib->ours.groups[i];
	fib->ours.n_groups = n_groups;
}

static struct fib_answer ask(
	const struct fib *fib, const char *from, const char *to, uint32_t mark)
{
	struct fib_packet packet = {.from = addr(from), .to = addr(to), .mark = mark};

	return fib_lookup(fib, &packet);
}

/* What must hold after every step once the rules are in: a loopback, and a marked flow, leave
 * by their uplink or not at all; the LAN is reached. */
static void assert_no_leak(const struct fib *fib, const struct site *site)
{
	static const char *const loopbacks[] = {"10.0.1.1", "10.0.1.5"};
	static const char *const far[] = {"203.0.113.1", "192.168.2.4", "172.16.1.2"};

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < 3; j++) {
			struct fib_answer a = ask(fib, loopbacks[i], far[j], 0);
			struct fib_answer m = ask(
				fib, "10.0.0.10", far[j], wanted_mark_in(site, i));

			assert_true(a.verdict == FIB_DROP ||
				    (a.verdict == FIB_FORWARD && a.ifindex == (int)i + 2));
			assert_true(m.verdict == FIB_DROP ||
				    (m.verdict == FIB_FORWARD && m.ifindex == (int)i + 2));
		}
	assert_int_equal(ask(fib, "10.0.1.1", "10.0.0.20", 0).ifindex, 9);
	assert_int_equal(ask(fib, "192.168.2.1", "10.0.0.20", 0x8100).ifindex, 9);
}

static void assert_same(const struct kernel *actual, const struct kernel *wanted)
{
	struct plan plan;

	plan_diff(actual, wanted, &plan);
	assert_int_equal(plan.n_steps, 0);
	plan_fini(&plan);
	assert_int_equal(actual->n_routes, wanted->n_routes);
	assert_int_equal(actual->n_rules, wanted->n_rules);
}

/* Carries a plan out. On the way an ordinary client's packets take the old way or the new one.
 */
static void walk(struct fib *fib, const struct site *site, const struct kernel *wanted,
	bool rules_are_in)
{
	struct fib_answer before = ask(fib, "10.0.0.20", "203.0.113.1", 0);
	struct fib_answer between[256];
	struct plan plan;

	plan_diff(&fib->ours, wanted, &plan);
	assert_in_range(plan.n_steps, 0, 255);
	for (size_t i = 0; i < plan.n_steps; i++) {
		fib_apply(fib, &plan.steps[i]);
		between[i] = ask(fib, "10.0.0.20", "203.0.113.1", 0);
		if (rules_are_in)
			assert_no_leak(fib, site);
	}

	struct fib_answer after = ask(fib, "10.0.0.20", "203.0.113.1", 0);
	for (size_t i = 0; i < plan.n_steps; i++)
		assert_true((between[i].verdict == before.verdict &&
				    between[i].ifindex == before.ifindex) ||
			    (between[i].verdict == after.verdict &&
				    between[i].ifindex == after.ifindex));
	plan_fini(&plan);
	assert_same(&fib->ours, wanted);
}

static void no_step_on_the_way_leaks_or_cuts(void **state)
{
	static const struct kernel nothing;
	struct site *site = situations_reference(NULL);
	uint32_t seed = 1;

	(void)state;
	for (unsigned int run = 0; run < 50; run++) {
		struct situation situation = situations_both_up();
		struct fib fib = {0};

		for (unsigned int step = 0; step < 40; step++) {
			roll_uplink(&seed, &situation, die(&seed, 2));
			kernel_follows(&fib, &situation, run % 2);
			struct kernel wanted = wanted_of(site, &situation);
			walk(&fib, site, &wanted, step > 0);
			assert_no_leak(&fib, site);
			kernel_fini(&wanted);
		}
		walk(&fib, site, &nothing, false);
		kernel_fini(&fib.ours);
		kernel_fini(&fib.others);
	}
	site_free(site);
}

/* A reload may move all rules and tables to other numbers: nothing leaks then either. */
static void renumbering_does_not_leak(void **state)
{
	static const char *const numbers[] = {
		NULL,
		"routing: {priority: 3000, tables: 7000}\n",
		"routing: {priority: 500, default-priority: 20000, tables: 5301}\n",
	};
	struct situation situation = situations_both_up();
	struct fib fib = {0};

	(void)state;
	kernel_follows(&fib, &situation, false);
	for (unsigned int i = 0; i < 7; i++) {
		struct site *site = situations_reference(numbers[i % 3]);
		struct kernel wanted = wanted_of(site, &situation);

		walk(&fib, site, &wanted, i > 0);
		kernel_fini(&wanted);
		site_free(site);
	}
	kernel_fini(&fib.ours);
	kernel_fini(&fib.others);
}

static const char swapped[] = "uplinks:\n"
			      "  - {name: isp-b, interface: wan-b, gateway: 172.16.1.2}\n"
			      "  - {name: isp-a, interface: wan-a, gateway: 192.168.2.6}\n"
			      "lan: [lan0]\n"
			      "servers:\n"
			      "  - name: web\n"
			      "    address: 10.0.0.10\n"
			      "    loopbacks: {isp-a: 10.0.1.1, isp-b: 10.0.1.5}\n"
			      "    ports: [80/tcp]\n";

static void assert_loopbacks_keep_their_uplink(const struct fib *fib)
{
	struct fib_answer a = ask(fib, "10.0.1.1", "203.0.113.1", 0);
	struct fib_answer b = ask(fib, "10.0.1.5", "192.168.2.4", 0);

	assert_true(a.verdict == FIB_DROP || a.ifindex == 2);
	assert_true(b.verdict == FIB_DROP || b.ifindex == 3);
}

/* A reload that changes the order of preference hands tables from one uplink to the other. */
static void swapped_uplinks_do_not_leak(void **state)
{
	struct site *sites[] = {situations_reference(NULL), situations_site(swapped)};

	(void)state;
	for (unsigned int down = 0; down < 4; down++) {
		struct situation situations[2] = {situations_both_up()};
		struct fib fib = {0};

		for (size_t i = 0; i < 2; i++)
			if (uplinkset_has(down, i))
				situations[0].uplinks[i].gateway[SITE_IPV4] = (struct addr){0};
		situations[1].uplinks[0] = situations[0].uplinks[1];
		situations[1].uplinks[1] = situations[0].uplinks[0];
		kernel_follows(&fib, &situations[0], false);
		for (unsigned int step = 0; step < 4; step++) {
			struct kernel wanted = wanted_of(
				sites[step % 2], &situations[step % 2]);
			struct plan plan;

			plan_diff(&fib.ours, &wanted, &plan);
			for (size_t i = 0; i < plan.n_steps; i++) {
				fib_apply(&fib, &plan.steps[i]);
				if (step > 0)
					assert_loopbacks_keep_their_uplink(&fib);
			}
			assert_same(&fib.ours, &wanted);
			plan_fini(&plan);
			kernel_fini(&wanted);
		}
		kernel_fini(&fib.ours);
		kernel_fini(&fib.others);
	}
	site_free(sites[0]);
	site_free(sites[1]);
}

/* Stopped anywhere, a new plan from there on finishes the work. */
static void any_beginning_of_a_plan_can_be_continued(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	struct kernel first = wanted_of(site, &situation);
	uint32_t seed = 7;

	(void)state;
	for (unsigned int stop = 0; stop < 40; stop++) {
		struct fib fib = {0};
		struct kernel *targets[] = {&first, NULL};
		struct situation other = situations_both_up();

		kernel_follows(&fib, &other, false);
		roll_uplink(&seed, &other, 0);
		roll_uplink(&seed, &other, 1);
		struct kernel second = wanted_of(site, &other);
		targets[1] = &second;
		for (size_t t = 0; t < 2; t++) {
			struct plan plan;

			if (t == 1)
				kernel_follows(&fib, &other, false);
			plan_diff(&fib.ours, targets[t], &plan);
			for (size_t i = 0; i < plan.n_steps && i < stop; i++)
				fib_apply(&fib, &plan.steps[i]);
			plan_fini(&plan);
		}
		walk(&fib, site, &second, false);
		assert_no_leak(&fib, site);
		kernel_fini(&second);
		kernel_fini(&fib.ours);
		kernel_fini(&fib.others);
	}
	kernel_fini(&first);
	site_free(site);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_start_adds_everything_in_order),
		cmocka_unit_test(nothing_is_planned_for_what_is_there),
		cmocka_unit_test(changed_default_is_one_step),
		cmocka_unit_test(a_loopback_is_called_back_from_an_uplink),
		cmocka_unit_test(doubles_are_taken_away),
		cmocka_unit_test(group_is_taken_back_from_former_uplinks_only),
		cmocka_unit_test(sysctls_are_touched_only_where_needed),
		cmocka_unit_test(no_step_on_the_way_leaks_or_cuts),
		cmocka_unit_test(renumbering_does_not_leak),
		cmocka_unit_test(swapped_uplinks_do_not_leak),
		cmocka_unit_test(any_beginning_of_a_plan_can_be_continued),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
