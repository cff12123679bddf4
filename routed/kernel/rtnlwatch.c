/* rtnlwatch.c - tells when somebody else changed routes or rules that concern us
 *
 * A notification carries the netlink port of whoever asked for the change (nlmsg_pid; 0 for
 * the kernel itself): that of our own writer is passed over. Most programs take their process
 * number as their port, and libnl puts a count above the lowest 22 bits of it, so that the
 * port usually names the process.
 */
#include "routed/kernel/rtnlwatch.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "routed/kernel/kernel.h"
#include "routed/kernel/rtnlmsg.h"

enum {
	WATCH_BUFFER = 1 << 20, /* octets: some thousand notifications */
	WATCH_BATCH = 1024,	/* notifications per wake-up */
	WATCH_PID_BITS = 22,	/* the largest process number there can be */
};

struct rtnlwatch {
	struct nl_sock *sock;
	struct event *readable;
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

static int on_message(struct nl_msg *nl_msg, void *arg)
{
	struct rtnlwatch *watch = arg;
	struct nlmsghdr *msg = nlmsg_hdr(nl_msg);

	/* any process may send to our port; only the kernel's is 0 (netlink(7)) */
	if (nlmsg_get_src(nl_msg)->nl_pid != 0)
		return NL_OK;
	watch->counters.messages++;
	if (msg->nlmsg_pid == watch->own_port)
		return NL_OK;

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
	return NL_OK;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct rtnlwatch *watch = arg;

	(void)fd;
	(void)what;
	watch->news = (struct rtnlwatch_news){0};
	for (int i = 0; i < WATCH_BATCH; i++) {
		int r = nl_recvmsgs_default(watch->sock);

		if (r == -NLE_AGAIN)
			break;
		if (r < 0 && r != -NLE_INTR) { /* -NLE_NOMEM is ENOBUFS */
			watch->counters.overruns++;
			watch->news.lost = true;
		}
	}
	if (watch->news.ours || watch->news.defaults || watch->news.routes || watch->news.lost)
		watch->on_news(&watch->news, watch->arg);
}

static int watch_open(struct rtnlwatch *watch)
{
	struct nl_sock *sock = watch->sock = nl_socket_alloc();
	int size = WATCH_BUFFER;

	if (!sock)
		return -ENOMEM;
	nl_socket_disable_seq_check(sock);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, watch);
	if (nl_connect(sock, NETLINK_ROUTE) < 0 || nl_socket_set_nonblocking(sock) < 0)
		return -errno;
	nl_socket_enable_msg_peek(sock);
	/* with CAP_NET_ADMIN beyond net.core.rmem_max, else up to it */
	if (setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		    sizeof(size)) < 0)
		nl_socket_set_buffer_size(sock, size, 0);
	if (nl_socket_add_memberships(sock, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
		    RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, 0) < 0)
		return -errno;
	/* Linux before 5.3 has no nexthop objects, and no such group */
	(void)nl_socket_add_membership(sock, RTNLGRP_NEXTHOP);
	return 0;
}

int rtnlwatch_new(struct event_base *base, uint32_t own_port, rtnlwatch_fn *on_news, void *arg,
	struct rtnlwatch **ret_watch)
{
	struct rtnlwatch *watch = calloc(1, sizeof(*watch));
	int r = watch ? watch_open(watch) : -ENOMEM;

	if (r == 0) {
		watch->own_port = own_port;
		watch->on_news = on_news;
		watch->arg = arg;
		watch->readable = event_new(base, nl_socket_get_fd(watch->sock),
			EV_READ | EV_PERSIST, on_readable, watch);
		if (!watch->readable || event_add(watch->readable, NULL) < 0)
			r = -ENOMEM;
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
	if (watch->readable)
		event_free(watch->readable);
	nl_socket_free(watch->sock);
	free(watch);
}

const struct rtnlwatch_counters *rtnlwatch_counters(const struct rtnlwatch *watch)
{
	return &watch->counters;
}

int rtnlwatch_fd(const struct rtnlwatch *watch)
{
	return nl_socket_get_fd(watch->sock);
}
