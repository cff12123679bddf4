/* view.h - the current answers of one view, handed from the main thread to the workers
 *
 * When a link or the configuration changes, the main thread builds a new table and publishes
 * it. Each worker takes the current answers once per batch, so all answers of a batch come from
 * one table. No thread ever waits: a worker writes into a place of its own which answers it
 * holds (a hazard pointer), and the main thread frees old ones when no worker holds them.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/site/site.h"
#include "dnsd/answer/respond.h"
#include "dnsd/answer/table.h"
#include "dnsd/wire/stats.h"

/* One publication. Immutable, except for the main thread's list of old ones. */
struct answers {
	struct table *table;
	struct respond_conf conf;
	struct answers *next_retired;
};

/* A worker's place. It has its own cache line, since each batch writes it. */
struct view_reader {
	_Alignas(64) _Atomic(struct answers *) holds;
	struct view_reader *next; /* main thread only */
};

struct view {
	_Atomic(struct answers *) current; /* NULL until the first publication */
	char name[SITE_NAME_MAX + 1];
	int index; /* of the uplink, or FACTS_VIEW_INSIDE; a reload may change it */
	_Atomic int closed_to[SITE_MAX_UPLINKS]; /* ifindices, 0 behind the last one */
	struct view_reader *readers;
	struct answers *retired;
	uint64_t gone_udp[STATS_N_COUNTERS]; /* counters of sockets that are closed */
	uint64_t gone_tcp[STATS_N_COUNTERS];
};

/* Takes `table` over, also on failure. NULL without memory. */
struct answers *answers_new(struct table *table, const struct respond_conf *conf);
void answers_free(struct answers *answers);

struct view *view_new(const char *name, int index);
void view_free(struct view *view); /* all readers must have left */

/* Makes `answers` current and the view its owner. */
void view_publish(struct view *view, struct answers *answers);

/* For the inside view: queries from these interfaces get no answer. */
void view_close_to(struct view *view, const int *ifindices, size_t n);

/* Frees the answers that no reader holds. Returns whether some are left: try again later. */
bool view_reclaim(struct view *view);

/* For the main thread: the current answers, valid until the next publication. */
const struct answers *view_current(const struct view *view);

/* A worker joins before its thread starts, and leaves after the thread has ended. */
void view_join(struct view *view, struct view_reader *reader);
void view_leave(struct view *view, struct view_reader *reader);

/* The current answers, valid until view_drop(): the worker's two calls per batch. */
static inline const struct answers *view_take(struct view *view, struct view_reader *reader)
{
	struct answers *answers = atomic_load_explicit(&view->current, memory_order_acquire);

	for (;;) {
		/* Sequentially consistent, store and load alike: either the main thread sees
		 * our store when it looks for holders, or we see its new publication here. */
		atomic_store(&reader->holds, answers);
		struct answers *again = atomic_load(&view->current);
		if (again == answers)
			return answers;
		answers = again;
	}
}

static inline bool view_is_closed_to(const struct view *view, int ifindex)
{
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++) {
		int closed = atomic_load_explicit(&view->closed_to[i], memory_order_relaxed);

		if (closed == 0 || closed == ifindex)
			return closed != 0;
	}
	return false;
}

static inline void view_drop(struct view_reader *reader)
{
	atomic_store_explicit(&reader->holds, NULL, memory_order_release);
}
