/* doctorfilter.c - checks of chains of other programs: do they drop what we forward?
 *
 * A packet passes the filter chains of every table, and one that drops it is enough: what our
 * table accepts helps nothing in another. So three things must be allowed there as well: the
 * LAN's way out, connections that a port forward has translated, and questions to dnsd.
 *
 * Whether a chain allows them is guessed from its table's accepting rules (doctornft.c), in
 * doubt for the better: a chain that drops everything and was never told of us is found; one
 * with a mistake in it may not be.
 */
#include <stdio.h>
#include <string.h>

#include "routed/doctor/doctorcheck.h"

enum { NAMES_MAX = 256, WHERE_MAX = 192, MEANS_MAX = 1024 };

static const char *owner_str(enum doctor_owner owner)
{
	static const char *const names[] = {
		[DOCTOR_NFT] = "",
		[DOCTOR_IPTABLES] = ", made by iptables",
		[DOCTOR_DOCKER] = ", made by docker",
		[DOCTOR_UFW] = ", made by ufw",
		[DOCTOR_FIREWALLD] = ", made by firewalld",
	};

	return names[owner];
}

static char *chain_where(const struct doctor_chain *chain, char out[WHERE_MAX])
{
	snprintf(out, WHERE_MAX, "chain %s of table %s %s%s", chain->name, chain->family,
		chain->table, owner_str(chain->owner));
	return out;
}

/* "wan-a", "wan-b": as nft takes them between braces. */
static char *interface_list(const struct site *site, bool uplinks, char out[NAMES_MAX])
{
	size_t n = uplinks ? site->n_uplinks : site->n_lan;
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n && len < NAMES_MAX - 32; i++)
		len += (size_t)snprintf(out + len, NAMES_MAX - len, "%s\"%s\"", i ? ", " : "",
			uplinks ? site->uplinks[i].interface : site->lan[i]);
	return out;
}

static const char *lan_of(const struct site *site)
{
	return site->n_lan ? site->lan[0] : "LAN";
}

/* ---- forwarding -------------------------------------------------------------------------- */

static void remedy_docker(struct doctor_checkup *checkup)
{
	doctor_remedy(checkup,
		"docker leaves the chain DOCKER-USER to you: iptables -I DOCKER-USER -i %s -j "
		"ACCEPT; iptables -I DOCKER-USER -m conntrack --ctstate "
		"DNAT,ESTABLISHED,RELATED -j ACCEPT; the same with ip6tables; and again at "
		"each start, since docker does not keep them",
		lan_of(checkup->site));
}

static void remedy_ufw(struct doctor_checkup *checkup)
{
	doctor_remedy(checkup,
		"ufw route allow in on %s; and in /etc/ufw/before.rules and before6.rules, "
		"ahead of COMMIT: -A ufw-before-forward -m conntrack --ctstate DNAT -j ACCEPT "
		"(-A ufw6-before-forward); then ufw reload",
		lan_of(checkup->site));
}

static void remedy_firewalld(struct doctor_checkup *checkup)
{
	doctor_remedy(checkup,
		"put %s and the uplinks into zones of their own, and allow what crosses "
		"them: firewall-cmd --permanent --new-policy lan-out; the same with --policy "
		"lan-out --add-ingress-zone=internal --add-egress-zone=external "
		"--set-target=ACCEPT; firewall-cmd --reload",
		lan_of(checkup->site));
}

static void remedy_iptables(struct doctor_checkup *checkup, const struct doctor_chain *chain)
{
	doctor_remedy(checkup,
		"%s -I %s -i %s -j ACCEPT; %s -I %s -m conntrack --ctstate "
		"DNAT,ESTABLISHED,RELATED -j ACCEPT; and where those rules are kept",
		strcmp(chain->family, "ip6") == 0 ? "ip6tables" : "iptables", chain->name,
		lan_of(checkup->site),
		strcmp(chain->family, "ip6") == 0 ? "ip6tables" : "iptables", chain->name);
}

static void remedy_nft(struct doctor_checkup *checkup)
{
	char lan[NAMES_MAX];
	char uplinks[NAMES_MAX];

	doctor_remedy(checkup,
		"in that chain: ct state established,related accept; ct status dnat accept; "
		"iifname { %s } oifname { %s } accept",
		interface_list(checkup->site, false, lan),
		interface_list(checkup->site, true, uplinks));
}

static void forward_remedy(struct doctor_checkup *checkup, const struct doctor_chain *chain)
{
	switch (chain->owner) {
	case DOCTOR_DOCKER:
		remedy_docker(checkup);
		break;
	case DOCTOR_UFW:
		remedy_ufw(checkup);
		break;
	case DOCTOR_FIREWALLD:
		remedy_firewalld(checkup);
		break;
	case DOCTOR_IPTABLES:
		remedy_iptables(checkup, chain);
		break;
	case DOCTOR_NFT:
		remedy_nft(checkup);
	}
}

static bool has_forwards(const struct site *site)
{
	for (size_t i = 0; i < site->n_servers; i++)
		if (site->servers[i].n_ports > 0)
			return true;
	return false;
}

static bool drops_all(const struct doctor_chain *chain)
{
	return chain->policy_drop || chain->drops_rest;
}

static void check_forward_chain(
	struct doctor_checkup *checkup, const struct doctor_chain *chain)
{
	bool stops_lan = drops_all(chain) && !chain->passes_lan;
	bool stops_forwards = (drops_all(chain) || chain->drops_uplink) &&
			      !chain->passes_dnat && has_forwards(checkup->site);
	char where[WHERE_MAX];

	if (!stops_lan && !stops_forwards)
		return;
	doctor_problem(checkup,
		"%s drops what it was not told to pass, and of %s there is no "
		"rule that does: what our own table accepts is dropped there",
		chain_where(chain, where),
		stops_lan && stops_forwards ? "the LAN's way out and of port forwards"
		: stops_lan		    ? "the LAN's way out"
					    : "port forwards");
	forward_remedy(checkup, chain);
}

void check_forward_filters(struct doctor_checkup *checkup)
{
	for (size_t i = 0; i < checkup->facts->n_chains; i++)
		if (checkup->facts->chains[i].hook == DOCTOR_FORWARD)
			check_forward_chain(checkup, &checkup->facts->chains[i]);
}

/* ---- queries to dnsd ---------------------------------------------------------------------- */

static void dns_remedy(struct doctor_checkup *checkup, const struct doctor_chain *chain)
{
	unsigned int port = checkup->site->dns.port;

	switch (chain->owner) {
	case DOCTOR_UFW:
		doctor_remedy(checkup, "ufw allow %u", port);
		break;
	case DOCTOR_FIREWALLD:
		doctor_remedy(checkup,
			"firewall-cmd --permanent --zone=external --add-port=%u/udp "
			"--add-port=%u/tcp; firewall-cmd --reload",
			port, port);
		break;
	case DOCTOR_IPTABLES:
	case DOCTOR_DOCKER:
		doctor_remedy(checkup,
			"%s -I %s -p udp --dport %u -j ACCEPT; the same with -p tcp; and "
			"where those rules are kept",
			strcmp(chain->family, "ip6") == 0 ? "ip6tables" : "iptables",
			chain->name, port);
		break;
	case DOCTOR_NFT:
		doctor_remedy(checkup,
			"in that chain: meta l4proto { tcp, udp } th dport %u accept; not "
			"tied to `ct state`, since these questions are not tracked",
			port);
	}
}

static void check_input_chain(struct doctor_checkup *checkup, const struct doctor_chain *chain)
{
	char where[WHERE_MAX];

	if (checkup->site->dns.n_zones == 0 || chain->passes_dns ||
		!(drops_all(chain) || chain->drops_uplink))
		return;
	doctor_problem(checkup,
		"%s drops what it was not told to pass, and no rule of it passes "
		"port %u: nobody gets an answer from dnsd",
		chain_where(chain, where), checkup->site->dns.port);
	dns_remedy(checkup, chain);
}

void check_dns_filters(struct doctor_checkup *checkup)
{
	for (size_t i = 0; i < checkup->facts->n_chains; i++)
		if (checkup->facts->chains[i].hook == DOCTOR_INPUT)
			check_input_chain(checkup, &checkup->facts->chains[i]);
}

/* ---- iptables-legacy ---------------------------------------------------------------------- */

void check_legacy_iptables(struct doctor_checkup *checkup)
{
	if (!checkup->facts->legacy_iptables)
		return;
	doctor_problem(checkup,
		"there are rules of iptables-legacy, which nothing here can look into");
	doctor_remedy(checkup,
		"see with iptables-legacy -S whether FORWARD and INPUT drop; better move them to nftables (iptables-legacy-save | iptables-nft-restore)");
}
