/* healthset.h - which addresses of servers are checked, for which paths, and when
 *
 * Pure: the caller (health.c) makes the connections and says what became of them. A path is
 * how connections that come in over an uplink reach a server in one family: its loopback of
 * that uplink, or its own address. Paths that end at the same address and port share one
 * target, and so one connection at a time. Times are monotonic microseconds.
 */
#pragma once
#include <sys/queue.h>

#include "common/site/site.h"
#include "routed/health/healthcheck.h"

enum {
	HEALTHSET_UNDER_WAY = 256, /* connections at a time */
	HEALTHSET_TICK_MS = 20,	   /* how precisely they are begun */
	HEALTHSET_BURST = 16,	   /* and how many in each tick at most */
	HEALTHSET_SLOTS = 64,	   /* ticks seen ahead: more than HEALTH_INTERVAL_MS */
};

TAILQ_HEAD(health_queue, health_target);

struct health_target {
	TAILQ_ENTRY(health_target) entry;
	struct health_queue *queue; /* that it is in */
	struct addr addr;
	uint16_t port;
	struct healthcheck check;
	int64_t begun_us;    /* the connection under way, or the last one; 0: none yet */
	bool failure_logged; /* health.c has said why it cannot be tried */
	bool is_new;	     /* while a configuration is taken: not in any queue yet */
	bool is_wanted;	     /* likewise: stays */
};

struct healthset {
	struct health_target **targets; /* sorted by address and port */
	size_t n_targets;
	struct health_target **paths; /* by server, uplink, family; NULL: not checked */
	size_t n_servers;
	size_t n_uplinks;

	struct health_queue wheel[HEALTHSET_SLOTS]; /* by the tick at which they are due */
	struct health_queue ready;		    /* due, longest waiting first */
	struct health_queue under_way;		    /* by their beginning */
	size_t n_under_way;
	int64_t tick;	/* all before this one are in `ready` */
	size_t n_burst; /* begun within it */
};

/* `set` must stay where it is. */
void healthset_init(struct healthset *set);
void healthset_fini(struct healthset *set);

/* Takes another configuration; targets that are still in it keep what is known of them and
 * stay in their queues. `gone` is told of each one that is under way and no longer wanted,
 * before it is freed. -ENOMEM: nothing has changed. */
typedef void healthset_gone_fn(struct health_target *target, void *arg);
int healthset_configure(struct healthset *set, const struct site *site, int64_t now_us,
	healthset_gone_fn *gone, void *arg);

/* The next one to connect to, which counts as begun now; NULL: none at present. */
struct health_target *healthset_next(struct healthset *set, int64_t now_us);

/* One whose time is over; NULL: none. It stays under way until healthset_end. */
struct health_target *healthset_late(const struct healthset *set, int64_t now_us);

/* What became of one that was under way. True if it is dead now and was not, or the other way
 * round. */
bool healthset_end(struct healthset *set, struct health_target *target,
	enum health_outcome outcome, int64_t now_us);

/* It could not be tried, and that is not the server's fault: nothing follows, and it is tried
 * again after HEALTH_INTERVAL_MS. */
void healthset_defer(struct healthset *set, struct health_target *target, int64_t now_us);

/* When to call healthset_next or healthset_late again; INT64_MAX: nothing is checked. */
int64_t healthset_next_us(const struct healthset *set);

/* NULL: there is no such path, or it is not checked. */
const struct health_target *healthset_path(
	const struct healthset *set, size_t server, size_t uplink, enum site_family family);

/* What all families together say of an uplink's path to a server. What was not judged yet
 * counts as alive. Families that the uplink does not have now (`has`) do not count, unless it
 * has none of those that are checked. */
enum healthset_path_state { HEALTHSET_ALIVE, HEALTHSET_PARTLY_DEAD, HEALTHSET_DEAD };
enum healthset_path_state healthset_state(const struct healthset *set, size_t server,
	size_t uplink, const bool has[SITE_FAMILIES]);
