/* test_config.c - dnsd/config.c: site.yaml and its zones, read as one */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsd/config.h"
#include "tests/lib/reports.h"

struct fixture {
	char dir[64];
	char site_path[128];
	char zone_path[128];
	struct report report;
	struct config *config;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	snprintf(f->dir, sizeof(f->dir), "/tmp/test_config.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->site_path, sizeof(f->site_path), "%s/site.yaml", f->dir);
	snprintf(f->zone_path, sizeof(f->zone_path), "%s/zone", f->dir);
	report_init(&f->report);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->site_path);
	unlink(f->zone_path);
	rmdir(f->dir);
	report_fini(&f->report);
	config_free(f->config);
	free(f);
	return 0;
}

static void put_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

#define SITE(more)                                                    \
	"uplinks:\n"                                                  \
	"  - {name: isp-a, interface: wan-a}\n"                       \
	"  - {name: isp-b, interface: wan-b, public: 198.51.100.2}\n" \
	"dns:\n"                                                      \
	"  zones: [{name: www.example.com, file: zone}]\n" more

#define ZONE(more)                        \
	"$TTL 60\n"                       \
	"@ SOA ns hostmaster 1 2 3 4 5\n" \
	"  NS ns\n" more

static void mistakes_in_site_and_zone_come_in_one_run(void **state)
{
	struct fixture *f = *state;
	char expected[512];

	put_file(f->site_path, SITE("  nonsense: 1\n"));
	put_file(f->zone_path, ZONE("ns UPLINK isp-c\n"));

	assert_int_equal(config_load(f->site_path, &f->report, &f->config), -EINVAL);

	assert_null(f->config);
	assert_int_equal(f->report.n_errors, 2);
	snprintf(expected, sizeof(expected), "%s:6: dns.nonsense: unknown key", f->site_path);
	char *text = report_lines(&f->report);
	assert_non_null(strstr(text, expected));
	snprintf(expected, sizeof(expected), "%s:4: UPLINK isp-c", f->zone_path);
	assert_non_null(strstr(text, expected));
	free(text);
}

static void advice_is_given_beside_mistakes(void **state)
{
	struct fixture *f = *state;
	char expected[512];

	put_file(f->site_path, SITE(""));
	put_file(f->zone_path, ZONE("ns UPLINK isp-a\nlong 3600 UPLINK isp-a\nbad A x\n"));

	assert_int_equal(config_load(f->site_path, &f->report, &f->config), -EINVAL);

	assert_int_equal(f->report.n_errors, 1);
	snprintf(expected, sizeof(expected), "%s:5: warning: long.www.example.com.: TTL 3600",
		f->zone_path);
	char *text = report_lines(&f->report);
	assert_non_null(strstr(text, expected));
	free(text);
}

static void a_zone_without_a_file_is_reported_once(void **state)
{
	struct fixture *f = *state;

	put_file(f->site_path, "uplinks:\n"
			       "  - {name: isp-a, interface: wan-a}\n"
			       "dns:\n"
			       "  zones: [{name: www.example.com}]\n");

	assert_int_equal(config_load(f->site_path, &f->report, &f->config), -EINVAL);

	assert_int_equal(f->report.n_errors, 1);
}

static void a_live_address_of_an_uplink_is_advised_against(void **state)
{
	struct fixture *f = *state;
	struct facts facts = {.n_uplinks = 2};

	put_file(f->site_path, SITE(""));
	put_file(f->zone_path, ZONE("ns A 192.0.2.7\n"));
	assert_int_equal(config_load(f->site_path, &f->report, &f->config), 0);
	assert_int_equal(f->report.n_warnings, 0);
	addr_parse("192.0.2.7", &facts.uplinks[0].public_addrs[SITE_IPV4]);

	config_advise(f->config, &facts, &f->report);

	assert_int_equal(f->report.n_warnings, 1);
	assert_non_null(strstr(f->report.entries[0].text, "192.0.2.7"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			mistakes_in_site_and_zone_come_in_one_run, setup, teardown),
		cmocka_unit_test_setup_teardown(
			advice_is_given_beside_mistakes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_zone_without_a_file_is_reported_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_live_address_of_an_uplink_is_advised_against, setup, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
