/* siteread.h - the schema of site.yaml: its keys, their types and their defaults */
#pragma once
#include "common/site/doc.h"
#include "common/site/schema.h"
#include "common/site/site.h"

/* Fills `site` (zeroed but for path and dir) with the defaults and the values of the
 * document. Each value is checked on its own; site_check() checks them together. */
void site_read_keys(struct doc *doc, struct site *site);

/* Its parts in siteservices.c: the settings of the two daemons. */
schema_read site_read_routing;
schema_read site_read_dns;
extern const struct site_routing site_routing_defaults;
extern const struct site_dns site_dns_defaults;
