/* zoneadvice.h - warnings that follow from a zone and the site's uplinks together */
#pragma once
#include "common/site/report.h"
#include "common/site/site.h"
#include "dnsd/state/facts.h"
#include "dnsd/zone/zone.h"

/* From site.yaml alone. */
void zoneadvice(const struct zone *zone, const struct site *site, struct report *report);

/* With the addresses that the uplinks have at the moment: NS names that have one of them as a
 * literal. What site.yaml's own addresses tell was said by zoneadvice already. */
void zoneadvice_live(const struct zone *zone, const struct site *site,
	const struct facts *facts, struct report *report);

/* Its addresses may change any day: nothing in site.yaml says that they are fixed. */
bool zoneadvice_is_dynamic(const struct site_uplink *uplink);
