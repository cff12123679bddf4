/* nlmonitor.h - follows notifications of the kernel over netlink in the event loop
 *
 * One socket that is subscribed to multicast groups. Only messages of the kernel itself are
 * handed over: any process may send to the socket's port (netlink(7)).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct nlmonitor; /* opaque, see nlmonitor.c */
struct nlmsghdr;

struct nlmonitor_read {
	unsigned int n_overruns; /* how often messages were lost */
	const char *why;	 /* the last time; NULL: never */
	bool drained;		 /* the queue is empty, else the next wake-up goes on */
};

struct nlmonitor_calls {
	void (*message)(struct nlmsghdr *msg, void *arg);

	/* Once per wake-up, after its messages. */
	void (*read)(const struct nlmonitor_read *read, void *arg);
};

/* `protocol` is NETLINK_ROUTE or NETLINK_NETFILTER. Follows nothing until a group is joined.
 * Negative errno, not logged. */
int nlmonitor_new(struct event_base *base, int protocol, const struct nlmonitor_calls *calls,
	void *arg, struct nlmonitor **ret_monitor);
void nlmonitor_free(struct nlmonitor *monitor);

/* Joins `n` multicast groups; a negative errno if the kernel lacks one. */
int nlmonitor_join(struct nlmonitor *monitor, const int *groups, size_t n);

/* As if there were messages: for a timer that has to see the queue empty. */
void nlmonitor_read(struct nlmonitor *monitor);

/* The socket, borrowed: for a filter, and for tests that shrink it. */
int nlmonitor_fd(const struct nlmonitor *monitor);
