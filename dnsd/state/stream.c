/* stream.c - whether routed speaks to us, what it said last, and for how long that counts
 *
 *     no word --line--> following --lost--> grace --10 s--> no word
 *                           ^                 |
 *                           +------line-------+
 *
 * common/ctl/ctlsubscriber.c connects and reconnects, word.c reads. This file keeps the last word and
 * says each change once: a routed that is not there is tried again for ever, but complained of
 * one time per reason.
 */
#include "dnsd/state/stream.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/ctl/ctl.h"
#include "common/ctl/ctlsubscriber.h"
#include "common/log.h"
#include "common/logonce.h"
#include "common/timer.h"

struct stream {
	struct event_base *base;
	char *path;
	stream_changed_fn *changed;
	void *arg;
	struct ctl_subscriber *subscriber;
	struct word *word; /* in force; NULL: none */
	int64_t word_ms;   /* when it came */
	time_t word_s;
	struct event *grace;
	int grace_ms;
	char error[WORD_ERROR_MAX]; /* of the line that was no word */
	struct logonce logged;	    /* why routed is not followed, since it was */
	bool logged_absent;
};

/* ---- what is said of it ---- */

/* Nobody runs routed there, which may be meant so; else something is in the way. */
static bool is_absent(int error)
{
	return error == ENOENT || error == ECONNREFUSED;
}

static const char *remedy(int error)
{
	return error == EACCES ? "; dnsd must run as root, as routed's user, "
				 "or in the group " CTL_GROUP
			       : "";
}

static void tell_lost(struct stream *stream, const char *why, int error)
{
	static const char alone[] = "uplinks are judged by carrier and addresses alone";

	bool first = stream->logged.key == 0;

	/* that routed is not there is logged once, in whichever words the system says so */
	if (!first && is_absent(error) && (stream->word || stream->logged_absent))
		return;
	if (!logonce_is_new(&stream->logged, logonce_key(why)))
		return;
	if (stream->word && first)
		log_warning("stream",
			"routed is lost (%s): its last word counts for %d s more, "
			"unless it comes back",
			why, stream->grace_ms / 1000);
	else if (is_absent(error))
		log_notice("stream", "no routed at %s (%s): %s", stream->path, why, alone);
	else
		log_warning("stream", "routed at %s cannot be followed: %s%s; %s",
			stream->path, why, remedy(error),
			stream->word ? "its last word still counts" : alone);
	stream->logged_absent = is_absent(error);
}

static void tell_followed(struct stream *stream)
{
	if (ctl_subscriber_state(stream->subscriber)->connected)
		return;
	log_notice("stream", "follows routed at %s", stream->path);
	logonce_clear(&stream->logged);
}

/* ---- what happens ---- */

static void use_word(struct stream *stream, struct word *word)
{
	word_free(stream->word);
	stream->word = word;
	stream->word_ms = clock_now_ms();
	stream->word_s = time(NULL);
	event_del(stream->grace);
	stream->changed(stream->arg);
}

static const char *on_line(const char *line, size_t len, void *arg)
{
	struct stream *stream = arg;
	struct word *word;
	int err = word_parse(line, len, &word, stream->error);

	if (err == -ENOMEM)
		return strerror(ENOMEM);
	if (err < 0)
		return stream->error;
	tell_followed(stream);
	use_word(stream, word);
	return NULL;
}

static void on_lost(void *arg)
{
	struct stream *stream = arg;

	tell_lost(stream, ctl_subscriber_state(stream->subscriber)->why,
		ctl_subscriber_state(stream->subscriber)->error);
	if (stream->word)
		timer_arm_ms_if_idle(stream->grace, stream->grace_ms);
}

static void on_grace_over(evutil_socket_t fd, short what, void *arg)
{
	struct stream *stream = arg;

	(void)fd;
	(void)what;
	log_warning("stream",
		"no word from routed for %d s (%s): "
		"uplinks are judged by carrier and addresses alone",
		stream->grace_ms / 1000, ctl_subscriber_state(stream->subscriber)->why);
	stream->logged_absent = true;
	word_free(TAKE(stream->word));
	stream->changed(stream->arg);
}

/* ---- life ---- */

int stream_new(struct event_base *base, const char *path, stream_changed_fn *changed,
	void *arg, struct stream **ret_stream)
{
	static const struct ctl_subscriber_calls calls = {.line = on_line, .lost = on_lost};
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	*stream = (struct stream){
		.base = base,
		.path = strdup(path),
		.changed = changed,
		.arg = arg,
		.grace = evtimer_new(base, on_grace_over, stream),
		.grace_ms = STREAM_GRACE_MS,
	};
	int err = stream->path && stream->grace ? ctl_subscriber_new(base, path, STREAM_VERB,
							  &calls, stream, &stream->subscriber)
						: -ENOMEM;
	if (err < 0) {
		stream_free(stream);
		return err;
	}
	*ret_stream = stream;
	return 0;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	ctl_subscriber_free(stream->subscriber);
	event_freep(&stream->grace);
	word_free(stream->word);
	free(stream->path);
	free(stream);
}

static void on_waited(evutil_socket_t fd, short what, void *arg)
{
	bool *over = arg;

	(void)fd;
	(void)what;
	*over = true;
}

void stream_wait(struct stream *stream)
{
	bool over = false;
	AUTO(event_freep) struct event *limit = evtimer_new(stream->base, on_waited, &over);

	if (!limit || timer_arm_ms(limit, STREAM_START_MS) < 0)
		over = true;
	event_base_loop(stream->base, EVLOOP_NONBLOCK); /* the first attempt */
	while (!over && ctl_subscriber_is_waiting(stream->subscriber))
		event_base_loop(stream->base, EVLOOP_ONCE);
}

const struct word *stream_word(const struct stream *stream)
{
	return stream ? stream->word : NULL;
}

void stream_set_times(
	struct stream *stream, int grace_ms, int pause_ms, int pause_max_ms, int patience_ms)
{
	stream->grace_ms = grace_ms;
	ctl_subscriber_set_times(stream->subscriber, pause_ms, pause_max_ms, patience_ms);
}

/* How much longer a word counts whose stream is lost; -1: it is not, or there is none. */
static int64_t grace_left_ms(const struct stream *stream)
{
	struct timeval ends;
	struct timeval now;
	struct timeval left;

	if (!event_pending(stream->grace, EV_TIMEOUT, &ends))
		return -1;
	evutil_gettimeofday(&now, NULL);
	evutil_timersub(&ends, &now, &left);
	return left.tv_sec < 0 ? 0 : (int64_t)left.tv_sec * 1000 + left.tv_usec / 1000;
}

void stream_look(const struct stream *stream, struct stream_state *ret_state)
{
	*ret_state = (struct stream_state){
		.path = stream->path,
		.subscriber = ctl_subscriber_state(stream->subscriber),
		.word_s = stream->word_s,
		.age_ms = stream->word ? clock_now_ms() - stream->word_ms : -1,
		.grace_left_ms = grace_left_ms(stream),
	};
}
