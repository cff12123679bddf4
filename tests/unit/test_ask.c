/* test_ask.c - questions to a server of our own making: answers, silence, lies, TCP
 *
 * The server sits on a loopback address in the same event loop and does what the case says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/client/ask.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bigendian.h"
#include "dnsd/client/askall.h"
#include "dnsd/client/resolvconf.h"

static const uint8_t www[] = "\3www\7example\3com";

enum { UDP_MS = 80, TCP_MS = 400 };

struct fixture {
	struct event_base *base;
	int udp;
	int tcp;
	struct event *on_udp;
	struct event *on_tcp;
	struct endpoint at;
	/* what the server does */
	int n_silent;	    /* datagrams that get no answer */
	unsigned int flags; /* of UDP responses, besides QR */
	bool wrong_id_first;
	bool tcp_closes;
	bool tcp_lies;
	/* what came */
	int n_udp;
	int n_tcp;
	int n_done;
	struct ask_result result;
	struct ask_how how;
	enum ask_verdict verdict_udp;
};

static void respond(uint8_t *bytes, unsigned int flags)
{
	be16_write(bytes + 2, (unsigned int)be16_read(bytes + 2) | DNS_QR | flags);
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;
	uint8_t bytes[512];
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);

	(void)what;
	assert_true(n > 12);
	if (f->n_udp++ < f->n_silent)
		return;
	respond(bytes, f->flags);
	if (f->wrong_id_first) {
		bytes[0] ^= 1;
		sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, from_len);
		sendto(fd, "x", 1, 0, (struct sockaddr *)&from, from_len);
		bytes[0] ^= 1;
	}
	sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, from_len);
}

/* Octet by octet, as a slow network might. */
static void on_query(evutil_socket_t conn, short what, void *arg)
{
	struct fixture *f = arg;
	uint8_t bytes[514];
	ssize_t n = recv(conn, bytes, sizeof(bytes), 0);

	(void)what;
	f->n_tcp++;
	if (n > 14 && !f->tcp_closes) {
		respond(bytes + 2, f->tcp_lies ? 0x7800 : DNS_AA);
		for (ssize_t i = 0; i < n; i++)
			send(conn, bytes + i, 1, MSG_NOSIGNAL);
	}
	close(conn);
}

static void on_tcp(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;

	(void)what;
	event_base_once(f->base, accept(fd, NULL, NULL), EV_READ, on_query, f, NULL);
}

static int listen_at(int type, struct endpoint *at)
{
	const uint8_t loopback[4] = {127, 0, 0, 1};
	struct sockaddr_storage sa;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);

	at->addr = addr_from_bytes(AF_INET, loopback);
	socklen_t len = addr_to_sockaddr(&at->addr, at->port, 0, &sa);
	if (bind(fd, (struct sockaddr *)&sa, len) < 0) {
		close(fd);
		return -1;
	}
	getsockname(fd, (struct sockaddr *)&sa, &len);
	at->port = sockaddr_port((struct sockaddr *)&sa);
	return fd;
}

/* UDP and TCP on the same port, whichever is free. */
static void listen_on_both(struct fixture *f)
{
	for (int i = 0; i < 20; i++) {
		f->at.port = 0;
		f->udp = listen_at(SOCK_DGRAM, &f->at);
		f->tcp = listen_at(SOCK_STREAM, &f->at);
		if (f->tcp >= 0)
			return;
		close(f->udp);
	}
	fail_msg("no port is free for both");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->base = event_base_new();
	listen_on_both(f);
	listen(f->tcp, 4);
	f->on_udp = event_new(f->base, f->udp, EV_READ | EV_PERSIST, on_udp, f);
	f->on_tcp = event_new(f->base, f->tcp, EV_READ | EV_PERSIST, on_tcp, f);
	event_add(f->on_udp, NULL);
	event_add(f->on_tcp, NULL);
	*state = f;
	return 0;
}

static void stop_serving(struct fixture *f)
{
	if (!f->on_udp)
		return;
	event_free(f->on_udp);
	event_free(f->on_tcp);
	close(f->udp);
	close(f->tcp);
	f->on_udp = NULL;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	stop_serving(f);
	event_base_free(f->base);
	free(f);
	return 0;
}

static enum ask_verdict check(const struct message *response, void *arg)
{
	struct fixture *f = arg;

	return response->flags & DNS_AA ? ASK_TAKE : f->verdict_udp;
}

static void on_done(const struct ask_result *result, void *arg)
{
	struct fixture *f = arg;

	f->n_done++;
	f->result = *result;
	event_base_loopbreak(f->base);
}

static struct ask *begin(struct fixture *f, bool tcp)
{
	uint8_t query[MESSAGE_QUERY_CAP];
	size_t len = message_write_query(query, ask_id(), www, DNS_TYPE_A, false);
	struct ask *ask = NULL;

	f->how = (struct ask_how){
		.server = f->at,
		.tcp = tcp,
		.udp_ms = UDP_MS,
		.n_tries = 3,
		.tcp_ms = TCP_MS,
		.check = check,
		.done = on_done,
		.arg = f,
	};
	assert_int_equal(ask_start(f->base, &f->how, query, len, &ask), 0);
	assert_int_equal(f->n_done, 0); /* never from within */
	return ask;
}

static void run(struct fixture *f, bool tcp)
{
	begin(f, tcp);
	event_base_dispatch(f->base);
	assert_int_equal(f->n_done, 1);
}

static void an_answer_over_udp_is_taken(void **state)
{
	struct fixture *f = *state;

	f->flags = DNS_AA;
	run(f, false);
	assert_int_equal(f->result.outcome, ASK_ANSWERED);
	assert_false(f->result.by_tcp);
	assert_int_equal(f->n_udp, 1);
}

static void a_question_is_repeated(void **state)
{
	struct fixture *f = *state;

	f->flags = DNS_AA;
	f->n_silent = 2;
	run(f, false);
	assert_int_equal(f->result.outcome, ASK_ANSWERED);
	assert_int_equal(f->n_udp, 3);
}

static void silence_is_a_timeout(void **state)
{
	struct fixture *f = *state;
	char problem[128];

	f->n_silent = 9;
	run(f, false);
	assert_int_equal(f->result.outcome, ASK_TIMEOUT);
	assert_int_equal(f->n_udp, 3);
	assert_string_equal(ask_problem(&f->how, &f->result, problem, sizeof(problem)),
		"no answer over UDP within 0.2 s");
}

static void what_is_not_our_answer_is_passed_over(void **state)
{
	struct fixture *f = *state;

	f->flags = DNS_AA;
	f->wrong_id_first = true;
	run(f, false);
	assert_int_equal(f->result.outcome, ASK_ANSWERED);
	assert_int_equal(f->n_udp, 1);
}

static void a_truncated_answer_leads_to_tcp(void **state)
{
	struct fixture *f = *state;

	f->flags = DNS_AA | DNS_TC;
	run(f, false);
	assert_int_equal(f->result.outcome, ASK_ANSWERED);
	assert_true(f->result.by_tcp);
	assert_int_equal(f->n_tcp, 1);
}

static void a_doubtful_answer_leads_to_tcp(void **state)
{
	struct fixture *f = *state;

	f->verdict_udp = ASK_DOUBT;
	run(f, false);
	assert_int_equal(f->result.outcome, ASK_ANSWERED);
	assert_true(f->result.by_tcp);
	assert_false(f->result.is_doubtful);
}

static void without_tcp_the_doubtful_answer_is_what_there_is(void **state)
{
	struct fixture *f = *state;

	f->verdict_udp = ASK_DOUBT;
	f->tcp_closes = true;
	run(f, false);
	assert_int_equal(f->result.outcome, ASK_ANSWERED);
	assert_true(f->result.is_doubtful);
	assert_false(f->result.by_tcp);
}

static void over_tcp_a_lie_is_told_as_one(void **state)
{
	struct fixture *f = *state;

	f->tcp_lies = true;
	run(f, true);
	assert_int_equal(f->result.outcome, ASK_MALFORMED);
}

static void a_closed_connection_is_an_error(void **state)
{
	struct fixture *f = *state;

	f->tcp_closes = true;
	run(f, true);
	assert_int_equal(f->result.outcome, ASK_UNREACHABLE);
}

static void nobody_there_is_told(void **state)
{
	struct fixture *f = *state;

	stop_serving(f);
	run(f, true);
	assert_int_equal(f->result.outcome, ASK_UNREACHABLE);
	assert_int_equal(f->result.error, -ECONNREFUSED);
	f->n_done = 0;
	run(f, false);
	assert_int_equal(f->result.outcome, ASK_UNREACHABLE);
	assert_int_equal(f->result.error, -ECONNREFUSED);
}

static void a_cancelled_question_stays_silent(void **state)
{
	struct fixture *f = *state;
	struct ask *ask;

	f->flags = DNS_AA;
	ask = begin(f, false);
	ask_cancel(ask);
	ask_cancel(NULL);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->n_done, 0);
}

static void many_are_asked_at_once(void **state)
{
	enum { N = 3 * ASKALL_PARALLEL };
	struct question *questions = calloc(N, sizeof(*questions));
	const struct askall_how how = {.udp_ms = 20, .n_tries = 1, .tcp_ms = 100};
	struct fixture *f = *state;

	stop_serving(f); /* nobody answers, and soon */
	for (size_t i = 0; i < N; i++) {
		questions[i].server = f->at;
		questions[i].type = DNS_TYPE_A;
		memcpy(questions[i].name, www, sizeof(www));
	}
	assert_int_equal(askall(&how, questions, N), 0);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(questions[i].outcome, ASK_UNREACHABLE);
	assert_int_equal(askall(&how, questions, 0), 0);
	questions_fini(questions, N);
	free(questions);
}

/* ---- resolv.conf ---- */

static void resolvers_are_read_from_resolv_conf(void **state)
{
	static const struct {
		const char *text;
		const char *servers[RESOLVCONF_MAX + 1];
	} cases[] = {
		{"", {NULL}},
		{"nameserver 192.0.2.1\n", {"192.0.2.1"}},
		{"# nameserver 192.0.2.9\nsearch a\nnameserver\t2001:db8::1  # ours\n"
		 "nameserver 192.0.2.2",
			{"2001:db8::1", "192.0.2.2"}},
		{"nameserver fe80::1%lan0\nnameserver x\nnameserver\nnameservers 192.0.2.1\n"
		 "nameserver 192.0.2.3\n",
			{"192.0.2.3"}},
		{"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"
		 "nameserver 192.0.2.4\n",
			{"192.0.2.1", "192.0.2.2", "192.0.2.3"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct endpoint servers[RESOLVCONF_MAX];
		size_t n = resolvconf_parse(cases[i].text, servers);
		char text[ENDPOINT_STR_LEN];

		for (size_t k = 0; k < n; k++)
			assert_string_equal(
				endpoint_str(&servers[k], text), cases[i].servers[k]);
		assert_null(cases[i].servers[n]);
	}
}

static void without_resolv_conf_it_is_this_machine(void **state)
{
	struct endpoint servers[RESOLVCONF_MAX];
	char text[ENDPOINT_STR_LEN];

	(void)state;
	assert_int_equal(resolvconf_read("/nonexistent", servers), 1);
	assert_string_equal(endpoint_str(&servers[0], text), "127.0.0.1");
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_answer_over_udp_is_taken),
		TEST(a_question_is_repeated),
		TEST(silence_is_a_timeout),
		TEST(what_is_not_our_answer_is_passed_over),
		TEST(a_truncated_answer_leads_to_tcp),
		TEST(a_doubtful_answer_leads_to_tcp),
		TEST(without_tcp_the_doubtful_answer_is_what_there_is),
		TEST(over_tcp_a_lie_is_told_as_one),
		TEST(a_closed_connection_is_an_error),
		TEST(nobody_there_is_told),
		TEST(a_cancelled_question_stays_silent),
		TEST(many_are_asked_at_once),
		cmocka_unit_test(resolvers_are_read_from_resolv_conf),
		cmocka_unit_test(without_resolv_conf_it_is_this_machine),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("ask", tests, NULL, NULL);
}
