/* savedstate.h - what routed must still know after a restart: who is drained, how each uplink stood,
 * and whether the router stands by
 *
 * A small JSON file in the state folder, replaced as a whole: killed at any moment, either the
 * old or the new one is there. What the uplinks were is of use until the next boot only, since
 * its times are those of the monotonic clock; what is drained stays so until undrained.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/site/site.h"
#include "routed/uplink/uplink.h"

/* What was last said of this router, of two; until the next boot. */
enum savedstate_role { SAVEDSTATE_NONE, SAVEDSTATE_ACTIVE, SAVEDSTATE_STANDBY };

struct savedstate_uplink {
	char name[SITE_NAME_MAX + 1];
	bool drained;
	struct uplink_saved saved; /* since_us 0: nothing known */
};

struct savedstate {
	struct savedstate_uplink uplinks[SITE_MAX_UPLINKS];
	size_t n_uplinks;
	uint32_t mark; /* connections bear marks by this one and the order; 0: none known */
	enum savedstate_role role;
};

/* A file that is not there, or makes no sense, is an empty `keep`; the latter is warned about.
 */
void savedstate_load(const char *path, struct savedstate *ret_saved);

/* `durable`: on the disk before it returns, which may take some milliseconds; else a power
 * failure may cost it. A logged negative errno. */
int savedstate_store(const char *path, const struct savedstate *saved, bool durable);

/* NULL if that uplink is not in it. */
const struct savedstate_uplink *savedstate_find(
	const struct savedstate *saved, const char *name);

/* Makes the folder that the file is in, if it is not there. A logged negative errno. */
int savedstate_make_folder(const char *path);
