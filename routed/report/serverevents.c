/* serverevents.c - reports which servers have died or live again, and on whose path
 *
 * The last report is kept and compared with the present: the verdict of a check changes it,
 * and so does an address that an uplink gets or loses.
 *
 * Thousands of servers may die in one moment, with their switch. The operator's program runs
 * for them only while enough places are left for changes of uplinks.
 */
#include "routed/report/serverevents.h"

#include <string.h>

#include "common/log.h"
#include "common/site/uplinkset.h"
#include "routed/health/health.h"
#include "routed/report/eventsink.h"
#include "routed/report/hook.h"

enum { WHY_MAX = SITE_FAMILIES * HEALTH_WHY_MAX };

/* One path whose verdict has changed. */
struct path_change {
	const char *server;
	const struct site_uplink *uplink;
	bool dead;
	bool partly;
	char why[WHY_MAX];
};

static void path_log(const struct path_change *path)
{
	if (path->dead)
		log_notice("server",
			"%s is dead on the path of %s, and not offered there (%s)",
			path->server, path->uplink->name, path->why);
	else if (path->partly)
		log_notice("server",
			"%s is dead on the path of %s by one address family, which is offered "
			"there all the same, since the other works (%s)",
			path->server, path->uplink->name, path->why);
	else
		log_notice("server", "%s is alive on the path of %s (%s)", path->server,
			path->uplink->name, path->why);
}

static void path_emit(const struct path_change *path, const struct eventsink *sink)
{
	json_t *event = eventsink_event("server");

	json_object_set_new(event, "server", json_string(path->server));
	json_object_set_new(event, "uplink", json_string(path->uplink->name));
	json_object_set_new(event, "alive", json_boolean(!path->dead));
	json_object_set_new(event, "why", json_string(path->why));
	eventsink_emit(sink, event);
}

static void path_run_hook(
	const struct path_change *path, const char *program, const struct eventsink *sink)
{
	const struct hook_fact facts[] = {
		{"SERVER", path->server},
		{"UPLINK", path->uplink->name},
		{"INTERFACE", path->uplink->interface},
		{"CHANGED", "server"},
		{"ALIVE", path->dead ? "no" : "yes"},
		{"WHY", path->why},
	};

	if (hook_n_waiting(sink->hook) < HOOK_MAX_WAITING / 2)
		hook_run(sink->hook, program, path->server, facts,
			sizeof(facts) / sizeof(facts[0]));
	else
		log_debug("notify", "not run for a change of %s: too many runs wait",
			path->server);
}

static void server_changes(struct serverevents_server *reported, const struct site *site,
	size_t server, const struct health *health, const struct eventsink *sink,
	bool runs_hook)
{
	const struct serverevents_server before = *reported;

	reported->dead = health_dead(health, server);
	reported->partly = health_partly(health, server);
	uint32_t changed = (reported->dead ^ before.dead) | (reported->partly ^ before.partly);
	for (size_t i = 0; changed && i < site->n_uplinks; i++) {
		struct path_change path = {
			.server = site->servers[server].name,
			.uplink = &site->uplinks[i],
			.dead = uplinkset_has(reported->dead, i),
			.partly = uplinkset_has(reported->partly, i),
		};

		if (!uplinkset_has(changed, i))
			continue;
		health_why(health, server, i, path.why, sizeof(path.why));
		path_log(&path);
		if (path.dead == uplinkset_has(before.dead, i))
			continue; /* one family more or less: no program acts on that */
		path_emit(&path, sink);
		if (runs_hook)
			path_run_hook(&path, site->routing.notify, sink);
	}
}

void serverevents_changes(struct serverevents *events, const struct site *site,
	const struct health *health, const struct eventsink *sink, bool runs_hook)
{
	for (size_t s = 0; s < site->n_servers; s++)
		if (site->servers[s].check_port)
			server_changes(&events->servers[s], site, s, health, sink, runs_hook);
}

/* ---- reload ---- */

/* A set of the old site's uplinks as a set of the new one's; `places` has the old index of
 * each new uplink, or -1. */
static uint32_t translate_uplinks(uint32_t set, const int *places, size_t n_uplinks)
{
	uint32_t translated = 0;

	for (size_t i = 0; set && i < n_uplinks; i++)
		if (places[i] >= 0 && uplinkset_has(set, (size_t)places[i]))
			uplinkset_add(&translated, i);
	return translated;
}

void serverevents_follow(
	struct serverevents *events, const struct site *old, const struct site *site)
{
	const struct serverevents before = *events;
	int places[SITE_MAX_UPLINKS];

	for (size_t i = 0; i < site->n_uplinks; i++)
		places[i] = site_find_uplink(old, site->uplinks[i].name);
	*events = (struct serverevents){0};
	for (size_t s = 0; s < site->n_servers; s++) {
		int k = site->servers[s].check_port
				? site_find_server(old, site->servers[s].name)
				: -1;

		if (k < 0)
			continue;
		events->servers[s].dead = translate_uplinks(
			before.servers[k].dead, places, site->n_uplinks);
		events->servers[s].partly = translate_uplinks(
			before.servers[k].partly, places, site->n_uplinks);
	}
}
