/* wanted.h - what the kernel should hold: routes, rules, interface groups, sysctls
 *
 * Pure: no kernel, no clock. situation.c says what the links and the routes of others are,
 * decide.c which uplinks are used; the result is compared with what is there (plan.h) and
 * written (apply.h). The nftables table is nfttext.h's.
 */
#pragma once
#include "common/site/site.h"
#include "routed/kernel/kernel.h"

struct decision;
struct situation;

enum { WANTED_UNRESOLVED_OCTETS = 2048 }; /* that may wait for one neighbour */

/* Routes, rules, interface groups and sysctls. `ret_kernel` is the caller's to kernel_fini. */
void wanted_kernel(const struct site *site, const struct situation *situation,
	const struct decision *decision, struct kernel *ret_kernel);
