/* routedreport.c - one report of routed on uplinks and servers: read, and put into the facts
 *
 * routedclient.c calls it for each line, follow.c each time that it makes the facts. The line
 * comes from a daemon that runs as root or as ourselves. It is read as if it did not: bounded,
 * typed, and text is made printable before it reaches a log or a terminal.
 *
 * Unknown members are skipped, so that a later routed may report more. A known member must have
 * its type: half a report is none.
 */
#include "dnsd/state/routedreport.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/net/family.h"
#include "common/site/uplinkset.h"

struct reader {
	struct routed_report *report;
	char *error;
};

__attribute__((format(printf, 2, 3))) static int reader_refuse(
	const struct reader *reader, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reader->error, ROUTED_REPORT_ERROR_MAX, format, args);
	va_end(args);
	return -EBADMSG;
}

/* ---- values ---- */

/* Octets that are not printable ASCII become '?'; text that is too long is cut off. */
static void member_copy_text(const json_t *value, char *out, size_t cap)
{
	const char *text = json_string_value(value);
	size_t n = 0;

	for (; text && text[n] && n + 1 < cap; n++)
		out[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	out[n] = '\0';
}

/* A name that is too long for site.yaml names nothing. Cut off, it might name something. */
static bool member_copy_name(const json_t *object, const char *key, char *out, size_t cap)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value) || json_string_length(value) == 0 ||
		json_string_length(value) >= cap)
		return false;
	member_copy_text(value, out, cap);
	return true;
}

static bool report_read_state(const json_t *value, enum uplink_state *ret_state)
{
	static const enum uplink_state all[] = {
		UPLINK_UP, UPLINK_DEGRADED, UPLINK_DOWN, UPLINK_DRAINED};
	const char *text = json_string_value(value);

	for (size_t i = 0; text && i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(text, uplink_state_str(all[i])) == 0) {
			*ret_state = all[i];
			return true;
		}
	return false;
}

/* ---- uplinks ---- */

/* Takes the first address of each family; more are of a later version. */
static int report_read_public(
	const struct reader *reader, const json_t *list, struct routed_report_uplink *uplink)
{
	size_t i;
	const json_t *item;

	json_array_foreach (list, i, item) {
		const char *text = json_string_value(item);
		struct addr addr;

		if (!text || addr_parse(text, &addr) < 0)
			return reader_refuse(
				reader, "an address of uplink %s is none", uplink->name);
		enum site_family family = family_of(addr.family);
		if (!addr_is_set(&uplink->public_addrs[family]))
			uplink->public_addrs[family] = addr;
	}
	return 0;
}

static int report_read_uplink(struct reader *reader, const json_t *object)
{
	struct routed_report *report = reader->report;
	struct routed_report_uplink *uplink = &report->uplinks[report->n_uplinks];

	if (report->n_uplinks == SITE_MAX_UPLINKS)
		return reader_refuse(reader, "it has more than %d uplinks", SITE_MAX_UPLINKS);
	if (!member_copy_name(object, "name", uplink->name, sizeof(uplink->name)) ||
		!member_copy_name(
			object, "interface", uplink->interface, sizeof(uplink->interface)))
		return reader_refuse(reader, "an uplink has no name or no interface");
	for (size_t i = 0; i < report->n_uplinks; i++)
		if (strcmp(report->uplinks[i].name, uplink->name) == 0)
			return reader_refuse(reader, "it has uplink %s twice", uplink->name);

	uplink->is_known = report_read_state(json_object_get(object, "state"), &uplink->state);
	uplink->active = json_is_true(json_object_get(object, "active"));
	member_copy_text(json_object_get(object, "why"), uplink->why, sizeof(uplink->why));
	member_copy_text(
		json_object_get(object, "since"), uplink->since, sizeof(uplink->since));
	report->n_uplinks++;
	return report_read_public(reader, json_object_get(object, "public"), uplink);
}

static int report_read_uplinks(struct reader *reader, const json_t *list)
{
	size_t i;
	const json_t *item;

	if (!json_is_array(list))
		return reader_refuse(reader, "it has no list of uplinks");
	json_array_foreach (list, i, item) {
		int err = report_read_uplink(reader, item);

		if (err < 0)
			return err;
	}
	return 0;
}

/* ---- servers ---- */

static size_t report_count_dead(const json_t *servers)
{
	size_t i;
	const json_t *server;
	size_t n = 0;

	json_array_foreach (servers, i, server)
		n += json_array_size(json_object_get(server, "dead"));
	return n;
}

static int report_read_server(struct reader *reader, const json_t *object)
{
	char name[SITE_NAME_MAX + 1];
	size_t i;
	const json_t *item;

	if (!member_copy_name(object, "name", name, sizeof(name)))
		return reader_refuse(reader, "a server has no name");
	json_array_foreach (json_object_get(object, "dead"), i, item) {
		struct routed_report_dead *dead = &reader->report
							   ->dead[reader->report->n_dead];

		memcpy(dead->server, name, sizeof(name));
		if (!member_copy_name(item, "uplink", dead->uplink, sizeof(dead->uplink)))
			return reader_refuse(
				reader, "server %s is dead on an uplink without a name", name);
		member_copy_text(json_object_get(item, "why"), dead->why, sizeof(dead->why));
		reader->report->n_dead++;
	}
	return 0;
}

/* The list may be missing: an older routed does not report servers. */
static int report_read_servers(struct reader *reader, const json_t *list)
{
	size_t i;
	const json_t *item;
	size_t n = report_count_dead(list);

	if (json_array_size(list) > SITE_MAX_SERVERS ||
		n > (size_t)SITE_MAX_SERVERS * SITE_MAX_UPLINKS)
		return reader_refuse(reader, "it has too many servers");
	reader->report->dead = calloc(n + 1, sizeof(*reader->report->dead));
	if (!reader->report->dead)
		return -ENOMEM;
	json_array_foreach (list, i, item) {
		int err = report_read_server(reader, item);

		if (err < 0)
			return err;
	}
	return 0;
}

/* ---- the line ---- */

static int report_read_version(const struct reader *reader, const json_t *root)
{
	const json_t *version = json_object_get(root, "version");
	const json_t *error = json_object_get(root, "error");
	char text[ROUTED_REPORT_ERROR_MAX - 20];

	if (json_is_string(error)) {
		member_copy_text(error, text, sizeof(text));
		return reader_refuse(reader, "it says: %s", text);
	}
	if (!json_is_integer(version))
		return reader_refuse(reader, "it has no version");
	if (json_integer_value(version) != ROUTED_REPORT_VERSION) {
		reader_refuse(reader, "it has version %lld, and this dnsd knows only %d",
			(long long)json_integer_value(version), ROUTED_REPORT_VERSION);
		return -EPROTONOSUPPORT;
	}
	return 0;
}

int routed_report_parse(const char *line, size_t len, struct routed_report **ret_report,
	char ret_error[ROUTED_REPORT_ERROR_MAX])
{
	AUTO(json_decrefp)
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	struct routed_report *report = calloc(1, sizeof(*report));
	struct reader reader = {.report = report, .error = ret_error};
	int err;

	if (!report)
		return -ENOMEM;
	if (!json_is_object(root))
		err = reader_refuse(&reader, "it is no JSON object");
	else if ((err = report_read_version(&reader, root)) == 0 &&
		 (err = report_read_uplinks(&reader, json_object_get(root, "uplinks"))) == 0)
		err = report_read_servers(&reader, json_object_get(root, "servers"));
	if (err < 0) {
		routed_report_free(report);
		return err;
	}
	report->seq = json_integer_value(json_object_get(root, "seq"));
	*ret_report = report;
	return 0;
}

void routed_report_free(struct routed_report *report)
{
	if (!report)
		return;
	free(report->dead);
	free(report);
}

/* ---- what follows from it ---- */

const struct routed_report_uplink *routed_report_find(
	const struct routed_report *report, const struct site_uplink *uplink)
{
	for (size_t i = 0; report && i < report->n_uplinks; i++) {
		const struct routed_report_uplink *reported = &report->uplinks[i];

		if (strcmp(reported->name, uplink->name) == 0 &&
			strcmp(reported->interface, uplink->interface) == 0)
			return reported->is_known ? reported : NULL;
	}
	return NULL;
}

/* The states are in the order of badness (common/site/uplinkstate.h). */
static bool report_decides(
	const struct routed_report_uplink *reported, enum uplink_state mirror)
{
	return reported && reported->state >= mirror;
}

void routed_report_weigh(const struct routed_report *report, const struct site_uplink *uplink,
	const struct link *link, struct routed_report_verdict *ret_verdict)
{
	struct routed_report_verdict *verdict = ret_verdict;

	verdict->reported = routed_report_find(report, uplink);
	verdict->mirror = facts_link_state(uplink, link);
	facts_link_why(uplink, link, verdict->mirror_why, sizeof(verdict->mirror_why));
	verdict->by_routed = report_decides(verdict->reported, verdict->mirror);
	verdict->state = verdict->by_routed ? verdict->reported->state : verdict->mirror;
	verdict->why = verdict->by_routed ? verdict->reported->why : verdict->mirror_why;
}

const char *routed_report_dead_why(
	const struct routed_report *report, const char *server, const char *uplink)
{
	for (size_t i = 0; report && i < report->n_dead; i++)
		if (strcmp(report->dead[i].server, server) == 0 &&
			strcmp(report->dead[i].uplink, uplink) == 0)
			return report->dead[i].why;
	return NULL;
}

static bool link_has_ready_addr(const struct link *link, const struct addr *addr)
{
	for (size_t i = 0; link && i < link->n_addrs; i++)
		if (addr_eq(&link->addrs[i].addr, addr) && link_addr_is_ready(&link->addrs[i]))
			return true;
	return false;
}

/* routed may not choose another address than site.yaml gives, but it may choose within a prefix
 * that site.yaml gives. */
static bool report_chooses_addr(const struct routed_report_uplink *reported,
	const struct site_uplink *uplink, const struct link *link, enum site_family family)
{
	const struct addr *addr = &reported->public_addrs[family];
	const struct prefix *address = &uplink->address[family];

	return addr_is_set(addr) && !addr_is_set(&uplink->public_addrs[family]) &&
	       (!addr_is_set(&address->addr) || prefix_contains(address, addr)) &&
	       link_has_ready_addr(link, addr);
}

static void report_apply_addrs(const struct routed_report_uplink *reported,
	const struct site_uplink *uplink, const struct link *link, struct uplink_facts *facts)
{
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		if (report_chooses_addr(reported, uplink, link, family))
			facts->public_addrs[family] = reported->public_addrs[family];
}

struct addr routed_report_own_addr(const struct routed_report *report,
	const struct site_uplink *uplink, const struct link *link, enum site_family family)
{
	const struct routed_report_uplink *reported = routed_report_find(report, uplink);

	return reported && report_chooses_addr(reported, uplink, link, family)
		       ? reported->public_addrs[family]
		       : facts_own_addr(uplink, link, family);
}

static void report_apply_dead(
	const struct routed_report_dead *dead, const struct site *site, struct facts *facts)
{
	int server = site_find_server(site, dead->server);
	int uplink = site_find_uplink(site, dead->uplink);

	if (server >= 0 && uplink >= 0)
		uplinkset_add(&facts->servers[server].dead, (size_t)uplink);
}

void routed_report_apply(const struct routed_report *report, const struct site *site,
	const struct site_links *links, struct facts *facts)
{
	for (size_t i = 0; report && i < site->n_uplinks; i++) {
		const struct routed_report_uplink *reported = routed_report_find(
			report, &site->uplinks[i]);

		if (!reported)
			continue;
		if (report_decides(reported, facts->uplinks[i].state))
			facts->uplinks[i].state = reported->state;
		report_apply_addrs(
			reported, &site->uplinks[i], links->uplinks[i], &facts->uplinks[i]);
	}
	for (size_t i = 0; report && i < report->n_dead; i++)
		report_apply_dead(&report->dead[i], site, facts);
}
