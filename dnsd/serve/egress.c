/* egress.c - the interface by which the answers of each address leave
 *
 * Looks one route up per address: a while after a change of links (routes come after addresses)
 * and for each `status`. A socket that is bound only to an address follows the kernel's rules.
 * With a rule "from ADDRESS" the answer uses its uplink's table. Without one it takes the
 * default route, and the other ISP drops it for its foreign source.
 */
#include "dnsd/serve/egress.h"

#include <errno.h>
#include <stdlib.h>

#include "common/log.h"

/* A distant address: a.root-servers.net. Nothing is sent there. */
static const char *far_away(int family)
{
	return family == AF_INET ? "198.41.0.4" : "2001:503:ba3e::2:30";
}

static const char *egress_interface_name(const struct links *links, int ifindex)
{
	const struct link *link = links_find_index(links, ifindex);

	return link ? link->name : "an unknown interface";
}

static void egress_look_up(struct egress_path *path, const struct links *links)
{
	const struct link *link = links_find_index(links, path->expected);
	struct addr far = {0};

	addr_parse(far_away(path->addr.family), &far);
	if (links_route_lookup(&path->addr, &far, &path->found) < 0)
		path->found = EGRESS_UNKNOWN;
	path->is_mismatch = link && link_is_usable(link) && path->found != EGRESS_UNKNOWN &&
			    path->found != path->expected;
}

static void egress_log(const struct egress_path *path, const struct egress_path *before,
	const struct site *site, const struct links *links)
{
	const char *uplink = site->uplinks[path->view].name;
	const char *address = addr_str(&path->addr);
	const char *expected = egress_interface_name(links, path->expected);
	bool was_mismatch = before && before->is_mismatch;

	if (path->is_mismatch && was_mismatch && path->found == before->found)
		return;
	if (path->found == path->expected && was_mismatch)
		log_notice("route", "%s: answers from %s leave over %s now", uplink, address,
			expected);
	if (!path->is_mismatch)
		return;
	if (path->found == 0)
		log_warning("route",
			"%s: answers from %s go nowhere, there is no route for them: run "
			"routed, or give it a table with a default route over %s and rules "
			"that lead there: see dnsd(8), \"Where answers leave\"",
			uplink, address, expected);
	else
		log_warning("route",
			"%s: answers from %s leave over %s instead of %s, where the ISP will "
			"probably drop them: run routed, or give it a table with a default "
			"route over %s and rules that lead there: see dnsd(8), \"Where "
			"answers leave\"",
			uplink, address, egress_interface_name(links, path->found), expected,
			expected);
}

const struct egress_path *egress_find(const struct egress *egress, const struct addr *addr)
{
	for (size_t i = 0; i < egress->n; i++)
		if (addr_eq(&egress->paths[i].addr, addr))
			return &egress->paths[i];
	return NULL;
}

void egress_update(struct egress *egress, const struct site *site, const struct links *links,
	const struct listen_spec *specs, size_t n_specs)
{
	struct egress now = {.paths = calloc(n_specs + 1, sizeof(*now.paths))};

	if (!now.paths)
		return; /* the former result is better than none */
	for (size_t i = 0; i < n_specs; i++) {
		struct egress_path *path = &now.paths[now.n];

		if (specs[i].view < 0 || specs[i].taken_by >= 0)
			continue;
		*path = (struct egress_path){
			.addr = specs[i].addr,
			.view = specs[i].view,
			.expected = specs[i].ifindex,
		};
		egress_look_up(path, links);
		egress_log(path, egress_find(egress, &path->addr), site, links);
		now.n++;
	}
	egress_fini(egress);
	*egress = now;
}

void egress_fini(struct egress *egress)
{
	free(egress->paths);
	*egress = (struct egress){0};
}
