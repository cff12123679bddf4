/* test_routedclient.c - routed's word over time: it comes, counts on for a while without its source,
 * and is forgotten; and each of that is said once
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "dnsd/state/routedclient.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ctl/ctlsubscriber.h"
#include "tests/lib/speaker.h"

#define REQUEST "{\"verb\":\"links\"}\n"

enum { GRACE_MS = 1000, PAUSE_MS = 20, PAUSE_MAX_MS = 40, PATIENCE_MS = 5000 };

struct fixture {
	struct event_base *base;
	struct speaker speaker;
	struct routed_client *client;
	unsigned int n_changes;
	int log_fd; /* where standard error goes meanwhile */
	int stderr_fd;
};

static void on_changed(void *arg)
{
	((struct fixture *)arg)->n_changes++;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[] = "/tmp/test_routedclient.XXXXXX";

	f->base = event_base_new();
	speaker_init(&f->speaker, f->base);
	fflush(stderr);
	f->stderr_fd = dup(STDERR_FILENO);
	f->log_fd = mkstemp(path);
	unlink(path);
	dup2(f->log_fd, STDERR_FILENO);
	assert_int_equal(
		routed_client_new(f->base, f->speaker.path, on_changed, f, &f->client), 0);
	routed_client_set_times(f->client, GRACE_MS, PAUSE_MS, PAUSE_MAX_MS, PATIENCE_MS);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dup2(f->stderr_fd, STDERR_FILENO);
	close(f->stderr_fd);
	close(f->log_fd);
	routed_client_free(f->client);
	speaker_fini(&f->speaker);
	event_base_free(f->base);
	free(f);
	return 0;
}

/* How often the log says that. */
static int logged(const struct fixture *f, const char *part)
{
	static char text[65536];
	ssize_t len = pread(f->log_fd, text, sizeof(text) - 1, 0);
	int n = 0;

	text[len > 0 ? len : 0] = '\0';
	for (const char *at = text; (at = strstr(at, part)); at++)
		n++;
	return n;
}

static void say_state(struct fixture *f, const char *state)
{
	char line[256];

	snprintf(line, sizeof(line),
		"{\"version\":1,\"seq\":5,\"uplinks\":[{\"name\":\"isp-a\",\"interface\":"
		"\"wan-a\",\"state\":\"%s\"}]}\n",
		state);
	assert_true(speaker_say(&f->speaker, line, strlen(line)));
}

static const char *word_state(const struct fixture *f)
{
	const struct routed_report *report = routed_client_report(f->client);

	return report ? uplink_state_str(report->uplinks[0].state) : "none";
}

static struct routed_client_state look(const struct fixture *f)
{
	struct routed_client_state state;

	routed_client_look(f->client, &state);
	return state;
}

static bool has_changed(void *arg)
{
	return ((struct fixture *)arg)->n_changes > 0;
}

static bool is_lost(void *arg)
{
	return !look(arg).subscriber->connected;
}

static bool has_no_word(void *arg)
{
	return !routed_client_report(((struct fixture *)arg)->client);
}

static void until(struct fixture *f, speaker_condition *holds)
{
	speaker_turn_until(&f->speaker, holds, f);
}

static void connect_and_say(struct fixture *f, const char *state)
{
	speaker_listen(&f->speaker);
	speaker_accept(&f->speaker, REQUEST);
	f->n_changes = 0;
	say_state(f, state);
	until(f, has_changed);
}

/* As kill -9 does it. */
static void lose(struct fixture *f)
{
	speaker_hang_up(&f->speaker);
	speaker_end(&f->speaker);
	until(f, is_lost);
}

/* ---- tests ---- */

static void each_line_is_the_word_from_then_on(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(word_state(f), "none");
	connect_and_say(f, "up");
	assert_string_equal(word_state(f), "up");
	assert_int_equal(f->n_changes, 1);
	say_state(f, "drained");
	say_state(f, "down");
	speaker_turn_ms(&f->speaker, 20);
	assert_string_equal(word_state(f), "down");
	assert_int_equal(f->n_changes, 3);
	assert_int_equal(look(f).grace_left_ms, -1);
	assert_in_range(look(f).age_ms, 0, 5000);
	assert_int_equal(logged(f, "follows routed at"), 1);
}

static void the_last_word_counts_for_a_while(void **state)
{
	struct fixture *f = *state;
	int64_t lost_ms;

	connect_and_say(f, "down");
	f->n_changes = 0;
	lose(f);
	lost_ms = clock_now_ms();
	assert_string_equal(word_state(f), "down");
	assert_in_range(look(f).grace_left_ms, 0, GRACE_MS);
	assert_int_equal(f->n_changes, 0);

	until(f, has_no_word);
	assert_in_range(clock_now_ms() - lost_ms, GRACE_MS - 20, GRACE_MS + 3000);
	assert_int_equal(f->n_changes, 1);
	assert_int_equal(look(f).age_ms, -1);
	assert_int_equal(look(f).grace_left_ms, -1);
	assert_int_not_equal(look(f).report_s, 0);

	/* it was tried again all the while, and each was said once */
	speaker_turn_ms(&f->speaker, 200);
	assert_true(look(f).subscriber->failures > 3);
	assert_int_equal(logged(f, "routed is lost"), 1);
	assert_int_equal(logged(f, "no report from routed"), 1);
	assert_int_equal(logged(f, "no routed at"), 0);
	assert_int_equal(f->n_changes, 1);
}

static void a_restart_in_time_is_not_noticed(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		connect_and_say(f, "drained");
		assert_string_equal(word_state(f), "drained");
		assert_int_equal(f->n_changes, 1);
		lose(f);
		speaker_turn_ms(&f->speaker, GRACE_MS / 4);
		assert_string_equal(word_state(f), "drained");
	}
	connect_and_say(f, "drained");
	speaker_turn_ms(&f->speaker, 2 * GRACE_MS); /* no grace is left over */
	assert_string_equal(word_state(f), "drained");
	assert_int_equal(logged(f, "no report from routed"), 0);
}

/* The grace begins when the stream is lost, not with each attempt to get it back. */
static void useless_connections_do_not_prolong_the_grace(void **state)
{
	struct fixture *f = *state;
	int64_t lost_ms;

	connect_and_say(f, "down");
	speaker_hang_up(&f->speaker);
	until(f, is_lost);
	lost_ms = clock_now_ms();
	while (routed_client_report(f->client)) {
		assert_true(clock_now_ms() - lost_ms < GRACE_MS + 5000);
		speaker_accept(&f->speaker, REQUEST);
		(void)speaker_say(&f->speaker, "nonsense\n", 9);
		speaker_turn_ms(&f->speaker, 5);
		speaker_hang_up(&f->speaker);
	}
	assert_int_equal(
		logged(f, "it is no JSON object"), 2); /* cannot be followed; no report */
}

static void another_version_is_said_once(void **state)
{
	struct fixture *f = *state;

	speaker_listen(&f->speaker);
	for (int i = 0; i < 5; i++) {
		speaker_accept(&f->speaker, REQUEST);
		(void)speaker_say(&f->speaker, "{\"version\":2}\n", 14);
		speaker_turn_ms(&f->speaker, 5);
		speaker_hang_up(&f->speaker);
	}
	assert_string_equal(word_state(f), "none");
	assert_int_equal(logged(f, "version 2"), 1);
	assert_int_equal(logged(f, "carrier and addresses alone"), 1);
	assert_int_equal(f->n_changes, 0);

	/* one that we know, later */
	speaker_accept(&f->speaker, REQUEST);
	say_state(f, "up");
	until(f, has_changed);
	assert_string_equal(word_state(f), "up");
}

static void nobody_there_is_said_once(void **state)
{
	struct fixture *f = *state;

	speaker_turn_ms(&f->speaker, 300);
	assert_true(look(f).subscriber->failures > 3);
	assert_int_equal(logged(f, "no routed at"), 1);
	assert_int_equal(look(f).report_s, 0);
}

/* ---- the start ---- */

static void a_start_without_routed_waits_for_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t start_ms = clock_now_ms();

	routed_client_wait(f->client);
	assert_true(clock_now_ms() - start_ms < ROUTED_CLIENT_START_MS);
	assert_string_equal(word_state(f), "none");
}

static void a_start_waits_for_the_first_word(void **state)
{
	struct fixture *f = *state;
	static const char line[] = "{\"version\":1,\"uplinks\":[]}\n";

	speaker_listen(&f->speaker);
	pid_t pid = fork();
	if (pid == 0) {
		int client;

		usleep(50000);
		while ((client = accept(f->speaker.listener, NULL, NULL)) < 0)
			usleep(1000);
		(void)!write(client, line, sizeof(line) - 1);
		_exit(0);
	}
	routed_client_wait(f->client);
	assert_non_null(routed_client_report(f->client));
	waitpid(pid, NULL, 0);
}

static void a_start_does_not_wait_for_a_routed_that_hangs(void **state)
{
	struct fixture *f = *state;
	int64_t start_ms = clock_now_ms();

	speaker_listen(&f->speaker);
	routed_client_wait(f->client);
	assert_in_range(clock_now_ms() - start_ms, ROUTED_CLIENT_START_MS - 10,
		ROUTED_CLIENT_START_MS + 3000);
	assert_null(routed_client_report(f->client));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(each_line_is_the_word_from_then_on),
		test(the_last_word_counts_for_a_while),
		test(a_restart_in_time_is_not_noticed),
		test(useless_connections_do_not_prolong_the_grace),
		test(another_version_is_said_once),
		test(nobody_there_is_said_once),
		test(a_start_without_routed_waits_for_nothing),
		test(a_start_waits_for_the_first_word),
		test(a_start_does_not_wait_for_a_routed_that_hangs),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
