/* test_wantedkernel.c - what wanted.c asks for, put to a real kernel
 *
 * In a network namespace of the test's own: sites of several kinds follow one another. Each
 * plan is carried out by the very commands that `routed plan` prints; what is read back must
 * then leave nothing to plan. Afterwards the kernel is asked where packets would go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/netns.h"
#include "lib/situations.h"
#include "routed/kernel/plan.h"
#include "routed/kernel/rtnl.h"
#include "routed/wanted/decide.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wanted.h"

struct fixture {
	struct rtnl *rtnl;
	int wan_a;
	int wan_b;
	int tun;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	netns_run("ip link add lan0 type veth peer name host");
	netns_run("ip link add wan-a type veth peer name isp-a");
	netns_run("ip link add wan-b type veth peer name isp-b");
	netns_run("ip tuntap add tun0 mode tun");
	netns_run(
		"for i in lan0 host wan-a isp-a wan-b isp-b tun0; do ip link set $i up; done");
	netns_run("ip address add 10.0.0.1/24 dev lan0");
	netns_run("ip -6 address add fd00::1/64 dev lan0 nodad");
	netns_run("ip address add 192.168.2.1/29 dev wan-a");
	netns_run("ip -6 address add 2001:db8:1::2/64 dev wan-a nodad");
	netns_run("ip address add 172.16.1.1/30 dev wan-b");
	netns_run("ip -6 address add 2001:db8:2::2/128 dev wan-b nodad");
	netns_run("ip address add 198.51.100.2/32 dev tun0");
	f->wan_a = (int)if_nametoindex("wan-a");
	f->wan_b = (int)if_nametoindex("wan-b");
	f->tun = (int)if_nametoindex("tun0");
	assert_int_equal(rtnl_new(&f->rtnl), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rtnl_free(f->rtnl);
	free(f);
	return 0;
}

static const char *ifname(int ifindex, void *arg)
{
	return if_indextoname((unsigned int)ifindex, arg);
}

/* Runs the printed commands; the first of a line is its sign. */
static void carry_out(const struct plan *plan)
{
	char name[IF_NAMESIZE];
	char line[4096];

	for (size_t i = 0; i < plan->n_steps; i++) {
		plan_step_str(&plan->steps[i], ifname, name, line, sizeof(line) - 16);
		strcat(line, " >/dev/null");
		netns_run(line + 2);
	}
}

/* Sysctls are read by another part: they are written, and taken for done. */
static size_t plan_from_kernel(
	const struct fixture *f, struct kernel *wanted, struct plan *ret_plan)
{
	struct kernel actual = {0};

	assert_int_equal(rtnl_read(f->rtnl, &actual), 0);
	plan_diff(&actual, wanted, ret_plan);
	kernel_fini(&actual);
	wanted->n_sysctls = 0;
	return ret_plan->n_steps;
}

static void assert_reached(
	const struct fixture *f, const struct site *site, const struct situation *situation)
{
	struct decision decision = decide(site, situation);
	struct kernel wanted;
	struct plan plan;
	char name[IF_NAMESIZE];
	char line[4096];

	wanted_kernel(site, situation, &decision, &wanted);
	plan_from_kernel(f, &wanted, &plan);
	carry_out(&plan);
	plan_fini(&plan);

	size_t n_left = plan_from_kernel(f, &wanted, &plan);
	for (size_t i = 0; i < n_left; i++)
		print_error("left: %s\n",
			plan_step_str(&plan.steps[i], ifname, name, line, sizeof(line)));
	assert_int_equal(n_left, 0);
	plan_fini(&plan);
	kernel_fini(&wanted);
}

/* Whether `ip route get` for a packet from the LAN says `expected`; "" if it is dropped. */
static void assert_way(
	const char *from, const char *to, const char *more, const char *expected)
{
	char command[256];
	char answer[256] = "";

	snprintf(command, sizeof(command),
		"ip route get %s from %s iif lan0 %s 2>/dev/null | grep -o 'dev [^ ]*'", to,
		from, more);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	if (!fgets(answer, sizeof(answer), pipe))
		answer[0] = '\0';
	pclose(pipe);
	answer[strcspn(answer, "\n")] = '\0';
	assert_string_equal(answer, expected);
}

static struct situation both_up(const struct fixture *f)
{
	struct situation situation = situations_both_up();

	situation.uplinks[0].ifindex = f->wan_a;
	situation.uplinks[1].ifindex = f->wan_b;
	return situation;
}

static void reference_site_is_routed(void **state)
{
	struct fixture *f = *state;
	struct site *site = situations_reference(NULL);
	struct situation situation = both_up(f);

	assert_reached(f, site, &situation);
	assert_way("10.0.0.20", "203.0.113.1", "", "dev wan-a");
	assert_way("10.0.1.5", "203.0.113.1", "", "dev wan-b");
	assert_way("10.0.1.5", "192.168.2.4", "", "dev wan-b");
	assert_way("10.0.0.10", "203.0.113.1", "mark 0x200", "dev wan-b");

	situation.uplinks[0].state = UPLINK_DOWN;
	assert_reached(f, site, &situation);
	assert_way("10.0.0.20", "203.0.113.1", "", "dev wan-b");
	assert_way("10.0.1.1", "203.0.113.1", "", "dev wan-a");

	situation.uplinks[0].gateway[SITE_IPV4] = (struct addr){0};
	assert_reached(f, site, &situation);
	assert_way("10.0.1.1", "203.0.113.1", "", "");
	assert_way("10.0.1.1", "10.0.0.20", "", "dev lan0");
	site_free(site);
}

static void shared_load_policies_and_point_to_point(void **state)
{
	struct fixture *f = *state;
	struct site *site = situations_reference(
		"routing:\n"
		"  mode: balance\n"
		"  sticky: client\n"
		"  policies:\n"
		"    - {from: 10.0.0.10, port: 25/tcp, via: [isp-b], else: drop}\n"
		"    - {to: 0.0.0.0/0, port: 7000-7010/udp, via: [isp-b], else: default}\n");
	struct situation situation = both_up(f);

	situations_gateway(&situation, 0, "203.0.113.254");
	situation.uplinks[1] = (struct situation_uplink){0};
	strcpy(site->uplinks[1].interface, "tun0");
	situations_device(&situation, 1, f->tun);
	situations_address(&situation, 1, "198.51.100.2/32");
	situation.uplinks[1].point_to_point = true;
	assert_reached(f, site, &situation);
	assert_way("10.0.0.10", "192.0.2.1", "ipproto tcp dport 25", "dev tun0");
	assert_way("10.0.0.20", "192.0.2.1", "ipproto udp dport 7001", "dev tun0");

	situation.uplinks[1].state = UPLINK_DRAINED;
	assert_reached(f, site, &situation);
	assert_way("10.0.0.10", "192.0.2.1", "ipproto tcp dport 25", "");
	assert_way("10.0.0.20", "192.0.2.1", "ipproto udp dport 7001", "dev wan-a");
	site_free(site);
}

static const char ipv6_site[] = "uplinks:\n"
				"  - name: isp-a\n"
				"    interface: wan-a\n"
				"    weight: 3\n"
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

static void ipv6_is_routed_alike(void **state)
{
	struct fixture *f = *state;
	struct site *site = situations_site(ipv6_site);
	struct situation situation = {0};

	situations_device(&situation, 0, f->wan_a);
	situations_address(&situation, 0, "2001:db8:1::2/64");
	situations_gateway(&situation, 0, "fe80::1");
	situation.uplinks[0].uses_ra = true;
	situations_device(&situation, 1, f->wan_b);
	situations_address(&situation, 1, "2001:db8:2::2/128");
	situations_gateway(&situation, 1, "2001:db8:2::1");
	assert_reached(f, site, &situation);
	assert_way("fd00:1::5", "2001:db8:ffff::1", "", "dev wan-b");
	assert_way("2001:db8:a::7", "2001:db8:ffff::1", "", "dev wan-a");

	situation.uplinks[1].state = UPLINK_DOWN;
	assert_reached(f, site, &situation);
	assert_way("fd00::7", "2001:db8:ffff::1", "", "dev wan-a");
	assert_way("fd00:1::5", "2001:db8:ffff::1", "", "dev wan-b");

	situation.uplinks[1].gateway[SITE_IPV6] = (struct addr){0};
	assert_reached(f, site, &situation);
	assert_way("fd00:1::5", "2001:db8:ffff::1", "", "");
	site_free(site);
}

static void nothing_is_left_behind(void **state)
{
	struct fixture *f = *state;
	struct kernel actual = {0};
	struct kernel nothing = {0};
	struct plan plan;

	plan_from_kernel(f, &nothing, &plan);
	carry_out(&plan);
	plan_fini(&plan);
	assert_int_equal(rtnl_read(f->rtnl, &actual), 0);
	assert_int_equal(actual.n_routes, 0);
	assert_int_equal(actual.n_rules, 0);
	for (size_t i = 0; i < actual.n_groups; i++)
		assert_int_equal(actual.groups[i].group, 0);
	kernel_fini(&actual);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_site_is_routed),
		cmocka_unit_test(shared_load_policies_and_point_to_point),
		cmocka_unit_test(ipv6_is_routed_alike),
		cmocka_unit_test(nothing_is_left_behind),
	};

	netns_enter();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("wantedkernel", tests, setup, teardown);
}
