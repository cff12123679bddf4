/* test_sockets.c - open sockets follow the wanted ones, on loopback in a network namespace */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/serve/sockets.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "dnsd/serve/tcp.h"
#include "tests/lib/netns.h"
#include "tests/lib/serving.h"

struct rig {
	struct fixture *f;
	struct view *a;
	struct view *b;
	struct event_base *base;
	struct tcp_server *tcp;
	struct sockets *sockets;
};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->f = fixture_new(&fixture_host_zone, 1);
	rig->a = serving_view(rig->f, "isp-a");
	rig->b = serving_view(rig->f, "isp-b");
	rig->base = event_base_new();
	*state = rig;
	if (tcp_server_new(rig->base, &tcp_limits_default, &rig->tcp) < 0)
		return -1;
	return sockets_new(rig->base, rig->tcp, &rig->sockets);
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	sockets_free(rig->sockets);
	tcp_server_free(rig->tcp);
	event_base_free(rig->base);
	view_free(rig->a);
	view_free(rig->b);
	fixture_free(rig->f);
	free(rig);
	return 0;
}

static struct socket_spec want(struct view *view, const char *address)
{
	return (struct socket_spec){
		.view = view, .addr = serving_addr(address), .port = 53, .n_threads = 2};
}

static void apply(struct rig *rig, const char *first, const char *second)
{
	const struct socket_spec specs[] = {
		want(rig->a, first), second ? want(rig->b, second) : (struct socket_spec){0}};

	sockets_apply(rig->sockets, specs, second ? 2 : 1);
}

static uint64_t n_queries(const struct rig *rig, const struct view *view)
{
	uint64_t totals[STATS_N_COUNTERS] = {0};

	sockets_count(rig->sockets, view, false, totals);
	return totals[STATS_QUERIES];
}

static void assert_serves(struct rig *rig, const char *at, const char *answer)
{
	serving_ask(rig->f, at, "www.example.com.", LDNS_RR_TYPE_A);
	assert_has_rr(rig->f, LDNS_SECTION_ANSWER, answer);
}

/* Another program's socket. */
static int hold(int type, const char *address)
{
	const struct addr addr = serving_addr(address);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&addr, 53, 0, &sa);
	int fd = socket(addr.family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void wanted_sockets_are_opened(void **state)
{
	struct rig *rig = *state;

	apply(rig, "192.168.2.1", "172.16.1.1");
	assert_int_equal(sockets_n(rig->sockets), 4);
	assert_int_equal(sockets_n_open(rig->sockets), 4);
	assert_serves(rig, "192.168.2.1", "www.example.com. 10 A 192.168.2.1");
	assert_serves(rig, "172.16.1.1", "www.example.com. 10 A 172.16.1.1");
}

static void those_that_stay_are_not_touched(void **state)
{
	struct rig *rig = *state;

	apply(rig, "192.168.2.1", "172.16.1.1");
	assert_serves(rig, "192.168.2.1", "www.example.com. 10 A 192.168.2.1");
	apply(rig, "192.168.2.1", "172.16.1.2");
	apply(rig, "192.168.2.1", NULL);

	/* the counter is the worker's own: a new one would begin at 0 */
	assert_int_equal(n_queries(rig, rig->a), 1);
	assert_int_equal(sockets_n(rig->sockets), 2);
}

static void those_that_go_are_closed_and_remembered(void **state)
{
	struct rig *rig = *state;

	apply(rig, "192.168.2.1", "172.16.1.1");
	assert_serves(rig, "172.16.1.1", "www.example.com. 10 A 172.16.1.1");
	apply(rig, "192.168.2.1", NULL);
	assert_int_equal(n_queries(rig, rig->b), 0);
	assert_int_equal(rig->b->gone_udp[STATS_QUERIES], 1);
	close(hold(SOCK_DGRAM, "172.16.1.1"));
}

static void an_address_may_move_to_another_view(void **state)
{
	struct rig *rig = *state;
	const struct socket_spec before = want(rig->a, "192.168.2.1");
	const struct socket_spec after = want(rig->b, "192.168.2.1");

	sockets_apply(rig->sockets, &before, 1);
	sockets_apply(rig->sockets, &after, 1);
	assert_int_equal(sockets_n_open(rig->sockets), 2);
	assert_serves(rig, "192.168.2.1", "www.example.com. 10 A 172.16.1.1");
}

static void another_number_of_threads_opens_udp_anew(void **state)
{
	struct rig *rig = *state;
	struct socket_spec specs = want(rig->a, "192.168.2.1");

	sockets_apply(rig->sockets, &specs, 1);
	specs.n_threads = 1;
	sockets_apply(rig->sockets, &specs, 1);
	assert_int_equal(sockets_n_open(rig->sockets), 2);
	assert_int_equal(sockets_n(rig->sockets), 2);
	assert_serves(rig, "192.168.2.1", "www.example.com. 10 A 192.168.2.1");
}

static void a_taken_port_costs_one_socket_and_comes_back(void **state)
{
	struct rig *rig = *state;
	int fd = hold(SOCK_DGRAM, "192.168.2.1");
	int64_t begin_ms = clock_now_ms();

	apply(rig, "192.168.2.1", "172.16.1.1");
	assert_int_equal(sockets_n_open(rig->sockets), 3);
	assert_serves(rig, "172.16.1.1", "www.example.com. 10 A 172.16.1.1");
	const struct socket_state udp = sockets_state(rig->sockets, 0);
	assert_false(udp.is_open);
	assert_non_null(strstr(udp.problem, "Address already in use"));
	assert_non_null(strstr(udp.problem, "test_sockets"));
	assert_true(udp.retry_in_ms > 0 && udp.retry_in_ms <= 1000);

	close(fd);
	while (sockets_n_open(rig->sockets) < 4 && clock_now_ms() - begin_ms < 5000)
		event_base_loop(rig->base, EVLOOP_ONCE);
	assert_int_equal(sockets_n_open(rig->sockets), 4);
	assert_string_equal(sockets_state(rig->sockets, 0).problem, "");
	assert_serves(rig, "192.168.2.1", "www.example.com. 10 A 192.168.2.1");
}

static void a_taken_tcp_port_leaves_udp_alone(void **state)
{
	struct rig *rig = *state;
	int fd = hold(SOCK_STREAM, "192.168.2.1");

	apply(rig, "192.168.2.1", NULL);
	assert_int_equal(sockets_n_open(rig->sockets), 1);
	assert_serves(rig, "192.168.2.1", "www.example.com. 10 A 192.168.2.1");
	close(fd);
	sockets_retry(rig->sockets);
	assert_int_equal(sockets_n_open(rig->sockets), 2);
}

static void a_wildcard_of_another_program_counts_as_taken(void **state)
{
	struct rig *rig = *state;
	int fd = hold(SOCK_DGRAM, "0.0.0.0");

	apply(rig, "192.168.2.1", NULL);
	assert_int_equal(sockets_n_open(rig->sockets), 1);
	close(fd);
}

static void patience_doubles_up_to_half_a_minute(void **state)
{
	struct rig *rig = *state;
	int fd = hold(SOCK_DGRAM, "192.168.2.1");

	apply(rig, "192.168.2.1", NULL);
	assert_true(sockets_state(rig->sockets, 0).retry_in_ms <= 1000);
	int64_t begin_ms = clock_now_ms();
	while (sockets_state(rig->sockets, 0).retry_in_ms <= 1000 &&
		clock_now_ms() - begin_ms < 5000)
		event_base_loop(rig->base, EVLOOP_ONCE);
	assert_true(sockets_state(rig->sockets, 0).retry_in_ms > 1000);
	assert_true(sockets_state(rig->sockets, 0).retry_in_ms <= 2000);
	close(fd);
}

static void an_address_that_is_not_there_waits(void **state)
{
	struct rig *rig = *state;

	apply(rig, "192.0.2.99", "172.16.1.1");
	assert_int_equal(sockets_n_open(rig->sockets), 2);
	netns_add("lo", "192.0.2.99/32");
	sockets_retry(rig->sockets);
	assert_int_equal(sockets_n_open(rig->sockets), 4);
	netns_del("lo", "192.0.2.99/32");
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(wanted_sockets_are_opened),
		test(those_that_stay_are_not_touched),
		test(those_that_go_are_closed_and_remembered),
		test(an_address_may_move_to_another_view),
		test(another_number_of_threads_opens_udp_anew),
		test(a_taken_port_costs_one_socket_and_comes_back),
		test(a_taken_tcp_port_leaves_udp_alone),
		test(a_wildcard_of_another_program_counts_as_taken),
		test(patience_doubles_up_to_half_a_minute),
		test(an_address_that_is_not_there_waits),
	};

	netns_enter();
	netns_add("lo", "192.168.2.1/32");
	netns_add("lo", "172.16.1.1/32");
	netns_add("lo", "172.16.1.2/32");
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
