/* sitecheck_servers.c - whether the servers of site.yaml can be reached as it says
 *
 * The part of sitecheck.c for servers: their names, the owner of each address, and where each
 * public port leads. There may be a thousand servers with many ports each, so addresses are
 * sorted, and ports are entered into a table of 65,536 owners.
 */
#include "common/site/sitecheck_servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/net/family.h"
#include "common/site/siteproblem.h"
#include "common/site/sitevalue.h"
#include "common/site/uplinkset.h"

enum { N_PORTS = 65536, SSH_PORT = 22 };

/* Addresses: a loopback must have no other owner */

enum owner_kind { OWNER_UPLINK, OWNER_SERVER, OWNER_LOOPBACK };

struct owner {
	struct addr addr;
	enum owner_kind kind;
	uint32_t index;	  /* of the uplink or server */
	const char *what; /* key of an uplink; name of a loopback's uplink */
};

struct owners {
	struct owner *items;
	size_t n;
};

static void owners_add(struct owners *owners, const struct addr *addr, enum owner_kind kind,
	size_t index, const char *what)
{
	if (addr_is_set(addr))
		owners->items[owners->n++] = (struct owner){
			*addr, kind, (uint32_t)index, what};
}

static void owners_add_uplink(struct owners *owners, const struct site *site, size_t i)
{
	const struct site_uplink *uplink = &site->uplinks[i];

	for (int f = 0; f < SITE_FAMILIES; f++) {
		if (prefix_is_host(&uplink->address[f]))
			owners_add(
				owners, &uplink->address[f].addr, OWNER_UPLINK, i, "address");
		owners_add(owners, &uplink->public_addrs[f], OWNER_UPLINK, i, "public");
		owners_add(owners, &uplink->gateway[f], OWNER_UPLINK, i,
			f == SITE_IPV4 ? "gateway" : "gateway6");
	}
}

static void owners_add_server(struct owners *owners, const struct site *site, size_t i)
{
	const struct site_server *server = &site->servers[i];

	for (int f = 0; f < SITE_FAMILIES; f++) {
		owners_add(owners, &server->address[f], OWNER_SERVER, i, NULL);
		for (size_t u = 0; server->loopbacks && u < site->n_uplinks; u++)
			owners_add(owners, &server->loopbacks[u][f], OWNER_LOOPBACK, i,
				site->uplinks[u].name);
	}
}

static int owner_cmp(const void *a, const void *b)
{
	const struct owner *x = a;
	const struct owner *y = b;
	int order = (int)x->addr.family - (int)y->addr.family;

	if (order == 0)
		order = memcmp(x->addr.bytes, y->addr.bytes, sizeof(x->addr.bytes));
	if (order == 0)
		order = (int)x->kind - (int)y->kind;
	if (order == 0)
		order = (x->index > y->index) - (x->index < y->index);
	if (order == 0 && x->what && y->what)
		order = strcmp(x->what, y->what);
	return order;
}

static const char *owner_path(const struct owner *owner)
{
	switch (owner->kind) {
	case OWNER_UPLINK:
		return check_path("uplinks[%u].%s", owner->index, owner->what);
	case OWNER_SERVER:
		return check_path("servers[%u].address", owner->index);
	case OWNER_LOOPBACK:
		break;
	}
	return check_path("servers[%u].loopbacks.%s", owner->index, owner->what);
}

/* In sorted order the owner with the best claim comes first. sitecheck.c compares uplinks
 * with each other, and one host may have two names. */
static void check_owners(const struct check *check)
{
	const struct site *site = check->site;
	size_t n_most = 6 * site->n_uplinks + 2 * site->n_servers * (1 + site->n_uplinks);
	AUTO(freep) struct owner *items = calloc(n_most + 1, sizeof(*items));
	struct owners owners = {items, 0};
	const struct owner *first = items;

	if (!items) {
		check->doc->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < site->n_uplinks; i++)
		owners_add_uplink(&owners, site, i);
	for (size_t i = 0; i < site->n_servers; i++)
		owners_add_server(&owners, site, i);
	qsort(items, owners.n, sizeof(*items), owner_cmp);

	for (size_t i = 1; i < owners.n; i++) {
		const struct owner *owner = &items[i];

		if (!addr_eq(&first->addr, &owner->addr)) {
			first = owner;
			continue;
		}
		if (owner->kind == OWNER_LOOPBACK ||
			(owner->kind == OWNER_SERVER && first->kind == OWNER_UPLINK))
			check_error(check, owner_path(owner), "%s is already %s",
				addr_str(&owner->addr), owner_path(first));
	}
}

/* Servers */

static void check_server_name(const struct check *check, size_t i)
{
	const struct site_server *servers = check->site->servers;
	const char *where = check_path("servers[%zu].name", i);

	if (strcasecmp(servers[i].name, "all") == 0)
		check_error(check, where,
			"'%s' has a meaning of its own in zone files: choose another name",
			servers[i].name);
	for (size_t j = 0; j < i && servers[i].name[0]; j++) {
		if (strcasecmp(servers[j].name, servers[i].name) != 0)
			continue;
		check_error(check, where, "'%s' is already the name of servers[%zu]",
			servers[i].name, j);
		return;
	}
}

static bool server_has_address(const struct site_server *server)
{
	return addr_is_set(&server->address[SITE_IPV4]) ||
	       addr_is_set(&server->address[SITE_IPV6]);
}

/* The word "loopback" leads to 127.0.0.1, which is wrong here. */
static void check_forwardable(
	const struct check *check, const struct addr *addr, size_t i, const char *key)
{
	if (addr_is_loopback(addr))
		check_error(check, check_path("servers[%zu].%s", i, key),
			"%s never leaves the host that uses it: choose a private address",
			addr_str(addr));
	else if (addr_is_link_local(addr))
		check_error(check, check_path("servers[%zu].%s", i, key),
			"%s is link-local: nothing can be forwarded to it", addr_str(addr));
}

static void check_loopbacks(const struct check *check, size_t i)
{
	const struct site *site = check->site;
	const struct site_server *server = &site->servers[i];

	for (size_t u = 0; server->loopbacks && u < site->n_uplinks; u++) {
		const struct addr *loopback = server->loopbacks[u];
		const char *uplink = site->uplinks[u].name;
		bool forwarded = uplinkset_has(server->uplinks, u);
		bool any = false;

		for (int f = 0; f < SITE_FAMILIES; f++) {
			if (!addr_is_set(&loopback[f]))
				continue;
			any = true;
			check_forwardable(
				check, &loopback[f], i, check_path("loopbacks.%s", uplink));
			if (server_has_address(server) && !addr_is_set(&server->via[f]))
				check_error(check,
					check_path("servers[%zu].loopbacks.%s", i, uplink),
					"%s has no next hop: "
					"the server has no address of that family",
					addr_str(&loopback[f]));
		}
		if (any && !forwarded)
			check_warn(check, check_path("servers[%zu].loopbacks.%s", i, uplink),
				"nothing is forwarded to it: "
				"'%s' is not among the server's uplinks",
				uplink);
		if (!any && forwarded && uplink[0])
			check_warn(check, check_path("servers[%zu].loopbacks", i),
				"there is none for '%s': what comes in there returns by the "
				"connection's mark",
				uplink);
	}
}

static void check_server_uplinks(const struct check *check, size_t i)
{
	const struct site *site = check->site;

	for (size_t u = 0; u < site->n_uplinks; u++)
		if (uplinkset_has(site->servers[i].uplinks, u) && !site->uplinks[u].inbound)
			check_error(check, check_path("servers[%zu].uplinks", i),
				"'%s' has 'inbound: no': nothing can be forwarded there",
				site->uplinks[u].name);
}

static void check_from(const struct check *check, size_t i)
{
	const struct site_server *server = &check->site->servers[i];
	bool usable = server->from.n == 0 || !server_has_address(server);

	for (size_t p = 0; p < server->from.n; p++) {
		int family = server->from.items[p].addr.family;

		usable |= family == 0 || addr_is_set(&server->address[family_of(family)]);
	}
	if (!usable)
		check_warn(check, check_path("servers[%zu].from", i),
			"lets nobody in: no prefix is of the server's address family");
}

/* Forwards */

static bool port_covers(const struct site_port *port, unsigned int number)
{
	return port->first <= number && number <= port->last;
}

static void check_port_values(const struct check *check, size_t i)
{
	const struct site_server *server = &check->site->servers[i];
	uint16_t dns_port = check->site->dns.port;

	for (size_t p = 0; p < server->n_ports; p++) {
		const struct site_port *port = &server->ports[p];
		const char *where = check_path("servers[%zu].ports[%zu]", i, p);

		if (port->first == 0)
			continue;
		if (port_covers(port, dns_port))
			check_error(check, where,
				"%s covers port %u, where dnsd itself answers (dns.port)",
				site_port_str(port), dns_port);
		if (port->tcp && port_covers(port, SSH_PORT))
			check_warn(check, where,
				"%s covers port 22: from outside, "
				"SSH then reaches the server and no longer this router",
				site_port_str(port));
	}
}

/* The owner of each public port of one uplink, protocol and family: indices of server and
 * port, packed, plus one; 0 is free. */
struct port_table {
	uint64_t *owners;
	bool *reported; /* by number of the forward */
};

static uint64_t port_owner_pack(size_t server, size_t port)
{
	return ((uint64_t)server << 32 | port) + 1;
}

/* Enters one forward, up to the first port that is taken: all forwards together then cost no
 * more than the length of the table. Returns the owner of that port, or 0. */
static uint64_t enter(uint64_t *owners, const struct site_port *port, uint64_t owner)
{
	for (unsigned int number = port->first; number <= port->last; number++) {
		if (owners[number])
			return owners[number];
		owners[number] = owner;
	}
	return 0;
}

static void report_taken(const struct check *check, size_t server, size_t port, uint64_t owner,
	const char *uplink)
{
	size_t other_server = (size_t)((owner - 1) >> 32);
	size_t other_port = (size_t)((owner - 1) & UINT32_MAX);
	const struct site_port *mine = &check->site->servers[server].ports[port];
	const struct site_port *other = &check->site->servers[other_server].ports[other_port];

	check_error(check, check_path("servers[%zu].ports[%zu]", server, port),
		"%s collides on uplink '%s' with %s of servers[%zu].ports[%zu]",
		site_port_str(mine), uplink, site_port_str(other), other_server, other_port);
}

static void fill_table(const struct check *check, struct port_table *table, size_t uplink,
	bool tcp, int family)
{
	const struct site *site = check->site;
	size_t n_forward = 0;

	memset(table->owners, 0, N_PORTS * sizeof(*table->owners));
	for (size_t s = 0; s < site->n_servers; n_forward += site->servers[s].n_ports, s++) {
		const struct site_server *server = &site->servers[s];

		if (!uplinkset_has(server->uplinks, uplink) ||
			!addr_is_set(&server->address[family]))
			continue;
		for (size_t p = 0; p < server->n_ports; p++) {
			const struct site_port *port = &server->ports[p];

			if (port->first == 0 || !(tcp ? port->tcp : port->udp))
				continue;
			uint64_t owner = enter(table->owners, port, port_owner_pack(s, p));
			if (owner && !table->reported[n_forward + p])
				report_taken(check, s, p, owner, site->uplinks[uplink].name);
			table->reported[n_forward + p] |= owner != 0;
		}
	}
}

static void check_collisions(const struct check *check)
{
	const struct site *site = check->site;
	size_t n_forwards = 0;

	for (size_t s = 0; s < site->n_servers; s++)
		n_forwards += site->servers[s].n_ports;
	if (n_forwards < 2)
		return;

	AUTO(freep) uint64_t *owners = calloc(N_PORTS, sizeof(*owners));
	AUTO(freep) bool *reported = calloc(n_forwards, sizeof(*reported));
	struct port_table table = {owners, reported};
	if (!owners || !reported) {
		check->doc->out_of_memory = true;
		return;
	}
	for (size_t u = 0; u < site->n_uplinks; u++)
		for (int family = 0; family < SITE_FAMILIES; family++)
			for (int tcp = 0; tcp < 2; tcp++)
				fill_table(check, &table, u, tcp, family);
}

void check_servers(const struct check *check)
{
	for (size_t i = 0; i < check->site->n_servers; i++) {
		const struct site_server *server = &check->site->servers[i];

		check_server_name(check, i);
		for (int f = 0; f < SITE_FAMILIES; f++)
			check_forwardable(check, &server->address[f], i, "address");
		check_loopbacks(check, i);
		check_server_uplinks(check, i);
		check_from(check, i);
		check_port_values(check, i);
		if (server->udp_to_loopback && !server->has_loopbacks)
			check_warn(check, check_path("servers[%zu].udp", i),
				"has no effect: the server has no loopbacks");
		if (server->check_port && !server->uplinks)
			check_warn(check, check_path("servers[%zu].check", i),
				"has no effect: nothing is forwarded to the server");
	}
	check_owners(check);
	check_collisions(check);
}
