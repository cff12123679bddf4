/* witness.c - tells in which order routed publishes and changes the kernel
 *
 * witness SOCKET: follows `links` of routed, the kernel's IPv4 routes and the connections that
 * it forgets, and prints a line for each as it comes:
 *
 *     links {...}                   a line of routed's stream
 *     route add 5300 wan-b          table and interface of a default route (also: del)
 *     flow gone 0x100               a tracked connection was deleted; its mark
 *
 * The order is that of the events and not of our looking: epoll(7) hands descriptors out in
 * the order in which they became readable, one at a time here, edge-triggered, so that it does
 * not matter when this process gets its turn. What comes at one descriptor while another one
 * waits to be read is the only doubt: a line that is printed before a route was begun before
 * it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

enum { BUFFER = 256 * 1024 };

static void fail(const char *what)
{
	fprintf(stderr, "witness: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int open_links(const char *path)
{
	static const char request[] = "{\"verb\":\"links\"}\n";
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0 ||
		write(fd, request, sizeof(request) - 1) < 0)
		fail(path);
	return fd;
}

static int open_netlink(int protocol, unsigned int group)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW, protocol);

	if (bind(fd, (struct sockaddr *)&nl, sizeof(nl)) < 0 ||
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		fail("netlink");
	return fd;
}

static void tell_route(struct nlmsghdr *msg)
{
	struct nlattr *tb[RTA_MAX + 1];
	const struct rtmsg *route = nlmsg_data(msg);
	char name[IF_NAMESIZE] = "-";

	if ((msg->nlmsg_type != RTM_NEWROUTE && msg->nlmsg_type != RTM_DELROUTE) ||
		nlmsg_parse(msg, sizeof(*route), tb, RTA_MAX, NULL) < 0 ||
		route->rtm_dst_len != 0)
		return;
	if (tb[RTA_OIF])
		if_indextoname(nla_get_u32(tb[RTA_OIF]), name);
	printf("route %s %u %s\n", msg->nlmsg_type == RTM_NEWROUTE ? "add" : "del",
		tb[RTA_TABLE] ? nla_get_u32(tb[RTA_TABLE]) : route->rtm_table, name);
}

static void tell_flow(struct nlmsghdr *msg)
{
	struct nlattr *tb[CTA_MAX + 1];

	if (nlmsg_parse(msg, sizeof(struct nfgenmsg), tb, CTA_MAX, NULL) < 0)
		return;
	printf("flow gone 0x%x\n", tb[CTA_MARK] ? ntohl(nla_get_u32(tb[CTA_MARK])) : 0);
}

static void read_netlink(int fd, void (*tell)(struct nlmsghdr *msg))
{
	static _Alignas(NLMSG_ALIGNTO) char in[BUFFER];
	ssize_t len;

	while ((len = recv(fd, in, sizeof(in), MSG_DONTWAIT)) > 0) {
		struct nlmsghdr *msg = (struct nlmsghdr *)in;

		for (int left = (int)len; nlmsg_ok(msg, left); msg = nlmsg_next(msg, &left))
			tell(msg);
	}
}

/* Whole lines only: what has begun stays in the buffer. */
static void read_links(int fd)
{
	static char in[BUFFER];
	static size_t len;
	char *end;

	for (;;) {
		ssize_t n = recv(fd, in + len, sizeof(in) - 1 - len, MSG_DONTWAIT);

		if (n == 0)
			exit(0);
		if (n < 0)
			return;
		len += (size_t)n;
		while ((end = memchr(in, '\n', len))) {
			*end = '\0';
			printf("links %s\n", in);
			len -= (size_t)(end + 1 - in);
			memmove(in, end + 1, len);
		}
	}
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		fail("epoll_ctl");
}

int main(int argc, char **argv)
{
	int epoll = epoll_create1(0);
	struct epoll_event event;

	if (argc != 2 || epoll < 0) {
		fprintf(stderr, "usage: witness SOCKET\n");
		return 2;
	}
	int links = open_links(argv[1]);
	int routes = open_netlink(NETLINK_ROUTE, RTNLGRP_IPV4_ROUTE);
	int flows = open_netlink(NETLINK_NETFILTER, NFNLGRP_CONNTRACK_DESTROY);
	setvbuf(stdout, NULL, _IOLBF, 0);
	watch(epoll, links);
	watch(epoll, routes);
	watch(epoll, flows);
	for (;;) {
		int n = epoll_wait(epoll, &event, 1, -1);

		if (n < 0 && errno != EINTR)
			fail("epoll_wait");
		if (n != 1)
			continue;
		if (event.data.fd == links)
			read_links(links);
		else if (event.data.fd == routes)
			read_netlink(routes, tell_route);
		else
			read_netlink(flows, tell_flow);
	}
}
