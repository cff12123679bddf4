/* statefile.h - small files that must outlive a restart, written whole or not at all */
#pragma once
#include <stddef.h>

enum statefile_how {
	/* Also over a loss of power, which takes the time of the disk. */
	STATEFILE_DURABLE = 1,
	/* Only the owner may read it. */
	STATEFILE_SECRET = 2,
	/* An existing file stays, and -EEXIST is returned: of two programs that start at the
	 * same time one writes the file, and the other reads it. */
	STATEFILE_NEW = 4,
};

/* Replaces what the file held by `len` octets of `text`: a crash leaves the one or the other.
 * `how` is a set of enum statefile_how. A negative errno if that failed; the old file is as it
 * was then. */
int statefile_write(const char *path, const char *text, size_t len, unsigned int how);
