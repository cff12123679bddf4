/* config.h - site.yaml and all its zone files, read and checked as one
 *
 * `check`, `run` and a reload all call config_load(), which loads all or nothing.
 */
#pragma once
#include "common/site/report.h"
#include "common/site/site.h"
#include "dnsd/answer/table.h"
#include "dnsd/state/facts.h"
#include "dnsd/wire/tsig.h"
#include "dnsd/zone/zone.h"

struct config {
	struct site *site;
	struct zone **zones;	/* as site->dns.zones */
	struct tsig_key **keys; /* of each zone's `parent`; NULL where there is none */
	size_t n_zones;
};

/* Reports every mistake of every file. Lays out each view's answers once, with made-up
 * addresses, for the checks that need them. -EINVAL after an error in a file, else a negative
 * errno, which is reported too. */
int config_load(const char *path, struct report *report, struct config **ret_config);
void config_free(struct config *config);

/* Reports warnings about the zones that depend on these addresses of the uplinks. */
void config_advise(
	const struct config *config, const struct facts *facts, struct report *report);

/* NULL without memory. */
struct table *config_table(const struct config *config, const struct facts *facts, int view);

/* The views: indices of the inbound uplinks, then FACTS_VIEW_INSIDE if there is an inside.
 * `ret_views` has room for SITE_MAX_UPLINKS + 1. */
size_t config_views(const struct config *config, int *ret_views);
const char *config_view_name(const struct config *config, int view);

/* Writes `serial` into the SOA of every zone. The caller then builds new tables. */
void config_set_serial(struct config *config, uint32_t serial);
