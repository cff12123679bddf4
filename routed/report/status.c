/* status.c - the facts that `routed status` shows, as JSON
 *
 * Called by the control socket's handler, and by events.c for the facts in an event. It reads
 * and changes nothing.
 */
#include "routed/report/status.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ctl/ctl.h"
#include "common/ctl/json.h"
#include "common/net/links.h"
#include "common/site/siteprobe.h"
#include "common/site/sitevalue.h"
#include "common/site/uplinkset.h"
#include "common/wallclock.h"
#include "routed/agent/agent.h"
#include "routed/health/health.h"
#include "routed/kernel/nft.h"
#include "routed/kernel/rtnlwatch.h"
#include "routed/report/hook.h"
#include "routed/uplink/target.h"
#include "routed/wanted/decide.h"
#include "routed/wanted/flowcount.h"
#include "routed/wanted/nfttext.h"
#include "routed/wanted/selftest.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wantednumbers.h"

enum { SEC = 1000000 /* us */ };

/* ---- values ---- */

static json_t *json_first(const struct addr addrs[SITE_FAMILIES])
{
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		if (addr_is_set(&addrs[family]))
			return json_string(addr_str(&addrs[family]));
	return json_null();
}

static json_t *json_us_as_ms(int64_t us)
{
	return us < 0 ? json_null() : json_real((double)us / 1000);
}

static json_t *json_hex(uint32_t number)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%x", number);
	return json_string(text);
}

static json_t *json_uint64(uint64_t number)
{
	return json_integer((json_int_t)number);
}

/* ---- the return path of forwarded connections ---- */

/* The counts of the table; NULL if it cannot be read. */
static struct selftest *read_selftest(const struct agent *agent, struct nft *nft)
{
	struct selftest *selftest = selftest_new(agent->site, &agent->situation);

	if (selftest && selftest_read(selftest, nft) < 0) {
		selftest_free(selftest);
		return NULL;
	}
	return selftest;
}

static json_t *json_return_path(
	const struct site *site, const uint64_t connections[SELFTEST_KINDS])
{
	bool is_counted = wanted_mark_answered(site) != 0;

	return json_pack("{s:o, s:o, s:o}", "connections",
		json_uint64(connections[SELFTEST_ARRIVED]), "answered",
		is_counted ? json_uint64(connections[SELFTEST_ANSWERED]) : json_null(),
		"wrong_uplink",
		is_counted ? json_uint64(connections[SELFTEST_ASTRAY]) : json_null());
}

static json_t *json_return_path_of_uplink(
	const struct site *site, const struct selftest *selftest, size_t uplink)
{
	uint64_t sums[SELFTEST_KINDS] = {0};
	size_t n;

	if (!selftest)
		return json_null();
	const struct selftest_row *rows = selftest_rows(selftest, &n);
	for (size_t i = 0; i < n; i++)
		for (size_t kind = 0; kind < SELFTEST_KINDS && rows[i].uplink == uplink;
			kind++)
			sums[kind] += rows[i].connections[kind];
	return json_return_path(site, sums);
}

/* The packets of each uplink that the table has dropped, by counter. */
static const struct {
	enum wanted_counter counter;
	const char *name;
} drops[] = {
	{WANTED_COUNTER_GUARDED, "packets_guarded"},
	{WANTED_COUNTER_FORGED, "packets_forged"},
	{WANTED_COUNTER_INSIDE_VIEW, "packets_inside_view"},
};

enum { N_DROPS = sizeof(drops) / sizeof(drops[0]) };

struct dropped {
	uint64_t packets[SITE_MAX_UPLINKS][N_DROPS];
	size_t n_uplinks;
};

static void on_drop_counter(const char *name, uint64_t packets, uint64_t bytes, void *arg)
{
	struct dropped *dropped = arg;
	char wanted[WANTED_COUNTER_NAME];

	(void)bytes;
	for (size_t i = 0; i < dropped->n_uplinks; i++)
		for (size_t k = 0; k < N_DROPS; k++)
			if (strcmp(name, wanted_counter_name(drops[k].counter, i, wanted)) ==
				0)
				dropped->packets[i][k] = packets;
}

/* Adds the table's counts to each uplink. */
static void add_table_counts(const struct site *site, struct nft *nft,
	const struct selftest *selftest, json_t *uplinks)
{
	struct dropped dropped = {.n_uplinks = site->n_uplinks};
	int err = nft_each_counter(nft, on_drop_counter, &dropped);

	for (size_t i = 0; i < site->n_uplinks; i++) {
		json_t *uplink = json_array_get(uplinks, i);

		json_object_set_new(
			uplink, "return_path", json_return_path_of_uplink(site, selftest, i));
		for (size_t k = 0; k < N_DROPS; k++)
			json_object_set_new(uplink, drops[k].name,
				err < 0 ? json_null() : json_uint64(dropped.packets[i][k]));
	}
}

/* The forwards of one server; moves `rows` from its first row to that of the next server. */
static json_t *json_return_path_of_server(const struct site *site, size_t server,
	const struct selftest_row **rows, const struct selftest_row *end)
{
	json_t *list = json_array();

	for (; *rows < end && (*rows)->server == server; (*rows)++) {
		json_t *row = json_return_path(site, (*rows)->connections);

		json_object_set_new(row, "ports",
			json_string(
				site_port_str(&site->servers[server].ports[(*rows)->port])));
		json_object_set_new(
			row, "uplink", json_string(site->uplinks[(*rows)->uplink].name));
		json_array_append_new(list, row);
	}
	return list;
}

/* ---- uplinks ---- */

static json_t *json_target(const struct uplink_target *entry)
{
	const struct target *target = &entry->target;
	int64_t now_us = clock_now_us();
	struct target_stats stats = target_stats(target, now_us);
	char probe[SITE_PROBE_STR_LEN];

	return json_pack("{s:s, s:s, s:f, s:o, s:o, s:i, s:i, s:I, s:I, s:I}", "target",
		site_probe_str(&entry->probe, probe), "verdict",
		target_verdict_str(target->verdict), "loss", stats.loss, "rtt_ms",
		json_us_as_ms(stats.rtt_us), "rtt_min_ms", json_us_as_ms(stats.rtt_min_us),
		"lost_in_row", (int)target->lost_in_row, "fall",
		(int)target_fall_now(target, now_us), "sent", (json_int_t)target->n_sent,
		"answered", (json_int_t)target->n_answered, "lost",
		(json_int_t)target->n_lost);
}

static json_t *json_targets(const struct uplink *uplink)
{
	json_t *list = json_array();

	for (size_t i = 0; i < uplink->n_targets; i++)
		json_array_append_new(list, json_target(&uplink->targets[i]));
	return list;
}

/* ---- the connections that are left on drained uplinks ---- */

static struct flowcount_want flowcount_want_of(const struct agent *agent, size_t i)
{
	const struct situation_uplink *uplink = &agent->situation.uplinks[i];
	struct flowcount_want want = {
		.mark = wanted_mark_out(agent->site, i),
		.mask = wanted_mark_uplink_mask(agent->site),
		.in_bit = wanted_mark_in(agent->site, i) & ~wanted_mark_out(agent->site, i),
	};

	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		want.own[want.n_own++] = uplink->chosen[family];
	for (size_t k = 0; k < uplink->n_addrs; k++)
		want.own[want.n_own++] = uplink->addrs[k].addr;
	return want;
}

/* For each uplink; an uplink that is not drained is not counted. */
static void count_left(const struct agent *agent, struct flowcount *flowcount,
	struct flowcount_found ret_found[SITE_MAX_UPLINKS])
{
	struct flowcount_want wants[SITE_MAX_UPLINKS];
	struct flowcount_found found[SITE_MAX_UPLINKS];
	size_t places[SITE_MAX_UPLINKS];
	size_t n = 0;

	memset(ret_found, 0, SITE_MAX_UPLINKS * sizeof(*ret_found));
	for (size_t i = 0; i < agent->site->n_uplinks; i++) {
		if (!agent->uplinks[i]->machine.drained)
			continue;
		wants[n] = flowcount_want_of(agent, i);
		places[n++] = i;
	}
	flowcount_ask(flowcount, wants, n, found);
	for (size_t k = 0; k < n; k++)
		ret_found[places[k]] = found[k];
}

static void add_left(json_t *object, const struct flowcount_found *left)
{
	const struct conntrack_counts *counts = &left->counts;
	bool known = left->is_known;

	json_object_set_new(
		object, "flows", known ? json_uint64(counts->out + counts->in) : json_null());
	json_object_set_new(
		object, "flows_out", known ? json_uint64(counts->out) : json_null());
	json_object_set_new(object, "flows_in", known ? json_uint64(counts->in) : json_null());
}

json_t *status_flows(const struct agent *agent, struct flowcount *flowcount, const char *name)
{
	int i = name ? site_find_uplink(agent->site, name) : -1;
	struct flowcount_found left[SITE_MAX_UPLINKS];

	if (i < 0)
		return json_pack("{s:s}", "error", "there is no uplink of that name");
	count_left(agent, flowcount, left);
	json_t *object = json_pack("{s:s, s:b}", "uplink", agent->site->uplinks[i].name,
		"drained", (int)agent->uplinks[i]->machine.drained);
	add_left(object, &left[i]);
	return object;
}

/* ---- uplinks, with all their members ---- */

static void add_links(json_t *object, const struct agent *agent, size_t i)
{
	const struct site_uplink *config = &agent->site->uplinks[i];
	const struct situation_uplink *situation = &agent->situation.uplinks[i];
	const struct addr public_addrs[SITE_FAMILIES] = {
		situation_public(config, situation, SITE_IPV4),
		situation_public(config, situation, SITE_IPV6),
	};

	json_object_set_new(object, "carrier", json_boolean(situation->carrier));
	json_object_set_new(object, "addresses", json_addrs(situation->chosen));
	json_object_set_new(object, "public", json_addrs(public_addrs));
	json_object_set_new(object, "gateway", json_first(situation->gateway));
	json_object_set_new(object, "gateways", json_addrs(situation->gateway));
	json_object_set_new(object, "unnumbered", json_boolean(situation->unnumbered));
	json_object_set_new(object, "inbound", json_boolean(config->inbound));
}

json_t *status_uplink(const struct agent *agent, size_t i)
{
	const struct site_uplink *config = &agent->site->uplinks[i];
	const struct uplink *machine = &agent->uplinks[i]->machine;
	int64_t now_us = clock_now_us();
	char why[UPLINK_WHY_MAX];
	json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:b}", "name", config->name,
		"interface", config->interface, "state",
		uplink_state_str(uplink_state(machine)), "why",
		uplink_why(machine, now_us, wallclock_at_us(now_us), why, sizeof(why)),
		"active", (int)uplinkset_has(agent_active(agent), i));

	add_links(object, agent, i);
	json_object_set_new(object, "loss", json_real(machine->loss));
	json_object_set_new(object, "rtt_ms", json_us_as_ms(machine->rtt_us));
	json_object_set_new(object, "since",
		json_time((time_t)(wallclock_at_us(machine->since_us) / SEC)));
	return object;
}

static json_t *uplink_in_full(
	const struct agent *agent, size_t i, const struct flowcount_found *left)
{
	const struct uplink *machine = &agent->uplinks[i]->machine;
	const struct decision *decision = &agent->decision;
	json_t *object = status_uplink(agent, i);

	json_object_set_new(object, "drained", json_boolean(machine->drained));
	add_left(object, left);
	json_object_set_new(object, "active_ipv4",
		json_boolean(uplinkset_has(decision->active[SITE_IPV4], i)));
	json_object_set_new(object, "active_ipv6",
		json_boolean(uplinkset_has(decision->active[SITE_IPV6], i)));
	json_object_set_new(
		object, "table", json_integer(wanted_uplink_table(agent->site, i)));
	json_object_set_new(object, "mark_out", json_hex(wanted_mark_out(agent->site, i)));
	json_object_set_new(object, "mark_in", json_hex(wanted_mark_in(agent->site, i)));
	json_object_set_new(object, "hold_ms", json_integer(uplink_hold_us(machine) / 1000));
	json_object_set_new(object, "relapses", json_integer(machine->relapses));
	json_object_set_new(object, "packets_out", json_uint64(machine->traffic.out));
	json_object_set_new(object, "packets_replied", json_uint64(machine->traffic.replies));
	json_object_set_new(object, "targets", json_targets(machine));
	return object;
}

json_t *status_uplinks(const struct agent *agent, struct flowcount *flowcount)
{
	struct flowcount_found left[SITE_MAX_UPLINKS];
	json_t *list = json_array();

	count_left(agent, flowcount, left);
	for (size_t i = 0; i < agent->site->n_uplinks; i++)
		json_array_append_new(list, uplink_in_full(agent, i, &left[i]));
	return list;
}

/* ---- the rest ---- */

static json_t *json_check(const struct site_uplink *uplink, const struct health_path *path)
{
	int64_t since_us = path->since_us;

	return json_pack("{s:s, s:s, s:i, s:b, s:s, s:o, s:o}", "uplink", uplink->name,
		"address", addr_str(&path->addr), "port", (int)path->port, "alive",
		(int)path->alive, "why", path->why, "rtt_ms", json_us_as_ms(path->rtt_us),
		"since",
		since_us ? json_time((time_t)(wallclock_at_us(since_us) / SEC)) : json_null());
}

/* One entry for each path and family that is checked. */
static json_t *json_checks(const struct site *site, const struct health *health, size_t server)
{
	json_t *list = json_array();

	for (size_t i = 0; i < site->n_uplinks; i++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
			struct health_path path;

			if (health_path(health, server, i, family, &path))
				json_array_append_new(
					list, json_check(&site->uplinks[i], &path));
		}
	return list;
}

static json_t *json_server_status(
	const struct site *site, const struct health *health, size_t s)
{
	const struct site_server *server = &site->servers[s];
	json_t *uplinks = json_array();
	json_t *loopbacks = json_object();

	for (size_t i = 0; i < site->n_uplinks; i++) {
		if (uplinkset_has(server->uplinks, i))
			json_array_append_new(uplinks, json_string(site->uplinks[i].name));
		if (server->has_loopbacks &&
			(addr_is_set(&server->loopbacks[i][SITE_IPV4]) ||
				addr_is_set(&server->loopbacks[i][SITE_IPV6])))
			json_object_set_new(loopbacks, site->uplinks[i].name,
				json_addrs(server->loopbacks[i]));
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:i, s:o}", "name", server->name,
		"address", json_first(server->address), "addresses",
		json_addrs(server->address), "uplinks", uplinks, "loopbacks", loopbacks,
		"forwards", (int)server->n_ports, "checks", json_checks(site, health, s));
}

static json_t *json_server_list(
	const struct site *site, const struct health *health, const struct selftest *selftest)
{
	json_t *list = json_array();
	size_t n = 0;
	const struct selftest_row *rows = selftest ? selftest_rows(selftest, &n) : NULL;
	const struct selftest_row *end = selftest ? rows + n : NULL;

	for (size_t i = 0; i < site->n_servers; i++) {
		json_t *server = json_server_status(site, health, i);

		json_object_set_new(server, "return_path",
			selftest ? json_return_path_of_server(site, i, &rows, end)
				 : json_null());
		json_array_append_new(list, server);
	}
	return list;
}

json_t *status_last_writer(const struct last_writer *writer)
{
	if (writer->at_s == 0)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "pid",
		writer->pid ? json_integer(writer->pid) : json_null(), "name",
		writer->name[0] ? json_string(writer->name) : json_null(), "time",
		json_time(writer->at_s));
}

static json_t *json_repairs(
	const struct agent_counters *counters, const struct last_writer *writer)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "steps", json_uint64(counters->repairs),
		"table", json_uint64(counters->table_lost), "last", status_last_writer(writer),
		"looks", json_uint64(counters->looks), "changes",
		json_uint64(counters->changes));
}

static json_t *json_kernel(const struct site *site, const struct kernel *wanted)
{
	const struct site_routing *routing = &site->routing;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "routes",
		(json_int_t)wanted->n_routes, "rules", (json_int_t)wanted->n_rules, "table",
		(json_int_t)wanted_default_table(site), "priority",
		(json_int_t)routing->priority, "default_priority",
		(json_int_t)routing->default_priority, "mark_mask",
		json_hex(wanted_mark_mask(site)));
}

static json_t *json_agent_counters(const struct status_facts *facts)
{
	const struct links_counters *links = links_counters(facts->links);
	const struct rtnlwatch_counters *watch = rtnlwatch_counters(facts->watch);
	const struct nft_counters *nft = nft_counters(facts->nft);
	const struct hook_counters *hook = hook_counters(facts->hook);

	const struct {
		const char *name;
		uint64_t count;
	} counters[] = {
		{"switches", facts->counters->switches},
		{"flow_deletions", facts->counters->deletions},
		{"link_messages", links->messages},
		{"link_overruns", links->overruns},
		{"route_messages", watch->messages},
		{"table_written", nft->replaced},
		{"table_changed", nft->changed},
		{"notify_run", hook->run},
		{"notify_failed", hook->failed + hook->killed},
		{"notify_dropped", hook->dropped},
		{"subscribers", ctl_n_subscribers(facts->ctl)},
	};
	json_t *object = json_object();

	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		json_object_set_new(object, counters[i].name, json_uint64(counters[i].count));
	return object;
}

json_t *status_json(const struct status_facts *facts)
{
	const struct agent *agent = facts->agent;
	const struct site *site = agent->site;
	struct selftest *selftest = read_selftest(agent, facts->nft);
	json_t *uplinks = status_uplinks(agent, facts->flowcount);
	json_t *servers = json_server_list(site, facts->health, selftest);

	add_table_counts(site, facts->nft, selftest, uplinks);
	selftest_free(selftest);
	return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:o}",
		"version", MH_VERSION, "pid", (int)getpid(), "config", facts->config,
		"started", json_time(facts->started_s), "loaded", json_time(facts->loaded_s),
		"reload_failed", json_time(facts->load_failed_s), "standby",
		(int)agent->standby, "mode",
		site->routing.mode == SITE_MODE_FAILOVER ? "failover" : "balance", "uplinks",
		uplinks, "servers", servers, "repairs",
		json_repairs(facts->counters, facts->last_writer), "kernel",
		json_kernel(site, facts->wanted), "counters", json_agent_counters(facts));
}
