/* nlcmd.c - one request to the kernel over netlink, and its answer
 *
 * libnl builds, sends and receives. It maps the kernel's errno to fewer codes of its own, and
 * it ignores the sentence with which the kernel explains a refusal (NLMSGERR_ATTR_MSG). An
 * operator needs both, so this file keeps them.
 *
 * Every request to the kernel over netlink goes through here: links and addresses, routes and
 * rules, the packet filter, connections, the owners of ports.
 */
#include "common/net/nlcmd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/cleanup.h"

enum {
	NLCMD_REPLY_TIMEOUT_S = 5,
	NLCMD_BUFFER = 1
		       << 16, /* octets; the kernel sends a dump in pieces of 32 KiB at most */
};

struct nlcmd {
	struct nl_sock *sock;
	nlcmd_each_fn *each;
	void *arg;
	int err;    /* the kernel's, or that of `each` */
	bool dirty; /* the last answer may not have been read to its end */
	char why[NLCMD_WHY_MAX];
};

void nlcmd_freep(struct nlcmd **cmd)
{
	nlcmd_free(*cmd);
}

void nlmsg_freep(struct nl_msg **msg)
{
	nlmsg_free(*msg); /* takes NULL */
}

/* The attributes that follow an error. They stand behind the request that is answered, or
 * behind its header alone if the kernel was asked not to return the request (NLM_F_CAPPED). */
static void nlcmd_read_why(struct nlcmd *cmd, struct nlmsgerr *err)
{
	struct nlmsghdr *msg = (struct nlmsghdr *)(void *)((char *)err - NLMSG_HDRLEN);
	size_t skip = sizeof(*err);

	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS) || msg->nlmsg_len < NLMSG_HDRLEN + skip)
		return;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(err->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (skip > msg->nlmsg_len - NLMSG_HDRLEN)
		return;

	struct nlattr *attr = nla_find((struct nlattr *)(void *)((char *)err + skip),
		(int)(msg->nlmsg_len - NLMSG_HDRLEN - skip), NLMSGERR_ATTR_MSG);
	if (attr)
		nla_strlcpy(cmd->why, attr, sizeof(cmd->why));
}

static int nlcmd_on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	struct nlcmd *cmd = arg;

	(void)from;
	cmd->err = err->error;
	nlcmd_read_why(cmd, err);
	return NL_STOP;
}

static int nlcmd_on_message(struct nl_msg *msg, void *arg)
{
	struct nlcmd *cmd = arg;

	if (cmd->each && cmd->err == 0)
		cmd->err = cmd->each(nlmsg_hdr(msg), cmd->arg);
	return NL_OK; /* the rest of a dump must be read in any case */
}

int nlcmd_new(int protocol, struct nlcmd **ret_cmd)
{
	AUTO(nlcmd_freep) struct nlcmd *cmd = calloc(1, sizeof(*cmd));
	struct timeval timeout = {.tv_sec = NLCMD_REPLY_TIMEOUT_S};
	int on = 1;

	if (!cmd || !(cmd->sock = nl_socket_alloc()))
		return -ENOMEM;
	if (nl_connect(cmd->sock, protocol) < 0)
		return errno ? -errno : -EIO;
	nl_socket_set_msg_buf_size(cmd->sock, NLCMD_BUFFER);
	nl_socket_disable_auto_ack(cmd->sock);
	nl_socket_modify_cb(cmd->sock, NL_CB_VALID, NL_CB_CUSTOM, nlcmd_on_message, cmd);
	nl_socket_modify_err_cb(cmd->sock, NL_CB_CUSTOM, nlcmd_on_error, cmd);

	int fd = nl_socket_get_fd(cmd->sock);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	/* an older kernel lacks some of these: reasons for refusals, refusals without the
	 * request in them, filters in dumps */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));

	*ret_cmd = TAKE(cmd);
	return 0;
}

void nlcmd_free(struct nlcmd *cmd)
{
	if (cmd)
		nl_socket_free(cmd->sock); /* takes NULL */
	free(cmd);
}

uint32_t nlcmd_port(const struct nlcmd *cmd)
{
	return nl_socket_get_local_port(cmd->sock);
}

const char *nlcmd_why(const struct nlcmd *cmd)
{
	return cmd->why;
}

static int errno_of_nl_error(int nl_error)
{
	switch (-nl_error) {
	case NLE_DUMP_INTR:
		return -EINTR;
	case NLE_AGAIN:
		return -ETIMEDOUT;
	case NLE_NOMEM:
		return -ENOBUFS;
	default:
		return nl_error < 0 ? -EIO : 0;
	}
}

/* After a failure the rest of the answer may still be in the socket, or the whole answer may
 * come late: it must not be taken for the answer to the next request. */
static void nlcmd_drain(struct nlcmd *cmd)
{
	char bytes[256];
	int fd = nl_socket_get_fd(cmd->sock);

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
		;
}

static void nlcmd_begin(struct nlcmd *cmd, nlcmd_each_fn *each, void *arg)
{
	if (cmd->dirty)
		nlcmd_drain(cmd);
	cmd->each = each;
	cmd->arg = arg;
	cmd->err = 0;
	cmd->why[0] = '\0';
	cmd->dirty = true;
}

static int nlcmd_receive(struct nlcmd *cmd)
{
	int r = nl_recvmsgs_default(cmd->sock);

	if (cmd->err < 0)
		return cmd->err;
	cmd->dirty = r < 0;
	return errno_of_nl_error(r);
}

int nlcmd_run(struct nlcmd *cmd, struct nl_msg *msg, nlcmd_each_fn *each, void *arg)
{
	nlcmd_begin(cmd, each, arg);
	if (nl_send_auto(cmd->sock, msg) < 0)
		return errno ? -errno : -EIO;
	return nlcmd_receive(cmd);
}

uint32_t nlcmd_next_seq(struct nlcmd *cmd)
{
	return nl_socket_use_seq(cmd->sock);
}

/* The kernel takes a transaction in one piece or not at all, so the send buffer must hold it:
 * with CAP_NET_ADMIN also beyond net.core.wmem_max, and every sender of a transaction has
 * that. */
int nlcmd_batch(struct nlcmd *cmd, void *data, size_t len)
{
	int fd = nl_socket_get_fd(cmd->sock);
	int room = len < INT_MAX / 4 ? (int)len + NLCMD_BUFFER : INT_MAX / 4;

	nlcmd_begin(cmd, NULL, NULL);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		return -errno;
	if (nl_sendto(cmd->sock, data, len) < 0)
		return errno ? -errno : -EIO;
	return nlcmd_receive(cmd);
}

int nlcmd_dump(struct nlcmd *cmd, struct nl_msg *msg, nlcmd_each_fn *each, void *arg)
{
	return nlcmd_run(cmd, msg, each, arg); /* libnl reads up to NLMSG_DONE */
}

uint32_t nlcmd_be32(struct nlattr *attr)
{
	return attr && nla_len(attr) == sizeof(uint32_t) ? ntohl(nla_get_u32(attr)) : 0;
}
