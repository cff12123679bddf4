/* announce.c - what dnsd is told of uplinks and servers, and in which order with the kernel
 *
 * Pure; publish.c gathers what is so and sends the lines. What is announced of one uplink at a
 * time of change, with the kernel's change between the two columns:
 *
 *                                before           after,           after,
 *                                                 all of it done   something failed
 *     up -> degraded -> down     the new state    the new state    the new state
 *     down -> degraded -> up     the old state    the new state    the old state
 *     another address            the old one      the new one      the old one
 *     never announced            nothing          its state        down (or drained)
 *     a server dies there        dead             dead             dead
 *     a server lives again       dead             alive            dead
 *
 * A state goes with its reason: while an old one is still announced, so is its why.
 */
#include "routed/report/announce.h"

#include <stdio.h>
#include <string.h>

#include "common/ctl/json.h"
#include "common/net/family.h"
#include "common/site/uplinkset.h"

/* ---- order ---- */

static const struct announce_uplink *find_uplink(
	const struct announce *announce, const struct announce_uplink *like)
{
	for (size_t i = 0; i < announce->n_uplinks; i++)
		if (strcmp(announce->uplinks[i].name, like->name) == 0 &&
			strcmp(announce->uplinks[i].interface, like->interface) == 0)
			return &announce->uplinks[i];
	return NULL;
}

/* Most often the two are in the same place. */
static const struct announce_server *find_server(
	const struct announce *announce, const char *name, size_t hint)
{
	if (hint < announce->n_servers && strcmp(announce->servers[hint].name, name) == 0)
		return &announce->servers[hint];
	for (size_t i = 0; i < announce->n_servers; i++)
		if (strcmp(announce->servers[i].name, name) == 0)
			return &announce->servers[i];
	return NULL;
}

/* A set of `from`'s uplinks as a set of `to`'s. */
static uint32_t translate(uint32_t set, const struct announce *from, const struct announce *to)
{
	uint32_t translated = 0;

	for (size_t i = 0; set && i < to->n_uplinks; i++) {
		const struct announce_uplink *uplink = find_uplink(from, &to->uplinks[i]);

		if (uplink && uplinkset_has(set, (size_t)(uplink - from->uplinks)))
			uplinkset_add(&translated, i);
	}
	return translated;
}

/* Has `other` the same uplinks and servers, in the same places? */
static bool is_same_site(const struct announce *said, const struct announce *now)
{
	if (said->n_uplinks != now->n_uplinks || said->n_servers != now->n_servers)
		return false;
	for (size_t i = 0; i < now->n_uplinks; i++)
		if (strcmp(said->uplinks[i].name, now->uplinks[i].name) != 0 ||
			strcmp(said->uplinks[i].interface, now->uplinks[i].interface) != 0)
			return false;
	for (size_t i = 0; i < now->n_servers; i++)
		if (strcmp(said->servers[i].name, now->servers[i].name) != 0)
			return false;
	return true;
}

static void follow_uplinks(
	struct announce *said, const struct announce *before, const struct announce *now)
{
	for (size_t i = 0; i < now->n_uplinks; i++) {
		const struct announce_uplink *uplink = find_uplink(before, &now->uplinks[i]);

		said->uplinks[i] = uplink ? *uplink : now->uplinks[i];
		if (!uplink)
			said->uplinks[i].is_known = false;
	}
}

static void follow_servers(
	struct announce *said, const struct announce *before, const struct announce *now)
{
	for (size_t i = 0; i < now->n_servers; i++) {
		const struct announce_server *server = find_server(
			before, now->servers[i].name, i);

		said->servers[i] = now->servers[i];
		said->servers[i].dead = server ? translate(server->dead, before, said) : 0;
	}
}

bool announce_follow(struct announce *said, const struct announce *now)
{
	struct announce before;

	if (is_same_site(said, now))
		return false;
	before = *said;
	*said = (struct announce){.n_uplinks = now->n_uplinks, .n_servers = now->n_servers};
	follow_uplinks(said, &before, now);
	follow_servers(said, &before, now);
	return true;
}

/* Nothing that a reader would show differently. Times and counts in a reason may be others. */
static bool uplink_is_same(const struct announce_uplink *a, const struct announce_uplink *b)
{
	return a->is_known == b->is_known && a->state == b->state && a->fault == b->fault &&
	       a->active == b->active &&
	       addr_eq(&a->public_addrs[SITE_IPV4], &b->public_addrs[SITE_IPV4]) &&
	       addr_eq(&a->public_addrs[SITE_IPV6], &b->public_addrs[SITE_IPV6]);
}

static void take_state(struct announce_uplink *said, const struct announce_uplink *now)
{
	said->state = now->state;
	said->fault = now->fault;
	said->since_us = now->since_us;
	memcpy(said->why, now->why, sizeof(said->why));
}

/* The states are in the order of badness (common/site/uplinkstate.h). */
bool announce_worse(struct announce *said, const struct announce *now)
{
	bool news = false;

	for (size_t i = 0; i < now->n_uplinks; i++) {
		if (!said->uplinks[i].is_known ||
			now->uplinks[i].state <= said->uplinks[i].state)
			continue;
		take_state(&said->uplinks[i], &now->uplinks[i]);
		news = true;
	}
	for (size_t i = 0; i < now->n_servers; i++) {
		news = news || (now->servers[i].dead & ~said->servers[i].dead) != 0;
		said->servers[i].dead |= now->servers[i].dead;
	}
	return news;
}

/* One that was never announced and cannot be used yet. */
static void begin_held(struct announce_uplink *said, const struct announce_uplink *now)
{
	*said = *now;
	if (said->state >= UPLINK_DOWN)
		return;
	said->state = UPLINK_DOWN;
	snprintf(said->why, sizeof(said->why),
		"not ready: the kernel does not hold its routes and forwards yet, "
		"see the log of routed");
}

static bool rest_of_uplink(
	struct announce_uplink *said, const struct announce_uplink *now, bool is_held)
{
	struct announce_uplink before = *said;

	if (!is_held)
		*said = *now;
	else if (!said->is_known)
		begin_held(said, now);
	else if (now->state >= said->state)
		take_state(said, now);
	said->active = now->active;
	return !uplink_is_same(&before, said);
}

bool announce_servers(struct announce *said, const struct announce *now, uint32_t held)
{
	bool news = false;

	for (size_t i = 0; i < now->n_servers; i++) {
		uint32_t dead = now->servers[i].dead | (said->servers[i].dead & held);

		news = news || dead != said->servers[i].dead;
		said->servers[i].dead = dead;
	}
	return news;
}

bool announce_rest(struct announce *said, const struct announce *now, uint32_t held)
{
	bool news = announce_servers(said, now, held);

	for (size_t i = 0; i < now->n_uplinks; i++)
		news = rest_of_uplink(
			       &said->uplinks[i], &now->uplinks[i], uplinkset_has(held, i)) ||
		       news;
	return news;
}

/* ---- what the kernel lacks ---- */

static bool leads_over(const struct kernel_route *route, int ifindex)
{
	for (size_t i = 0; i < route->n_nexthops; i++)
		if (ifindex != 0 && route->nexthops[i].ifindex == ifindex)
			return true;
	return false;
}

/* A single destination by way of a router behind the uplink. */
static bool is_static(const struct kernel_route *route)
{
	return route->dst.len > 0 && route->n_nexthops > 0 &&
	       addr_is_set(&route->nexthops[0].gateway);
}

/* The families in which the uplink's work rests on that step: its own table, the rules that
 * lead there, the tracked default over it, its group. A sysctl is of no one uplink, the route
 * to a loopback is the server's. */
static uint32_t families_of(const struct plan_step *step, const struct site *site, size_t i,
	const struct situation_uplink *uplink)
{
	uint32_t table = wanted_uplink_table(site, i);

	switch (step->op) {
	case PLAN_SET_GROUP:
		return uplink->ifindex != 0 && step->group.ifindex == uplink->ifindex
			       ? 1u << SITE_IPV4 | 1u << SITE_IPV6
			       : 0;
	case PLAN_ADD_ROUTE:
	case PLAN_REPLACE_ROUTE:
		if (is_static(&step->route))
			return 0;
		if (step->route.table != table &&
			(step->route.table != wanted_default_table(site) ||
				!leads_over(&step->route, uplink->ifindex)))
			return 0;
		return 1u << family_of(step->route.family);
	case PLAN_ADD_RULE:
		return !step->rule.blackhole && step->rule.table == table
			       ? 1u << family_of(step->rule.family)
			       : 0;
	case PLAN_DEL_RULE:
	case PLAN_DEL_ROUTE:
	case PLAN_SET_SYSCTL:
		return 0;
	}
	return 0;
}

/* A line whose IPv6 cannot be set up must not be lost for IPv4. */
static bool is_held(const struct situation_uplink *uplink, uint32_t failed)
{
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		if (situation_can_route(uplink, family))
			return (failed >> family) & 1;
	return failed != 0;
}

uint32_t announce_held(const struct site *site, const struct situation *situation,
	const struct plan *plan, bool nft_failed)
{
	uint32_t held = 0;

	if (nft_failed)
		return UPLINKSET_ALL; /* the forwards of all are in that table */
	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct situation_uplink *uplink = &situation->uplinks[i];
		uint32_t failed = 0;

		for (size_t k = 0; k < plan->n_steps; k++)
			if (plan->steps[k].failed)
				failed |= families_of(&plan->steps[k], site, i, uplink);
		if (is_held(uplink, failed))
			uplinkset_add(&held, i);
	}
	return held;
}

/* ---- the line ---- */

static json_t *json_uplinks(const struct announce *announce)
{
	json_t *list = json_array();

	for (size_t i = 0; i < announce->n_uplinks; i++) {
		const struct announce_uplink *uplink = &announce->uplinks[i];

		if (!uplink->is_known)
			continue;
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o}", "name",
				      uplink->name, "interface", uplink->interface, "state",
				      uplink_state_str(uplink->state), "why", uplink->why,
				      "active", (int)uplink->active, "public",
				      json_addrs(uplink->public_addrs), "since",
				      json_time_us(uplink->since_us)));
	}
	return list;
}

struct reasons {
	announce_why_fn *why;
	void *arg;
	size_t n; /* given so far */
};

static json_t *json_dead(
	const struct announce *announce, size_t server, struct reasons *reasons)
{
	json_t *list = json_array();
	char why[ANNOUNCE_SERVER_WHY_MAX];

	for (size_t i = 0; i < announce->n_uplinks; i++) {
		if (!uplinkset_has(announce->servers[server].dead, i))
			continue;

		json_t *dead = json_pack("{s:s}", "uplink", announce->uplinks[i].name);
		if (reasons->why && reasons->n++ < ANNOUNCE_MAX_WHYS)
			json_object_set_new(dead, "why",
				json_string(reasons->why(
					server, i, reasons->arg, why, sizeof(why))));
		json_array_append_new(list, dead);
	}
	return list;
}

static json_t *json_servers(const struct announce *announce, struct reasons *reasons)
{
	json_t *list = json_array();

	for (size_t i = 0; i < announce->n_servers; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:o}", "name", announce->servers[i].name,
				      "dead", json_dead(announce, i, reasons)));
	return list;
}

json_t *announce_json(const struct announce *announce, uint64_t seq, int64_t time_us,
	announce_why_fn *why, void *arg)
{
	struct reasons reasons = {.why = why, .arg = arg};

	return json_pack("{s:i, s:I, s:o, s:o, s:o}", "version", ANNOUNCE_VERSION, "seq",
		(json_int_t)seq, "time", json_time_us(time_us), "uplinks",
		json_uplinks(announce), "servers", json_servers(announce, &reasons));
}
