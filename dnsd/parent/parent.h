/* parent.h - keeps the addresses of our name servers current in the parent's zone
 *
 * `dns.zones[].parent` of site.yaml. Follows facts and configuration as follow.c does, after
 * the answers are out and the sockets open.
 */
#pragma once
#include <jansson.h>

#include "dnsd/config.h"
#include "dnsd/state/facts.h"

struct event_base;
struct parent; /* opaque, see parent.c */

/* What must outlive a restart is in `state_dir`, which need not exist yet. -ENOMEM. */
int parent_new(struct event_base *base, const char *state_dir, struct parent **ret_parent);
void parent_free(struct parent *parent);

/* The zones and addresses as they are now. Looks at the primaries of zones for which something
 * has changed, a moment later; a reload that changes nothing does nothing. */
void parent_follow(
	struct parent *parent, const struct config *config, const struct facts *facts);

/* For `status`: what stands about the zone, or JSON null where it has no `parent`. */
json_t *parent_json(const struct parent *parent, const char *zone);
