/* test_ctlsubscriber.c - following another daemon: it is absent, restarted, slow, endless, a stranger
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/ctl/ctlsubscriber.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/lib/speaker.h"

#define REQUEST "{\"verb\":\"links\"}\n"

enum { PAUSE_MS = 20, PAUSE_MAX_MS = 80, PATIENCE_MS = 500 };

struct fixture {
	struct event_base *base;
	struct speaker speaker;
	struct ctl_subscriber *feed;
	char lines[4096]; /* all that came, with a | behind each */
	size_t longest;
	unsigned int n_lost;
};

/* A line that begins with '!' is of no use. */
static const char *on_line(const char *line, size_t len, void *arg)
{
	struct fixture *f = arg;
	size_t used = strlen(f->lines);

	if (len > f->longest)
		f->longest = len;
	if (len > 0 && line[0] == '!')
		return "this makes no sense";
	if (used + 64 < sizeof(f->lines))
		snprintf(f->lines + used, sizeof(f->lines) - used, "%.*s|",
			len < 60 ? (int)len : 60, line);
	return NULL;
}

static void on_lost(void *arg)
{
	((struct fixture *)arg)->n_lost++;
}

static int setup(void **state)
{
	static const struct ctl_subscriber_calls calls = {.line = on_line, .lost = on_lost};
	struct fixture *f = calloc(1, sizeof(*f));

	f->base = event_base_new();
	speaker_init(&f->speaker, f->base);
	assert_int_equal(
		ctl_subscriber_new(f->base, f->speaker.path, "links", &calls, f, &f->feed), 0);
	ctl_subscriber_set_times(f->feed, PAUSE_MS, PAUSE_MAX_MS, PATIENCE_MS);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ctl_subscriber_free(f->feed);
	speaker_fini(&f->speaker);
	event_base_free(f->base);
	free(f);
	return 0;
}

/* ---- what tests wait for ---- */

static bool is_connected(void *arg)
{
	return ctl_subscriber_state(((struct fixture *)arg)->feed)->connected;
}

static bool has_failed(void *arg)
{
	struct fixture *f = arg;

	return f->n_lost > 0;
}

static void until(struct fixture *f, speaker_condition *holds)
{
	speaker_turn_until(&f->speaker, holds, f);
}

static void say(struct fixture *f, const char *text)
{
	assert_true(speaker_say(&f->speaker, text, strlen(text)));
	speaker_turn_ms(&f->speaker, 2);
}

static void begin(struct fixture *f)
{
	speaker_listen(&f->speaker);
	speaker_accept(&f->speaker, REQUEST);
}

static void assert_why(struct fixture *f, const char *part)
{
	const struct ctl_subscriber_state *state = ctl_subscriber_state(f->feed);

	assert_false(state->connected);
	if (!strstr(state->why, part))
		fail_msg("'%s' does not say '%s'", state->why, part);
}

/* ---- tests ---- */

static void lines_come_one_by_one(void **state)
{
	struct fixture *f = *state;

	begin(f);
	assert_true(ctl_subscriber_is_waiting(f->feed));
	say(f, "one\n");
	until(f, is_connected);
	assert_false(ctl_subscriber_is_waiting(f->feed));
	say(f, "two\nthree\n\nfo");
	assert_string_equal(f->lines, "one|two|three||");
	say(f, "ur\nfive\n");
	assert_string_equal(f->lines, "one|two|three||four|five|");
	assert_int_equal(ctl_subscriber_state(f->feed)->lines, 6);
	assert_int_equal(ctl_subscriber_state(f->feed)->connections, 1);
	assert_string_equal(ctl_subscriber_state(f->feed)->why, "");
	assert_int_equal(f->n_lost, 0);
}

static void nobody_there_is_tried_again_and_again(void **state)
{
	struct fixture *f = *state;

	until(f, has_failed);
	assert_why(f, "No such file");
	assert_int_equal(ctl_subscriber_state(f->feed)->error, ENOENT);
	assert_int_equal(ctl_subscriber_state(f->feed)->since_s, 0);
	speaker_turn_ms(&f->speaker, 100);
	assert_true(f->n_lost >= 2);

	begin(f);
	say(f, "one\n");
	until(f, is_connected);
	assert_int_not_equal(ctl_subscriber_state(f->feed)->since_s, 0);
}

/* With its file left behind, as by kill -9. */
static void a_server_that_is_killed_is_found_again(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 1; i <= 3; i++) {
		begin(f);
		say(f, "one\nhalf a li");
		until(f, is_connected);
		assert_int_equal(ctl_subscriber_state(f->feed)->connections, i);

		f->n_lost = 0;
		speaker_hang_up(&f->speaker);
		speaker_end(&f->speaker);
		until(f, has_failed);
		assert_why(f, "closed the connection");
		speaker_turn_ms(&f->speaker, 60);
		assert_why(f, "refused");
		assert_int_equal(ctl_subscriber_state(f->feed)->error, ECONNREFUSED);
	}
	assert_string_equal(f->lines, "one|one|one|"); /* half a line is none */
}

/* A pause doubles up to a bound, and begins anew after a line of use. */
static void attempts_become_rarer_and_never_rare(void **state)
{
	struct fixture *f = *state;
	int64_t start_ms = clock_now_ms();

	speaker_turn_ms(&f->speaker, 20 * PAUSE_MAX_MS);
	double times = (double)(clock_now_ms() - start_ms) / PAUSE_MAX_MS;
	assert_true(f->n_lost <= times + 4);
	assert_true(f->n_lost >= 5);
}

static void a_line_of_no_use_ends_the_connection(void **state)
{
	struct fixture *f = *state;

	begin(f);
	say(f, "one\n!two\nthree\n");
	until(f, has_failed);
	assert_why(f, "makes no sense");
	assert_string_equal(f->lines, "one|");
	assert_true(speaker_is_left(&f->speaker));
	assert_int_equal(ctl_subscriber_state(f->feed)->error, 0);

	/* and it is tried again like one that is not there */
	speaker_hang_up(&f->speaker);
	for (int i = 0; i < 4; i++) {
		speaker_accept(&f->speaker, REQUEST);
		say(f, "!again\n");
		speaker_hang_up(&f->speaker);
	}
	assert_int_equal(ctl_subscriber_state(f->feed)->connections, 1);
	assert_int_equal(ctl_subscriber_state(f->feed)->lines, 1);
}

static void a_line_may_be_long_and_not_endless(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(CTL_SUBSCRIBER_LINE_MAX + 1);

	ctl_subscriber_set_times(f->feed, PAUSE_MS, PAUSE_MAX_MS, 20000);
	memset(text, 'x', CTL_SUBSCRIBER_LINE_MAX);
	text[CTL_SUBSCRIBER_LINE_MAX - 1] = '\n';
	begin(f);
	assert_true(speaker_say(&f->speaker, text, CTL_SUBSCRIBER_LINE_MAX));
	until(f, is_connected);
	assert_int_equal(f->longest, CTL_SUBSCRIBER_LINE_MAX - 1);

	text[CTL_SUBSCRIBER_LINE_MAX - 1] = 'x';
	speaker_say(&f->speaker, text, CTL_SUBSCRIBER_LINE_MAX);
	speaker_say(&f->speaker, "\n", 1);
	until(f, has_failed);
	assert_why(f, "does not end");
	assert_int_equal(ctl_subscriber_state(f->feed)->lines, 1);
	free(text);
}

static bool drip(struct fixture *f, int ms)
{
	int64_t until_ms = clock_now_ms() + ms;

	while (clock_now_ms() < until_ms && f->n_lost == 0) {
		(void)!send(f->speaker.client, "x", 1, MSG_NOSIGNAL);
		speaker_turn_ms(&f->speaker, 10);
	}
	return f->n_lost > 0;
}

/* An octet now and then does not move the deadline. */
static void a_line_that_takes_too_long_ends_the_connection(void **state)
{
	struct fixture *f = *state;
	int64_t start_ms;

	begin(f); /* the first */
	start_ms = clock_now_ms();
	assert_true(drip(f, 5000));
	assert_in_range(clock_now_ms() - start_ms, PATIENCE_MS - 20, PATIENCE_MS + 2000);
	assert_why(f, "in time");

	speaker_hang_up(&f->speaker); /* and any other */
	speaker_accept(&f->speaker, REQUEST);
	say(f, "one\n");
	f->n_lost = 0;
	speaker_turn_ms(&f->speaker, 2 * PATIENCE_MS);
	assert_int_equal(f->n_lost, 0); /* no news is no reason */
	start_ms = clock_now_ms();
	assert_true(drip(f, 5000));
	assert_in_range(clock_now_ms() - start_ms, PATIENCE_MS - 20, PATIENCE_MS + 2000);
	assert_why(f, "in time");
}

/* Lines that end keep it going, however short the time between them and the next. */
static void a_line_that_ends_ends_its_deadline(void **state)
{
	struct fixture *f = *state;

	begin(f);
	say(f, "one\n");
	for (int i = 0; i < 6; i++) {
		say(f, "x\nhal");
		speaker_turn_ms(&f->speaker, PATIENCE_MS / 3);
		say(f, "f\n");
	}
	assert_int_equal(f->n_lost, 0);
	speaker_turn_ms(&f->speaker, 2 * PATIENCE_MS);
	assert_int_equal(f->n_lost, 0);
}

static void silence_after_the_request_ends_the_connection(void **state)
{
	struct fixture *f = *state;

	begin(f);
	until(f, has_failed);
	assert_why(f, "in time");
}

/* A listener of another user, whom everybody could impersonate. */
static pid_t stranger_listens(const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct sockaddr_un un = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		snprintf(un.sun_path, sizeof(un.sun_path), "%.100s", path);
		if (setuid(65533) < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 ||
			listen(fd, 4) < 0)
			_exit(1);
		for (;;) {
			int client = accept(fd, NULL, NULL);

			(void)!write(client, "one\n", 4);
			close(client);
		}
	}
	return pid;
}

static bool was_refused(void *arg)
{
	return strstr(ctl_subscriber_state(((struct fixture *)arg)->feed)->why,
		       "not believed") != NULL;
}

static void a_stranger_is_not_believed(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(f->speaker.dir, 0777), 0);
	pid_t pid = stranger_listens(f->speaker.path);
	until(f, was_refused);
	speaker_turn_ms(&f->speaker, 100);
	assert_string_equal(f->lines, "");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_path_that_no_socket_can_have_is_an_error(void **state)
{
	static const struct ctl_subscriber_calls calls = {.line = on_line, .lost = on_lost};
	struct fixture *f = *state;
	char path[200];
	struct ctl_subscriber *feed;

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(
		ctl_subscriber_new(f->base, path, "links", &calls, f, &feed), -ENAMETOOLONG);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(lines_come_one_by_one),
		test(nobody_there_is_tried_again_and_again),
		test(a_server_that_is_killed_is_found_again),
		test(attempts_become_rarer_and_never_rare),
		test(a_line_of_no_use_ends_the_connection),
		test(a_line_may_be_long_and_not_endless),
		test(a_line_that_takes_too_long_ends_the_connection),
		test(a_line_that_ends_ends_its_deadline),
		test(silence_after_the_request_ends_the_connection),
		test(a_stranger_is_not_believed),
		test(a_path_that_no_socket_can_have_is_an_error),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("ctlsubscriber", tests, NULL, NULL);
}
