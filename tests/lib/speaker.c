/* speaker.c - a control socket that says what a test tells it to, in the test's own event loop
 */
#include "tests/lib/speaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <poll.h>

#include "common/clock.h"

enum { PATIENCE_MS = 10000 };

void speaker_init(struct speaker *speaker, struct event_base *base)
{
	*speaker = (struct speaker){.base = base, .listener = -1, .client = -1};
	strcpy(speaker->dir, "/tmp/speaker.XXXXXX");
	assert_non_null(mkdtemp(speaker->dir));
	assert_int_equal(chmod(speaker->dir, 0755), 0);
	snprintf(speaker->path, sizeof(speaker->path), "%s/routed.sock", speaker->dir);
}

void speaker_fini(struct speaker *speaker)
{
	speaker_hang_up(speaker);
	speaker_end(speaker);
	unlink(speaker->path);
	rmdir(speaker->dir);
}

void speaker_listen(struct speaker *speaker)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	unlink(speaker->path);
	snprintf(un.sun_path, sizeof(un.sun_path), "%.100s", speaker->path);
	speaker->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(speaker->listener, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(speaker->listener, 4), 0);
}

void speaker_end(struct speaker *speaker)
{
	if (speaker->listener >= 0)
		close(speaker->listener);
	speaker->listener = -1;
}

void speaker_hang_up(struct speaker *speaker)
{
	if (speaker->client >= 0)
		close(speaker->client);
	speaker->client = -1;
}

static void turn(struct speaker *speaker)
{
	event_base_loop(speaker->base, EVLOOP_NONBLOCK);
	poll(NULL, 0, 1);
}

void speaker_turn_until(struct speaker *speaker, speaker_condition *holds, void *arg)
{
	int64_t until = clock_now_ms() + PATIENCE_MS;

	while (!holds(arg)) {
		if (clock_now_ms() > until)
			fail_msg("what the test waits for does not come");
		turn(speaker);
	}
}

void speaker_turn_ms(struct speaker *speaker, int ms)
{
	int64_t until = clock_now_ms() + ms;

	while (clock_now_ms() < until)
		turn(speaker);
}

static bool try_accept(void *arg)
{
	struct speaker *speaker = arg;

	speaker->client = accept4(speaker->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	return speaker->client >= 0;
}

void speaker_accept(struct speaker *speaker, const char *request)
{
	char in[256] = "";

	speaker_turn_until(speaker, try_accept, speaker);
	assert_int_equal(recv(speaker->client, in, sizeof(in) - 1, 0), strlen(request));
	assert_string_equal(in, request);
}

bool speaker_say(struct speaker *speaker, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(speaker->client, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
		turn(speaker);
	}
	return true;
}

bool speaker_is_left(struct speaker *speaker)
{
	char octet;
	ssize_t n = recv(speaker->client, &octet, 1, MSG_PEEK);

	return n == 0 || (n < 0 && errno != EAGAIN);
}
