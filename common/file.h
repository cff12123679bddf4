/* file.h - reads a file whole, never waits for it, and never reads more than allowed
 *
 * For files that an operator or an earlier run wrote. A named pipe, a device, a socket or a
 * folder at that path is an error at once: a daemon that waits for a writer during a reload
 * answers no queries. Not for files of /proc and /sys, which do not report their size.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { FILE_STATE_MAX = 64 << 20 /* octets: more than any state file of ours needs */ };

enum file_kinds {
	FILE_REGULAR,	       /* also behind symbolic links */
	FILE_REGULAR_OR_STREAM /* also a pipe of the caller, as in `check -c <(...)` */
};

struct file {
	char *text; /* `len` octets and a NUL; the caller's to free */
	size_t len;
	mode_t mode; /* as stat(2) tells it */
};

/* Reads at most `max` octets. 0, or a negative errno with a clause in `ret_problem` ("it is a
 * named pipe, not a regular file"), valid until the thread's next call: -ENOENT and the like,
 * -EISDIR for a folder, -EINVAL for other kinds, -EFBIG for a larger one, -ENOMEM. Nothing is
 * logged. */
int file_read(const char *path, size_t max, enum file_kinds kinds, struct file *ret_file,
	const char **ret_problem);

/* Is it an unnamed pipe? Only a process that has it can open it. */
bool file_is_stream(const char *path);
