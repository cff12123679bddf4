/* arrival.c - the interface by which a query arrived
 *
 * Datagrams: IP_PKTINFO (ip(7)) and IPV6_PKTINFO (RFC 3542 section 6.1). A packet that the
 * router sends to one of its own addresses has the index of the interface with the address, or
 * that of lo.
 *
 * Connections: the kernel keeps the interface of the handshake in the accepted socket, whether
 * or not the listener asked for it, and returns it in IP_PKTOPTIONS and IPV6_2292PKTOPTIONS
 * (tcp_v4_syn_recv_sock and do_ip_getsockopt of net/ipv4, their namesakes of net/ipv6). IPv6
 * would then keep a copy of each packet, so the option is switched off at once.
 */
#include "dnsd/serve/arrival.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

_Static_assert(CMSG_SPACE(sizeof(struct in_pktinfo)) <= ARRIVAL_CAP &&
		       CMSG_SPACE(sizeof(struct in6_pktinfo)) <= ARRIVAL_CAP,
	"room for what comes with a datagram");

static int arrival_set(int fd, int family, int on)
{
	int r = family == AF_INET
			? setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on))
			: setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));

	return r < 0 ? -errno : 0;
}

int arrival_follow(int fd, int family)
{
	return arrival_set(fd, family, 1);
}

int arrival_of_datagram(struct msghdr *msg)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		struct in_pktinfo info;
		struct in6_pktinfo info6;

		if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
			return info.ipi_ifindex;
		}
		if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, CMSG_DATA(cmsg), sizeof(info6));
			return (int)info6.ipi6_ifindex;
		}
	}
	return 0;
}

int arrival_of_connection(int fd, int family)
{
	alignas(struct cmsghdr) char control[ARRIVAL_CAP];
	socklen_t len = sizeof(control);

	if (arrival_set(fd, family, 1) < 0)
		return 0;
	int r = family == AF_INET
			? getsockopt(fd, IPPROTO_IP, IP_PKTOPTIONS, control, &len)
			: getsockopt(fd, IPPROTO_IPV6, IPV6_2292PKTOPTIONS, control, &len);
	arrival_set(fd, family, 0);
	if (r < 0)
		return 0;

	struct msghdr msg = {.msg_control = control, .msg_controllen = len};
	return arrival_of_datagram(&msg);
}
