/* routedclient.h - whether routed speaks to us, what it said last, and for how long that counts
 *
 * The word counts while the connection stands, and ROUTED_CLIENT_GRACE_MS beyond it: a restart of
 * routed, or its crash, does not move the answers. After that there is no report, and the
 * netlink mirror decides alone.
 */
#pragma once
#include <stdint.h>
#include <time.h>

#include "dnsd/state/routedreport.h"

struct event_base;
struct ctl_subscriber_state;
struct routed_client; /* opaque, see routedclient.c */

enum {
	ROUTED_CLIENT_GRACE_MS = 10000,
	ROUTED_CLIENT_START_MS = 500, /* how long a start waits for a routed that is there */
};
#define ROUTED_CLIENT_SOCKET "routed.sock" /* in the runtime folder */
#define ROUTED_CLIENT_VERB   "links"

/* Another word is in force, or none any more. It must not free the stream. */
typedef void routed_client_changed_fn(void *arg);

/* Follows routed at `path`, which need not be there. -ENOMEM, -ENAMETOOLONG. */
int routed_client_new(struct event_base *base, const char *path,
	routed_client_changed_fn *changed, void *arg, struct routed_client **ret_client);
void routed_client_free(struct routed_client *client);

/* Runs the event loop until there is a report, or clearly none to be had, but no longer than
 * ROUTED_CLIENT_START_MS: the first answers are to be the right ones. For the start only, while
 * nothing else is in the loop. */
void routed_client_wait(struct routed_client *client);

/* The word in force, NULL if there is none. Borrowed until the next wake-up. */
const struct routed_report *routed_client_report(const struct routed_client *client);

/* For `status`. Borrowed until the next wake-up. */
struct routed_client_state {
	const char *path;
	const struct ctl_subscriber_state *subscriber;
	time_t report_s;       /* when the last word came; 0: never */
	int64_t age_ms;	       /* of the word in force; -1: none is */
	int64_t grace_left_ms; /* the stream is lost, and the word counts so long; else -1 */
};
void routed_client_look(
	const struct routed_client *client, struct routed_client_state *ret_state);

/* Other times than the above and those of ctlsubscriber.h, for tests. */
void routed_client_set_times(struct routed_client *client, int grace_ms, int pause_ms,
	int pause_max_ms, int patience_ms);
