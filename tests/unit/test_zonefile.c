/* test_zonefile.c - dnsd/zonefile.c: master files, directives, records and their mistakes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dnsd/zonefile.h"

static void host_zone_is_read(void **state)
{
	static const char text[] =
		"$TTL 86400\n"
		"@ SOA www-ns1.example.com. hostmaster.example.com. ( 2026112201 28800\n"
		"  7200 864000 10 )\n"
		"  NS www-ns1.example.com.\n"
		"  NS www-ns2.example.com.\n";
	struct report report;
	struct zone *zone = NULL;
	(void)state;

	report_init(&report);
	int err = zonefile_parse(
		NULL, "www.example.com", "z", text, strlen(text), &report, &zone);

	assert_int_equal(err, 0);
	assert_int_equal(report.n_entries, 0);
	assert_int_equal(zone->serial, 2026112201);
	assert_int_equal(zone->n_records, 3);
	zone_free(zone);
	report_fini(&report);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_zone_is_read),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
