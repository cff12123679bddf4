/* ctlrequest.c - the asking end of the control socket: one request, its reply, or a stream
 *
 * Blocking, with a time limit, for verbs of the command line. ctlsubscriber.c is the end that
 * lives in an event loop.
 */
#include "common/ctl/ctlrequest.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/ctl/ctlsocket.h"

enum {
	CTL_CONNECT_RETRY_MS = 10,	  /* the server's backlog is full */
	CTL_REPLY_MAX = 64 * 1024 * 1024, /* octets that the client takes */
	CTL_REPLY_CHUNK = 64 * 1024,
};

/* Waits until the socket is ready for `events`, or the time is over. */
static int poll_until(int fd, short events, int64_t until_ms)
{
	for (;;) {
		int64_t left = until_ms - clock_now_ms();
		struct pollfd pfd = {.fd = fd, .events = events};

		if (left <= 0)
			return -ETIMEDOUT;
		int n = poll(&pfd, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int connect_until(const char *path, int64_t until_ms, int *ret_fd)
{
	struct sockaddr_un un;
	int r = ctl_socket_address(path, &un);
	if (r < 0)
		return r;

	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	while (connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (clock_now_ms() >= until_ms)
			return -ETIMEDOUT;
		poll(NULL, 0, CTL_CONNECT_RETRY_MS); /* its backlog is full */
	}

	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int send_until(int fd, const char *text, size_t len, int64_t until_ms)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n >= 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return 0; /* it was refused: the reason can still be read */
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		int r = poll_until(fd, POLLOUT, until_ms);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Octets that were received and not handed over yet. */
struct reader {
	int fd;
	char *data;
	size_t len;
	size_t cap;
};

/* Receives more octets. -EPROTO at the end of the stream, or if a line is too long. */
static int reader_fill(struct reader *reader, int64_t until_ms)
{
	if (reader->len == reader->cap) {
		size_t cap = reader->cap + CTL_REPLY_CHUNK;
		char *more = cap <= CTL_REPLY_MAX ? realloc(reader->data, cap) : NULL;

		if (!more)
			return cap <= CTL_REPLY_MAX ? -ENOMEM : -EPROTO;
		reader->data = more;
		reader->cap = cap;
	}

	int r = poll_until(reader->fd, POLLIN, until_ms);
	if (r < 0)
		return r;
	ssize_t n = recv(reader->fd, reader->data + reader->len, reader->cap - reader->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return n < 0 && errno != ECONNRESET ? -errno : -EPROTO;
	reader->len += (size_t)n;
	return 0;
}

/* The next line as an object; a new reference. */
static int reader_next(struct reader *reader, int64_t until_ms, json_t **ret_line)
{
	size_t seen = 0;
	char *end = NULL;

	while (!end) {
		if (reader->len > seen)
			end = memchr(reader->data + seen, '\n', reader->len - seen);
		seen = reader->len;
		int r = end ? 0 : reader_fill(reader, until_ms);
		if (r < 0)
			return r;
	}

	size_t len = (size_t)(end - reader->data);
	AUTO(json_decrefp) json_t *line = json_loadb(reader->data, len, 0, NULL);
	reader->len -= len + 1;
	memmove(reader->data, end + 1, reader->len);
	if (!json_is_object(line))
		return -EPROTO;
	*ret_line = TAKE(line);
	return 0;
}

static void reader_fini(struct reader *reader)
{
	closep(&reader->fd);
	free(reader->data);
}

static int reader_ask(struct reader *reader, const char *path, const json_t *request,
	int64_t until_ms, json_t **ret_reply)
{
	AUTO(freep) char *text = json_dumps(request, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return -ENOMEM;
	text[len] = '\n'; /* in place of the NUL: sent with its length */

	int r = connect_until(path, until_ms, &reader->fd);
	if (r == 0)
		r = send_until(reader->fd, text, len + 1, until_ms);
	return r < 0 ? r : reader_next(reader, until_ms, ret_reply);
}

int ctl_request_object(
	const char *path, const json_t *request, int timeout_ms, json_t **ret_reply)
{
	AUTO(reader_fini) struct reader reader = {.fd = -1};

	return reader_ask(&reader, path, request, clock_now_ms() + timeout_ms, ret_reply);
}

int ctl_request(const char *path, const char *verb, int timeout_ms, json_t **ret_reply)
{
	AUTO(json_decrefp) json_t *request = json_pack("{s:s}", "verb", verb);

	return request ? ctl_request_object(path, request, timeout_ms, ret_reply) : -ENOMEM;
}

int ctl_follow(
	const char *path, const char *verb, int timeout_ms, ctl_each_fn *each, void *arg)
{
	AUTO(json_decrefp) json_t *request = json_pack("{s:s}", "verb", verb);
	AUTO(json_decrefp) json_t *line = NULL;
	AUTO(reader_fini) struct reader reader = {.fd = -1};

	if (!request)
		return -ENOMEM;
	int r = reader_ask(&reader, path, request, clock_now_ms() + timeout_ms, &line);
	if (r < 0)
		return r;
	while ((r = each(line, arg)) == 0) {
		json_decref(TAKE(line));
		r = reader_next(&reader, INT64_MAX, &line);
		if (r < 0)
			return r == -EPROTO ? -EPIPE : r;
	}
	return r;
}
