/* listen.h - on which addresses there should be sockets, and for which view
 *
 * Pure: from site.yaml and the links as they are now to a list. sockets.c makes it so.
 */
#pragma once
#include "common/site/site.h"
#include "dnsd/state/factslinks.h"

enum { LISTEN_FREE = -1 };

struct listen_spec {
	int view; /* an uplink's index, or FACTS_VIEW_INSIDE */
	struct addr addr;
	uint16_t port;
	int ifindex;  /* the interface that has the address */
	int taken_by; /* index in the list of an earlier entry with the same address and
			 port, whose socket it is; else LISTEN_FREE */
};

/* Uplinks in order of preference, then the LAN; addresses in the kernel's order. An uplink
 * with `inbound: no` has none. The list is the caller's. -ENOMEM. */
int listen_specs(const struct site *site, const struct site_links *links,
	struct listen_spec **ret_specs, size_t *ret_n);
