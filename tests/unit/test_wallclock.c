/* test_wallclock.c - moments of the monotonic clock as a time of day */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/wallclock.h"

#include <time.h>

#include "common/clock.h"

enum { SEC = 1000000 /* us */ };

static void now_is_the_time_of_day(void **state)
{
	(void)state;
	int64_t before_us = (int64_t)time(NULL) * SEC;
	int64_t now_us = wallclock_now_us();
	int64_t after_us = ((int64_t)time(NULL) + 1) * SEC;

	assert_true(now_us >= before_us - SEC && now_us <= after_us);
}

static void moments_keep_their_distance_from_now(void **state)
{
	static const int64_t offsets_s[] = {-100000, -1, 0, 1, 100000};
	(void)state;

	for (size_t i = 0; i < sizeof(offsets_s) / sizeof(offsets_s[0]); i++) {
		int64_t expected_us = wallclock_now_us() + offsets_s[i] * SEC;
		int64_t at_us = wallclock_at_us(clock_now_us() + offsets_s[i] * SEC);

		assert_true(at_us >= expected_us - SEC && at_us <= expected_us + SEC);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(now_is_the_time_of_day),
		cmocka_unit_test(moments_keep_their_distance_from_now),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
