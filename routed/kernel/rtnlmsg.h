/* rtnlmsg.h - routes and rules as messages of rtnetlink(7), both ways
 *
 * Touches no socket: rtnl.c sends and receives, tests and the fuzzer call it directly. What is
 * written and read again is equal.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "routed/kernel/kernel.h"

struct nl_msg;
struct nlmsghdr;

enum rtnlmsg_kind {
	RTNLMSG_NONE, /* of a kind that we neither make nor look at */
	RTNLMSG_READ,
};

/* A route, of any program. */
struct rtnlmsg_route {
	struct kernel_route route;
	uint8_t protocol; /* RTPROT_DHCP, RTPROT_RA, KERNEL_PROTOCOL, ... */
	uint8_t pref;	  /* RTA_PREF, as in a router advertisement: 0 medium, 1 high, 3 low */
	uint8_t tos;	  /* we make none with it */
	bool has_from;	  /* IPv6: only for packets from a prefix; nor any of those */
	bool has_encap;	  /* into MPLS, a tunnel, ...: nor any of those */
	uint32_t nhid;	  /* RTA_NH_ID: it uses a nexthop object; 0: none */
	bool unresolved;  /* ... and says nothing else of where it leads: rtnlnexthop.h */
};

enum { RTNLMSG_MAX_MEMBERS = 64 };

/* A nexthop object: a single one, or a group of them (ip-nexthop(8)). */
struct rtnlmsg_nexthop {
	uint32_t id;
	struct kernel_nexthop hop; /* ifindex 0: it leads nowhere (blackhole, fdb) */
	bool has_encap;
	struct {
		uint32_t id;
		unsigned int weight;
	} members[RTNLMSG_MAX_MEMBERS];
	size_t n_members; /* > 0: a group */
};

/* One route (RTM_NEWROUTE, RTM_DELROUTE) or rule. The message is whole (`nlmsg_len` octets are
 * there) and is not written to. An enum rtnlmsg_kind, or -EBADMSG for a malformed one; only
 * RTNLMSG_READ writes the output. */
int rtnlmsg_read_route(struct nlmsghdr *msg, struct rtnlmsg_route *ret_route);
int rtnlmsg_read_nexthop(struct nlmsghdr *msg, struct rtnlmsg_nexthop *ret_nexthop);
int rtnlmsg_read_rule(
	struct nlmsghdr *msg, struct kernel_rule *ret_rule, uint8_t *ret_protocol);

/* A request as `type` (RTM_NEWROUTE, ...) with `flags` (NLM_F_...), the caller's to free. NULL
 * if there is no memory. */
struct nl_msg *rtnlmsg_route(int type, int flags, const struct kernel_route *route);
struct nl_msg *rtnlmsg_rule(int type, int flags, const struct kernel_rule *rule);
