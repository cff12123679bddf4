/* serverevents.h - reports which servers have died or live again, and on whose path
 *
 * Part of events.h, which calls it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/site/site.h"

struct eventsink;
struct health;

/* The paths of one server as last reported: sets of uplinks. */
struct serverevents_server {
	uint32_t dead;
	uint32_t partly; /* one address family is dead, another one works */
};

/* Embedded; zero to begin with. */
struct serverevents {
	struct serverevents_server servers[SITE_MAX_SERVERS]; /* as site->servers */
};

/* Everything that differs from the last report; `site` is the one that `health` checks. The
 * operator's program runs too if `runs_hook`. */
void serverevents_changes(struct serverevents *events, const struct site *site,
	const struct health *health, const struct eventsink *sink, bool runs_hook);

/* Brings the last report into the order of another site, so that a reload makes no event for a
 * server and an uplink that are in both. */
void serverevents_follow(
	struct serverevents *events, const struct site *old, const struct site *site);
