/* probe.h - sends the probes of one uplink and hands their answers to its state machine
 *
 * Edge: sockets and a timer. Each socket is bound to the uplink's device and address, so that no
 * probe can succeed over another uplink. When a socket has become useless (device created
 * again, address changed), the next probe opens a new one.
 */
#pragma once
#include "common/net/addr.h"
#include "common/site/site.h"

struct event_base;
struct prober; /* opaque, see probe.c */
struct uplink;

/* Where the probes go out. */
struct prober_link {
	int ifindex;			   /* 0: the interface does not exist */
	struct addr source[SITE_FAMILIES]; /* unset: none; probes of that family fail */
	struct addr gateway[SITE_FAMILIES];
};

/* Called at the end of a wake-up in which an answer came or a timer ended. It calls uplink_step
 * and acts on the result. It must not free the prober. */
typedef void prober_wake_fn(void *arg);

/* `uplink` is borrowed for the prober's life. 0 or -ENOMEM. The event loop sends the first
 * probes once there is a link. */
int prober_new(struct event_base *base, struct uplink *uplink, prober_wake_fn *wake, void *arg,
	struct prober **ret_prober);
void prober_free(struct prober *prober);

/* If anything has changed, all sockets are closed and opened again. */
void prober_set_link(struct prober *prober, const struct prober_link *link);

/* Reads answers that the event loop has not reported yet. Call it before uplink_step outside of
 * `wake`: after a long piece of work, an answer that has arrived must not count as late. */
void prober_collect(struct prober *prober);

/* Sends nothing and waits for nothing until prober_reload. */
void prober_pause(struct prober *prober);

/* Call it after uplink_configure, which may change the targets. -ENOMEM: the prober does nothing
 * until this succeeds. */
int prober_reload(struct prober *prober);

/* Call it after uplink_step outside of `wake`: the next step may be due at another time. */
void prober_rearm(struct prober *prober);
