/* egress.h - over which interface the answers of each address leave
 *
 * An answer must go out over the uplink that it came in on. routed sees to that with rules by
 * source address; where it does not run, dnsd looks at what the kernel would do and warns.
 */
#pragma once
#include "common/net/links.h"
#include "common/site/site.h"
#include "dnsd/state/listen.h"

enum { EGRESS_UNKNOWN = -1 };

struct egress_path {
	struct addr addr;
	int view;
	int wanted;    /* ifindex of the address's interface */
	int found;     /* over which answers leave; 0: they are dropped; EGRESS_UNKNOWN */
	bool is_wrong; /* only with carrier: without it there are no routes to judge */
};

struct egress {
	struct egress_path *entries;
	size_t n;
};

/* Asks the kernel for each uplink address of the list. What became wrong or right since the
 * last time is logged. */
void egress_update(struct egress *egress, const struct site *site, const struct links *links,
	const struct listen_spec *specs, size_t n_specs);
void egress_fini(struct egress *egress);

/* Borrowed until the next update; NULL for an address that was not looked at. */
const struct egress_path *egress_find(const struct egress *egress, const struct addr *addr);
