/* linkfeed.h - the stream `links`: tells dnsd and other subscribers about uplinks and servers,
 * before or after the kernel is changed
 *
 * linkadvert.h decides what is sent when. Nothing waits for a subscriber.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

struct agent;
struct ctl_server;
struct health;
struct linkfeed; /* opaque, see linkfeed.c */
struct plan;

#define LINKFEED_VERB "links" /* of the control socket */

/* Both are borrowed for its life. -ENOMEM. */
int linkfeed_new(
	struct ctl_server *ctl, const struct health *health, struct linkfeed **ret_feed);
void linkfeed_free(struct linkfeed *feed);

/* Sends what makes an uplink or a server worse. To be called before the kernel is changed. */
void linkfeed_worse(struct linkfeed *feed, const struct agent *agent);

/* Sends everything else, but for uplinks that the kernel is not ready for. To be called once
 * `plan` has been applied. */
void linkfeed_rest(struct linkfeed *feed, const struct agent *agent, const struct plan *plan,
	bool nft_failed);

/* Sends new verdicts on servers: the kernel is not changed for them. */
void linkfeed_servers(struct linkfeed *feed, const struct agent *agent);

/* The line that was sent last: the reply to a new subscriber. A new reference, NULL without
 * memory. */
json_t *linkfeed_reply(const struct linkfeed *feed);
