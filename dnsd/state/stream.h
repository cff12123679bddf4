/* stream.h - whether routed speaks to us, what it said last, and for how long that counts
 *
 * The word counts while the connection stands, and STREAM_GRACE_MS beyond it: a restart of
 * routed, or its crash, does not move the answers. After that there is no word, and the
 * netlink mirror decides alone.
 */
#pragma once
#include <stdint.h>
#include <time.h>

#include "dnsd/state/word.h"

struct event_base;
struct ctl_subscriber_state;
struct stream; /* opaque, see stream.c */

enum {
	STREAM_GRACE_MS = 10000,
	STREAM_START_MS = 500, /* how long a start waits for a routed that is there */
};
#define STREAM_SOCKET "routed.sock" /* in the runtime folder */
#define STREAM_VERB   "links"

/* Another word is in force, or none any more. It must not free the stream. */
typedef void stream_changed_fn(void *arg);

/* Follows routed at `path`, which need not be there. -ENOMEM, -ENAMETOOLONG. */
int stream_new(struct event_base *base, const char *path, stream_changed_fn *changed,
	void *arg, struct stream **ret_stream);
void stream_free(struct stream *stream);

/* Runs the event loop until there is a word, or clearly none to be had, but no longer than
 * STREAM_START_MS: the first answers are to be the right ones. For the start only, while
 * nothing else is in the loop. */
void stream_wait(struct stream *stream);

/* The word in force, NULL if there is none. Borrowed until the next wake-up. */
const struct word *stream_word(const struct stream *stream);

/* For `status`. Borrowed until the next wake-up. */
struct stream_state {
	const char *path;
	const struct ctl_subscriber_state *subscriber;
	time_t word_s;	       /* when the last word came; 0: never */
	int64_t age_ms;	       /* of the word in force; -1: none is */
	int64_t grace_left_ms; /* the stream is lost, and the word counts so long; else -1 */
};
void stream_look(const struct stream *stream, struct stream_state *ret_state);

/* Other times than the above and those of ctlsubscriber.h, for tests. */
void stream_set_times(
	struct stream *stream, int grace_ms, int pause_ms, int pause_max_ms, int patience_ms);
