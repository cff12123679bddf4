/* wayout.h - over which interface the answers of each address leave
 *
 * An answer must go out over the uplink that it came in on. routed sees to that with rules by
 * source address; where it does not run, dnsd looks at what the kernel would do and warns.
 */
#pragma once
#include "common/net/links.h"
#include "common/site/site.h"
#include "dnsd/state/listen.h"

enum { WAYOUT_UNKNOWN = -1 };

struct wayout_entry {
	struct addr addr;
	int view;
	int wanted;    /* ifindex of the address's interface */
	int found;     /* over which answers leave; 0: they are dropped; WAYOUT_UNKNOWN */
	bool is_wrong; /* only with carrier: without it there are no routes to judge */
};

struct wayout {
	struct wayout_entry *entries;
	size_t n;
};

/* Asks the kernel for each uplink address of the list. What became wrong or right since the
 * last time is logged. */
void wayout_update(struct wayout *wayout, const struct site *site, const struct links *links,
	const struct listen_want *wants, size_t n_wants);
void wayout_fini(struct wayout *wayout);

/* Borrowed until the next update; NULL for an address that was not looked at. */
const struct wayout_entry *wayout_find(const struct wayout *wayout, const struct addr *addr);
