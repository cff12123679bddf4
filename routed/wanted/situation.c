/* situation.c - from links and gateways to the input of wanted.c and the state machines
 *
 * Called by agent/observer.c whenever something may have changed, and by the one-shot verbs. An
 * uplink is looked at by the name of its interface each time, so that a device that is made
 * again, with another ifindex, is simply the next situation.
 */
#include "routed/wanted/situation.h"

#include <linux/if_addr.h>
#include <net/if.h>

#include "common/net/family.h"
#include "common/net/pickaddr.h"
#include "routed/kernel/gateways.h"
#include "routed/kernel/mainroutes.h"
#include "routed/uplink/uplink.h"

static size_t add_ready(const struct link *link, struct link_addr *out, size_t n, size_t cap)
{
	for (size_t i = 0; i < link->n_addrs && n < cap; i++)
		if (link_addr_is_ready(&link->addrs[i]))
			out[n++] = link->addrs[i];
	return n;
}

static void add_own(const struct links *links, struct situation *situation)
{
	for (const struct link *link = links_next(links, NULL); link;
		link = links_next(links, link))
		for (size_t i = 0; i < link->n_addrs && situation->n_own < SITUATION_MAX_OWN;
			i++)
			if (link_addr_is_ready(&link->addrs[i]))
				situation->own[situation->n_own++] = link->addrs[i].addr;
}

static struct addr choose(const struct link *link, enum site_family family,
	const struct prefix *address, const struct addr *gateway)
{
	const struct link_addr *found = pickaddr(link, family_af(family), address, gateway);

	return found ? found->addr : (struct addr){0};
}

void situation_learn(const struct gateways *gateways, const struct link *link,
	struct situation_learned *learned)
{
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		const struct gateway *gateway = link ? gateways_find(gateways, link->ifindex,
							       family_af(family))
						     : NULL;

		learned->gateway[family] = gateway ? gateway->addr : (struct addr){0};
		learned->bare_default[family] = gateway && !addr_is_set(&gateway->addr);
		learned->metrics[family] = gateway ? gateway->metrics
						   : (struct kernel_metrics){0};
		learned->main_routes[family] = link ? mainroutes_find(&gateways->main,
							      link->ifindex, family_af(family))
						    : NULL;
	}
	learned->uses_ra = link && gateways_uses_ra(gateways, link->ifindex);
}

/* Does it have IPv6 addresses, all of which are link-local? One that is not ready yet is an
 * address too. */
static bool has_only_link_local(const struct link *link)
{
	bool found = false;

	for (size_t i = 0; i < link->n_addrs; i++) {
		const struct link_addr *addr = &link->addrs[i];

		if (addr->addr.family != AF_INET6)
			continue;
		if (!addr_is_link_local(&addr->addr))
			return false;
		found = found || !(addr->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED));
	}
	return found;
}

/* A provider may give the uplink no IPv6 address of its own: its router is reached by its
 * link-local address, and what the LAN has is the prefix that was delegated. An uplink that
 * has lost its address is none of these, though its default may stand a while longer. */
static bool is_unnumbered(const struct site_uplink *uplink, const struct link *link,
	const struct situation_learned *learned)
{
	const struct mainroutes_over *routes = learned->main_routes[SITE_IPV6];

	return routes && routes->has_default && !learned->lost_ipv6 &&
	       !addr_is_set(&uplink->address[SITE_IPV6].addr) && has_only_link_local(link);
}

/* A configured gateway goes before all that main says of the default. */
static void take_default(const struct site_uplink *uplink,
	const struct situation_learned *learned, enum site_family family,
	struct situation_uplink *ret_uplink)
{
	const struct addr *configured = &uplink->gateway[family];

	ret_uplink->gateway[family] = learned->gateway[family];
	if (addr_is_set(configured) && !addr_eq(configured, &learned->gateway[family])) {
		ret_uplink->gateway[family] = *configured;
		return;
	}
	ret_uplink->bare_default[family] = learned->bare_default[family];
	ret_uplink->metrics[family] = learned->metrics[family];
}

void situation_of_uplink(const struct site_uplink *uplink, const struct link *link,
	const struct situation_learned *learned, struct situation_uplink *ret_uplink)
{
	*ret_uplink = (struct situation_uplink){0};
	if (!link)
		return;

	ret_uplink->ifindex = link->ifindex;
	ret_uplink->is_down = !(link->flags & IFF_UP);
	ret_uplink->point_to_point = link->flags & IFF_POINTOPOINT;
	ret_uplink->mtu = link->mtu;
	ret_uplink->is_port = link->master != 0;
	ret_uplink->carrier = link_is_usable(link) && !learned->no_carrier && !link->master;
	ret_uplink->uses_ra = learned->uses_ra;
	ret_uplink->n_addrs = add_ready(link, ret_uplink->addrs, 0, SITUATION_MAX_ADDRS);
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		take_default(uplink, learned, family, ret_uplink);
		ret_uplink->main_routes[family] = learned->main_routes[family];
		ret_uplink->chosen[family] = choose(
			link, family, &uplink->address[family], &ret_uplink->gateway[family]);
	}
	ret_uplink->unnumbered = is_unnumbered(uplink, link, learned);
}

const struct addr *situation_lan_global(const struct situation *situation)
{
	static const struct addr none;

	for (size_t i = 0; i < situation->n_lan_addrs; i++) {
		const struct addr *addr = &situation->lan_addrs[i].addr;

		/* RFC 4291 section 2.5.4: 2000::/3 is what is given out */
		if (addr->family == AF_INET6 && (addr->bytes[0] & 0xe0) == 0x20)
			return addr;
	}
	return &none;
}

void situation_make(const struct site *site, const struct links *links,
	const struct situation_learned *learned, struct situation *ret_situation)
{
	*ret_situation = (struct situation){0};
	for (size_t i = 0; i < site->n_uplinks; i++)
		situation_of_uplink(&site->uplinks[i],
			links_find(links, site->uplinks[i].interface), &learned[i],
			&ret_situation->uplinks[i]);
	for (size_t i = 0; i < site->n_lan; i++) {
		const struct link *link = links_find(links, site->lan[i]);

		if (link)
			ret_situation->n_lan_addrs = add_ready(link, ret_situation->lan_addrs,
				ret_situation->n_lan_addrs, SITUATION_MAX_LAN_ADDRS);
	}
	add_own(links, ret_situation);
	for (size_t i = 0; i < site->n_uplinks; i++)
		if (site->uplinks[i].prefixes6.n == 0 &&
			!addr_is_set(situation_lan_global(ret_situation)))
			ret_situation->uplinks[i].unnumbered = false;
}

/* An address of its own, or none needed; below, a gateway, or none needed. */
static bool uplink_has_address(const struct situation_uplink *uplink, enum site_family family)
{
	return addr_is_set(&uplink->chosen[family]) ||
	       (family == SITE_IPV6 && uplink->unnumbered);
}

static bool uplink_has_gateway(const struct situation_uplink *uplink, enum site_family family)
{
	return uplink->point_to_point || uplink->bare_default[family] ||
	       addr_is_set(&uplink->gateway[family]);
}

void situation_facts(const struct situation_uplink *uplink, struct uplink_facts *ret_facts)
{
	*ret_facts = (struct uplink_facts){
		.present = uplink->ifindex != 0,
		.port = uplink->is_port,
		.carrier = uplink->carrier,
	};
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		ret_facts->address[family] = uplink_has_address(uplink, family);
		ret_facts->gateway[family] = uplink_has_gateway(uplink, family);
	}
}

struct addr situation_public(const struct site_uplink *uplink,
	const struct situation_uplink *situation, enum site_family family)
{
	return addr_is_set(&uplink->public_addrs[family]) ? uplink->public_addrs[family]
							  : situation->chosen[family];
}

bool situation_can_route(const struct situation_uplink *uplink, enum site_family family)
{
	return uplink->ifindex != 0 && !uplink->is_down &&
	       uplink_has_address(uplink, family) && uplink_has_gateway(uplink, family);
}

bool situation_is_left_to_main(const struct situation_uplink *uplink, enum site_family family)
{
	const struct mainroutes_over *routes = uplink->main_routes[family];

	return routes && routes->has_default && !situation_can_route(uplink, family);
}

size_t situation_served(const struct site *site, const struct situation *situation, size_t i,
	enum site_family family, const struct addr *ret_addrs[SITUATION_MAX_ADDRS])
{
	const struct situation_uplink *uplink = &situation->uplinks[i];
	size_t n = 0;

	if (!site->uplinks[i].inbound)
		return 0;
	const struct prefix *address = &site->uplinks[i].address[family];
	if (prefix_is_host(address)) {
		ret_addrs[0] = &uplink->chosen[family];
		return addr_is_set(ret_addrs[0]) ? 1 : 0;
	}
	for (size_t j = 0; j < uplink->n_addrs; j++)
		if (uplink->addrs[j].addr.family == family_af(family) &&
			pickaddr_is_served(&uplink->addrs[j], address))
			ret_addrs[n++] = &uplink->addrs[j].addr;
	return n;
}
