/* zonecheck.h - errors and probable mistakes in a zone that was read
 *
 * With an error no server can answer from the zone: no SOA or two, a CNAME beside other data,
 * ... A warning is for the operator to judge. zonefile.c calls it.
 */
#pragma once
#include "common/site/report.h"
#include "common/site/site.h"
#include "dnsd/zone/zone.h"

/* Adds to `report`. `site` says which zones are served; NULL: this one alone. */
void zonecheck(const struct zone *zone, const struct site *site, struct report *report);
