/* gateways.h - the gateways that other programs' default routes tell us
 *
 * DHCP and PPPoE clients, the kernel's own router discovery, NetworkManager and an operator's
 * `ip route add` all say it in the same way: by a default route over the interface, in
 * whichever table. The last one learned is kept when the route goes, for as long as the
 * interface lives: most programs take their route away exactly when it is needed to find out
 * whether the uplink works again.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "routed/kernel/mainroutes.h"

struct rtnl;
struct rtnlmsg_route;

struct gateway {
	int ifindex;
	int family;
	struct addr addr; /* unset: a default without a gateway, as on point-to-point links */
	uint8_t protocol; /* of the route: RTPROT_DHCP, RTPROT_RA, ... */
	bool live;	  /* the route is there now */

	struct kernel_metrics metrics; /* MTU and the like, as the route has them */

	/* these decide which of several live ones is better */
	bool elsewhere; /* not in main */
	bool narrow;	/* IPv6: only for packets from a prefix */
	uint8_t pref;
	uint32_t metric;
};

struct gateways {
	struct gateway *items; /* one per interface and family */
	size_t n;
	struct mainroutes main; /* the other routes over the devices that it follows */
};

void gateways_fini(struct gateways *gateways);

/* The gateway of an interface, or NULL. Borrowed until the next change. */
const struct gateway *gateways_find(const struct gateways *gateways, int ifindex, int family);

/* Does the interface's IPv6 default come from router advertisements? Then the kernel must go
 * on accepting them while it forwards. */
bool gateways_uses_ra(const struct gateways *gateways, int ifindex);

/* Looks at all routes of the kernel. 1: something changed, 0: nothing, or a logged negative
 * errno (what was known stays). To be called at start, upon rtnlwatch_news, and after events
 * of links: the kernel takes routes away silently. */
int gateways_read(struct gateways *gateways, struct rtnl *rtnl);

/* --- the pure part: a look is begin, each route, end --- */

void gateways_begin(struct gateways *gateways);
void gateways_see(struct gateways *gateways, const struct rtnlmsg_route *route);

/* Forgets the interfaces that `exists` denies; NULL: none. */
typedef bool gateways_exists_fn(int ifindex);
void gateways_end(struct gateways *gateways, gateways_exists_fn *exists);
