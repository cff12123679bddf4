/* probe.h - sends the probes of one uplink and hands their answers to its state machine
 *
 * Edge: sockets and a timer. Each socket is tied to the uplink's device and address, so that
 * no probe can succeed through another uplink; one that the kernel has made useless (device
 * re-created, address changed) is made anew with the next probe.
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
	struct addr source[SITE_FAMILIES]; /* unset: none, probes of that family are lost */
	struct addr gateway[SITE_FAMILIES];
};

/* Called at the end of a wake-up in which an answer came or a time was over: to call
 * uplink_step and to draw the consequences. It must not free the prober. */
typedef void prober_wake_fn(void *arg);

/* `uplink` is borrowed for the prober's life. -ENOMEM, or 0. The first probes are sent from
 * the event loop, once there is a link. */
int prober_new(struct event_base *base, struct uplink *uplink, prober_wake_fn *wake, void *arg,
	struct prober **ret_prober);
void prober_free(struct prober *prober);

/* Sockets are made anew if anything differs from what it was. */
void prober_set_link(struct prober *prober, const struct prober_link *link);

/* Takes in answers that the event loop has not told of yet. To be called before uplink_step
 * outside of `wake`: after a long piece of work nothing may be found late that is there. */
void prober_collect(struct prober *prober);

/* Sends nothing and waits for nothing, until prober_reload. */
void prober_pause(struct prober *prober);

/* To be called after uplink_configure: its targets may be others now. -ENOMEM: the prober does
 * nothing any more until this succeeds. */
int prober_reload(struct prober *prober);

/* To be called after uplink_step outside of `wake`: the next time to do something may be
 * another now. */
void prober_rearm(struct prober *prober);
