/* ctlask.h - for the verbs: ask the running daemon, and read its reply for people
 *
 * The readers never fail: a member that is missing, or of another type, reads as "-", 0 or false,
 * so that a verb can print what an older daemon says.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "common/cli.h"

struct ctlask {
	const char *program; /* "dnsd": for messages */
	const char *socket;  /* its name in the runtime folder */
	int timeout_ms;
	bool is_optional; /* no message if the daemon does not run */
};

/* Asks `request`, or {"verb": cli->verb} if that is NULL. NULL after a message on standard error; a
 * reply with "error" is a message too. The caller owns the reply. */
json_t *ctlask(const struct ctlask *ask, const struct cli *cli, const json_t *request);

/* Says on standard error why the daemon at `path` cannot be asked: `err` is that of ctlrequest.h. */
void ctlask_report(const struct ctlask *ask, int err, const char *path);

/* "-" for none. Borrowed. */
const char *reply_text(const json_t *object, const char *key);
long long reply_number(const json_t *object, const char *key);
bool reply_flag(const json_t *object, const char *key);

/* The strings of a list as "a, b" in `out`, which is returned; "-" for none. */
const char *reply_joined(const json_t *list, char *out, size_t cap);
