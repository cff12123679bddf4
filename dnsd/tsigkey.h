/* tsigkey.h - reads the file with the key that the parent's primary knows too
 *
 * What tsig-keygen of BIND prints, or keymgr -t of Knot.
 */
#pragma once
#include "common/report.h"
#include "dnsd/tsig.h"

enum { TSIGKEY_MAX_LEN = 16 * 1024 /* of the file */ };

/* Reads and checks `path`. Mistakes go to `report`, with file and line, and a warning if
 * others than owner and group may read the file. -EINVAL if there is one; if the file cannot
 * be read at all another negative errno, which is not reported: the caller knows who named
 * it. */
int tsigkey_read(const char *path, struct report *report, struct tsig_key *ret_key);

/* The same from memory, for tests and fuzzing; `path` only names it in messages. */
int tsigkey_parse(const char *path, const char *text, size_t len, struct report *report,
	struct tsig_key *ret_key);
