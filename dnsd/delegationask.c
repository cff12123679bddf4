/* delegationask.c - the verb `delegation ZONE`: asks the running dnsd and prints its reply
 *
 * If no dnsd runs, the same comes from site.yaml, the zone files and the addresses that the
 * kernel has now.
 */
#include "dnsd/delegationask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/ctl/ctlrequest.h"
#include "common/net/links.h"
#include "dnsd/config.h"
#include "dnsd/delegation.h"
#include "dnsd/dnsd.h"
#include "dnsd/state/factslinks.h"

static bool zone_name_eq(const char *a, const char *b)
{
	uint8_t wire_a[NAME_MAX_LEN];
	uint8_t wire_b[NAME_MAX_LEN];
	size_t len;

	return name_from_str(a, wire_a, &len) == 0 && name_from_str(b, wire_b, &len) == 0 &&
	       name_eq(wire_a, wire_b);
}

const json_t *delegation_find(const json_t *delegations, const char *name)
{
	const json_t *zones = json_object_get(delegations, "zones");

	for (size_t i = 0; i < json_array_size(zones); i++) {
		const json_t *zone = json_array_get(zones, i);

		if (zone_name_eq(json_string_value(json_object_get(zone, "name")), name))
			return zone;
	}
	fprintf(stderr, "dnsd: there is no zone %s in the configuration\n", name);
	return NULL;
}

static int facts_of_kernel(const struct site *site, struct facts *ret_facts)
{
	struct links *links = NULL;
	struct site_links found;
	int err = links_new(NULL, NULL, NULL, &links);

	if (err == 0)
		err = site_links_find(site, links, &found);
	if (err == 0) {
		err = facts_from_links(site, &found, ret_facts);
		site_links_fini(&found);
	}
	links_free(links);
	return err;
}

static json_t *delegation_from_files(const struct cli *cli)
{
	struct config *config = NULL;
	struct report report;
	struct facts facts;
	json_t *delegations = NULL;

	report_init(&report);
	if (config_load(cli->config, &report, &config) < 0) {
		report_print(&report, stderr);
	} else if (facts_of_kernel(config->site, &facts) == 0) {
		delegations = delegation_json(
			config, &facts, "as the kernel has them now; no dnsd is running");
		facts_fini(&facts);
	}
	report_fini(&report);
	config_free(config);
	return delegations;
}

json_t *delegation_ask(const struct cli *cli, bool *ret_is_running)
{
	AUTO(freep) char *path = cli_path(cli->runtime_dir, DNSD_SOCKET);
	json_t *reply = NULL;
	int err = path ? ctl_request(path, "delegation", DNSD_SOCKET_TIMEOUT_MS, &reply)
		       : -ENOMEM;

	*ret_is_running = err == 0;
	if (err == -ENOENT || err == -ECONNREFUSED)
		return delegation_from_files(cli);
	if (err < 0) {
		fprintf(stderr, "dnsd: cannot ask the running dnsd at %s: %s\n",
			path ? path : "", strerror(-err));
		return NULL;
	}
	const char *error = json_string_value(json_object_get(reply, "error"));
	if (error) {
		fprintf(stderr, "dnsd: the running dnsd refuses: %s\n", error);
		json_decref(reply);
		return NULL;
	}
	return reply;
}

int delegation_run(const struct cli *cli)
{
	bool is_running;
	json_t *delegations = delegation_ask(cli, &is_running);
	const json_t *zone = delegations ? delegation_find(delegations, cli->args[0]) : NULL;
	int status = EXIT_FAILED;

	if (zone) {
		fputs(json_string_value(json_object_get(zone, "text")), stdout);
		status = EXIT_DONE;
	}
	json_decref(delegations);
	return status;
}
