/* tsigkey.h - reads the file with the key that the parent's primary knows too
 *
 * What tsig-keygen of BIND prints, or keymgr -t of Knot.
 */
#pragma once
#include "common/site/report.h"
#include "dnsd/wire/tsig.h"

enum { TSIGKEY_MAX_LEN = 16 * 1024 /* of the file */ };

/* Reads and checks `path`. Mistakes go to `report`, with file and line, and a warning if
 * others than owner and group may read the file. -EINVAL if there is one. A file that cannot
 * be read at all is not reported, since the caller knows who named it: a negative errno, and a
 * clause in `ret_problem`, else NULL. */
int tsigkey_read(const char *path, struct report *report, struct tsig_key *ret_key,
	const char **ret_problem);

/* The same from memory, for tests and fuzzing; `path` only names it in messages. */
int tsigkey_parse(const char *path, const char *text, size_t len, struct report *report,
	struct tsig_key *ret_key);
