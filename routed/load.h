/* load.h - reads site.yaml and checks it against the live system
 *
 * `check`, `run` and a reload all use it, so that they refuse the same mistakes.
 */
#pragma once
#include "common/site/report.h"
#include "common/site/site.h"

struct links;

/* Every mistake goes to `report`: the mistakes in the file, an uplink whose interface is a
 * port of a bridge or bond now, and, with the privilege, what the kernel says about the
 * nftables table. `links` NULL: they are read here. -EINVAL after a reported mistake; any
 * other negative errno is reported too. */
int load_site(const char *path, const struct links *links, struct report *report,
	struct site **ret_site);

/* May this process change routes and nftables? 0, or a logged negative errno. */
int load_require_net_admin(void);
