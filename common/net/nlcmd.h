/* nlcmd.h - one request to the kernel over netlink, and its answer
 *
 * A blocking socket for requests, one at a time. The kernel answers at once or never, so a
 * request costs microseconds; a dump as many as it has items.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct nl_msg;
struct nlcmd; /* opaque, see nlcmd.c */
struct nlmsghdr;

enum { NLCMD_WHY_MAX = 128 };

/* `protocol` is NETLINK_ROUTE or NETLINK_NETFILTER. Negative errno, not logged. */
int nlcmd_new(int protocol, struct nlcmd **ret_cmd);
void nlcmd_free(struct nlcmd *cmd);

/* How the kernel names this socket in the notifications of what it changed (nlmsg_pid). */
uint32_t nlcmd_port(const struct nlcmd *cmd);

/* Called for each message of an answer; a negative errno is what the request then returns. */
typedef int nlcmd_each_fn(struct nlmsghdr *msg, void *arg);

/* Sends a request that the kernel answers with one message: with its acknowledgement
 * (NLM_F_ACK; `each` is NULL then), or with what was asked for. 0, or the kernel's negative
 * errno: nlcmd_why has its reason then. */
int nlcmd_run(struct nlcmd *cmd, struct nl_msg *msg, nlcmd_each_fn *each, void *arg);

/* Sends a request that carries NLM_F_DUMP. -EINTR: what was listed changed meanwhile, so that
 * something may have been missed. */
int nlcmd_dump(struct nlcmd *cmd, struct nl_msg *msg, nlcmd_each_fn *each, void *arg);

/* The number that the messages of the next nlcmd_batch have to bear. */
uint32_t nlcmd_next_seq(struct nlcmd *cmd);

/* Sends a transaction of nfnetlink, ready-made, whose last message asks for an
 * acknowledgement. 0, or the negative errno of the first message that the kernel refused. */
int nlcmd_batch(struct nlcmd *cmd, void *data, size_t len);

/* The kernel's own words for the last failure ("Nexthop has invalid gateway"), "" where it had
 * none. Valid until the next request. */
const char *nlcmd_why(const struct nlcmd *cmd);

/* For AUTO. */
void nlcmd_freep(struct nlcmd **cmd);
void nlmsg_freep(struct nl_msg **msg);
