/* eventsink.h - where events go: the subscribers of `events`, and the operator's program */
#pragma once
#include <jansson.h>
#include <stdbool.h>

struct ctl_server;
struct hook;

#define EVENTS_VERB "events" /* of the control socket */

/* Borrowed, both. */
struct eventsink {
	struct ctl_server *ctl;
	struct hook *hook;
};

/* An object with the members `event` and `time`. NULL without memory. */
json_t *eventsink_event(const char *kind);

/* To the subscribers. Takes the reference; NULL does nothing. */
void eventsink_emit(const struct eventsink *sink, json_t *event);
