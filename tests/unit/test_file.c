/* test_file.c - what file_read takes for a file, and that it waits for none */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { WAIT_S = 5, MAX = 64 * 1024 };

struct fixture {
	char dir[64];
	char path[96];
	struct file file;
	const char *problem;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/test_file.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/it", f->dir);
	alarm(WAIT_S); /* what waits here would wait for ever */
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	alarm(0);
	remove(f->path);
	rmdir(f->dir);
	free(f->file.text);
	free(f);
	return 0;
}

static void write_octets(const char *path, size_t n)
{
	AUTO(fclosep) FILE *out = fopen(path, "we");

	assert_non_null(out);
	for (size_t i = 0; i < n; i++)
		fputc('a' + (int)(i % 26), out);
}

static int read_it(struct fixture *f, enum file_kinds kinds)
{
	f->problem = NULL;
	return file_read(f->path, MAX, kinds, &f->file, &f->problem);
}

static void regular_files_are_read_whole(void **state)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, MAX - 1, MAX};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		write_octets(f->path, sizes[i]);
		chmod(f->path, 0640);
		assert_int_equal(read_it(f, FILE_REGULAR), 0);
		assert_int_equal(f->file.len, sizes[i]);
		assert_int_equal(strlen(f->file.text), sizes[i]);
		assert_int_equal(f->file.mode & 0777, 0640);
		if (sizes[i] > 0)
			assert_int_equal(
				f->file.text[sizes[i] - 1], 'a' + (int)((sizes[i] - 1) % 26));
		free(f->file.text);
		f->file.text = NULL;
	}
}

static void larger_files_are_refused(void **state)
{
	struct fixture *f = *state;

	write_octets(f->path, MAX + 1);
	assert_int_equal(read_it(f, FILE_REGULAR), -EFBIG);
	assert_string_equal(f->problem, "it is larger than 64 KiB");

	/* a sparse file of a terabyte: no memory is asked for */
	assert_int_equal(truncate(f->path, INT64_C(1) << 40), 0);
	assert_int_equal(read_it(f, FILE_REGULAR), -EFBIG);
}

/* The size that stat(2) tells is not what is there: as of a file that grows meanwhile. */
static void a_file_that_is_longer_than_it_says_is_bounded(void **state)
{
	struct fixture *f = *state;
	const char *problem = NULL;

	assert_int_equal(
		file_read("/proc/self/status", 16, FILE_REGULAR, &f->file, &problem), -EFBIG);
	assert_null(f->file.text);
}

static int make_fifo(const char *path)
{
	return mkfifo(path, 0600);
}

static int make_folder(const char *path)
{
	return mkdir(path, 0700);
}

static int make_socket(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
	return bind(fd, (struct sockaddr *)&name, sizeof(name));
}

static int link_to_zero(const char *path)
{
	return symlink("/dev/zero", path);
}

static int link_to_nothing(const char *path)
{
	return symlink("/nowhere/at/all", path);
}

static int link_to_itself(const char *path)
{
	return symlink(path, path);
}

static int make_none(const char *path)
{
	(void)path;
	return 0;
}

static void other_kinds_are_refused_at_once(void **state)
{
	static const struct {
		int (*make)(const char *path);
		int err;
		const char *problem;
	} cases[] = {
		{make_fifo, -EINVAL, "it is a named pipe, not a regular file"},
		{make_folder, -EISDIR, "it is a folder"},
		{make_socket, -EINVAL, "it is a socket, not a regular file"},
		{link_to_zero, -EINVAL, "it is a device, not a regular file"},
		{link_to_nothing, -ENOENT, "No such file or directory"},
		{link_to_itself, -ELOOP, "Too many levels of symbolic links"},
		{make_none, -ENOENT, "No such file or directory"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(cases[i].make(f->path), 0);
		for (enum file_kinds kinds = FILE_REGULAR; kinds <= FILE_REGULAR_OR_STREAM;
			kinds++) {
			assert_int_equal(read_it(f, kinds), cases[i].err);
			assert_string_equal(f->problem, cases[i].problem);
			assert_null(f->file.text);
		}
		remove(f->path);
	}
}

/* Root reads everything; as another user it is refused. */
static void an_unreadable_file_is_an_error(void **state)
{
	struct fixture *f = *state;

	write_octets(f->path, 10);
	chmod(f->path, 0);
	chmod(f->dir, 0755);
	if (getuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	int err = read_it(f, FILE_REGULAR);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(err, -EACCES);
	assert_string_equal(f->problem, "Permission denied");
}

static void links_to_regular_files_are_followed(void **state)
{
	struct fixture *f = *state;
	char target[112];

	snprintf(target, sizeof(target), "%s.target", f->path);
	write_octets(target, 3);
	assert_int_equal(symlink(target, f->path), 0);
	assert_int_equal(read_it(f, FILE_REGULAR), 0);
	assert_string_equal(f->file.text, "abc");
	remove(target);
}

/* As `check -c <(generate)` does: the text comes in pieces, and later than the reader. */
static void a_pipe_that_was_handed_over_is_a_stream(void **state)
{
	struct fixture *f = *state;
	const char *problem = NULL;
	int ends[2];
	char path[32];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(file_read(path, MAX, FILE_REGULAR, &f->file, &problem), -EINVAL);
	if (fork() == 0) {
		usleep(50000);
		(void)!write(ends[1], "ab", 2);
		usleep(50000);
		(void)!write(ends[1], "c", 1);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(file_read(path, MAX, FILE_REGULAR_OR_STREAM, &f->file, &problem), 0);
	assert_string_equal(f->file.text, "abc");
	close(ends[0]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(regular_files_are_read_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(larger_files_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_that_is_longer_than_it_says_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(
			other_kinds_are_refused_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_unreadable_file_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(
			links_to_regular_files_are_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_pipe_that_was_handed_over_is_a_stream, setup, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
