/* zonecheck.c - what is wrong, or probably not meant, in a zone that was read
 *
 * Called by zonefile.c once all is read. Errors are of the zone's shape alone.
 */
#include "dnsd/zonecheck.h"

#include <ldns/ldns.h>

struct check {
	const struct zone *zone;
	struct report *report;
};

static void soa_check(const struct check *check)
{
	const struct zone *zone = check->zone;
	const struct zone_rrset *soa = zone_soa(zone);

	if (!soa && !zone->has_unread)
		report_add(check->report, REPORT_ERROR, zone->file, 0,
			"the zone has no SOA record at its apex");
	for (size_t i = 1; soa && i < soa->n_rdatas; i++)
		report_add(check->report, REPORT_ERROR, soa->rdatas[i].file,
			soa->rdatas[i].line, "a second SOA record; the first is on line %d",
			soa->rdatas[0].line);
}

void zonecheck(const struct zone *zone, const struct site *site, struct report *report)
{
	const struct check check = {.zone = zone, .report = report};

	(void)site;
	soa_check(&check);
}
