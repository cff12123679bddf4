/* rtnlmsg.c - routes and rules as messages of rtnetlink(7), both ways
 *
 * Attributes are checked for their length by libnl's policies before any of them is read. The
 * values are held to what struct kernel can hold: a route or rule that says more than we ever
 * write (a type of service, a user, "not") is not one of ours, even if another program gave
 * it our protocol, and is reported as RTNLMSG_NONE rather than as something that it is not.
 *
 * The builders of libnl-route are not used: version 3.7 can neither set nor read what decides
 * here (suppress_prefixlength, suppress_ifgroup), counts weights from another number, and
 * creates where only a change was asked for.
 */
#include "routed/kernel/rtnlmsg.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/net/nlcmd.h"

static struct nla_policy route_policy[RTA_NH_ID + 1] = {
	[RTA_DST] = {.minlen = 4, .maxlen = 16},
	[RTA_SRC] = {.minlen = 4, .maxlen = 16},
	[RTA_OIF] = {.type = NLA_U32},
	[RTA_GATEWAY] = {.minlen = 4, .maxlen = 16},
	[RTA_PRIORITY] = {.type = NLA_U32},
	[RTA_PREFSRC] = {.minlen = 4, .maxlen = 16},
	[RTA_MULTIPATH] = {.minlen = sizeof(struct rtnexthop)},
	[RTA_TABLE] = {.type = NLA_U32},
	[RTA_VIA] = {.minlen = sizeof(struct rtvia) + 4},
	[RTA_PREF] = {.type = NLA_U8},
	[RTA_NH_ID] = {.type = NLA_U32},
};

static struct nla_policy nexthop_policy[NHA_FDB + 1] = {
	[NHA_ID] = {.type = NLA_U32},
	[NHA_OIF] = {.type = NLA_U32},
	[NHA_GATEWAY] = {.minlen = 4, .maxlen = 16},
};

static struct nla_policy rule_policy[FRA_DPORT_RANGE + 1] = {
	[FRA_DST] = {.minlen = 4, .maxlen = 16},
	[FRA_SRC] = {.minlen = 4, .maxlen = 16},
	[FRA_IIFNAME] = {.type = NLA_STRING, .minlen = 2, .maxlen = IFNAMSIZ},
	[FRA_OIFNAME] = {.type = NLA_STRING, .minlen = 2, .maxlen = IFNAMSIZ},
	[FRA_PRIORITY] = {.type = NLA_U32},
	[FRA_FWMARK] = {.type = NLA_U32},
	[FRA_FWMASK] = {.type = NLA_U32},
	[FRA_SUPPRESS_IFGROUP] = {.type = NLA_U32},
	[FRA_SUPPRESS_PREFIXLEN] = {.type = NLA_U32},
	[FRA_TABLE] = {.type = NLA_U32},
	[FRA_PROTOCOL] = {.type = NLA_U8},
	[FRA_IP_PROTO] = {.type = NLA_U8},
	[FRA_DPORT_RANGE] = {.minlen = sizeof(struct fib_rule_port_range)},
};

/* ---- reading ---- */

static int read_addr(int family, struct nlattr *attr, struct addr *ret_addr)
{
	int len = family == AF_INET ? 4 : 16;

	if (nla_len(attr) != len)
		return -EBADMSG;
	*ret_addr = addr_from_bytes(family, nla_data(attr));
	return 0;
}

/* A prefix whose attribute may be missing: then it has no length either, and means any. */
static int read_prefix(int family, uint8_t len, struct nlattr *attr, struct prefix *ret_prefix)
{
	struct prefix prefix = {.len = len};

	if (len > (family == AF_INET ? 32 : 128) || (len > 0 && !attr))
		return -EBADMSG;
	if (len > 0 && read_addr(family, attr, &prefix.addr) < 0)
		return -EBADMSG;
	*ret_prefix = prefix;
	return 0;
}

/* RTA_VIA: the gateway of an IPv4 route that is reached over IPv6. */
static int read_via(struct nlattr *attr, struct addr *ret_addr)
{
	const struct rtvia *via = nla_data(attr);
	int len = nla_len(attr) - (int)sizeof(*via);

	if (len != (via->rtvia_family == AF_INET6 ? 16 : 4))
		return -EBADMSG;
	*ret_addr = addr_from_bytes(
		via->rtvia_family == AF_INET6 ? AF_INET6 : AF_INET, via->rtvia_addr);
	return 0;
}

static int read_gateway(int family, struct nlattr **tb, struct addr *ret_addr)
{
	if (tb[RTA_GATEWAY])
		return read_addr(family, tb[RTA_GATEWAY], ret_addr);
	if (tb[RTA_VIA])
		return read_via(tb[RTA_VIA], ret_addr);
	return 0;
}

static int read_multipath(struct nlattr *attr, struct rtnlmsg_route *route)
{
	struct rtnexthop *rtnh = nla_data(attr);
	int left = nla_len(attr);

	while (left >= (int)sizeof(*rtnh)) {
		struct nlattr *tb[RTA_NH_ID + 1];
		int len = rtnh->rtnh_len;

		if (len < (int)sizeof(*rtnh) || len > left)
			return -EBADMSG;
		if (nla_parse(tb, RTA_NH_ID, (struct nlattr *)(void *)(rtnh + 1),
			    len - (int)sizeof(*rtnh), route_policy) < 0)
			return -EBADMSG;
		if (route->route.n_nexthops == KERNEL_MAX_NEXTHOPS)
			return RTNLMSG_NONE;

		struct kernel_nexthop *hop = &route->route.nexthops[route->route.n_nexthops++];
		hop->ifindex = rtnh->rtnh_ifindex;
		hop->onlink = (rtnh->rtnh_flags & RTNH_F_ONLINK) != 0;
		hop->weight = rtnh->rtnh_hops + 1u;
		route->has_encap = route->has_encap || tb[RTA_ENCAP];
		if (read_gateway(route->route.family, tb, &hop->gateway) < 0)
			return -EBADMSG;

		len = RTNH_ALIGN(len);
		left -= len;
		rtnh = (struct rtnexthop *)(void *)((char *)rtnh + len);
	}
	return RTNLMSG_READ;
}

static int read_nexthops(
	const struct rtmsg *rtm, struct nlattr **tb, struct rtnlmsg_route *route)
{
	struct kernel_nexthop *hop = &route->route.nexthops[0];

	if (route->route.type != KERNEL_UNICAST)
		return RTNLMSG_READ; /* IPv6 names the loopback device for these */
	if (tb[RTA_MULTIPATH])
		return read_multipath(tb[RTA_MULTIPATH], route);
	/* net.ipv4.nexthop_compat_mode=0 leaves all but the number out */
	if (route->nhid && !tb[RTA_OIF]) {
		route->unresolved = true;
		return RTNLMSG_READ;
	}

	route->route.n_nexthops = 1;
	hop->ifindex = tb[RTA_OIF] ? (int)nla_get_u32(tb[RTA_OIF]) : 0;
	hop->onlink = (rtm->rtm_flags & RTNH_F_ONLINK) != 0;
	hop->weight = 1;
	return read_gateway(rtm->rtm_family, tb, &hop->gateway) < 0 ? -EBADMSG : RTNLMSG_READ;
}

static bool read_type(uint8_t type, enum kernel_route_type *ret_type)
{
	switch (type) {
	case RTN_UNICAST:
		*ret_type = KERNEL_UNICAST;
		return true;
	case RTN_BLACKHOLE:
		*ret_type = KERNEL_BLACKHOLE;
		return true;
	case RTN_UNREACHABLE:
		*ret_type = KERNEL_UNREACHABLE;
		return true;
	default:
		return false;
	}
}

/* RTA_METRICS: values by RTAX_*, one name. Attributes of later kernels are skipped. */
static int read_metrics(struct nlattr *attr, struct kernel_metrics *metrics)
{
	struct nlattr *item;
	int left;

	if (!attr)
		return 0;
	nla_for_each_nested(item, attr, left)
	{
		int type = nla_type(item);

		if (type <= 0 || type >= KERNEL_N_METRICS)
			continue;
		if (type == RTAX_CC_ALGO) {
			nla_strlcpy(metrics->congctl, item, sizeof(metrics->congctl));
			continue;
		}
		if (nla_len(item) != (int)sizeof(uint32_t))
			return -EBADMSG;
		metrics->values[type] = nla_get_u32(item);
	}
	return 0;
}

/* An on-link IPv4 destination is of scope "link", all else of "universe" (ip-route(8)). */
static uint8_t usual_scope(const struct kernel_route *route)
{
	if (route->family != AF_INET || route->type != KERNEL_UNICAST)
		return RT_SCOPE_UNIVERSE;
	for (size_t i = 0; i < route->n_nexthops; i++)
		if (addr_is_set(&route->nexthops[i].gateway))
			return RT_SCOPE_UNIVERSE;
	return RT_SCOPE_LINK;
}

static uint8_t route_scope(const struct kernel_route *route)
{
	return route->scope ? (uint8_t)(route->scope - 1) : usual_scope(route);
}

/* The scope of a route whose next hops are not known yet cannot be told from the usual one. */
static unsigned int read_scope(const struct rtmsg *rtm, const struct rtnlmsg_route *route)
{
	if (rtm->rtm_family != AF_INET || route->route.type != KERNEL_UNICAST ||
		route->unresolved || rtm->rtm_scope == usual_scope(&route->route))
		return 0;
	return rtm->rtm_scope + 1u;
}

int rtnlmsg_read_route(struct nlmsghdr *msg, struct rtnlmsg_route *ret_route)
{
	struct nlattr *tb[RTA_NH_ID + 1];

	if (nlmsg_parse(msg, sizeof(struct rtmsg), tb, RTA_NH_ID, route_policy) < 0)
		return -EBADMSG;

	const struct rtmsg *rtm = nlmsg_data(msg);
	struct rtnlmsg_route route = {
		.route.family = rtm->rtm_family,
		.route.table = tb[RTA_TABLE] ? nla_get_u32(tb[RTA_TABLE]) : rtm->rtm_table,
		.route.metric = tb[RTA_PRIORITY] ? nla_get_u32(tb[RTA_PRIORITY]) : 0,
		.protocol = rtm->rtm_protocol,
		.pref = tb[RTA_PREF] ? nla_get_u8(tb[RTA_PREF]) : 0,
		.tos = rtm->rtm_tos,
		.has_from = rtm->rtm_src_len > 0,
		.has_encap = tb[RTA_ENCAP] != NULL,
		.nhid = tb[RTA_NH_ID] ? nla_get_u32(tb[RTA_NH_ID]) : 0,
	};
	bool cloned = (rtm->rtm_flags & RTM_F_CLONED) != 0; /* a cached decision, no route */

	if ((rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) || cloned ||
		!read_type(rtm->rtm_type, &route.route.type))
		return RTNLMSG_NONE;
	if (read_prefix(rtm->rtm_family, rtm->rtm_dst_len, tb[RTA_DST], &route.route.dst) < 0)
		return -EBADMSG;
	if (tb[RTA_PREFSRC] &&
		read_addr(rtm->rtm_family, tb[RTA_PREFSRC], &route.route.prefsrc) < 0)
		return -EBADMSG;
	if (read_metrics(tb[RTA_METRICS], &route.route.metrics) < 0)
		return -EBADMSG;

	int r = read_nexthops(rtm, tb, &route);
	if (r == RTNLMSG_READ) {
		route.route.scope = read_scope(rtm, &route);
		*ret_route = route;
	}
	return r;
}

/* NHA_GROUP: the kernel holds no group of groups (net/ipv4/nexthop.c, valid_group_nh). */
static int read_group(struct nlattr *attr, struct rtnlmsg_nexthop *nexthop)
{
	const struct nexthop_grp *members = nla_data(attr);
	size_t n = (size_t)nla_len(attr) / sizeof(*members);

	if ((size_t)nla_len(attr) % sizeof(*members) != 0)
		return -EBADMSG;
	if (n > RTNLMSG_MAX_MEMBERS)
		return RTNLMSG_NONE;
	for (size_t i = 0; i < n; i++) {
		nexthop->members[i].id = members[i].id;
		nexthop->members[i].weight = members[i].weight + 1u;
	}
	nexthop->n_members = n;
	return RTNLMSG_READ;
}

int rtnlmsg_read_nexthop(struct nlmsghdr *msg, struct rtnlmsg_nexthop *ret_nexthop)
{
	struct nlattr *tb[NHA_FDB + 1];
	struct rtnlmsg_nexthop nexthop = {0};

	if (nlmsg_parse(msg, sizeof(struct nhmsg), tb, NHA_FDB, nexthop_policy) < 0)
		return -EBADMSG;

	const struct nhmsg *nhm = nlmsg_data(msg);
	nexthop.id = tb[NHA_ID] ? nla_get_u32(tb[NHA_ID]) : 0;
	if (nexthop.id == 0)
		return RTNLMSG_NONE;
	nexthop.has_encap = tb[NHA_ENCAP] != NULL;
	if (tb[NHA_GROUP]) {
		int r = read_group(tb[NHA_GROUP], &nexthop);

		if (r != RTNLMSG_READ)
			return r;
	} else if (!tb[NHA_BLACKHOLE] && !tb[NHA_FDB]) {
		nexthop.hop = (struct kernel_nexthop){
			.ifindex = tb[NHA_OIF] ? (int)nla_get_u32(tb[NHA_OIF]) : 0,
			.onlink = (nhm->nh_flags & RTNH_F_ONLINK) != 0,
			.weight = 1,
		};
		if (tb[NHA_GATEWAY] &&
			((nhm->nh_family != AF_INET && nhm->nh_family != AF_INET6) ||
				read_addr(nhm->nh_family, tb[NHA_GATEWAY],
					&nexthop.hop.gateway) < 0))
			return -EBADMSG;
	}
	*ret_nexthop = nexthop;
	return RTNLMSG_READ;
}

/* Does the rule select or do something that we have no words for? */
static bool rule_is_strange(const struct fib_rule_hdr *frh, struct nlattr **tb)
{
	if (frh->action != FR_ACT_TO_TBL && frh->action != FR_ACT_BLACKHOLE)
		return true;
	return frh->tos || (frh->flags & FIB_RULE_INVERT) || tb[FRA_FLOW] || tb[FRA_TUN_ID] ||
	       tb[FRA_L3MDEV] || tb[FRA_UID_RANGE] || tb[FRA_SPORT_RANGE];
}

/* -1 is how the kernel says that there is none; what is above INT_MAX is nothing we write. */
static int read_suppress(struct nlattr *attr)
{
	uint32_t value = attr ? nla_get_u32(attr) : UINT32_MAX;

	return value > INT32_MAX ? KERNEL_NO_SUPPRESS : (int)value;
}

static void read_rule_match(struct nlattr **tb, struct kernel_rule *rule)
{
	if (tb[FRA_FWMARK])
		rule->fwmark = nla_get_u32(tb[FRA_FWMARK]);
	if (tb[FRA_FWMASK])
		rule->fwmask = nla_get_u32(tb[FRA_FWMASK]);
	if (tb[FRA_IIFNAME])
		nla_strlcpy(rule->iif, tb[FRA_IIFNAME], sizeof(rule->iif));
	if (tb[FRA_OIFNAME])
		nla_strlcpy(rule->oif, tb[FRA_OIFNAME], sizeof(rule->oif));
	if (tb[FRA_IP_PROTO])
		rule->ipproto = nla_get_u8(tb[FRA_IP_PROTO]);
	if (tb[FRA_DPORT_RANGE]) {
		const struct fib_rule_port_range *range = nla_data(tb[FRA_DPORT_RANGE]);

		rule->dport_first = range->start; /* host order (linux/fib_rules.h) */
		rule->dport_last = range->end;
	}
}

int rtnlmsg_read_rule(
	struct nlmsghdr *msg, struct kernel_rule *ret_rule, uint8_t *ret_protocol)
{
	struct nlattr *tb[FRA_DPORT_RANGE + 1];

	if (nlmsg_parse(msg, sizeof(struct fib_rule_hdr), tb, FRA_DPORT_RANGE, rule_policy) <
		0)
		return -EBADMSG;

	/* families beyond the two are those of multicast routing */
	const struct fib_rule_hdr *frh = nlmsg_data(msg);
	if ((frh->family != AF_INET && frh->family != AF_INET6) || rule_is_strange(frh, tb))
		return RTNLMSG_NONE;

	struct kernel_rule rule = {
		.family = frh->family,
		.priority = tb[FRA_PRIORITY] ? nla_get_u32(tb[FRA_PRIORITY]) : 0,
		.blackhole = frh->action == FR_ACT_BLACKHOLE,
		.suppress_prefixlen = read_suppress(tb[FRA_SUPPRESS_PREFIXLEN]),
		.suppress_ifgroup = read_suppress(tb[FRA_SUPPRESS_IFGROUP]),
	};
	if (!rule.blackhole)
		rule.table = tb[FRA_TABLE] ? nla_get_u32(tb[FRA_TABLE]) : frh->table;
	if (read_prefix(frh->family, frh->src_len, tb[FRA_SRC], &rule.from) < 0 ||
		read_prefix(frh->family, frh->dst_len, tb[FRA_DST], &rule.to) < 0)
		return -EBADMSG;
	read_rule_match(tb, &rule);

	*ret_rule = rule;
	*ret_protocol = tb[FRA_PROTOCOL] ? nla_get_u8(tb[FRA_PROTOCOL]) : RTPROT_UNSPEC;
	return RTNLMSG_READ;
}

/* ---- writing ---- */

static int put_addr(struct nl_msg *msg, int type, const struct addr *addr)
{
	return nla_put(msg, type, (int)addr_len(addr), addr->bytes);
}

static int put_gateway(struct nl_msg *msg, int family, const struct addr *gateway)
{
	uint8_t via[sizeof(struct rtvia) + 16];
	uint16_t via_family = gateway->family;

	if (!addr_is_set(gateway))
		return 0;
	if (gateway->family == family)
		return put_addr(msg, RTA_GATEWAY, gateway);

	memcpy(via, &via_family, sizeof(via_family));
	memcpy(via + sizeof(via_family), gateway->bytes, 16);
	return nla_put(msg, RTA_VIA, (int)(sizeof(via_family) + addr_len(gateway)), via);
}

static int put_multipath(struct nl_msg *msg, const struct kernel_route *route)
{
	struct nlattr *all = nla_nest_start(msg, RTA_MULTIPATH);

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < route->n_nexthops; i++) {
		const struct kernel_nexthop *hop = &route->nexthops[i];
		struct rtnexthop *rtnh = nlmsg_reserve(msg, sizeof(*rtnh), NLMSG_ALIGNTO);

		if (!rtnh)
			return -ENOMEM;
		*rtnh = (struct rtnexthop){
			.rtnh_flags = hop->onlink ? RTNH_F_ONLINK : 0,
			.rtnh_hops = (uint8_t)(hop->weight ? hop->weight - 1 : 0),
			.rtnh_ifindex = hop->ifindex,
		};
		if (put_gateway(msg, route->family, &hop->gateway) < 0)
			return -ENOMEM;
		rtnh->rtnh_len = (uint16_t)((char *)nlmsg_tail(nlmsg_hdr(msg)) - (char *)rtnh);
	}
	nla_nest_end(msg, all);
	return 0;
}

static int put_nexthops(struct nl_msg *msg, const struct kernel_route *route)
{
	const struct kernel_nexthop *hop = &route->nexthops[0];

	if (route->n_nexthops > 1)
		return put_multipath(msg, route);
	if (route->n_nexthops == 0)
		return 0;
	if (hop->ifindex && nla_put_u32(msg, RTA_OIF, (uint32_t)hop->ifindex) < 0)
		return -ENOMEM;
	return put_gateway(msg, route->family, &hop->gateway);
}

static int put_metrics(struct nl_msg *msg, const struct kernel_metrics *metrics)
{
	static const struct kernel_metrics none;
	struct nlattr *all;

	if (kernel_metrics_eq(metrics, &none))
		return 0;
	all = nla_nest_start(msg, RTA_METRICS);
	if (!all)
		return -ENOMEM;
	for (int i = 1; i < KERNEL_N_METRICS; i++)
		if (metrics->values[i] && nla_put_u32(msg, i, metrics->values[i]) < 0)
			return -ENOMEM;
	if (metrics->congctl[0] && nla_put_string(msg, RTAX_CC_ALGO, metrics->congctl) < 0)
		return -ENOMEM;
	nla_nest_end(msg, all);
	return 0;
}

static uint8_t route_type(const struct kernel_route *route)
{
	static const uint8_t types[] = {
		[KERNEL_UNICAST] = RTN_UNICAST,
		[KERNEL_BLACKHOLE] = RTN_BLACKHOLE,
		[KERNEL_UNREACHABLE] = RTN_UNREACHABLE,
	};

	return types[route->type];
}

struct nl_msg *rtnlmsg_route(int type, int flags, const struct kernel_route *route)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(type, flags);
	bool onlink = route->n_nexthops == 1 && route->nexthops[0].onlink;
	struct rtmsg rtm = {
		.rtm_family = (uint8_t)route->family,
		.rtm_dst_len = route->dst.len,
		.rtm_table = RT_TABLE_UNSPEC, /* RTA_TABLE has room for all of it */
		.rtm_protocol = KERNEL_PROTOCOL,
		.rtm_scope = type == RTM_DELROUTE ? RT_SCOPE_NOWHERE : route_scope(route),
		.rtm_type = route_type(route),
		.rtm_flags = onlink ? RTNH_F_ONLINK : 0,
	};

	if (!msg || nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO) < 0 ||
		nla_put_u32(msg, RTA_TABLE, route->table) < 0)
		return NULL;
	if (route->dst.len > 0 && put_addr(msg, RTA_DST, &route->dst.addr) < 0)
		return NULL;
	if (route->metric && nla_put_u32(msg, RTA_PRIORITY, route->metric) < 0)
		return NULL;
	if (addr_is_set(&route->prefsrc) && put_addr(msg, RTA_PREFSRC, &route->prefsrc) < 0)
		return NULL;
	/* a removal matches what it names: without the metrics it takes the route all the same
	 */
	if (type != RTM_DELROUTE && put_metrics(msg, &route->metrics) < 0)
		return NULL;
	if (put_nexthops(msg, route) < 0)
		return NULL;
	return TAKE(msg);
}

static int put_rule_match(struct nl_msg *msg, const struct kernel_rule *rule)
{
	struct fib_rule_port_range dports = {
		.start = rule->dport_first, .end = rule->dport_last};

	if (rule->from.len > 0 && put_addr(msg, FRA_SRC, &rule->from.addr) < 0)
		return -ENOMEM;
	if (rule->to.len > 0 && put_addr(msg, FRA_DST, &rule->to.addr) < 0)
		return -ENOMEM;
	if (rule->fwmask && (nla_put_u32(msg, FRA_FWMARK, rule->fwmark) < 0 ||
				    nla_put_u32(msg, FRA_FWMASK, rule->fwmask) < 0))
		return -ENOMEM;
	if (rule->iif[0] && nla_put_string(msg, FRA_IIFNAME, rule->iif) < 0)
		return -ENOMEM;
	if (rule->oif[0] && nla_put_string(msg, FRA_OIFNAME, rule->oif) < 0)
		return -ENOMEM;
	if (rule->ipproto && nla_put_u8(msg, FRA_IP_PROTO, rule->ipproto) < 0)
		return -ENOMEM;
	if (rule->dport_first && nla_put(msg, FRA_DPORT_RANGE, sizeof(dports), &dports) < 0)
		return -ENOMEM;
	return 0;
}

static int put_rule_action(struct nl_msg *msg, const struct kernel_rule *rule)
{
	int len = rule->suppress_prefixlen;
	int group = rule->suppress_ifgroup;

	if (rule->blackhole)
		return 0;
	if (nla_put_u32(msg, FRA_TABLE, rule->table) < 0)
		return -ENOMEM;
	if (len >= 0 && nla_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, (uint32_t)len) < 0)
		return -ENOMEM;
	if (group >= 0 && nla_put_u32(msg, FRA_SUPPRESS_IFGROUP, (uint32_t)group) < 0)
		return -ENOMEM;
	return 0;
}

struct nl_msg *rtnlmsg_rule(int type, int flags, const struct kernel_rule *rule)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(type, flags);
	struct fib_rule_hdr frh = {
		.family = (uint8_t)rule->family,
		.src_len = rule->from.len,
		.dst_len = rule->to.len,
		.action = rule->blackhole ? FR_ACT_BLACKHOLE : FR_ACT_TO_TBL,
	};

	if (!msg || nlmsg_append(msg, &frh, sizeof(frh), NLMSG_ALIGNTO) < 0 ||
		nla_put_u32(msg, FRA_PRIORITY, rule->priority) < 0 ||
		nla_put_u8(msg, FRA_PROTOCOL, KERNEL_PROTOCOL) < 0)
		return NULL;
	if (put_rule_match(msg, rule) < 0 || put_rule_action(msg, rule) < 0)
		return NULL;
	return TAKE(msg);
}
