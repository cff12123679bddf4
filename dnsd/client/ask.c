/* ask.c - one question to one DNS server, without waiting for the answer
 *
 *     UDP ---- response ---------------------------------------> done
 *      |  \-- no response: n_tries times in all --------------> done: timeout
 *      \--- truncated, or in doubt --> TCP -- response ---------> done
 *                                       \--- error, timeout ---> done: the doubtful response,
 *                                                                or why there is none
 *
 * The sockets are not bound: the kernel's routing chooses the uplink, the source address and a
 * random port. A UDP socket is connected, so the kernel drops datagrams from other hosts; a
 * datagram from the server still counts only if it has the ID and the question. message.c reads
 * everything that arrives.
 *
 * parent.c uses it in the daemon's event loop, askall.c in the event loop of a verb. Must never
 * block, and never call back from within ask_start().
 */
#include "dnsd/client/ask.h"

#include <errno.h>
#include <event2/event.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/bigendian.h"
#include "common/cleanup.h"
#include "common/invariant.h"
#include "common/timer.h"

enum {
	UDP_RECEIVE_MAX =
		4096, /* more than we offer; a longer datagram is cut, so malformed */
	TCP_PREFIX = 2,
	AFTER_ERROR_MS = 200,
};

struct ask {
	struct event_base *base;
	struct ask_how how;
	struct event *io;
	struct event *timer;
	int fd;
	bool by_tcp;
	int n_left;  /* tries over UDP that remain */
	size_t n_io; /* TCP: octets written or read so far */
	size_t len;
	uint8_t query[TCP_PREFIX + MESSAGE_QUERY_CAP]; /* the prefix is used by TCP */
	size_t doubtful_len;
	uint8_t doubtful[UDP_RECEIVE_MAX];
	struct ask_result failed; /* how it ended, for ask_on_failed */
	uint8_t reply[TCP_PREFIX + MESSAGE_MAX];
};

static void udp_on_readable(evutil_socket_t fd, short what, void *arg);
static void ask_on_timer(evutil_socket_t fd, short what, void *arg);
static void tcp_start(struct ask *ask);

/* ---- small things ---- */

const char *endpoint_str(const struct endpoint *endpoint, char out[ENDPOINT_STR_LEN])
{
	const char *addr = addr_str(&endpoint->addr);

	if (endpoint->port == 53)
		snprintf(out, ENDPOINT_STR_LEN, "%s", addr);
	else if (endpoint->addr.family == AF_INET6)
		snprintf(out, ENDPOINT_STR_LEN, "[%s]:%u", addr, endpoint->port);
	else
		snprintf(out, ENDPOINT_STR_LEN, "%s:%u", addr, endpoint->port);
	return out;
}

uint16_t ask_id(void)
{
	uint16_t id;

	/* getrandom(2): cannot fail for so few octets */
	invariant(getrandom(&id, sizeof(id), 0) == sizeof(id),
		"the kernel gives no random octets");
	return id;
}

const char *ask_problem(
	const struct ask_how *how, const struct ask_result *result, char *out, size_t cap)
{
	int ms = result->by_tcp ? how->tcp_ms : how->udp_ms * how->n_tries;

	switch (result->outcome) {
	case ASK_ANSWERED:
		snprintf(out, cap, "answered");
		break;
	case ASK_TIMEOUT:
		snprintf(out, cap, "no answer over %s within %d.%d s",
			result->by_tcp ? "TCP" : "UDP", ms / 1000, ms % 1000 / 100);
		break;
	case ASK_UNREACHABLE:
		snprintf(out, cap, "cannot be reached over %s: %s",
			result->by_tcp ? "TCP" : "UDP", strerror(-result->error));
		break;
	case ASK_MALFORMED:
		snprintf(out, cap, "the message over TCP is no response to the question");
		break;
	}
	return out;
}

/* ---- the end ---- */

static void ask_close_socket(struct ask *ask)
{
	if (ask->io)
		event_free(ask->io);
	ask->io = NULL;
	if (ask->fd >= 0)
		close(ask->fd);
	ask->fd = -1;
}

void ask_cancel(struct ask *ask)
{
	if (!ask)
		return;
	ask_close_socket(ask);
	event_free(ask->timer);
	free(ask);
}

/* `result` may be a part of the ask itself. */
static void ask_finish(struct ask *ask, const struct ask_result *result)
{
	ask->how.done(result, ask->how.arg);
	ask_cancel(ask);
}

static void ask_on_failed(evutil_socket_t fd, short what, void *arg)
{
	struct ask *ask = arg;

	(void)fd;
	(void)what;
	if (ask->doubtful_len > 0 &&
		message_read(ask->doubtful, ask->doubtful_len, &ask->failed.message)) {
		ask->failed.outcome = ASK_ANSWERED;
		ask->failed.by_tcp = false;
		ask->failed.is_doubtful = true;
	}
	ask_finish(ask, &ask->failed);
}

/* Ends the ask from the event loop: ask_start() may be the caller. */
static void ask_fail(struct ask *ask, enum ask_outcome outcome, int error)
{
	ask_close_socket(ask);
	ask->failed = (struct ask_result){
		.outcome = outcome,
		.error = error,
		.by_tcp = ask->by_tcp,
	};
	event_del(ask->timer);
	event_assign(ask->timer, ask->base, -1, 0, ask_on_failed, ask);
	timer_arm_ms(ask->timer, 0);
}

/* ---- UDP ---- */

/* An error for one datagram does not end the tries: the next one may take another route. */
static void udp_send(struct ask *ask)
{
	ask->n_left--;
	if (send(ask->fd, ask->query + TCP_PREFIX, ask->len, MSG_NOSIGNAL) < 0)
		ask->failed.error = -errno;
	timer_arm_ms(ask->timer, ask->how.udp_ms);
}

static int ask_open_socket(struct ask *ask, int type)
{
	const struct endpoint *server = &ask->how.server;
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&server->addr, server->port, 0, &sa);

	ask->fd = socket(server->addr.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (ask->fd < 0)
		return -errno;
	if (connect(ask->fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return 0;
}

static int ask_watch(struct ask *ask, short what, event_callback_fn callback)
{
	if (ask->io)
		event_free(ask->io);
	ask->io = event_new(ask->base, ask->fd, (short)(what | EV_PERSIST), callback, ask);
	if (!ask->io)
		return -ENOMEM;
	event_add(ask->io, NULL);
	return 0;
}

static void udp_start(struct ask *ask)
{
	int err = ask_open_socket(ask, SOCK_DGRAM);

	if (err == 0)
		err = ask_watch(ask, EV_READ, udp_on_readable);
	if (err < 0) {
		ask_fail(ask, ASK_UNREACHABLE, err);
		return;
	}
	udp_send(ask);
}

/* Takes a response, or continues over TCP. May free the ask. */
static void udp_take(struct ask *ask, const struct message *message, const uint8_t *bytes)
{
	struct ask_result result = {.outcome = ASK_ANSWERED, .message = *message};
	bool truncated = message->flags & DNS_TC && !ask->how.keep_truncated;

	if (!truncated &&
		(!ask->how.check || ask->how.check(message, ask->how.arg) == ASK_TAKE)) {
		ask_finish(ask, &result);
		return;
	}
	if (!truncated) {
		memcpy(ask->doubtful, bytes, message->len);
		ask->doubtful_len = message->len;
	}
	ask_close_socket(ask);
	tcp_start(ask);
}

static void udp_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ask *ask = arg;
	uint8_t bytes[UDP_RECEIVE_MAX];
	struct message message;
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	(void)what;
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		/* ICMP, perhaps forged: reported only if no try is answered; the next try comes sooner */
		ask->failed.error = -errno;
		timer_arm_ms(ask->timer,
			ask->how.udp_ms < AFTER_ERROR_MS ? ask->how.udp_ms : AFTER_ERROR_MS);
		return;
	}
	if (n > 0 && message_read(bytes, (size_t)n, &message) &&
		message_is_response(&message, ask->query + TCP_PREFIX, ask->len))
		udp_take(ask, &message, bytes);
}

static void ask_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ask *ask = arg;
	int error = ask->failed.error;

	(void)fd;
	(void)what;
	if (!ask->by_tcp && ask->n_left > 0)
		udp_send(ask);
	else
		ask_fail(ask, error ? ASK_UNREACHABLE : ASK_TIMEOUT, error);
}

/* ---- TCP ---- */

static void tcp_take(struct ask *ask)
{
	struct ask_result result = {.outcome = ASK_ANSWERED, .by_tcp = true};
	size_t len = be16_read(ask->reply);

	if (!message_read(ask->reply + TCP_PREFIX, len, &result.message) ||
		!message_is_response(&result.message, ask->query + TCP_PREFIX, ask->len)) {
		ask_fail(ask, ASK_MALFORMED, 0);
		return;
	}
	/* no other host can answer over a connection: a doubtful response is accepted here */
	if (ask->how.check && ask->how.check(&result.message, ask->how.arg) == ASK_DOUBT)
		result.is_doubtful = true;
	ask_finish(ask, &result);
}

static void tcp_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ask *ask = arg;
	size_t want = TCP_PREFIX;

	(void)what;
	if (ask->n_io >= TCP_PREFIX)
		want += be16_read(ask->reply);
	ssize_t n = recv(fd, ask->reply + ask->n_io, want - ask->n_io, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		ask_fail(ask, ASK_UNREACHABLE, n < 0 ? -errno : -ECONNRESET);
		return;
	}
	ask->n_io += (size_t)n;
	if (ask->n_io >= TCP_PREFIX && ask->n_io == (size_t)TCP_PREFIX + be16_read(ask->reply))
		tcp_take(ask);
}

static void tcp_on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct ask *ask = arg;
	size_t total = TCP_PREFIX + ask->len;

	(void)what;
	ssize_t n = send(fd, ask->query + ask->n_io, total - ask->n_io, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		ask_fail(ask, ASK_UNREACHABLE, -errno);
		return;
	}
	ask->n_io += (size_t)n;
	if (ask->n_io < total)
		return;
	ask->n_io = 0;
	if (ask_watch(ask, EV_READ, tcp_on_readable) < 0)
		ask_fail(ask, ASK_UNREACHABLE, -ENOMEM);
}

static void tcp_start(struct ask *ask)
{
	ask->by_tcp = true;
	ask->n_io = 0;
	ask->failed.error = 0;
	int err = ask_open_socket(ask, SOCK_STREAM);
	if (err == 0)
		err = ask_watch(ask, EV_WRITE, tcp_on_writable);
	if (err < 0)
		ask_fail(ask, ASK_UNREACHABLE, err);
	else
		timer_arm_ms(ask->timer, ask->how.tcp_ms);
}

/* ---- the beginning ---- */

int ask_start(struct event_base *base, const struct ask_how *how, const uint8_t *query,
	size_t len, struct ask **ret_ask)
{
	struct ask *ask = malloc(sizeof(*ask));

	if (!ask || len > MESSAGE_QUERY_CAP) {
		free(ask);
		return ask ? -EMSGSIZE : -ENOMEM;
	}
	memset(ask, 0, offsetof(struct ask, query));
	ask->base = base;
	ask->how = *how;
	ask->fd = -1;
	ask->n_left = how->n_tries;
	ask->len = len;
	ask->doubtful_len = 0;
	ask->failed = (struct ask_result){0};
	be16_write(ask->query, (unsigned int)len);
	memcpy(ask->query + TCP_PREFIX, query, len);
	ask->timer = evtimer_new(base, ask_on_timer, ask);
	if (!ask->timer) {
		free(ask);
		return -ENOMEM;
	}
	if (how->tcp)
		tcp_start(ask);
	else
		udp_start(ask);
	*ret_ask = ask;
	return 0;
}
