/* stats.h - counters of one receiver of queries
 *
 * Each UDP worker and each TCP listener has its own, written by one thread without locks and
 * read by the main thread for `status`: relaxed atomics, so that a read is never torn.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

/* Each counter, and its name in `status --json`: names are added, never changed. */
#define STATS_COUNTERS(X)                                                                   \
	X(QUERIES, queries)	/* datagrams or messages that arrived */                    \
	X(RESPONSES, responses) /* ... and were answered */                                 \
	X(DROPPED, dropped)	/* ... and got no response: QR=1, under 12 octets */        \
	X(TRUNCATED, truncated) /* responses with TC=1 */                                   \
	X(EDNS, edns)		/* queries with an OPT record */                            \
	X(COOKIES, cookies)	/* queries with a COOKIE option */                          \
	X(COOKIES_VALID, cookies_valid)                                                     \
	X(SLOW, slow)		    /* answered by the general algorithm, not the table */  \
	X(SEND_ERRORS, send_errors) /* responses that the kernel did not take, of which: */ \
	X(SEND_FULL, send_full)	    /* no room in the send buffer */                        \
	X(SEND_NO_ROUTE, send_no_route)                                                     \
	X(SEND_FORBIDDEN, send_forbidden) /* by a firewall or a route */                    \
	X(SEND_TOO_LARGE, send_too_large) /* for the interface */                           \
	X(SEND_OTHER, send_other)                                                           \
	X(FROM_UPLINK, from_uplink) /* the inside view, asked through an uplink: no response */

#define STATS_NUMBER(COUNTER, name) STATS_##COUNTER,
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
