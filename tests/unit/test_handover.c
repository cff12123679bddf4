/* test_handover.c - sockets that a service manager holds, in a network namespace; the test is
 * the service manager
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/serve/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/netns.h"
#include "tests/lib/serving.h"

enum { PORT = 53, MAX = 4 };

/* ---- the service manager ---- */

struct rig {
	int fd; /* NOTIFY_SOCKET */
	char path[64];
};

static int setup(void **state)
{
	static struct rig rig;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	const struct timeval soon = {.tv_usec = 100000};

	snprintf(rig.path, sizeof(rig.path), "/tmp/test_handover.%d", (int)getpid());
	memcpy(un.sun_path, rig.path, strlen(rig.path) + 1);
	rig.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unlink(rig.path);
	setsockopt(rig.fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	*state = &rig;
	return bind(rig.fd, (struct sockaddr *)&un, sizeof(un)) < 0 ||
	       setenv("NOTIFY_SOCKET", rig.path, 1) < 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	unsetenv("NOTIFY_SOCKET");
	close(rig->fd);
	unlink(rig->path);
	return 0;
}

/* The next notification, "" if there is none; with how many descriptors came along. */
static const char *notified(const struct rig *rig, size_t *ret_n_fds)
{
	static char text[256];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(MAX * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(rig->fd, &msg, MSG_CMSG_CLOEXEC);

	*ret_n_fds = 0;
	text[len > 0 ? len : 0] = '\0';
	for (struct cmsghdr *c = len > 0 ? CMSG_FIRSTHDR(&msg) : NULL; c;
		c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_type != SCM_RIGHTS)
			continue;
		*ret_n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < *ret_n_fds; i++)
			close(((int *)CMSG_DATA(c))[i]);
	}
	return text;
}

static void assert_notified(void **state, const char *text, size_t n_fds)
{
	size_t n;

	assert_string_equal(notified(*state, &n), text);
	assert_int_equal(n, n_fds);
}

/* ---- sockets ---- */

static struct handover_place place(const char *address, bool tcp)
{
	return (struct handover_place){
		.tcp = tcp, .addr = serving_addr(address), .port = PORT};
}

static int bound(const char *address, bool tcp)
{
	const struct addr addr = serving_addr(address);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&addr, PORT, 0, &sa);
	int fd = socket(addr.family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	const int on = 1;

	setsockopt(fd, SOL_SOCKET, tcp ? SO_REUSEADDR : SO_REUSEPORT, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	if (tcp)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void what_is_asked_for_is_handed_out(void **state)
{
	const int fds[] = {bound("192.168.2.1", false), bound("192.168.2.1", true),
		bound("2001:db8:a::1", false)};
	const struct handover_place udp = place("192.168.2.1", false);
	const struct handover_place tcp = place("192.168.2.1", true);
	const struct handover_place udp6 = place("2001:db8:a::1", false);
	struct handover *handover;
	int got[MAX];
	(void)state;

	assert_int_equal(handover_new_from(fds, 3, &handover), 0);
	assert_int_equal(handover_take(handover, &tcp, got, 1), 1);
	assert_int_equal(got[0], fds[1]);
	assert_int_equal(handover_take(handover, &udp, got, MAX), 1);
	assert_int_equal(got[0], fds[0]);
	assert_int_equal(handover_take(handover, &udp6, got, MAX), 1);
	assert_int_equal(got[0], fds[2]);
	assert_int_equal(handover_take(handover, &udp6, got, MAX), 0);
	handover_free(handover);
	for (int i = 0; i < 3; i++) {
		assert_true(is_open(fds[i])); /* the taker's now */
		close(fds[i]);
	}
}

static void another_address_or_port_is_not_meant(void **state)
{
	const int fds[] = {bound("192.168.2.1", false)};
	const struct handover_place elsewhere = place("172.16.1.1", false);
	struct handover_place other = place("192.168.2.1", false);
	struct handover *handover;
	int got[MAX];
	(void)state;

	other.port = 54;
	assert_int_equal(handover_new_from(fds, 1, &handover), 0);
	assert_int_equal(handover_take(handover, &elsewhere, got, MAX), 0);
	assert_int_equal(handover_take(handover, &other, got, MAX), 0);
	handover_free(handover);
	assert_false(is_open(fds[0]));
}

/* Not bound, not listening, no Internet socket, no socket at all, not open. */
static void rubbish_is_closed(void **state)
{
	const int fds[] = {socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET, SOCK_STREAM, 0),
		socket(AF_UNIX, SOCK_DGRAM, 0), open("/dev/null", O_RDONLY), 999};
	const struct handover_place any = place("192.168.2.1", false);
	struct handover *handover;
	int got[MAX];
	(void)state;

	assert_int_equal(handover_new_from(fds, 5, &handover), 0);
	for (int i = 0; i < 4; i++)
		assert_false(is_open(fds[i]));
	assert_int_equal(handover_take(handover, &any, got, MAX), 0);
	handover_free(handover);
}

static void what_is_kept_goes_to_the_service_manager(void **state)
{
	const int fds[] = {bound("192.168.2.1", false), bound("192.168.2.1", false)};
	const struct handover_place udp = place("192.168.2.1", false);
	const struct handover_place udp6 = place("2001:db8:a::1", false);

	handover_keep(&udp, fds, 2);
	assert_notified(state, "FDSTORE=1\nFDPOLL=0\nFDNAME=udp-192.168.2.1-53", 2);
	handover_forget(&udp);
	assert_notified(state, "FDSTOREREMOVE=1\nFDNAME=udp-192.168.2.1-53", 0);
	handover_forget(&udp6); /* a name has no colon */
	assert_notified(state, "FDSTOREREMOVE=1\nFDNAME=udp-2001.db8.a..1-53", 0);
	close(fds[0]);
	close(fds[1]);
}

static void link_local_addresses_differ_by_interface(void **state)
{
	struct handover_place here = place("fe80::1", true);

	here.scope_id = 5;
	handover_forget(&here);
	assert_notified(state, "FDSTOREREMOVE=1\nFDNAME=tcp-fe80..1%5-53", 0);
}

static void one_thread_less_gives_one_back(void **state)
{
	const int fds[] = {bound("192.168.2.1", false), bound("192.168.2.1", false)};
	const struct handover_place udp = place("192.168.2.1", false);
	struct handover *handover;
	int got[MAX];

	assert_int_equal(handover_new_from(fds, 2, &handover), 0);
	assert_int_equal(handover_take(handover, &udp, got, 1), 1);
	assert_true(is_open(fds[0]));
	assert_false(is_open(fds[1]));
	assert_notified(state, "FDSTOREREMOVE=1\nFDNAME=udp-192.168.2.1-53", 0);
	assert_notified(state, "FDSTORE=1\nFDPOLL=0\nFDNAME=udp-192.168.2.1-53", 1);
	handover_free(handover);
	close(got[0]);
}

static void what_nobody_serves_any_more_is_given_back(void **state)
{
	const int fds[] = {bound("192.168.2.1", false), bound("2001:db8:a::1", true)};
	const struct handover_place udp = place("192.168.2.1", false);
	struct handover *handover;
	int got[MAX];

	assert_int_equal(handover_new_from(fds, 2, &handover), 0);
	assert_int_equal(handover_take(handover, &udp, got, MAX), 1);
	handover_discard(handover);
	assert_notified(state, "FDSTOREREMOVE=1\nFDNAME=tcp-2001.db8.a..1-53", 0);
	assert_notified(state, "", 0);
	assert_false(is_open(fds[1]));
	handover_discard(handover); /* nothing is left to be told of */
	assert_notified(state, "", 0);
	handover_free(handover);
	close(got[0]);
}

static void without_a_service_manager_there_is_nothing(void **state)
{
	const struct handover_place udp = place("192.168.2.1", false);
	const int fd = bound("192.168.2.1", false);
	struct handover *handover;
	int got[MAX];
	(void)state;

	unsetenv("NOTIFY_SOCKET");
	unsetenv("LISTEN_FDS");
	assert_int_equal(handover_new(&handover), 0);
	assert_int_equal(handover_take(handover, &udp, got, MAX), 0);
	handover_keep(&udp, &fd, 1);
	handover_forget(&udp);
	handover_free(handover);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for_is_handed_out),
		cmocka_unit_test(another_address_or_port_is_not_meant),
		cmocka_unit_test(rubbish_is_closed),
		cmocka_unit_test_setup_teardown(
			what_is_kept_goes_to_the_service_manager, setup, teardown),
		cmocka_unit_test_setup_teardown(
			link_local_addresses_differ_by_interface, setup, teardown),
		cmocka_unit_test_setup_teardown(
			one_thread_less_gives_one_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_nobody_serves_any_more_is_given_back, setup, teardown),
		cmocka_unit_test(without_a_service_manager_there_is_nothing),
	};

	netns_enter();
	netns_add("lo", "192.168.2.1/32");
	netns_add("lo", "2001:db8:a::1/128");
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("handover", tests, NULL, NULL);
}
