/* events.c - says what changed: the log, those who follow the events, the operator's program
 *
 * What was told last is kept with each uplink; an event is made where the present differs, so
 * that nothing is told twice and nothing is forgotten, whatever the order of causes was.
 */
#include "routed/report/events.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/ctl/ctl.h"
#include "common/ctl/json.h"
#include "common/log.h"
#include "common/site/uplinkset.h"
#include "common/wallclock.h"
#include "routed/kernel/plan.h"
#include "routed/reconcile.h"
#include "routed/report/hook.h"
#include "routed/report/status.h"
#include "routed/routed.h"

enum { NAMES_MAX = 512, EVENTS_STEPS_MAX = 20, EVENTS_STEP_MAX = 512 };

/* What is new about an uplink. */
struct news {
	bool state;
	bool active;
	bool addresses;
	bool gateway;
};

/* The names of a set of uplinks, "none" if it is empty. */
static const char *names_of(const struct site *site, uint32_t set, char *out, size_t cap)
{
	size_t n = 0;

	snprintf(out, cap, "none");
	for (size_t i = 0; i < site->n_uplinks && n < cap; i++)
		if (uplinkset_has(set, i))
			n += (size_t)snprintf(
				out + n, cap - n, "%s%s", n ? " " : "", site->uplinks[i].name);
	return out;
}

static uint32_t active_set(const struct routed *routed)
{
	return routed->decision.active[SITE_IPV4] | routed->decision.active[SITE_IPV6];
}

static const char *why_of(const struct routed_uplink *uplink, char *out, size_t cap)
{
	return uplink_why(&uplink->machine, clock_now_us(), wallclock_now_us(), out, cap);
}

/* What is new of it goes back to this moment; 0: to none that was seen. Another uplink's state
 * may be the cause that this one is used. */
static int64_t cause_of(const struct routed *routed, const struct routed_uplink *uplink,
	const struct news *news)
{
	if (!routed->cause_us)
		return 0;
	return news->state ? uplink->machine.cause_us : routed->cause_us;
}

/* ---- events ---- */

static json_t *new_event(const char *kind)
{
	json_t *event = json_time_us(wallclock_now_us());

	return json_pack("{s:s, s:o}", "event", kind, "time", event);
}

static void publish(struct routed *routed, json_t *event)
{
	if (event && routed->ctl)
		ctl_publish(routed->ctl, EVENTS_VERB, event);
	json_decref(event);
}

static json_t *json_changed(const struct news *news)
{
	json_t *list = json_array();

	if (news->state)
		json_array_append_new(list, json_string("state"));
	if (news->active)
		json_array_append_new(list, json_string("active"));
	if (news->addresses)
		json_array_append_new(list, json_string("addresses"));
	if (news->gateway)
		json_array_append_new(list, json_string("gateway"));
	return list;
}

static void add_times(const struct routed *routed, int64_t cause_us, json_t *event)
{
	if (!cause_us)
		return;
	json_object_set_new(event, "cause", json_time_us(wallclock_at_us(cause_us)));
	json_object_set_new(event, "cause_us", json_integer(cause_us));
	json_object_set_new(event, "applied_us", json_integer(routed->applied_us));
	json_object_set_new(event, "took_us", json_integer(routed->applied_us - cause_us));
}

static void publish_uplink(struct routed *routed, size_t i, const struct news *news)
{
	const struct routed_uplink *uplink = routed->uplinks[i];
	json_t *event = new_event("uplink");
	json_t *facts = status_uplink(routed, i);

	json_object_set_new(event, "uplink", json_string(routed->site->uplinks[i].name));
	json_object_set_new(event, "was",
		uplink->was_told ? json_string(uplink_state_str(uplink->state)) : json_null());
	json_object_set_new(event, "changed", json_changed(news));
	json_object_update_missing(event, facts);
	json_decref(facts);
	add_times(routed, cause_of(routed, uplink, news), event);
	publish(routed, event);
}

/* ---- the operator's program ---- */

static const char *addr_text(const struct addr *addr)
{
	return addr_is_set(addr) ? addr_str(addr) : "";
}

static void run_program(struct routed *routed, size_t i, const struct news *news)
{
	const struct site_uplink *config = &routed->site->uplinks[i];
	const struct situation_uplink *situation = &routed->situation.uplinks[i];
	const struct routed_uplink *uplink = routed->uplinks[i];
	struct addr public4 = situation_public(config, situation, SITE_IPV4);
	struct addr public6 = situation_public(config, situation, SITE_IPV6);
	enum uplink_state state = uplink_state(&uplink->machine);
	char active[NAMES_MAX];
	char why[UPLINK_WHY_MAX];
	char changed[64];

	snprintf(changed, sizeof(changed), "%s%s%s%s", news->state ? "state " : "",
		news->active ? "active " : "", news->addresses ? "addresses " : "",
		news->gateway ? "gateway " : "");
	changed[strlen(changed) - 1] = '\0';

	const struct hook_fact facts[] = {
		{"UPLINK", config->name},
		{"INTERFACE", config->interface},
		{"STATE", uplink_state_str(state)},
		{"WAS", uplink->was_told ? uplink_state_str(uplink->state) : ""},
		{"WHY", why_of(uplink, why, sizeof(why))},
		{"ACTIVE", uplinkset_has(active_set(routed), i) ? "yes" : "no"},
		{"CHANGED", changed},
		{"PUBLIC4", addr_text(&public4)},
		{"PUBLIC6", addr_text(&public6)},
		{"GATEWAY4", addr_text(&situation->gateway[SITE_IPV4])},
		{"GATEWAY6", addr_text(&situation->gateway[SITE_IPV6])},
		{"ACTIVE_UPLINKS",
			names_of(routed->site, active_set(routed), active, sizeof(active))},
	};
	hook_run(routed->hook, routed->site->routing.notify, config->name, facts,
		sizeof(facts) / sizeof(facts[0]));
}

/* ---- what changed ---- */

static bool addrs_eq(const struct addr a[SITE_FAMILIES], const struct addr b[SITE_FAMILIES])
{
	return addr_eq(&a[SITE_IPV4], &b[SITE_IPV4]) && addr_eq(&a[SITE_IPV6], &b[SITE_IPV6]);
}

static void log_state(const struct routed *routed, size_t i, const struct news *news)
{
	const struct routed_uplink *uplink = routed->uplinks[i];
	int64_t cause_us = cause_of(routed, uplink, news);
	char why[UPLINK_WHY_MAX];
	char took[48] = "";

	if (uplink->was_told && cause_us)
		snprintf(took, sizeof(took), ", %.1f ms after the cause",
			(double)(routed->applied_us - cause_us) / 1000);
	log_notice("uplink", "%s is %s (%s)%s", routed->site->uplinks[i].name,
		uplink_state_str(uplink_state(&uplink->machine)),
		why_of(uplink, why, sizeof(why)), took);
}

/* "192.168.2.1 and 2001:db8:a::1", "none". */
static const char *pair_text(const struct addr addrs[SITE_FAMILIES], char *out, size_t cap)
{
	const char *first = addr_text(&addrs[SITE_IPV4]);
	const char *second = addr_text(&addrs[SITE_IPV6]);

	snprintf(out, cap, "%s%s%s", first, *first && *second ? " and " : "", second);
	return *out ? out : "none";
}

static void log_addresses(const struct routed *routed, size_t i)
{
	const struct situation_uplink *situation = &routed->situation.uplinks[i];

	char own[2 * ADDR_STR_LEN + 8];
	char gateway[2 * ADDR_STR_LEN + 8];

	log_notice("uplink", "%s: address %s, gateway %s", routed->site->uplinks[i].name,
		pair_text(situation->chosen, own, sizeof(own)),
		pair_text(situation->gateway, gateway, sizeof(gateway)));
}

static bool tell_uplink(struct routed *routed, size_t i)
{
	const struct situation_uplink *situation = &routed->situation.uplinks[i];
	struct routed_uplink *uplink = routed->uplinks[i];
	bool active = uplinkset_has(active_set(routed), i);
	enum uplink_state state = uplink_state(&uplink->machine);
	const struct news news = {
		.state = !uplink->was_told || uplink->state != state,
		.active = uplink->active != active,
		.addresses = !addrs_eq(uplink->own, situation->chosen),
		.gateway = !addrs_eq(uplink->gateway, situation->gateway),
	};

	if (!news.state && !news.active && !news.addresses && !news.gateway)
		return false;
	if (news.addresses || news.gateway)
		log_addresses(routed, i);
	if (news.state)
		log_state(routed, i, &news);
	publish_uplink(routed, i, &news);
	if (routed->site->routing.notify && !routed->standby)
		run_program(routed, i, &news);

	uplink->was_told = true;
	uplink->state = state;
	uplink->active = active;
	memcpy(uplink->own, situation->chosen, sizeof(uplink->own));
	memcpy(uplink->gateway, situation->gateway, sizeof(uplink->gateway));
	return news.state;
}

static void tell_manager(const struct routed *routed)
{
	size_t n_up = 0;
	char active[NAMES_MAX];

	for (size_t i = 0; i < routed->site->n_uplinks; i++)
		n_up += uplink_state(&routed->uplinks[i]->machine) == UPLINK_UP;
	sd_notifyf(0, "STATUS=%s%zu of %zu uplinks up, active: %s",
		routed->standby ? "standing by, " : "", n_up, routed->site->n_uplinks,
		names_of(routed->site, active_set(routed), active, sizeof(active)));
}

static void log_active(const struct routed *routed)
{
	char active[NAMES_MAX];
	uint32_t set = active_set(routed);
	uint32_t before = 0;

	for (size_t i = 0; i < routed->site->n_uplinks; i++)
		if (routed->uplinks[i]->active)
			uplinkset_add(&before, i);
	if (set == before)
		return;
	log_notice("uplink", "new connections use: %s",
		names_of(routed->site, set, active, sizeof(active)));
}

static void tell_deletion(struct routed *routed, size_t i)
{
	const char *name = routed->site->uplinks[i].name;
	enum flows_which which = routed->uplinks[i]->deleted;

	if (which == FLOWS_NONE)
		return;
	routed->uplinks[i]->deleted = FLOWS_NONE;
	log_info("flows", "%s: deleted the %sconnections that were bound to it", name,
		which == FLOWS_ALL ? "" : "outbound ");

	json_t *event = new_event("flows");
	json_object_set_new(event, "uplink", json_string(name));
	json_object_set_new(
		event, "deleted", json_string(which == FLOWS_ALL ? "all" : "outbound"));
	json_object_set_new(event, "took_us", json_integer(routed->uplinks[i]->deletion_us));
	publish(routed, event);
}

void events_address_gone(
	struct routed *routed, size_t i, const struct addr *addr, int64_t took_us)
{
	const char *name = routed->site->uplinks[i].name;

	log_info("flows", "%s: deleted the connections that were bound to %s", name,
		addr_str(addr));

	json_t *event = new_event("flows");
	json_object_set_new(event, "uplink", json_string(name));
	json_object_set_new(event, "deleted", json_string("address"));
	json_object_set_new(event, "address", json_string(addr_str(addr)));
	json_object_set_new(event, "took_us", json_integer(took_us));
	publish(routed, event);
}

void events_changes(struct routed *routed)
{
	bool states_changed = false;

	log_active(routed);
	for (size_t i = 0; i < routed->site->n_uplinks; i++)
		states_changed = tell_uplink(routed, i) || states_changed;
	for (size_t i = 0; i < routed->site->n_uplinks; i++)
		tell_deletion(routed, i);
	events_servers(routed);
	if (states_changed)
		routed_save(routed, false);
	tell_manager(routed);
}

void events_repair(struct routed *routed, const struct plan *plan)
{
	json_t *event = new_event("repair");
	json_t *steps = json_array();
	char line[EVENTS_STEP_MAX];

	for (size_t i = 0; i < plan->n_steps && i < EVENTS_STEPS_MAX; i++)
		json_array_append_new(
			steps, json_string(plan_step_str(&plan->steps[i], routed_ifname,
				       routed->links, line, sizeof(line))));
	json_object_set_new(event, "n_steps", json_integer((json_int_t)plan->n_steps));
	json_object_set_new(event, "steps", steps);
	json_object_set_new(event, "by", status_culprit(&routed->culprit));
	publish(routed, event);
}

void events_reload(struct routed *routed, int err)
{
	json_t *event = new_event("reload");

	json_object_set_new(event, "ok", json_boolean(err == 0));
	publish(routed, event);
}

void events_standby(struct routed *routed)
{
	json_t *event = new_event("standby");

	json_object_set_new(event, "standby", json_boolean(routed->standby));
	publish(routed, event);
}
