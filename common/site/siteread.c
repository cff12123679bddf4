/* siteread.c - the schema of site.yaml: its keys, their types and their defaults
 *
 * One table per mapping. The order of a table is the order of reading, whatever the order in
 * the file: uplinks inherit from `probing`, and everything else names uplinks. A key without
 * effect carries SCHEMA_IDLE; the change that gives it an effect removes the flag, here and
 * in site.yaml(5).
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

#define PROBING(member) offsetof(struct site_probing, member)
#define UPLINK(member)	offsetof(struct site_uplink, member)
#define SERVER(member)	offsetof(struct site_server, member)
#define SITE(member)	offsetof(struct site, member)

/* probing, uplinks, lan */

static const struct schema_key degraded_keys[] = {
	{.name = "loss", .read = schema_percent, .offset = PROBING(degraded_loss)},
	{.name = "rtt",
		.read = schema_time,
		.offset = PROBING(degraded_rtt_ms),
		.min = 1,
		.max = MIN},
	{0},
};

static const struct schema_key probing_keys[] = {
	{.name = "interval",
		.read = schema_time,
		.offset = PROBING(interval_ms),
		.min = 10,
		.max = HOUR},
	{.name = "suspect",
		.read = schema_time,
		.offset = PROBING(suspect_ms),
		.min = 10,
		.max = HOUR},
	{.name = "timeout",
		.read = schema_time,
		.offset = PROBING(timeout_ms),
		.min = 10,
		.max = MIN},
	{.name = "fall", .read = schema_uint, .offset = PROBING(fall), .min = 1, .max = 30},
	{.name = "rise", .read = schema_uint, .offset = PROBING(rise), .min = 1, .max = 1000},
	{.name = "degraded", .read = schema_object, .keys = degraded_keys},
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
	{.name = "name",
		.read = site_read_name,
		.offset = UPLINK(name),
		.flags = SCHEMA_REQUIRED},
	{.name = "interface",
		.read = site_read_interface,
		.offset = UPLINK(interface),
		.flags = SCHEMA_REQUIRED},
	{.name = "gateway",
		.read = site_read_address,
		.offset = UPLINK(gateway),
		.family = AF_INET},
	{.name = "gateway6",
		.read = site_read_address,
		.offset = UPLINK(gateway),
		.family = AF_INET6},
	{.name = "probes", .read = read_probes},
	{.name = "address", .read = site_read_within, .offset = UPLINK(address)},
	{.name = "public", .read = site_read_address, .offset = UPLINK(public_addrs)},
	{.name = "inbound", .read = schema_bool, .offset = UPLINK(inbound)},
	{.name = "quorum",
		.read = schema_uint,
		.offset = UPLINK(quorum),
		.min = 1,
		.max = MAX_PROBES},
	{.name = "weight", .read = schema_uint, .offset = UPLINK(weight), .max = 256},
	{.name = "failback", .read = read_failback, .offset = UPLINK(failback_ms), .max = DAY},
	{.name = "probing", .read = read_probing, .offset = UPLINK(probing)},
	{.name = "mss", .read = read_mss, .min = 536, .max = 65495},
	{.name = "nat6", .read = schema_word, .offset = UPLINK(nat6), .words = nat6_words},
	{.name = "prefixes6",
		.read = site_read_prefixes,
		.offset = UPLINK(prefixes6),
		.n_max = MAX_PREFIXES6,
		.family = AF_INET6},
	{0},
};

static void uplink_read(const struct doc_place *at, const struct schema_key *key, void *out)
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

static void uplinks_read(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site *site = out;
	void *items = NULL;

	(void)key;
	schema_list(at, SITE_MAX_UPLINKS, sizeof(struct site_uplink), uplink_read, &items,
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
	{.name = "name",
		.read = site_read_name,
		.offset = SERVER(name),
		.flags = SCHEMA_REQUIRED},
	{.name = "address",
		.read = site_read_address,
		.offset = SERVER(address),
		.flags = SCHEMA_REQUIRED},
	{.name = "loopbacks", .read = read_loopbacks},
	{.name = "ports", .read = read_ports},
	{.name = "udp",
		.read = schema_choice,
		.offset = SERVER(udp_to_loopback),
		.words = udp_words},
	{.name = "uplinks", .read = read_server_uplinks, .offset = SERVER(uplinks)},
	{.name = "from", .read = site_read_prefixes, .offset = SERVER(from)},
	{.name = "via", .read = site_read_address, .offset = SERVER(via)},
	{.name = "route", .read = schema_bool, .offset = SERVER(route)},
	{.name = "check", .read = read_check, .offset = SERVER(check_port)},
	{0},
};

static void server_read(const struct doc_place *at, const struct schema_key *key, void *out)
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

static void servers_read(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site *site = out;
	void *items = NULL;

	(void)key;
	schema_list(at, SITE_MAX_SERVERS, sizeof(struct site_server), server_read, &items,
		&site->n_servers);
	site->servers = items;
}

/* the whole file */

static const struct schema_key site_keys[] = {
	{.name = "probing", .read = read_probing, .offset = SITE(probing)},
	{.name = "uplinks", .read = uplinks_read, .flags = SCHEMA_REQUIRED},
	{.name = "lan", .read = read_lan},
	{.name = "servers", .read = servers_read},
	{.name = "routing", .read = site_read_routing, .offset = SITE(routing)},
	{.name = "dns", .read = site_read_dns, .offset = SITE(dns)},
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
