/* fuzz_rtnlmsg.c - any octets as messages of rtnetlink about routes and rules
 *
 * Whatever is understood must be within bounds, and what we would write of it must be read
 * back equal.
 */
#include "tests/fuzz/fuzz.h"

#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "routed/kernel/gateways.h"
#include "routed/kernel/nexthops.h"
#include "routed/kernel/rtnlmsg.h"

static void must(bool truth)
{
	if (!truth)
		abort();
}

static void check_prefix(const struct prefix *prefix)
{
	must(prefix->len <= 8 * addr_len(&prefix->addr));
}

/* Rounds off what the kernel would not tell apart in what it sends. */
static void check_route(const struct rtnlmsg_route *read)
{
	struct kernel_route route = read->route;
	struct rtnlmsg_route again;

	must(route.n_nexthops <= KERNEL_MAX_NEXTHOPS);
	check_prefix(&route.dst);
	struct nl_msg *msg = rtnlmsg_route(RTM_NEWROUTE, 0, &route);
	must(msg != NULL);
	must(rtnlmsg_read_route(nlmsg_hdr(msg), &again) == RTNLMSG_READ);
	must(again.protocol == KERNEL_PROTOCOL);
	/* one next hop in a list is written without the list, none cannot be told from one */
	if (route.n_nexthops > 0)
		must(kernel_route_eq(&again.route, &route));
	nlmsg_free(msg);
}

static void check_rule(const struct kernel_rule *rule)
{
	struct kernel_rule again;
	uint8_t protocol;

	check_prefix(&rule->from);
	check_prefix(&rule->to);
	must(memchr(rule->iif, '\0', IFNAMSIZ) && memchr(rule->oif, '\0', IFNAMSIZ));
	must(rule->suppress_prefixlen >= KERNEL_NO_SUPPRESS);
	struct nl_msg *msg = rtnlmsg_rule(RTM_NEWRULE, 0, rule);
	must(msg != NULL);
	must(rtnlmsg_read_rule(nlmsg_hdr(msg), &again, &protocol) == RTNLMSG_READ);
	must(protocol == KERNEL_PROTOCOL && again.priority == rule->priority &&
		again.table == rule->table && again.fwmask == rule->fwmask);
	nlmsg_free(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *copy = malloc(size ? size : 1); /* aligned, as netlink's buffers are */
	struct nlmsghdr *msg = copy;
	static const int followed[] = {1, 2, 4};
	struct gateways gateways = {0};
	struct nexthops nexthops = {0};
	int left = (int)size;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	mainroutes_follow(&gateways.main, followed, 3);
	gateways_begin(&gateways);
	for (; nlmsg_ok(msg, left); msg = nlmsg_next(msg, &left)) {
		struct rtnlmsg_route route;
		struct rtnlmsg_nexthop nexthop;
		struct kernel_rule rule;
		uint8_t protocol;

		if (rtnlmsg_read_nexthop(msg, &nexthop) == RTNLMSG_READ) {
			must(nexthop.id != 0 && nexthop.n_members <= RTNLMSG_MAX_MEMBERS);
			nexthops_add(&nexthops, &nexthop);
			nexthops_sort(&nexthops);
		}
		if (rtnlmsg_read_route(msg, &route) == RTNLMSG_READ) {
			check_route(&route);
			if (route.unresolved)
				nexthops_resolve(&nexthops, &route);
			must(route.route.n_nexthops <= KERNEL_MAX_NEXTHOPS);
			gateways_see(&gateways, &route);
		}
		if (rtnlmsg_read_rule(msg, &rule, &protocol) == RTNLMSG_READ)
			check_rule(&rule);
	}
	gateways_end(&gateways, NULL);
	gateways_fini(&gateways);
	nexthops_fini(&nexthops);
	free(copy);
	return 0;
}
