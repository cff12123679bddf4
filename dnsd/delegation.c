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
#include "common/ctl.h"
#include "common/links.h"
#include "dnsd/config.h"
#include "dnsd/dnsd.h"
#include "dnsd/gather.h"
#include "dnsd/status.h"

struct address {
	struct addr addr;
	uint32_t ttl_s;
};

/* The addresses of one name server. */
struct addresses {
	struct address items[SITE_FAMILIES * SITE_MAX_UPLINKS * 2];
	size_t n;
	bool is_closed;	 /* named an uplink with inbound: no */
	bool is_unknown; /* named an uplink that has no address now */
};

static void add(struct addresses *addresses, const struct addr *addr, uint32_t ttl_s)
{
	for (size_t i = 0; i < addresses->n; i++)
		if (addr_eq(&addresses->items[i].addr, addr))
			return;
	if (addresses->n < sizeof(addresses->items) / sizeof(addresses->items[0]))
		addresses->items[addresses->n++] = (struct address){*addr, ttl_s};
}

static void add_literals(
	struct addresses *addresses, const struct zone_node *node, uint16_t type, int family)
{
	const struct zone_rrset *rrset = zone_node_find(node, type);

	for (size_t i = 0; rrset && i < rrset->n_rdatas; i++) {
		struct addr addr = addr_from_bytes(family, rrset->rdatas[i].bytes);

		add(addresses, &addr, rrset->ttl_s);
	}
}

/* What the record stands for in any view that the Internet sees: each is an address at which
 * the zone is answered. */
static void add_pseudo(
	struct addresses *addresses, const struct facts *facts, const struct pseudo *pseudo)
{
	struct addr found[SITE_MAX_UPLINKS];
	size_t n_before = addresses->n;

	if (pseudo->kind == PSEUDO_UPLINK && !facts->uplinks[pseudo->index].inbound) {
		addresses->is_closed = true;
		return;
	}
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		for (size_t view = 0; view < facts->n_uplinks; view++) {
			if (!facts->uplinks[view].inbound)
				continue;
			size_t n = facts_expand(facts, (int)view, pseudo, family, found);
			for (size_t i = 0; i < n; i++)
				add(addresses, &found[i], pseudo->ttl_s);
		}
	addresses->is_unknown = addresses->n == n_before;
}

static void collect(const struct zone *zone, const struct facts *facts, const uint8_t *name,
	struct addresses *ret_addresses)
{
	const struct zone_node *node = zone_find(zone, name);

	memset(ret_addresses, 0, sizeof(*ret_addresses));
	if (!node)
		return;
	add_literals(ret_addresses, node, LDNS_RR_TYPE_A, AF_INET);
	add_literals(ret_addresses, node, LDNS_RR_TYPE_AAAA, AF_INET6);
	for (size_t i = 0; i < node->n_pseudos; i++)
		add_pseudo(ret_addresses, facts, &node->pseudos[i]);
}

static const struct zone_rrset *apex_ns(const struct zone *zone)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);

	return apex ? zone_node_find(apex, LDNS_RR_TYPE_NS) : NULL;
}

static void print_ns(FILE *out, const struct zone *zone, const struct facts *facts)
{
	const struct zone_rrset *ns = apex_ns(zone);
	char apex[NAME_STR_LEN];
	char name[NAME_STR_LEN];
	struct addresses addresses;

	name_str(zone->apex, apex);
	for (size_t i = 0; ns && i < ns->n_rdatas; i++) {
		const uint8_t *target = ns->rdatas[i].bytes;

		name_str(target, name);
		collect(zone, facts, target, &addresses);
		if (addresses.is_closed && addresses.n == 0)
			fprintf(out, "; %s is left out: its uplink has inbound: no\n", name);
		else
			fprintf(out, "%s\t%u\tIN\tNS\t%s\n", apex, ns->ttl_s, name);
	}
}

static void print_server(FILE *out, const char *name, const struct addresses *addresses)
{
	for (size_t i = 0; i < addresses->n; i++)
		fprintf(out, "%s\t%u\tIN\t%s\t%s\n", name, addresses->items[i].ttl_s,
			addresses->items[i].addr.family == AF_INET ? "A" : "AAAA",
			addr_str(&addresses->items[i].addr));
	if (addresses->is_unknown)
		fprintf(out, "; %s: its uplink has no address now\n", name);
}

/* The addresses of the name servers within the zone, or of those beside it. */
static void print_addresses(
	FILE *out, const struct zone *zone, const struct facts *facts, bool within)
{
	const struct zone_rrset *ns = apex_ns(zone);
	bool titled = false;

	for (size_t i = 0; ns && i < ns->n_rdatas; i++) {
		const uint8_t *target = ns->rdatas[i].bytes;
		struct addresses addresses;
		char name[NAME_STR_LEN];

		if (name_is_within(target, zone->apex) != within)
			continue;
		collect(zone, facts, target, &addresses);
		if (addresses.is_closed && addresses.n == 0)
			continue;
		if (!titled)
			fprintf(out, "%s\n",
				within ? "; Glue, beside the NS records:"
				       : "; Address records, in the zone that holds these "
					 "names:");
		titled = true;
		name_str(target, name);
		print_server(out, name, &addresses);
		if (addresses.n == 0 && !addresses.is_unknown)
			fprintf(out, "; %s: the zone file does not say its address\n", name);
	}
}

char *delegation_text(const struct zone *zone, const struct facts *facts, const char *source)
{
	char apex[NAME_STR_LEN];
	char *text = NULL;
	size_t len;
	struct facts all_up = *facts; /* shallow: borrows the servers */
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < all_up.n_uplinks; i++)
		all_up.uplinks[i].state = UPLINK_UP;

	fprintf(out, "; Delegation of %s for its parent zone.\n; Addresses %s.\n",
		name_str(zone->apex, apex), source);
	print_ns(out, zone, &all_up);
	print_addresses(out, zone, &all_up, true);
	print_addresses(out, zone, &all_up, false);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

json_t *delegation_json(const struct dnsd *dnsd)
{
	json_t *list = json_array();

	for (size_t i = 0; i < dnsd->config->n_zones; i++) {
		AUTO(freep)
		char *text = delegation_text(
			dnsd->config->zones[i], &dnsd->facts, "as dnsd has them now");

		json_array_append_new(list,
			json_pack("{s:s, s:s}", "name", dnsd->config->site->dns.zones[i].name,
				"text", text ? text : ""));
	}
	return json_pack("{s:o}", "zones", list);
}

/* ---- the verb ----------------------------------------------------------------------------
 */

static bool is_name(const char *a, const char *b)
{
	uint8_t wire_a[NAME_MAX_LEN];
	uint8_t wire_b[NAME_MAX_LEN];
	size_t len;

	return name_from_str(a, wire_a, &len) == 0 && name_from_str(b, wire_b, &len) == 0 &&
	       name_eq(wire_a, wire_b);
}

static int no_such_zone(const char *name)
{
	fprintf(stderr, "dnsd: there is no zone %s in the configuration\n", name);
	return EXIT_FAILED;
}

static int print_live(const json_t *reply, const char *name)
{
	const json_t *zones = json_object_get(reply, "zones");

	for (size_t i = 0; i < json_array_size(zones); i++) {
		const json_t *zone = json_array_get(zones, i);
		const char *text = json_string_value(json_object_get(zone, "text"));

		if (text && is_name(json_string_value(json_object_get(zone, "name")), name)) {
			fputs(text, stdout);
			return EXIT_DONE;
		}
	}
	return no_such_zone(name);
}

static int facts_now(const struct site *site, struct facts *ret_facts)
{
	struct links *links = NULL;
	struct site_links found;
	int err = links_new(NULL, NULL, NULL, &links);

	if (err == 0)
		err = site_links_find(site, links, &found);
	if (err == 0) {
		err = gather_facts(site, &found, ret_facts);
		site_links_fini(&found);
	}
	links_free(links);
	return err;
}

static int print_from_files(const struct cli *cli, const char *name)
{
	struct config *config = NULL;
	struct report report;
	struct facts facts;
	size_t i;
	int status = EXIT_FAILED;

	report_init(&report);
	if (config_load(cli->config, &report, &config) < 0) {
		report_print(&report, stderr);
	} else if (config_find_zone(config, name, &i) < 0) {
		status = no_such_zone(name);
	} else if (facts_now(config->site, &facts) == 0) {
		AUTO(freep)
		char *text = delegation_text(config->zones[i], &facts,
			"as the kernel has them now; no dnsd is running");

		if (text)
			status = fputs(text, stdout) < 0 ? EXIT_FAILED : EXIT_DONE;
		facts_fini(&facts);
	}
	report_fini(&report);
	config_free(config);
	return status;
}

int delegation_run(const struct cli *cli)
{
	AUTO(freep) char *path = cli_path(cli->runtime_dir, DNSD_SOCKET);
	json_t *reply = NULL;
	int err = path ? ctl_request(path, "delegation", DNSD_SOCKET_TIMEOUT_MS, &reply)
		       : -ENOMEM;

	if (err == -ENOENT || err == -ECONNREFUSED)
		return print_from_files(cli, cli->args[0]);
	if (err < 0) {
		fprintf(stderr, "dnsd: cannot ask the running dnsd at %s: %s\n",
			path ? path : "", strerror(-err));
		return EXIT_FAILED;
	}
	int status = print_live(reply, cli->args[0]);
	json_decref(reply);
	return status;
}
