/* test_load.c - site.yaml against the live system, in a network namespace of its own */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "lib/netns.h"

struct fixture {
	char path[64];
	struct report report;
	struct site *site;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	static const char text[] = "uplinks:\n"
				   "  - {name: isp-a, interface: wan-a}\n"
				   "  - {name: isp-b, interface: wan-b}\n";

	strcpy(f->path, "/tmp/test_load.XXXXXX");
	int fd = mkstemp(f->path);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	report_init(&f->report);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	report_fini(&f->report);
	site_free(f->site);
	free(f);
	return 0;
}

static void a_site_without_its_links_is_fine(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load_site(f->path, NULL, &f->report, &f->site), 0);
	assert_int_equal(f->report.n_errors, 0);
	assert_int_equal(f->site->n_uplinks, 2);
}

static void a_port_of_a_bridge_is_no_uplink(void **state)
{
	struct fixture *f = *state;

	netns_run("ip link add br0 type bridge; ip link add wan-b type veth peer name far;"
		  "ip link set wan-b master br0");
	assert_int_equal(load_site(f->path, NULL, &f->report, &f->site), -EINVAL);
	assert_int_equal(f->report.n_errors, 1);
	assert_int_equal(f->report.entries[0].line, 3);
	assert_non_null(strstr(f->report.entries[0].text, "wan-b is a port of br0"));
	netns_run("ip link del wan-b; ip link del br0");
}

static void what_is_checked_is_not_kept(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load_site(f->path, NULL, &f->report, &f->site), 0);
	netns_run("test -z \"$(nft list tables)\"");
}

static void a_mistake_in_the_file_is_reported(void **state)
{
	struct fixture *f = *state;
	FILE *file = fopen(f->path, "ae");

	fputs("bogus: 1\n", file);
	fclose(file);
	assert_int_equal(load_site(f->path, NULL, &f->report, &f->site), -EINVAL);
	assert_int_equal(f->report.n_errors, 1);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(a_site_without_its_links_is_fine),
		test(a_port_of_a_bridge_is_no_uplink),
		test(what_is_checked_is_not_kept),
		test(a_mistake_in_the_file_is_reported),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	log_init("test_load", LOG_LEVEL_DEBUG);
	netns_enter();
	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
