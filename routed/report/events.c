/* events.c - reports what changed: log, subscribers of `events`, the operator's program
 *
 * The last report of each uplink is kept; an event is made where the present differs from it,
 * so that nothing is reported twice and nothing is missed, whatever the order of causes was.
 */
#include "routed/report/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "common/clock.h"
#include "common/ctl/json.h"
#include "common/log.h"
#include "common/site/uplinkset.h"
#include "common/wallclock.h"
#include "routed/agent/agent.h"
#include "routed/agent/flowsweep.h"
#include "routed/kernel/plan.h"
#include "routed/report/hook.h"
#include "routed/report/serverevents.h"
#include "routed/report/status.h"

enum { NAMES_MAX = 512, EVENTS_STEPS_MAX = 20, EVENTS_STEP_MAX = 512 };

/* One uplink as last reported. */
struct reported_uplink {
	enum uplink_state state;
	bool is_reported;
	bool active;
	struct addr own[SITE_FAMILIES];
	struct addr gateway[SITE_FAMILIES];
};

struct events {
	struct eventsink sink;
	const struct health *health;
	struct reported_uplink uplinks[SITE_MAX_UPLINKS]; /* as site->uplinks */
	struct serverevents servers;
};

/* What differs from the last report of an uplink. */
struct uplink_news {
	const char *was; /* its state then; NULL: it is reported for the first time */
	bool state;
	bool active;
	bool addresses;
	bool gateway;
	int64_t cause_us; /* the moment that it goes back to; 0: none was seen */
};

int events_new(
	const struct eventsink *sink, const struct health *health, struct events **ret_events)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	events->sink = *sink;
	events->health = health;
	*ret_events = events;
	return 0;
}

void events_free(struct events *events)
{
	free(events);
}

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

static const char *why_now(const struct uplink *machine, char *out, size_t cap)
{
	return uplink_why(machine, clock_now_us(), wallclock_now_us(), out, cap);
}

/* ---- one uplink, as an event ---- */

static json_t *json_changed(const struct uplink_news *news)
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

static void emit_uplink(const struct eventsink *sink, const struct agent *agent, size_t i,
	const struct uplink_news *news)
{
	json_t *event = eventsink_event("uplink");
	json_t *facts = status_uplink(agent, i);
	int64_t cause_us = news->cause_us;

	json_object_set_new(event, "uplink", json_string(agent->site->uplinks[i].name));
	json_object_set_new(event, "was", news->was ? json_string(news->was) : json_null());
	json_object_set_new(event, "changed", json_changed(news));
	json_object_update_missing(event, facts);
	json_decref(facts);
	if (cause_us) {
		int64_t applied_us = agent->applied_us;

		json_object_set_new(event, "cause", json_time_us(wallclock_at_us(cause_us)));
		json_object_set_new(event, "cause_us", json_integer(cause_us));
		json_object_set_new(event, "applied_us", json_integer(applied_us));
		json_object_set_new(event, "took_us", json_integer(applied_us - cause_us));
	}
	eventsink_emit(sink, event);
}

/* ---- for the operator's program ---- */

static const char *addr_text(const struct addr *addr)
{
	return addr_is_set(addr) ? addr_str(addr) : "";
}

static void run_uplink_hook(
	struct hook *hook, const struct agent *agent, size_t i, const struct uplink_news *news)
{
	const struct site_uplink *config = &agent->site->uplinks[i];
	const struct situation_uplink *situation = &agent->situation.uplinks[i];
	const struct uplink *machine = &agent->uplinks[i]->machine;
	struct addr public4 = situation_public(config, situation, SITE_IPV4);
	struct addr public6 = situation_public(config, situation, SITE_IPV6);
	uint32_t active = agent_active(agent);
	char names[NAMES_MAX];
	char why[UPLINK_WHY_MAX];
	char changed[64];

	snprintf(changed, sizeof(changed), "%s%s%s%s", news->state ? "state " : "",
		news->active ? "active " : "", news->addresses ? "addresses " : "",
		news->gateway ? "gateway " : "");
	changed[strlen(changed) - 1] = '\0';

	const struct hook_fact facts[] = {
		{"UPLINK", config->name},
		{"INTERFACE", config->interface},
		{"STATE", uplink_state_str(uplink_state(machine))},
		{"WAS", news->was ? news->was : ""},
		{"WHY", why_now(machine, why, sizeof(why))},
		{"ACTIVE", uplinkset_has(active, i) ? "yes" : "no"},
		{"CHANGED", changed},
		{"PUBLIC4", addr_text(&public4)},
		{"PUBLIC6", addr_text(&public6)},
		{"GATEWAY4", addr_text(&situation->gateway[SITE_IPV4])},
		{"GATEWAY6", addr_text(&situation->gateway[SITE_IPV6])},
		{"ACTIVE_UPLINKS", names_of(agent->site, active, names, sizeof(names))},
	};
	hook_run(hook, agent->site->routing.notify, config->name, facts,
		sizeof(facts) / sizeof(facts[0]));
}

/* ---- for the log ---- */

static void log_state(const struct uplink *machine, const struct uplink_news *news,
	const char *name, int64_t applied_us)
{
	char why[UPLINK_WHY_MAX];
	char took[48] = "";

	if (news->was && news->cause_us)
		snprintf(took, sizeof(took), ", %.1f ms after the cause",
			(double)(applied_us - news->cause_us) / 1000);
	log_notice("uplink", "%s is %s (%s)%s", name, uplink_state_str(uplink_state(machine)),
		why_now(machine, why, sizeof(why)), took);
}

/* "192.168.2.1 and 2001:db8:a::1", "none". */
static const char *pair_text(const struct addr addrs[SITE_FAMILIES], char *out, size_t cap)
{
	const char *first = addr_text(&addrs[SITE_IPV4]);
	const char *second = addr_text(&addrs[SITE_IPV6]);

	snprintf(out, cap, "%s%s%s", first, *first && *second ? " and " : "", second);
	return *out ? out : "none";
}

static void log_addresses(const char *name, const struct situation_uplink *situation)
{
	char own[2 * ADDR_STR_LEN + 8];
	char gateway[2 * ADDR_STR_LEN + 8];

	log_notice("uplink", "%s: address %s, gateway %s", name,
		pair_text(situation->chosen, own, sizeof(own)),
		pair_text(situation->gateway, gateway, sizeof(gateway)));
}

static void log_active(const struct events *events, const struct agent *agent)
{
	char names[NAMES_MAX];
	uint32_t active = agent_active(agent);
	uint32_t before = 0;

	for (size_t i = 0; i < agent->site->n_uplinks; i++)
		if (events->uplinks[i].active)
			uplinkset_add(&before, i);
	if (active != before)
		log_notice("uplink", "new connections use: %s",
			names_of(agent->site, active, names, sizeof(names)));
}

/* ---- changes ---- */

static bool pair_eq(const struct addr a[SITE_FAMILIES], const struct addr b[SITE_FAMILIES])
{
	return addr_eq(&a[SITE_IPV4], &b[SITE_IPV4]) && addr_eq(&a[SITE_IPV6], &b[SITE_IPV6]);
}

static struct uplink_news uplink_compare(
	const struct reported_uplink *reported, const struct agent *agent, size_t i)
{
	const struct situation_uplink *situation = &agent->situation.uplinks[i];
	const struct uplink *machine = &agent->uplinks[i]->machine;
	enum uplink_state state = uplink_state(machine);
	struct uplink_news news = {
		.was = reported->is_reported ? uplink_state_str(reported->state) : NULL,
		.state = !reported->is_reported || reported->state != state,
		.active = reported->active != uplinkset_has(agent_active(agent), i),
		.addresses = !pair_eq(reported->own, situation->chosen),
		.gateway = !pair_eq(reported->gateway, situation->gateway),
	};

	/* the state of another uplink may be the cause that this one is used */
	if (agent->cause_us)
		news.cause_us = news.state ? machine->cause_us : agent->cause_us;
	return news;
}

/* True if its state has changed. */
static bool report_uplink(struct events *events, const struct agent *agent, size_t i)
{
	const struct situation_uplink *situation = &agent->situation.uplinks[i];
	const struct uplink *machine = &agent->uplinks[i]->machine;
	const char *name = agent->site->uplinks[i].name;
	struct reported_uplink *reported = &events->uplinks[i];
	struct uplink_news news = uplink_compare(reported, agent, i);

	if (!news.state && !news.active && !news.addresses && !news.gateway)
		return false;
	if (news.addresses || news.gateway)
		log_addresses(name, situation);
	if (news.state)
		log_state(machine, &news, name, agent->applied_us);
	emit_uplink(&events->sink, agent, i, &news);
	if (agent->site->routing.notify && !agent->standby)
		run_uplink_hook(events->sink.hook, agent, i, &news);

	*reported = (struct reported_uplink){
		.is_reported = true,
		.state = uplink_state(machine),
		.active = uplinkset_has(agent_active(agent), i),
	};
	memcpy(reported->own, situation->chosen, sizeof(reported->own));
	memcpy(reported->gateway, situation->gateway, sizeof(reported->gateway));
	return news.state;
}

static void report_deletion(
	struct events *events, const char *uplink, const struct flowsweep_uplink *sweep)
{
	bool all = sweep->deleted == FLOWS_ALL;

	if (sweep->deleted == FLOWS_NONE)
		return;
	log_info("flows", "%s: deleted the %sconnections that were bound to it", uplink,
		all ? "" : "outbound ");

	json_t *event = eventsink_event("flows");
	json_object_set_new(event, "uplink", json_string(uplink));
	json_object_set_new(event, "deleted", json_string(all ? "all" : "outbound"));
	json_object_set_new(event, "took_us", json_integer(sweep->took_us));
	eventsink_emit(&events->sink, event);
}

void events_address_gone(
	struct events *events, const char *uplink, const struct addr *addr, int64_t took_us)
{
	log_info("flows", "%s: deleted the connections that were bound to %s", uplink,
		addr_str(addr));

	json_t *event = eventsink_event("flows");
	json_object_set_new(event, "uplink", json_string(uplink));
	json_object_set_new(event, "deleted", json_string("address"));
	json_object_set_new(event, "address", json_string(addr_str(addr)));
	json_object_set_new(event, "took_us", json_integer(took_us));
	eventsink_emit(&events->sink, event);
}

/* The line that `systemctl status` shows. */
static void report_to_manager(const struct agent *agent)
{
	const struct site *site = agent->site;
	char names[NAMES_MAX];
	size_t n_up = 0;

	for (size_t i = 0; i < site->n_uplinks; i++)
		n_up += uplink_state(&agent->uplinks[i]->machine) == UPLINK_UP;
	sd_notifyf(0, "STATUS=%s%zu of %zu uplinks up, active: %s",
		agent->standby ? "standing by, " : "", n_up, site->n_uplinks,
		names_of(site, agent_active(agent), names, sizeof(names)));
}

bool events_changes(
	struct events *events, const struct agent *agent, const struct flowsweep *sweep)
{
	const struct site *site = agent->site;
	bool states_changed = false;

	log_active(events, agent);
	for (size_t i = 0; i < site->n_uplinks; i++)
		states_changed = report_uplink(events, agent, i) || states_changed;
	for (size_t i = 0; sweep && i < site->n_uplinks; i++)
		report_deletion(events, site->uplinks[i].name, &sweep->uplinks[i]);
	serverevents_changes(&events->servers, site, events->health, &events->sink,
		site->routing.notify && !agent->standby);
	report_to_manager(agent);
	return states_changed;
}

/* ---- other events ---- */

void events_repair(struct events *events, const struct plan *plan, struct links *links,
	const struct last_writer *writer)
{
	json_t *event = eventsink_event("repair");
	json_t *steps = json_array();
	char line[EVENTS_STEP_MAX];

	for (size_t i = 0; i < plan->n_steps && i < EVENTS_STEPS_MAX; i++)
		json_array_append_new(
			steps, json_string(plan_step_str(&plan->steps[i], agent_ifname, links,
				       line, sizeof(line))));
	json_object_set_new(event, "n_steps", json_integer((json_int_t)plan->n_steps));
	json_object_set_new(event, "steps", steps);
	json_object_set_new(event, "by", status_last_writer(writer));
	eventsink_emit(&events->sink, event);
}

void events_reload(struct events *events, int err)
{
	json_t *event = eventsink_event("reload");

	json_object_set_new(event, "ok", json_boolean(err == 0));
	eventsink_emit(&events->sink, event);
}

void events_standby(struct events *events, bool standby)
{
	json_t *event = eventsink_event("standby");

	json_object_set_new(event, "standby", json_boolean(standby));
	eventsink_emit(&events->sink, event);
}

/* ---- what the last report still says ---- */

void events_reset_uplinks(struct events *events)
{
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++)
		events->uplinks[i].is_reported = false;
}

void events_follow(struct events *events, const struct site *old, const struct site *site)
{
	struct reported_uplink before[SITE_MAX_UPLINKS];

	memcpy(before, events->uplinks, sizeof(before));
	memset(events->uplinks, 0, sizeof(events->uplinks));
	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct site_uplink *uplink = &site->uplinks[i];
		int k = site_find_uplink(old, uplink->name);

		if (k >= 0 && strcmp(old->uplinks[k].interface, uplink->interface) == 0)
			events->uplinks[i] = before[k];
	}
	serverevents_follow(&events->servers, old, site);
}
