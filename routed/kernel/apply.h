/* apply.h - performs a plan: the one place from which the kernel is changed
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routed/kernel/kernel.h"

struct nfttable;
struct nft;
struct plan;
struct rtnl;
struct sysctl_store;

/* The writers, borrowed, and what failed last time: embedded by the caller, zero to begin with
 * but for the pointers. */
struct apply {
	struct rtnl *rtnl;
	struct nft *nft;
	struct sysctl_store *sysctls;
	kernel_ifname_fn *ifname; /* for messages; may be NULL */
	void *ifname_arg;
	bool withdraws; /* the table comes last, so that it translates while there are routes
			 */

	/* a failure that stays is logged once, not at each look */
	uint64_t *logged;
	size_t n_logged;
};

struct apply_result {
	size_t n_done;
	size_t n_failed;
	size_t n_skipped; /* not tried, since they rest on one that failed */
	bool nft_failed;
};

void apply_fini(struct apply *apply);

/* Writes the table `table` (NULL: leaves it), then performs the steps in order. A step that
 * fails, and one that is left out for it, is marked so in the plan; a failure is logged for
 * the operator with its remedy, and the rest goes on, but for
 *   - forwarding, which is not switched on without the table, in which the guard is;
 *   - the removal of what a failed step was to take the place of. */
void apply_plan(struct apply *apply, struct plan *plan, struct nfttable *table,
	struct apply_result *ret_result);

/* Removes what routes, filters or translates: rules, routes, groups, table. 0, or -EIO if
 * something is left, after logged messages. */
int apply_withdraw(struct apply *apply, struct apply_result *ret_result);

/* Removes every trace of ours: rules, routes, groups, table; sysctls as sysctl_restore does.
 * 0, or -EIO if something is left, after logged messages. */
int apply_flush(struct apply *apply, struct apply_result *ret_result);
