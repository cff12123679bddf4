/* test_reload.c - what a daemon replies to `reload` */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/ctl/reload.h"

#include <errno.h>

#include "common/site/report.h"

static void success_has_no_error(void **state)
{
	struct report report;
	(void)state;

	report_init(&report);
	json_t *reply = reload_reply(0, &report);

	assert_true(json_is_true(json_object_get(reply, "reloaded")));
	assert_null(json_object_get(reply, "error"));
	json_decref(reply);
	report_fini(&report);
}

static const char *mistake(const json_t *reply, size_t i)
{
	return json_string_value(json_array_get(json_object_get(reply, "mistakes"), i));
}

static void failure_lists_every_line_as_check_does(void **state)
{
	struct report report;
	(void)state;

	report_init(&report);
	report_add(&report, REPORT_WARNING, "site.yaml", 9, "servers[0]: odd");
	report_add(&report, REPORT_ERROR, "site.yaml", 4, "uplinks[0]: wrong");
	json_t *reply = reload_reply(-EINVAL, &report);

	assert_true(json_is_string(json_object_get(reply, "error")));
	assert_null(json_object_get(reply, "reloaded"));
	assert_int_equal(json_array_size(json_object_get(reply, "mistakes")), 2);
	assert_string_equal(mistake(reply, 0), "site.yaml:4: uplinks[0]: wrong");
	assert_string_equal(mistake(reply, 1), "site.yaml:9: warning: servers[0]: odd");
	json_decref(reply);
	report_fini(&report);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(success_has_no_error),
		cmocka_unit_test(failure_lists_every_line_as_check_does),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
