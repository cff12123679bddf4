/* test_statefile.c - small files that must outlive a restart, written whole or not at all */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/statefile.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

struct fixture {
	char dir[64];
	char path[PATH_MAX];
	char beside[PATH_MAX];
};

static int setup(void **state)
{
	static struct fixture f;

	strcpy(f.dir, "/tmp/test-statefile-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.path, sizeof(f.path), "%s/state", f.dir);
	snprintf(f.beside, sizeof(f.beside), "%s/state.new", f.dir);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	remove(f->path);
	remove(f->beside);
	return rmdir(f->dir); /* nothing else may be left */
}

static int put(const struct fixture *f, const char *text, unsigned int how)
{
	return statefile_write(f->path, text, strlen(text), how);
}

static void assert_holds(const struct fixture *f, const char *expected)
{
	AUTO(fclosep) FILE *file = fopen(f->path, "re");
	char text[128] = "";

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	assert_string_equal(text, expected);
}

static int n_files(const struct fixture *f)
{
	DIR *dir = opendir(f->dir);
	int n = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void a_file_is_replaced_and_nothing_is_left_beside_it(void **state)
{
	static const unsigned int how[] = {
		0, STATEFILE_DURABLE, STATEFILE_SECRET, STATEFILE_DURABLE | STATEFILE_SECRET};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		assert_int_equal(put(f, "a longer text", how[i]), 0);
		assert_holds(f, "a longer text");
		assert_int_equal(put(f, "short", how[i]), 0);
		assert_holds(f, "short");
		assert_int_equal(n_files(f), 1);
	}
}

static void a_secret_is_the_owners_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(put(f, "secret", STATEFILE_SECRET), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_new_file_does_not_replace_one_that_is_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "first", STATEFILE_NEW), 0);
	assert_holds(f, "first");
	assert_int_equal(put(f, "second", STATEFILE_NEW | STATEFILE_DURABLE), -EEXIST);
	assert_holds(f, "first");
	assert_int_equal(n_files(f), 1);
}

/* What a crash left, or who knows whom put there: neither followed nor waited for. */
static void what_stands_beside_is_no_way_in_and_no_trap(void **state)
{
	struct fixture *f = *state;
	char target[PATH_MAX + 8];

	assert_int_equal(put(f, "old", 0), 0);
	snprintf(target, sizeof(target), "%s-target", f->dir);
	assert_int_equal(symlink(target, f->beside), 0);
	assert_int_not_equal(put(f, "new", 0), 0);
	assert_int_equal(access(target, F_OK), -1);
	assert_holds(f, "old");

	remove(f->beside);
	assert_int_equal(mkfifo(f->beside, 0600), 0);
	assert_int_not_equal(put(f, "new", 0), 0);
	assert_holds(f, "old");
}

static void what_cannot_be_written_leaves_the_old(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "old", 0), 0);
	assert_int_equal(mkdir(f->beside, 0700), 0);
	assert_int_equal(put(f, "new", STATEFILE_DURABLE), -EISDIR);
	assert_holds(f, "old");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_replaced_and_nothing_is_left_beside_it),
		TEST(a_secret_is_the_owners_alone),
		TEST(a_new_file_does_not_replace_one_that_is_there),
		TEST(what_stands_beside_is_no_way_in_and_no_trap),
		TEST(what_cannot_be_written_leaves_the_old),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
