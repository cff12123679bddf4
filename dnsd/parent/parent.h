/* parent.h - keeps the addresses of our name servers current in the parent's zone
 *
 * `dns.zones[].parent` of site.yaml. follow.c calls it after the answers are
 * published and the sockets open.
 */
#pragma once
#include <jansson.h>

#include "common/site/site.h"
#include "dnsd/state/facts.h"
#include "dnsd/wire/tsig.h"
#include "dnsd/zone/zone.h"

struct event_base;
struct parent; /* opaque, see parent.c */

/* The zones of a configuration, and the addresses as they are now. `zones` and `keys` are in the
 * order of site->dns.zones; a key is NULL where the zone has no `parent`. */
struct parent_input {
	const struct site *site;
	struct zone *const *zones;
	struct tsig_key *const *keys;
	const struct facts *facts;
};

/* `state_dir` holds what outlives a restart; it need not exist yet. -ENOMEM. */
int parent_new(struct event_base *base, const char *state_dir, struct parent **ret_parent);
void parent_free(struct parent *parent);

/* Compares with the last call, and asks the primaries of the zones that changed a moment later. A
 * reload that changes nothing does nothing. Borrows `input` for the call. */
void parent_follow(struct parent *parent, const struct parent_input *input);

/* For `status`: the zone's state at its primary, or JSON null where it has no `parent`. */
json_t *parent_json(const struct parent *parent, const char *zone);
