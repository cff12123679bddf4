/* notify.h - the operator's program, run at each change of state
 *
 * It can never hold up or harm the agent: it runs beside it, in a process group of its own,
 * with nothing to read and no descriptor of ours, is killed with its group when it takes too
 * long, and only so many run at a time. Changes of one uplink are told one after the other, in
 * their order; what there is no room to remember is dropped, and logged.
 */
#pragma once
#include <stddef.h>

struct event_base;
struct notify; /* opaque, see notify.c */

enum {
	NOTIFY_TIME_MS = 10000,
	NOTIFY_MAX_RUNNING = 4,
	NOTIFY_MAX_WAITING = 64,
	NOTIFY_MAX_FACTS = 12,
};

/* "MULTIHOMED_" and a name in capitals, and what it is. */
struct notify_fact {
	const char *name; /* "UPLINK" */
	const char *value;
};

struct notify_counters {
	unsigned long run;
	unsigned long failed; /* ended otherwise than with 0, or could not be started */
	unsigned long killed;
	unsigned long dropped;
};

/* -ENOMEM. */
int notify_new(struct event_base *base, struct notify **ret_notify);

/* Programs that still run are left alone; nobody kills them any more. */
void notify_free(struct notify *notify);

/* For tests. */
void notify_set_time_ms(struct notify *notify, int time_ms);

/* Runs `program`, or remembers to as soon as there is room. `subject` is what the change is of
 * (an uplink's name). All is copied. */
void notify_run(struct notify *notify, const char *program, const char *subject,
	const struct notify_fact *facts, size_t n_facts);

/* How many changes wait for a program to end; beyond NOTIFY_MAX_WAITING they are dropped. */
size_t notify_n_waiting(const struct notify *notify);

const struct notify_counters *notify_counters(const struct notify *notify);
