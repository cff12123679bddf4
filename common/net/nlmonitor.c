/* nlmonitor.c - follows notifications of the kernel over netlink in the event loop
 *
 *     monitor_on_readable -> nlmonitor_read -> calls.message for each, calls.read once
 *
 * After an overrun the kernel drops all messages, and does not report it again, until the queue
 * has been emptied (netlink_overrun in net/netlink/af_netlink.c). What was lost has to be read
 * again only then: that is `drained`.
 *
 * Used by links.c, and in routed by rtnlwatch.c and nft.c.
 */
#include "common/net/nlmonitor.h"

#include <errno.h>
#include <event2/event.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/timer.h"

enum {
	NLMONITOR_BUFFER = 1 << 20, /* octets: some thousand notifications */
	NLMONITOR_BATCH = 1024,	    /* notifications per wake-up, a few milliseconds */
};

struct nlmonitor {
	struct nl_sock *sock;
	struct event *readable;
	struct nlmonitor_calls calls;
	void *arg;
};

static int monitor_on_message(struct nl_msg *msg, void *arg)
{
	struct nlmonitor *monitor = arg;

	if (nlmsg_get_src(msg)->nl_pid == 0) /* the kernel's port */
		monitor->calls.message(nlmsg_hdr(msg), monitor->arg);
	return NL_OK;
}

void nlmonitor_read(struct nlmonitor *monitor)
{
	struct nlmonitor_read read = {0};

	for (int i = 0; i < NLMONITOR_BATCH && !read.drained; i++) {
		int r = nl_recvmsgs_default(monitor->sock);

		if (r == -NLE_AGAIN) {
			read.drained = true;
		} else if (r < 0 && r != -NLE_INTR) {
			read.n_overruns++;
			read.why = r == -NLE_NOMEM /* ENOBUFS */
					   ? "more than the socket holds"
					   : nl_geterror(r);
		}
	}
	monitor->calls.read(&read, monitor->arg);
}

static void monitor_on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	nlmonitor_read(arg);
}

static void monitor_set_buffer(struct nl_sock *sock)
{
	int size = NLMONITOR_BUFFER;

	/* with CAP_NET_ADMIN beyond net.core.rmem_max, else up to it */
	if (setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		    sizeof(size)) < 0)
		nl_socket_set_buffer_size(sock, size, 0);
}

static int monitor_open(struct nlmonitor *monitor, int protocol, struct event_base *base)
{
	struct nl_sock *sock = monitor->sock = nl_socket_alloc();

	if (!sock)
		return -ENOMEM;
	nl_socket_disable_seq_check(sock); /* notifications answer no request */
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, monitor_on_message, monitor);
	if (nl_connect(sock, protocol) < 0 || nl_socket_set_nonblocking(sock) < 0)
		return -errno;
	nl_socket_enable_msg_peek(sock); /* messages of any size */
	monitor_set_buffer(sock);

	monitor->readable = event_new(base, nl_socket_get_fd(sock), EV_READ | EV_PERSIST,
		monitor_on_readable, monitor);
	return monitor->readable && event_add(monitor->readable, NULL) == 0 ? 0 : -ENOMEM;
}

int nlmonitor_new(struct event_base *base, int protocol, const struct nlmonitor_calls *calls,
	void *arg, struct nlmonitor **ret_monitor)
{
	struct nlmonitor *monitor = calloc(1, sizeof(*monitor));

	if (!monitor)
		return -ENOMEM;
	monitor->calls = *calls;
	monitor->arg = arg;
	int r = monitor_open(monitor, protocol, base);
	if (r < 0) {
		nlmonitor_free(monitor);
		return r;
	}
	*ret_monitor = monitor;
	return 0;
}

void nlmonitor_free(struct nlmonitor *monitor)
{
	if (!monitor)
		return;
	event_freep(&monitor->readable);
	nl_socket_free(monitor->sock); /* takes NULL */
	free(monitor);
}

int nlmonitor_join(struct nlmonitor *monitor, const int *groups, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (nl_socket_add_membership(monitor->sock, groups[i]) < 0)
			return -errno;
	return 0;
}

int nlmonitor_fd(const struct nlmonitor *monitor)
{
	return nl_socket_get_fd(monitor->sock);
}
