/* file.c - reads a file whole, never waits for it, and never reads more than allowed
 *
 * stat(2) comes before open(2), because opening some devices uses them: a watchdog starts to
 * count, a tape rewinds. The path may name another file a moment later, so open(2) does not
 * wait (O_NONBLOCK: a FIFO without a writer, a serial line without carrier), and the
 * descriptor is checked again.
 */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { FILE_FIRST_READ = 4096 };

/* Why a file of that kind is not read, as a clause. NULL for a regular file. */
static const char *kind_fault(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFIFO:
		return "it is a named pipe, not a regular file";
	case S_IFDIR:
		return "it is a folder";
	case S_IFSOCK:
		return "it is a socket, not a regular file";
	default:
		return "it is a device, not a regular file";
	}
}

/* Such a pipe has a writer already, or the writer has ended: reading cannot wait for ever. */
bool file_is_stream(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

static const char *too_large(size_t max)
{
	static _Thread_local char text[64];

	if (max >= 1 << 20)
		snprintf(text, sizeof(text), "it is larger than %zu MiB", max >> 20);
	else
		snprintf(text, sizeof(text), "it is larger than %zu KiB", max >> 10);
	return text;
}

/* -EISDIR or -EINVAL, and the clause, if a file of that kind is not read. */
static int check_kind(const char *path, mode_t mode, enum file_kinds kinds,
	bool *ret_is_stream, const char **ret_problem)
{
	const char *fault = kind_fault(mode);

	*ret_is_stream = fault && kinds == FILE_REGULAR_OR_STREAM && file_is_stream(path);
	if (!fault || *ret_is_stream)
		return 0;
	*ret_problem = fault;
	return S_ISDIR(mode) ? -EISDIR : -EINVAL;
}

static int open_checked(const char *path, enum file_kinds kinds, struct stat *ret_stat,
	const char **ret_problem)
{
	bool is_stream;
	int err;

	if (stat(path, ret_stat) < 0)
		return -errno;
	if ((err = check_kind(path, ret_stat->st_mode, kinds, &is_stream, ret_problem)) < 0)
		return err;

	AUTO(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, ret_stat) < 0)
		return -errno;
	if ((err = check_kind(path, ret_stat->st_mode, kinds, &is_stream, ret_problem)) < 0)
		return err;
	if (is_stream && fcntl(fd, F_SETFL, O_RDONLY) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Up to `max` octets and one more: the extra one shows a file that has grown meanwhile. */
static int read_all(int fd, size_t max, size_t expected, struct file *file)
{
	size_t cap = 0;

	for (;;) {
		if (file->len + 1 >= cap) {
			size_t want = cap ? 2 * cap : expected + 2;
			char *more = realloc(file->text, want < max + 2 ? want : max + 2);

			if (!more)
				return -ENOMEM;
			file->text = more;
			cap = want < max + 2 ? want : max + 2;
		}

		ssize_t n = read(fd, file->text + file->len, cap - 1 - file->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		file->len += (size_t)n;
		file->text[file->len] = '\0';
		if (file->len > max)
			return -EFBIG;
		if (n == 0)
			return 0;
	}
}

int file_read(const char *path, size_t max, enum file_kinds kinds, struct file *ret_file,
	const char **ret_problem)
{
	struct file file = {0};
	struct stat st;
	const char *problem = NULL;

	AUTO(closep) int fd = open_checked(path, kinds, &st, &problem);
	int err = fd < 0 ? fd : 0;
	if (err == 0 && S_ISREG(st.st_mode) && (uintmax_t)st.st_size > max)
		err = -EFBIG;
	if (err == 0)
		err = read_all(fd, max,
			S_ISREG(st.st_mode) ? (size_t)st.st_size : FILE_FIRST_READ, &file);
	if (err < 0) {
		free(file.text);
		*ret_problem = err == -EFBIG ? too_large(max)
			       : problem     ? problem
					     : strerror(-err);
		return err;
	}
	file.mode = st.st_mode;
	*ret_file = file;
	return 0;
}
