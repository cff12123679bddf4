/* delegation.h - what to paste into the parent zone: NS records, and their names' addresses */
#pragma once
#include <jansson.h>

#include "common/cli.h"
#include "dnsd/facts.h"
#include "dnsd/zone.h"

struct dnsd;

/* Master-file lines with comments; `source` is a clause for the comment on top that says where
 * the addresses are from. Pure. The caller frees the text; NULL without memory. */
char *delegation_text(const struct zone *zone, const struct facts *facts, const char *source);

/* The texts for all zones of the running server: {"zones": [{"name": , "text": }]}. A new
 * reference; NULL without memory. */
json_t *delegation_json(const struct dnsd *dnsd);

/* The verb `delegation ZONE`: from the running dnsd, else from site.yaml, the zone file and
 * the addresses that the kernel has. Returns the exit status. */
int delegation_run(const struct cli *cli);
