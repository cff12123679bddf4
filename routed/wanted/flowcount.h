/* flowcount.h - how many connections are left on the uplinks that are drained
 *
 * To count them is to go through the kernel's whole table of connections, in steps of which
 * one alone may take as long as the table is large. A thread of its own does that, so that the
 * event loop never waits for it: it asks, and gets what was found last.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routed/kernel/conntrack.h"
#include "routed/wanted/situation.h"

struct flowcount; /* opaque, see flowcount.c */

enum {
	FLOWCOUNT_AGE_MS = 1000,   /* a count that is older is made again */
	FLOWCOUNT_PATIENCE_MS = 5, /* how long flowcount_ask waits, which mostly is enough */
	FLOWCOUNT_MAX_OWN = SITUATION_MAX_ADDRS + SITE_FAMILIES,
};

/* What to count on one uplink: see struct conntrack_left. Known by mark and mask. */
struct flowcount_want {
	uint32_t mark;
	uint32_t mask;
	uint32_t in_bit;
	struct addr own[FLOWCOUNT_MAX_OWN];
	size_t n_own;
};

struct flowcount_found {
	bool is_known; /* false: not counted yet, or it cannot be counted (see the log) */
	int64_t at_us; /* monotonic, when the count was begun */
	struct conntrack_counts counts;
};

/* -ENOMEM. The thread is made when it is needed first. */
int flowcount_new(struct flowcount **ret_flowcount);

/* Waits for a count that is under way. */
void flowcount_free(struct flowcount *flowcount);

/* What is known of each of `n` uplinks. Where that is nothing, or old, all of them are counted
 * again: the result may be there at once, else the next caller gets it. */
void flowcount_ask(struct flowcount *flowcount, const struct flowcount_want *wants, size_t n,
	struct flowcount_found *ret_found);

/* Counts that were begun before now mean nothing any more: marks stand for other uplinks, or
 * what is counted has been told to stop growing. */
void flowcount_forget(struct flowcount *flowcount);
