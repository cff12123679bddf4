/* zonetarget.h - the names that a zone's records point to */
#pragma once
#include "dnsd/zone/zoneproblem.h"

/* Iterates over what the records of `node` point to: set `node`, and the rest to 0. */
struct zone_target {
	const struct zone_node *node;
	uint16_t type;
	const struct zone_rdata *rdata;
	const uint8_t *name;
	size_t next_rrset;
	size_t next_rdata;
};
bool zonetarget_next(struct zone_target *target);

/* Fills `targets` and `ns_targets` of the run. */
void zonetarget_mark(struct zone_check *check);

/* Do the names exist, and do they have what the records need? */
void zonetarget_check(struct zone_check *check);
