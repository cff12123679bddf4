/* delegation.c - what to paste into the parent zone: NS records, and their names' addresses
 *
 * The parent needs the zone's NS records. It also needs the addresses of the name servers
 * whose names are in our zone files: glue for names within the zone, ordinary address records
 * for names beside it, in the zone that holds them. An uplink with `inbound: no` is left out.
 * All others are in, also while they are down: a delegation must outlast an outage.
 *
 * The server answers the control verb `delegation` from here; the command of that name is
 * in delegationask.c.
 */
#include "dnsd/delegation.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/net/family.h"
#include "dnsd/state/zoneadvice.h"

enum { DELEGATION_LITERAL = -1 /* an address that no uplink has */ };

struct delegation_addr {
	struct addr addr;
	uint32_t ttl_s; /* of the zone file */
	int uplink;	/* the uplink with this public address, or DELEGATION_LITERAL */
};

/* One name server. */
struct delegation_ns {
	const uint8_t *name; /* borrowed from the zone */
	bool is_within;	     /* the zone: its addresses are glue */
	bool is_closed;	     /* it names an uplink with inbound: no */
	bool is_unknown;     /* it names an uplink that has no address now */
	struct delegation_addr addrs[SITE_FAMILIES * SITE_MAX_UPLINKS * 2];
	size_t n_addrs;
};

struct delegation {
	uint32_t ns_ttl_s;
	struct delegation_ns *ns; /* owned */
	size_t n_ns;
};

static void ns_add_addr(struct delegation_ns *ns, const struct addr *addr, uint32_t ttl_s)
{
	for (size_t i = 0; i < ns->n_addrs; i++)
		if (addr_eq(&ns->addrs[i].addr, addr))
			return;
	if (ns->n_addrs < sizeof(ns->addrs) / sizeof(ns->addrs[0]))
		ns->addrs[ns->n_addrs++] = (struct delegation_addr){
			*addr, ttl_s, DELEGATION_LITERAL};
}

static void ns_add_literals(
	struct delegation_ns *ns, const struct zone_node *node, uint16_t type, int family)
{
	const struct zone_rrset *rrset = zone_node_find(node, type);

	for (size_t i = 0; rrset && i < rrset->n_rdatas; i++) {
		struct addr addr = addr_from_bytes(family, rrset->rdatas[i].bytes);

		ns_add_addr(ns, &addr, rrset->ttl_s);
	}
}

/* Adds the addresses that the record stands for, in every view that the Internet sees: the
 * zone is answered at each of them. */
static void ns_add_pseudo(
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
				ns_add_addr(ns, &found[i], pseudo->ttl_s);
			n_found += n;
		}
	ns->is_unknown |= n_found == 0;
}

static int uplink_of_addr(const struct facts *facts, const struct addr *addr)
{
	for (size_t i = 0; i < facts->n_uplinks; i++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++)
			if (addr_eq(&facts->uplinks[i].public_addrs[family], addr))
				return (int)i;
	return DELEGATION_LITERAL;
}

static void ns_collect(
	const struct zone *zone, const struct facts *facts, struct delegation_ns *ns)
{
	const struct zone_node *node = zone_find(zone, ns->name);

	if (!node)
		return;
	ns_add_literals(ns, node, LDNS_RR_TYPE_A, AF_INET);
	ns_add_literals(ns, node, LDNS_RR_TYPE_AAAA, AF_INET6);
	for (size_t i = 0; i < node->n_pseudos; i++)
		ns_add_pseudo(ns, facts, &node->pseudos[i]);
	for (size_t i = 0; i < ns->n_addrs; i++)
		ns->addrs[i].uplink = uplink_of_addr(facts, &ns->addrs[i].addr);
}

/* Takes all uplinks for up. -ENOMEM. */
static int delegation_make(
	const struct zone *zone, const struct facts *facts, struct delegation *ret_delegation)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct zone_rrset *rrset = apex ? zone_node_find(apex, LDNS_RR_TYPE_NS) : NULL;
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
		ns_collect(zone, &all_up, ns);
	}
	*ret_delegation = delegation;
	return 0;
}

static void delegation_fini(struct delegation *delegation)
{
	free(delegation->ns);
	*delegation = (struct delegation){0};
}

/* All of its uplinks have `inbound: no`. */
static bool ns_is_left_out(const struct delegation_ns *ns)
{
	return ns->is_closed && ns->n_addrs == 0;
}

/* ---- as text ---- */

static void print_ns_records(
	FILE *out, const struct zone *zone, const struct delegation *delegation)
{
	char apex[NAME_STR_LEN];
	char name[NAME_STR_LEN];

	name_str(zone->apex, apex);
	for (size_t i = 0; i < delegation->n_ns; i++) {
		const struct delegation_ns *ns = &delegation->ns[i];

		name_str(ns->name, name);
		if (ns_is_left_out(ns))
			fprintf(out, "; %s is left out: its uplink has inbound: no\n", name);
		else
			fprintf(out, "%s\t%u\tIN\tNS\t%s\n", apex, delegation->ns_ttl_s, name);
	}
}

static void print_ns_addresses(FILE *out, const char *name, const struct delegation_ns *ns)
{
	for (size_t i = 0; i < ns->n_addrs; i++)
		fprintf(out, "%s\t%u\tIN\t%s\t%s\n", name, ns->addrs[i].ttl_s,
			ns->addrs[i].addr.family == AF_INET ? "A" : "AAAA",
			addr_str(&ns->addrs[i].addr));
	if (ns->is_unknown)
		fprintf(out, "; %s: its uplink has no address now\n", name);
}

/* Prints the addresses of the name servers within the zone, or beside it. */
static void print_addresses(FILE *out, const struct delegation *delegation, bool within)
{
	bool titled = false;

	for (size_t i = 0; i < delegation->n_ns; i++) {
		const struct delegation_ns *ns = &delegation->ns[i];
		char name[NAME_STR_LEN];

		if (ns->is_within != within || ns_is_left_out(ns))
			continue;
		if (!titled)
			fprintf(out, "%s\n",
				within ? "; Glue, beside the NS records:"
				       : "; Address records, "
					 "in the zone that holds these names:");
		titled = true;
		name_str(ns->name, name);
		print_ns_addresses(out, name, ns);
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
		print_ns_records(out, zone, &delegation);
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

static json_t *json_ns_addr(const struct site *site, const struct delegation_addr *addr)
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
		json_array_append_new(addrs, json_ns_addr(site, &ns->addrs[i]));
	return json_pack("{s:s, s:b, s:b, s:b, s:o}", "name", name_str(ns->name, name),
		"within", (int)ns->is_within, "closed", (int)ns_is_left_out(ns), "unknown",
		(int)ns->is_unknown, "addresses", addrs);
}

static json_t *json_delegation(
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
		json_array_append_new(list, json_delegation(config, i, facts, source));
	return json_pack("{s:s, s:o}", "source", source, "zones", list);
}
