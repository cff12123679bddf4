/* delegation.c - what to paste into the parent zone: NS records, and their names' addresses
 *
 * The parent needs the zone's NS records, and the addresses of those name servers whose names
 * the zone's own files speak of: glue for names within the zone, ordinary address records for
 * names beside it, in the zone that holds them. An uplink that takes no connections from
 * outside is left out, whatever else its state, since a delegation is to outlast a bad hour.
 */
#include "dnsd/delegation.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/ctl/ctlrequest.h"
#include "common/net/family.h"
#include "common/net/links.h"
#include "dnsd/dnsd.h"
#include "dnsd/state/factslinks.h"
#include "dnsd/state/zoneadvice.h"

static void add(struct delegation_ns *ns, const struct addr *addr, uint32_t ttl_s)
{
	for (size_t i = 0; i < ns->n_addrs; i++)
		if (addr_eq(&ns->addrs[i].addr, addr))
			return;
	if (ns->n_addrs < sizeof(ns->addrs) / sizeof(ns->addrs[0]))
		ns->addrs[ns->n_addrs++] = (struct delegation_addr){
			*addr, ttl_s, DELEGATION_LITERAL};
}

static void add_literals(
	struct delegation_ns *ns, const struct zone_node *node, uint16_t type, int family)
{
	const struct zone_rrset *rrset = zone_node_find(node, type);

	for (size_t i = 0; rrset && i < rrset->n_rdatas; i++) {
		struct addr addr = addr_from_bytes(family, rrset->rdatas[i].bytes);

		add(ns, &addr, rrset->ttl_s);
	}
}

/* What the record stands for in any view that the Internet sees: each is an address at which
 * the zone is answered. */
static void add_pseudo(
	struct delegation_ns *ns, const struct facts *facts, const struct pseudo *pseudo)
{
	struct addr found[SITE_MAX_UPLINKS];
	size_t n_found = 0;

	if (pseudo_names_uplink(pseudo) && !facts->uplinks[pseudo->index].inbound) {
		ns->is_closed = true;
		return;
	}
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		for (size_t view = 0; view < facts->n_uplinks; view++) {
			if (!facts->uplinks[view].inbound)
				continue;
			size_t n = facts_expand(facts, (int)view, pseudo, family, found);
			for (size_t i = 0; i < n; i++)
				add(ns, &found[i], pseudo->ttl_s);
			n_found += n;
		}
	ns->is_unknown |= n_found == 0;
}

static int uplink_of(const struct facts *facts, const struct addr *addr)
{
	for (size_t i = 0; i < facts->n_uplinks; i++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++)
			if (addr_eq(&facts->uplinks[i].public_addrs[family], addr))
				return (int)i;
	return DELEGATION_LITERAL;
}

static void collect(
	const struct zone *zone, const struct facts *facts, struct delegation_ns *ns)
{
	const struct zone_node *node = zone_find(zone, ns->name);

	if (!node)
		return;
	add_literals(ns, node, LDNS_RR_TYPE_A, AF_INET);
	add_literals(ns, node, LDNS_RR_TYPE_AAAA, AF_INET6);
	for (size_t i = 0; i < node->n_pseudos; i++)
		add_pseudo(ns, facts, &node->pseudos[i]);
	for (size_t i = 0; i < ns->n_addrs; i++)
		ns->addrs[i].uplink = uplink_of(facts, &ns->addrs[i].addr);
}

static const struct zone_rrset *apex_ns(const struct zone *zone)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);

	return apex ? zone_node_find(apex, LDNS_RR_TYPE_NS) : NULL;
}

int delegation_make(
	const struct zone *zone, const struct facts *facts, struct delegation *ret_delegation)
{
	const struct zone_rrset *rrset = apex_ns(zone);
	struct facts all_up = *facts; /* shallow: borrows the servers */
	struct delegation delegation = {.ns_ttl_s = rrset ? rrset->ttl_s : 0};

	for (size_t i = 0; i < all_up.n_uplinks; i++)
		all_up.uplinks[i].state = UPLINK_UP;
	delegation.n_ns = rrset ? rrset->n_rdatas : 0;
	delegation.ns = calloc(delegation.n_ns + 1, sizeof(*delegation.ns));
	if (!delegation.ns)
		return -ENOMEM;
	for (size_t i = 0; i < delegation.n_ns; i++) {
		struct delegation_ns *ns = &delegation.ns[i];

		ns->name = rrset->rdatas[i].bytes;
		ns->is_within = name_is_within(ns->name, zone->apex);
		collect(zone, &all_up, ns);
	}
	*ret_delegation = delegation;
	return 0;
}

void delegation_fini(struct delegation *delegation)
{
	free(delegation->ns);
	*delegation = (struct delegation){0};
}

bool delegation_ns_is_closed(const struct delegation_ns *ns)
{
	return ns->is_closed && ns->n_addrs == 0;
}

/* ---- as text ---- */

static void print_ns(FILE *out, const struct zone *zone, const struct delegation *delegation)
{
	char apex[NAME_STR_LEN];
	char name[NAME_STR_LEN];

	name_str(zone->apex, apex);
	for (size_t i = 0; i < delegation->n_ns; i++) {
		const struct delegation_ns *ns = &delegation->ns[i];

		name_str(ns->name, name);
		if (delegation_ns_is_closed(ns))
			fprintf(out, "; %s is left out: its uplink has inbound: no\n", name);
		else
			fprintf(out, "%s\t%u\tIN\tNS\t%s\n", apex, delegation->ns_ttl_s, name);
	}
}

static void print_server(FILE *out, const char *name, const struct delegation_ns *ns)
{
	for (size_t i = 0; i < ns->n_addrs; i++)
		fprintf(out, "%s\t%u\tIN\t%s\t%s\n", name, ns->addrs[i].ttl_s,
			ns->addrs[i].addr.family == AF_INET ? "A" : "AAAA",
			addr_str(&ns->addrs[i].addr));
	if (ns->is_unknown)
		fprintf(out, "; %s: its uplink has no address now\n", name);
}

/* The addresses of the name servers within the zone, or of those beside it. */
static void print_addresses(FILE *out, const struct delegation *delegation, bool within)
{
	bool titled = false;

	for (size_t i = 0; i < delegation->n_ns; i++) {
		const struct delegation_ns *ns = &delegation->ns[i];
		char name[NAME_STR_LEN];

		if (ns->is_within != within || delegation_ns_is_closed(ns))
			continue;
		if (!titled)
			fprintf(out, "%s\n",
				within ? "; Glue, beside the NS records:"
				       : "; Address records, "
					 "in the zone that holds these names:");
		titled = true;
		name_str(ns->name, name);
		print_server(out, name, ns);
		if (ns->n_addrs == 0 && !ns->is_unknown)
			fprintf(out, "; %s: the zone file does not say its address\n", name);
	}
}

char *delegation_text(const struct zone *zone, const struct facts *facts, const char *source)
{
	char apex[NAME_STR_LEN];
	char *text = NULL;
	size_t len;
	struct delegation delegation;
	FILE *out;

	if (delegation_make(zone, facts, &delegation) < 0)
		return NULL;
	out = open_memstream(&text, &len);
	if (out) {
		fprintf(out, "; Delegation of %s for its parent zone.\n; Addresses %s.\n",
			name_str(zone->apex, apex), source);
		print_ns(out, zone, &delegation);
		print_addresses(out, &delegation, true);
		print_addresses(out, &delegation, false);
		if (fclose(out) != 0) {
			free(text);
			text = NULL;
		}
	}
	delegation_fini(&delegation);
	return text;
}

/* ---- as JSON ---- */

static json_t *json_addr(const struct site *site, const struct delegation_addr *addr)
{
	enum site_family family = family_of(addr->addr.family);
	const struct site_uplink *uplink = addr->uplink == DELEGATION_LITERAL
						   ? NULL
						   : &site->uplinks[addr->uplink];

	return json_pack("{s:s, s:I, s:o, s:b, s:b}", "address", addr_str(&addr->addr), "ttl",
		(json_int_t)addr->ttl_s, "uplink",
		uplink ? json_string(uplink->name) : json_null(), "translated",
		(int)(uplink && addr_is_set(&uplink->public_addrs[family])), "dynamic",
		(int)(uplink && zoneadvice_is_dynamic(uplink)));
}

static json_t *json_ns(const struct site *site, const struct delegation_ns *ns)
{
	char name[NAME_STR_LEN];
	json_t *addrs = json_array();

	for (size_t i = 0; i < ns->n_addrs; i++)
		json_array_append_new(addrs, json_addr(site, &ns->addrs[i]));
	return json_pack("{s:s, s:b, s:b, s:b, s:o}", "name", name_str(ns->name, name),
		"within", (int)ns->is_within, "closed", (int)delegation_ns_is_closed(ns),
		"unknown", (int)ns->is_unknown, "addresses", addrs);
}

static json_t *json_zone(
	const struct config *config, size_t i, const struct facts *facts, const char *source)
{
	AUTO(freep) char *text = delegation_text(config->zones[i], facts, source);
	struct delegation delegation;
	json_t *list = json_array();

	if (delegation_make(config->zones[i], facts, &delegation) == 0) {
		for (size_t j = 0; j < delegation.n_ns; j++)
			json_array_append_new(list, json_ns(config->site, &delegation.ns[j]));
		delegation_fini(&delegation);
	}
	return json_pack("{s:s, s:s, s:o}", "name", config->site->dns.zones[i].name, "text",
		text ? text : "", "ns", list);
}

json_t *delegation_json(
	const struct config *config, const struct facts *facts, const char *source)
{
	json_t *list = json_array();

	for (size_t i = 0; i < config->n_zones; i++)
		json_array_append_new(list, json_zone(config, i, facts, source));
	return json_pack("{s:s, s:o}", "source", source, "zones", list);
}

/* ---- the verb ---- */

static bool is_name(const char *a, const char *b)
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

		if (is_name(json_string_value(json_object_get(zone, "name")), name))
			return zone;
	}
	fprintf(stderr, "dnsd: there is no zone %s in the configuration\n", name);
	return NULL;
}

static int facts_now(const struct site *site, struct facts *ret_facts)
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

static json_t *from_files(const struct cli *cli)
{
	struct config *config = NULL;
	struct report report;
	struct facts facts;
	json_t *delegations = NULL;

	report_init(&report);
	if (config_load(cli->config, &report, &config) < 0) {
		report_print(&report, stderr);
	} else if (facts_now(config->site, &facts) == 0) {
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
		return from_files(cli);
	if (err < 0) {
		fprintf(stderr, "dnsd: cannot ask the running dnsd at %s: %s\n",
			path ? path : "", strerror(-err));
		return NULL;
	}
	const char *error = json_string_value(json_object_get(reply, "error"));
	if (error) {
		fprintf(stderr, "dnsd: the running dnsd does not tell: %s\n", error);
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
