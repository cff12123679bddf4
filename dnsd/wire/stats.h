/* stats.h - counters of one receiver of queries
 *
 * Each UDP worker and each TCP listener has its own, written by one thread without locks and
 * read by the main thread for `status`: relaxed atomics, so that a read is never torn.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

/* A row is a counter: its member of the enum, its name in `status --json` (names are added,
 * never changed), and its heading in the table of `status`, NULL for none. */
#define STATS_COUNTERS(X)                                           \
	/* datagrams or messages that arrived */                    \
	X(QUERIES, "queries", "QUERIES")                            \
	/* ... and were answered */                                 \
	X(RESPONSES, "responses", NULL)                             \
	/* ... and got no response: QR=1, under 12 octets */        \
	X(DROPPED, "dropped", "DROPPED")                            \
	/* responses with TC=1 */                                   \
	X(TRUNCATED, "truncated", "TRUNCATED")                      \
	/* queries with an OPT record */                            \
	X(EDNS, "edns", NULL)                                       \
	/* queries with a COOKIE option */                          \
	X(COOKIES, "cookies", NULL)                                 \
	X(COOKIES_VALID, "cookies_valid", NULL)                     \
	/* answered by the general algorithm, not the table */      \
	X(SLOW, "slow", NULL)                                       \
	/* responses that the kernel did not take, of which: */     \
	X(SEND_ERRORS, "send_errors", NULL)                         \
	/* no room in the send buffer */                            \
	X(SEND_FULL, "send_full", NULL)                             \
	X(SEND_NO_ROUTE, "send_no_route", NULL)                     \
	/* by a firewall or a route */                              \
	X(SEND_FORBIDDEN, "send_forbidden", NULL)                   \
	/* for the interface */                                     \
	X(SEND_TOO_LARGE, "send_too_large", NULL)                   \
	X(SEND_OTHER, "send_other", NULL)                           \
	/* the inside view, asked through an uplink: no response */ \
	X(FROM_UPLINK, "from_uplink", NULL)

#define STATS_NUMBER(COUNTER, name, heading) STATS_##COUNTER,
enum stats_counter {
	/* then one per RCODE; 16 and above (BADVERS, ...) share the last */
	STATS_COUNTERS(STATS_NUMBER) STATS_RCODE_0,
	STATS_RCODE_LAST = STATS_RCODE_0 + 16,
	STATS_N_COUNTERS,
	STATS_SEND_FIRST = STATS_SEND_FULL, /* the reasons of loss.c */
	STATS_SEND_LAST = STATS_SEND_OTHER,
};
#undef STATS_NUMBER

struct stats {
	_Atomic uint64_t counters[STATS_N_COUNTERS];
};

static inline void stats_add(struct stats *stats, enum stats_counter counter, uint64_t n)
{
	_Atomic uint64_t *at = &stats->counters[counter];

	/* a single writer needs no locked addition */
	atomic_store_explicit(
		at, atomic_load_explicit(at, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline uint64_t stats_get(const struct stats *stats, enum stats_counter counter)
{
	return atomic_load_explicit(&stats->counters[counter], memory_order_relaxed);
}

static inline void stats_count_rcode(struct stats *stats, unsigned int rcode)
{
	stats_add(stats, rcode < 16 ? STATS_RCODE_0 + rcode : STATS_RCODE_LAST, 1);
}

/* Adds the counters of one receiver to totals kept by the main thread. */
static inline void stats_sum(const struct stats *stats, uint64_t totals[STATS_N_COUNTERS])
{
	for (unsigned int i = 0; i < STATS_N_COUNTERS; i++)
		totals[i] += stats_get(stats, (enum stats_counter)i);
}
