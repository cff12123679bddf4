/* zonecheck.h - what is wrong, or probably not meant, in a zone that was read
 *
 * Errors are what no server could answer from: no SOA or two, CNAME beside other data, ...
 * Warnings are what an operator of such a site would want to know. zonefile.c calls it.
 */
#pragma once
#include "common/site/report.h"
#include "common/site/site.h"
#include "dnsd/zone/zone.h"

/* Adds to `report`. `site` says which zones are served; NULL: this one alone. */
void zonecheck(const struct zone *zone, const struct site *site, struct report *report);
