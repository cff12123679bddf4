/* fuzz_site.c - whatever stands in site.yaml, it is read or refused, and nothing leaks
 *
 * Beyond memory errors: a refusal has a reason, and a site that passes is whole.
 */
#include <stdlib.h>
#include <string.h>

#include "common/site/siteload.h"
#include "tests/fuzz/fuzz.h"

static void must(bool fact)
{
	if (!fact)
		abort();
}

static void check_site(const struct site *site)
{
	must(site->n_uplinks > 0 && site->n_uplinks <= SITE_MAX_UPLINKS);
	for (size_t i = 0; i < site->n_uplinks; i++) {
		must(site->uplinks[i].name[0] && site->uplinks[i].interface[0]);
		must(site_find_uplink(site, site->uplinks[i].name) == (int)i);
	}
	for (size_t i = 0; i < site->n_servers; i++) {
		const struct site_server *server = &site->servers[i];

		must(site_find_server(site, server->name) == (int)i);
		must(addr_is_set(&server->address[SITE_IPV4]) ||
			addr_is_set(&server->address[SITE_IPV6]));
		must(((uint64_t)server->uplinks >> site->n_uplinks) == 0);
		for (size_t p = 0; p < server->n_ports; p++)
			must(server->ports[p].first > 0 &&
				server->ports[p].first <= server->ports[p].last &&
				(server->ports[p].tcp || server->ports[p].udp));
	}
	for (size_t i = 0; i < site->dns.n_zones; i++)
		must(site->dns.zones[i].name && site->dns.zones[i].file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report report;
	struct site *site = NULL;

	report_init(&report);
	int err = site_parse("site.yaml", (const char *)data, size, &report, &site);
	must((err == 0) == (report.n_errors == 0));
	must((err == 0) == (site != NULL));
	for (size_t i = 0; i < report.n_entries; i++)
		must(report.entries[i].text[0] && report.entries[i].line >= 0);
	if (site)
		check_site(site);
	site_free(site);
	report_fini(&report);
	return 0;
}
