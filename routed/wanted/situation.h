/* situation.h - from links and gateways to what wanted.c and the state machines are told
 *
 * Pure: values in, values out. The states come from the machines, which are told first what
 * the links say (situation_facts) and then asked.
 */
#pragma once
#include "routed/uplink/uplink.h"
#include "routed/wanted/wanted.h"

struct gateways;
struct links;

/* What is known of one uplink besides site.yaml and the mirror of links. */
struct situation_learned {
	struct addr gateway[SITE_FAMILIES]; /* from routes of others; unset: none */
	bool bare_default[SITE_FAMILIES]; /* their default names no gateway: none is needed */
	struct kernel_metrics metrics[SITE_FAMILIES];		  /* of that default */
	const struct mainroutes_over *main_routes[SITE_FAMILIES]; /* NULL: not followed */
	bool lost_ipv6;	 /* this device had a global IPv6 address before */
	bool uses_ra;	 /* the IPv6 one is from a router advertisement */
	bool no_carrier; /* seen by polling, before the kernel's message */
};

/* What the routes of others say of `link` (NULL: nothing). `no_carrier` and `lost_ipv6` stay
 * as they are. Borrows from `gateways` until their next look. */
void situation_learn(const struct gateways *gateways, const struct link *link,
	struct situation_learned *learned);

/* One uplink on `link`, which is NULL where the interface does not exist. `state` stays 0. */
void situation_of_uplink(const struct site_uplink *uplink, const struct link *link,
	const struct situation_learned *learned, struct situation_uplink *ret_uplink);

/* The whole site; `learned` has site->n_uplinks entries. The states are left at 0. */
void situation_make(const struct site *site, const struct links *links,
	const struct situation_learned *learned, struct situation *ret_situation);

/* A global IPv6 address that the router has on the LAN, the first one; unset: none. Borrowed.
 */
const struct addr *situation_lan_global(const struct situation *situation);

/* The same as the state machine takes it. */
void situation_facts(const struct situation_uplink *uplink, struct uplink_facts *ret_facts);

/* The address that stands for the uplink outside: `public:`, else its own; unset: none. */
struct addr situation_public(const struct site_uplink *uplink,
	const struct situation_uplink *situation, enum site_family family);
