/* zoneproblem.h - one run of the checks of a zone: what its parts share, and how they report
 *
 * zonecheck.c makes the run; zonerules.c and zonetarget.c take part in it.
 */
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
	size_t n_problems[2];	 /* by severity */
	enum zone_place *places; /* by node */
	bool *ns_targets;	 /* by node: an NS record of the zone names it */
	bool *targets;		 /* by node: a record of the zone names it */
	bool has_dnssec_warning; /* one per zone is enough */
};

void zone_problem_add(struct zone_check *check, enum report_severity severity,
	const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* At the line of a `struct zone_rdata` or `struct pseudo`. */
#define zone_error(check, at, ...) \
	zone_problem_add(check, REPORT_ERROR, (at)->file, (at)->line, __VA_ARGS__)
#define zone_warning(check, at, ...) \
	zone_problem_add(check, REPORT_WARNING, (at)->file, (at)->line, __VA_ARGS__)
