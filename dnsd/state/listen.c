/* listen.c - on which addresses there should be sockets, and for which view
 *
 * The address that a query was sent to decides the view, so each address of each uplink has
 * its own socket: secondary and deprecated addresses too, since clients may still know them.
 * An address that is not ready (tentative, duplicate) could not be bound.
 */
#include "dnsd/state/listen.h"

#include <errno.h>
#include <stdlib.h>

#include "common/net/family.h"
#include "common/net/pickaddr.h"

struct listen_list {
	struct listen_spec *specs;
	size_t n;
};

static int listen_find(const struct listen_list *list, const struct addr *addr, uint16_t port)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->specs[i].port == port && addr_eq(&list->specs[i].addr, addr))
			return (int)i;
	return LISTEN_FREE;
}

static void listen_add(struct listen_list *list, int view, const struct link *link,
	const struct link_addr *addr, uint16_t port)
{
	int earlier = listen_find(list, &addr->addr, port);

	/* the kernel may list one address twice, with different peers */
	if (earlier >= 0 && list->specs[earlier].view == view)
		return;
	list->specs[list->n++] = (struct listen_spec){
		.view = view,
		.addr = addr->addr,
		.port = port,
		.ifindex = link->ifindex,
		.taken_by = earlier,
	};
}

static void listen_add_uplink(
	struct listen_list *list, const struct site *site, size_t i, const struct link *link)
{
	const struct site_uplink *uplink = &site->uplinks[i];

	for (size_t j = 0; link && uplink->inbound && j < link->n_addrs; j++)
		if (pickaddr_is_served(&link->addrs[j],
			    &uplink->address[family_of(link->addrs[j].addr.family)]))
			listen_add(list, (int)i, link, &link->addrs[j], site->dns.port);
}

static void listen_add_lan(
	struct listen_list *list, const struct site *site, const struct link *link)
{
	for (size_t j = 0; link && site->dns.inside && j < link->n_addrs; j++)
		if (link_addr_is_ready(&link->addrs[j]))
			listen_add(list, FACTS_VIEW_INSIDE, link, &link->addrs[j],
				site->dns.inside);
}

static size_t listen_count_addrs(const struct site *site, const struct site_links *links)
{
	size_t n = 0;

	for (size_t i = 0; i < site->n_uplinks; i++)
		n += links->uplinks[i] ? links->uplinks[i]->n_addrs : 0;
	for (size_t i = 0; i < site->n_lan; i++)
		n += links->lan[i] ? links->lan[i]->n_addrs : 0;
	return n;
}

int listen_specs(const struct site *site, const struct site_links *links,
	struct listen_spec **ret_specs, size_t *ret_n)
{
	struct listen_list list = {
		.specs = calloc(listen_count_addrs(site, links) + 1, sizeof(*list.specs)),
	};

	if (!list.specs)
		return -ENOMEM;
	for (size_t i = 0; i < site->n_uplinks; i++)
		listen_add_uplink(&list, site, i, links->uplinks[i]);
	for (size_t i = 0; i < site->n_lan; i++)
		listen_add_lan(&list, site, links->lan[i]);
	*ret_specs = list.specs;
	*ret_n = list.n;
	return 0;
}
