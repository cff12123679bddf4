/* test_tcp.c - DNS over TCP: pipelining, deadlines and limits, on loopback in a namespace
 *
 * The server runs in a thread of its own; its counters are read after that has ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/serve/tcp.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "dnsd/state/facts.h"
#include "tests/lib/netns.h"
#include "tests/lib/serving.h"

#define SERVER	"192.168.2.1"
#define SERVER6 "2001:db8:a::1"
#define NAME	"www.example.com."

enum { TICK_MS = 5, BIG_RECORDS = 220 };

static const struct tcp_limits limits = {
	.max_connections = 6,
	.max_per_client = 4,
	.idle_ms = 600,
	.message_ms = 400,
	.send_ms = 600,
	.output_max = 100 * 1024,
};

struct rig {
	struct fixture *f;
	struct view *view;
	struct event_base *base;
	struct event *tick;
	struct tcp_server *server;
	struct tcp_listener *listener;
	pthread_t thread;
	atomic_bool stop;
	atomic_bool finish; /* to be begun by the event loop */
	atomic_bool finished;
	struct tcp_counters counters; /* once it has ended */
	clockid_t cpu;
};

static void on_finished(void *arg)
{
	struct rig *rig = arg;

	atomic_store(&rig->finished, true);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct rig *rig = arg;

	(void)fd;
	(void)what;
	if (atomic_exchange(&rig->finish, false))
		tcp_server_finish(rig->server, limits.idle_ms / 2, on_finished, rig);
	if (atomic_load(&rig->stop))
		event_base_loopbreak(rig->base);
}

static void *run(void *arg)
{
	struct rig *rig = arg;

	event_base_dispatch(rig->base);
	return NULL;
}

/* The host zone with `big` in it: 220 TXT records of 255 octets, some 59,000 in all. */
static struct fixture *fixture_with_big(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	fputs(fixture_host_zone.text, out);
	for (int i = 0; i < BIG_RECORDS; i++)
		fprintf(out, "big TXT \"%0250d\"\n", i);
	fclose(out);
	struct fixture *f = fixture_new(
		&(const struct fixture_zone){"www.example.com", text}, 1);
	free(text);
	return f;
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	const struct timeval tick = {.tv_usec = TICK_MS * 1000};
	const struct tcp_at at = {serving_addr(SERVER), 53, 0, -1};

	rig->f = fixture_with_big();
	rig->view = serving_view(rig->f, "isp-a");
	rig->base = event_base_new();
	rig->tick = event_new(rig->base, -1, EV_PERSIST, on_tick, rig);
	event_add(rig->tick, &tick);
	*state = rig;
	if (tcp_server_new(rig->base, &limits, &rig->server) < 0 ||
		tcp_listen(rig->server, &at, rig->view, &rig->listener) < 0)
		return -1;
	return pthread_create(&rig->thread, NULL, run, rig) ||
	       pthread_getcpuclockid(rig->thread, &rig->cpu);
}

static void stop(struct rig *rig)
{
	if (atomic_exchange(&rig->stop, true))
		return;
	pthread_join(rig->thread, NULL);
	rig->counters = *tcp_server_counters(rig->server);
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	stop(rig);
	tcp_listener_close(rig->listener);
	tcp_server_free(rig->server);
	event_free(rig->tick);
	event_base_free(rig->base);
	view_free(rig->view);
	fixture_free(rig->f);
	free(rig);
	return 0;
}

/* Taken over from an earlier process that left it blocking: it must not stop the event loop.
 */
static void a_listener_that_blocks_is_made_not_to(void **state)
{
	struct rig *rig = *state;
	const struct addr addr = serving_addr("127.0.0.77");
	struct tcp_at where = {addr, 53, 0, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sockaddr(&addr, 53, 0, &sa);
	struct tcp_listener *listener;

	assert_int_equal(bind(where.fd, (struct sockaddr *)&sa, sa_len), 0);
	assert_int_equal(listen(where.fd, 8), 0);
	stop(rig);
	assert_int_equal(tcp_listen(rig->server, &where, rig->view, &listener), 0);
	assert_true(fcntl(tcp_listener_fd(listener), F_GETFL) & O_NONBLOCK);
	tcp_listener_close(listener);
}

static int dial(void)
{
	return serving_connect(SOCK_STREAM, SERVER);
}

/* Another client address; loopback has all of 127/8. */
static int dial_from(const char *client)
{
	const struct addr from = serving_addr(client);
	const struct addr to = serving_addr(SERVER);
	const struct timeval patience = {.tv_sec = 5};
	struct sockaddr_storage sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	socklen_t len = addr_to_sockaddr(&from, 0, 0, &sa);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	len = addr_to_sockaddr(&to, 53, 0, &sa);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

static struct packet query_of(const char *name, uint16_t type, uint16_t id)
{
	struct packet query;

	packet_query(&query, name, type, &(const struct asking){.id = id, .tcp = true});
	return query;
}

static void ask_tcp(int fd, uint16_t id)
{
	const struct packet query = query_of(NAME, LDNS_RR_TYPE_A, id);

	serving_send(fd, &query, true);
}

static void expect_id(int fd, uint16_t id)
{
	static uint8_t bytes[65535];
	long len = serving_receive(fd, bytes, sizeof(bytes), true);

	assert_true(len > 12);
	assert_int_equal(bytes[0] << 8 | bytes[1], id);
}

/* Returns how long it took. */
static int64_t expect_end(int fd)
{
	int64_t before_ms = clock_now_ms();
	uint8_t bytes[512];

	assert_int_equal(serving_receive(fd, bytes, sizeof(bytes), true), 0);
	close(fd);
	return clock_now_ms() - before_ms;
}

static uint64_t stats_of_listener(const struct tcp_listener *listener)
{
	uint64_t totals[STATS_N_COUNTERS] = {0};

	tcp_count(listener, totals);
	return totals[STATS_FROM_UPLINK];
}

static uint64_t stats_of(const struct rig *rig)
{
	return stats_of_listener(rig->listener);
}

/* ---- what must work ---- */

static void a_query_is_answered(void **state)
{
	struct rig *rig = *state;
	const struct packet query = query_of(NAME, LDNS_RR_TYPE_A, 7);
	uint8_t bytes[2048];
	int fd = dial();

	serving_send(fd, &query, true);
	long len = serving_receive(fd, bytes, sizeof(bytes), true);
	assert_true(len > 0);
	reply_decode(&rig->f->reply, bytes, (size_t)len);
	assert_answer(rig->f, NAME " 10 A 192.168.2.1");
	close(fd);
}

static void three_queries_in_one_write_are_answered(void **state)
{
	uint8_t bytes[3 * 512];
	size_t n = 0;
	int fd = dial();

	(void)state;
	for (uint16_t id = 1; id <= 3; id++) {
		const struct packet query = query_of(NAME, LDNS_RR_TYPE_A, id);

		bytes[n++] = 0;
		bytes[n++] = (uint8_t)query.len;
		memcpy(bytes + n, query.bytes, query.len);
		n += query.len;
	}
	assert_int_equal(send(fd, bytes, n, 0), (ssize_t)n);
	for (uint16_t id = 1; id <= 3; id++)
		expect_id(fd, id);
	close(fd);
}

static void octets_may_come_one_by_one(void **state)
{
	const struct packet query = query_of(NAME, LDNS_RR_TYPE_A, 9);
	const uint8_t prefix[2] = {0, (uint8_t)query.len};
	int fd = dial();

	(void)state;
	for (size_t i = 0; i < 2 + query.len; i++) {
		const uint8_t *octet = i < 2 ? &prefix[i] : &query.bytes[i - 2];

		assert_int_equal(send(fd, octet, 1, 0), 1);
		usleep(2000);
	}
	expect_id(fd, 9);
	close(fd);
}

static void a_connection_serves_many_queries(void **state)
{
	int fd = dial();

	(void)state;
	for (uint16_t id = 1; id <= 100; id++) {
		ask_tcp(fd, id);
		expect_id(fd, id);
	}
	close(fd);
}

static void who_closed_its_half_is_still_answered(void **state)
{
	int fd = dial();

	(void)state;
	ask_tcp(fd, 1);
	ask_tcp(fd, 2);
	shutdown(fd, SHUT_WR);
	expect_id(fd, 1);
	expect_id(fd, 2);
	expect_end(fd);
}

static void an_answer_of_some_60000_octets_comes_whole(void **state)
{
	struct rig *rig = *state;
	const struct packet query = query_of("big.www.example.com.", LDNS_RR_TYPE_TXT, 3);
	uint8_t *bytes = malloc(65535);
	int fd = dial();

	serving_send(fd, &query, true);
	long len = serving_receive(fd, bytes, 65535, true);
	assert_true(len > 55000);
	reply_decode(&rig->f->reply, bytes, (size_t)len);
	assert_reply(rig->f, !rig->f->reply.tc);
	assert_int_equal(n_rrs(rig->f, LDNS_SECTION_ANSWER), BIG_RECORDS);
	close(fd);
	free(bytes);
}

/* More than is ever queued at once: the server stops reading and goes on again. */
static void many_big_answers_come_in_order(void **state)
{
	const struct packet query = query_of("big.www.example.com.", LDNS_RR_TYPE_TXT, 0);
	int fd = dial();

	(void)state;
	for (uint16_t id = 1; id <= 30; id++) {
		struct packet next = query;

		next.bytes[0] = 0;
		next.bytes[1] = (uint8_t)id;
		serving_send(fd, &next, true);
	}
	usleep(100000);
	for (uint16_t id = 1; id <= 30; id++)
		expect_id(fd, id);
	close(fd);
}

/* ---- what must end ---- */

/* Of either family; before it is counted as a connection. */
static void who_asks_the_inside_view_where_it_is_closed_is_reset(void **state)
{
	struct rig *rig = *state;
	struct tcp_at at = {serving_addr(SERVER6), 53, 0, -1};
	struct tcp_listener *listener;
	const int lo = 1;

	stop(rig);
	assert_int_equal(tcp_listen(rig->server, &at, rig->view, &listener), 0);
	rig->view->index = FACTS_VIEW_INSIDE;
	view_close_to(rig->view, &lo, 1);
	int fds[] = {dial(), serving_connect(SOCK_STREAM, SERVER6)};
	for (int i = 0; i < 50 && stats_of(rig) + stats_of_listener(listener) < 2; i++) {
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
		usleep(10000);
	}
	assert_int_equal(stats_of(rig), 1);
	assert_int_equal(stats_of_listener(listener), 1);
	expect_end(fds[0]);
	expect_end(fds[1]);
	assert_int_equal(tcp_server_counters(rig->server)->accepted, 0);

	view_close_to(rig->view, NULL, 0);
	atomic_store(&rig->stop, false);
	assert_int_equal(pthread_create(&rig->thread, NULL, run, rig), 0);
	int fd = dial();
	ask_tcp(fd, 1);
	expect_id(fd, 1);
	close(fd);
	stop(rig);
	tcp_listener_close(listener);
}

static void an_idle_connection_is_closed(void **state)
{
	struct rig *rig = *state;
	int fd = dial();

	ask_tcp(fd, 1);
	expect_id(fd, 1);
	int64_t ms = expect_end(fd);
	assert_true(ms >= limits.idle_ms - 100 && ms < 3 * limits.idle_ms);
	stop(rig);
	assert_int_equal(rig->counters.timed_out, 1);
	assert_int_equal(rig->counters.open, 0);
}

static void who_dribbles_a_query_is_cut_at_the_deadline(void **state)
{
	const struct packet query = query_of(NAME, LDNS_RR_TYPE_A, 9);
	const uint8_t prefix[2] = {0, (uint8_t)query.len};
	int fd = dial();
	int64_t before_ms = clock_now_ms();

	(void)state;
	assert_int_equal(send(fd, prefix, 2, 0), 2);
	for (size_t i = 0; i < query.len; i++) {
		if (send(fd, &query.bytes[i], 1, MSG_NOSIGNAL) < 0)
			break;
		usleep(50000);
		assert_true(i + 2 < query.len); /* 33 x 50 ms: it must end before */
	}
	assert_true(clock_now_ms() - before_ms < 2 * limits.message_ms + 200);
	close(fd);
}

static void a_message_without_room_for_a_header_ends_it(void **state)
{
	static const uint8_t prefixes[][2] = {{0, 0}, {0, 11}, {0xff, 0xff}};
	struct rig *rig = *state;

	for (size_t i = 0; i < 3; i++) {
		int fd = dial();

		assert_int_equal(send(fd, prefixes[i], 2, 0), 2);
		assert_true(expect_end(fd) < limits.message_ms);
	}
	stop(rig);
	assert_int_equal(rig->counters.bad, 3);
}

static void a_good_query_before_a_bad_one_is_answered(void **state)
{
	int fd = dial();

	(void)state;
	ask_tcp(fd, 1);
	assert_int_equal(send(fd, "\0\0", 2, 0), 2);
	expect_id(fd, 1);
	expect_end(fd);
}

/* A client that asks and asks and takes nothing: bounded in memory, time and work. */
static void who_takes_nothing_is_cut(void **state)
{
	struct rig *rig = *state;
	const struct packet query = query_of("big.www.example.com.", LDNS_RR_TYPE_TXT, 1);
	const int small = 4096;
	const struct timeval patience = {.tv_sec = 3};
	int fd = dial();
	uint8_t prefixed[2 + 512] = {0, (uint8_t)query.len};
	struct timespec cpu;

	memcpy(prefixed + 2, query.bytes, query.len);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (send(fd, prefixed, query.len + 2, MSG_NOSIGNAL) > 0)
		;
	assert_true(errno == ECONNRESET || errno == EPIPE);
	clock_gettime(rig->cpu, &cpu);
	assert_true(cpu.tv_sec == 0); /* it did not spin while it waited */
	close(fd);
	stop(rig);
	assert_int_equal(rig->counters.timed_out, 1);
}

static void the_oldest_idle_one_makes_room_for_its_client(void **state)
{
	struct rig *rig = *state;
	int fds[5];

	for (uint16_t i = 0; i < 5; i++) {
		fds[i] = dial();
		ask_tcp(fds[i], (uint16_t)(i + 1));
		expect_id(fds[i], (uint16_t)(i + 1));
		if (i == 3) { /* the first is no longer the oldest */
			ask_tcp(fds[0], 77);
			expect_id(fds[0], 77);
		}
	}
	assert_true(expect_end(fds[1]) < 200);
	ask_tcp(fds[0], 5);
	expect_id(fds[0], 5);
	stop(rig);
	assert_int_equal(rig->counters.evicted, 1);
	assert_int_equal(rig->counters.open, 4);
	for (int i = 0; i < 5; i++)
		if (i != 1)
			close(fds[i]);
}

static void the_oldest_idle_one_makes_room_for_all(void **state)
{
	static const char *const clients[] = {
		"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"};
	struct rig *rig = *state;
	int fds[7];

	for (uint16_t i = 0; i < 7; i++) {
		fds[i] = dial_from(clients[i % 4]);
		ask_tcp(fds[i], (uint16_t)(i + 1));
		expect_id(fds[i], (uint16_t)(i + 1));
	}
	assert_true(expect_end(fds[0]) < 200);
	stop(rig);
	assert_int_equal(rig->counters.evicted, 1);
	for (int i = 1; i < 7; i++)
		close(fds[i]);
}

/* Connections that never say anything do not keep others out. */
static void silent_connections_give_way(void **state)
{
	int fds[20];

	for (int i = 0; i < 20; i++)
		fds[i] = dial();
	a_query_is_answered(state);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
}

/* A message that begins and never ends. */
static int dribble_from(const char *client)
{
	static const uint8_t begun[] = {0, 40, 1};
	const struct timespec moment = {.tv_nsec = 20 * 1000 * 1000};
	int fd = dial_from(client);

	assert_int_equal(send(fd, begun, sizeof(begun), MSG_NOSIGNAL), sizeof(begun));
	nanosleep(&moment, NULL); /* until it is read */
	return fd;
}

/* Many that send without an end keep nobody out who has just come and is to ask yet. */
static void who_has_just_come_is_not_first_to_go(void **state)
{
	static const char *const clients[] = {"127.0.0.2", "127.0.0.3", "127.0.0.4"};
	int dribbling[8];

	(void)state;
	for (int i = 0; i < 6; i++)
		dribbling[i] = dribble_from(clients[i % 3]);
	int fd = dial_from("127.0.0.1");
	for (int i = 6; i < 8; i++)
		dribbling[i] = dribble_from(clients[i % 3]);
	ask_tcp(fd, 7);
	expect_id(fd, 7);
	close(fd);
	for (int i = 0; i < 8; i++)
		close(dribbling[i]);
}

static void without_descriptors_it_goes_on(void **state)
{
	struct rig *rig = *state;
	struct rlimit before;
	int first = dial();
	int second;

	ask_tcp(first, 1);
	expect_id(first, 1);
	/* room for our own socket, none for the server's */
	int next = dup(0);
	close(next);
	getrlimit(RLIMIT_NOFILE, &before);
	struct rlimit tight = {.rlim_cur = (rlim_t)next + 1, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &tight);
	second = dial();
	ask_tcp(second, 2);
	expect_id(second, 2);
	setrlimit(RLIMIT_NOFILE, &before);

	expect_end(first);
	close(second);
	stop(rig);
	assert_int_equal(rig->counters.evicted, 1);
}

static void a_listener_takes_its_connections_along(void **state)
{
	struct rig *rig = *state;
	int fd = dial();

	ask_tcp(fd, 1);
	expect_id(fd, 1);
	stop(rig);
	tcp_listener_close(rig->listener);
	rig->listener = NULL;
	event_base_loop(rig->base, EVLOOP_NONBLOCK); /* where libevent closes them */
	expect_end(fd);
	assert_int_equal(tcp_server_counters(rig->server)->open, 0);
	assert_int_equal(rig->view->gone_tcp[STATS_QUERIES], 1);
}

static void a_port_that_is_served_is_taken(void **state)
{
	struct rig *rig = *state;
	struct tcp_listener *second = NULL;
	const struct tcp_at at = {serving_addr(SERVER), 53, 0, -1};

	stop(rig);
	assert_int_equal(tcp_listen(rig->server, &at, rig->view, &second), -EADDRINUSE);
}

/* ---- before the end of the process ---- */

static void finish(struct rig *rig)
{
	atomic_store(&rig->finish, true);
	while (atomic_load(&rig->finish))
		usleep(1000);
}

static void wait_finished(struct rig *rig)
{
	for (int i = 0; i < 2000 && !atomic_load(&rig->finished); i++)
		usleep(1000);
	assert_true(atomic_load(&rig->finished));
}

static void without_connections_it_is_done_at_once(void **state)
{
	struct rig *rig = *state;
	int64_t before_ms = clock_now_ms();

	finish(rig);
	wait_finished(rig);
	assert_true(clock_now_ms() - before_ms < limits.idle_ms / 2);
}

static void who_was_answered_is_closed(void **state)
{
	struct rig *rig = *state;
	int fd = dial();

	ask_tcp(fd, 1);
	expect_id(fd, 1);
	finish(rig);
	assert_true(expect_end(fd) < limits.idle_ms / 2);
	wait_finished(rig);
}

/* Its query is on the way. */
static void who_has_just_connected_is_still_answered(void **state)
{
	struct rig *rig = *state;
	int fd = dial();

	ask_tcp(fd, 1);
	expect_id(fd, 1);
	int other = dial();
	ask_tcp(fd, 2);
	expect_id(fd, 2); /* so the other has been accepted too */
	finish(rig);
	ask_tcp(other, 3);
	expect_id(other, 3);
	expect_end(other);
	expect_end(fd);
	wait_finished(rig);
}

static void silence_is_waited_for_no_longer_than_the_grace(void **state)
{
	struct rig *rig = *state;
	int first = dial();
	int silent = dial();

	ask_tcp(first, 1);
	expect_id(first, 1);
	int64_t before_ms = clock_now_ms();
	finish(rig);
	wait_finished(rig);
	assert_true(clock_now_ms() - before_ms < limits.idle_ms);
	close(first);
	close(silent);
}

/* The next process has the socket, and with it who waits to be accepted. */
static void who_comes_meanwhile_is_answered_by_the_next_one(void **state)
{
	struct rig *rig = *state;
	struct tcp_at at = {serving_addr(SERVER), 53, 0, -1};

	at.fd = dup(tcp_listener_fd(rig->listener));
	finish(rig);
	wait_finished(rig);
	int fd = dial();
	ask_tcp(fd, 1);

	stop(rig);
	tcp_listener_close(rig->listener);
	tcp_server_free(rig->server);
	assert_int_equal(tcp_server_new(rig->base, &limits, &rig->server), 0);
	assert_int_equal(tcp_listen(rig->server, &at, rig->view, &rig->listener), 0);
	atomic_store(&rig->stop, false);
	assert_int_equal(pthread_create(&rig->thread, NULL, run, rig), 0);
	expect_id(fd, 1);
	close(fd);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(a_listener_that_blocks_is_made_not_to),
		test(a_query_is_answered),
		test(three_queries_in_one_write_are_answered),
		test(octets_may_come_one_by_one),
		test(a_connection_serves_many_queries),
		test(who_closed_its_half_is_still_answered),
		test(an_answer_of_some_60000_octets_comes_whole),
		test(many_big_answers_come_in_order),
		test(who_asks_the_inside_view_where_it_is_closed_is_reset),
		test(an_idle_connection_is_closed),
		test(who_dribbles_a_query_is_cut_at_the_deadline),
		test(a_message_without_room_for_a_header_ends_it),
		test(a_good_query_before_a_bad_one_is_answered),
		test(who_takes_nothing_is_cut),
		test(the_oldest_idle_one_makes_room_for_its_client),
		test(the_oldest_idle_one_makes_room_for_all),
		test(who_has_just_come_is_not_first_to_go),
		test(silent_connections_give_way),
		test(without_descriptors_it_goes_on),
		test(a_listener_takes_its_connections_along),
		test(a_port_that_is_served_is_taken),
		test(without_connections_it_is_done_at_once),
		test(who_was_answered_is_closed),
		test(who_has_just_connected_is_still_answered),
		test(silence_is_waited_for_no_longer_than_the_grace),
		test(who_comes_meanwhile_is_answered_by_the_next_one),
	};

	netns_enter();
	netns_add("lo", SERVER "/32");
	netns_add("lo", SERVER6 "/128");
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
