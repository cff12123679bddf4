/* load.h - site.yaml, read and held against the live system
 *
 * `check`, `run` and a reload all come through it: what one refuses, the others refuse.
 */
#pragma once
#include "common/site/report.h"
#include "common/site/site.h"

struct links;

/* Every mistake goes to `report`: those of the file, an uplink whose interface is a port of a
 * bridge or bond at this moment, and, where privileged, what the kernel says of the nftables
 * table. `links` NULL: they are looked up. -EINVAL if there was an error, else a negative
 * errno that is reported too. */
int load_site(const char *path, const struct links *links, struct report *report,
	struct site **ret_site);

/* Whether this process may do its work here; a logged negative errno if not. */
int load_privilege(void);
