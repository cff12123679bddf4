/* test_log.c - one line per event, whole, and at the right level */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char text[8192];
static int before;

static void begin(void)
{
	int file = memfd_create("log", MFD_CLOEXEC);

	before = dup(STDERR_FILENO);
	dup2(file, STDERR_FILENO);
	close(file);
}

static const char *end(void)
{
	ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	dup2(before, STDERR_FILENO);
	close(before);
	return text;
}

static void the_journal_gets_the_level(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_init("dnsd", LOG_LEVEL_INFO);
	begin();
	log_notice("uplink", "isp-a is down, default route moves to %s", "isp-b");
	log_warning("udp", "odd");
	log_debug("udp", "not shown");
	assert_int_equal(
		log_error(-EADDRINUSE, "udp", "cannot bind %s", "192.168.2.1"), -EADDRINUSE);
	assert_string_equal(end(), "<5>uplink: isp-a is down, default route moves to isp-b\n"
				   "<4>warning: udp: odd\n"
				   "<3>error: udp: cannot bind 192.168.2.1: "
				   "Address already in use\n");
}

static void elsewhere_a_line_begins_with_time_and_program(void **state)
{
	const char *dot;

	(void)state;
	unsetenv("JOURNAL_STREAM");
	log_init("dnsd", LOG_LEVEL_DEBUG);
	begin();
	log_debug("udp", "shown");
	const char *line = end();
	assert_int_equal(line[4], '-');
	assert_non_null(dot = strchr(line, '.'));
	assert_string_equal(dot + 4, " dnsd: udp: shown\n");
}

static void an_error_without_a_number_is_eio(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	log_init("dnsd", LOG_LEVEL_INFO);
	begin();
	int r = log_error(0, "zone", "no SOA");
	assert_string_equal(end(), "<3>error: zone: no SOA\n");
	assert_int_equal(r, -EIO);
}

static void an_endless_line_is_cut_and_still_a_line(void **state)
{
	char endless[5000];

	(void)state;
	memset(endless, 'x', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	begin();
	log_info("zone", "%s", endless);
	log_error(-EIO, "zone", "%s", endless);
	const char *lines = end();
	const char *first_end = strchr(lines, '\n');
	assert_non_null(first_end);
	assert_int_equal(lines[strlen(lines) - 1], '\n');
	assert_true(first_end - lines < 2048);
	assert_int_equal(strncmp(first_end + 1, "<3>error: zone: xxx", 19), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_journal_gets_the_level),
		cmocka_unit_test(elsewhere_a_line_begins_with_time_and_program),
		cmocka_unit_test(an_error_without_a_number_is_eio),
		cmocka_unit_test(an_endless_line_is_cut_and_still_a_line),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
