/* reload.h - the verb `reload` of both programs: the running daemon reads its files again
 *
 * The same as SIGHUP, but the caller waits and gets the result.
 */
#pragma once
#include <stdbool.h>

#include <jansson.h>

struct cli;
struct report;

/* What a daemon logs and replies when it keeps what it has. */
#define RELOAD_REFUSED "not reloaded: the running configuration stays active"

/* A SIGHUP would end a daemon that is still starting, and the service manager would take that
 * for a wanted stop. While the signal is held it waits. Call this before any thread is made.
 */
void reload_hold_signal(bool hold);

/* Reads the files again and makes them active; mistakes go to the report. A negative errno:
 * nothing has changed. */
typedef int reload_fn(struct report *report, void *arg);

/* Calls that function and makes the reply. A new reference; NULL without memory. */
json_t *reload_answer(reload_fn *reload, void *arg);

/* The daemon's reply: {"reloaded": true}, or `error` and all lines of the report in
 * `mistakes`. A new reference; NULL without memory. */
json_t *reload_reply(int err, struct report *report);

/* Asks the daemon at `socket` in the runtime folder, and prints mistakes on standard error.
 * Returns the exit status. */
int reload_ask(const struct cli *cli, const char *program, const char *socket);
