/* statefile.h - small files that must outlive a restart, written whole or not at all */
#pragma once
#include <stdbool.h>

/* Puts `text` in the place of what the file held: a crash leaves the one or the other.
 * `durable`: also over a loss of power, which takes the time of the disk. A negative errno. */
int statefile_write(const char *path, const char *text, bool durable);
