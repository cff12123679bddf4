/* test_passive.c - counters of our nftables table, in a network namespace of the test's own */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "lib/netns.h"
#include "routed/wanted/passive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "routed/uplink/uplink.h"

static void nft(const char *text)
{
	char command[1024];

	snprintf(command, sizeof(command), "nft '%s'", text);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static int setup(void **state)
{
	static struct passive *passive;

	assert_int_equal(passive_new(&passive), 0);
	*state = passive;
	return 0;
}

static int teardown(void **state)
{
	passive_free(*state);
	return system("nft flush ruleset") != 0;
}

static void without_the_table_there_is_no_reading(void **state)
{
	struct uplink_traffic traffic[2];

	assert_int_equal(passive_read(*state, traffic, 2), -ENOENT);
}

static void each_uplink_has_its_own_counters(void **state)
{
	struct uplink_traffic traffic[12];

	nft("table inet multihomed { counter in_1 { packets 7 bytes 1 }; "
	    "counter out_1 { packets 5000000000 bytes 1 }; "
	    "counter in_0 { packets 3 bytes 1 }; counter guarded_0 { packets 9 bytes 1 }; "
	    "counter out_11 { packets 4 bytes 1 }; counter other { packets 2 bytes 1 }; }; "
	    "table inet others { counter in_0 { packets 99 bytes 1 }; }");
	assert_int_equal(passive_read(*state, traffic, 12), 0);
	assert_int_equal(traffic[0].out, 0);
	assert_int_equal(traffic[0].replies, 3);
	assert_int_equal(traffic[1].out, 5000000000);
	assert_int_equal(traffic[1].replies, 7);
	assert_int_equal(traffic[2].out, 0);
	assert_int_equal(traffic[11].out, 4);

	assert_int_equal(passive_read(*state, traffic, 1), 0); /* fewer than there are */
	assert_int_equal(traffic[0].replies, 3);
}

static void it_continues_with_a_new_table(void **state)
{
	struct uplink_traffic traffic[1];

	nft("table inet multihomed { counter in_0 { packets 3 bytes 1 }; }");
	assert_int_equal(passive_read(*state, traffic, 1), 0);
	nft("delete table inet multihomed");
	assert_int_equal(passive_read(*state, traffic, 1), -ENOENT);
	nft("table inet multihomed { counter in_0 { packets 1 bytes 1 }; }");
	assert_int_equal(passive_read(*state, traffic, 1), 0);
	assert_int_equal(traffic[0].replies, 1);
}

static void a_reading_is_cheap(void **state)
{
	struct uplink_traffic traffic[2];

	nft("table inet multihomed { counter in_0 { }; counter out_0 { }; counter in_1 { }; "
	    "counter out_1 { }; }");
	int64_t start_us = clock_now_us();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(passive_read(*state, traffic, 2), 0);
	print_message(
		"  %lld us per reading\n", (long long)(clock_now_us() - start_us) / 1000);
}

int main(int argc, char **argv)
{
#define PASSIVE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		PASSIVE_TEST(without_the_table_there_is_no_reading),
		PASSIVE_TEST(each_uplink_has_its_own_counters),
		PASSIVE_TEST(it_continues_with_a_new_table),
		PASSIVE_TEST(a_reading_is_cheap),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	netns_enter();
	return cmocka_run_group_tests_name("passive", tests, NULL, NULL);
}
