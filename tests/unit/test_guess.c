/* test_guess.c - what may have been meant by a misspelt word */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/guess.h"

static void near_words_are_guessed(void **state)
{
	static const char *const words[] = {
		"interface", "inbound", "lan", "dns", "flush-after", "gateway", "gateway6"};
	static const struct {
		const char *text;
		const char *best;
	} cases[] = {
		{"interfce", "interface"},
		{"interfcae", "interface"},
		{"Interface", "interface"},
		{"flush_after", "flush-after"},
		{"lans", "lan"},
		{"gateway4", "gateway"},
		{"gatway", "gateway"},
		{"wan", "lan"},
		{"x", NULL},
		{"ln", "lan"},
		{"something", NULL},
		{"outbound", NULL},
		{"", NULL},
		{"interfaceinterfaceinterfaceinterface", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct guess guess = guess_of(cases[i].text);

		for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++)
			guess_offer(&guess, words[j]);
		if (cases[i].best && guess.best)
			assert_string_equal(guess.best, cases[i].best);
		else
			assert_ptr_equal(guess.best, cases[i].best);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(near_words_are_guessed),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
