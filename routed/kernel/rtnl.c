/* rtnl.c - reads and writes the kernel's routes, rules and interface groups
 *
 * The thin edge below plan.c: a dump becomes a struct kernel, a plan step becomes one message.
 * Callers are apply.c (steps), reconcile.c (dumps), observer.c (the carriers) and gateways.c
 * (the routes of others).
 *
 * Ours is what carries KERNEL_PROTOCOL. The kernel filters dumps by it where it can, we do
 * again in any case. In removals it is part of what has to match, additions are exclusive, and
 * a replacement in a table that others use too is preceded by a look for what it would
 * replace: so a route or rule of another program is never touched.
 */
#include "routed/kernel/rtnl.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/ipv6_route.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/net/family.h"
#include "common/net/nlcmd.h"
#include "routed/kernel/nexthops.h"
#include "routed/kernel/plan.h"
#include "routed/kernel/rtnlmsg.h"

enum { RTNL_DUMP_TRIES = 8 }; /* a dump that changes hit is repeated */

struct rtnl {
	struct nlcmd *cmd;
	const char *why; /* ours, or NULL for the kernel's */
};

int rtnl_new(struct rtnl **ret_rtnl)
{
	struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
	int r = rtnl ? nlcmd_new(NETLINK_ROUTE, &rtnl->cmd) : -ENOMEM;

	if (r < 0) {
		rtnl_free(rtnl);
		return log_error(r, "routes", "cannot speak to the kernel over rtnetlink");
	}
	*ret_rtnl = rtnl;
	return 0;
}

void rtnl_free(struct rtnl *rtnl)
{
	if (rtnl)
		nlcmd_free(rtnl->cmd);
	free(rtnl);
}

uint32_t rtnl_port(const struct rtnl *rtnl)
{
	return nlcmd_port(rtnl->cmd);
}

const char *rtnl_why(const struct rtnl *rtnl)
{
	return rtnl->why ? rtnl->why : nlcmd_why(rtnl->cmd);
}

/* ---- dumps ---- */

struct route_dump {
	rtnl_route_fn *each;
	void *arg;
	const struct nexthops *nexthops; /* NULL: none are known */
};

static int on_route(struct nlmsghdr *msg, void *arg)
{
	const struct route_dump *dump = arg;
	struct rtnlmsg_route route;

	if (msg->nlmsg_type != RTM_NEWROUTE)
		return 0;
	int r = rtnlmsg_read_route(msg, &route);
	if (r == RTNLMSG_READ) {
		if (route.unresolved && dump->nexthops)
			nexthops_resolve(dump->nexthops, &route);
		dump->each(&route, dump->arg);
	}
	return r < 0 ? r : 0;
}

/* `table` and `protocol` 0: all. */
static int dump_routes(struct rtnl *rtnl, int family, uint32_t table, uint8_t protocol,
	struct route_dump *dump)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg rtm = {.rtm_family = (uint8_t)family, .rtm_protocol = protocol};

	if (!msg || nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	if (table && nla_put_u32(msg, RTA_TABLE, table) < 0)
		return -ENOMEM;

	int r = nlcmd_dump(rtnl->cmd, msg, on_route, dump);
	/* a table that was asked for by number and does not exist yet (ip_fib_dump) */
	return r == -ENOENT && table ? 0 : r;
}

static void keep_ours(const struct rtnlmsg_route *route, void *arg)
{
	if (route->protocol == KERNEL_PROTOCOL && !route->tos && !route->has_from)
		kernel_add_route(arg, &route->route);
}

static int read_routes(struct rtnl *rtnl, struct kernel *kernel)
{
	struct route_dump dump = {.each = keep_ours, .arg = kernel};
	int r = dump_routes(rtnl, AF_INET, 0, KERNEL_PROTOCOL, &dump);

	return r < 0 ? r : dump_routes(rtnl, AF_INET6, 0, KERNEL_PROTOCOL, &dump);
}

static int on_rule(struct nlmsghdr *msg, void *arg)
{
	struct kernel_rule rule;
	uint8_t protocol;

	if (msg->nlmsg_type != RTM_NEWRULE)
		return 0;
	int r = rtnlmsg_read_rule(msg, &rule, &protocol);
	if (r == RTNLMSG_READ && protocol == KERNEL_PROTOCOL)
		kernel_add_rule(arg, &rule);
	return r < 0 ? r : 0;
}

static int dump_rules(struct rtnl *rtnl, int family, struct kernel *kernel)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETRULE, NLM_F_DUMP);
	struct fib_rule_hdr frh = {.family = (uint8_t)family};

	if (!msg || nlmsg_append(msg, &frh, sizeof(frh), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	return nlcmd_dump(rtnl->cmd, msg, on_rule, kernel);
}

static int read_rules(struct rtnl *rtnl, struct kernel *kernel)
{
	int r = dump_rules(rtnl, AF_INET, kernel);

	return r < 0 ? r : dump_rules(rtnl, AF_INET6, kernel);
}

static int on_link(struct nlmsghdr *msg, void *arg)
{
	static struct nla_policy policy[IFLA_GROUP + 1] = {
		[IFLA_IFNAME] = {.type = NLA_STRING, .minlen = 2, .maxlen = IFNAMSIZ},
		[IFLA_GROUP] = {.type = NLA_U32},
	};
	struct nlattr *tb[IFLA_GROUP + 1];

	if (msg->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (nlmsg_parse(msg, sizeof(struct ifinfomsg), tb, IFLA_GROUP, policy) < 0)
		return -EBADMSG;

	const struct ifinfomsg *info = nlmsg_data(msg);
	if (info->ifi_index <= 0 || !tb[IFLA_IFNAME] || !tb[IFLA_GROUP])
		return 0;
	struct kernel_group group = {
		.ifindex = info->ifi_index,
		.group = nla_get_u32(tb[IFLA_GROUP]),
	};
	nla_strlcpy(group.interface, tb[IFLA_IFNAME], sizeof(group.interface));
	kernel_add_group(arg, &group);
	return 0;
}

/* A request for one link, or with ifindex 0 for a dump of all, without the counters, which are
 * most of the answer. */
static struct nl_msg *link_request(int ifindex)
{
	AUTO(nlmsg_freep)
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETLINK, ifindex ? 0 : NLM_F_DUMP);
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};

	if (!msg || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) < 0 ||
		nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		return NULL;
	return TAKE(msg);
}

static int read_groups(struct rtnl *rtnl, struct kernel *kernel)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = link_request(0);

	return msg ? nlcmd_dump(rtnl->cmd, msg, on_link, kernel) : -ENOMEM;
}

typedef int read_fn(struct rtnl *rtnl, struct kernel *kernel);

/* Repeats a dump that was not of one piece. After the last try it is taken as it is: the
 * change that hit it is also notified, and followed by another look. */
static int read_whole(struct rtnl *rtnl, read_fn *read, struct kernel *kernel)
{
	size_t n_routes = kernel->n_routes;
	size_t n_rules = kernel->n_rules;
	size_t n_groups = kernel->n_groups;
	int r = -EINTR;

	for (int i = 0; i < RTNL_DUMP_TRIES && r == -EINTR; i++) {
		kernel->n_routes = n_routes;
		kernel->n_rules = n_rules;
		kernel->n_groups = n_groups;
		r = read(rtnl, kernel);
	}
	return r == -EINTR ? 0 : r;
}

int rtnl_read(struct rtnl *rtnl, struct kernel *kernel)
{
	static const struct {
		read_fn *read;
		const char *what;
	} parts[] = {
		{read_routes, "routes"},
		{read_rules, "rules"},
		{read_groups, "interface groups"},
	};
	struct kernel before = *kernel;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int r = read_whole(rtnl, parts[i].read, kernel);

		if (r < 0) {
			kernel->n_routes = before.n_routes;
			kernel->n_rules = before.n_rules;
			kernel->n_groups = before.n_groups;
			return log_error(
				r, "routes", "cannot read the kernel's %s", parts[i].what);
		}
	}
	return 0;
}

static int on_nexthop(struct nlmsghdr *msg, void *arg)
{
	struct rtnlmsg_nexthop nexthop;

	if (msg->nlmsg_type != RTM_NEWNEXTHOP)
		return 0;
	int r = rtnlmsg_read_nexthop(msg, &nexthop);
	if (r == RTNLMSG_READ)
		nexthops_add(arg, &nexthop);
	return r < 0 ? r : 0;
}

/* Linux before 5.3 has no such objects, and says so: then there are none. */
static void read_nexthop_objects(struct rtnl *rtnl, struct nexthops *nexthops)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETNEXTHOP, NLM_F_DUMP);
	struct nhmsg nhm = {.nh_family = AF_UNSPEC};

	if (!msg || nlmsg_append(msg, &nhm, sizeof(nhm), NLMSG_ALIGNTO) < 0)
		return;
	(void)nlcmd_dump(rtnl->cmd, msg, on_nexthop, nexthops);
	nexthops_sort(nexthops);
}

int rtnl_each_route(struct rtnl *rtnl, rtnl_route_fn *each, void *arg)
{
	struct nexthops nexthops = {0};
	struct route_dump dump = {.each = each, .arg = arg, .nexthops = &nexthops};
	int r = 0;

	read_nexthop_objects(rtnl, &nexthops);
	for (enum site_family family = 0; family < SITE_FAMILIES && r == 0; family++) {
		r = dump_routes(rtnl, family_af(family), 0, 0, &dump);
		if (r == -EINTR)
			r = 0; /* what changed meanwhile is also notified */
	}
	nexthops_fini(&nexthops);
	return r < 0 ? log_error(r, "routes", "cannot read the kernel's routes") : 0;
}

struct carrier_answer {
	bool seen;
	bool carrier;
};

static int on_carrier(struct nlmsghdr *msg, void *arg)
{
	static struct nla_policy policy[IFLA_CARRIER + 1] = {
		[IFLA_CARRIER] = {.type = NLA_U8},
	};
	struct nlattr *tb[IFLA_CARRIER + 1];
	struct carrier_answer *answer = arg;

	if (nlmsg_parse(msg, sizeof(struct ifinfomsg), tb, IFLA_CARRIER, policy) < 0)
		return -EBADMSG;
	if (!tb[IFLA_CARRIER])
		return 0;
	answer->seen = true;
	answer->carrier = nla_get_u8(tb[IFLA_CARRIER]) != 0;
	return 0;
}

int rtnl_carrier(struct rtnl *rtnl, int ifindex, bool *ret_carrier)
{
	struct carrier_answer answer = {0};

	if (ifindex <= 0)
		return -ENODEV;
	AUTO(nlmsg_freep) struct nl_msg *msg = link_request(ifindex);
	if (!msg)
		return -ENOMEM;

	int r = nlcmd_run(rtnl->cmd, msg, on_carrier, &answer);
	if (r < 0)
		return r;
	if (!answer.seen)
		return -EBADMSG;
	*ret_carrier = answer.carrier;
	return 0;
}

/* ---- steps ---- */

static int send_route(struct rtnl *rtnl, int type, int flags, const struct kernel_route *route)
{
	AUTO(nlmsg_freep)
	struct nl_msg *msg = rtnlmsg_route(type, flags | NLM_F_REQUEST | NLM_F_ACK, route);

	return msg ? nlcmd_run(rtnl->cmd, msg, NULL, NULL) : -ENOMEM;
}

static int send_rule(struct rtnl *rtnl, int type, int flags, const struct kernel_rule *rule)
{
	AUTO(nlmsg_freep)
	struct nl_msg *msg = rtnlmsg_rule(type, flags | NLM_F_REQUEST | NLM_F_ACK, rule);

	return msg ? nlcmd_run(rtnl->cmd, msg, NULL, NULL) : -ENOMEM;
}

enum found { FOUND_NOTHING, FOUND_OTHER, FOUND_SAME };

struct route_search {
	const struct kernel_route *route;
	enum found found;
};

static bool same_key(const struct kernel_route *a, const struct kernel_route *b)
{
	uint32_t unset = a->family == AF_INET6 ? IP6_RT_PRIO_USER : 0;

	return a->family == b->family && a->table == b->table && a->dst.len == b->dst.len &&
	       (a->dst.len == 0 || addr_eq(&a->dst.addr, &b->dst.addr)) &&
	       (a->metric ? a->metric : unset) == (b->metric ? b->metric : unset);
}

static void match_route(const struct rtnlmsg_route *other, void *arg)
{
	struct route_search *search = arg;

	if (other->protocol != KERNEL_PROTOCOL || other->tos || other->has_from ||
		!same_key(&other->route, search->route))
		return;
	search->found = kernel_route_eq(&other->route, search->route) ? FOUND_SAME
								      : FOUND_OTHER;
}

/* Is there a route of ours with that table, destination and metric? */
static enum found find_route(struct rtnl *rtnl, const struct kernel_route *route)
{
	struct route_search search = {.route = route};
	struct route_dump dump = {.each = match_route, .arg = &search};

	dump_routes(rtnl, route->family, route->table, KERNEL_PROTOCOL, &dump);
	return search.found;
}

static int on_way(struct nlmsghdr *msg, void *arg)
{
	const struct rtmsg *rtm = nlmsg_data(msg);
	int *ret_len = arg;

	if (msg->nlmsg_type == RTM_NEWROUTE && msg->nlmsg_len >= NLMSG_LENGTH(sizeof(*rtm)))
		*ret_len = rtm->rtm_dst_len;
	return 0;
}

/* The length of the prefix by which the kernel finds the way to `addr`; -1: it finds none. */
static int way_prefix_len(struct rtnl *rtnl, const struct addr *addr)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, 0);
	struct rtmsg rtm = {
		.rtm_family = addr->family,
		.rtm_dst_len = (uint8_t)(8 * addr_len(addr)),
		.rtm_flags = RTM_F_FIB_MATCH,
	};
	int len = -1;

	if (!msg || nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO) < 0 ||
		nla_put(msg, RTA_DST, (int)addr_len(addr), addr->bytes) < 0 ||
		nlcmd_run(rtnl->cmd, msg, on_way, &len) < 0)
		return -1;
	return len;
}

/* A route that leaves the device to the kernel leads to a server on the LAN. While that is not
 * there, a default route without a gateway, as PPPoE has it, makes every address a neighbour:
 * the kernel would take the uplink, and keep to it when the LAN is back. Half a default, as of
 * a VPN, is no better. */
static bool leads_outside(struct rtnl *rtnl, const struct kernel_route *route)
{
	const struct kernel_nexthop *hop = &route->nexthops[0];

	if (route->n_nexthops != 1 || hop->ifindex != 0 || !addr_is_set(&hop->gateway))
		return false;
	int len = way_prefix_len(rtnl, &hop->gateway);
	if (len < 0 || len > 1)
		return false;
	rtnl->why = "nothing but a default route leads to the gateway";
	return true;
}

static int replace_route(struct rtnl *rtnl, const struct kernel_route *route)
{
	return send_route(rtnl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
}

static int add_route(struct rtnl *rtnl, const struct kernel_route *route)
{
	if (leads_outside(rtnl, route))
		return -ENETUNREACH;

	int r = send_route(rtnl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);

	if (r != -EEXIST)
		return r;
	switch (find_route(rtnl, route)) {
	case FOUND_SAME:
		return 0;
	case FOUND_OTHER:
		return replace_route(rtnl, route);
	case FOUND_NOTHING:
		break;
	}
	rtnl->why = "another program has a route to the same destination with the same metric";
	return -EEXIST;
}

/* The kernel replaces the first route with the same destination and metric, no matter which
 * program made it (fib_table_insert): we check that it is ours first. */
static int change_route(struct rtnl *rtnl, const struct kernel_route *route)
{
	if (find_route(rtnl, route) == FOUND_NOTHING)
		return add_route(rtnl, route);
	if (leads_outside(rtnl, route))
		return -ENETUNREACH;
	return replace_route(rtnl, route); /* also one that looks the same: see plan.c */
}

static int del_route(struct rtnl *rtnl, const struct kernel_route *route)
{
	int r = send_route(rtnl, RTM_DELROUTE, 0, route);

	return r == -ESRCH || r == -ENOENT || r == -ENODEV ? 0 : r;
}

struct rule_search {
	const struct kernel_rule *rule;
	bool found;
};

static int match_rule(struct nlmsghdr *msg, void *arg)
{
	struct rule_search *search = arg;
	struct kernel_rule rule;
	uint8_t protocol;

	if (msg->nlmsg_type == RTM_NEWRULE &&
		rtnlmsg_read_rule(msg, &rule, &protocol) == RTNLMSG_READ &&
		protocol == KERNEL_PROTOCOL && kernel_rule_eq(&rule, search->rule))
		search->found = true;
	return 0;
}

/* EEXIST says that a rule with the same effect is there: the kernel does not look at who made
 * it (rule_exists in net/core/fib_rules.c). */
static int add_rule(struct rtnl *rtnl, const struct kernel_rule *rule)
{
	struct rule_search search = {.rule = rule};
	int r = send_rule(rtnl, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);

	if (r != -EEXIST)
		return r;

	AUTO(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETRULE, NLM_F_DUMP);
	struct fib_rule_hdr frh = {.family = (uint8_t)rule->family};
	if (!msg || nlmsg_append(msg, &frh, sizeof(frh), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	nlcmd_dump(rtnl->cmd, msg, match_rule, &search);
	if (search.found)
		return 0;
	rtnl->why = "another program has the very same rule";
	return -EEXIST;
}

static int del_rule(struct rtnl *rtnl, const struct kernel_rule *rule)
{
	int r = send_rule(rtnl, RTM_DELRULE, 0, rule);

	return r == -ENOENT || r == -ESRCH ? 0 : r;
}

static int set_group(struct rtnl *rtnl, const struct kernel_group *group)
{
	AUTO(nlmsg_freep)
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = group->ifindex};

	if (group->ifindex <= 0)
		return -ENODEV;
	if (!msg || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) < 0 ||
		nla_put_u32(msg, IFLA_GROUP, group->group) < 0)
		return -ENOMEM;
	return nlcmd_run(rtnl->cmd, msg, NULL, NULL);
}

int rtnl_write(struct rtnl *rtnl, const struct plan_step *step)
{
	rtnl->why = NULL;
	switch (step->op) {
	case PLAN_SET_GROUP:
		return set_group(rtnl, &step->group);
	case PLAN_ADD_ROUTE:
		return add_route(rtnl, &step->route);
	case PLAN_REPLACE_ROUTE:
		return change_route(rtnl, &step->route);
	case PLAN_ADD_RULE:
		return add_rule(rtnl, &step->rule);
	case PLAN_DEL_RULE:
		return del_rule(rtnl, &step->rule);
	case PLAN_DEL_ROUTE:
		return del_route(rtnl, &step->route);
	case PLAN_SET_SYSCTL:
		break; /* sysctl.c */
	}
	return -EINVAL;
}
