/* nft.h - writes our nftables table, and notices when another program changed it
 *
 * The table is given as values (nfttable.h); how it gets into the kernel is decided here: as a
 * few changes to what was written last, or as a whole. Either is one transaction: packets see
 * the old table or the new one, and a refused change leaves the old one.
 *
 * What was written is kept in a file with a digest of what the kernel made of it, so that the
 * next start finds its table and need not write it again.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "routed/kernel/nftdigest.h"
#include "routed/kernel/nfttable.h"

struct event_base;
struct nft; /* opaque, see nft.c */

/* The process behind the last transaction that was not ours, as the kernel names it. */
struct nft_author {
	pid_t pid; /* 0: not known */
	char name[16];
};

struct nft_counters {
	uint64_t replaced; /* transactions that wrote the whole table */
	uint64_t changed;  /* that wrote a few changes */
	uint64_t foreign;  /* times that our table was found changed by others */
};

/* Our table is not as we wrote it: what is wanted should be applied again. */
typedef void nft_changed_fn(const struct nft_author *author, void *arg);

/* `base` NULL: changes of others are not followed (one-shot verbs). `state` is the path of the
 * file, NULL for none. Negative errno after a logged message. */
int nft_new(struct event_base *base, const char *state, nft_changed_fn *changed, void *arg,
	struct nft **ret_nft);
void nft_free(struct nft *nft);

/* Makes the kernel's table equal to `table`; does nothing if it is so already. Keeps a reference.
 * Negative errno: nft_why has nft's own words, nothing is logged, and the kernel holds what it
 * held. */
int nft_apply(struct nft *nft, struct nfttable *table);

/* Removes our table, and the file. */
int nft_delete(struct nft *nft);

/* What nft said of the last failure. */
const char *nft_why(const struct nft *nft);

/* The table that the kernel holds; NULL if it has no table of ours or not the one that we wrote.
 * Borrowed until the next nft_apply. */
const struct nfttable *nft_current(struct nft *nft);

/* Whether this process may read and change tables here: 0, or a negative errno, -EPERM mostly.
 */
int nft_check_privilege(void);

/* Has the kernel check the whole table, and keeps nothing of it. 0, or a negative errno with nft's
 * words in `why`; -EPERM without the privilege to ask. */
int nft_check(const struct nfttable *table, char *why, size_t cap);

int nft_each_counter(struct nft *nft, nftdigest_counter_fn *each, void *arg);

/* What a set of our table has counted; see nftdigest_counts. */
int nft_each_count(struct nft *nft, const char *set, nftdigest_count_fn *each, void *arg);

const struct nft_counters *nft_counters(const struct nft *nft);
