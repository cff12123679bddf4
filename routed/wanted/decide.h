/* decide.h - which uplinks new outbound connections use
 *
 * Pure: the states come from the state machines, the order of preference from site.yaml.
 */
#pragma once
#include <stdint.h>

#include "common/site/site.h"

struct situation;

/* Which uplinks new outbound connections use now. failover: at most one bit; balance: all good
 * ones with a weight. Degraded ones only where none is up; with `last-resort: keep` and none
 * up at all the most preferred one with carrier, address and gateway. */
struct decision {
	uint32_t active[SITE_FAMILIES]; /* sets of uplinks */
};
struct decision decide(const struct site *site, const struct situation *situation);
