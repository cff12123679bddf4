/* reload.h - the verb `reload` of both programs: the running daemon reads its files anew
 *
 * The same as SIGHUP, but the caller waits, and is told whether it was done.
 */
#pragma once
#include <stdbool.h>

#include <jansson.h>

struct cli;
struct report;

/* A SIGHUP that comes while a daemon starts would end it, and service managers take that for a
 * wish: while it is held, it waits. To be called before any thread is made. */
void reload_hold_signal(bool hold);

/* Reads the files anew and puts them in force; what is wrong goes into the report. Negative
 * errno: all is as it was. */
typedef int reload_fn(struct report *report, void *arg);

/* Does that, and makes the reply. A new reference; NULL without memory. */
json_t *reload_answer(reload_fn *reload, void *arg);

/* The daemon's reply: {"reloaded": true}, or `error` and in `mistakes` each line of the
 * report. A new reference; NULL without memory. */
json_t *reload_reply(int err, struct report *report);

/* Asks the one at `socket` in the runtime folder, and prints what is wrong on standard error.
 * Returns the exit status. */
int reload_ask(const struct cli *cli, const char *program, const char *socket);
