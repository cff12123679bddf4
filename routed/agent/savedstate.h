/* savedstate.h - what routed must still know after a restart: which uplinks are drained, their
 * states, and whether the router stands by
 *
 * A small JSON file in the state folder, replaced as a whole: if routed is killed at any
 * moment, either the old file or the new one is there. The states count until the next boot,
 * since their times are those of the monotonic clock. A drained uplink stays drained until it
 * is undrained.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/site/site.h"
#include "routed/uplink/uplink.h"

/* The last role of this router, one of two; it counts until the next boot. */
enum savedstate_role { SAVEDSTATE_NONE, SAVEDSTATE_ACTIVE, SAVEDSTATE_STANDBY };

struct savedstate_uplink {
	char name[SITE_NAME_MAX + 1];
	bool drained;
	struct uplink_saved saved; /* since_us 0: nothing known */
};

struct savedstate {
	struct savedstate_uplink uplinks[SITE_MAX_UPLINKS];
	size_t n_uplinks;
	uint32_t mark; /* connections carry marks made from it and the order; 0: unknown */
	enum savedstate_role role;
};

/* Without a file nothing is saved. The same if it cannot be read or is no JSON object, which
 * is logged. */
void savedstate_load(const char *path, struct savedstate *ret_saved);

/* `durable`: on the disk before it returns, which may take some milliseconds; else a power
 * failure may lose it. A logged negative errno. */
int savedstate_store(const char *path, const struct savedstate *saved, bool durable);

/* NULL if the uplink is not in it. */
const struct savedstate_uplink *savedstate_find(
	const struct savedstate *saved, const char *name);

/* Makes the folder that the file is in, if it is not there. A logged negative errno. */
int savedstate_make_folder(const char *path);
