/* situation.c - from links and gateways to what wanted.c and the state machines are told
 *
 * Called by reconcile.c whenever something may have changed, and by the one-shot verbs. An
 * uplink is looked at by the name of its interface each time, so that a device that is made
 * anew, with another ifindex, is simply the next situation.
 */
#include "routed/situation.h"

#include <net/if.h>

static const int families[SITE_FAMILIES] = {[SITE_IPV4] = AF_INET, [SITE_IPV6] = AF_INET6};

static size_t add_ready(
	const struct link *link, struct link_addr out[SITUATION_MAX_ADDRS], size_t n)
{
	for (size_t i = 0; i < link->n_addrs && n < SITUATION_MAX_ADDRS; i++)
		if (link_addr_is_ready(&link->addrs[i]))
			out[n++] = link->addrs[i];
	return n;
}

static struct addr choose(
	const struct link *link, enum site_family family, const struct addr *wanted)
{
	const struct link_addr *found = link_pick_addr(
		link, families[family], addr_is_set(wanted) ? wanted : NULL);

	return found ? found->addr : (struct addr){0};
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
	ret_uplink->n_addrs = add_ready(link, ret_uplink->addrs, 0);
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		ret_uplink->chosen[family] = choose(link, family, &uplink->address[family]);
		ret_uplink->gateway[family] = addr_is_set(&uplink->gateway[family])
						      ? uplink->gateway[family]
						      : learned->gateway[family];
	}
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
			ret_situation->n_lan_addrs = add_ready(
				link, ret_situation->lan_addrs, ret_situation->n_lan_addrs);
	}
}

void situation_facts(const struct situation_uplink *uplink, struct uplink_facts *ret_facts)
{
	*ret_facts = (struct uplink_facts){
		.present = uplink->ifindex != 0,
		.port = uplink->is_port,
		.carrier = uplink->carrier,
	};
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		ret_facts->address[family] = addr_is_set(&uplink->chosen[family]);
		ret_facts->gateway[family] = uplink->point_to_point ||
					     addr_is_set(&uplink->gateway[family]);
	}
}

struct addr situation_public(const struct site_uplink *uplink,
	const struct situation_uplink *situation, enum site_family family)
{
	return addr_is_set(&uplink->public[family]) ? uplink->public[family]
						    : situation->chosen[family];
}
