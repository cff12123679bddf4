/* test_sysctl.c - settings changed, remembered and put back, in a network namespace of the
 * test's own
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "lib/netns.h"
#include "routed/kernel/kernel.h"

#define RP_FILTER "net/ipv4/conf/lo/rp_filter"
#define FORWARD	  "net/ipv4/ip_forward"

struct fixture {
	char state[64];
	struct sysctl_store *store;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	netns_run("sysctl -qw net.ipv4.conf.lo.rp_filter=1 net.ipv4.ip_forward=0");
	snprintf(f->state, sizeof(f->state), "/tmp/test_sysctl.%d", (int)getpid());
	unlink(f->state);
	assert_int_equal(sysctl_store_new(f->state, &f->store), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sysctl_store_free(f->store);
	unlink(f->state);
	free(f);
	return 0;
}

static int set(struct fixture *f, const char *path, long value)
{
	struct kernel_sysctl sysctl = {.value = value};

	snprintf(sysctl.path, sizeof(sysctl.path), "%s", path);
	return sysctl_write(f->store, &sysctl);
}

static long get(const char *path)
{
	long value = LONG_MIN;

	assert_int_equal(sysctl_read(path, &value), 0);
	return value;
}

/* As after a crash: what the process knew is gone, the file is not. */
static void start_again(struct fixture *f)
{
	sysctl_store_free(f->store);
	assert_int_equal(sysctl_store_new(f->state, &f->store), 0);
}

static void what_was_found_first_is_put_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, RP_FILTER, 2), 0);
	assert_int_equal(get(RP_FILTER), 2);
	start_again(f);
	netns_run("sysctl -qw net.ipv4.conf.lo.rp_filter=0"); /* somebody */
	assert_int_equal(set(f, RP_FILTER, 2), 0);
	assert_int_equal(sysctl_restore(f->store), 0);
	assert_int_equal(get(RP_FILTER), 1);
	assert_int_equal(access(f->state, F_OK), -1);
}

static void a_later_value_of_somebody_else_stays(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, RP_FILTER, 2), 0);
	netns_run("sysctl -qw net.ipv4.conf.lo.rp_filter=0");
	assert_int_equal(sysctl_restore(f->store), 0);
	assert_int_equal(get(RP_FILTER), 0);
}

static void forwarding_is_never_switched_off(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, FORWARD, 1), 0);
	assert_int_equal(set(f, "net/ipv6/conf/all/forwarding", 1), 0);
	assert_int_equal(sysctl_restore(f->store), 0);
	assert_int_equal(get(FORWARD), 1);
	assert_int_equal(get("net/ipv6/conf/all/forwarding"), 1);
}

static void what_we_set_is_known_as_ours(void **state)
{
	struct fixture *f = *state;

	assert_false(sysctl_is_ours(f->store, RP_FILTER));
	assert_int_equal(set(f, RP_FILTER, 2), 0);
	start_again(f);
	assert_true(sysctl_is_ours(f->store, RP_FILTER));
	netns_run("sysctl -qw net.ipv4.conf.lo.rp_filter=0");
	assert_false(sysctl_is_ours(f->store, RP_FILTER));
}

/* A full disk must not keep the router from forwarding. */
static void what_cannot_be_remembered_is_changed_all_the_same(void **state)
{
	struct fixture *f = *state;
	char dir[80];

	snprintf(dir, sizeof(dir), "%s.new", f->state);
	assert_int_equal(mkdir(dir, 0700), 0); /* in the way of the new file */
	log_init("test_sysctl", 0);
	assert_int_equal(set(f, RP_FILTER, 2), 0);
	assert_int_equal(set(f, FORWARD, 1), 0);
	log_init("test_sysctl", LOG_LEVEL_NOTICE);
	assert_int_equal(get(RP_FILTER), 2);
	assert_int_equal(get(FORWARD), 1);
	assert_int_equal(access(f->state, F_OK), -1);

	rmdir(dir); /* and the next occasion is taken to write it down */
	start_again(f);
	assert_int_equal(access(f->state, F_OK), 0);
	assert_int_equal(sysctl_restore(f->store), 0);
	assert_int_equal(get(RP_FILTER), 1);
}

static void a_device_that_went_is_no_failure(void **state)
{
	struct fixture *f = *state;

	netns_run("ip link add wan-a type veth peer name isp-a;"
		  "sysctl -qw net.ipv4.conf.wan-a.rp_filter=1");
	assert_int_equal(set(f, "net/ipv4/conf/wan-a/rp_filter", 2), 0);
	netns_run("ip link del wan-a");
	assert_int_equal(sysctl_restore(f->store), 0);
}

static void what_cannot_be_read_is_told_apart(void **state)
{
	struct kernel wanted = {0};
	struct kernel actual = {0};
	struct kernel_sysctl there = {.path = RP_FILTER, .value = 7};
	struct kernel_sysctl missing = {.path = "net/ipv4/conf/no-such/rp_filter"};

	(void)state;
	kernel_add_sysctl(&wanted, &there);
	kernel_add_sysctl(&wanted, &missing);
	sysctl_read_all(&wanted, &actual);
	assert_int_equal(actual.n_sysctls, 2);
	assert_int_equal(actual.sysctls[0].value, 1);
	assert_true(actual.sysctls[1].value == LONG_MIN);
	kernel_fini(&wanted);
	kernel_fini(&actual);
}

static void paths_outside_of_net_are_refused(void **state)
{
	struct fixture *f = *state;
	long value;

	assert_int_equal(sysctl_read("kernel/pid_max", &value), -EINVAL);
	assert_int_equal(sysctl_read("net/../kernel/pid_max", &value), -EINVAL);
	assert_int_equal(sysctl_read("/net/ipv4/ip_forward", &value), -EINVAL);
	assert_int_equal(set(f, "kernel/pid_max", 1), -EINVAL);
}

/* Nor must a file that a power cut has spoilt keep routed from starting. */
static void a_file_that_cannot_be_understood_is_set_aside(void **state)
{
	struct fixture *f = *state;
	static const char *const files[] = {
		"net/ipv4/ip_forward\n",
		"net/ipv4/ip_forward 0\n",
		"net/ipv4/ip_forward 0 1", /* cut off */
		"net/ipv4/ip_forward 0 1 2\n",
		"kernel/pid_max 0 1\n",
		"\n",
	};
	char bad[80];

	snprintf(bad, sizeof(bad), "%s.bad", f->state);
	log_init("test_sysctl", 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		FILE *file = fopen(f->state, "w");

		fputs(RP_FILTER " 1 2\n", file);
		fputs(files[i], file);
		fclose(file);
		netns_run("sysctl -qw net.ipv4.conf.lo.rp_filter=2");
		start_again(f);
		assert_int_equal(access(f->state, F_OK), -1);
		assert_int_equal(unlink(bad), 0);
		assert_int_equal(sysctl_restore(f->store), 0);
		assert_int_equal(get(RP_FILTER), 1); /* what could be read */
	}
	log_init("test_sysctl", LOG_LEVEL_NOTICE);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_found_first_is_put_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_later_value_of_somebody_else_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(
			forwarding_is_never_switched_off, setup, teardown),
		cmocka_unit_test_setup_teardown(what_we_set_is_known_as_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_remembered_is_changed_all_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_device_that_went_is_no_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_read_is_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(
			paths_outside_of_net_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_that_cannot_be_understood_is_set_aside, setup, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	netns_enter();
	return cmocka_run_group_tests_name("sysctl", tests, NULL, NULL);
}
