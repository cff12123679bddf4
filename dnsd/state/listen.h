/* listen.h - on which addresses there should be sockets, and for which view
 *
 * Pure: makes a list from site.yaml and the present links. sockets.c opens the sockets.
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
	int taken_by; /* index of an earlier entry with the same address and port, which has the
			 socket; else LISTEN_FREE */
};

/* Uplinks in order of preference, then the LAN; addresses in the kernel's order. An uplink
 * with `inbound: no` has none. The list is the caller's. -ENOMEM. */
int listen_specs(const struct site *site, const struct site_links *links,
	struct listen_spec **ret_specs, size_t *ret_n);
