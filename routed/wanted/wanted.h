/* wanted.h - what the kernel should hold, given site.yaml and the state of the links
 *
 * Pure: no kernel, no clock. situation.c fills `struct situation` from the mirror and the
 * learned gateways, agent.c its states from the state machines; the result is compared with what is there (plan.h) and
 * written (rtnl.h, nft.h). The order of preference, the priorities, tables and marks follow
 * from site.yaml alone, so that a restart finds its own.
 */
#pragma once
#include "common/net/links.h"
#include "common/site/site.h"
#include "common/site/uplinkstate.h"
#include "routed/kernel/kernel.h"
#include "routed/kernel/mainroutes.h"

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

/* Which uplinks new outbound connections use now. failover: at most one bit; balance: all good
 * ones with a weight. Degraded ones only where none is up; with `last-resort: keep` and none
 * up at all the most preferred one with carrier, address and gateway. */
struct decision {
	uint32_t active[SITE_FAMILIES]; /* sets of uplinks */
};
struct decision decide(const struct site *site, const struct situation *situation);

/* A device that is not switched off, an address and a gateway (or none needed): the uplink's
 * own table has a default. */
bool situation_can_route(const struct situation_uplink *uplink, enum site_family family);

/* A default of main leads over it that we can make nothing of: its flows are left to main. */
bool situation_is_left_to_main(const struct situation_uplink *uplink, enum site_family family);

/* An address of its own, or none needed; a gateway, or none needed. */
bool situation_has_address(const struct situation_uplink *uplink, enum site_family family);
bool situation_has_gateway(const struct situation_uplink *uplink, enum site_family family);

/* Routes, rules, interface groups and sysctls. `ret_kernel` is the caller's to kernel_fini. */
void wanted_kernel(const struct site *site, const struct situation *situation,
	const struct decision *decision, struct kernel *ret_kernel);

/* The nftables table `inet multihomed`, as text that one nft transaction takes: nfttext.c.
 * `wanted_nft` is the whole table ("table inet multihomed { ... }", without the add/delete
 * idiom); equal situations give equal text. The caller frees it. */
char *wanted_nft(const struct site *site, const struct situation *situation);

/* The table of a router that stands by: it translates nothing. Between the moment in which it
 * gets the addresses of the other router and the takeover, established connections of that one
 * must not be reset by this one, which does not know them yet. `forwards`: with the guard. */
char *wanted_nft_standby(const struct site *site, bool forwards);

/* Named counters in that table, per uplink i: "out_i" packets of outbound flows that the
 * router forwarded out by it, "in_i" packets of such flows that came back by it, "guarded_i"
 * packets that the guard dropped, "forged_i" such with a source of the inside, "inside_view_i"
 * such for dnsd's inside view. What the router itself sends (probes) is in none of them. */
enum wanted_counter {
	WANTED_COUNTER_OUT,
	WANTED_COUNTER_IN,
	WANTED_COUNTER_GUARDED,
	WANTED_COUNTER_FORGED,
	WANTED_COUNTER_INSIDE_VIEW,
	WANTED_COUNTERS,
};
enum { WANTED_COUNTER_NAME = 24 };
char *wanted_counter_name(
	enum wanted_counter counter, size_t uplink, char out[WANTED_COUNTER_NAME]);

/* --- numbers that follow from site.yaml --- */

/* Tables: `tables` is the tracked default, `tables` + 1 + i the table of uplink i. */
uint32_t wanted_default_table(const struct site *site);
uint32_t wanted_uplink_table(const struct site *site, size_t uplink);

/* Marks, within site->routing.mark: the highest bit says "came in"; where there is room, the
 * next one of connections says "came in and was answered"; the others are uplink i + 1. */
uint32_t wanted_mark_out(const struct site *site, size_t uplink);
uint32_t wanted_mark_in(const struct site *site, size_t uplink);
uint32_t wanted_mark_direction(const struct site *site);
uint32_t wanted_mark_answered(const struct site *site);	   /* 0: no room */
uint32_t wanted_mark_mask(const struct site *site);	   /* all of ours */
uint32_t wanted_mark_uplink_mask(const struct site *site); /* of the uplink's number alone */
uint32_t wanted_mark_packet_mask(const struct site *site); /* what the marks of packets use */

/* Rules, P = priority, D = default-priority of site.yaml: blocks of 100 keep them apart. */
enum {
	WANTED_PRIO_MAIN = 0,	    /* P+0 */
	WANTED_PRIO_ADDRESS = 100,  /* P+100.. from a router's address */
	WANTED_PRIO_LOOPBACK = 200, /* P+200.. from a loopback: its table, then blackhole */
	WANTED_PRIO_MARK = 300,	    /* P+300.. by mark: the table, then blackhole */
	WANTED_PRIO_POLICY = 400,   /* P+400.. policies */
	WANTED_UNRESOLVED_OCTETS = 2048, /* that may wait for one neighbour */
};
