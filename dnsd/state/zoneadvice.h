/* zoneadvice.h - warnings that follow from a zone and the site's uplinks together */
#pragma once
#include "common/site/report.h"
#include "common/site/site.h"
#include "dnsd/state/facts.h"
#include "dnsd/zone/zone.h"

/* From site.yaml alone. */
void zoneadvice(const struct zone *zone, const struct site *site, struct report *report);

/* With the present addresses of the uplinks: warns of NS names that have one of them as a
 * literal. zoneadvice() has warned of the addresses in site.yaml already. */
void zoneadvice_live(const struct zone *zone, const struct site *site,
	const struct facts *facts, struct report *report);

/* Its addresses may change any day: site.yaml does not say that they are fixed. */
bool zoneadvice_is_dynamic(const struct site_uplink *uplink);
