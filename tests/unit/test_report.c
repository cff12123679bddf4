/* test_report.c - mistakes are collected, sorted and printed; none is lost */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/site/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What report_print writes; the caller frees it. */
static char *printed(struct report *report)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	report_print(report, out);
	fclose(out);
	return text;
}

static void assert_prints(struct report *report, const char *wanted)
{
	char *text = printed(report);

	assert_string_equal(text, wanted);
	free(text);
	report_fini(report);
}

static void entries_are_sorted_by_file_as_met_and_line(void **state)
{
	struct report report;

	(void)state;
	report_init(&report);
	report_add(&report, REPORT_ERROR, "site.yaml", 12, "uplinks[1].%s: what", "interface");
	report_add(&report, REPORT_WARNING, "b.zone", 7, "odd");
	report_add(&report, REPORT_ERROR, "a.zone", 3, "wrong");
	report_add(&report, REPORT_ERROR, "site.yaml", 2, "first");
	report_add(&report, REPORT_ERROR, "site.yaml", 0, "as a whole");
	report_add(&report, REPORT_ERROR, "site.yaml", 12, "same line, later");

	assert_int_equal(report.n_entries, 6);
	assert_int_equal(report.n_errors, 5);
	assert_int_equal(report.n_warnings, 1);
	assert_prints(&report, "site.yaml: as a whole\n"
			       "site.yaml:2: first\n"
			       "site.yaml:12: uplinks[1].interface: what\n"
			       "site.yaml:12: same line, later\n"
			       "b.zone:7: warning: odd\n"
			       "a.zone:3: wrong\n");
}

static void an_empty_report_prints_nothing(void **state)
{
	struct report report;

	(void)state;
	report_init(&report);
	assert_prints(&report, "");
}

static void hundreds_of_entries_are_kept(void **state)
{
	enum { N = 700 };
	struct report report;
	size_t n_lines = 0;

	(void)state;
	report_init(&report);
	for (int line = N; line >= 1; line--)
		report_add(&report, REPORT_ERROR, "site.yaml", line, "wrong");
	char *text = printed(&report);
	for (const char *c = text; *c; c++)
		n_lines += *c == '\n';
	assert_int_equal(n_lines, N);
	assert_memory_equal(text, "site.yaml:1: wrong\nsite.yaml:2: ", 32);
	free(text);
	report_fini(&report);
	assert_int_equal(report.n_entries, 0);
}

static void the_caller_may_reuse_its_strings(void **state)
{
	struct report report;
	char file[] = "site.yaml";

	(void)state;
	report_init(&report);
	report_add(&report, REPORT_ERROR, file, 1, "wrong");
	memset(file, 'x', sizeof(file) - 1);
	assert_prints(&report, "site.yaml:1: wrong\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_sorted_by_file_as_met_and_line),
		cmocka_unit_test(an_empty_report_prints_nothing),
		cmocka_unit_test(hundreds_of_entries_are_kept),
		cmocka_unit_test(the_caller_may_reuse_its_strings),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
