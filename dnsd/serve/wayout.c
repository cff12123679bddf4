/* wayout.c - over which interface the answers of each address leave
 *
 * One route look-up per address, a while after a change of links (routes come after addresses)
 * and for each `status`. A socket bound to an address alone follows the kernel's rules: a rule
 * "from ADDRESS" brings the answer to its uplink's table, without one it takes the default
 * route, and the other ISP drops it for its foreign source.
 */
#include "dnsd/serve/wayout.h"

#include <errno.h>
#include <stdlib.h>

#include "common/log.h"

/* Somewhere far away: a.root-servers.net. Nothing is sent there. */
static const char *far_away(int family)
{
	return family == AF_INET ? "198.41.0.4" : "2001:503:ba3e::2:30";
}

static const char *interface_name(const struct links *links, int ifindex)
{
	const struct link *link = links_find_index(links, ifindex);

	return link ? link->name : "an unknown interface";
}

static void look(struct wayout_entry *entry, const struct links *links)
{
	const struct link *link = links_find_index(links, entry->wanted);
	struct addr far = {0};

	addr_parse(far_away(entry->addr.family), &far);
	if (links_route_lookup(&entry->addr, &far, &entry->found) < 0)
		entry->found = WAYOUT_UNKNOWN;
	entry->is_wrong = link && link_is_usable(link) && entry->found != WAYOUT_UNKNOWN &&
			  entry->found != entry->wanted;
}

static void tell(const struct wayout_entry *entry, const struct wayout_entry *before,
	const struct site *site, const struct links *links)
{
	const char *uplink = site->uplinks[entry->view].name;
	const char *address = addr_str(&entry->addr);
	const char *wanted = interface_name(links, entry->wanted);
	bool was_wrong = before && before->is_wrong;

	if (entry->is_wrong && was_wrong && entry->found == before->found)
		return;
	if (entry->found == entry->wanted && was_wrong)
		log_notice("route", "%s: answers from %s leave over %s now", uplink, address,
			wanted);
	if (!entry->is_wrong)
		return;
	if (entry->found == 0)
		log_warning("route",
			"%s: answers from %s go nowhere, there is no route for them: run "
			"routed, or give it a table with a default route over %s and rules "
			"that lead there: see dnsd(8), \"Where answers leave\"",
			uplink, address, wanted);
	else
		log_warning("route",
			"%s: answers from %s leave over %s instead of %s, where the ISP will "
			"probably drop them: run routed, or give it a table with a default "
			"route over %s and rules that lead there: see dnsd(8), \"Where "
			"answers leave\"",
			uplink, address, interface_name(links, entry->found), wanted, wanted);
}

const struct wayout_entry *wayout_find(const struct wayout *wayout, const struct addr *addr)
{
	for (size_t i = 0; i < wayout->n; i++)
		if (addr_eq(&wayout->entries[i].addr, addr))
			return &wayout->entries[i];
	return NULL;
}

void wayout_update(struct wayout *wayout, const struct site *site, const struct links *links,
	const struct listen_want *wants, size_t n_wants)
{
	struct wayout now = {.entries = calloc(n_wants + 1, sizeof(*now.entries))};

	if (!now.entries)
		return; /* what was found before still tells more than nothing */
	for (size_t i = 0; i < n_wants; i++) {
		struct wayout_entry *entry = &now.entries[now.n];

		if (wants[i].view < 0 || wants[i].taken_by >= 0)
			continue;
		*entry = (struct wayout_entry){
			.addr = wants[i].addr,
			.view = wants[i].view,
			.wanted = wants[i].ifindex,
		};
		look(entry, links);
		tell(entry, wayout_find(wayout, &entry->addr), site, links);
		now.n++;
	}
	wayout_fini(wayout);
	*wayout = now;
}

void wayout_fini(struct wayout *wayout)
{
	free(wayout->entries);
	*wayout = (struct wayout){0};
}
