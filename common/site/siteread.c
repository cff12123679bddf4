/* siteread.c - the schema of site.yaml: its keys, their types and their defaults
 *
 * One table per mapping. What is read first stands first in its table, whatever the order in
 * the file: uplinks inherit from `probing`, and everything else names uplinks. A key that
 * nothing acts on yet carries SCHEMA_IDLE; whoever makes something act on it takes the flag
 * away, here and in site.yaml(5).
 */
#include "common/site/siteread.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/site/siteprobe.h"
#include "common/site/sitetypes.h"
#include "common/site/sitevalue.h"
#include "common/site/uplinkset.h"
#include "common/site/value.h"

enum {
	SEC = 1000, /* ms */
	MIN = 60 * SEC,
	HOUR = 60 * MIN,
	DAY = 24 * HOUR,
	MAX_PORTS = 65535,
	MAX_PROBES = 64,
	MAX_LAN = 256,
	MAX_PREFIXES6 = 16,
};

/* probing, uplinks, lan */

static const struct schema_key degraded_keys[] = {
	{"loss", schema_percent, offsetof(struct site_probing, degraded_loss), 0, 0, 0, NULL},
	{"rtt", schema_time, offsetof(struct site_probing, degraded_rtt_ms), 0, 1, MIN, NULL},
	{0},
};

static const struct schema_key probing_keys[] = {
	{"interval", schema_time, offsetof(struct site_probing, interval_ms), 0, 10, HOUR,
		NULL},
	{"suspect", schema_time, offsetof(struct site_probing, suspect_ms), 0, 10, HOUR, NULL},
	{"timeout", schema_time, offsetof(struct site_probing, timeout_ms), 0, 10, MIN, NULL},
	{"fall", schema_uint, offsetof(struct site_probing, fall), 0, 1, 30, NULL},
	{"rise", schema_uint, offsetof(struct site_probing, rise), 0, 1, 1000, NULL},
	{"degraded", schema_object, 0, 0, 0, 0, degraded_keys},
	{0},
};

static const struct site_probing probing_defaults = {
	.interval_ms = 500,
	.suspect_ms = 100,
	.timeout_ms = 1 * SEC,
	.fall = 5,
	.rise = 5,
	.degraded_loss = 0.1,
	.degraded_rtt_ms = 500,
};

static void read_probing(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_probing *probing = out;
	struct doc_place suspect;
	struct doc_place degraded;

	(void)key;
	schema_map(at, probing_keys, probing);

	if (probing->suspect_ms > probing->interval_ms && doc_child(at, "suspect", &suspect))
		doc_error(&suspect,
			"%s is longer than the interval of %s: "
			"a suspect target is probed more often, not less",
			schema_time_str(probing->suspect_ms),
			schema_time_str(probing->interval_ms));
	else if (probing->suspect_ms > probing->interval_ms)
		probing->suspect_ms = probing->interval_ms;

	if (probing->degraded_rtt_ms >= probing->timeout_ms)
		doc_warn(doc_child(at, "degraded", &degraded) ? &degraded : at,
			"no answer takes %s: it counts as lost after the timeout of %s",
			schema_time_str(probing->degraded_rtt_ms),
			schema_time_str(probing->timeout_ms));
}

static void read_probe(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);
	struct site_probe *probe = out;

	(void)key;
	probe->line = site_line_of(at);
	const char *fault = text ? site_probe_parse(text, probe) : NULL;
	if (fault)
		doc_error(at, "'%s' %s", doc_printable(text), fault);
}

static void read_probes(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_uplink *uplink = out;
	void *items = NULL;

	(void)key;
	schema_list(at, MAX_PROBES, sizeof(struct site_probe), read_probe, &items,
		&uplink->n_probes);
	uplink->probes = items;
}

static void read_failback(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	if (text && strcmp(text, "manual") == 0)
		*(int64_t *)out = SITE_FAILBACK_MANUAL;
	else if (text)
		(void)schema_time_of(at, key, text, out);
}

static void read_mss(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_uplink *uplink = out;
	const char *text = doc_text(at);
	uint64_t bytes = 0;

	if (!text)
		return;
	if (strcmp(text, "auto") == 0)
		uplink->mss = SITE_MSS_AUTO;
	else if (strcmp(text, "no") == 0)
		uplink->mss = SITE_MSS_NO;
	else if (value_uint(text, (uint64_t)key->max, &bytes) < 0 ||
		 bytes < (uint64_t)key->min)
		doc_error(at, "'%s' is neither auto nor no nor a number from %d to %d",
			doc_printable(text), (int)key->min, (int)key->max);
	else {
		uplink->mss = SITE_MSS_FIXED;
		uplink->mss_bytes = (unsigned int)bytes;
	}
}

static const char *const nat6_words[] = {"ula", "all", "no", NULL};

static const struct schema_key uplink_keys[] = {
	{"name", site_read_name, offsetof(struct site_uplink, name), SCHEMA_REQUIRED, 0, 0,
		NULL},
	{"interface", site_read_interface, offsetof(struct site_uplink, interface),
		SCHEMA_REQUIRED, 0, 0, NULL},
	{"gateway", site_read_address, offsetof(struct site_uplink, gateway), 0, 0, AF_INET,
		NULL},
	{"gateway6", site_read_address, offsetof(struct site_uplink, gateway), 0, 0, AF_INET6,
		NULL},
	{"probes", read_probes, 0, 0, 0, 0, NULL},
	{"address", site_read_within, offsetof(struct site_uplink, address), 0, 0, 0, NULL},
	{"public", site_read_address, offsetof(struct site_uplink, public_addrs), 0, 0, 0,
		NULL},
	{"inbound", schema_bool, offsetof(struct site_uplink, inbound), 0, 0, 0, NULL},
	{"quorum", schema_uint, offsetof(struct site_uplink, quorum), 0, 1, MAX_PROBES, NULL},
	{"weight", schema_uint, offsetof(struct site_uplink, weight), 0, 0, 256, NULL},
	{"failback", read_failback, offsetof(struct site_uplink, failback_ms), 0, 0, DAY,
		NULL},
	{"probing", read_probing, offsetof(struct site_uplink, probing), 0, 0, 0, NULL},
	{"mss", read_mss, 0, 0, 536, 65495, NULL},
	{"nat6", schema_word, offsetof(struct site_uplink, nat6), 0, 0, 0, nat6_words},
	{"prefixes6", site_read_prefixes, offsetof(struct site_uplink, prefixes6), 0,
		MAX_PREFIXES6, AF_INET6, NULL},
	{0},
};

static void read_uplink(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_uplink *uplink = out;

	(void)key;
	uplink->line = site_line_of(at);
	uplink->inbound = true;
	uplink->quorum = 1;
	uplink->weight = 1;
	uplink->failback_ms = SITE_INHERIT;
	uplink->probing = site_of_place(at)->probing;
	schema_map(at, uplink_keys, uplink);
}

static void read_uplinks(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site *site = out;
	void *items = NULL;

	(void)key;
	schema_list(at, SITE_MAX_UPLINKS, sizeof(struct site_uplink), read_uplink, &items,
		&site->n_uplinks);
	site->uplinks = items;
	if (doc_is_list(at) && doc_n_items(at) == 0)
		doc_error(at, "is empty: at least one uplink is needed");
}

static void read_lan(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site *site = out;
	void *items = NULL;

	(void)key;
	schema_list(at, MAX_LAN, IFNAMSIZ, site_read_interface, &items, &site->n_lan);
	site->lan = items;
}

/* servers */

/* A mapping of uplink names, so it has no table. */
static void read_loopbacks(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_server *server = out;
	const struct site *site = site_of_place(at);
	const struct schema_key any_family = {0};

	(void)key;
	if (!doc_is_map(at)) {
		doc_error(at,
			"must be a mapping of uplinks to addresses, as in 'isp-a: 10.0.1.1'");
		return;
	}
	server->has_loopbacks = true;
	server->loopbacks = doc_calloc(at, site->n_uplinks, sizeof(*server->loopbacks));
	if (!server->loopbacks)
		return;

	uint32_t seen = 0;
	for (const yaml_node_pair_t *pair = at->node->data.mapping.pairs.start;
		pair < at->node->data.mapping.pairs.top; pair++) {
		struct doc_place name = {
			.doc = at->doc,
			.node = yaml_document_get_node(&at->doc->document, pair->key),
			.parent = at,
			.key = "?",
		};
		const char *text = doc_text(&name);
		if (!text)
			continue;
		name.key = text;
		int uplink = site_read_uplink_ref(&name, text);
		if (uplink < 0)
			continue;
		if (uplinkset_has(seen, (size_t)uplink)) {
			doc_error(&name, "this key is given twice");
			continue;
		}
		uplinkset_add(&seen, (size_t)uplink);
		name.node = yaml_document_get_node(&at->doc->document, pair->value);
		site_read_address(&name, &any_family, server->loopbacks[uplink]);
	}
}

static void read_port(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);
	struct site_port *port = out;

	(void)key;
	port->line = site_line_of(at);
	const char *fault = text ? site_port_parse(text, port) : NULL;
	if (fault)
		doc_error(at, "'%s' %s", doc_printable(text), fault);
}

static void read_ports(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_server *server = out;
	void *items = NULL;

	(void)key;
	schema_list(
		at, MAX_PORTS, sizeof(struct site_port), read_port, &items, &server->n_ports);
	server->ports = items;
}

static void read_server_uplinks(
	const struct doc_place *at, const struct schema_key *key, void *out)
{
	uint8_t list[SITE_MAX_UPLINKS];
	size_t n = site_read_uplink_list(at, list);

	(void)key;
	for (size_t i = 0; i < n; i++)
		uplinkset_add(out, list[i]);
}

static void read_check(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	(void)key;
	if (text && (strncmp(text, "tcp ", 4) != 0 || value_port(text + 4, out) < 0))
		doc_error(at, "'%s' should read 'tcp PORT'", doc_printable(text));
}

static const char *const udp_words[] = {"address", "loopback", NULL};

static const struct schema_key server_keys[] = {
	{"name", site_read_name, offsetof(struct site_server, name), SCHEMA_REQUIRED, 0, 0,
		NULL},
	{"address", site_read_address, offsetof(struct site_server, address), SCHEMA_REQUIRED,
		0, 0, NULL},
	{"loopbacks", read_loopbacks, 0, 0, 0, 0, NULL},
	{"ports", read_ports, 0, 0, 0, 0, NULL},
	{"udp", schema_choice, offsetof(struct site_server, udp_to_loopback), 0, 0, 0,
		udp_words},
	{"uplinks", read_server_uplinks, offsetof(struct site_server, uplinks), 0, 0, 0, NULL},
	{"from", site_read_prefixes, offsetof(struct site_server, from), 0, 0, 0, NULL},
	{"via", site_read_address, offsetof(struct site_server, via), 0, 0, 0, NULL},
	{"route", schema_bool, offsetof(struct site_server, route), 0, 0, 0, NULL},
	{"check", read_check, offsetof(struct site_server, check_port), 0, 0, 0, NULL},
	{0},
};

static void read_server(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_server *server = out;
	const struct site *site = site_of_place(at);
	struct doc_place uplinks;

	(void)key;
	server->line = site_line_of(at);
	server->route = true;
	schema_map(at, server_keys, server);

	for (int family = 0; family < SITE_FAMILIES; family++)
		if (!addr_is_set(&server->via[family]))
			server->via[family] = server->address[family];
	if (doc_child(at, "uplinks", &uplinks))
		return;
	for (size_t i = 0; i < site->n_uplinks; i++)
		if (site->uplinks[i].inbound)
			uplinkset_add(&server->uplinks, i);
}

static void read_servers(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site *site = out;
	void *items = NULL;

	(void)key;
	schema_list(at, SITE_MAX_SERVERS, sizeof(struct site_server), read_server, &items,
		&site->n_servers);
	site->servers = items;
}

/* the whole file */

static const struct schema_key site_keys[] = {
	{"probing", read_probing, offsetof(struct site, probing), 0, 0, 0, NULL},
	{"uplinks", read_uplinks, 0, SCHEMA_REQUIRED, 0, 0, NULL},
	{"lan", read_lan, 0, 0, 0, 0, NULL},
	{"servers", read_servers, 0, 0, 0, 0, NULL},
	{"routing", site_read_routing, offsetof(struct site, routing), 0, 0, 0, NULL},
	{"dns", site_read_dns, offsetof(struct site, dns), 0, 0, 0, NULL},
	{0},
};

void site_read_keys(struct doc *doc, struct site *site)
{
	struct doc_place root = doc_root(doc);

	doc->owner = site;
	site->probing = probing_defaults;
	site->routing = site_routing_defaults;
	site->dns = site_dns_defaults;
	schema_map(&root, site_keys, site);
}
