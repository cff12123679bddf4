/* doctorfilter.c - checks of chains of other programs: do they drop what we forward?
 *
 * A packet passes the filter chains of every table, and any of them may drop it: what our table
 * accepts does not count in another. So the other tables must accept three things too: traffic
 * from the LAN, connections that a port forward has translated, and queries to dnsd.
 *
 * doctornft.c guesses from the accepting rules of a table whether it accepts them. If unsure, it
 * assumes that it does: a chain without any rule for us is found, one with a mistake in such a
 * rule may not be.
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

/* "wan-a", "wan-b": the form that nft expects in braces. */
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

static void forward_remedy(struct doctor_checkup *checkup, const struct doctor_chain *chain)
{
	const char *iptables = strcmp(chain->family, "ip6") == 0 ? "ip6tables" : "iptables";
	const char *lan_interface = lan_of(checkup->site);
	char lan[NAMES_MAX];
	char uplinks[NAMES_MAX];

	switch (chain->owner) {
	case DOCTOR_DOCKER:
		doctor_remedy(checkup,
			"docker leaves the chain DOCKER-USER to you: iptables -I DOCKER-USER -i %s "
			"-j ACCEPT; iptables -I DOCKER-USER -m conntrack --ctstate "
			"DNAT,ESTABLISHED,RELATED -j ACCEPT; the same with ip6tables; repeat it at "
			"each start, since docker does not save these rules",
			lan_interface);
		break;
	case DOCTOR_UFW:
		doctor_remedy(checkup,
			"ufw route allow in on %s; add to /etc/ufw/before.rules and before6.rules, "
			"before COMMIT: -A ufw-before-forward -m conntrack --ctstate DNAT -j ACCEPT "
			"(-A ufw6-before-forward); then ufw reload",
			lan_interface);
		break;
	case DOCTOR_FIREWALLD:
		doctor_remedy(checkup,
			"put %s and the uplinks into zones of their own, and allow traffic between "
			"them: firewall-cmd --permanent --new-policy lan-out; the same with --policy "
			"lan-out --add-ingress-zone=internal --add-egress-zone=external "
			"--set-target=ACCEPT; firewall-cmd --reload",
			lan_interface);
		break;
	case DOCTOR_IPTABLES:
		doctor_remedy(checkup,
			"%s -I %s -i %s -j ACCEPT; "
			"%s -I %s -m conntrack --ctstate DNAT,ESTABLISHED,RELATED -j ACCEPT; "
			"add both to the file that holds those rules",
			iptables, chain->name, lan_interface, iptables, chain->name);
		break;
	case DOCTOR_NFT:
		doctor_remedy(checkup,
			"add to that chain: ct state established,related accept; ct status dnat "
			"accept; iifname { %s } oifname { %s } accept",
			interface_list(checkup->site, false, lan),
			interface_list(checkup->site, true, uplinks));
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
		"%s drops what no rule accepts, and no rule of it accepts %s: what our own "
		"table accepts is dropped there",
		chain_where(chain, where),
		stops_lan && stops_forwards ? "traffic from the LAN or port forwards"
		: stops_lan		    ? "traffic from the LAN"
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
			"%s -I %s -p udp --dport %u -j ACCEPT; the same with -p tcp; add "
			"both to the file that holds those rules",
			strcmp(chain->family, "ip6") == 0 ? "ip6tables" : "iptables",
			chain->name, port);
		break;
	case DOCTOR_NFT:
		doctor_remedy(checkup,
			"add to that chain: meta l4proto { tcp, udp } th dport %u accept; "
			"without `ct state`, since these queries are not tracked",
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
		"%s drops what no rule accepts, and no rule of it accepts port %u: queries "
		"to dnsd get no response",
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
	doctor_problem(
		checkup, "there are rules of iptables-legacy, which routed cannot read");
	doctor_remedy(checkup,
		"check with iptables-legacy -S whether FORWARD and INPUT drop; better move "
		"the rules to nftables (iptables-legacy-save | iptables-nft-restore)");
}
