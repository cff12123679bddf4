/* test_portowner.c - who holds a port: real sockets in a network namespace of the test's own */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/net/portowner.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORT = 53 };

static struct addr addr(const char *text)
{
	struct addr parsed;

	assert_int_equal(addr_parse(text, &parsed), 0);
	return parsed;
}

/* A socket at `at`; TCP ones listen. `v6only` matters to IPv6 wildcards. */
static int hold(int type, const char *at, uint16_t port, int v6only)
{
	struct addr local = addr(at);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&local, port, 0, &sa);
	int fd = socket(local.family, type | SOCK_CLOEXEC, 0);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (local.family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		fail_msg("bind %s: %s", at, strerror(errno));
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static char text[PORTOWNER_TEXT_MAX];

static int find(int protocol, const char *local)
{
	struct addr at = addr(local);

	return portowner_find(protocol, &at, PORT, text, sizeof(text));
}

static void assert_text_is_ours_on(const char *where)
{
	char wanted[128];

	snprintf(
		wanted, sizeof(wanted), "test_portowner (pid %d) on %s", (int)getpid(), where);
	assert_string_equal(text, wanted);
}

static void a_free_port_has_no_holder(void **state)
{
	(void)state;
	assert_int_equal(find(IPPROTO_UDP, "127.0.0.1"), 0);
	assert_string_equal(text, "");
	assert_int_equal(find(IPPROTO_TCP, "::1"), 0);
}

static void the_holder_is_named_with_pid_and_address(void **state)
{
	static const struct {
		int type;
		int protocol;
		const char *held;
		const char *wanted;
		const char *where;
	} cases[] = {
		{SOCK_DGRAM, IPPROTO_UDP, "127.0.0.53", "127.0.0.53", "127.0.0.53:53"},
		{SOCK_STREAM, IPPROTO_TCP, "127.0.0.53", "127.0.0.53", "127.0.0.53:53"},
		{SOCK_DGRAM, IPPROTO_UDP, "0.0.0.0", "127.0.0.53", "0.0.0.0:53"},
		{SOCK_DGRAM, IPPROTO_UDP, "127.0.0.53", "0.0.0.0", "127.0.0.53:53"},
		{SOCK_DGRAM, IPPROTO_UDP, "::1", "::1", "[::1]:53"},
		{SOCK_STREAM, IPPROTO_TCP, "::", "::1", "[::]:53"},
		{SOCK_DGRAM, IPPROTO_UDP, "::", "127.0.0.53", "[::]:53"},
		{SOCK_STREAM, IPPROTO_TCP, "::", "127.0.0.53", "[::]:53"},
		{SOCK_DGRAM, IPPROTO_UDP, "::ffff:127.0.0.53", "127.0.0.53", "127.0.0.53:53"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int fd = hold(cases[i].type, cases[i].held, PORT, 0);

		print_message("  case %zu: %s\n", i, cases[i].where);
		assert_int_equal(find(cases[i].protocol, cases[i].wanted), 1);
		assert_text_is_ours_on(cases[i].where);
		close(fd);
	}
}

static void a_holder_of_several_sockets_is_named_once(void **state)
{
	int fds[] = {hold(SOCK_DGRAM, "127.0.0.1", PORT, 0),
		hold(SOCK_DGRAM, "127.0.0.1", PORT, 0)};

	(void)state;
	assert_int_equal(find(IPPROTO_UDP, "127.0.0.1"), 2);
	assert_text_is_ours_on("127.0.0.1:53");
	close(fds[0]);
	close(fds[1]);
}

static void sockets_that_are_not_in_the_way_are_not_named(void **state)
{
	(void)state;
	int fds[] = {
		hold(SOCK_DGRAM, "127.0.0.2", PORT, 0),
		hold(SOCK_DGRAM, "127.0.0.1", PORT + 1, 0),
		hold(SOCK_STREAM, "127.0.0.1", PORT, 0), hold(SOCK_DGRAM, "::1", PORT, 0),
		hold(SOCK_DGRAM, "::", PORT, 1), /* IPV6_V6ONLY */
	};

	assert_int_equal(find(IPPROTO_UDP, "127.0.0.1"), 0);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		close(fds[i]);
}

static void many_holders_are_counted(void **state)
{
	int fds[PORTOWNER_MAX + 3];

	(void)state;
	for (int i = 0; i < PORTOWNER_MAX + 3; i++) {
		char at[16];

		snprintf(at, sizeof(at), "127.0.0.%d", i + 1);
		fds[i] = hold(SOCK_DGRAM, at, PORT, 0);
	}
	assert_int_equal(find(IPPROTO_UDP, "0.0.0.0"), PORTOWNER_MAX + 3);
	assert_non_null(strstr(text, ":53, test_portowner"));
	assert_non_null(strstr(text, " and 3 more"));
	for (int i = 0; i < PORTOWNER_MAX + 3; i++)
		close(fds[i]);
}

static void a_socket_bound_to_a_device_says_so(void **state)
{
	(void)state;
	int fd = hold(SOCK_STREAM, "127.0.0.1", PORT + 1, 0);
	int bound = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct addr local = addr("127.0.0.1");
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&local, PORT, 0, &sa);

	assert_int_equal(setsockopt(bound, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
	assert_int_equal(bind(bound, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(find(IPPROTO_UDP, "127.0.0.1"), 1);
	assert_text_is_ours_on("127.0.0.1:53 of lo");
	close(bound);
	close(fd);
}

static void a_short_buffer_cuts_the_text(void **state)
{
	struct addr at = addr("127.0.0.1");
	char small[10];
	int fd = hold(SOCK_DGRAM, "127.0.0.1", PORT, 0);

	(void)state;
	memset(small, 'x', sizeof(small));
	assert_int_equal(portowner_find(IPPROTO_UDP, &at, PORT, small, sizeof(small)), 1);
	assert_int_equal(strlen(small), sizeof(small) - 1);
	assert_int_equal(portowner_find(IPPROTO_UDP, &at, PORT, small, 1), 1);
	assert_string_equal(small, "");
	assert_int_equal(portowner_find(IPPROTO_UDP, &at, PORT, small, 0), -EINVAL);
	close(fd);
}

/* As dnsd sees it once it has dropped its privileges. */
static void without_privilege_the_user_is_named(void **state)
{
	int fd = hold(SOCK_DGRAM, "127.0.0.1", PORT, 0);
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
			_exit(1);
		close(fd);
		int n = find(IPPROTO_UDP, "127.0.0.1");
		_exit(n == 1 && strcmp(text, "a socket of user root on 127.0.0.1:53") == 0
				? 0
				: 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
}

static void another_protocol_is_an_error(void **state)
{
	(void)state;
	assert_true(find(200, "127.0.0.1") <= 0);
	assert_string_equal(text, "");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_free_port_has_no_holder),
		cmocka_unit_test(the_holder_is_named_with_pid_and_address),
		cmocka_unit_test(a_holder_of_several_sockets_is_named_once),
		cmocka_unit_test(sockets_that_are_not_in_the_way_are_not_named),
		cmocka_unit_test(many_holders_are_counted),
		cmocka_unit_test(a_socket_bound_to_a_device_says_so),
		cmocka_unit_test(a_short_buffer_cuts_the_text),
		cmocka_unit_test(without_privilege_the_user_is_named),
		cmocka_unit_test(another_protocol_is_an_error),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr, "SKIPPED: no network namespace: %s\n", strerror(errno));
		return 77;
	}
	if (system("ip link set lo up") != 0)
		return 1;
	return cmocka_run_group_tests_name("owner", tests, NULL, NULL);
}
