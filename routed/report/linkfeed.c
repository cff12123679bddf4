/* linkfeed.c - tells dnsd, and whoever else follows `links`, what is so: before or after the
 * kernel
 *
 * Called by reconcile.c at its two moments. What is so now is gathered from the machines each
 * time; what was said last is kept, so that only news makes a line, and the reply to a new
 * follower is what the others have been told.
 */
#include "routed/report/linkfeed.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/ctl/ctl.h"
#include "common/log.h"
#include "common/site/uplinkset.h"
#include "common/wallclock.h"
#include "routed/health/health.h"
#include "routed/report/linkadvert.h"
#include "routed/routed.h"

static void gather_uplink(
	const struct routed *routed, size_t i, struct uplink_advert *ret_uplink)
{
	const struct site_uplink *config = &routed->site->uplinks[i];
	const struct situation_uplink *situation = &routed->situation.uplinks[i];
	const struct uplink *machine = &routed->uplinks[i]->machine;
	uint32_t active = routed->decision.active[SITE_IPV4] |
			  routed->decision.active[SITE_IPV6];
	int64_t now_us = clock_now_us();

	*ret_uplink = (struct uplink_advert){
		.is_known = true,
		.state = uplink_state(machine),
		.fault = machine->fault,
		.active = uplinkset_has(active, i),
		.since_us = wallclock_at_us(machine->since_us),
	};
	memcpy(ret_uplink->name, config->name, sizeof(ret_uplink->name));
	memcpy(ret_uplink->interface, config->interface, sizeof(ret_uplink->interface));
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		ret_uplink->public_addrs[family] = situation_public(config, situation, family);
	uplink_why(machine, now_us, wallclock_at_us(now_us), ret_uplink->why,
		sizeof(ret_uplink->why));
}

static void gather(const struct routed *routed, struct linkadvert *ret_now)
{
	const struct site *site = routed->site;

	*ret_now = (struct linkadvert){
		.n_uplinks = site->n_uplinks, .n_servers = site->n_servers};
	for (size_t i = 0; i < site->n_uplinks; i++)
		gather_uplink(routed, i, &ret_now->uplinks[i]);
	for (size_t i = 0; i < site->n_servers; i++) {
		memcpy(ret_now->servers[i].name, site->servers[i].name,
			sizeof(ret_now->servers[i].name));
		ret_now->servers[i].dead = health_dead(routed->health, i);
	}
}

static void linkfeed_line(struct routed *routed)
{
	routed->said_seq++;
	routed->said_us = wallclock_now_us();

	json_t *line = linkfeed_reply(routed);
	if (line)
		ctl_publish(routed->ctl, LINKFEED_VERB, line);
	json_decref(line);
}

void linkfeed_worse(struct routed *routed)
{
	struct linkadvert now;

	gather(routed, &now);
	bool news = linkadvert_follow(&routed->said, &now);
	news = linkadvert_worse(&routed->said, &now) || news;
	if (news)
		linkfeed_line(routed);
}

/* What waits is complained of when that changes, not at each attempt. */
static void tell_held(struct routed *routed, const struct linkadvert *now, uint32_t held)
{
	uint32_t waiting = 0;

	for (size_t i = 0; i < now->n_uplinks; i++)
		if (uplinkset_has(held, i) &&
			now->uplinks[i].state < routed->said.uplinks[i].state)
			uplinkset_add(&waiting, i);
	for (size_t i = 0; i < now->n_uplinks; i++)
		if (uplinkset_has(waiting & ~routed->said_waiting, i))
			log_warning("uplink",
				"%s is %s, but dnsd is not told yet: the kernel does not hold "
				"what it takes, see above",
				now->uplinks[i].name, uplink_state_str(now->uplinks[i].state));
	routed->said_waiting = waiting;
}

void linkfeed_rest(struct routed *routed, const struct plan *plan, bool nft_failed)
{
	uint32_t held = linkadvert_held(routed->site, &routed->situation, plan, nft_failed);
	struct linkadvert now;

	gather(routed, &now);
	routed->said_held = held;
	if (linkadvert_rest(&routed->said, &now, held))
		linkfeed_line(routed);
	tell_held(routed, &now, held);
}

void linkfeed_servers(struct routed *routed)
{
	struct linkadvert now;

	gather(routed, &now);
	bool news = linkadvert_follow(&routed->said, &now);
	news = linkadvert_servers(&routed->said, &now, routed->said_held) || news;
	if (news)
		linkfeed_line(routed);
}

/* One may still be said to be dead because its uplink is not ready. */
static const char *why_dead(size_t server, size_t uplink, void *arg, char *out, size_t cap)
{
	const struct health *health = arg;

	if (uplinkset_has(health_dead(health, server), uplink))
		return health_why(health, server, uplink, out, cap);
	snprintf(out, cap, "it lives again, but its uplink is not ready");
	return out;
}

json_t *linkfeed_reply(const struct routed *routed)
{
	return linkadvert_json(
		&routed->said, routed->said_seq, routed->said_us, why_dead, routed->health);
}
