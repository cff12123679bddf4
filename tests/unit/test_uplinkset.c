/* test_uplinkset.c - a set of uplinks: bit i stands for the uplink of index i */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/site/uplinkset.h"

#include "common/site/site.h"

static void a_set_has_what_was_added_and_nothing_else(void **state)
{
	uint32_t set = 0;

	(void)state;
	uplinkset_add(&set, 0);
	uplinkset_add(&set, SITE_MAX_UPLINKS - 1);
	uplinkset_add(&set, SITE_MAX_UPLINKS - 1);
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++)
		assert_int_equal(uplinkset_has(set, i), i == 0 || i == SITE_MAX_UPLINKS - 1);
	assert_int_equal(uplinkset_count(set), 2);
	assert_int_equal(set, uplinkset_of(0) | uplinkset_of(SITE_MAX_UPLINKS - 1));
}

static void all_are_as_many_as_a_site_may_have(void **state)
{
	(void)state;
	assert_int_equal(uplinkset_count(UPLINKSET_ALL), SITE_MAX_UPLINKS);
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++)
		assert_true(uplinkset_has(UPLINKSET_ALL, i));
}

static void the_first_is_the_one_of_the_lowest_index(void **state)
{
	(void)state;
	assert_int_equal(uplinkset_first(0), 0);
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++) {
		assert_int_equal(uplinkset_first(uplinkset_of(i)), uplinkset_of(i));
		assert_int_equal(uplinkset_first(UPLINKSET_ALL << i), uplinkset_of(i));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_has_what_was_added_and_nothing_else),
		cmocka_unit_test(all_are_as_many_as_a_site_may_have),
		cmocka_unit_test(the_first_is_the_one_of_the_lowest_index),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
