/* test_flowcount.c - connections counted by a thread, while somebody else goes on */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/wanted/flowcount.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "lib/connections.h"
#include "lib/netns.h"

enum { MARK_A = 0x100, MARK_B = 0x200, IN = 0x8000, UPLINK = 0x7f00, MANY = 50000 };

struct fixture {
	struct connections connections;
	struct flowcount *flowcount;
	int64_t longest_us; /* that an asker was kept */
};

static const struct flowcount_want wants[] = {
	{.mark = MARK_A, .mask = UPLINK, .in_bit = IN},
	{.mark = MARK_B, .mask = UPLINK, .in_bit = IN},
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	connections_init(&f->connections);
	return flowcount_new(&f->flowcount);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	flowcount_free(f->flowcount);
	connections_fini(&f->connections);
	connections_flush();
	free(f);
	return 0;
}

static void ask(struct fixture *f, size_t n, struct flowcount_found *ret_found)
{
	int64_t begun_us = clock_now_us();

	flowcount_ask(f->flowcount, wants, n, ret_found);
	if (clock_now_us() - begun_us > f->longest_us)
		f->longest_us = clock_now_us() - begun_us;
}

/* Asks until all is known; returns how often. */
static unsigned int ask_until_known(
	struct fixture *f, size_t n, struct flowcount_found *ret_found)
{
	for (unsigned int i = 1; i < 1000; i++) {
		ask(f, n, ret_found);
		if (ret_found[n - 1].is_known)
			return i;
		poll(NULL, 0, 10);
	}
	fail_msg("nothing was counted in 10 s");
	return 0;
}

static void both_directions_of_each_are_counted(void **state)
{
	struct fixture *f = *state;
	struct flowcount_found found[2];

	connections_add(&f->connections, AF_INET, MARK_A, 3);
	connections_add(&f->connections, AF_INET6, MARK_A | IN, 4);
	connections_add(&f->connections, AF_INET, MARK_B, 5);
	ask_until_known(f, 2, found);
	assert_true(found[0].is_known);
	assert_int_equal(found[0].counts.out, 3);
	assert_int_equal(found[0].counts.in, 4);
	assert_int_equal(found[1].counts.out, 5);
	assert_int_equal(found[1].counts.in, 0);
}

static void a_count_is_made_anew_after_a_second(void **state)
{
	struct fixture *f = *state;
	struct flowcount_found found, later;

	connections_add(&f->connections, AF_INET, MARK_A, 3);
	ask_until_known(f, 1, &found);
	connections_add(&f->connections, AF_INET, MARK_A, 1);
	ask(f, 1, &later);
	if (clock_now_us() - found.at_us < (int64_t)FLOWCOUNT_AGE_MS * 1000)
		assert_int_equal(later.counts.out, 3); /* nothing was counted again */
	poll(NULL, 0, FLOWCOUNT_AGE_MS + 10);
	do
		ask(f, 1, &later);
	while (later.at_us == found.at_us);
	assert_int_equal(later.counts.out, 4);
}

static void what_is_forgotten_is_counted_anew(void **state)
{
	struct fixture *f = *state;
	struct flowcount_found found;

	ask_until_known(f, 1, &found);
	assert_int_equal(found.counts.out, 0);
	connections_add(&f->connections, AF_INET, MARK_A, 2);
	flowcount_forget(f->flowcount);
	ask_until_known(f, 1, &found);
	assert_int_equal(found.counts.out, 2);
}

static void nobody_waits_for_a_large_table(void **state)
{
	struct fixture *f = *state;
	struct flowcount_found found;

	connections_add(&f->connections, AF_INET, MARK_A, MANY);
	f->longest_us = 0;
	int64_t begun_us = clock_now_us();
	unsigned int n = ask_until_known(f, 1, &found);
	int64_t took_us = clock_now_us() - begun_us;
	print_message("             %d connections: counted after %" PRId64 " ms, asked %u "
		      "times, of which the longest took %" PRId64 " us\n",
		MANY, took_us / 1000, n, f->longest_us);
	assert_int_equal(found.counts.out, MANY);
	assert_true(n > 1);
	assert_true(f->longest_us < took_us / 2); /* 5 ms, and what a busy machine adds */
}

static void one_that_is_not_used_ends_too(void **state)
{
	struct flowcount *flowcount;
	struct flowcount_found found;

	(void)state;
	assert_int_equal(flowcount_new(&flowcount), 0);
	flowcount_ask(flowcount, wants, 0, &found); /* nobody is drained: no thread */
	flowcount_free(flowcount);
	flowcount_free(NULL);
}

static void it_may_end_while_it_counts(void **state)
{
	struct fixture *f = *state;
	struct flowcount_found found;

	connections_add(&f->connections, AF_INET, MARK_A, 2000);
	ask(f, 1, &found);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(both_directions_of_each_are_counted),
		TEST(a_count_is_made_anew_after_a_second),
		TEST(what_is_forgotten_is_counted_anew),
		TEST(nobody_waits_for_a_large_table),
		TEST(it_may_end_while_it_counts),
		cmocka_unit_test(one_that_is_not_used_ends_too),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	netns_enter();
	return cmocka_run_group_tests_name("flowcount", tests, NULL, NULL);
}
