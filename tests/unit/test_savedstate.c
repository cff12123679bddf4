/* test_savedstate.c - what outlives a restart */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/agent/savedstate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

struct fixture {
	char dir[64];
	char path[96];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/test_savedstate.XXXXXX");
	*state = f;
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/uplinks.json", f->dir);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static const struct savedstate example = {
	.uplinks =
		{
			{.name = "isp-a",
				.drained = true,
				.saved = {.health = UPLINK_DEGRADED,
					.relapses = 3,
					.since_us = 5000000000,
					.returned_us = 4000000000}},
			{.name = "isp-b", .saved = {.health = UPLINK_DOWN, .since_us = 7}},
		},
	.n_uplinks = 2,
	.mark = 0xff000000,
};

static void what_is_stored_is_loaded(void **state)
{
	struct fixture *f = *state;
	struct savedstate saved;

	assert_int_equal(savedstate_store(f->path, &example, true), 0);
	savedstate_load(f->path, &saved);
	assert_int_equal(saved.n_uplinks, 2);
	assert_int_equal(saved.mark, 0xff000000);

	const struct savedstate_uplink *a = savedstate_find(&saved, "ISP-A");
	assert_non_null(a);
	assert_true(a->drained);
	assert_int_equal(a->saved.health, UPLINK_DEGRADED);
	assert_int_equal(a->saved.relapses, 3);
	assert_int_equal(a->saved.since_us, 5000000000);
	assert_int_equal(a->saved.returned_us, 4000000000);
	assert_false(savedstate_find(&saved, "isp-b")->drained);
	assert_null(savedstate_find(&saved, "isp-c"));
}

/* A wrong number in the file, of a hand that edited it. */
static void a_mark_without_room_for_the_uplinks_is_none(void **state)
{
	static const uint32_t marks[] = {1, 3, 0x80000000, 0x500};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct savedstate saved = example;

		saved.mark = marks[i];
		assert_int_equal(savedstate_store(f->path, &saved, true), 0);
		savedstate_load(f->path, &saved);
		assert_int_equal(saved.n_uplinks, 2);
		assert_int_equal(saved.mark, 0);
	}
}

static void write_text(const struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "we");

	fputs(text, file);
	fclose(file);
}

static void another_boot_keeps_only_what_is_drained(void **state)
{
	struct fixture *f = *state;
	struct savedstate saved;

	write_text(f, "{\"boot\": \"of before\", \"uplinks\": [{\"name\": \"isp-a\","
		      " \"drained\": true, \"health\": \"down\", \"since_us\": 99}]}");
	savedstate_load(f->path, &saved);
	assert_int_equal(saved.n_uplinks, 1);
	assert_true(saved.uplinks[0].drained);
	assert_int_equal(saved.uplinks[0].saved.since_us, 0);
}

static void the_role_is_kept_until_the_next_boot(void **state)
{
	struct fixture *f = *state;
	struct savedstate saved = example;

	for (enum savedstate_role role = SAVEDSTATE_NONE; role <= SAVEDSTATE_STANDBY; role++) {
		saved.role = role;
		assert_int_equal(savedstate_store(f->path, &saved, false), 0);
		savedstate_load(f->path, &saved);
		assert_int_equal(saved.role, role);
	}
	write_text(f, "{\"boot\": \"of before\", \"role\": \"active\", \"uplinks\": []}");
	savedstate_load(f->path, &saved);
	assert_int_equal(saved.role, SAVEDSTATE_NONE);
}

static void what_makes_no_sense_is_nothing(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{}", "{\"uplinks\": 3}",
		"{\"uplinks\": [3, {}, {\"name\": 4}, "
		"{\"name\": \"longer-than-any-name-of-an-uplink-may-be\"}]}"};
	struct fixture *f = *state;
	struct savedstate saved;

	savedstate_load(f->path, &saved);
	assert_int_equal(saved.n_uplinks, 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_text(f, texts[i]);
		savedstate_load(f->path, &saved);
		assert_int_equal(saved.n_uplinks, 0);
	}
}

/* A plain open() would wait until another program writes to it. */
static void a_fifo_is_nothing_at_once(void **state)
{
	const struct fixture *f = *state;
	struct savedstate saved = {.n_uplinks = 1};

	assert_int_equal(mkfifo(f->path, 0600), 0);
	alarm(5);
	savedstate_load(f->path, &saved);
	alarm(0);
	assert_int_equal(saved.n_uplinks, 0);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(savedstate_store("/nonexistent/x", &example, true), -ENOENT);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(what_is_stored_is_loaded),
		test(a_mark_without_room_for_the_uplinks_is_none),
		test(another_boot_keeps_only_what_is_drained),
		test(the_role_is_kept_until_the_next_boot),
		test(what_makes_no_sense_is_nothing),
		test(a_fifo_is_nothing_at_once),
		test(a_folder_that_is_not_there_is_an_error),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	log_init("test_savedstate", LOG_LEVEL_DEBUG);
	return cmocka_run_group_tests_name("savedstate", tests, NULL, NULL);
}
