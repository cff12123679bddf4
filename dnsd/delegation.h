/* delegation.h - what belongs into the parent zone: NS records, and their names' addresses
 *
 * The server side: text to paste, and the same as values for `dnsd verify`.
 */
#pragma once
#include <jansson.h>

#include "dnsd/config.h"
#include "dnsd/state/facts.h"
#include "dnsd/zone/zone.h"

/* Master-file lines with comments. `source` is a clause for the comment on top that says where
 * the addresses come from. Pure. The caller frees the text; NULL without memory. */
char *delegation_text(const struct zone *zone, const struct facts *facts, const char *source);

/* The reply for all zones: {"zones": [{"name": , "text": , "ns": [...]}]}, see docs/control.md.
 * A new reference; NULL without memory. */
json_t *delegation_json(
	const struct config *config, const struct facts *facts, const char *source);
