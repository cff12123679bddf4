/* hook.h - the operator's program (`routing.notify`), run at each change of state
 *
 * It can never block or harm the agent: it runs in a process group of its own, with nothing to
 * read and no descriptor of ours. If it takes too long it is killed with its group, and only
 * so many run at a time. Runs for one uplink follow each other in the order of its changes. A
 * run that finds no place in the queue is dropped, and logged.
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

/* One variable of its environment: "MULTIHOMED_" and the name in capitals, and the value. */
struct hook_fact {
	const char *name; /* "UPLINK" */
	const char *value;
};

struct hook_counters {
	unsigned long run;
	unsigned long failed; /* its status was not 0, or it could not be started */
	unsigned long killed;
	unsigned long dropped;
};

/* -ENOMEM. */
int hook_new(struct event_base *base, struct hook **ret_hook);

/* Programs that still run are left alone, without a limit of time. */
void hook_free(struct hook *hook);

/* For tests. */
void hook_set_time_ms(struct hook *hook, int time_ms);

/* Runs `program`, or queues the run. `subject` is the name of the uplink or server that has
 * changed. All is copied. */
void hook_run(struct hook *hook, const char *program, const char *subject,
	const struct hook_fact *facts, size_t n_facts);

/* How many runs are queued; beyond HOOK_MAX_WAITING they are dropped. */
size_t hook_n_waiting(const struct hook *hook);

const struct hook_counters *hook_counters(const struct hook *hook);
