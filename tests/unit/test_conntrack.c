/* test_conntrack.c - connections deleted and counted by mark, in a network namespace of the
 * test's own: they are put into the kernel's table by ctnetlink, no packet is sent
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/kernel/conntrack.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/net/nlcmd.h"
#include "lib/connections.h"
#include "lib/netns.h"

enum { MARK_A = 0x100, MARK_B = 0x200, MARK_IN = 0x8000, MASK = 0xff00, UPLINK = 0x7f00 };

struct fixture {
	struct conntrack *conntrack;
	struct connections connections;
};

static void add(struct fixture *f, int family, uint32_t mark, unsigned int n)
{
	connections_add(&f->connections, family, mark, n);
}

static size_t count(struct fixture *f, uint32_t mark, uint32_t mask)
{
	size_t n = 0;

	assert_int_equal(conntrack_count(f->conntrack, mark, mask, &n), 0);
	return n;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	connections_init(&f->connections);
	assert_int_equal(conntrack_new(&f->conntrack), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	conntrack_free(f->conntrack);
	connections_fini(&f->connections);
	connections_flush();
	free(f);
	return 0;
}

static void flows_that_began_at_the_router_may_be_left_out(void **state)
{
	struct fixture *f = *state;
	struct addr own[2];
	struct conntrack_counts counts;
	const struct conntrack_left left = {
		.mark = MARK_A, .mask = UPLINK, .in_bit = MARK_IN, .own = own, .n_own = 2};

	addr_parse("10.0.0.0", &own[0]); /* where the first ones begin: connections.h */
	addr_parse("2001:db8::a00:1", &own[1]);
	add(f, AF_INET, MARK_A, 5);
	add(f, AF_INET6, MARK_A, 3);
	add(f, AF_INET6, MARK_A | MARK_IN, 4);
	add(f, AF_INET6, MARK_B, 5);
	assert_int_equal(conntrack_count_left(f->conntrack, &left, &counts), 0);
	assert_int_equal(counts.out, 3);
	assert_int_equal(counts.in, 4);
	assert_int_equal(count(f, MARK_A, UPLINK), 12);
}

static void what_is_over_is_not_left(void **state)
{
	static const uint8_t states[] = {TCP_CONNTRACK_SYN_SENT, TCP_CONNTRACK_SYN_RECV,
		TCP_CONNTRACK_ESTABLISHED, TCP_CONNTRACK_FIN_WAIT, TCP_CONNTRACK_CLOSE_WAIT,
		TCP_CONNTRACK_LAST_ACK, TCP_CONNTRACK_TIME_WAIT, TCP_CONNTRACK_CLOSE};
	struct fixture *f = *state;
	struct conntrack_counts counts;
	const struct conntrack_left left = {.mark = MARK_A, .mask = UPLINK, .in_bit = MARK_IN};

	for (size_t i = 0; i < sizeof(states); i++) {
		connections_add_tcp(&f->connections, MARK_A, states[i]);
		connections_add_tcp(&f->connections, MARK_A | MARK_IN, states[i]);
	}
	assert_int_equal(conntrack_count_left(f->conntrack, &left, &counts), 0);
	assert_int_equal(counts.out, sizeof(states) - 2);
	assert_int_equal(counts.in, sizeof(states) - 2);
	assert_int_equal(count(f, MARK_A, UPLINK), 2 * sizeof(states));
}

static void flows_of_one_family_may_go_alone(void **state)
{
	struct fixture *f = *state;

	add(f, AF_INET, MARK_A, 5);
	add(f, AF_INET6, MARK_A, 3);
	add(f, AF_INET6, MARK_B, 2);
	assert_int_equal(conntrack_delete_family(f->conntrack, AF_INET6, MARK_A, MASK), 0);
	assert_int_equal(count(f, MARK_A, MASK), 5);
	assert_int_equal(count(f, MARK_B, MASK), 2);
	assert_int_equal(conntrack_delete_family(f->conntrack, AF_INET, MARK_A, MASK), 0);
	assert_int_equal(count(f, MARK_A, MASK), 0);
}

/* The address is that of the client here, and where its answers are sent to. */
static void flows_of_one_address_may_go_alone(void **state)
{
	struct fixture *f = *state;
	struct addr gone, far, other;

	addr_parse("10.0.0.0", &gone); /* where put_tuple lets the first ones begin */
	addr_parse("192.0.2.1", &far);
	addr_parse("192.0.2.7", &other);
	add(f, AF_INET, MARK_A, 5);
	add(f, AF_INET, MARK_B, 4);
	add(f, AF_INET6, MARK_A, 3);
	f->connections.next = 50000; /* and these at 10.0.0.1 */
	add(f, AF_INET, MARK_A, 2);

	assert_int_equal(conntrack_delete_address(f->conntrack, &other, MARK_A, MASK), 0);
	assert_int_equal(count(f, MARK_A, MASK), 10);
	assert_int_equal(conntrack_delete_address(f->conntrack, &gone, MARK_A, MASK), 0);
	assert_int_equal(count(f, MARK_A, MASK), 5);
	assert_int_equal(count(f, MARK_B, MASK), 4);
	assert_int_equal(conntrack_delete_address(f->conntrack, &far, MARK_A, MASK), 0);
	assert_int_equal(count(f, MARK_A, MASK), 3); /* IPv6 */
	assert_int_equal(count(f, MARK_B, MASK), 4);

	assert_int_equal(conntrack_delete_address(f->conntrack, &far, 0, 0), -EINVAL);
	assert_int_equal(
		conntrack_delete_address(f->conntrack, &(struct addr){0}, MARK_B, MASK),
		-EINVAL);
	assert_int_equal(count(f, MARK_B, MASK), 4);
}

static void flows_of_one_uplink_go_and_all_others_stay(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		int family = i ? AF_INET6 : AF_INET;

		add(f, family, MARK_A, 5);
		add(f, family, MARK_A | MARK_IN, 3);
		add(f, family, MARK_A | 0x42, 2); /* bits of others */
		add(f, family, MARK_B, 4);
		add(f, family, 0x42, 6);
		add(f, family, 0, 7);
	}
	assert_int_equal(count(f, MARK_A, MASK), 14);
	assert_int_equal(count(f, MARK_A, UPLINK), 20);
	assert_int_equal(count(f, MARK_IN, MARK_IN), 6);

	/* what went out by it, not what came in */
	assert_int_equal(conntrack_delete(f->conntrack, MARK_A, MASK), 0);
	assert_int_equal(count(f, MARK_A, UPLINK), 6);
	assert_int_equal(count(f, MARK_B, MASK), 8);
	assert_int_equal(count(f, 0x42, 0xff), 12);

	assert_int_equal(conntrack_delete(f->conntrack, MARK_A, UPLINK), 0);
	assert_int_equal(count(f, MARK_A, UPLINK), 0);
	assert_int_equal(count(f, MARK_B, MASK), 8);
	assert_int_equal(conntrack_delete(f->conntrack, MARK_A, UPLINK), 0);
}

/* nlcmd_run, but as an older kernel might answer: with no filter in a deletion. */
static bool refuses_filter;

int __real_nlcmd_run(struct nlcmd *cmd, struct nl_msg *msg, nlcmd_each_fn *each, void *arg);
int __wrap_nlcmd_run(struct nlcmd *cmd, struct nl_msg *msg, nlcmd_each_fn *each, void *arg);

int __wrap_nlcmd_run(struct nlcmd *cmd, struct nl_msg *msg, nlcmd_each_fn *each, void *arg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);

	if (refuses_filter && (hdr->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE &&
		nlmsg_find_attr(hdr, sizeof(struct nfgenmsg), CTA_MARK))
		return -EOPNOTSUPP;
	return __real_nlcmd_run(cmd, msg, each, arg);
}

static void a_kernel_without_the_filter_is_told_one_by_one(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		add(f, i ? AF_INET6 : AF_INET, MARK_A, 300);
		add(f, i ? AF_INET6 : AF_INET, MARK_B, 4);
		add(f, i ? AF_INET6 : AF_INET, 0, 4);
	}
	refuses_filter = true;
	int r = conntrack_delete(f->conntrack, MARK_A, MASK);
	refuses_filter = false;
	assert_int_equal(r, 0);
	assert_int_equal(count(f, MARK_A, MASK), 0);
	assert_int_equal(count(f, MARK_B, MASK), 8);
	netns_run("test $(conntrack -C) = 16");
}

static void nothing_is_deleted_without_a_mark(void **state)
{
	struct fixture *f = *state;
	static const uint32_t bad[][2] = {{0, 0}, {0, MASK}, {MARK_A, 0}, {MARK_A, 0xff},
		{MARK_A | 1, MASK}, {UINT32_MAX, 0}};
	size_t n;

	add(f, AF_INET, 0, 3);
	add(f, AF_INET, MARK_A, 3);
	add(f, AF_INET, 0x42, 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
			conntrack_delete(f->conntrack, bad[i][0], bad[i][1]), -EINVAL);
		assert_int_equal(
			conntrack_count(f->conntrack, bad[i][0], bad[i][1], &n), -EINVAL);
	}
	assert_int_equal(count(f, MARK_A, MASK), 3);
	netns_run("test $(conntrack -C) = 9");
}

static void many_flows_go_with_one_message(void **state)
{
	struct fixture *f = *state;

	add(f, AF_INET, MARK_A, 3000);
	add(f, AF_INET, MARK_B, 2000);
	int64_t start_us = clock_now_us();
	assert_int_equal(conntrack_delete(f->conntrack, MARK_A, MASK), 0);
	print_message("             3,000 of 5,000 flows: %" PRId64 " us\n",
		clock_now_us() - start_us);
	assert_int_equal(count(f, MARK_A, MASK), 0);
	assert_int_equal(count(f, MARK_B, MASK), 2000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			flows_of_one_uplink_go_and_all_others_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(
			flows_that_began_at_the_router_may_be_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_over_is_not_left, setup, teardown),
		cmocka_unit_test_setup_teardown(
			flows_of_one_family_may_go_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
			flows_of_one_address_may_go_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_kernel_without_the_filter_is_told_one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(
			nothing_is_deleted_without_a_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(
			many_flows_go_with_one_message, setup, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	netns_enter();
	return cmocka_run_group_tests_name("conntrack", tests, NULL, NULL);
}
