/* test_repairloop.c - repairs that another program undoes at once */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/agent/repairloop.h"

enum { START_US = 1000000000, STEP_US = 1000 };

/* How many of `n` repairs, one per STEP_US, are said to make it a loop. */
static int repair(struct repair_loop *loop, int n, int64_t from_us)
{
	int n_begun = 0;

	for (int i = 0; i < n; i++)
		n_begun += repair_loop_add(loop, from_us + i * STEP_US);
	return n_begun;
}

static void a_few_repairs_are_no_loop(void **state)
{
	struct repair_loop loop = {0};

	(void)state;
	assert_int_equal(repair(&loop, REPAIR_LOOP_LIMIT - 1, START_US), 0);
	assert_false(repair_loop_is_on(&loop, START_US + REPAIR_LOOP_LIMIT * STEP_US));
}

static void many_in_a_short_time_are_one_and_it_is_said_once(void **state)
{
	struct repair_loop loop = {0};

	(void)state;
	assert_int_equal(repair(&loop, REPAIR_LOOP_LIMIT, START_US), 1);
	assert_true(repair_loop_is_on(&loop, START_US + REPAIR_LOOP_LIMIT * STEP_US));
	assert_int_equal(repair(&loop, 100, START_US + REPAIR_LOOP_LIMIT * STEP_US), 0);
}

static void it_is_over_when_the_time_is(void **state)
{
	struct repair_loop loop = {0};

	(void)state;
	repair(&loop, REPAIR_LOOP_LIMIT, START_US);
	assert_true(repair_loop_is_on(&loop, START_US + REPAIR_LOOP_US));
	assert_false(repair_loop_is_on(&loop, START_US + REPAIR_LOOP_US + 1));
}

static void a_loop_that_goes_on_is_said_again_in_the_next_span(void **state)
{
	struct repair_loop loop = {0};
	int64_t next_us = START_US + REPAIR_LOOP_US + 1;

	(void)state;
	assert_int_equal(repair(&loop, REPAIR_LOOP_LIMIT, START_US), 1);
	assert_int_equal(repair(&loop, REPAIR_LOOP_LIMIT - 1, next_us), 0);
	assert_false(repair_loop_is_on(&loop, next_us));
	assert_int_equal(repair(&loop, 1, next_us), 1);
}

static void repairs_that_come_slowly_are_no_loop(void **state)
{
	struct repair_loop loop = {0};

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		int64_t now_us = START_US + i * REPAIR_LOOP_US / (REPAIR_LOOP_LIMIT - 2);

		assert_false(repair_loop_add(&loop, now_us));
		assert_false(repair_loop_is_on(&loop, now_us));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_few_repairs_are_no_loop),
		cmocka_unit_test(many_in_a_short_time_are_one_and_it_is_said_once),
		cmocka_unit_test(it_is_over_when_the_time_is),
		cmocka_unit_test(a_loop_that_goes_on_is_said_again_in_the_next_span),
		cmocka_unit_test(repairs_that_come_slowly_are_no_loop),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("repairloop", tests, NULL, NULL);
}
