/* nftforwards.c - the port forwards as nftables maps
 *
 * One map per family, from (address asked . protocol . port) to (inside address . port), so
 * that ten thousand forwards cost a new connection as much as one. The addresses asked are
 * those of each uplink's interface and its `public:` ones; port ranges are written out port by
 * port. A server that only some sources may reach has a map of its own behind a test of the
 * source.
 *
 *   192.168.2.1 . tcp . 8443 : 10.0.1.1 . 443
 *
 * TCP goes to the server's loopback of that uplink, if there is one; UDP only where the site
 * says so, since a UDP server answers from whichever address it likes.
 *
 * site_check has refused one port twice on an uplink. Two uplinks with the same address are
 * another matter, as only the links tell: the more preferred one has it. Equal keys must not
 * happen, since nftables would refuse the whole table.
 */
#include "routed/wanted/nftforwards.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/site/uplinkset.h"
#include "routed/wanted/nftprefixes.h"
#include "routed/wanted/situation.h"

enum { MAX_ASKED = SITE_MAX_UPLINKS * (SITUATION_MAX_ADDRS + 1) };

/* The addresses of one family that forwards are asked at. */
struct asked {
	struct addr addrs[MAX_ASKED];
	uint8_t uplinks[MAX_ASKED];
	size_t n;
};

struct forwards {
	struct nfttable *table;
	struct nftblock *map; /* that is being filled; NULL: it has no forward yet */
	char map_name[NFTTABLE_NAME_MAX];
	const struct site *site;
	enum site_family family;
	struct asked asked;
};

static const char *const type_of[] = {
	[SITE_IPV4] = "ipv4_addr",
	[SITE_IPV6] = "ipv6_addr",
};

static const char *const ip_of[] = {
	[SITE_IPV4] = "ip",
	[SITE_IPV6] = "ip6",
};

/* --- which addresses --- */

static void asked_add(struct asked *asked, const struct addr *addr, size_t uplink)
{
	for (size_t i = 0; i < asked->n; i++)
		if (addr_eq(&asked->addrs[i], addr))
			return;
	if (asked->n == MAX_ASKED)
		return;
	asked->addrs[asked->n] = *addr;
	asked->uplinks[asked->n++] = (uint8_t)uplink;
}

static struct asked asked_at(
	const struct site *site, const struct situation *situation, enum site_family family)
{
	struct asked asked = {.n = 0};

	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct addr *addrs[SITUATION_MAX_ADDRS];
		size_t n = situation_served(site, situation, i, family, addrs);

		for (size_t j = 0; j < n; j++)
			asked_add(&asked, addrs[j], i);
		if (site->uplinks[i].inbound &&
			addr_is_set(&site->uplinks[i].public_addrs[family]))
			asked_add(&asked, &site->uplinks[i].public_addrs[family], i);
	}
	return asked;
}

/* --- which forwards --- */

/* Where connections of one protocol that come by an uplink go; unset: nowhere. */
static const struct addr *forward_target(
	const struct forwards *f, const struct site_server *server, size_t uplink, bool udp)
{
	static const struct addr none;

	if (!uplinkset_has(server->uplinks, uplink))
		return &none;
	if (server->has_loopbacks && (!udp || server->udp_to_loopback) &&
		addr_is_set(&server->loopbacks[uplink][f->family]))
		return &server->loopbacks[uplink][f->family];
	return &server->address[f->family];
}

static struct nftblock *forwards_map(struct forwards *f)
{
	const char *type = type_of[f->family];

	if (f->map)
		return f->map;
	f->map = nfttable_add(f->table, NFTBLOCK_MAP, f->map_name);
	f->map->af = family_af(f->family);
	text_add(&f->map->declaration,
		"\t\ttype %s . inet_proto . inet_service : %s . inet_service\n", type, type);
	return f->map;
}

/* One for each port of the range. */
static void add_ports(struct forwards *f, const struct addr *asked, uint8_t protocol,
	const struct site_port *port, const struct addr *target)
{
	struct nftforward forward;

	memset(&forward, 0, sizeof(forward)); /* compared as a whole */
	memcpy(forward.asked, asked->bytes, addr_len(asked));
	memcpy(forward.target, target->bytes, addr_len(target));
	forward.protocol = protocol;
	for (uint32_t i = 0; i <= (uint32_t)port->last - port->first; i++) {
		forward.port = (uint16_t)(port->first + i);
		forward.target_port = (uint16_t)(port->inside + i);
		nftblock_add_forward(forwards_map(f), &forward);
	}
}

static void add_server(struct forwards *f, const struct site_server *server)
{
	for (size_t i = 0; i < f->asked.n; i++) {
		const struct addr *tcp = forward_target(f, server, f->asked.uplinks[i], false);
		const struct addr *udp = forward_target(f, server, f->asked.uplinks[i], true);

		for (size_t j = 0; j < server->n_ports; j++) {
			const struct site_port *port = &server->ports[j];

			if (port->tcp && addr_is_set(tcp))
				add_ports(f, &f->asked.addrs[i], IPPROTO_TCP, port, tcp);
			if (port->udp && addr_is_set(udp))
				add_ports(f, &f->asked.addrs[i], IPPROTO_UDP, port, udp);
		}
	}
}

/* --- maps and rules --- */

/* One map with the forwards of one server, or of all that are open to everyone (NULL); and the
 * rule that looks packets up in it. Nothing if there is nothing to forward. */
static void add_map(struct forwards *f, const struct site_server *only, const char *suffix,
	struct text *rules)
{
	const char *ip = ip_of[f->family];
	unsigned int version = f->family == SITE_IPV4 ? 4 : 6;

	f->map = NULL;
	snprintf(f->map_name, sizeof(f->map_name), "forward%s%u", suffix, version);
	if (only)
		add_server(f, only);
	for (size_t i = 0; i < f->site->n_servers && !only; i++)
		if (f->site->servers[i].from.n == 0)
			add_server(f, &f->site->servers[i]);
	if (!f->map)
		return;

	if (only)
		text_add(rules, "\t\t%s saddr @from%s%u", ip, suffix, version);
	else
		text_add(rules, "\t\tmeta nfproto ipv%u", version);
	text_add(rules, " dnat %s to %s daddr . meta l4proto . th dport map @%s\n", ip, ip,
		f->map_name);
}

static void add_restricted(struct forwards *f, size_t server, struct text *rules)
{
	const struct site_server *only = &f->site->servers[server];
	char suffix[24];
	char set[32];

	if (!nftprefixes_any(&only->from, f->family))
		return; /* no client of this family may */

	snprintf(suffix, sizeof(suffix), "_%zu_", server);
	snprintf(set, sizeof(set), "from%s", suffix);
	nftprefixes_set(f->table, set, &only->from, f->family);
	add_map(f, only, suffix, rules);
}

void nft_forwards(struct nfttable *table, struct text *rules, const struct site *site,
	const struct situation *situation)
{
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		struct forwards f = {
			.table = table,
			.site = site,
			.family = family,
			.asked = asked_at(site, situation, family),
		};

		for (size_t i = 0; i < site->n_servers; i++)
			if (site->servers[i].from.n > 0)
				add_restricted(&f, i, rules);
		add_map(&f, NULL, "", rules);
	}
}
