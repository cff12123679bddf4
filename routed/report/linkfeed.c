/* linkfeed.c - the stream `links`: tells dnsd and other subscribers about uplinks and servers,
 * before or after the kernel is changed
 *
 * Called by reconcile.c at its two moments. The present is collected from the machines each
 * time; what was advertised last is kept, so that only news makes a line, and a new subscriber
 * gets the line that the others have.
 */
#include "routed/report/linkfeed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/ctl/ctl.h"
#include "common/log.h"
#include "common/site/uplinkset.h"
#include "common/wallclock.h"
#include "routed/agent/agent.h"
#include "routed/health/health.h"
#include "routed/report/linkadvert.h"

struct linkfeed {
	struct ctl_server *ctl;
	const struct health *health;

	/* the last line */
	struct linkadvert advertised;
	uint64_t seq;
	int64_t time_us; /* of the time of day */

	uint32_t held;	  /* uplinks that the kernel was not ready for last time */
	uint32_t waiting; /* uplinks that are better than the last line says */
};

int linkfeed_new(
	struct ctl_server *ctl, const struct health *health, struct linkfeed **ret_feed)
{
	struct linkfeed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return -ENOMEM;
	feed->ctl = ctl;
	feed->health = health;
	*ret_feed = feed;
	return 0;
}

void linkfeed_free(struct linkfeed *feed)
{
	free(feed);
}

/* ---- the present ---- */

static void advert_of_uplink(
	const struct agent *agent, size_t i, struct uplink_advert *ret_advert)
{
	const struct site_uplink *config = &agent->site->uplinks[i];
	const struct situation_uplink *situation = &agent->situation.uplinks[i];
	const struct uplink *machine = &agent->uplinks[i]->machine;
	int64_t now_us = clock_now_us();

	*ret_advert = (struct uplink_advert){
		.is_known = true,
		.state = uplink_state(machine),
		.fault = machine->fault,
		.active = uplinkset_has(agent_active(agent), i),
		.since_us = wallclock_at_us(machine->since_us),
	};
	memcpy(ret_advert->name, config->name, sizeof(ret_advert->name));
	memcpy(ret_advert->interface, config->interface, sizeof(ret_advert->interface));
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		ret_advert->public_addrs[family] = situation_public(config, situation, family);
	uplink_why(machine, now_us, wallclock_at_us(now_us), ret_advert->why,
		sizeof(ret_advert->why));
}

static void advert_of_site(
	const struct agent *agent, const struct health *health, struct linkadvert *ret_now)
{
	const struct site *site = agent->site;

	*ret_now = (struct linkadvert){
		.n_uplinks = site->n_uplinks, .n_servers = site->n_servers};
	for (size_t i = 0; i < site->n_uplinks; i++)
		advert_of_uplink(agent, i, &ret_now->uplinks[i]);
	for (size_t i = 0; i < site->n_servers; i++) {
		memcpy(ret_now->servers[i].name, site->servers[i].name,
			sizeof(ret_now->servers[i].name));
		ret_now->servers[i].dead = health_dead(health, i);
	}
}

/* ---- lines ---- */

static void linkfeed_send(struct linkfeed *feed)
{
	feed->seq++;
	feed->time_us = wallclock_now_us();

	json_t *line = linkfeed_reply(feed);
	if (line)
		ctl_publish(feed->ctl, LINKFEED_VERB, line);
	json_decref(line);
}

void linkfeed_worse(struct linkfeed *feed, const struct agent *agent)
{
	struct linkadvert now;

	advert_of_site(agent, feed->health, &now);
	bool news = linkadvert_follow(&feed->advertised, &now);
	news = linkadvert_worse(&feed->advertised, &now) || news;
	if (news)
		linkfeed_send(feed);
}

/* Logged when the set of waiting uplinks changes, not at each attempt. */
static void linkfeed_log_waiting(
	struct linkfeed *feed, const struct linkadvert *now, uint32_t held)
{
	uint32_t waiting = 0;

	for (size_t i = 0; i < now->n_uplinks; i++)
		if (uplinkset_has(held, i) &&
			now->uplinks[i].state < feed->advertised.uplinks[i].state)
			uplinkset_add(&waiting, i);
	for (size_t i = 0; i < now->n_uplinks; i++)
		if (uplinkset_has(waiting & ~feed->waiting, i))
			log_warning("uplink",
				"%s is %s, but dnsd is not told yet: the kernel does not hold "
				"all its routes and forwards, see above",
				now->uplinks[i].name, uplink_state_str(now->uplinks[i].state));
	feed->waiting = waiting;
}

void linkfeed_rest(struct linkfeed *feed, const struct agent *agent, const struct plan *plan,
	bool nft_failed)
{
	uint32_t held = linkadvert_held(agent->site, &agent->situation, plan, nft_failed);
	struct linkadvert now;

	advert_of_site(agent, feed->health, &now);
	feed->held = held;
	if (linkadvert_rest(&feed->advertised, &now, held))
		linkfeed_send(feed);
	linkfeed_log_waiting(feed, &now, held);
}

void linkfeed_servers(struct linkfeed *feed, const struct agent *agent)
{
	struct linkadvert now;

	advert_of_site(agent, feed->health, &now);
	bool news = linkadvert_follow(&feed->advertised, &now);
	news = linkadvert_servers(&feed->advertised, &now, feed->held) || news;
	if (news)
		linkfeed_send(feed);
}

/* A server that lives again is still advertised as dead while its uplink is not ready. */
static const char *why_dead(
	size_t server, size_t uplink, const void *arg, char *out, size_t cap)
{
	const struct linkfeed *feed = arg;

	if (uplinkset_has(health_dead(feed->health, server), uplink))
		return health_why(feed->health, server, uplink, out, cap);
	snprintf(out, cap, "it lives again, but its uplink is not ready");
	return out;
}

json_t *linkfeed_reply(const struct linkfeed *feed)
{
	return linkadvert_json(&feed->advertised, feed->seq, feed->time_us, why_dead, feed);
}
