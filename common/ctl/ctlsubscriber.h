/* ctlsubscriber.h - follows a stream of another daemon's control socket, and reconnects by itself
 *
 * Runs in the event loop and never waits. Only a socket at which root or our own user listens is
 * trusted. What comes is bounded in octets and in time, line by line. Any failure ends the
 * connection, and the next one is tried after a pause.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct event_base;
struct ctl_subscriber; /* opaque, see ctlsubscriber.c */

enum {
	CTL_SUBSCRIBER_LINE_MAX = 2 * 1024 * 1024, /* octets of a line, with its line feed */
	CTL_SUBSCRIBER_PAUSE_MS = 200, /* before the next connection; doubles each time ... */
	CTL_SUBSCRIBER_PAUSE_MAX_MS = 5000, /* ... up to this, until a good line came */
	CTL_SUBSCRIBER_PATIENCE_MS =
		10000, /* for the first line to come, and for any to end */
	CTL_SUBSCRIBER_WHY_MAX = 256,
};

struct ctl_subscriber_calls {
	/* One line of `len` octets without its line feed. NULL, or why it is refused: a
	 * sentence, borrowed; the connection is ended then. */
	const char *(*line)(const char *line, size_t len, void *arg);

	/* The connection has ended, or an attempt has failed: ctl_subscriber_state says why. */
	void (*lost)(void *arg);
};

struct ctl_subscriber_state {
	bool connected;	      /* and a good line has come */
	time_t since_s;	      /* it is so; 0: never was connected */
	uint64_t connections; /* that brought a good line */
	uint64_t lines;	      /* good ones */
	uint64_t failures;    /* connections that ended, and attempts that failed */
	char why[CTL_SUBSCRIBER_WHY_MAX]; /* the last one failed; "" while connected */
	int error;			  /* the errno that `why` is the text of, or 0 */
};

/* Asks for `verb` at `path` (both are copied), at once and after each failure. No callback is
 * called from within ctl_subscriber_new, and none may free the subscriber. -ENOMEM. */
int ctl_subscriber_new(struct event_base *base, const char *path, const char *verb,
	const struct ctl_subscriber_calls *calls, void *arg,
	struct ctl_subscriber **ret_subscriber);
void ctl_subscriber_free(struct ctl_subscriber *subscriber);

/* Borrowed, current until the subscriber is freed. */
const struct ctl_subscriber_state *ctl_subscriber_state(
	const struct ctl_subscriber *subscriber);

/* Is there a connection that has brought nothing yet? */
bool ctl_subscriber_is_waiting(const struct ctl_subscriber *subscriber);

/* Instead of the times above, for tests. */
void ctl_subscriber_set_times(
	struct ctl_subscriber *subscriber, int pause_ms, int pause_max_ms, int patience_ms);
