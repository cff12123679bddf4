/* zoneadvice.c - warnings that follow from a zone and the site's uplinks together
 *
 * config.c calls it for each zone that was read, and again when live addresses are known (the
 * verb `check`, each change of addresses). Nothing here is an error: the zone can be served, but
 * will fail its operator on the day when an uplink fails or gets another address.
 */
#include "dnsd/state/zoneadvice.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/site/uplinkset.h"
#include "dnsd/zone/zonetarget.h"

enum {
	DYNAMIC_TTL_MAX_S = 60,
	LONG_TTLS_MAX = 100, /* more of these warnings would hide all others */
};

struct advice {
	const struct zone *zone;
	const struct site *site;
	const struct facts *facts; /* NULL: site.yaml alone */
	struct report *report;
	size_t n_long_ttls;
};

/* A fixed gateway is one that DHCP, PPPoE and router advertisements do not give. */
bool zoneadvice_is_dynamic(const struct site_uplink *uplink)
{
	for (int family = 0; family < SITE_FAMILIES; family++)
		if (addr_is_set(&uplink->public_addrs[family]) ||
			prefix_is_host(&uplink->address[family]) ||
			addr_is_set(&uplink->gateway[family]))
			return false;
	return true;
}

/* The uplinks whose addresses the record may give; with SERVER those that forward to it. */
static uint32_t pseudo_uplinks(const struct site *site, const struct pseudo *pseudo)
{
	uint32_t inbound = 0;

	for (size_t i = 0; i < site->n_uplinks; i++)
		if (site->uplinks[i].inbound)
			uplinkset_add(&inbound, i);
	switch (pseudo->kind) {
	case PSEUDO_SERVER:
	case PSEUDO_SERVER_ALL:
		return site->servers[pseudo->index].uplinks;
	case PSEUDO_UPLINK:
		return uplinkset_of(pseudo->index);
	case PSEUDO_UPLINK_ALL:
	case PSEUDO_UPLINK_RECEIVING:
		return inbound;
	}
	return 0;
}

static const struct site_uplink *dynamic_uplink(
	const struct site *site, const struct pseudo *pseudo)
{
	uint32_t set = pseudo_uplinks(site, pseudo);

	for (size_t i = 0; i < site->n_uplinks; i++)
		if (uplinkset_has(set, i) && zoneadvice_is_dynamic(&site->uplinks[i]))
			return &site->uplinks[i];
	return NULL;
}

static void advise_ttl(
	struct advice *advice, const struct zone_node *node, const struct pseudo *pseudo)
{
	const struct site_uplink *uplink = dynamic_uplink(advice->site, pseudo);
	char name[NAME_STR_LEN];

	if (pseudo->ttl_s <= DYNAMIC_TTL_MAX_S || !uplink ||
		advice->n_long_ttls == LONG_TTLS_MAX)
		return;
	advice->n_long_ttls++;
	report_add(advice->report, REPORT_WARNING, pseudo->file, pseudo->line,
		"%s: TTL %u, while the address of uplink %s may change at any time: resolvers "
		"would keep the old one that long; write at most %d",
		name_str(node->name, name), pseudo->ttl_s, uplink->name, DYNAMIC_TTL_MAX_S);
}

static void advise_server(
	struct advice *advice, const struct zone_node *node, const struct pseudo *pseudo)
{
	char name[NAME_STR_LEN];

	if (!pseudo_is_server(pseudo) || advice->site->servers[pseudo->index].uplinks)
		return;
	report_add(advice->report, REPORT_WARNING, pseudo->file, pseudo->line,
		"%s: no uplink forwards to server %s, so the name has no address outside",
		name_str(node->name, name), advice->site->servers[pseudo->index].name);
}

static void advise_ns_inbound(
	struct advice *advice, const struct zone_node *node, const struct pseudo *pseudo)
{
	const struct site_uplink *uplink = &advice->site->uplinks[pseudo->index];
	char name[NAME_STR_LEN];

	if (!pseudo_names_uplink(pseudo) || uplink->inbound)
		return;
	report_add(advice->report, REPORT_WARNING, pseudo->file, pseudo->line,
		"%s: the name is that of an NS record, but uplink %s has `inbound: no`: "
		"no query will get in there",
		name_str(node->name, name), uplink->name);
}

/* The uplink that site.yaml gives this address, or NULL. */
static const struct site_uplink *uplink_configured_with(
	const struct site *site, const struct addr *addr)
{
	for (size_t i = 0; i < site->n_uplinks; i++)
		for (int family = 0; family < SITE_FAMILIES; family++)
			if ((prefix_is_host(&site->uplinks[i].address[family]) &&
				    addr_eq(&site->uplinks[i].address[family].addr, addr)) ||
				addr_eq(&site->uplinks[i].public_addrs[family], addr))
				return &site->uplinks[i];
	return NULL;
}

static const struct site_uplink *uplink_with(
	const struct advice *advice, const struct addr *addr)
{
	const struct site *site = advice->site;
	const struct facts *facts = advice->facts;

	if (!facts)
		return uplink_configured_with(site, addr);
	if (uplink_configured_with(site, addr))
		return NULL; /* zoneadvice() has warned of it */
	for (size_t i = 0; i < facts->n_uplinks && i < site->n_uplinks; i++)
		for (int family = 0; family < SITE_FAMILIES; family++)
			if (addr_eq(&facts->uplinks[i].public_addrs[family], addr))
				return &site->uplinks[i];
	return NULL;
}

static void advise_ns_literals(
	struct advice *advice, const struct zone_node *node, const struct zone_rrset *rrset)
{
	char name[NAME_STR_LEN];

	for (size_t i = 0; rrset && i < rrset->n_rdatas; i++) {
		const struct zone_rdata *rdata = &rrset->rdatas[i];
		bool is_ipv4 = rrset->type == LDNS_RR_TYPE_A;
		struct addr addr = addr_from_bytes(is_ipv4 ? AF_INET : AF_INET6, rdata->bytes);
		const struct site_uplink *uplink = uplink_with(advice, &addr);

		if (uplink)
			report_add(advice->report, REPORT_WARNING, rdata->file, rdata->line,
				"%s: %s is the address of uplink %s: write UPLINK %s, which "
				"follows it when it changes",
				name_str(node->name, name), addr_str(&addr), uplink->name,
				uplink->name);
	}
}

static void advise_ns_names(struct advice *advice)
{
	const struct zone *zone = advice->zone;
	AUTO(freep) bool *seen = calloc(zone->n_nodes + 1, sizeof(*seen));

	for (size_t i = 0; seen && i < zone->n_nodes; i++) {
		struct zone_target target = {.node = &zone->nodes[i]};

		while (zonetarget_next(&target)) {
			if (target.type != LDNS_RR_TYPE_NS)
				continue;
			const struct zone_node *node = zone_find(zone, target.name);
			if (!node || seen[zone_node_index(zone, node)])
				continue;
			seen[zone_node_index(zone, node)] = true;
			advise_ns_literals(advice, node, zone_node_find(node, LDNS_RR_TYPE_A));
			advise_ns_literals(
				advice, node, zone_node_find(node, LDNS_RR_TYPE_AAAA));
			for (size_t j = 0; !advice->facts && j < node->n_pseudos; j++)
				advise_ns_inbound(advice, node, &node->pseudos[j]);
		}
	}
}

void zoneadvice(const struct zone *zone, const struct site *site, struct report *report)
{
	struct advice advice = {.zone = zone, .site = site, .report = report};

	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->nodes[i];

		for (size_t j = 0; j < node->n_pseudos; j++) {
			advise_ttl(&advice, node, &node->pseudos[j]);
			advise_server(&advice, node, &node->pseudos[j]);
		}
	}
	advise_ns_names(&advice);
}

void zoneadvice_live(const struct zone *zone, const struct site *site,
	const struct facts *facts, struct report *report)
{
	struct advice advice = {.zone = zone, .site = site, .facts = facts, .report = report};

	advise_ns_names(&advice);
}
