/* test_udp.c - UDP sockets and their threads, on loopback in a network namespace */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/serve/udp.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "dnsd/state/facts.h"
#include "tests/lib/netns.h"
#include "tests/lib/serving.h"

enum {
	N_CLIENTS = 64,
	N_FILL =
		20000, /* responses: more than a send buffer of 8 MiB holds, 768 octets each */
};

struct rig {
	struct fixture *f;
	struct view *view;
	struct udp *udp;
};

static struct udp_at at(const char *address, unsigned int n_threads)
{
	return (struct udp_at){
		.addr = serving_addr(address), .port = 53, .n_threads = n_threads};
}

static int setup(void **state)
{
	static struct rig rig;
	const struct udp_at where = at("192.168.2.1", 4);

	rig.f = fixture_new(&fixture_host_zone, 1);
	rig.view = serving_view(rig.f, "isp-a");
	*state = &rig;
	return udp_open(&where, rig.view, &rig.udp);
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	udp_close(rig->udp);
	view_free(rig->view);
	fixture_free(rig->f);
	return 0;
}

static void wait_for_counter(const struct rig *rig, enum stats_counter counter, uint64_t n)
{
	for (int i = 0; i < 500; i++) {
		uint64_t totals[STATS_N_COUNTERS] = {0};

		udp_count(rig->udp, totals);
		if (totals[counter] >= n)
			return;
		usleep(10000);
	}
	fail_msg("counter %u has not reached %u", (unsigned int)counter, (unsigned int)n);
}

static void a_query_is_answered(void **state)
{
	struct rig *rig = *state;

	serving_ask(rig->f, "192.168.2.1", "www.example.com.", LDNS_RR_TYPE_A);
	assert_answer(rig->f, "www.example.com. 10 A 192.168.2.1");
}

static void ipv6_is_served_alike(void **state)
{
	struct rig *rig = *state;
	const struct udp_at where = at("2001:db8:a::1", 1);
	struct udp *udp;

	assert_int_equal(udp_open(&where, rig->view, &udp), 0);
	serving_ask(rig->f, "2001:db8:a::1", "www.example.com.", LDNS_RR_TYPE_A);
	assert_answer(rig->f, "www.example.com. 10 A 192.168.2.1");
	udp_close(udp);
}

enum { LO = 1, OTHER = 2 }; /* ifindices in the namespace */

/* Both families; what is asked through another device is answered by the same socket. */
static void the_inside_view_is_silent_where_it_is_closed(void **state)
{
	static const char *const servers[] = {"192.168.2.1", "2001:db8:a::1"};
	struct rig *rig = *state;

	udp_close(rig->udp);
	rig->view->index = FACTS_VIEW_INSIDE;
	for (size_t i = 0; i < 2; i++) {
		const struct udp_at where = at(servers[i], 1);
		uint8_t bytes[RESPOND_UDP_CAP];

		assert_int_equal(udp_open(&where, rig->view, &rig->udp), 0);
		view_close_to(rig->view, (const int[]){OTHER, LO}, 2);
		int fd = serving_connect(SOCK_DGRAM, servers[i]);
		packet_query(&rig->f->query, "www.example.com.", LDNS_RR_TYPE_A,
			&(const struct asking){0});
		serving_send(fd, &rig->f->query, false);
		wait_for_counter(rig, STATS_FROM_UPLINK, 1);
		wait_for_counter(rig, STATS_DROPPED, 1);
		assert_int_equal(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT), -1);
		close(fd);

		view_close_to(rig->view, (const int[]){OTHER}, 1);
		serving_ask(rig->f, servers[i], "www.example.com.", LDNS_RR_TYPE_A);
		if (i == 0)
			udp_close(rig->udp);
	}
}

/* A process that knew nothing of it bound the socket. */
static void a_taken_socket_is_closed_too(void **state)
{
	struct rig *rig = *state;
	struct udp_at where = at("192.168.2.1", 4);
	int fds[UDP_MAX_THREADS];

	where.n_fds = udp_fds(rig->udp, fds);
	for (size_t i = 0; i < where.n_fds; i++)
		fds[i] = dup(fds[i]);
	where.fds = fds;
	udp_close(rig->udp);
	rig->view->index = FACTS_VIEW_INSIDE;
	view_close_to(rig->view, (const int[]){LO}, 1);
	assert_int_equal(udp_open(&where, rig->view, &rig->udp), 0);

	int fd = serving_connect(SOCK_DGRAM, "192.168.2.1");
	packet_query(
		&rig->f->query, "www.example.com.", LDNS_RR_TYPE_A, &(const struct asking){0});
	serving_send(fd, &rig->f->query, false);
	wait_for_counter(rig, STATS_FROM_UPLINK, 1);
	close(fd);
}

static void an_uplinks_view_is_closed_to_none(void **state)
{
	struct rig *rig = *state;

	view_close_to(rig->view, (const int[]){LO}, 1);
	serving_ask(rig->f, "192.168.2.1", "www.example.com.", LDNS_RR_TYPE_A);
}

static void all_threads_answer_and_count(void **state)
{
	struct rig *rig = *state;
	uint64_t totals[STATS_N_COUNTERS] = {0};

	for (int i = 0; i < N_CLIENTS; i++)
		serving_ask(rig->f, "192.168.2.1", "www.example.com.", LDNS_RR_TYPE_A);
	udp_count(rig->udp, totals);
	assert_int_equal(totals[STATS_QUERIES], N_CLIENTS);
	assert_int_equal(totals[STATS_RCODE_0], N_CLIENTS);
}

static void a_burst_is_answered_whole(void **state)
{
	struct rig *rig = *state;
	int fd = serving_connect(SOCK_DGRAM, "192.168.2.1");
	uint8_t bytes[RESPOND_UDP_CAP];
	bool seen[100] = {false};

	for (uint16_t i = 0; i < 100; i++) {
		packet_query(&rig->f->query, "www.example.com.", LDNS_RR_TYPE_A,
			&(const struct asking){.id = (uint16_t)(i + 1)});
		serving_send(fd, &rig->f->query, false);
	}
	for (int i = 0; i < 100; i++) {
		assert_true(serving_receive(fd, bytes, sizeof(bytes), false) > 12);
		seen[(bytes[0] << 8 | bytes[1]) - 1] = true;
	}
	for (int i = 0; i < 100; i++)
		assert_true(seen[i]);
	close(fd);
}

static void a_port_that_is_served_is_taken(void **state)
{
	struct rig *rig = *state;
	struct udp *second = NULL;
	const struct udp_at alone = at("192.168.2.1", 1);
	const struct udp_at many = at("192.168.2.1", 4);

	assert_int_equal(udp_open(&alone, rig->view, &second), -EADDRINUSE);
	assert_int_equal(udp_open(&many, rig->view, &second), -EADDRINUSE);
	assert_null(second);
}

static void an_address_that_is_not_there_is_an_error(void **state)
{
	struct rig *rig = *state;
	struct udp *udp = NULL;
	const struct udp_at where = at("172.16.1.1", 1);

	assert_int_equal(udp_open(&where, rig->view, &udp), -EADDRNOTAVAIL);
}

static void rubbish_meets_silence_and_ends_nothing(void **state)
{
	struct rig *rig = *state;
	int fd = serving_connect(SOCK_DGRAM, "192.168.2.1");
	uint8_t large[4000] = {0x12, 0x34};

	assert_int_equal(send(fd, "", 0, 0), 0);
	assert_int_equal(send(fd, "short", 5, 0), 5);
	assert_int_equal(send(fd, large, sizeof(large), 0), sizeof(large));
	wait_for_counter(rig, STATS_QUERIES, 3);
	close(fd);
	a_query_is_answered(state);
}

/* Nothing can be sent to port 0: the kernel refuses that one message of a batch. */
static void a_client_that_cannot_be_answered_costs_only_itself(void **state)
{
	struct rig *rig = *state;
	struct packet query;
	const struct addr addr = serving_addr("192.168.2.1");
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sockaddr(&addr, 0, 0, &sa);
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
	uint8_t bytes[8 + PACKET_MAX] = {0, 0, 0, 53}; /* no checksum */

	assert_true(fd >= 0);
	packet_query(&query, "www.example.com.", LDNS_RR_TYPE_A, &(const struct asking){0});
	memcpy(bytes + 8, query.bytes, query.len);
	bytes[4] = (uint8_t)((query.len + 8) >> 8);
	bytes[5] = (uint8_t)(query.len + 8);
	for (int i = 0; i < 20; i++)
		assert_true(sendto(fd, bytes, query.len + 8, 0, (struct sockaddr *)&sa,
				    sa_len) > 0);
	close(fd);
	wait_for_counter(rig, STATS_SEND_ERRORS, 20);
	wait_for_counter(rig, STATS_SEND_OTHER, 20);
	a_query_is_answered(state);
}

static void new_answers_are_given_from_the_next_query_on(void **state)
{
	struct rig *rig = *state;

	fixture_set_address(rig->f, "isp-a", "192.168.2.3");
	view_publish(rig->view, serving_answers(rig->f, "isp-a"));
	serving_ask(rig->f, "192.168.2.1", "www.example.com.", LDNS_RR_TYPE_A);
	assert_answer(rig->f, "www.example.com. 10 A 192.168.2.3");
	fixture_set_address(rig->f, "isp-a", "192.168.2.1");
}

static void closing_is_quick_and_keeps_the_counters(void **state)
{
	struct rig *rig = *state;
	int64_t before_ms = clock_now_ms();

	a_query_is_answered(state);
	udp_close(rig->udp);
	rig->udp = NULL;
	assert_true(clock_now_ms() - before_ms < 1000);
	assert_int_equal(rig->view->gone_udp[STATS_QUERIES], 1);
	assert_null(rig->view->readers);
}

/* Serves on one end of a pair, whose other end is returned. A peer that reads nothing is like
 * a device that takes nothing. */
static int serve_a_pair(struct rig *rig)
{
	struct udp_at where = at("192.168.2.1", 1);
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	where.fds = &pair[0];
	where.n_fds = 1;
	udp_close(rig->udp);
	assert_int_equal(udp_open(&where, rig->view, &rig->udp), 0);
	packet_query(&rig->f->query, "www.example.com.", LDNS_RR_TYPE_A,
		&(const struct asking){.id = 1});
	return pair[1];
}

static void what_cannot_leave_is_lost_and_counted_and_not_waited_for(void **state)
{
	struct rig *rig = *state;
	int peer = serve_a_pair(rig);
	uint8_t bytes[RESPOND_UDP_CAP];

	alarm(20); /* it would hang */
	for (int i = 0; i < N_FILL; i++)
		assert_true(send(peer, rig->f->query.bytes, rig->f->query.len, 0) > 0);
	wait_for_counter(rig, STATS_QUERIES, N_FILL);
	wait_for_counter(rig, STATS_SEND_FULL, 100);
	wait_for_counter(rig, STATS_SEND_ERRORS, 100);

	/* there is room again */
	while (recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_true(send(peer, rig->f->query.bytes, rig->f->query.len, 0) > 0);
	assert_true(recv(peer, bytes, sizeof(bytes), 0) > 12);
	alarm(0);
	close(peer);
}

static int buffer_of(int fd, int name)
{
	int octets = 0;
	socklen_t len = sizeof(octets);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, name, &octets, &len), 0);
	return octets;
}

/* New sockets and those of an earlier process alike: 4 and 1 MiB, which the kernel doubles. */
static void buffers_are_large(void **state)
{
	struct rig *rig = *state;
	struct udp_at where = at("192.168.2.1", 2);
	int fds[UDP_MAX_THREADS];
	int least = 1;

	fds[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)), 0);
	udp_close(rig->udp);
	const struct addr addr = serving_addr("192.168.2.1");
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sockaddr(&addr, 53, 0, &sa);
	assert_int_equal(bind(fds[0], (struct sockaddr *)&sa, sa_len), 0);
	where.fds = fds;
	where.n_fds = 1;
	assert_int_equal(udp_open(&where, rig->view, &rig->udp), 0);
	assert_int_equal(udp_fds(rig->udp, fds), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(buffer_of(fds[i], SO_SNDBUF), 2 * 4 * 1024 * 1024);
		assert_int_equal(buffer_of(fds[i], SO_RCVBUF), 2 * 1024 * 1024);
	}
}

static void closing_is_quick_where_nothing_can_be_sent(void **state)
{
	struct rig *rig = *state;
	int peer = serve_a_pair(rig);
	int64_t before_ms;

	for (int i = 0; i < N_FILL; i++)
		if (send(peer, rig->f->query.bytes, rig->f->query.len, MSG_DONTWAIT) < 0)
			usleep(100);
	alarm(20); /* it would hang */
	before_ms = clock_now_ms();
	udp_close(rig->udp);
	rig->udp = NULL;
	alarm(0);
	assert_true(clock_now_ms() - before_ms < 1000);
	close(peer);
}

static void a_closed_port_can_be_opened_again_at_once(void **state)
{
	struct rig *rig = *state;
	const struct udp_at where = at("192.168.2.1", 2);

	for (int i = 0; i < 20; i++) {
		udp_close(rig->udp);
		rig->udp = NULL;
		assert_int_equal(udp_open(&where, rig->view, &rig->udp), 0);
	}
	a_query_is_answered(state);
}

/* Somebody else holds the socket, as a service manager does. */
static void what_comes_between_two_owners_is_answered_by_the_next(void **state)
{
	struct rig *rig = *state;
	int fds[UDP_MAX_THREADS];
	struct udp_at where = at("192.168.2.1", 4);
	int client = serving_connect(SOCK_DGRAM, "192.168.2.1");
	uint8_t bytes[RESPOND_UDP_CAP];

	where.n_fds = udp_fds(rig->udp, fds);
	assert_int_equal(where.n_fds, 4);
	for (size_t i = 0; i < where.n_fds; i++)
		fds[i] = dup(fds[i]);
	where.fds = fds;
	udp_close(rig->udp);
	for (uint16_t i = 1; i <= 50; i++) {
		packet_query(&rig->f->query, "www.example.com.", LDNS_RR_TYPE_A,
			&(const struct asking){.id = i});
		serving_send(client, &rig->f->query, false);
	}
	assert_int_equal(udp_open(&where, rig->view, &rig->udp), 0);
	for (int i = 0; i < 50; i++)
		assert_true(serving_receive(client, bytes, sizeof(bytes), false) > 12);
	close(client);
}

/* One that was alone on its port, and so did not share it. */
static void a_taken_socket_may_get_siblings(void **state)
{
	struct rig *rig = *state;
	const struct udp_at alone = at("192.168.2.1", 1);
	struct udp_at many = at("192.168.2.1", 4);
	int fds[UDP_MAX_THREADS];

	udp_close(rig->udp);
	assert_int_equal(udp_open(&alone, rig->view, &rig->udp), 0);
	many.n_fds = udp_fds(rig->udp, fds);
	fds[0] = dup(fds[0]);
	many.fds = fds;
	udp_close(rig->udp);
	assert_int_equal(udp_open(&many, rig->view, &rig->udp), 0);
	assert_int_equal(udp_fds(rig->udp, fds), 4);
	all_threads_answer_and_count(state);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(a_query_is_answered),
		test(ipv6_is_served_alike),
		test(the_inside_view_is_silent_where_it_is_closed),
		test(a_taken_socket_is_closed_too),
		test(an_uplinks_view_is_closed_to_none),
		test(all_threads_answer_and_count),
		test(a_burst_is_answered_whole),
		test(a_port_that_is_served_is_taken),
		test(an_address_that_is_not_there_is_an_error),
		test(rubbish_meets_silence_and_ends_nothing),
		test(a_client_that_cannot_be_answered_costs_only_itself),
		test(new_answers_are_given_from_the_next_query_on),
		test(closing_is_quick_and_keeps_the_counters),
		test(what_cannot_leave_is_lost_and_counted_and_not_waited_for),
		test(buffers_are_large),
		test(closing_is_quick_where_nothing_can_be_sent),
		test(a_closed_port_can_be_opened_again_at_once),
		test(what_comes_between_two_owners_is_answered_by_the_next),
		test(a_taken_socket_may_get_siblings),
	};

	netns_enter();
	netns_add("lo", "192.168.2.1/32");
	netns_add("lo", "2001:db8:a::1/128");
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("udp", tests, NULL, NULL);
}
