/* fib.h - what a kernel with given routes and rules would do with a packet
 *
 * It imitates as much of net/core/fib_rules.c and of a longest-prefix match as is needed to
 * check each state between the steps of a plan.
 */
#pragma once
#include "routed/kernel/plan.h"

enum fib_verdict { FIB_NO_ROUTE, FIB_DROP, FIB_FORWARD };

struct fib_packet {
	struct addr from;
	struct addr to;
	uint32_t mark;
	uint8_t ipproto;
	uint16_t dport;
};

struct fib_answer {
	enum fib_verdict verdict;
	int ifindex; /* FIB_FORWARD: of the first next hop */
};

/* `ours`: routes, rules and groups of routed. `others`: routes of other programs in main. The
 * kernel's own rule for main has priority 32766. */
struct fib {
	struct kernel ours;
	struct kernel others;
};

struct fib_answer fib_lookup(const struct fib *fib, const struct fib_packet *packet);

/* Does what the kernel would do with one step. The test fails if the kernel would refuse it. */
void fib_apply(struct fib *fib, const struct plan_step *step);
