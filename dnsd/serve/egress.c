/* egress.c - over which interface the answers of each address leave
 *
 * One route look-up per address, a while after a change of links (routes come after addresses)
 * and for each `status`. A socket bound to an address alone follows the kernel's rules: a rule
 * "from ADDRESS" brings the answer to its uplink's table, without one it takes the default
 * route, and the other ISP drops it for its foreign source.
 */
#include "dnsd/serve/egress.h"

#include <errno.h>
#include <stdlib.h>

#include "common/log.h"

/* Somewhere far away: a.root-servers.net. Nothing is sent there. */
static const char *far_away(int family)
{
	return family == AF_INET ? "198.41.0.4" : "2001:503:ba3e::2:30";
}

static const char *egress_interface_name(const struct links *links, int ifindex)
{
	const struct link *link = links_find_index(links, ifindex);

	return link ? link->name : "an unknown interface";
}

static void egress_look_up(struct egress_path *entry, const struct links *links)
{
	const struct link *link = links_find_index(links, entry->wanted);
	struct addr far = {0};

	addr_parse(far_away(entry->addr.family), &far);
	if (links_route_lookup(&entry->addr, &far, &entry->found) < 0)
		entry->found = EGRESS_UNKNOWN;
	entry->is_wrong = link && link_is_usable(link) && entry->found != EGRESS_UNKNOWN &&
			  entry->found != entry->wanted;
}

static void egress_log(const struct egress_path *entry, const struct egress_path *before,
	const struct site *site, const struct links *links)
{
	const char *uplink = site->uplinks[entry->view].name;
	const char *address = addr_str(&entry->addr);
	const char *wanted = egress_interface_name(links, entry->wanted);
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
			uplink, address, egress_interface_name(links, entry->found), wanted,
			wanted);
}

const struct egress_path *egress_find(const struct egress *egress, const struct addr *addr)
{
	for (size_t i = 0; i < egress->n; i++)
		if (addr_eq(&egress->entries[i].addr, addr))
			return &egress->entries[i];
	return NULL;
}

void egress_update(struct egress *egress, const struct site *site, const struct links *links,
	const struct listen_spec *specs, size_t n_specs)
{
	struct egress now = {.entries = calloc(n_specs + 1, sizeof(*now.entries))};

	if (!now.entries)
		return; /* what was found before still tells more than nothing */
	for (size_t i = 0; i < n_specs; i++) {
		struct egress_path *entry = &now.entries[now.n];

		if (specs[i].view < 0 || specs[i].taken_by >= 0)
			continue;
		*entry = (struct egress_path){
			.addr = specs[i].addr,
			.view = specs[i].view,
			.wanted = specs[i].ifindex,
		};
		egress_look_up(entry, links);
		egress_log(entry, egress_find(egress, &entry->addr), site, links);
		now.n++;
	}
	egress_fini(egress);
	*egress = now;
}

void egress_fini(struct egress *egress)
{
	free(egress->entries);
	*egress = (struct egress){0};
}
