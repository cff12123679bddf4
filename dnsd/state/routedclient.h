/* routedclient.h - the connection to routed, its newest report, and how long the report counts
 *
 * The report counts while the connection stands, and for ROUTED_CLIENT_GRACE_MS after it is
 * lost: a restart or a crash of routed does not move the answers. After that there is no
 * report, and the netlink mirror decides alone.
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
	ROUTED_CLIENT_START_MS =
		500, /* how long a start waits for the report of a routed that runs */
};
#define ROUTED_CLIENT_SOCKET "routed.sock" /* in the runtime folder */
#define ROUTED_CLIENT_VERB   "links"

/* Another report counts now, or none does any more. It must not free the client. */
typedef void routed_client_changed_fn(void *arg);

/* Follows routed at `path`, which need not be there. -ENOMEM, -ENAMETOOLONG. */
int routed_client_new(struct event_base *base, const char *path,
	routed_client_changed_fn *changed, void *arg, struct routed_client **ret_client);
void routed_client_free(struct routed_client *client);

/* Runs the event loop until a report is here or routed cannot be reached, but no longer than
 * ROUTED_CLIENT_START_MS: the first answers should be right. Only for the start, while nothing
 * else is in the loop. */
void routed_client_wait(struct routed_client *client);

/* The report that counts, NULL if there is none. Borrowed until the next wake-up. */
const struct routed_report *routed_client_report(const struct routed_client *client);

/* For `status`. Borrowed until the next wake-up. */
struct routed_client_state {
	const char *path;
	const struct ctl_subscriber_state *subscriber;
	time_t report_s;       /* when the last report arrived; 0: never */
	int64_t age_ms;	       /* of the report that counts; -1: none */
	int64_t grace_left_ms; /* the connection is lost, the report still counts so long; else -1 */
};
void routed_client_look(
	const struct routed_client *client, struct routed_client_state *ret_state);

/* Other times than the above and those of ctlsubscriber.h, for tests. */
void routed_client_set_times(struct routed_client *client, int grace_ms, int pause_ms,
	int pause_max_ms, int patience_ms);
