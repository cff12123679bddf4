/* nftdiff.h - from one state of our nftables table to another, by the fewest changes
 *
 * Pure. A whole table is replaced in one transaction too, but that resets every counter, loses
 * what packets taught (sticky clients), and takes a tenth of a second with ten thousand forwards;
 * one forward more or less should not.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "routed/kernel/nfttable.h"

/* Port forwards that a map gets or loses. */
struct nftelements {
	char map[NFTTABLE_NAME_MAX];
	int af;
	bool adds; /* or deletes: then the keys count */
	struct nftforward *items;
	size_t n;
};

/* One transaction: `before`, the elements, `after`, in that order. */
struct nftchange {
	char *before; /* commands that flush and delete; "" for none */
	struct nftelements *elements;
	size_t n_elements;
	char *after; /* new blocks, and chains filled again; "" for none */
};

/* Turns the table `old` into `new`. False if only replacing the whole will do; then there is
 * nothing in `ret_change`. */
bool nftdiff(
	const struct nfttable *old, const struct nfttable *new, struct nftchange *ret_change);

/* Fills the maps of a table that nfttable_text() wrote without their forwards. False if two
 * forwards have the same key: then libnftables should see the whole and complain. */
bool nftdiff_fill(const struct nfttable *table, struct nftchange *ret_change);

void nftchange_fini(struct nftchange *change);
bool nftchange_is_empty(const struct nftchange *change);

/* Commands for libnftables. The caller's to free. */
char *nftchange_text(const struct nftchange *change);

/* The two tables as lines with + and - before those that differ, for `routed plan`; `old` is
 * NULL where there is no table. "" if they are equal. The caller's to free. */
char *nftdiff_lines(const struct nfttable *old, const struct nfttable *new);
