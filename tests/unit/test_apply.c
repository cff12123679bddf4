/* test_apply.c - plans performed on a real kernel, in a network namespace of the test's own:
 * whole, cut off after any step, beside other programs' objects, and undone
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/kernel/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/site/site.h"
#include "lib/netns.h"
#include "lib/situations.h"
#include "routed/kernel/nft.h"
#include "routed/kernel/plan.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/sysctl.h"
#include "routed/kernel/text.h"
#include "routed/wanted/decide.h"
#include "routed/wanted/nfttext.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wanted.h"

struct fixture {
	struct apply apply;
	struct site *site;
	char sysctl_state[64];
	int wan_a;
	int wan_b;
};

/* What other programs have put there: all of it must be found again. */
static const char foreign[] =
	"ip route add 198.51.100.0/24 via 10.0.0.7 proto static;"
	"ip route add default via 192.168.2.6 dev wan-a proto dhcp metric 100;"
	"ip -6 route add default via 2001:db8:1::1 dev wan-a proto ra metric 1024;"
	"ip rule add priority 500 fwmark 0x1 lookup 99 protocol 201;"
	"ip -6 rule add priority 1001 from 2001:db8:9::/64 lookup 99 protocol 201;"
	"ip route add default via 10.0.0.7 table 99 proto 201;"
	"nft 'table inet docker { chain forward { type filter hook forward priority 0; "
	"counter accept; }; }';"
	"nft 'table ip multihomed { chain x { }; }'";

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	netns_run("for i in lan0:host wan-a:isp-a wan-b:isp-b; do "
		  "ip link add ${i%:*} type veth peer name ${i#*:};"
		  "ip link set ${i%:*} addrgenmode none up; ip link set ${i#*:} addrgenmode "
		  "none up; done");
	netns_run(
		"ip address add 10.0.0.1/24 dev lan0; ip address add 192.168.2.1/29 dev wan-a;"
		"ip address add 172.16.1.1/30 dev wan-b;"
		"ip -6 address add 2001:db8:1::2/64 dev wan-a nodad;"
		"ip -6 address add 2001:db8:2::2/64 dev wan-b nodad");
	netns_run("sysctl -qw net.ipv4.ip_forward=0 "
		  "net.ipv6.conf.all.forwarding=0 net.ipv4.conf.wan-a.rp_filter=1");
	netns_run(foreign);
	f->wan_a = (int)if_nametoindex("wan-a");
	f->wan_b = (int)if_nametoindex("wan-b");
	f->site = situations_reference(NULL);
	snprintf(
		f->sysctl_state, sizeof(f->sysctl_state), "/tmp/test_apply.%d", (int)getpid());
	assert_int_equal(rtnl_new(&f->apply.rtnl), 0);
	assert_int_equal(nft_new(NULL, NULL, NULL, NULL, &f->apply.nft), 0);
	assert_int_equal(sysctl_store_new(f->sysctl_state, &f->apply.sysctls), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	apply_fini(&f->apply);
	rtnl_free(f->apply.rtnl);
	nft_free(f->apply.nft);
	sysctl_store_free(f->apply.sysctls);
	unlink(f->sysctl_state);
	site_free(f->site);
	free(f);
	netns_run("for i in lan0 wan-a wan-b; do ip link del $i; done; nft flush ruleset;"
		  "for p in 200 201; do for v in -4 -6; do ip $v rule flush protocol $p;"
		  "ip $v route flush table all proto $p; done; done");
	return 0;
}

/* The output of a command; the caller frees it. */
static char *output(const char *command)
{
	struct text text = {0};
	char line[1024];
	FILE *pipe = popen(command, "r");

	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe))
		text_str(&text, line);
	assert_int_equal(pclose(pipe), 0);
	return text_take(&text);
}

static char *snapshot(void)
{
	return output(
		"for v in -4 -6; do ip $v rule show; ip $v route show table all | grep -v "
		"^anycast; done;"
		"nft list ruleset; ip -o link show | grep -o 'group [^ ]*';"
		"sysctl net.ipv4.conf.wan-a.rp_filter net.ipv4.fib_multipath_hash_policy "
		"net.ipv4.conf.wan-b.rp_filter");
}

static char *snapshot_of_foreign(void)
{
	return output("for v in -4 -6; do ip $v rule show | grep -v 'proto 200';"
		      "ip $v route show table all | grep -v -e 'proto 200' -e ^anycast; done;"
		      "nft list table inet docker; nft list table ip multihomed");
}

static struct situation both_up(const struct fixture *f)
{
	struct situation situation = situations_both_up();

	situations_device(&situation, 0, f->wan_a);
	situations_device(&situation, 1, f->wan_b);
	situations_address(&situation, 0, "2001:db8:1::2/64");
	situations_address(&situation, 1, "2001:db8:2::2/64");
	situations_gateway(&situation, 0, "2001:db8:1::1");
	situations_gateway(&situation, 1, "2001:db8:2::1");
	return situation;
}

static void make_plan(struct fixture *f, const struct situation *situation,
	struct plan *ret_plan, struct nfttable **ret_table)
{
	struct decision decision = decide(f->site, situation);
	struct kernel wanted = {0};
	struct kernel actual = {0};

	wanted_kernel(f->site, situation, &decision, &wanted);
	assert_int_equal(rtnl_read(f->apply.rtnl, &actual), 0);
	sysctl_read_all(&wanted, &actual);
	plan_diff(&actual, &wanted, ret_plan);
	*ret_table = wanted_nft(f->site, situation);
	kernel_fini(&wanted);
	kernel_fini(&actual);
}

/* Performs at most `most` steps of the plan; returns how many it has. */
static size_t go(struct fixture *f, const struct situation *situation, size_t most)
{
	AUTO(nfttable_unrefp) struct nfttable *table = NULL;
	struct apply_result result;
	struct plan plan;

	make_plan(f, situation, &plan, &table);
	size_t n = plan.n_steps;
	if (plan.n_steps > most)
		plan.n_steps = most;
	size_t n_tried = plan.n_steps;
	apply_plan(&f->apply, &plan, table, &result);
	assert_int_equal(result.n_failed, 0);
	assert_int_equal(result.n_done, n_tried);
	plan_fini(&plan);
	return n;
}

static void cut_off_after_any_step_the_next_run_finishes(void **state)
{
	struct fixture *f = *state;
	struct situation situations[3] = {both_up(f), both_up(f), both_up(f)};
	AUTO(freep) char *before = snapshot_of_foreign();

	situations[1].uplinks[0].state = UPLINK_DOWN;
	memset(&situations[2].uplinks[1], 0, sizeof(situations[2].uplinks[1]));
	situations[2].uplinks[1].state = UPLINK_DOWN;
	for (size_t from = 0; from < 3; from++)
		for (size_t to = 0; to < 3; to++) {
			size_t n = 1;

			for (size_t k = 0; k <= n; k++) {
				go(f, &situations[from], SIZE_MAX);
				n = go(f, &situations[to], k);
				go(f, &situations[to], SIZE_MAX);
				assert_int_equal(go(f, &situations[to], SIZE_MAX), 0);
			}
		}
	AUTO(freep) char *after = snapshot_of_foreign();
	assert_string_equal(before, after);
	/* from one state of the links to another the table is never replaced as a whole */
	assert_int_equal(nft_counters(f->apply.nft)->replaced, 1);
	assert_true(nft_counters(f->apply.nft)->changed > 0);
}

static void flush_leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	struct situation situation = both_up(f);
	struct apply_result result;
	AUTO(freep) char *before = snapshot();

	assert_true(go(f, &situation, SIZE_MAX) > 0);
	AUTO(freep) char *between = snapshot();
	assert_string_not_equal(before, between);
	assert_int_equal(apply_flush(&f->apply, &result), 0);
	AUTO(freep) char *after = snapshot();
	assert_string_equal(before, after);
	netns_run("test $(sysctl -n net.ipv4.ip_forward) = 1");
	assert_int_equal(apply_flush(&f->apply, &result), 0); /* nothing there is fine too */
}

/* The settings are left, and forwarding with them; what routes and translates is gone. */
static void withdrawing_leaves_the_settings_alone(void **state)
{
	struct fixture *f = *state;
	struct situation situation = both_up(f);
	struct apply_result result;
	struct kernel left = {0};

	assert_true(go(f, &situation, SIZE_MAX) > 0);
	assert_int_equal(apply_withdraw(&f->apply, &result), 0);
	assert_int_equal(rtnl_read(f->apply.rtnl, &left), 0);
	assert_int_equal(left.n_rules + left.n_routes, 0);
	kernel_fini(&left);
	netns_run("! nft list table inet multihomed 2>/dev/null");
	netns_run("test $(sysctl -n net.ipv4.ip_forward) = 1");
	assert_true(sysctl_is_ours(f->apply.sysctls, "net/ipv4/ip_forward"));
	assert_int_equal(apply_flush(&f->apply, &result), 0);
}

static void a_failed_step_does_not_keep_the_others_back(void **state)
{
	struct fixture *f = *state;
	struct situation situation = both_up(f);
	AUTO(nfttable_unrefp) struct nfttable *table = NULL;
	struct apply_result result;
	struct plan plan;

	netns_run("ip address del 10.0.0.1/24 dev lan0"); /* the servers are out of reach */
	netns_run("ip route del default");
	for (int i = 0; i < 2; i++) {
		make_plan(f, &situation, &plan, &table);
		size_t n = plan.n_steps;
		apply_plan(&f->apply, &plan, table, &result);
		assert_int_equal(result.n_failed, 2);
		assert_int_equal(result.n_done, n - 2);
		assert_false(result.nft_failed);
		/* remembered: the second time it is not logged */
		assert_int_equal(f->apply.n_logged, 2);
		plan_fini(&plan);
		nfttable_unref(TAKE(table));
	}
	netns_run("ip route show table 5301 | grep -q '^default via 192.168.2.6 dev wan-a'");
	netns_run("test $(sysctl -n net.ipv4.ip_forward) = 1");
}

static void without_its_table_forwarding_is_not_switched_on(void **state)
{
	struct fixture *f = *state;
	struct situation situation = both_up(f);
	AUTO(nfttable_unrefp) struct nfttable *table = NULL;
	struct apply_result result;
	struct plan plan;

	make_plan(f, &situation, &plan, &table);
	AUTO(nfttable_unrefp)
	struct nfttable *bad = nfttable_read(
		"table inet multihomed {\n\tchain x {\n\t\tjump y\n\t}\n}\n");
	apply_plan(&f->apply, &plan, bad, &result);
	assert_true(result.nft_failed);
	assert_true(result.n_skipped > 0);
	netns_run("test $(sysctl -n net.ipv4.ip_forward) = 0");
	netns_run("ip rule show | grep -q 'proto 200'");

	plan_fini(&plan);
	go(f, &situation, SIZE_MAX);
	netns_run("test $(sysctl -n net.ipv4.ip_forward) = 1");
}

static void what_a_failed_step_was_to_replace_stays(void **state)
{
	struct fixture *f = *state;
	struct plan_step steps[2] = {
		{.op = PLAN_ADD_ROUTE,
			.route = {.family = AF_INET,
				.table = 5301,
				.metric = 5,
				.nexthops = {{.ifindex = f->wan_a, .weight = 1}},
				.n_nexthops = 1}},
		{.op = PLAN_DEL_ROUTE,
			.route = {.family = AF_INET,
				.table = 5301,
				.metric = 9,
				.nexthops = {{.ifindex = f->wan_a, .weight = 1}},
				.n_nexthops = 1}},
	};
	struct plan plan = {.steps = steps, .n_steps = 2};
	struct apply_result result;

	steps[0].route.nexthops[0].ifindex = 4711; /* no such device */
	netns_run("ip route add default dev wan-a table 5301 metric 9 proto 200");
	apply_plan(&f->apply, &plan, NULL, &result);
	assert_int_equal(result.n_failed, 1);
	assert_int_equal(result.n_skipped, 1);
	netns_run("ip route show table 5301 | grep -q 'metric 9'");

	steps[1].route.table = 5302; /* another table is another matter */
	apply_plan(&f->apply, &plan, NULL, &result);
	assert_int_equal(result.n_done, 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			cut_off_after_any_step_the_next_run_finishes, setup, teardown),
		cmocka_unit_test_setup_teardown(flush_leaves_no_trace, setup, teardown),
		cmocka_unit_test_setup_teardown(
			withdrawing_leaves_the_settings_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_failed_step_does_not_keep_the_others_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			without_its_table_forwarding_is_not_switched_on, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_a_failed_step_was_to_replace_stays, setup, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	log_init("test_apply", LOG_LEVEL_NOTICE);
	netns_enter();
	return cmocka_run_group_tests_name("apply", tests, NULL, NULL);
}
