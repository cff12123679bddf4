/* stats.h - counters of one receiver of queries
 *
 * Each UDP worker and each TCP listener has its own, written by one thread without locks and
 * read by the main thread for `status`: relaxed atomics, so that a read is never torn.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

enum stats_counter {
	STATS_QUERIES,	 /* datagrams or messages that arrived */
	STATS_RESPONSES, /* ... and were answered */
	STATS_DROPPED,	 /* ... or met with silence: QR=1, under 12 octets */
	STATS_TRUNCATED, /* responses with TC=1 */
	STATS_EDNS,	 /* queries with an OPT record */
	STATS_COOKIES,	 /* queries with a COOKIE option */
	STATS_COOKIES_VALID,
	STATS_SLOW, /* answered by the general algorithm, not from the precompiled table */
	STATS_SEND_ERRORS, /* responses that the kernel did not take, of which: */
	STATS_SEND_FULL,   /* no room in the send buffer */
	STATS_SEND_FIRST = STATS_SEND_FULL,
	STATS_SEND_NO_ROUTE,
	STATS_SEND_FORBIDDEN, /* by a firewall or a route */
	STATS_SEND_TOO_LARGE, /* for the interface */
	STATS_SEND_OTHER,
	STATS_SEND_LAST = STATS_SEND_OTHER,
	STATS_FROM_UPLINK, /* the inside view, asked through an uplink: met with silence */
	STATS_RCODE_0,	   /* one per RCODE; 16 and above (BADVERS, ...) share the last */
	STATS_RCODE_LAST = STATS_RCODE_0 + 16,
	STATS_N_COUNTERS,
};

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
