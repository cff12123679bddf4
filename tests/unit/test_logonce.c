/* test_logonce.c - a trouble that lasts is logged once, not at each try */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/logonce.h"

static void the_same_text_is_new_once(void **state)
{
	struct logonce once = {0};

	(void)state;
	assert_true(logonce_is_new(&once, logonce_key("no answer")));
	assert_false(logonce_is_new(&once, logonce_key("no answer")));
	assert_true(logonce_is_new(&once, logonce_key("REFUSED")));
	assert_true(logonce_is_new(&once, logonce_key("no answer")));
	logonce_clear(&once);
	assert_true(logonce_is_new(&once, logonce_key("no answer")));
}

static void an_empty_text_is_a_text(void **state)
{
	struct logonce once = {0};

	(void)state;
	assert_true(logonce_is_new(&once, logonce_key("")));
	assert_false(logonce_is_new(&once, logonce_key("")));
}

static void digits_are_news_or_not(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool same; /* but for digits */
	} rows[] = {
		{"192.0.2.1: no answer for 5 s", "192.0.2.99: no answer for 3600 s", true},
		{"at 12:00", "at 12:05", true},
		{"", "42", true},
		{"TSIG key a", "TSIG key b", false},
		{"no answer", "no answer from", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			logonce_key_but_digits(rows[i].a) == logonce_key_but_digits(rows[i].b),
			rows[i].same);
		assert_true(logonce_key(rows[i].a) != logonce_key(rows[i].b));
	}
}

static void it_is_due_first_and_after_the_interval(void **state)
{
	struct logonce once = {0};

	(void)state;
	assert_true(logonce_is_due(&once, 0, 60000)); /* a clock that begins at 0 */
	assert_false(logonce_is_due(&once, 1, 60000));
	assert_false(logonce_is_due(&once, 59999, 60000));
	assert_true(logonce_is_due(&once, 60000, 60000));
	assert_false(logonce_is_due(&once, 60001, 60000));
	logonce_clear(&once);
	assert_true(logonce_is_due(&once, 60003, 60000));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_text_is_new_once),
		cmocka_unit_test(an_empty_text_is_a_text),
		cmocka_unit_test(digits_are_news_or_not),
		cmocka_unit_test(it_is_due_first_and_after_the_interval),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
