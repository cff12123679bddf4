/* test_name.c - dnsd/wire/name.c: names in wire form */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsd/wire/name.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

/* Valid until the fifth call after. */
static const uint8_t *wire(const char *text)
{
	static uint8_t names[4][NAME_MAX_LEN];
	static unsigned int next;
	uint8_t *name = names[next++ % 4];
	size_t len;

	assert_int_equal(name_from_str(text, name, &len), 0);
	assert_int_equal(len, name_len(name));
	return name;
}

static void text_becomes_wire_and_text_again(void **state)
{
	static const struct {
		const char *text, *again;
		unsigned int n_labels;
	} cases[] = {
		{".", ".", 0},
		{"com", "com.", 1},
		{"com.", "com.", 1},
		{"WWW.Example.com", "www.example.com.", 3},
		{"*.example.com.", "*.example.com.", 3},
		{"_443._tcp.a-b", "_443._tcp.a-b.", 3},
		{"a\\.b.c", "a\\.b.c.", 2},
		{"a\\046b.c", "a\\.b.c.", 2},
		{"\\000\\255\\032", "\\000\\255\\032.", 1},
		{"\\\\\\\"\\;\\(\\)\\@\\$", "\\\\\\\"\\;\\(\\)\\@\\$.", 1},
	};
	(void)state;

	for (size_t i = 0; i < N(cases); i++) {
		char text[NAME_STR_LEN];
		const uint8_t *name = wire(cases[i].text);

		assert_string_equal(name_str(name, text), cases[i].again);
		assert_int_equal(name_n_labels(name), cases[i].n_labels);
		assert_true(name_eq(wire(text), name));
	}
}

static void one_octet_is_read_with_its_escape(void **state)
{
	static const struct {
		const char *text;
		int octet; /* -1: a bad escape */
		const char *rest;
	} cases[] = {
		{"ab", 'a', "b"},
		{"\\.b", '.', "b"},
		{"\\\\", '\\', ""},
		{"\\000x", 0, "x"},
		{"\\2551", 255, "1"},
		{"\xff", 255, ""},
		{"\\256", -1, NULL},
		{"\\25", -1, NULL},
		{"\\2x5", -1, NULL},
		{"\\", -1, NULL},
	};
	(void)state;

	for (size_t i = 0; i < N(cases); i++) {
		const char *text = cases[i].text;

		assert_int_equal(name_text_octet(&text), cases[i].octet);
		if (cases[i].rest)
			assert_string_equal(text, cases[i].rest);
	}
}

static void what_is_no_name_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"..",
		".a",
		"a..b",
		"a\\",
		"a\\25",
		"a\\256",
		"a23456789a23456789a23456789a23456789a23456789a23456789a234567890123",
	};
	uint8_t name[NAME_MAX_LEN];
	size_t len;
	(void)state;

	for (size_t i = 0; i < N(cases); i++)
		assert_int_equal(name_from_str(cases[i], name, &len), -EINVAL);
}

/* Labels of 63, 63, 63 and `last` octets: 193 + last + 1 in all. */
static void long_name(char *text, int last)
{
	for (int i = 0; i < 4; i++) {
		int n = i < 3 ? 63 : last;

		memset(text, 'a', (size_t)n);
		text += n;
		*text++ = '.';
	}
	*text = '\0';
}

static void name_of_255_octets_is_the_longest(void **state)
{
	uint8_t name[NAME_MAX_LEN];
	char text[NAME_STR_LEN];
	char again[NAME_STR_LEN];
	size_t len;
	(void)state;

	long_name(text, 61);
	assert_int_equal(name_from_str(text, name, &len), 0);
	assert_int_equal(len, 255);
	assert_string_equal(name_str(name, again), text);

	long_name(text, 62);
	assert_int_equal(name_from_str(text, name, &len), -EINVAL);
}

static void longest_text_fits(void **state)
{
	uint8_t name[NAME_MAX_LEN];
	char text[NAME_STR_LEN];
	size_t len = 0;
	(void)state;

	/* 63 + 63 + 63 + 61 octets, each shown as \000 */
	for (int i = 0; i < 4; i++) {
		uint8_t n = i < 3 ? 63 : 61;

		name[len++] = n;
		memset(name + len, 0, n);
		len += n;
	}
	name[len] = 0;
	assert_int_equal(strlen(name_str(name, text)), 250 * 4 + 4);
	assert_true(name_eq(wire(text), name));
}

static void case_makes_no_difference(void **state)
{
	static const uint8_t mixed[] = "\3WwW\7eXAMPLE\3com";
	uint8_t low[sizeof(mixed)];
	(void)state;

	assert_true(name_eq(mixed, wire("www.example.com")));
	assert_int_equal(name_cmp(mixed, wire("www.example.com")), 0);
	assert_true(name_is_within(mixed, wire("EXAMPLE.com")));
	name_lower(low, mixed, sizeof(mixed));
	assert_memory_equal(low, wire("www.example.com"), sizeof(low));
	/* letters beyond ASCII, and what differs by 32 from no letter, stay apart */
	assert_false(name_eq(wire("\\192"), wire("\\224")));
	assert_false(name_eq(wire("\\["), wire("\\{")));
}

static void order_is_the_canonical_one(void **state)
{
	/* the example of RFC 4034 section 6.1, with the root before and more behind */
	static const char *const sorted[] = {
		".",
		"example.",
		"a.example.",
		"yljkjljk.a.example.",
		"Z.a.example.",
		"zABC.a.EXAMPLE.",
		"z.example.",
		"\\001.z.example.",
		"*.z.example.",
		"\\200.z.example.",
		"zz.example.",
		"examplea.",
	};
	(void)state;

	for (size_t i = 0; i < N(sorted); i++)
		for (size_t j = 0; j < N(sorted); j++) {
			int order = name_cmp(wire(sorted[i]), wire(sorted[j]));

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
}

static void within_goes_by_whole_labels(void **state)
{
	static const struct {
		const char *name, *apex;
		bool within;
	} cases[] = {
		{"www.example.com", "www.example.com", true},
		{"a.b.www.example.com", "www.example.com", true},
		{"wwww.example.com", "www.example.com", false},
		{"example.com", "www.example.com", false},
		{"www.example.org", "www.example.com", false},
		{"a\\.example.com", "example.com", false},
		{"com", ".", true},
		{".", ".", true},
		{".", "com", false},
	};
	(void)state;

	for (size_t i = 0; i < N(cases); i++)
		assert_int_equal(name_is_within(wire(cases[i].name), wire(cases[i].apex)),
			cases[i].within);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_becomes_wire_and_text_again),
		cmocka_unit_test(one_octet_is_read_with_its_escape),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(name_of_255_octets_is_the_longest),
		cmocka_unit_test(longest_text_fits),
		cmocka_unit_test(case_makes_no_difference),
		cmocka_unit_test(order_is_the_canonical_one),
		cmocka_unit_test(within_goes_by_whole_labels),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
