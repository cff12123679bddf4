/* status.c - the reply to `dnsd status` as JSON, made from the running server
 *
 * The control socket's handler calls it on the main thread. It reads struct dnsd and changes
 * nothing but the egress that it checks again. The workers count on while it reads: each
 * counter is right, but they may be some queries apart.
 */
#include "dnsd/status.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/ctl/ctlsubscriber.h"
#include "common/ctl/json.h"
#include "common/net/links.h"
#include "common/site/uplinkset.h"
#include "dnsd/dnsd.h"
#include "dnsd/parent/parent.h"
#include "dnsd/serve/sockets.h"
#include "dnsd/serve/tcp.h"
#include "dnsd/state/factslinks.h"
#include "dnsd/state/routedclient.h"
#include "dnsd/state/routedreport.h"
#include "dnsd/wire/message.h"

/* ---- counters ---- */

#define NAME(COUNTER, name, heading) [STATS_##COUNTER] = (name),
static const char *const counter_names[] = {STATS_COUNTERS(NAME)};
#undef NAME

enum { N_NAMED_RCODES = DNS_RCODE_NOTZONE + 1 };

static json_t *json_counters(const uint64_t totals[STATS_N_COUNTERS])
{
	json_t *counters = json_object();
	json_t *rcodes = json_object();
	uint64_t other = 0;

	for (unsigned int i = 0; i < STATS_RCODE_0; i++)
		json_object_set_new(
			counters, counter_names[i], json_integer((json_int_t)totals[i]));
	for (unsigned int i = STATS_RCODE_0; i < STATS_N_COUNTERS; i++)
		if (i - STATS_RCODE_0 < N_NAMED_RCODES)
			json_object_set_new(rcodes, message_rcode_str(i - STATS_RCODE_0),
				json_integer((json_int_t)totals[i]));
		else
			other += totals[i];
	json_object_set_new(rcodes, "other", json_integer((json_int_t)other));
	json_object_set_new(counters, "rcodes", rcodes);
	return counters;
}

static json_t *json_view_counters(const struct dnsd *dnsd, const struct view *view, bool tcp)
{
	uint64_t totals[STATS_N_COUNTERS];

	memcpy(totals, tcp ? view->gone_tcp : view->gone_udp, sizeof(totals));
	sockets_count(dnsd->sockets, view, tcp, totals);
	return json_counters(totals);
}

/* ---- sockets ---- */

/* The interface by which answers leave; "" if there is no route. */
static json_t *json_egress_interface(const struct dnsd *dnsd, const struct egress_path *path)
{
	if (!path || path->found == EGRESS_UNKNOWN)
		return json_null();
	const struct link *link = links_find_index(dnsd->links, path->found);
	return json_string(link ? link->name : "");
}

static json_t *json_socket(const struct dnsd *dnsd, const struct socket_state *state)
{
	const struct egress_path *path = egress_find(&dnsd->egress, &state->addr);
	json_t *socket = json_pack("{s:s, s:s, s:s, s:i, s:s, s:o, s:o, s:b}", "view",
		state->view->name, "protocol", state->tcp ? "tcp" : "udp", "address",
		addr_str(&state->addr), "port", (int)state->port, "state",
		state->is_open ? "open" : "waiting", "error",
		json_string_or_null(state->problem), "egress_interface",
		json_egress_interface(dnsd, path), "egress_mismatch",
		(int)(path && path->is_mismatch));

	if (!state->tcp)
		json_object_set_new(socket, "threads", json_integer(state->n_threads));
	if (!state->is_open)
		json_object_set_new(socket, "retry_in_ms", json_integer(state->retry_in_ms));
	return socket;
}

static json_t *json_sockets(const struct dnsd *dnsd)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sockets_n(dnsd->sockets); i++) {
		struct socket_state state = sockets_state(dnsd->sockets, i);

		json_array_append_new(list, json_socket(dnsd, &state));
	}
	return list;
}

/* ---- views ---- */

static void view_add_answers(json_t *object, const struct dnsd *dnsd, const struct view *view)
{
	const struct table *table = view_current(view)->table;

	json_object_set_new(object, "answers",
		json_pack("{s:I, s:I}", "octets", (json_int_t)table_size(table), "precompiled",
			(json_int_t)table_n_answers(table)));
	json_object_set_new(object, "udp", json_view_counters(dnsd, view, false));
	json_object_set_new(object, "tcp", json_view_counters(dnsd, view, true));
}

static json_t *json_inside(const struct dnsd *dnsd, const struct view *view)
{
	json_t *object = json_pack("{s:s, s:b, s:o}", "name", view->name, "inside", 1,
		"addresses", json_addrs(dnsd->facts.lan));

	view_add_answers(object, dnsd, view);
	return object;
}

/* The report of routed on an uplink, null for none. */
static json_t *json_reported(const struct routed_report_uplink *reported)
{
	if (!reported)
		return json_null();
	return json_pack("{s:s, s:s, s:b, s:o}", "state", uplink_state_str(reported->state),
		"why", reported->why, "active", (int)reported->active, "since",
		json_string_or_null(reported->since));
}

static void view_add_sources(json_t *object, const struct routed_report_verdict *verdict)
{
	json_object_set_new(object, "source",
		json_string(verdict->by_routed ? "routed" : "netlink mirror"));
	json_object_set_new(object, "routed", json_reported(verdict->reported));
	json_object_set_new(object, "mirror",
		json_pack("{s:s, s:s}", "state", uplink_state_str(verdict->mirror), "why",
			verdict->mirror_why));
}

static json_t *json_uplink_view(const struct dnsd *dnsd, size_t i, const struct view *view)
{
	const struct site_uplink *uplink = &dnsd->config->site->uplinks[i];
	const struct uplink_facts *facts = &dnsd->facts.uplinks[i];
	const struct link *link = links_find(dnsd->links, uplink->interface);
	struct routed_report_verdict verdict;
	struct addr own[SITE_FAMILIES] = {0};

	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		own[family] = routed_report_own_addr(
			routed_client_report(dnsd->routed), uplink, link, family);
	routed_report_weigh(routed_client_report(dnsd->routed), uplink, link, &verdict);
	json_t *object = json_pack("{s:s, s:b, s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "name",
		uplink->name, "inside", 0, "interface", uplink->interface, "state",
		uplink_state_str(facts->state), "why", verdict.why, "carrier",
		(int)(link && link->carrier), "inbound", (int)uplink->inbound, "addresses",
		json_addrs(own), "public", json_addrs(facts->public_addrs));
	view_add_sources(object, &verdict);
	if (view)
		view_add_answers(object, dnsd, view);
	return object;
}

static const struct view *dnsd_view_of(const struct dnsd *dnsd, int index)
{
	for (size_t i = 0; i < dnsd->n_views; i++)
		if (dnsd->views[i]->index == index)
			return dnsd->views[i];
	return NULL;
}

/* All uplinks, also those without a view (inbound: no), then the inside. */
static json_t *json_views(const struct dnsd *dnsd)
{
	json_t *list = json_array();
	const struct view *inside = dnsd_view_of(dnsd, FACTS_VIEW_INSIDE);

	for (size_t i = 0; i < dnsd->config->site->n_uplinks; i++)
		json_array_append_new(
			list, json_uplink_view(dnsd, i, dnsd_view_of(dnsd, (int)i)));
	if (inside)
		json_array_append_new(list, json_inside(dnsd, inside));
	return list;
}

static json_t *json_dead(const struct dnsd *dnsd, size_t server)
{
	const struct site *site = dnsd->config->site;
	json_t *list = json_array();

	for (size_t i = 0; i < site->n_uplinks; i++) {
		const char *why = routed_report_dead_why(routed_client_report(dnsd->routed),
			site->servers[server].name, site->uplinks[i].name);

		if (uplinkset_has(dnsd->facts.servers[server].dead, i))
			json_array_append_new(
				list, json_pack("{s:s, s:s?}", "uplink", site->uplinks[i].name,
					      "why", why));
	}
	return list;
}

static json_t *json_servers(const struct dnsd *dnsd)
{
	const struct site *site = dnsd->config->site;
	json_t *list = json_array();

	for (size_t i = 0; i < site->n_servers; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:o}", "name", site->servers[i].name, "dead",
				      json_dead(dnsd, i)));
	return list;
}

static json_t *json_zones(const struct dnsd *dnsd)
{
	const struct config *config = dnsd->config;
	json_t *list = json_array();

	for (size_t i = 0; i < config->n_zones; i++) {
		const struct zone *zone = config->zones[i];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:I, s:I, s:o}", "name",
				config->site->dns.zones[i].name, "file", zone->file, "serial",
				(json_int_t)zone->serial, "records",
				(json_int_t)zone->n_records, "parent",
				parent_json(dnsd->parent, config->site->dns.zones[i].name)));
	}
	return list;
}

static json_t *json_links(const struct dnsd *dnsd)
{
	const struct links_counters *counters = links_counters(dnsd->links);

	return json_pack("{s:s, s:I, s:I, s:I}", "source", "netlink mirror", "messages",
		(json_int_t)counters->messages, "overruns", (json_int_t)counters->overruns,
		"resyncs", (json_int_t)counters->resyncs);
}

static json_t *json_counter(uint64_t number)
{
	return json_integer((json_int_t)number);
}

/* A negative number means none: null. */
static json_t *json_ms(int64_t ms)
{
	return ms < 0 ? json_null() : json_integer(ms);
}

static json_t *json_routed(const struct dnsd *dnsd)
{
	const struct routed_report *report = routed_client_report(dnsd->routed);
	struct routed_client_state state;

	routed_client_look(dnsd->routed, &state);
	const struct ctl_subscriber_state *subscriber = state.subscriber;
	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "path",
		state.path, "connected", (int)subscriber->connected, "since",
		json_time(subscriber->since_s), "error", json_string_or_null(subscriber->why),
		"last_report", json_time(state.report_s), "age_ms", json_ms(state.age_ms),
		"grace_ms", json_ms(state.grace_left_ms), "seq",
		report ? json_integer(report->seq) : json_null(), "reports",
		json_counter(subscriber->lines), "reconnects",
		json_counter(subscriber->connections > 0 ? subscriber->connections - 1 : 0),
		"failures", json_counter(subscriber->failures));
}

static json_t *json_connections(const struct dnsd *dnsd)
{
	const struct tcp_counters *counters = tcp_server_counters(dnsd->tcp);

	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "open", (json_int_t)counters->open,
		"accepted", (json_int_t)counters->accepted, "evicted",
		(json_int_t)counters->evicted, "timed_out", (json_int_t)counters->timed_out,
		"bad", (json_int_t)counters->bad);
}

json_t *status_json(struct dnsd *dnsd)
{
	dnsd_check_egress(dnsd);
	return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"version", MH_VERSION, "pid", (int)getpid(), "config", dnsd->cli->config,
		"started", json_time(dnsd->started_s), "loaded", json_time(dnsd->loaded_s),
		"reload_failed", json_time(dnsd->load_failed_s), "links", json_links(dnsd),
		"routed", json_routed(dnsd), "views", json_views(dnsd), "servers",
		json_servers(dnsd), "sockets", json_sockets(dnsd), "connections",
		json_connections(dnsd), "zones", json_zones(dnsd));
}
