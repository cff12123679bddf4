/* zonerules.h - the parts of zonecheck.c: what they share, and who looks at what */
#pragma once
#include "common/site/report.h"
#include "dnsd/zone/zone.h"

/* Where a node stands. */
enum zone_place {
	ZONE_PLACE_INSIDE,
	ZONE_PLACE_CUT,
	ZONE_PLACE_BELOW_CUT,
	ZONE_PLACE_BELOW_DNAME,
	ZONE_PLACE_OUTSIDE,
};

struct zone_check {
	const struct zone *zone;
	struct report *report;
	size_t n_said[2];	 /* by severity */
	enum zone_place *places; /* by node */
	bool *ns_targets;	 /* by node: an NS record of the zone names it */
	bool *targets;		 /* by node: a record of the zone names it */
	bool said_dnssec;
};

void zone_check_say(struct zone_check *check, enum report_severity severity, const char *file,
	int line, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* At the line of a `struct zone_rdata` or `struct pseudo`. */
#define zone_error(check, at, ...) \
	zone_check_say(check, REPORT_ERROR, (at)->file, (at)->line, __VA_ARGS__)
#define zone_warning(check, at, ...) \
	zone_check_say(check, REPORT_WARNING, (at)->file, (at)->line, __VA_ARGS__)

size_t zone_node_index(const struct zone *zone, const struct zone_node *node);

/* zonerules.c: the records of one node among themselves. */
void zonerules_check_node(struct zone_check *check, const struct zone_node *node);

/* zonetarget.c: the names that records point to. The first fills `targets` and `ns_targets`.
 */
void zonetarget_mark(struct zone_check *check);
void zonetarget_check(struct zone_check *check);

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

/* A, AAAA or a pseudo record. */
bool zone_node_has_address(const struct zone_node *node);
