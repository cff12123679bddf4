/* feed.c - follows what another daemon publishes on its control socket, and comes back by
 * itself
 *
 *     pausing --timer--> connected, request sent --line of use--> following
 *        ^                        |                                   |
 *        +---- no socket, not believed, end of stream, overlong or ---+
 *              useless line, no line in time, error
 *
 * connect(2) to a Unix socket never waits when it is told not to, and a request fits into an
 * empty socket buffer, so that there is no state between. One timer serves all: while pausing
 * it ends the pause, while connected it is the deadline of the line that has begun (of the
 * first one from the connection on). A line may take its time in silence before it begins:
 * news is rare.
 *
 * The pause doubles with each failure and begins anew once a line was of use: a server that
 * takes us and says nothing good is asked no more often than one that is not there.
 */
#include "common/ctl/feed.h"

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

enum { FEED_CHUNK = 64 * 1024 /* read at most so much per wake-up */ };

struct feed {
	struct event_base *base;
	struct sockaddr_un un;
	char *request;
	struct feed_calls calls;
	void *arg;

	int fd; /* -1: pausing */
	struct event *readable;
	struct event *timer;
	char *data; /* what has come of the next lines */
	size_t len;
	size_t cap;
	size_t seen; /* of `data`: no line feed in there */

	int pause_ms;
	int pause_min_ms, pause_max_ms, patience_ms;
	struct feed_state state;
};

/* ---- the end of a connection, or of an attempt at one ---- */

static void disconnect(struct feed *feed)
{
	event_freep(&feed->readable);
	if (feed->fd >= 0)
		close(feed->fd);
	feed->fd = -1;
	feed->len = 0;
	feed->seen = 0;
}

/* Why, if the system says so. */
static const char *system_says(struct feed *feed, int error)
{
	feed->state.error = error;
	return strerror(error);
}

static void fail(struct feed *feed, const char *why)
{
	disconnect(feed);
	snprintf(feed->state.why, sizeof(feed->state.why), "%s", why);
	if (feed->state.connected)
		feed->state.since_s = time(NULL);
	feed->state.connected = false;
	feed->state.failures++;
	timer_arm_ms(feed->timer, feed->pause_ms);
	feed->pause_ms = 2 * feed->pause_ms < feed->pause_max_ms ? 2 * feed->pause_ms
								 : feed->pause_max_ms;
	feed->calls.lost(feed->arg);
}

/* ---- lines ---- */

/* NULL, or why the connection has to end. */
static const char *take_line(struct feed *feed, const char *line, size_t len)
{
	const char *why = feed->calls.line(line, len, feed->arg);

	if (why)
		return why;
	feed->state.lines++;
	feed->pause_ms = feed->pause_min_ms;
	if (feed->state.connected)
		return NULL;
	feed->state.connected = true;
	feed->state.connections++;
	feed->state.since_s = time(NULL);
	feed->state.why[0] = '\0';
	return NULL;
}

/* The deadline is that of the line which has begun: it is not moved by what comes of it. */
static void watch_line(struct feed *feed, bool any_ended)
{
	if (feed->len == 0)
		event_del(feed->timer);
	else if (any_ended || !event_pending(feed->timer, EV_TIMEOUT, NULL))
		timer_arm_ms(feed->timer, feed->patience_ms);
}

static const char *take_lines(struct feed *feed)
{
	size_t begin = 0;
	const char *why = NULL;
	char *end;

	while (!why && (end = memchr(feed->data + feed->seen, '\n', feed->len - feed->seen))) {
		why = take_line(feed, feed->data + begin, (size_t)(end - feed->data) - begin);
		begin = (size_t)(end - feed->data) + 1;
		feed->seen = begin;
	}
	if (why)
		return why;

	feed->len -= begin;
	memmove(feed->data, feed->data + begin, feed->len);
	feed->seen = feed->len;
	if (begin > 0 || feed->state.connected)
		watch_line(feed, begin > 0);
	return feed->len < FEED_LINE_MAX ? NULL : "it sends a line that does not end";
}

static bool has_room(struct feed *feed)
{
	if (feed->len < feed->cap)
		return true;

	char *more = realloc(feed->data, feed->cap + FEED_CHUNK);
	if (!more)
		return false;
	feed->data = more;
	feed->cap += FEED_CHUNK;
	return true;
}

/* NULL, or why the connection has to end. */
static const char *read_some(struct feed *feed)
{
	if (!has_room(feed))
		return system_says(feed, ENOMEM);

	ssize_t n = recv(feed->fd, feed->data + feed->len, feed->cap - feed->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return NULL;
	if (n < 0)
		return system_says(feed, errno);
	if (n == 0)
		return "it has closed the connection";
	feed->len += (size_t)n;
	return take_lines(feed);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct feed *feed = arg;
	const char *why;

	(void)fd;
	(void)what;
	feed->state.error = 0;
	why = read_some(feed);
	if (why)
		fail(feed, why);
}

/* ---- connecting ---- */

/* Who listens there decides what we say and do. */
static bool peer_is_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static const char *try_connect(struct feed *feed)
{
	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t len = strlen(feed->request);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&feed->un, sizeof(feed->un)) < 0)
		return system_says(feed, errno);
	if (!peer_is_trusted(fd))
		return "neither root nor our own user listens there: not believed";
	if (send(fd, feed->request, len, MSG_NOSIGNAL) != (ssize_t)len)
		return "it does not take our request";

	feed->readable = event_new(feed->base, fd, EV_READ | EV_PERSIST, on_readable, feed);
	if (!feed->readable || event_add(feed->readable, NULL) < 0)
		return system_says(feed, ENOMEM);
	feed->fd = TAKE_FD(fd);
	timer_arm_ms(feed->timer, feed->patience_ms);
	return NULL;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct feed *feed = arg;
	const char *why;

	(void)fd;
	(void)what;
	feed->state.error = 0;
	why = feed->fd < 0 ? try_connect(feed) : "it does not end a line in time";
	if (why)
		fail(feed, why);
}

/* ---- life ---- */

static int set_target(struct feed *feed, const char *path, const char *verb)
{
	feed->un = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(feed->un.sun_path))
		return -ENAMETOOLONG;
	memcpy(feed->un.sun_path, path, strlen(path) + 1);
	if (asprintf(&feed->request, "{\"verb\":\"%s\"}\n", verb) < 0) {
		feed->request = NULL;
		return -ENOMEM;
	}
	return 0;
}

int feed_new(struct event_base *base, const char *path, const char *verb,
	const struct feed_calls *calls, void *arg, struct feed **ret_feed)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return -ENOMEM;
	*feed = (struct feed){
		.base = base,
		.calls = *calls,
		.arg = arg,
		.fd = -1,
		.timer = evtimer_new(base, on_timer, feed),
	};
	feed_set_times(feed, FEED_PAUSE_MS, FEED_PAUSE_MAX_MS, FEED_PATIENCE_MS);
	int err = feed->timer ? set_target(feed, path, verb) : -ENOMEM;
	if (err < 0) {
		feed_free(feed);
		return err;
	}
	event_active(feed->timer, EV_TIMEOUT, 0); /* first of all, in the event loop */
	*ret_feed = feed;
	return 0;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	disconnect(feed);
	event_freep(&feed->timer);
	free(feed->request);
	free(feed->data);
	free(feed);
}

const struct feed_state *feed_state(const struct feed *feed)
{
	return &feed->state;
}

bool feed_is_waiting(const struct feed *feed)
{
	return feed->fd >= 0 && !feed->state.connected;
}

void feed_set_times(struct feed *feed, int pause_ms, int pause_max_ms, int patience_ms)
{
	feed->pause_ms = pause_ms;
	feed->pause_min_ms = pause_ms;
	feed->pause_max_ms = pause_max_ms;
	feed->patience_ms = patience_ms;
}
