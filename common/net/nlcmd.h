/* nlcmd.h - one request to the kernel over netlink, and its answer
 *
 * A blocking socket for requests, one at a time. The kernel answers at once or never: a
 * request takes microseconds, a dump takes about as many as it has items.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct nl_msg;
struct nlattr;
struct nlcmd; /* opaque, see nlcmd.c */
struct nlmsghdr;

enum { NLCMD_WHY_MAX = 128 };

/* `protocol` is NETLINK_ROUTE, NETLINK_NETFILTER or NETLINK_SOCK_DIAG. A negative errno, not
 * logged. */
int nlcmd_new(int protocol, struct nlcmd **ret_cmd);
void nlcmd_free(struct nlcmd *cmd);

/* How the kernel names this socket in the notifications of what it changed (nlmsg_pid). */
uint32_t nlcmd_port(const struct nlcmd *cmd);

/* Called for each message of an answer. If it returns a negative errno, the request returns
 * that. */
typedef int nlcmd_each_fn(struct nlmsghdr *msg, void *arg);

/* Sends a request that the kernel answers with one message: an acknowledgement (NLM_F_ACK;
 * `each` is NULL then), or the object asked for. 0, or the negative errno of the kernel,
 * whose reason nlcmd_why has. */
int nlcmd_run(struct nlcmd *cmd, struct nl_msg *msg, nlcmd_each_fn *each, void *arg);

/* Sends a request that carries NLM_F_DUMP. -EINTR: the list changed during the dump, so that
 * something may be missing. */
int nlcmd_dump(struct nlcmd *cmd, struct nl_msg *msg, nlcmd_each_fn *each, void *arg);

/* The sequence number that the messages of the next nlcmd_batch must carry. */
uint32_t nlcmd_next_seq(struct nlcmd *cmd);

/* Sends a finished transaction of nfnetlink, whose last message asks for an acknowledgement.
 * 0, or the negative errno of the first message that the kernel refused. */
int nlcmd_batch(struct nlcmd *cmd, void *data, size_t len);

/* The kernel's own words for the last failure ("Nexthop has invalid gateway"), "" if it gave
 * none. Valid until the next request. */
const char *nlcmd_why(const struct nlcmd *cmd);

/* The number in network order that an attribute holds; 0 if it is missing or of another size. */
uint32_t nlcmd_be32(struct nlattr *attr);

/* For AUTO. */
void nlcmd_freep(struct nlcmd **cmd);
void nlmsg_freep(struct nl_msg **msg);
