/* site.c - what site.yaml says, as data: its end, and names looked up in it
 *
 * siteload.c makes it.
 */
#include "common/site/site.h"

#include <stdlib.h>
#include <string.h>

#include "common/site/siteprobe.h"

static void uplink_fini(struct site_uplink *uplink)
{
	for (size_t i = 0; i < uplink->n_probes; i++)
		site_probe_fini(&uplink->probes[i]);
	free(uplink->probes);
	free(uplink->prefixes6.items);
}

static void server_fini(struct site_server *server)
{
	free(server->loopbacks);
	free(server->ports);
	free(server->from.items);
}

static void routing_fini(struct site_routing *routing)
{
	for (size_t i = 0; i < routing->n_policies; i++) {
		free(routing->policies[i].from.items);
		free(routing->policies[i].to.items);
	}
	free(routing->policies);
	free(routing->open.items);
	free(routing->no_nat.items);
	free(routing->notify);
}

static void dns_fini(struct site_dns *dns)
{
	for (size_t i = 0; i < dns->n_zones; i++) {
		free(dns->zones[i].name);
		free(dns->zones[i].file);
		free(dns->zones[i].parent.server);
		free(dns->zones[i].parent.host);
		free(dns->zones[i].parent.key);
	}
	free(dns->zones);
	free(dns->nsid);
	free(dns->querylog);
}

void site_free(struct site *site)
{
	if (!site)
		return;
	for (size_t i = 0; i < site->n_uplinks; i++)
		uplink_fini(&site->uplinks[i]);
	for (size_t i = 0; i < site->n_servers; i++)
		server_fini(&site->servers[i]);
	routing_fini(&site->routing);
	dns_fini(&site->dns);
	free(site->uplinks);
	free(site->lan);
	free(site->servers);
	free(site->path);
	free(site->dir);
	free(site);
}

void site_freep(struct site **site)
{
	site_free(*site);
}

int site_find_uplink(const struct site *site, const char *name)
{
	for (size_t i = 0; i < site->n_uplinks; i++)
		if (strcmp(site->uplinks[i].name, name) == 0)
			return (int)i;
	return -1;
}

int site_find_server(const struct site *site, const char *name)
{
	for (size_t i = 0; i < site->n_servers; i++)
		if (strcmp(site->servers[i].name, name) == 0)
			return (int)i;
	return -1;
}

bool site_mark_has_room(uint32_t mark, size_t n_uplinks)
{
	uint32_t low = mark ? mark >> __builtin_ctz(mark) : 0;

	return mark && !(low & (low + 1)) &&
	       1ull << __builtin_popcount(mark) >= 2 * (uint64_t)n_uplinks + 1;
}
