/* rtnlwatch.c - reports when another program changed routes or rules that concern us
 *
 * A notification carries the netlink port of the program that asked for the change (nlmsg_pid;
 * 0 for the kernel itself): messages with our own writer's port are skipped. Most programs take
 * their process number as their port, and libnl puts a count above the lowest 22 bits of it, so
 * that the port usually names the process.
 */
#include "routed/kernel/rtnlwatch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/net/nlmonitor.h"
#include "routed/kernel/kernel.h"
#include "routed/kernel/rtnlmsg.h"

enum {
	WATCH_PID_BITS = 22, /* the largest process number there can be */
};

struct rtnlwatch {
	struct nlmonitor *monitor;
	struct rtnlwatch_news news; /* of this wake-up */
	struct rtnlwatch_counters counters;
	uint32_t own_port;
	int followed[RTNLWATCH_MAX_DEVICES];
	size_t n_followed;
	rtnlwatch_fn *on_news;
	void *arg;
};

/* Best effort: the process may be gone, or the port may be no process number at all. */
static void note_author(struct rtnlwatch *watch, uint32_t port)
{
	uint32_t pid = port & ((1u << WATCH_PID_BITS) - 1);
	char path[32];

	watch->news.pid = 0;
	watch->news.name[0] = '\0';
	if (port == 0 || (port >> 31) != 0) /* the kernel; a port that it drew by lot */
		return;
	watch->news.pid = (pid_t)pid;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	AUTO(fclosep) FILE *f = fopen(path, "re");
	if (f && fgets(watch->news.name, sizeof(watch->news.name), f))
		watch->news.name[strcspn(watch->news.name, "\n")] = '\0';
}

static void note_ours(struct rtnlwatch *watch, uint32_t port)
{
	watch->news.ours = true;
	watch->counters.foreign++;
	note_author(watch, port);
}

void rtnlwatch_follow(struct rtnlwatch *watch, const int *ifindexes, size_t n)
{
	watch->n_followed = 0;
	for (size_t i = 0; i < n && i < RTNLWATCH_MAX_DEVICES; i++)
		watch->followed[watch->n_followed++] = ifindexes[i];
}

/* A route that names nothing but a nexthop object may lead anywhere. */
static bool is_followed(const struct rtnlwatch *watch, const struct rtnlmsg_route *route)
{
	for (size_t i = 0; i < route->route.n_nexthops; i++)
		for (size_t k = 0; k < watch->n_followed; k++)
			if (route->route.nexthops[i].ifindex == watch->followed[k])
				return true;
	return route->unresolved && watch->n_followed > 0;
}

static void read_route(struct rtnlwatch *watch, struct nlmsghdr *msg)
{
	struct rtnlmsg_route route;

	if (rtnlmsg_read_route(msg, &route) != RTNLMSG_READ)
		return;
	if (route.protocol == KERNEL_PROTOCOL)
		note_ours(watch, msg->nlmsg_pid);
	else if (route.route.dst.len == 0)
		watch->news.defaults = true;
	else if (route.route.table == RT_TABLE_MAIN && is_followed(watch, &route))
		watch->news.routes = true;
}

static void read_rule(struct rtnlwatch *watch, struct nlmsghdr *msg)
{
	struct kernel_rule rule;
	uint8_t protocol;

	if (rtnlmsg_read_rule(msg, &rule, &protocol) == RTNLMSG_READ &&
		protocol == KERNEL_PROTOCOL)
		note_ours(watch, msg->nlmsg_pid);
}

static void watch_on_message(struct nlmsghdr *msg, void *arg)
{
	struct rtnlwatch *watch = arg;

	watch->counters.messages++;
	if (msg->nlmsg_pid == watch->own_port)
		return;

	switch (msg->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		read_route(watch, msg);
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		read_rule(watch, msg);
		break;
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		/* the routes that use the object change without a message of their own */
		watch->news.defaults = true;
		break;
	default:
		break;
	}
}

static void watch_on_read(const struct nlmonitor_read *read, void *arg)
{
	struct rtnlwatch *watch = arg;
	struct rtnlwatch_news news = watch->news;

	watch->counters.overruns += read->n_overruns;
	news.lost = read->n_overruns > 0;
	watch->news = (struct rtnlwatch_news){0};
	if (news.ours || news.defaults || news.routes || news.lost)
		watch->on_news(&news, watch->arg);
}

static int watch_open(struct rtnlwatch *watch, struct event_base *base)
{
	static const struct nlmonitor_calls calls = {watch_on_message, watch_on_read};
	static const int groups[] = {
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE};
	static const int nexthop_group = RTNLGRP_NEXTHOP;

	int r = nlmonitor_new(base, NETLINK_ROUTE, &calls, watch, &watch->monitor);
	if (r == 0)
		r = nlmonitor_join(watch->monitor, groups, sizeof(groups) / sizeof(groups[0]));
	/* Linux before 5.3 has no nexthop objects, and no such group */
	if (r == 0)
		(void)nlmonitor_join(watch->monitor, &nexthop_group, 1);
	return r;
}

int rtnlwatch_new(struct event_base *base, uint32_t own_port, rtnlwatch_fn *on_news, void *arg,
	struct rtnlwatch **ret_watch)
{
	struct rtnlwatch *watch = calloc(1, sizeof(*watch));
	int r = -ENOMEM;

	if (watch) {
		watch->own_port = own_port;
		watch->on_news = on_news;
		watch->arg = arg;
		r = watch_open(watch, base);
	}
	if (r < 0) {
		rtnlwatch_free(watch);
		return log_error(r, "routes", "cannot follow the kernel's routes and rules");
	}
	*ret_watch = watch;
	return 0;
}

void rtnlwatch_free(struct rtnlwatch *watch)
{
	if (!watch)
		return;
	nlmonitor_free(watch->monitor);
	free(watch);
}

const struct rtnlwatch_counters *rtnlwatch_counters(const struct rtnlwatch *watch)
{
	return &watch->counters;
}

int rtnlwatch_fd(const struct rtnlwatch *watch)
{
	return nlmonitor_fd(watch->monitor);
}
