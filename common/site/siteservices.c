/* siteservices.c - the schema of `routing` and `dns`: the settings of the two daemons
 *
 * Tables of keys as in siteread.c, which reads uplinks and servers before these.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/site/siteread.h"
#include "common/site/sitetypes.h"
#include "common/site/sitevalue.h"
#include "common/site/value.h"

enum {
	SEC = 1000, /* ms */
	HOUR = 3600 * SEC,
	DAY = 24 * HOUR,
	MAX_POLICIES = 4096,
	MAX_ZONES = 4096,
	MAX_NSID = 128,
	MAX_PRIORITY = 32764, /* and one more rule, before the look-up of main at 32766 */
};

#define POLICY(member)	offsetof(struct site_policy, member)
#define ROUTING(member) offsetof(struct site_routing, member)
#define RATE(member)	offsetof(struct site_rate, member)
#define ZONE(member)	offsetof(struct site_zone, member)
#define DNS(member)	offsetof(struct site_dns, member)

/* routing */

const struct site_routing site_routing_defaults = {
	.mode = SITE_MODE_FAILOVER,
	.sticky = SITE_STICKY_PAIR,
	.failback_ms = 10 * SEC,
	.flush_after_ms = 3 * SEC,
	.last_resort_keep = true,
	.guard = true,
	.mark = 0xff00,
	.tables = 5300,
	.priority = 1000,
	.default_priority = 32000,
};

static void read_policy_port(
	const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);
	struct site_port port = {.line = site_line_of(at)};

	(void)key;
	if (!text)
		return;
	const char *fault = site_port_parse(text, &port);
	if (fault)
		doc_error(at, "'%s' %s", doc_printable(text), fault);
	else if (strchr(text, ':'))
		doc_error(at, "'%s' names an inside port: a policy forwards nothing",
			doc_printable(text));
	else
		*(struct site_port *)out = port;
}

static void read_policy_via(
	const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_policy *policy = out;

	(void)key;
	policy->n_via = site_read_uplink_list(at, policy->via);
}

static const char *const else_words[] = {"default", "drop", NULL};

static const struct schema_key policy_keys[] = {
	{.name = "from", .read = site_read_prefixes, .offset = POLICY(from)},
	{.name = "to", .read = site_read_prefixes, .offset = POLICY(to)},
	{.name = "port", .read = read_policy_port, .offset = POLICY(port)},
	{.name = "via", .read = read_policy_via, .flags = SCHEMA_REQUIRED},
	{.name = "else",
		.read = schema_choice,
		.offset = POLICY(else_drop),
		.words = else_words},
	{0},
};

static void read_policy(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_policy *policy = out;

	(void)key;
	policy->line = site_line_of(at);
	policy->else_drop = true;
	schema_map(at, policy_keys, policy);
}

static void read_policies(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_routing *routing = out;
	void *items = NULL;

	(void)key;
	schema_list(at, MAX_POLICIES, sizeof(struct site_policy), read_policy, &items,
		&routing->n_policies);
	routing->policies = items;
}

static void read_routing_failback(
	const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	if (text && strcmp(text, "manual") == 0)
		*(int64_t *)out = SITE_FAILBACK_MANUAL;
	else if (text)
		(void)schema_time_of(at, key, text, out);
}

static void read_notify(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	if (text && text[0] != '/')
		doc_error(at, "'%s' is not the whole path of a program (it begins with /)",
			doc_printable(text));
	else if (text)
		schema_text(at, key, out);
}

static void mark_read(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	(void)key;
	if (text && value_mask(text, out) < 0)
		doc_error(
			at, "'%s' is not a 32-bit mask, such as 0xff00", doc_printable(text));
}

static const char *const mode_words[] = {"failover", "balance", NULL};
static const char *const sticky_words[] = {"pair", "client", "no", NULL};
static const char *const last_resort_words[] = {"drop", "keep", NULL};

static const struct schema_key routing_keys[] = {
	{.name = "mode", .read = schema_word, .offset = ROUTING(mode), .words = mode_words},
	{.name = "sticky",
		.read = schema_word,
		.offset = ROUTING(sticky),
		.words = sticky_words},
	{.name = "failback",
		.read = read_routing_failback,
		.offset = ROUTING(failback_ms),
		.max = DAY},
	{.name = "flush-after",
		.read = schema_time,
		.offset = ROUTING(flush_after_ms),
		.max = HOUR},
	{.name = "last-resort",
		.read = schema_choice,
		.offset = ROUTING(last_resort_keep),
		.words = last_resort_words},
	{.name = "policies", .read = read_policies},
	{.name = "guard", .read = schema_bool, .offset = ROUTING(guard)},
	{.name = "open", .read = site_read_prefixes, .offset = ROUTING(open)},
	{.name = "no-nat", .read = site_read_prefixes, .offset = ROUTING(no_nat)},
	{.name = "notify", .read = read_notify, .offset = ROUTING(notify)},
	{.name = "mark", .read = mark_read, .offset = ROUTING(mark)},
	{.name = "tables",
		.read = schema_uint32,
		.offset = ROUTING(tables),
		.min = 1,
		.max = UINT32_MAX},
	{.name = "priority",
		.read = schema_uint32,
		.offset = ROUTING(priority),
		.min = 1,
		.max = MAX_PRIORITY},
	{.name = "default-priority",
		.read = schema_uint32,
		.offset = ROUTING(default_priority),
		.min = 1,
		.max = MAX_PRIORITY},
	{0},
};

void site_read_routing(const struct doc_place *at, const struct schema_key *key, void *out)
{
	(void)key;
	schema_map(at, routing_keys, out);
}

/* dns */

const struct site_dns site_dns_defaults = {
	.port = 53,
	.rate = {.enabled = true, .per_second = 200, .slip = 2},
};

static void read_port_or_no(
	const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	(void)key;
	if (text && strcmp(text, "no") == 0)
		*(uint16_t *)out = 0;
	else if (text && value_port(text, out) < 0)
		doc_error(at, "'%s' is neither no nor a port from 1 to 65535",
			doc_printable(text));
}

static void read_threads(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);
	uint64_t n = 0;

	if (!text)
		return;
	if (strcmp(text, "auto") == 0)
		*(unsigned int *)out = SITE_THREADS_AUTO;
	else if (value_uint(text, (uint64_t)key->max, &n) < 0 || n < (uint64_t)key->min)
		doc_error(at, "'%s' is neither auto nor a number from %d to %d",
			doc_printable(text), (int)key->min, (int)key->max);
	else
		*(unsigned int *)out = (unsigned int)n;
}

static void read_nsid(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	if (text && strlen(text) > MAX_NSID)
		doc_error(at, "is longer than %d octets", MAX_NSID);
	else if (text)
		schema_text(at, key, out);
}

static void metrics_read(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_dns *dns = out;
	const char *text = doc_text(at);

	(void)key;
	if (!text || strcmp(text, "no") == 0)
		return;
	if (value_addr_port(text, &dns->metrics_addr, &dns->metrics_port) < 0)
		doc_error(at, "'%s' is neither no nor ADDR:PORT, such as 127.0.0.1:9153",
			doc_printable(text));
}

/* A path, relative to the folder of site.yaml. */
static void read_path(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const struct site *site = site_of_place(at);
	const char *text = doc_text(at);
	char *path = NULL;

	(void)key;
	if (!text)
		return;
	if (text[0] == '/' || strcmp(site->dir, ".") == 0) {
		schema_text(at, key, out);
		return;
	}
	if (asprintf(&path, "%s%s%s", site->dir, strcmp(site->dir, "/") == 0 ? "" : "/",
		    text) < 0) {
		at->doc->out_of_memory = true;
		return;
	}
	free(*(char **)out);
	*(char **)out = path;
}

static void read_querylog(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	if (text && strcmp(text, "no") != 0)
		read_path(at, key, out);
}

static const struct schema_key rate_keys[] = {
	{.name = "per-second",
		.read = schema_uint,
		.offset = RATE(per_second),
		.min = 1,
		.max = 1000000},
	{.name = "slip", .read = schema_uint, .offset = RATE(slip), .max = 100},
	{0},
};

static void read_rate(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_rate *rate = out;

	if (doc_is_map(at))
		schema_map(at, rate_keys, rate);
	else
		schema_bool(at, key, &rate->enabled);
}

static void read_zone_name(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);

	if (!text)
		return;
	if (!value_is_domain(text)) {
		doc_error(at, "'%s' is not a domain name", doc_printable(text));
		return;
	}
	schema_text(at, key, out);

	char *name = *(char **)out;
	if (!name)
		return;
	for (char *p = name; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	if (name[strlen(name) - 1] == '.')
		name[strlen(name) - 1] = '\0';
}

enum { DNS_PORT = 53 };

/* NAME or NAME:PORT. A name that ends in a number is a mistyped address. */
static bool parse_host(const char *text, char ret_host[DOC_MAX_TEXT + 1], uint16_t *ret_port)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	uint16_t port = DNS_PORT;

	if (len == 0 || len > DOC_MAX_TEXT || (colon && value_port(colon + 1, &port) < 0))
		return false;
	memcpy(ret_host, text, len);
	ret_host[len] = '\0';

	const char *dot = strrchr(ret_host, '.');
	const char *last = dot ? dot + 1 : ret_host;
	if (!value_is_domain(ret_host) || (*last && !last[strspn(last, "0123456789")]))
		return false;
	*ret_port = port;
	return true;
}

static void read_parent_server(
	const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_zone *zone = out;
	const char *text = doc_text(at);
	char host[DOC_MAX_TEXT + 1];

	(void)key;
	if (!text)
		return;
	if (value_endpoint(text, DNS_PORT, &zone->parent.addr, &zone->parent.port) < 0) {
		if (!parse_host(text, host, &zone->parent.port)) {
			doc_error(at,
				"'%s' is neither an address nor the name of a server, "
				"with or without :PORT",
				doc_printable(text));
			return;
		}
		zone->parent.host = doc_strdup(at, host);
	}
	zone->parent.server = doc_strdup(at, text);
}

static void read_parent_key(
	const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_zone *zone = out;

	zone->parent.key_line = site_line_of(at);
	read_path(at, key, &zone->parent.key);
}

static const struct schema_key parent_keys[] = {
	{.name = "server", .read = read_parent_server, .flags = SCHEMA_REQUIRED},
	{.name = "key", .read = read_parent_key, .flags = SCHEMA_REQUIRED},
	{.name = "ttl",
		.read = schema_time,
		.offset = ZONE(parent.ttl_ms),
		.min = SEC,
		.max = 7 * DAY},
	{0},
};

static const struct schema_key zone_keys[] = {
	{.name = "name",
		.read = read_zone_name,
		.offset = ZONE(name),
		.flags = SCHEMA_REQUIRED},
	{.name = "file", .read = read_path, .offset = ZONE(file), .flags = SCHEMA_REQUIRED},
	{.name = "parent", .read = schema_object, .keys = parent_keys},
	{0},
};

static void zone_read(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_zone *zone = out;

	(void)key;
	zone->line = site_line_of(at);
	zone->parent.ttl_ms = 60 * SEC;
	schema_map(at, zone_keys, zone);
}

static void zones_read(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct site_dns *dns = out;
	void *items = NULL;

	(void)key;
	schema_list(at, MAX_ZONES, sizeof(struct site_zone), zone_read, &items, &dns->n_zones);
	dns->zones = items;
}

static const char *const when_degraded_words[] = {"keep", "move", NULL};
static const char *const serial_words[] = {"keep", "unixtime", NULL};

static const struct schema_key dns_keys[] = {
	{.name = "port", .read = schema_port, .offset = DNS(port)},
	{.name = "inside", .read = read_port_or_no, .offset = DNS(inside)},
	{.name = "threads", .read = read_threads, .offset = DNS(threads), .min = 1, .max = 64},
	{.name = "when-degraded",
		.read = schema_choice,
		.offset = DNS(when_degraded_move),
		.words = when_degraded_words},
	{.name = "serial",
		.read = schema_choice,
		.offset = DNS(serial_unixtime),
		.words = serial_words},
	{.name = "nsid", .read = read_nsid, .offset = DNS(nsid)},
	{.name = "metrics", .read = metrics_read, .flags = SCHEMA_IDLE},
	{.name = "querylog",
		.read = read_querylog,
		.offset = DNS(querylog),
		.flags = SCHEMA_IDLE},
	{.name = "rate", .read = read_rate, .offset = DNS(rate), .flags = SCHEMA_IDLE},
	{.name = "zones", .read = zones_read},
	{0},
};

void site_read_dns(const struct doc_place *at, const struct schema_key *key, void *out)
{
	(void)key;
	schema_map(at, dns_keys, out);
}
