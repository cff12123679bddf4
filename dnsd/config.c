/* config.c - site.yaml and all its zone files, read and checked as one
 *
 * The verbs `check` and `delegation` call it, and dnsd.c at start and at each reload. It knows
 * neither links nor sockets, so that `check` reports on any machine what `run` would report.
 */
#include "dnsd/config.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bigendian.h"
#include "common/cleanup.h"
#include "common/invariant.h"
#include "common/site/siteload.h"
#include "dnsd/client/tsigkey.h"
#include "dnsd/parent/parentplan.h"
#include "dnsd/state/factslinks.h"
#include "dnsd/state/zoneadvice.h"
#include "dnsd/zone/zonefile.h"

enum { CONFIG_PLAIN_UDP = 512 /* RFC 1035 section 4.2.1 */ };

static int config_read_zone(const struct site *site, const struct site_zone *zone,
	struct report *report, struct zone **ret_zone)
{
	struct zone *read;
	int err = zonefile_read_any(site, zone->name, zone->file, report, &read);

	if (read)
		zoneadvice(read, site, report);
	if (err < 0)
		zone_free(read);
	else
		*ret_zone = read;
	return err;
}

static int config_read_zones(struct config *config, struct report *report)
{
	const struct site *site = config->site;
	int err = 0;

	config->zones = calloc(site->dns.n_zones + 1, sizeof(struct zone *));
	if (!config->zones)
		return -ENOMEM;
	config->n_zones = site->dns.n_zones;
	for (size_t i = 0; i < site->dns.n_zones; i++) {
		const struct site_zone *zone = &site->dns.zones[i];

		if (!zone->name || !zone->file)
			continue; /* site.yaml's mistake, and reported as such */
		int failed = config_read_zone(site, zone, report, &config->zones[i]);

		err = failed < 0 ? failed : err;
	}
	return err;
}

/* ---- parents that dnsd keeps current ---- */

static int config_read_key(
	struct config *config, size_t i, struct report *report, struct tsig_key **ret_key)
{
	const struct site_zone *zone = &config->site->dns.zones[i];
	struct tsig_key *key = calloc(1, sizeof(*key));
	const char *problem = NULL;
	int err = key ? tsigkey_read(zone->parent.key, report, key, &problem) : -ENOMEM;

	if (err < 0)
		free(key);
	else
		*ret_key = key;
	if (problem)
		report_add(report, REPORT_ERROR, config->site->path, zone->parent.key_line,
			"dns.zones[%zu].parent.key: cannot read %s: %s", i, zone->parent.key,
			problem);
	return err < 0 && err != -ENOMEM ? -EINVAL : err;
}

/* Warns of a `parent` with nothing to do: the operator meant something else. */
static int check_parent_targets(const struct config *config, size_t i, struct report *report)
{
	const struct site_zone *zone = &config->site->dns.zones[i];
	struct parent_target *targets = NULL;
	struct facts facts;
	size_t n = 0;
	int err = facts_example(config->site, &facts);

	if (err == 0) {
		err = parentplan_targets(config->zones[i], config->site, &facts, &targets, &n);
		facts_fini(&facts);
	}
	if (err < 0)
		return err;
	free(targets);
	if (n == 0)
		report_add(report, REPORT_WARNING, config->site->path, zone->parent.key_line,
			"dns.zones[%zu].parent: there is nothing to keep current: no name of "
			"an NS record of %s has an UPLINK record in its zone file",
			i, zone->name);
	return 0;
}

static int config_read_keys(struct config *config, struct report *report)
{
	int err = 0;

	config->keys = calloc(config->n_zones + 1, sizeof(struct tsig_key *));
	if (!config->keys)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_zones; i++) {
		const struct site_zone *zone = &config->site->dns.zones[i];

		if (!zone->parent.server || !zone->parent.key)
			continue;
		int failed = config_read_key(config, i, report, &config->keys[i]);
		if (failed == 0 && config->zones[i])
			failed = check_parent_targets(config, i, report);
		err = failed < 0 ? failed : err;
	}
	return err;
}

/* ---- warnings that need finished answers ---- */

struct largest {
	struct table_largest answer;
	const char *view;
};

static void warn_of_large(
	const struct zone *zone, const struct largest *largest, struct report *report)
{
	char name[NAME_STR_LEN];
	char *type;

	if (largest->answer.len <= CONFIG_PLAIN_UDP)
		return;
	type = ldns_rr_type2str(largest->answer.type);
	report_add(report, REPORT_WARNING, zone->file, 0,
		"the answer to %s %s in view %s has %zu octets; above %d a client without "
		"EDNS gets it truncated and must ask again by TCP",
		name_str(largest->answer.name, name), type ? type : "", largest->view,
		largest->answer.len, CONFIG_PLAIN_UDP);
	free(type);
}

/* The tables own the names in `largest`, so they must outlive the warnings. */
static void warn_by_tables(const struct config *config, struct table *const *tables,
	const int *views, size_t n_views, struct report *report)
{
	for (size_t i = 0; i < config->n_zones; i++) {
		const struct zone *zone = config->zones[i];
		struct largest largest = {0};

		for (size_t j = 0; j < n_views; j++) {
			struct table_largest answer = table_largest_answer(
				tables[j], zone->apex);

			if (answer.len > largest.answer.len)
				largest = (struct largest){
					answer, config_view_name(config, views[j])};
		}
		warn_of_large(zone, &largest, report);
	}
}

static int check_answers(const struct config *config, struct report *report)
{
	struct table *tables[SITE_MAX_UPLINKS + 1] = {0};
	int views[SITE_MAX_UPLINKS + 1];
	size_t n_views = config_views(config, views);
	struct facts facts;
	int err = facts_example(config->site, &facts);

	for (size_t i = 0; i < n_views && err == 0; i++) {
		tables[i] = config_table(config, &facts, views[i]);
		err = tables[i] ? 0 : -ENOMEM;
	}
	if (err == 0)
		warn_by_tables(config, tables, views, n_views, report);
	for (size_t i = 0; i < n_views; i++)
		table_free(tables[i]);
	facts_fini(&facts);
	return err;
}

/* ---- loading ---- */

int config_load(const char *path, struct report *report, struct config **ret_config)
{
	struct config *config = calloc(1, sizeof(*config));
	int err = config ? site_read_any(path, report, &config->site) : -ENOMEM;

	/* a mistake in site.yaml must not hide those in the zones */
	if (config && config->site) {
		int failed = config_read_zones(config, report);

		err = failed < 0 ? failed : err;
		failed = config->zones ? config_read_keys(config, report) : 0;
		err = failed < 0 ? failed : err;
	}
	if (err == 0) {
		invariant(
			config->site, "%s was read without a mistake, but is not there", path);
		err = check_answers(config, report);
	}
	if (err < 0 && report->n_errors == 0)
		report_add(report, REPORT_ERROR, path, 0, "%s", strerror(-err));
	if (err < 0) {
		config_free(config);
		return err;
	}
	*ret_config = config;
	return 0;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->n_zones; i++) {
		zone_free(config->zones[i]);
		if (config->keys && config->keys[i])
			OPENSSL_cleanse(config->keys[i], sizeof(struct tsig_key));
		free(config->keys ? config->keys[i] : NULL);
	}
	free(config->zones);
	free(config->keys);
	site_free(config->site);
	free(config);
}

void config_advise(
	const struct config *config, const struct facts *facts, struct report *report)
{
	for (size_t i = 0; i < config->n_zones; i++)
		zoneadvice_live(config->zones[i], config->site, facts, report);
}

struct table *config_table(const struct config *config, const struct facts *facts, int view)
{
	return table_new(
		(const struct zone *const *)config->zones, config->n_zones, facts, view);
}

size_t config_views(const struct config *config, int *ret_views)
{
	size_t n = 0;

	for (size_t i = 0; i < config->site->n_uplinks; i++)
		if (config->site->uplinks[i].inbound)
			ret_views[n++] = (int)i;
	if (config->site->dns.inside)
		ret_views[n++] = FACTS_VIEW_INSIDE;
	return n;
}

const char *config_view_name(const struct config *config, int view)
{
	return view == FACTS_VIEW_INSIDE ? "inside" : config->site->uplinks[view].name;
}

void config_set_serial(struct config *config, uint32_t serial)
{
	for (size_t i = 0; i < config->n_zones; i++) {
		uint8_t *soa = zone_soa(config->zones[i])->rdatas[0].bytes;

		/* RFC 1035 section 3.3.13: MNAME, RNAME, then SERIAL */
		soa += name_len(soa);
		soa += name_len(soa);
		be32_write(soa, serial);
		config->zones[i]->serial = serial;
	}
}
