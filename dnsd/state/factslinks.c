/* factslinks.c - from links to facts: the state of the site that the answers are made of
 *
 * An uplink is up here while its interface has carrier and an address. Whether packets come
 * through, only routed knows. Its addresses stay in the facts while the kernel has them, up or
 * not: a record that names an uplink always means its address.
 */
#include "dnsd/state/factslinks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/family.h"
#include "common/net/pickaddr.h"
#include "common/site/uplinkset.h"

int site_links_find(
	const struct site *site, const struct links *links, struct site_links *ret_links)
{
	struct site_links found = {0};

	found.lan = calloc(site->n_lan + 1, sizeof(const struct link *));
	if (!found.lan)
		return -ENOMEM;
	for (size_t i = 0; i < site->n_uplinks; i++)
		found.uplinks[i] = links_find(links, site->uplinks[i].interface);
	for (size_t i = 0; i < site->n_lan; i++)
		found.lan[i] = links_find(links, site->lan[i]);
	*ret_links = found;
	return 0;
}

void site_links_fini(struct site_links *links)
{
	free(links->lan);
	links->lan = NULL;
}

/* Only routed knows learned gateways: where they matter, its report decides
 * (routed_report_apply). */
struct addr facts_own_addr(
	const struct site_uplink *uplink, const struct link *link, enum site_family family)
{
	const struct link_addr *found = link ? pickaddr(link, family_af(family),
						       &uplink->address[family],
						       &uplink->gateway[family])
					     : NULL;

	return found ? found->addr : (struct addr){0};
}

static struct addr lan_addr(const struct link *link, enum site_family family)
{
	const struct link_addr *found = link ? pickaddr(link, family_af(family), NULL, NULL)
					     : NULL;

	return found ? found->addr : (struct addr){0};
}

static void uplink_facts_from_link(const struct site_uplink *uplink, const struct link *link,
	struct uplink_facts *ret_facts)
{
	bool has_address = false;

	*ret_facts = (struct uplink_facts){.inbound = uplink->inbound};
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		struct addr own = facts_own_addr(uplink, link, family);

		has_address = has_address || addr_is_set(&own);
		ret_facts->public_addrs[family] = addr_is_set(&uplink->public_addrs[family])
							  ? uplink->public_addrs[family]
							  : own;
	}
	ret_facts->state = link && link_is_usable(link) && has_address ? UPLINK_UP
								       : UPLINK_DOWN;
}

static void server_facts_from_site(const struct site *site, const struct site_server *server,
	struct server_facts *ret_facts)
{
	*ret_facts = (struct server_facts){.forwarded = server->uplinks};
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		bool by_address = addr_is_set(&server->address[family]);

		ret_facts->address[family] = server->address[family];
		for (size_t i = 0; i < site->n_uplinks; i++)
			if (by_address || (server->loopbacks &&
						  addr_is_set(&server->loopbacks[i][family])))
				uplinkset_add(&ret_facts->by_family[family], i);
	}
}

static int facts_init(const struct site *site, struct facts *ret_facts)
{
	memset(ret_facts, 0, sizeof(*ret_facts));
	ret_facts->servers = calloc(site->n_servers + 1, sizeof(*ret_facts->servers));
	if (!ret_facts->servers)
		return -ENOMEM;

	ret_facts->n_uplinks = site->n_uplinks;
	ret_facts->n_servers = site->n_servers;
	ret_facts->move_when_degraded = site->dns.when_degraded_move;
	for (size_t i = 0; i < site->n_servers; i++)
		server_facts_from_site(site, &site->servers[i], &ret_facts->servers[i]);
	return 0;
}

int facts_from_links(
	const struct site *site, const struct site_links *links, struct facts *ret_facts)
{
	int err = facts_init(site, ret_facts);

	if (err < 0)
		return err;
	for (size_t i = 0; i < site->n_uplinks; i++)
		uplink_facts_from_link(
			&site->uplinks[i], links->uplinks[i], &ret_facts->uplinks[i]);
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		for (size_t i = 0; i < site->n_lan && !addr_is_set(&ret_facts->lan[family]);
			i++)
			ret_facts->lan[family] = lan_addr(links->lan[i], family);
	return 0;
}

static bool uplink_has_ipv6(const struct site_uplink *uplink)
{
	return addr_is_set(&uplink->address[SITE_IPV6].addr) ||
	       addr_is_set(&uplink->public_addrs[SITE_IPV6]) ||
	       addr_is_set(&uplink->gateway[SITE_IPV6]) || uplink->prefixes6.n > 0;
}

/* The n-th address of a documentation prefix (RFC 5737, RFC 3849). */
static struct addr example_addr(enum site_family family, size_t n)
{
	static const uint8_t ipv4[4] = {192, 0, 2};
	static const uint8_t ipv6[16] = {0x20, 0x01, 0x0d, 0xb8};
	struct addr addr = addr_from_bytes(
		family_af(family), family == SITE_IPV4 ? ipv4 : ipv6);

	addr.bytes[addr_len(&addr) - 1] = (uint8_t)(n + 1);
	return addr;
}

static struct addr example_public(
	const struct site_uplink *uplink, size_t i, enum site_family family)
{
	if (addr_is_set(&uplink->public_addrs[family]))
		return uplink->public_addrs[family];
	if (prefix_is_host(&uplink->address[family]))
		return uplink->address[family].addr;
	if (family == SITE_IPV6 && !uplink_has_ipv6(uplink))
		return (struct addr){0};
	return example_addr(family, i);
}

int facts_example(const struct site *site, struct facts *ret_facts)
{
	int err = facts_init(site, ret_facts);

	if (err < 0)
		return err;
	for (size_t i = 0; i < site->n_uplinks; i++) {
		struct uplink_facts *uplink = &ret_facts->uplinks[i];

		uplink->state = UPLINK_UP;
		uplink->inbound = site->uplinks[i].inbound;
		for (enum site_family family = 0; family < SITE_FAMILIES; family++)
			uplink->public_addrs[family] = example_public(
				&site->uplinks[i], i, family);
	}
	ret_facts->lan[SITE_IPV4] = example_addr(SITE_IPV4, SITE_MAX_UPLINKS);
	return 0;
}

enum uplink_state facts_link_state(const struct site_uplink *uplink, const struct link *link)
{
	struct uplink_facts facts;

	uplink_facts_from_link(uplink, link, &facts);
	return facts.state;
}

const char *facts_link_why(
	const struct site_uplink *uplink, const struct link *link, char *out, size_t cap)
{
	struct uplink_facts facts;

	uplink_facts_from_link(uplink, link, &facts);
	if (!link)
		snprintf(out, cap, "there is no interface %s", uplink->interface);
	else if (!(link->flags & IFF_UP))
		snprintf(out, cap, "%s is not set up", link->name);
	else if (!link_is_usable(link))
		snprintf(out, cap, "no carrier on %s", link->name);
	else if (facts.state != UPLINK_UP && link->master)
		snprintf(out, cap,
			"no usable address on %s, a port of a bridge or bond: name that one",
			link->name);
	else if (facts.state != UPLINK_UP)
		snprintf(out, cap, "no usable address on %s", link->name);
	else
		snprintf(out, cap, "%s has carrier and address", link->name);
	return out;
}
