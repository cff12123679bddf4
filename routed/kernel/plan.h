/* plan.h - the difference between what the kernel holds and what it should hold, in a safe
 * order
 *
 * Pure. New before old, so that no state on the way leaks or cuts: connected prefixes before
 * the gateways that need them, routes before the rules that lead to them, blackholes before
 * the look-ups that they back up; then removals, the other way round. Killed between any two
 * steps, the next run finishes.
 */
#pragma once
#include "routed/kernel/kernel.h"

enum plan_op {
	PLAN_SET_GROUP,
	PLAN_ADD_ROUTE,
	PLAN_REPLACE_ROUTE, /* same table, destination and metric, other next hops */
	PLAN_ADD_RULE,
	PLAN_DEL_RULE,
	PLAN_DEL_ROUTE,
	PLAN_SET_SYSCTL,
};

struct plan_step {
	enum plan_op op;
	struct kernel_route route;
	struct kernel_rule rule;
	struct kernel_group group;
	struct kernel_sysctl sysctl;
	bool failed; /* by apply_plan: it was not done */
};

struct plan {
	struct plan_step *steps;
	size_t n_steps;
};

/* `actual` holds only what carries our protocol (routes, rules), the groups of all interfaces,
 * and the sysctls that `wanted` names. */
void plan_diff(
	const struct kernel *actual, const struct kernel *wanted, struct plan *ret_plan);
void plan_fini(struct plan *plan);

/* One step as a line of `ip` or `sysctl`, with + or - before it, for `routed plan`. */
char *plan_step_str(const struct plan_step *step, kernel_ifname_fn *ifname, void *arg,
	char *out, size_t cap);
