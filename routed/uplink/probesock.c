/* probesock.c - sockets that send and receive over one uplink only
 *
 * SO_BINDTOIFINDEX binds them to the device, so that no route leads them elsewhere. They are
 * bound to the uplink's address too, so that the source rule finds the uplink's own table: with
 * the device alone, the kernel treats any target without a route as a neighbour. A socket dies
 * with its device (ENODEV), even if a device of the same name comes back.
 */
#include "routed/uplink/probesock.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "common/cleanup.h"

socklen_t probesock_sockaddr(
	const struct probesock_path *path, uint16_t port, struct sockaddr_storage *ret_sa)
{
	bool scoped = addr_is_link_local(&path->target);

	return addr_to_sockaddr(
		&path->target, port, scoped ? (uint32_t)path->ifindex : 0, ret_sa);
}

/* A link-local target is probed from the device's own link-local address. */
static int tie(int fd, const struct probesock_path *path)
{
	struct sockaddr_storage sa;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &path->ifindex,
		    sizeof(path->ifindex)) < 0)
		return -errno;
	if (!addr_is_set(&path->source) ||
		(path->target.family == AF_INET6 && addr_is_link_local(&path->target)))
		return 0;

	socklen_t len = addr_to_sockaddr(&path->source, 0, 0, &sa);
	return bind(fd, (struct sockaddr *)&sa, len) < 0 ? -errno : 0;
}

static int open_tied(const struct probesock_path *path, int type, int protocol, int *ret_fd)
{
	int on = 1;

	if (path->ifindex <= 0)
		return -ENODEV;
	AUTO(closep)
	int fd = socket(path->target.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -errno;
	int err = tie(fd, path);
	if (err < 0)
		return err;
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on,
		sizeof(on)); /* if it fails, our own clock does */

	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Replies only: a raw socket receives every ICMP message of the router. */
static void filter_raw(int fd, int family)
{
	struct icmp_filter filter4 = {.data = ~(1U << ICMP_ECHOREPLY)};
	struct icmp6_filter filter6;

	ICMP6_FILTER_SETBLOCKALL(&filter6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter6);
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter6, sizeof(filter6));
	else
		setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter4, sizeof(filter4));
}

int probesock_icmp(const struct probesock_path *path, int *ret_fd, bool *ret_raw)
{
	int protocol = path->target.family == AF_INET6 ? (int)IPPROTO_ICMPV6
						       : (int)IPPROTO_ICMP;

	int err = open_tied(path, SOCK_DGRAM, protocol, ret_fd);
	if (err != -EACCES && err != -EPERM && err != -EPROTONOSUPPORT) {
		if (err == 0)
			*ret_raw = false;
		return err;
	}

	err = open_tied(path, SOCK_RAW, protocol, ret_fd);
	if (err < 0)
		return err;
	filter_raw(*ret_fd, path->target.family);
	*ret_raw = true;
	return 0;
}

int probesock_udp(const struct probesock_path *path, uint16_t port, int *ret_fd)
{
	struct sockaddr_storage sa;
	AUTO(closep) int fd = -1;

	int err = open_tied(path, SOCK_DGRAM, 0, &fd);
	if (err < 0)
		return err;
	socklen_t len = probesock_sockaddr(path, port, &sa);
	if (connect(fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

int probesock_tcp(const struct probesock_path *path, int *ret_fd)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};
	AUTO(closep) int fd = -1;

	int err = open_tied(path, SOCK_STREAM, 0, &fd);
	if (err < 0)
		return err;
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		return -errno;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int64_t stamp_us(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct timespec ts;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
	}
	return 0;
}

int probesock_receive(
	int fd, uint8_t *data, size_t cap, struct addr *ret_from, int64_t *ret_wall_us)
{
	struct sockaddr_storage sa = {0};
	struct iovec iov = {.iov_base = data, .iov_len = cap};
	_Alignas(struct cmsghdr) char control[128];
	struct msghdr msg = {
		.msg_name = &sa,
		.msg_namelen = sizeof(sa),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	ssize_t len = recvmsg(fd, &msg, MSG_DONTWAIT);
	if (len < 0)
		return -errno;
	*ret_from = addr_from_sockaddr((struct sockaddr *)&sa);
	*ret_wall_us = stamp_us(&msg);
	return (int)len;
}
