/* nfttext.h - the nftables table `inet multihomed` that follows from site and situation
 *
 * Pure: equal situations give equal tables.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "common/site/site.h"

struct nfttable;
struct situation;

/* The whole table. The caller has the one reference. */
struct nfttable *wanted_nft(const struct site *site, const struct situation *situation);

/* The table of a router that stands by: it translates nothing. Between the moment in which it
 * gets the addresses of the other router and the takeover, established connections of that one
 * must not be reset by this one, which does not know them yet. `forwards`: with the guard. */
struct nfttable *wanted_nft_standby(const struct site *site, bool forwards);

/* Named counters in that table, per uplink i: "out_i" packets of outbound flows that the
 * router forwarded out by it, "in_i" packets of such flows that came back by it, "guarded_i"
 * packets that the guard dropped, "forged_i" such with a source of the inside, "inside_view_i"
 * such for dnsd's inside view. What the router itself sends (probes) is in none of them. */
enum wanted_counter {
	WANTED_COUNTER_OUT,
	WANTED_COUNTER_IN,
	WANTED_COUNTER_GUARDED,
	WANTED_COUNTER_FORGED,
	WANTED_COUNTER_INSIDE_VIEW,
	WANTED_COUNTERS,
};
enum { WANTED_COUNTER_NAME = 24 };
char *wanted_counter_name(
	enum wanted_counter counter, size_t uplink, char out[WANTED_COUNTER_NAME]);
