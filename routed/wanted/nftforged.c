/* nftforged.c - what an uplink must not bring: inside sources, and questions for the inside
 * view
 *
 * BCP 38 and BCP 84 at the edge: a packet from outside with a source of the inside is forged.
 * Servers, dnsd and whatever believes in addresses would take it for a neighbour's. Every
 * packet that an uplink brings passes here before it is tracked:
 *
 *     own        127/8, ::1, the router's addresses, the servers' loopbacks    dropped
 *     asked      the inside view's port on the LAN's addresses                 dropped
 *     onlink     an uplink's subnet or gateway within a prefix below           passes
 *     delegated  prefixes6                                                     dropped
 *     lan        the LAN's subnets, and servers                                dropped, unless
 *                the route to the source leads over an uplink: a more specific one wins
 *     private    RFC 1918, RFC 4193: networks behind the LAN's own routers     dropped, if
 *                the route to the source leads into the LAN
 *
 * What came out of IPsec passes: a road warrior may have a LAN address, and the kernel gives
 * its packets the uplink as the interface that they came by. So does DHCP: a server of the ISP
 * may have an address that the LAN has too. These are asked of packets that would be dropped,
 * so that others do not pay for them.
 *
 * Not in the lists: link-local addresses and 0.0.0.0, which neighbours use; loopbacks of a
 * server that sits in an uplink's subnet; `routing.open` as far as it is no subnet of the LAN,
 * for it may be reached by many ways. Public networks behind the LAN's routers are such, and to
 * ask for the route to each public source would cost every packet.
 *
 * The lists are written into the rules: a chain is filled again where an address changes
 * (nftdiff.c), while a change of a named set of intervals would replace the whole table.
 */
#include "routed/wanted/nftforged.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/family.h"
#include "common/xalloc.h"
#include "routed/wanted/nfttext.h"
#include "routed/wanted/situation.h"

enum { IPV4_BITS = 32, IPV6_BITS = 128 };

/* ---- lists ---- */

static void prefixes_add(struct forged_prefixes *list, struct prefix prefix)
{
	list->items = xgrow(list->items, list->n, sizeof(*list->items));
	list->items[list->n++] = prefix;
}

static void prefixes_add_addr(
	struct forged_prefixes *list, const struct addr *addr, enum site_family family)
{
	if (addr->family == family_af(family))
		prefixes_add(list,
			(struct prefix){*addr, family == SITE_IPV4 ? IPV4_BITS : IPV6_BITS});
}

/* A prefix comes before those within it. */
static int prefix_order(const void *left, const void *right)
{
	const struct prefix *a = left;
	const struct prefix *b = right;
	int order = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));

	return order ? order : (int)a->len - (int)b->len;
}

/* nft refuses a set of intervals of which two overlap. */
static void prefixes_tidy(struct forged_prefixes *list)
{
	size_t n = 0;

	if (list->n > 0)
		qsort(list->items, list->n, sizeof(*list->items), prefix_order);
	for (size_t i = 0; i < list->n; i++)
		if (n == 0 || !prefix_contains(&list->items[n - 1], &list->items[i].addr))
			list->items[n++] = list->items[i];
	list->n = n;
}

static bool lies_within(const struct forged_prefixes *list, const struct prefix *prefix)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].len <= prefix->len &&
			prefix_contains(&list->items[i], &prefix->addr))
			return true;
	return false;
}

/* ---- what is known ---- */

static bool has_address(const struct situation_uplink *uplink, const struct addr *addr)
{
	for (size_t i = 0; i < uplink->n_addrs; i++)
		if (addr_eq(&uplink->addrs[i].addr, addr))
			return true;
	return addr_eq(&uplink->chosen[SITE_IPV4], addr) ||
	       addr_eq(&uplink->chosen[SITE_IPV6], addr);
}

static bool is_on_an_uplink(
	const struct site *site, const struct situation *situation, const struct addr *addr)
{
	for (size_t i = 0; i < site->n_uplinks; i++)
		for (size_t j = 0; j < situation->uplinks[i].n_addrs; j++) {
			struct prefix subnet = link_addr_subnet(
				&situation->uplinks[i].addrs[j]);

			if (prefix_contains(&subnet, addr))
				return true;
		}
	return false;
}

/* A server in an uplink's subnet sends from its loopbacks over that uplink. */
static void forged_add_loopbacks(struct forged *forged, const struct site *site,
	const struct situation *situation, enum site_family family)
{
	for (size_t s = 0; s < site->n_servers; s++) {
		const struct site_server *server = &site->servers[s];
		const struct addr *via = addr_is_set(&server->via[family])
						 ? &server->via[family]
						 : &server->address[family];

		if (!server->has_loopbacks || is_on_an_uplink(site, situation, via))
			continue;
		for (size_t i = 0; i < site->n_uplinks; i++)
			prefixes_add_addr(&forged->own, &server->loopbacks[i][family], family);
	}
}

static void forged_add_own(struct forged *forged, const struct site *site,
	const struct situation *situation, enum site_family family)
{
	static const struct prefix loopbacks[SITE_FAMILIES] = {
		[SITE_IPV4] = {{AF_INET, {127}}, 8},
		[SITE_IPV6] = {{AF_INET6, {[15] = 1}}, IPV6_BITS},
	};

	prefixes_add(&forged->own, loopbacks[family]);
	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct situation_uplink *uplink = &situation->uplinks[i];

		prefixes_add_addr(&forged->own, &uplink->chosen[family], family);
		for (size_t j = 0; j < uplink->n_addrs; j++)
			prefixes_add_addr(&forged->own, &uplink->addrs[j].addr, family);
	}
	for (size_t i = 0; i < situation->n_lan_addrs; i++)
		prefixes_add_addr(&forged->own, &situation->lan_addrs[i].addr, family);
	for (size_t i = 0; i < situation->n_own; i++)
		prefixes_add_addr(&forged->own, &situation->own[i], family);
}

static void add_delegated(
	struct forged *forged, const struct site *site, enum site_family family)
{
	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct site_prefixes *prefixes = &site->uplinks[i].prefixes6;

		for (size_t j = 0; j < prefixes->n; j++)
			if (prefixes->items[j].addr.family == family_af(family))
				prefixes_add(&forged->delegated, prefixes->items[j]);
	}
}

/* The view of an uplink answers at an address that both have. */
static void add_lan(struct forged *forged, const struct site *site,
	const struct situation *situation, enum site_family family)
{
	bool is_asked = site->dns.inside && site->dns.n_zones > 0;

	for (size_t i = 0; i < situation->n_lan_addrs; i++) {
		const struct link_addr *addr = &situation->lan_addrs[i];
		bool is_shared = false;

		if (addr->addr.family != family_af(family))
			continue;
		prefixes_add(&forged->lan, link_addr_subnet(addr));
		for (size_t j = 0; j < site->n_uplinks; j++)
			is_shared |= has_address(&situation->uplinks[j], &addr->addr);
		if (is_asked && !is_shared)
			prefixes_add_addr(&forged->asked, &addr->addr, family);
	}
}

static bool is_open(const struct site *site, const struct addr *addr)
{
	for (size_t i = 0; i < site->routing.open.n; i++)
		if (prefix_contains(&site->routing.open.items[i], addr))
			return true;
	return false;
}

/* Those of a DMZ that `lan` does not name; in an uplink's subnet the route passes them. */
static void add_servers(
	struct forged *forged, const struct site *site, enum site_family family)
{
	for (size_t s = 0; s < site->n_servers; s++) {
		const struct addr *addr = &site->servers[s].address[family];

		if (!is_open(site, addr))
			prefixes_add_addr(&forged->lan, addr, family);
	}
}

static void add_if_inside(struct forged *forged, struct prefix prefix)
{
	if (lies_within(&forged->lan, &prefix) || lies_within(&forged->delegated, &prefix))
		prefixes_add(&forged->onlink, prefix);
}

/* Proxy ARP and the like: a LAN that is an uplink's subnet, or contains it. */
static void add_onlink(struct forged *forged, const struct site *site,
	const struct situation *situation, enum site_family family)
{
	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct situation_uplink *uplink = &situation->uplinks[i];
		const struct addr *gateway = &uplink->gateway[family];

		for (size_t j = 0; j < uplink->n_addrs; j++)
			if (uplink->addrs[j].addr.family == family_af(family))
				add_if_inside(forged, link_addr_subnet(&uplink->addrs[j]));
		if (gateway->family == family_af(family))
			add_if_inside(
				forged, (struct prefix){*gateway,
						family == SITE_IPV4 ? IPV4_BITS : IPV6_BITS});
	}
}

void forged_of(const struct site *site, const struct situation *situation,
	enum site_family family, struct forged *ret_forged)
{
	struct forged forged = {0};

	forged_add_own(&forged, site, situation, family);
	forged_add_loopbacks(&forged, site, situation, family);
	add_delegated(&forged, site, family);
	add_lan(&forged, site, situation, family);
	add_servers(&forged, site, family);
	add_onlink(&forged, site, situation, family);
	prefixes_tidy(&forged.own);
	prefixes_tidy(&forged.delegated);
	prefixes_tidy(&forged.lan);
	prefixes_tidy(&forged.onlink);
	prefixes_tidy(&forged.asked);
	*ret_forged = forged;
}

void forged_fini(struct forged *forged)
{
	free(forged->own.items);
	free(forged->delegated.items);
	free(forged->lan.items);
	free(forged->onlink.items);
	free(forged->asked.items);
	*forged = (struct forged){0};
}

/* ---- as text ---- */

/* "ip saddr { 127.0.0.0/8, 192.168.2.1 } ...", nothing if the list is empty. */
static void prefixes_rule(struct text *text, const char *before, enum site_family family,
	const char *field, const struct forged_prefixes *list, const char *after)
{
	unsigned int bits = family == SITE_IPV4 ? IPV4_BITS : IPV6_BITS;

	if (list->n == 0)
		return;
	text_add(text, "\t\t%s%s %s {", before, family == SITE_IPV4 ? "ip" : "ip6", field);
	for (size_t i = 0; i < list->n; i++) {
		const struct prefix *prefix = &list->items[i];

		text_add(text, "%s %s", i ? "," : "",
			prefix->len < bits ? prefix_str(prefix) : addr_str(&prefix->addr));
	}
	text_add(text, " } %s\n", after);
}

static struct text *forged_chain_begin(struct nfttable *table, const char *name)
{
	return &nfttable_add(table, NFTBLOCK_CHAIN, name)->rules;
}

static void drop_chain(struct nfttable *table, const struct site *site, const char *name,
	enum wanted_counter counter, const char *passes)
{
	struct text *rules = forged_chain_begin(table, name);

	text_add(rules, "\t\tmeta ipsec exists return\n%s", passes);
	text_str(rules, "\t\tcounter name iifname map {");
	for (size_t i = 0; i < site->n_uplinks; i++) {
		char counter_name[WANTED_COUNTER_NAME];

		text_add(rules, "%s \"%s\" : \"%s\"", i ? "," : "", site->uplinks[i].interface,
			wanted_counter_name(counter, i, counter_name));
	}
	text_str(rules, " } drop\n");
}

/* "fib saddr oifname != { "wan-a", "wan-b" } goto forged". It is asked with the destination as
 * the source, hence by our rules: what `main` knows inside first, then what it knows outside.
 */
static void add_unless_outside(struct text *text, const struct site *site)
{
	text_str(text, "fib saddr oifname != {");
	for (size_t i = 0; i < site->n_uplinks; i++)
		text_add(text, "%s \"%s\"", i ? "," : "", site->uplinks[i].interface);
	text_str(text, " } goto forged");
}

static void private_rule(struct text *text, const struct site *site, enum site_family family)
{
	static const char *const prefixes[SITE_FAMILIES] = {
		[SITE_IPV4] = "ip saddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 }",
		[SITE_IPV6] = "ip6 saddr fc00::/7",
	};

	if (site->n_lan == 0)
		return;
	text_add(text, "\t\t%s fib saddr oifname {", prefixes[family]);
	for (size_t i = 0; i < site->n_lan; i++)
		text_add(text, "%s \"%s\"", i ? "," : "", site->lan[i]);
	text_str(text, " } goto behind_lan\n");
}

/* Routers of ISPs have private addresses too, and the LAN may have a route to all of 10/8:
 * without their errors a connection that meets a smaller MTU hangs (RFC 4890 for IPv6). What
 * they are about is tracked, so that a forged one does little. */
static void behind_lan_chain(struct nfttable *table, const struct site *site)
{
	if (site->n_lan == 0)
		return;
	text_str(forged_chain_begin(table, "behind_lan"),
		"\t\ticmp type { destination-unreachable, time-exceeded, "
		"parameter-problem } return\n"
		"\t\ticmpv6 type { destination-unreachable, packet-too-big, time-exceeded, "
		"parameter-problem } return\n"
		"\t\tgoto forged\n");
}

void nft_forged_chains(
	struct nfttable *table, const struct site *site, const struct situation *situation)
{
	struct forged forged[SITE_FAMILIES];
	struct text inside = {0};
	char asked[64];

	add_unless_outside(&inside, site);
	snprintf(asked, sizeof(asked), "meta l4proto { tcp, udp } th dport %u ",
		site->dns.inside);
	for (enum site_family f = 0; f < SITE_FAMILIES; f++)
		forged_of(site, situation, f, &forged[f]);

	drop_chain(table, site, "forged", WANTED_COUNTER_FORGED,
		"\t\tudp sport 67 udp dport 68 return\n");
	behind_lan_chain(table, site);
	if (forged[SITE_IPV4].asked.n + forged[SITE_IPV6].asked.n > 0)
		drop_chain(table, site, "inside_view", WANTED_COUNTER_INSIDE_VIEW, "");

	struct text *text = forged_chain_begin(table, "from_outside");
	for (enum site_family f = 0; f < SITE_FAMILIES; f++) {
		prefixes_rule(text, "", f, "saddr", &forged[f].own, "goto forged");
		prefixes_rule(text, asked, f, "daddr", &forged[f].asked, "goto inside_view");
		prefixes_rule(text, "", f, "saddr", &forged[f].onlink, "return");
		prefixes_rule(text, "", f, "saddr", &forged[f].delegated, "goto forged");
		prefixes_rule(text, "", f, "saddr", &forged[f].lan, inside.data);
		private_rule(text, site, f);
		forged_fini(&forged[f]);
	}
	text_fini(&inside);
}
