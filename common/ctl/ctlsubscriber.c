/* ctlsubscriber.c - follows a stream of another daemon's control socket, and reconnects by itself
 *
 *     pausing --timer--> connected, request sent --good line--> following
 *        ^                        |                                |
 *        +---- no socket, not trusted, end of stream, line too ----+
 *              long or refused, no line in time, error
 *
 * connect(2) to a nonblocking Unix socket never waits, and a request fits into an empty socket
 * buffer, so there is no state between. One timer serves all: while pausing it ends the pause,
 * while connected it is the deadline of the line that has begun (of the first line, from the
 * connection on). Silence between lines has no deadline: news is rare.
 *
 * The pause doubles with each failure and is short again after a good line: a server that
 * accepts us and sends nothing good is asked no more often than one that is not there.
 */
#include "common/ctl/ctlsubscriber.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/timer.h"

enum { CTL_SUBSCRIBER_CHUNK = 64 * 1024 /* read at most so much per wake-up */ };

struct ctl_subscriber {
	struct event_base *base;
	struct sockaddr_un un;
	char *request;
	struct ctl_subscriber_calls calls;
	void *arg;

	int fd; /* -1: pausing */
	struct event *readable;
	struct event *timer;
	char *data; /* received, not handed over yet */
	size_t len;
	size_t cap;
	size_t seen; /* of `data`: no line feed in there */

	int pause_ms;
	int pause_min_ms, pause_max_ms, patience_ms;
	struct ctl_subscriber_state state;
};

/* ---- the end of a connection or of an attempt ---- */

static void subscriber_disconnect(struct ctl_subscriber *sub)
{
	event_freep(&sub->readable);
	if (sub->fd >= 0)
		close(sub->fd);
	sub->fd = -1;
	sub->len = 0;
	sub->seen = 0;
}

/* The words for an errno, which is kept beside them. */
static const char *subscriber_errno(struct ctl_subscriber *sub, int error)
{
	sub->state.error = error;
	return strerror(error);
}

static void subscriber_fail(struct ctl_subscriber *sub, const char *why)
{
	subscriber_disconnect(sub);
	snprintf(sub->state.why, sizeof(sub->state.why), "%s", why);
	if (sub->state.connected)
		sub->state.since_s = time(NULL);
	sub->state.connected = false;
	sub->state.failures++;
	timer_arm_ms(sub->timer, sub->pause_ms);
	sub->pause_ms = 2 * sub->pause_ms < sub->pause_max_ms ? 2 * sub->pause_ms
							      : sub->pause_max_ms;
	sub->calls.lost(sub->arg);
}

/* ---- lines ---- */

/* NULL, or why the connection has to end. */
static const char *subscriber_read_line(
	struct ctl_subscriber *sub, const char *line, size_t len)
{
	const char *why = sub->calls.line(line, len, sub->arg);

	if (why)
		return why;
	sub->state.lines++;
	sub->pause_ms = sub->pause_min_ms;
	if (sub->state.connected)
		return NULL;
	sub->state.connected = true;
	sub->state.connections++;
	sub->state.since_s = time(NULL);
	sub->state.why[0] = '\0';
	return NULL;
}

/* The deadline belongs to the line that has begun: more octets of that line do not move it. */
static void subscriber_watch_line(struct ctl_subscriber *sub, bool any_ended)
{
	if (sub->len == 0)
		event_del(sub->timer);
	else if (any_ended || !event_pending(sub->timer, EV_TIMEOUT, NULL))
		timer_arm_ms(sub->timer, sub->patience_ms);
}

static const char *subscriber_read_lines(struct ctl_subscriber *sub)
{
	size_t begin = 0;
	const char *why = NULL;
	char *end;

	while (!why && (end = memchr(sub->data + sub->seen, '\n', sub->len - sub->seen))) {
		why = subscriber_read_line(
			sub, sub->data + begin, (size_t)(end - sub->data) - begin);
		begin = (size_t)(end - sub->data) + 1;
		sub->seen = begin;
	}
	if (why)
		return why;

	sub->len -= begin;
	memmove(sub->data, sub->data + begin, sub->len);
	sub->seen = sub->len;
	if (begin > 0 || sub->state.connected)
		subscriber_watch_line(sub, begin > 0);
	return sub->len < CTL_SUBSCRIBER_LINE_MAX ? NULL : "it sends a line that does not end";
}

static bool subscriber_has_room(struct ctl_subscriber *sub)
{
	if (sub->len < sub->cap)
		return true;

	char *more = realloc(sub->data, sub->cap + CTL_SUBSCRIBER_CHUNK);
	if (!more)
		return false;
	sub->data = more;
	sub->cap += CTL_SUBSCRIBER_CHUNK;
	return true;
}

/* NULL, or why the connection has to end. */
static const char *subscriber_read(struct ctl_subscriber *sub)
{
	if (!subscriber_has_room(sub))
		return subscriber_errno(sub, ENOMEM);

	ssize_t n = recv(sub->fd, sub->data + sub->len, sub->cap - sub->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return NULL;
	if (n < 0)
		return subscriber_errno(sub, errno);
	if (n == 0)
		return "it has closed the connection";
	sub->len += (size_t)n;
	return subscriber_read_lines(sub);
}

static void subscriber_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ctl_subscriber *sub = arg;
	const char *why;

	(void)fd;
	(void)what;
	sub->state.error = 0;
	why = subscriber_read(sub);
	if (why)
		subscriber_fail(sub, why);
}

/* ---- connecting ---- */

/* What the server sends changes our answers: only root and our own user may be the server. */
static bool peer_is_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static const char *subscriber_connect(struct ctl_subscriber *sub)
{
	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t len = strlen(sub->request);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&sub->un, sizeof(sub->un)) < 0)
		return subscriber_errno(sub, errno);
	if (!peer_is_trusted(fd))
		return "neither root nor our own user listens there: not believed";
	if (send(fd, sub->request, len, MSG_NOSIGNAL) != (ssize_t)len)
		return "it does not take our request";

	sub->readable = event_new(
		sub->base, fd, EV_READ | EV_PERSIST, subscriber_on_readable, sub);
	if (!sub->readable || event_add(sub->readable, NULL) < 0)
		return subscriber_errno(sub, ENOMEM);
	sub->fd = TAKE_FD(fd);
	timer_arm_ms(sub->timer, sub->patience_ms);
	return NULL;
}

static void subscriber_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ctl_subscriber *sub = arg;
	const char *why;

	(void)fd;
	(void)what;
	sub->state.error = 0;
	why = sub->fd < 0 ? subscriber_connect(sub) : "it does not end a line in time";
	if (why)
		subscriber_fail(sub, why);
}

/* ---- the object ---- */

static int subscriber_set_target(
	struct ctl_subscriber *sub, const char *path, const char *verb)
{
	sub->un = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(sub->un.sun_path))
		return -ENAMETOOLONG;
	memcpy(sub->un.sun_path, path, strlen(path) + 1);
	if (asprintf(&sub->request, "{\"verb\":\"%s\"}\n", verb) < 0) {
		sub->request = NULL;
		return -ENOMEM;
	}
	return 0;
}

int ctl_subscriber_new(struct event_base *base, const char *path, const char *verb,
	const struct ctl_subscriber_calls *calls, void *arg,
	struct ctl_subscriber **ret_subscriber)
{
	struct ctl_subscriber *sub = calloc(1, sizeof(*sub));

	if (!sub)
		return -ENOMEM;
	*sub = (struct ctl_subscriber){
		.base = base,
		.calls = *calls,
		.arg = arg,
		.fd = -1,
		.timer = evtimer_new(base, subscriber_on_timer, sub),
	};
	ctl_subscriber_set_times(sub, CTL_SUBSCRIBER_PAUSE_MS, CTL_SUBSCRIBER_PAUSE_MAX_MS,
		CTL_SUBSCRIBER_PATIENCE_MS);
	int err = sub->timer ? subscriber_set_target(sub, path, verb) : -ENOMEM;
	if (err < 0) {
		ctl_subscriber_free(sub);
		return err;
	}
	event_active(sub->timer, EV_TIMEOUT, 0); /* at once, but from the event loop */
	*ret_subscriber = sub;
	return 0;
}

void ctl_subscriber_free(struct ctl_subscriber *sub)
{
	if (!sub)
		return;
	subscriber_disconnect(sub);
	event_freep(&sub->timer);
	free(sub->request);
	free(sub->data);
	free(sub);
}

const struct ctl_subscriber_state *ctl_subscriber_state(const struct ctl_subscriber *sub)
{
	return &sub->state;
}

bool ctl_subscriber_is_waiting(const struct ctl_subscriber *sub)
{
	return sub->fd >= 0 && !sub->state.connected;
}

void ctl_subscriber_set_times(
	struct ctl_subscriber *sub, int pause_ms, int pause_max_ms, int patience_ms)
{
	sub->pause_ms = pause_ms;
	sub->pause_min_ms = pause_ms;
	sub->pause_max_ms = pause_max_ms;
	sub->patience_ms = patience_ms;
}
