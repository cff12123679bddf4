/* situation.h - from links and gateways to the input of wanted.c and the state machines
 *
 * Pure: values in, values out. The states come from the machines, which first get what the
 * links say (situation_facts) and then asked.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/links.h"
#include "common/site/site.h"
#include "common/site/uplinkstate.h"
#include "routed/kernel/kernel.h"

struct gateways;
struct mainroutes_over;
struct uplink_facts;

enum {
	SITUATION_MAX_ADDRS = 64, /* of one uplink: a /27, or a week's temporary ones */
	SITUATION_MAX_LAN_ADDRS =
		512, /* of all LANs: 170 VLANs, each with IPv4, GUA and ULA */
	SITUATION_MAX_OWN = 1024,
};

/* What is known of one uplink, in the order of site->uplinks. */
struct situation_uplink {
	int ifindex;	     /* 0: the interface does not exist */
	bool is_down;	     /* by the administrator: the kernel takes no route over it */
	bool is_port;	     /* of a bridge or the like: counts as without carrier */
	bool point_to_point; /* needs no gateway */
	uint32_t mtu;
	struct link_addr addrs[SITUATION_MAX_ADDRS]; /* ready ones, both families */
	size_t n_addrs;
	struct addr
		chosen[SITE_FAMILIES]; /* the one that stands for the uplink; unset: none */
	struct addr gateway[SITE_FAMILIES]; /* configured or learned; unset: none known */
	bool bare_default[SITE_FAMILIES];   /* main has a default over it without a gateway */
	bool unnumbered; /* in IPv6 it has a link-local address only, and needs no other */
	struct kernel_metrics metrics[SITE_FAMILIES];		  /* of its default */
	const struct mainroutes_over *main_routes[SITE_FAMILIES]; /* borrowed; NULL: none */
	bool uses_ra; /* its IPv6 default comes from router advertisements */
	bool carrier;
	enum uplink_state state;
};

struct situation {
	struct situation_uplink uplinks[SITE_MAX_UPLINKS];
	struct link_addr lan_addrs[SITUATION_MAX_LAN_ADDRS];
	size_t n_lan_addrs;
	struct addr own[SITUATION_MAX_OWN]; /* of all interfaces, lo and VPNs included */
	size_t n_own;
};

/* What is known of one uplink besides site.yaml and the mirror of links. */
struct situation_learned {
	const struct mainroutes_over *main_routes[SITE_FAMILIES]; /* NULL: not followed */
	struct kernel_metrics metrics[SITE_FAMILIES];		  /* of their default */
	struct addr gateway[SITE_FAMILIES]; /* from routes of others; unset: none */
	bool bare_default[SITE_FAMILIES]; /* their default names no gateway: none is needed */
	bool lost_ipv6;			  /* this device had a global IPv6 address before */
	bool uses_ra;			  /* the IPv6 one is from a router advertisement */
	bool no_carrier;		  /* seen by polling, before the kernel's message */
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

/* A device that is not switched off, an address and a gateway (or none needed): the uplink's
 * own table has a default. */
bool situation_can_route(const struct situation_uplink *uplink, enum site_family family);

/* A default of main leads over it that we can make nothing of: its flows are left to main. */
bool situation_is_left_to_main(const struct situation_uplink *uplink, enum site_family family);

/* The addresses of uplink `i` at which the site is asked from outside, as dnsd sees it too:
 * that of `address:`, else all that are ready; none with `inbound: no`. Returns how many.
 * Borrowed from `situation`. */
size_t situation_served(const struct site *site, const struct situation *situation, size_t i,
	enum site_family family, const struct addr *ret_addrs[SITUATION_MAX_ADDRS]);
