/* feed.h - follows what another daemon publishes on its control socket, and comes back by
 * itself
 *
 * Runs in the event loop and never waits. Only a socket that root or our own user listens at
 * is believed. What comes is bounded in octets and in time, line by line; whatever goes wrong
 * ends the connection, and the next one is tried after a pause.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct event_base;
struct feed; /* opaque, see feed.c */

enum {
	FEED_LINE_MAX = 2 * 1024 * 1024, /* octets of a line, with its line feed */
	FEED_PAUSE_MS = 200,	  /* before the next connection; doubles each time ... */
	FEED_PAUSE_MAX_MS = 5000, /* ... up to this, until a line was of use */
	FEED_PATIENCE_MS = 10000, /* for the first line to come, and for any to end */
	FEED_WHY_MAX = 256,
};

struct feed_calls {
	/* One line of `len` octets without its line feed. NULL, or why it is of no use: a
	 * sentence, borrowed; the connection is ended then. */
	const char *(*line)(const char *line, size_t len, void *arg);

	/* The connection or the attempt at one has ended, feed_state tells why. Called for
	 * each failed attempt too. */
	void (*lost)(void *arg);
};

struct feed_state {
	bool connected;		/* and a line was of use */
	time_t since_s;		/* it is so; 0: never was connected */
	uint64_t connections;	/* that brought a line of use */
	uint64_t lines;		/* of use */
	uint64_t failures;	/* connections that ended, and attempts in vain */
	char why[FEED_WHY_MAX]; /* the last one did; "" while connected */
	int error;		/* the errno that `why` is the text of, or 0 */
};

/* Asks for `verb` at `path` (both are copied), at once and again and again. Neither callback
 * is called from within feed_new, and neither may free the feed. -ENOMEM. */
int feed_new(struct event_base *base, const char *path, const char *verb,
	const struct feed_calls *calls, void *arg, struct feed **ret_feed);
void feed_free(struct feed *feed);

/* Borrowed, current until the feed is freed. */
const struct feed_state *feed_state(const struct feed *feed);

/* Is there a connection on which nothing has come yet? */
bool feed_is_waiting(const struct feed *feed);

/* Instead of the times above, for tests. */
void feed_set_times(struct feed *feed, int pause_ms, int pause_max_ms, int patience_ms);
