/* linkadvert.c - what dnsd hears about uplinks and servers, and in which order with the kernel
 *
 * Pure; linkfeed.c collects the present and sends the lines. One uplink changes; this is
 * advertised before the kernel is changed, and after:
 *
 *                                before           after,           after,
 *                                                 all of it done   something failed
 *     up -> degraded -> down     the new state    the new state    the new state
 *     down -> degraded -> up     the old state    the new state    the old state
 *     another address            the old one      the new one      the old one
 *     never advertised           nothing          its state        down (or drained)
 *     a server dies there        dead             dead             dead
 *     a server lives again       dead             alive            dead
 *
 * A state goes with its reason: as long as an old state is advertised, so is its reason.
 */
#include "routed/report/linkadvert.h"

#include <stdio.h>
#include <string.h>

#include "common/ctl/json.h"
#include "common/net/family.h"
#include "common/site/uplinkset.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wantednumbers.h"

/* ---- order ---- */

static const struct uplink_advert *advert_find_uplink(
	const struct linkadvert *advert, const struct uplink_advert *like)
{
	for (size_t i = 0; i < advert->n_uplinks; i++)
		if (strcmp(advert->uplinks[i].name, like->name) == 0 &&
			strcmp(advert->uplinks[i].interface, like->interface) == 0)
			return &advert->uplinks[i];
	return NULL;
}

/* `hint`: it is mostly in the same place as before. */
static const struct server_advert *advert_find_server(
	const struct linkadvert *advert, const char *name, size_t hint)
{
	if (hint < advert->n_servers && strcmp(advert->servers[hint].name, name) == 0)
		return &advert->servers[hint];
	for (size_t i = 0; i < advert->n_servers; i++)
		if (strcmp(advert->servers[i].name, name) == 0)
			return &advert->servers[i];
	return NULL;
}

/* A set of `from`'s uplinks as a set of `to`'s. */
static uint32_t advert_translate(
	uint32_t set, const struct linkadvert *from, const struct linkadvert *to)
{
	uint32_t translated = 0;

	for (size_t i = 0; set && i < to->n_uplinks; i++) {
		const struct uplink_advert *uplink = advert_find_uplink(from, &to->uplinks[i]);

		if (uplink && uplinkset_has(set, (size_t)(uplink - from->uplinks)))
			uplinkset_add(&translated, i);
	}
	return translated;
}

/* Do both have the same uplinks and servers, in the same places? */
static bool advert_is_same_site(
	const struct linkadvert *advertised, const struct linkadvert *now)
{
	if (advertised->n_uplinks != now->n_uplinks || advertised->n_servers != now->n_servers)
		return false;
	for (size_t i = 0; i < now->n_uplinks; i++)
		if (strcmp(advertised->uplinks[i].name, now->uplinks[i].name) != 0 ||
			strcmp(advertised->uplinks[i].interface, now->uplinks[i].interface) !=
				0)
			return false;
	for (size_t i = 0; i < now->n_servers; i++)
		if (strcmp(advertised->servers[i].name, now->servers[i].name) != 0)
			return false;
	return true;
}

static void advert_follow_uplinks(struct linkadvert *advertised,
	const struct linkadvert *before, const struct linkadvert *now)
{
	for (size_t i = 0; i < now->n_uplinks; i++) {
		const struct uplink_advert *uplink = advert_find_uplink(
			before, &now->uplinks[i]);

		advertised->uplinks[i] = uplink ? *uplink : now->uplinks[i];
		if (!uplink)
			advertised->uplinks[i].is_known = false;
	}
}

static void advert_follow_servers(struct linkadvert *advertised,
	const struct linkadvert *before, const struct linkadvert *now)
{
	for (size_t i = 0; i < now->n_servers; i++) {
		const struct server_advert *server = advert_find_server(
			before, now->servers[i].name, i);

		advertised->servers[i] = now->servers[i];
		advertised->servers[i].dead = server ? advert_translate(server->dead, before,
							       advertised)
						     : 0;
	}
}

bool linkadvert_follow(struct linkadvert *advertised, const struct linkadvert *now)
{
	struct linkadvert before;

	if (advert_is_same_site(advertised, now))
		return false;
	before = *advertised;
	*advertised = (struct linkadvert){
		.n_uplinks = now->n_uplinks, .n_servers = now->n_servers};
	advert_follow_uplinks(advertised, &before, now);
	advert_follow_servers(advertised, &before, now);
	return true;
}

/* A reader would show both alike. Times and counts in a reason may differ. */
static bool uplink_advert_eq(const struct uplink_advert *a, const struct uplink_advert *b)
{
	return a->is_known == b->is_known && a->state == b->state && a->fault == b->fault &&
	       a->active == b->active &&
	       addr_eq(&a->public_addrs[SITE_IPV4], &b->public_addrs[SITE_IPV4]) &&
	       addr_eq(&a->public_addrs[SITE_IPV6], &b->public_addrs[SITE_IPV6]);
}

static void uplink_advert_take_state(
	struct uplink_advert *advertised, const struct uplink_advert *now)
{
	advertised->state = now->state;
	advertised->fault = now->fault;
	advertised->since_us = now->since_us;
	memcpy(advertised->why, now->why, sizeof(advertised->why));
}

/* The higher a state, the worse it is (common/site/uplinkstate.h). */
bool linkadvert_worse(struct linkadvert *advertised, const struct linkadvert *now)
{
	bool news = false;

	for (size_t i = 0; i < now->n_uplinks; i++) {
		if (!advertised->uplinks[i].is_known ||
			now->uplinks[i].state <= advertised->uplinks[i].state)
			continue;
		uplink_advert_take_state(&advertised->uplinks[i], &now->uplinks[i]);
		news = true;
	}
	for (size_t i = 0; i < now->n_servers; i++) {
		news = news || (now->servers[i].dead & ~advertised->servers[i].dead) != 0;
		advertised->servers[i].dead |= now->servers[i].dead;
	}
	return news;
}

/* The uplink was never advertised and cannot be used yet. */
static void uplink_advert_begin_held(
	struct uplink_advert *advertised, const struct uplink_advert *now)
{
	*advertised = *now;
	if (advertised->state >= UPLINK_DOWN)
		return;
	advertised->state = UPLINK_DOWN;
	snprintf(advertised->why, sizeof(advertised->why),
		"not ready: the kernel does not hold its routes and forwards yet, "
		"see the log of routed");
}

static bool uplink_advert_rest(
	struct uplink_advert *advertised, const struct uplink_advert *now, bool is_held)
{
	struct uplink_advert before = *advertised;

	if (!is_held)
		*advertised = *now;
	else if (!advertised->is_known)
		uplink_advert_begin_held(advertised, now);
	else if (now->state >= advertised->state)
		uplink_advert_take_state(advertised, now);
	advertised->active = now->active;
	return !uplink_advert_eq(&before, advertised);
}

bool linkadvert_servers(
	struct linkadvert *advertised, const struct linkadvert *now, uint32_t held)
{
	bool news = false;

	for (size_t i = 0; i < now->n_servers; i++) {
		uint32_t dead = now->servers[i].dead | (advertised->servers[i].dead & held);

		news = news || dead != advertised->servers[i].dead;
		advertised->servers[i].dead = dead;
	}
	return news;
}

bool linkadvert_rest(
	struct linkadvert *advertised, const struct linkadvert *now, uint32_t held)
{
	bool news = linkadvert_servers(advertised, now, held);

	for (size_t i = 0; i < now->n_uplinks; i++)
		news = uplink_advert_rest(&advertised->uplinks[i], &now->uplinks[i],
			       uplinkset_has(held, i)) ||
		       news;
	return news;
}

/* ---- uplinks that the kernel is not ready for ---- */

static bool route_leads_over(const struct kernel_route *route, int ifindex)
{
	for (size_t i = 0; i < route->n_nexthops; i++)
		if (ifindex != 0 && route->nexthops[i].ifindex == ifindex)
			return true;
	return false;
}

/* It leads to a prefix behind another router on the uplink. */
static bool route_is_static(const struct kernel_route *route)
{
	return route->dst.len > 0 && route->n_nexthops > 0 &&
	       addr_is_set(&route->nexthops[0].gateway);
}

/* The set of families in which the uplink needs that step: for its own table, for the rules
 * that lead there, for the tracked default over it, for its group. A sysctl belongs to no
 * single uplink, the route to a loopback belongs to the server. */
static uint32_t step_families(const struct plan_step *step, const struct site *site, size_t i,
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
		if (route_is_static(&step->route))
			return 0;
		if (step->route.table != table &&
			(step->route.table != wanted_default_table(site) ||
				!route_leads_over(&step->route, uplink->ifindex)))
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

/* An uplink whose IPv6 cannot be set up must stay usable for IPv4. */
static bool uplink_is_held(const struct situation_uplink *uplink, uint32_t failed)
{
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		if (situation_can_route(uplink, family))
			return (failed >> family) & 1;
	return failed != 0;
}

uint32_t linkadvert_held(const struct site *site, const struct situation *situation,
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
				failed |= step_families(&plan->steps[k], site, i, uplink);
		if (uplink_is_held(uplink, failed))
			uplinkset_add(&held, i);
	}
	return held;
}

/* ---- the line ---- */

static json_t *json_uplink_adverts(const struct linkadvert *advert)
{
	json_t *list = json_array();

	for (size_t i = 0; i < advert->n_uplinks; i++) {
		const struct uplink_advert *uplink = &advert->uplinks[i];

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
	linkadvert_why_fn *why;
	const void *arg;
	size_t n; /* given so far */
};

static json_t *json_dead_paths(
	const struct linkadvert *advert, size_t server, struct reasons *reasons)
{
	json_t *list = json_array();
	char why[LINKADVERT_SERVER_WHY_MAX];

	for (size_t i = 0; i < advert->n_uplinks; i++) {
		if (!uplinkset_has(advert->servers[server].dead, i))
			continue;

		json_t *dead = json_pack("{s:s}", "uplink", advert->uplinks[i].name);
		if (reasons->why && reasons->n++ < LINKADVERT_MAX_WHYS)
			json_object_set_new(dead, "why",
				json_string(reasons->why(
					server, i, reasons->arg, why, sizeof(why))));
		json_array_append_new(list, dead);
	}
	return list;
}

static json_t *json_server_adverts(const struct linkadvert *advert, struct reasons *reasons)
{
	json_t *list = json_array();

	for (size_t i = 0; i < advert->n_servers; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:o}", "name", advert->servers[i].name, "dead",
				      json_dead_paths(advert, i, reasons)));
	return list;
}

json_t *linkadvert_json(const struct linkadvert *advert, uint64_t seq, int64_t time_us,
	linkadvert_why_fn *why, const void *arg)
{
	struct reasons reasons = {.why = why, .arg = arg};

	return json_pack("{s:i, s:I, s:o, s:o, s:o}", "version", LINKADVERT_VERSION, "seq",
		(json_int_t)seq, "time", json_time_us(time_us), "uplinks",
		json_uplink_adverts(advert), "servers", json_server_adverts(advert, &reasons));
}
