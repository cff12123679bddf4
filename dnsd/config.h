/* config.h - site.yaml and all its zone files, read and checked as one
 *
 * `check`, `run` and a reload all come through config_load: it is all or nothing.
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

/* Every mistake of every file goes to `report`. It also lays out each view's answers once,
 * with made-up addresses, for what only they can tell. -EINVAL if there was an error, else a
 * negative errno that is reported too. */
int config_load(const char *path, struct report *report, struct config **ret_config);
void config_free(struct config *config);

/* What the zones have to be warned of with these addresses of the uplinks. */
void config_advise(
	const struct config *config, const struct facts *facts, struct report *report);

/* NULL without memory. */
struct table *config_table(const struct config *config, const struct facts *facts, int view);

/* The views that are offered: indices of the inbound uplinks, then FACTS_VIEW_INSIDE if there
 * is one. `ret_views` has room for SITE_MAX_UPLINKS + 1. */
size_t config_views(const struct config *config, int *ret_views);
const char *config_view_name(const struct config *config, int view);

/* Writes `serial` into the SOA of every zone: to be followed by new tables. */
void config_set_serial(struct config *config, uint32_t serial);
