/* egress.h - the interface by which the answers of each address leave
 *
 * An answer must leave by the uplink that brought its query. routed ensures that with rules by
 * source address. dnsd asks the kernel for the route, and warns where it is another one.
 */
#pragma once
#include "common/net/links.h"
#include "common/site/site.h"
#include "dnsd/state/listen.h"

enum { EGRESS_UNKNOWN = -1 };

struct egress_path {
	struct addr addr;
	int view;
	int expected; /* ifindex of the address's interface */
	int found;    /* ifindex by which answers leave; 0: they are dropped; EGRESS_UNKNOWN */
	bool is_mismatch; /* only with carrier: without it there are no routes */
};

struct egress {
	struct egress_path *paths;
	size_t n;
};

/* Asks the kernel for the route of each uplink address of the list. Logs the addresses whose
 * egress has become wrong, or right again, since the last call. */
void egress_update(struct egress *egress, const struct site *site, const struct links *links,
	const struct listen_spec *specs, size_t n_specs);
void egress_fini(struct egress *egress);

/* Borrowed until the next update; NULL for an address that was not checked. */
const struct egress_path *egress_find(const struct egress *egress, const struct addr *addr);
