/* test_invariant.c - what our own code guarantees, checked in release builds too */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/invariant.h"

#include <signal.h>
#include <string.h>

#include "lib/death.h"

static void break_one(void)
{
	int n = 2;

	invariant(n == 3, "there are %d uplinks", n);
}

static void hold_one(void)
{
	int n = 0;

	invariant(++n == 1, "asked %d times", n);
	invariant(n == 1, "asked %d times", n);
}

static void a_broken_one_ends_the_process_with_words_and_place(void **state)
{
	char said[1024];

	(void)state;
	assert_int_equal(death_of(break_one, said, sizeof(said)), SIGABRT);
	assert_non_null(strstr(said, "there are 2 uplinks"));
	assert_non_null(strstr(said, "test_invariant.c:"));
	assert_non_null(strstr(said, "n == 3"));
}

static void one_that_holds_is_asked_once_and_says_nothing(void **state)
{
	char said[1024];

	(void)state;
	assert_int_equal(death_of(hold_one, said, sizeof(said)), 0);
	assert_string_equal(said, "");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broken_one_ends_the_process_with_words_and_place),
		cmocka_unit_test(one_that_holds_is_asked_once_and_says_nothing),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
