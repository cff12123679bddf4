/* wantedroutes.h - the routes among what the kernel should hold; wanted.c calls it */
#pragma once
#include "common/site/site.h"
#include "routed/kernel/kernel.h"

struct decision;
struct situation;

/* Appends the routes of one family: each uplink's table, the tracked default, and the way to
 * the servers' loopbacks. */
void wanted_routes(const struct site *site, const struct situation *situation,
	const struct decision *decision, enum site_family family, struct kernel *kernel);
