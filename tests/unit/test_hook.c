/* test_hook.c - the operator's program can do no harm */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/report/hook.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

enum { PATIENCE_MS = 30000 };

struct fixture {
	struct event_base *base;
	struct hook *notify;
	char dir[64];
	char program[96];
	char output[96];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	strcpy(f->dir, "/tmp/test_hook.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->program, sizeof(f->program), "%s/program", f->dir);
	snprintf(f->output, sizeof(f->output), "%s/output", f->dir);
	f->base = event_base_new();
	return hook_new(f->base, &f->notify);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hook_free(f->notify);
	event_base_free(f->base);
	unlink(f->program);
	unlink(f->output);
	rmdir(f->dir);
	free(f);
	return 0;
}

/* `script` finds the output file in $OUT. */
static void write_program(const struct fixture *f, const char *script)
{
	FILE *file = fopen(f->program, "we");

	fprintf(file, "#!/bin/sh\nOUT=%s\n%s\n", f->output, script);
	fclose(file);
	chmod(f->program, 0755);
}

static void run(struct fixture *f, const char *subject, const char *state)
{
	const struct hook_fact facts[] = {{"UPLINK", subject}, {"STATE", state}};

	hook_run(f->notify, f->program, subject, facts, 2);
}

/* Turns the loop until no program runs any more. */
static void turn_until_quiet(struct fixture *f)
{
	int64_t until = clock_now_ms() + PATIENCE_MS;

	do
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	while (event_base_get_num_events(f->base, EVENT_BASE_COUNT_ADDED) > 0 &&
		clock_now_ms() < until);
	assert_true(clock_now_ms() < until);
}

static void assert_output(const struct fixture *f, const char *wanted)
{
	char text[4096] = "";
	FILE *file = fopen(f->output, "re");

	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	assert_string_equal(text, wanted);
}

static void it_gets_the_facts_in_its_environment(void **state)
{
	struct fixture *f = *state;

	write_program(f, "echo $MULTIHOMED_UPLINK $MULTIHOMED_STATE $HOME >>$OUT; cat >>$OUT");
	run(f, "isp-a", "down");
	turn_until_quiet(f);
	assert_output(f, "isp-a down\n");
	assert_int_equal(hook_counters(f->notify)->run, 1);
}

static void changes_of_one_uplink_are_told_in_their_order(void **state)
{
	struct fixture *f = *state;

	write_program(f, "[ $MULTIHOMED_STATE = 1 ] && sleep 0.1; "
			 "echo $MULTIHOMED_STATE >>$OUT");
	run(f, "isp-a", "1");
	run(f, "isp-a", "2");
	run(f, "isp-a", "3");
	turn_until_quiet(f);
	assert_output(f, "1\n2\n3\n");
}

static void one_that_hangs_is_killed_with_its_children(void **state)
{
	struct fixture *f = *state;
	int64_t started_ms = clock_now_ms();

	hook_set_time_ms(f->notify, 100);
	write_program(f, "trap '' TERM INT; (sleep 100; echo late >>$OUT) & sleep 100");
	run(f, "isp-a", "down");
	turn_until_quiet(f);
	assert_true(clock_now_ms() - started_ms < 3000);
	assert_int_equal(hook_counters(f->notify)->killed, 1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
}

static void one_that_fails_or_is_not_there_is_counted(void **state)
{
	struct fixture *f = *state;

	run(f, "isp-a", "down");
	turn_until_quiet(f);
	assert_int_equal(hook_counters(f->notify)->failed, 1);
	write_program(f, "exit 3");
	run(f, "isp-a", "down");
	turn_until_quiet(f);
	assert_int_equal(hook_counters(f->notify)->failed, 2);
}

static void only_so_many_run_and_wait(void **state)
{
	struct fixture *f = *state;
	char subject[16];

	write_program(f, "echo x >>$OUT; exec sleep 0.2");
	for (int i = 0; i < 2 * HOOK_MAX_WAITING; i++) {
		snprintf(subject, sizeof(subject), "isp-%d", i);
		run(f, subject, "down");
	}
	assert_int_equal(hook_counters(f->notify)->run, HOOK_MAX_RUNNING);
	assert_int_equal(hook_n_waiting(f->notify), HOOK_MAX_WAITING);
	assert_int_equal(
		hook_counters(f->notify)->dropped, HOOK_MAX_WAITING - HOOK_MAX_RUNNING);
	turn_until_quiet(f);
	assert_int_equal(hook_n_waiting(f->notify), 0);
	assert_int_equal(hook_counters(f->notify)->run, HOOK_MAX_WAITING + HOOK_MAX_RUNNING);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(it_gets_the_facts_in_its_environment),
		test(changes_of_one_uplink_are_told_in_their_order),
		test(one_that_hangs_is_killed_with_its_children),
		test(one_that_fails_or_is_not_there_is_counted),
		test(only_so_many_run_and_wait),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	log_init("test_hook", LOG_LEVEL_DEBUG);
	return cmocka_run_group_tests_name("hook", tests, NULL, NULL);
}
