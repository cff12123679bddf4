/* hook.h - the operator's program, run at each change of state
 *
 * It can never hold up or harm the agent: it runs beside it, in a process group of its own,
 * with nothing to read and no descriptor of ours, is killed with its group when it takes too
 * long, and only so many run at a time. Changes of one uplink are told one after the other, in
 * their order; what there is no room to remember is dropped, and logged.
 */
#pragma once
#include <stddef.h>

struct event_base;
struct hook; /* opaque, see hook.c */

enum {
	HOOK_TIME_MS = 10000,
	HOOK_MAX_RUNNING = 4,
	HOOK_MAX_WAITING = 64,
	HOOK_MAX_FACTS = 12,
};

/* "MULTIHOMED_" and a name in capitals, and what it is. */
struct hook_fact {
	const char *name; /* "UPLINK" */
	const char *value;
};

struct hook_counters {
	unsigned long run;
	unsigned long failed; /* ended otherwise than with 0, or could not be started */
	unsigned long killed;
	unsigned long dropped;
};

/* -ENOMEM. */
int hook_new(struct event_base *base, struct hook **ret_hook);

/* Programs that still run are left alone; nobody kills them any more. */
void hook_free(struct hook *hook);

/* For tests. */
void hook_set_time_ms(struct hook *hook, int time_ms);

/* Runs `program`, or remembers to as soon as there is room. `subject` is what the change is of
 * (an uplink's name). All is copied. */
void hook_run(struct hook *hook, const char *program, const char *subject,
	const struct hook_fact *facts, size_t n_facts);

/* How many changes wait for a program to end; beyond HOOK_MAX_WAITING they are dropped. */
size_t hook_n_waiting(const struct hook *hook);

const struct hook_counters *hook_counters(const struct hook *hook);
