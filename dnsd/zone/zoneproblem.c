/* zoneproblem.c - adds what a check of a zone found to the report
 *
 * Called by zonecheck.c, zonerules.c and zonetarget.c. The number of messages is bounded: a
 * generated zone with one mistake per record must not flood a log.
 */
#include "dnsd/zone/zoneproblem.h"

#include <stdarg.h>
#include <stdio.h>

enum { ZONE_PROBLEM_MAX = 1000 }; /* of each severity */

void zone_problem_add(struct zone_check *check, enum report_severity severity,
	const char *file, int line, const char *format, ...)
{
	char text[4 * NAME_STR_LEN];
	va_list args;

	/* counted apart: no number of warnings may hide an error, which refuses the zone */
	size_t *n_problems = &check->n_problems[severity];
	if (*n_problems > ZONE_PROBLEM_MAX)
		return;
	if ((*n_problems)++ == ZONE_PROBLEM_MAX) {
		report_add(check->report, severity, check->zone->file, 0,
			"there are more of this kind, not shown");
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report_add(check->report, severity, file, line, "%s", text);
}
