/* healthset.h - which addresses of servers are checked, for which paths, and when
 *
 * Pure: the caller (health.c) opens the connections and reports their outcome. A path is how
 * connections that come in over an uplink reach a server in one family: at its loopback of that
 * uplink, or at its own address. Paths that end at the same address and port share one target,
 * and so one connection at a time. Times are monotonic microseconds.
 */
#pragma once
#include <sys/queue.h>

#include "common/site/site.h"
#include "routed/health/healthcheck.h"

enum {
	HEALTHSET_UNDER_WAY = 256, /* connections at a time */
	HEALTHSET_TICK_MS = 20,	   /* the precision of their start */
	HEALTHSET_BURST = 16,	   /* started in one tick, at most */
	HEALTHSET_SLOTS = 64,	   /* ticks planned ahead: more than HEALTH_INTERVAL_MS */
};

TAILQ_HEAD(health_queue, health_target);

struct health_target {
	TAILQ_ENTRY(health_target) entry;
	struct health_queue *queue; /* the queue it is in */
	struct addr addr;
	uint16_t port;
	struct healthcheck check;
	int64_t begun_us;    /* start of the present or last connection; 0: none yet */
	bool failure_logged; /* health.c has logged why it cannot try */
	bool is_new;	     /* while a configuration is taken: in no queue yet */
	bool is_wanted;	     /* likewise: it stays */
};

struct healthset {
	struct health_target **targets; /* sorted by address and port */
	size_t n_targets;
	struct health_target **paths; /* by server, uplink, family; NULL: not checked */
	size_t n_servers;
	size_t n_uplinks;

	struct health_queue wheel[HEALTHSET_SLOTS]; /* by the tick in which they are due */
	struct health_queue ready;		    /* due, longest waiting first */
	struct health_queue under_way;		    /* by their start */
	size_t n_under_way;
	int64_t tick;	/* targets due before it are in `ready` */
	size_t n_burst; /* started in this tick */
};

/* `set` must stay where it is. */
void healthset_init(struct healthset *set);
void healthset_fini(struct healthset *set);

/* Takes another configuration. Targets that are in both keep their state and their place in the
 * queues. Calls `gone` for each target that is under way and no longer wanted, before it is
 * freed. -ENOMEM: nothing has changed. */
typedef void healthset_gone_fn(struct health_target *target, void *arg);
int healthset_configure(struct healthset *set, const struct site *site, int64_t now_us,
	healthset_gone_fn *gone, void *arg);

/* The next target to connect to: its connection starts now. NULL: none is due. */
struct health_target *healthset_next(struct healthset *set, int64_t now_us);

/* A target whose connection has timed out; NULL: none. It stays under way until
 * healthset_end. */
struct health_target *healthset_late(const struct healthset *set, int64_t now_us);

/* The outcome of a target's connection. True if the target has become dead, or is dead no
 * longer. */
bool healthset_end(struct healthset *set, struct health_target *target,
	enum health_outcome outcome, int64_t now_us);

/* The connection could not be tried, through no fault of the server: the verdict stays, and the
 * target is tried again after HEALTH_INTERVAL_MS. */
void healthset_defer(struct healthset *set, struct health_target *target, int64_t now_us);

/* When healthset_next or healthset_late is due; INT64_MAX: there are no targets. */
int64_t healthset_next_us(const struct healthset *set);

/* NULL: there is no such path, or it is not checked. */
const struct health_target *healthset_path(
	const struct healthset *set, size_t server, size_t uplink, enum site_family family);

/* The state of an uplink's path to a server, over all families. A target without a verdict
 * counts as alive. Only families that the uplink has now (`has`) count, unless it has none of
 * those that are checked. */
enum healthset_path_state { HEALTHSET_ALIVE, HEALTHSET_PARTLY_DEAD, HEALTHSET_DEAD };
enum healthset_path_state healthset_state(const struct healthset *set, size_t server,
	size_t uplink, const bool has[SITE_FAMILIES]);
