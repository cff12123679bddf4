/* facts.h - the state of the links when answers are laid out, and what a pseudo record becomes
 *
 * Pure. factslinks.c fills `struct facts` from site.yaml and the netlink mirror, routedreport.c
 * applies the report of a running routed; builder.c asks for the addresses of each pseudo
 * record in each view.
 */
#pragma once
#include "common/site/site.h"
#include "common/site/uplinkstate.h"
#include "dnsd/zone/zone.h"

struct uplink_facts {
	enum uplink_state state;
	bool inbound;
	/* as seen from the Internet: `public` of site.yaml, else the interface's; unset: none */
	struct addr public_addrs[SITE_FAMILIES];
};

struct server_facts {
	struct addr address[SITE_FAMILIES]; /* of its own, on the LAN */
	uint32_t forwarded;		    /* set of uplinks that forward to it */
	uint32_t dead; /* set of uplinks on whose path a check found it dead */
	/* set of uplinks over which it can be reached by IPv4, by IPv6: by the uplink's
	 * loopback, or by its own address */
	uint32_t by_family[SITE_FAMILIES];
};

struct facts {
	struct uplink_facts uplinks[SITE_MAX_UPLINKS]; /* in order of preference */
	size_t n_uplinks;
	struct server_facts *servers;
	size_t n_servers;
	struct addr lan[SITE_FAMILIES]; /* the router's address on the LAN */
	bool move_when_degraded;	/* dns.when-degraded: move */
};

enum { FACTS_VIEW_INSIDE = -1 }; /* a view is an uplink's index, or this */

/* The addresses of one family that `pseudo` stands for in `view`, without duplicates, in the
 * order of the answer. `ret_addrs` has room for SITE_MAX_UPLINKS. Returns their number. */
size_t facts_expand(const struct facts *facts, int view, const struct pseudo *pseudo,
	enum site_family family, struct addr *ret_addrs);

void facts_fini(struct facts *facts);
bool facts_eq(const struct facts *a, const struct facts *b);
