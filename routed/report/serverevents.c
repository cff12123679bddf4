/* serverevents.c - says which servers have died or live again, and on whose path
 *
 * Part of events.h. As there, what was told last is kept, and the present is compared with it:
 * a verdict of a check changes it, and so does an address that an uplink gets or loses.
 *
 * Thousands of servers may die in one moment, with their switch. The operator's program is
 * told of them only while there is room left for news of uplinks.
 */
#include "common/site/uplinkset.h"
#include "routed/report/events.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/ctl/ctl.h"
#include "common/ctl/json.h"
#include "common/log.h"
#include "common/wallclock.h"
#include "routed/health/health.h"
#include "routed/report/hook.h"
#include "routed/routed.h"

enum { WHY_MAX = SITE_FAMILIES * HEALTH_WHY_MAX };

/* What is new about one path. */
struct news {
	size_t server;
	size_t uplink;
	bool dead;
	bool partly;
	char why[WHY_MAX];
};

static void log_path(const struct routed *routed, const struct news *news)
{
	const char *server = routed->site->servers[news->server].name;
	const char *uplink = routed->site->uplinks[news->uplink].name;

	if (news->dead)
		log_notice("server",
			"%s is dead on the path of %s, and not offered there (%s)", server,
			uplink, news->why);
	else if (news->partly)
		log_notice("server",
			"%s is dead on the path of %s by one address family, which is offered "
			"there all the same, since the other works (%s)",
			server, uplink, news->why);
	else
		log_notice("server", "%s is alive on the path of %s (%s)", server, uplink,
			news->why);
}

static void publish(struct routed *routed, const struct news *news)
{
	json_t *time = json_time_us(wallclock_now_us());
	json_t *event = json_pack("{s:s, s:o, s:s, s:s, s:b, s:s}", "event", "server", "time",
		time, "server", routed->site->servers[news->server].name, "uplink",
		routed->site->uplinks[news->uplink].name, "alive", (int)!news->dead, "why",
		news->why);

	if (event && routed->ctl)
		ctl_publish(routed->ctl, EVENTS_VERB, event);
	json_decref(event);
}

static void run_program(struct routed *routed, const struct news *news)
{
	const struct site_uplink *uplink = &routed->site->uplinks[news->uplink];
	const char *server = routed->site->servers[news->server].name;
	const struct hook_fact facts[] = {
		{"SERVER", server},
		{"UPLINK", uplink->name},
		{"INTERFACE", uplink->interface},
		{"CHANGED", "server"},
		{"ALIVE", news->dead ? "no" : "yes"},
		{"WHY", news->why},
	};

	if (hook_n_waiting(routed->hook) < HOOK_MAX_WAITING / 2)
		hook_run(routed->hook, routed->site->routing.notify, server, facts,
			sizeof(facts) / sizeof(facts[0]));
	else
		log_debug("notify", "not told that %s has changed: too many wait", server);
}

static void tell_path(struct routed *routed, struct news *news, bool was_dead)
{
	health_why(routed->health, news->server, news->uplink, news->why, sizeof(news->why));
	log_path(routed, news);
	if (news->dead == was_dead)
		return; /* one family more or less: nobody acts on that */
	publish(routed, news);
	if (routed->site->routing.notify && !routed->standby)
		run_program(routed, news);
}

static void tell_server(struct routed *routed, size_t server)
{
	struct routed_server *told = &routed->servers[server];
	const struct routed_server before = *told;
	uint32_t changed;

	told->dead = health_dead(routed->health, server);
	told->partly = health_partly(routed->health, server);
	changed = (told->dead ^ before.dead) | (told->partly ^ before.partly);
	for (size_t i = 0; changed && i < routed->site->n_uplinks; i++) {
		struct news news = {
			.server = server,
			.uplink = i,
			.dead = uplinkset_has(told->dead, i),
			.partly = uplinkset_has(told->partly, i),
		};

		if (uplinkset_has(changed, i))
			tell_path(routed, &news, uplinkset_has(before.dead, i));
	}
}

void events_servers(struct routed *routed)
{
	for (size_t s = 0; s < routed->site->n_servers; s++)
		if (routed->site->servers[s].check_port)
			tell_server(routed, s);
}

/* ---- reload ---- */

static void take_over(struct routed_server *server, const struct routed_server *told,
	const int *places, size_t n_uplinks)
{
	for (size_t i = 0; i < n_uplinks; i++) {
		if (places[i] < 0)
			continue;
		if (uplinkset_has(told->dead, (size_t)places[i]))
			uplinkset_add(&server->dead, i);
		if (uplinkset_has(told->partly, (size_t)places[i]))
			uplinkset_add(&server->partly, i);
	}
}

struct routed_server *events_servers_of(const struct routed *routed, const struct site *site)
{
	struct routed_server *servers = calloc(site->n_servers + 1, sizeof(*servers));
	int places[SITE_MAX_UPLINKS]; /* of its uplinks in the present site */

	if (!servers || !routed->site)
		return servers;
	for (size_t i = 0; i < site->n_uplinks; i++)
		places[i] = site_find_uplink(routed->site, site->uplinks[i].name);
	for (size_t s = 0; s < site->n_servers; s++) {
		int before = site->servers[s].check_port
				     ? site_find_server(routed->site, site->servers[s].name)
				     : -1;

		if (before >= 0)
			take_over(&servers[s], &routed->servers[before], places,
				site->n_uplinks);
	}
	return servers;
}
