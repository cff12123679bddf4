/* test_pseudo.c - dnsd/zone/pseudo.c: the kinds of pseudo records */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/site/site.h"
#include "dnsd/zone/pseudo.h"
#include "dnsd/zone/zonetoken.h"
#include "tests/lib/zonetext.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

/* Up to three words of a line. */
static size_t tokens_of(const char *const *words, struct zonetoken *ret_tokens)
{
	size_t n = 0;

	for (; n < 4 && words[n]; n++)
		ret_tokens[n] = (struct zonetoken){.text = words[n], .len = strlen(words[n])};
	return n;
}

static void each_kind_is_read_from_its_words(void **state)
{
	static const struct {
		const char *words[4];
		enum pseudo_kind kind;
		unsigned int index;
		bool is_server;
		bool names_uplink;
	} cases[] = {
		{{"SERVER", "web"}, PSEUDO_SERVER, 0, true, false},
		{{"server", "web", "ALL"}, PSEUDO_SERVER_ALL, 0, true, false},
		{{"UPLINK", "isp-b"}, PSEUDO_UPLINK, 1, false, true},
		{{"UPLINK", "all"}, PSEUDO_UPLINK_ALL, 0, false, false},
		{{"Uplink", "Receiving"}, PSEUDO_UPLINK_RECEIVING, 0, false, false},
	};
	struct zonetext *t = *state;

	for (size_t i = 0; i < N(cases); i++) {
		struct pseudo pseudo = {.ttl_s = 7};
		struct zonetoken tokens[4];
		char why[PSEUDO_WHY_LEN] = "";
		size_t n = tokens_of(cases[i].words, tokens);

		assert_true(pseudo_is_word(&tokens[0]));
		assert_int_equal(pseudo_parse(tokens, n, t->site, &pseudo, why), 0);
		assert_int_equal(pseudo.kind, cases[i].kind);
		assert_int_equal(pseudo.index, cases[i].index);
		assert_int_equal(pseudo.ttl_s, 7);
		assert_string_equal(
			pseudo_word(&pseudo), cases[i].is_server ? "SERVER" : "UPLINK");
		assert_int_equal(pseudo_is_server(&pseudo), cases[i].is_server);
		assert_int_equal(pseudo_names_uplink(&pseudo), cases[i].names_uplink);
	}
}

static void what_is_no_kind_is_refused_with_words(void **state)
{
	static const struct {
		const char *words[4];
		bool has_site;
		const char *why;
	} cases[] = {
		{{"SERVER"}, true, "SERVER needs the name of a server of site.yaml"},
		{{"SERVER", "web", "isp-a"}, true,
			"SERVER takes a server's name and, after it, nothing but 'all'"},
		{{"SERVER", "all"}, true, "SERVER all: site.yaml has no such server"},
		{{"SERVER", "wbe"}, true,
			"SERVER wbe: site.yaml has no such server (did you mean 'web'?)"},
		{{"SERVER", "web"}, false, "SERVER web: site.yaml has no such server"},
		{{"SERVER", "isp-b"}, true,
			"SERVER isp-b: that is an uplink, write UPLINK isp-b"},
		{{"UPLINK"}, true,
			"UPLINK needs exactly one word: an uplink of site.yaml, "
			"'all' or 'receiving'"},
		{{"UPLINK", "isp-a", "all"}, true,
			"UPLINK needs exactly one word: an uplink of site.yaml, "
			"'all' or 'receiving'"},
		{{"UPLINK", "web"}, true, "UPLINK web: that is a server, write SERVER web"},
		{{"UPLINK", "recieving"}, false,
			"UPLINK recieving: site.yaml has no such uplink "
			"(did you mean 'receiving'?)"},
		{{"UPLINK", "alll"}, true,
			"UPLINK alll: site.yaml has no such uplink (did you mean 'all'?)"},
	};
	struct zonetext *t = *state;

	for (size_t i = 0; i < N(cases); i++) {
		struct pseudo pseudo = {.ttl_s = 7};
		struct zonetoken tokens[4];
		char why[PSEUDO_WHY_LEN] = "";
		size_t n = tokens_of(cases[i].words, tokens);

		assert_int_equal(pseudo_parse(tokens, n, cases[i].has_site ? t->site : NULL,
					 &pseudo, why),
			-EINVAL);
		assert_string_equal(why, cases[i].why);
	}
}

static void only_the_bare_words_begin_a_pseudo_record(void **state)
{
	static const char *const others[] = {"A", "TXT", "SERVERS", "UPLIN", "TYPE65280", ""};
	const struct zonetoken quoted = {.text = "SERVER", .len = 6, .quoted = true};

	(void)state;
	for (size_t i = 0; i < N(others); i++) {
		struct zonetoken token = {.text = others[i], .len = strlen(others[i])};

		assert_false(pseudo_is_word(&token));
	}
	assert_false(pseudo_is_word(&quoted));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_kind_is_read_from_its_words, zonetext_setup, zonetext_teardown),
		cmocka_unit_test_setup_teardown(what_is_no_kind_is_refused_with_words,
			zonetext_setup, zonetext_teardown),
		cmocka_unit_test(only_the_bare_words_begin_a_pseudo_record),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
