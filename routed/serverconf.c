/* serverconf.c - the addresses to configure on an inside server, as text to paste
 *
 * An inside server needs one thing: the address that stands for each uplink, on a device that
 * is always up. No router on the LAN announces it, so it is a host prefix (/32, /128) without
 * a route. A connection that the server itself starts must never use it as its source:
 *
 *   Linux     lo has the addresses. The IPv6 ones are deprecated, since an IPv6 host chooses
 *             its source among all of its devices (RFC 6724); IPv4 chooses by the outgoing
 *             device
 *   Windows   a loopback adapter per uplink. Windows takes and sends packets only by the
 *             device that has the address (strong host model, RFC 1122 section 3.3.4.2),
 *             unless both devices are configured otherwise
 *
 * The LAN address, the default route and the resolver stay as they are; the text shows them.
 * Only serverconf_run touches the system: it looks up the router's own LAN address.
 */
#include "routed/serverconf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/cli.h"
#include "common/net/links.h"
#include "common/site/siteload.h"
#include "routed/kernel/text.h"

struct paper {
	struct text text;
	const struct site *site;
	const struct site_server *server;
	const struct serverconf_router *router;
};

/* Writes the lines of a format for one loopback address. */
typedef void paper_line_fn(struct paper *paper, const char *uplink, const struct addr *addr);

static const char *const format_names[SERVERCONF_FORMATS] = {
	[SERVERCONF_NETWORKD] = "networkd",
	[SERVERCONF_NETPLAN] = "netplan",
	[SERVERCONF_IFUPDOWN] = "ifupdown",
	[SERVERCONF_WINDOWS] = "windows",
};

int serverconf_format(const char *name, enum serverconf_format *ret_format)
{
	for (enum serverconf_format format = 0; format < SERVERCONF_FORMATS; format++)
		if (strcmp(format_names[format], name) == 0) {
			*ret_format = format;
			return 0;
		}
	return -EINVAL;
}

/* --- the loopbacks --- */

static unsigned int host_len(const struct addr *addr)
{
	return (unsigned int)(8 * addr_len(addr));
}

static void each_loopback(struct paper *paper, paper_line_fn *line)
{
	for (size_t i = 0; i < paper->site->n_uplinks && paper->server->has_loopbacks; i++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
			const struct addr *addr = &paper->server->loopbacks[i][family];

			if (addr_is_set(addr))
				line(paper, paper->site->uplinks[i].name, addr);
		}
}

static bool has_loopback_of(const struct paper *paper, enum site_family family)
{
	for (size_t i = 0; i < paper->site->n_uplinks && paper->server->has_loopbacks; i++)
		if (addr_is_set(&paper->server->loopbacks[i][family]))
			return true;
	return false;
}

static bool has_loopbacks(const struct paper *paper)
{
	return has_loopback_of(paper, SITE_IPV4) || has_loopback_of(paper, SITE_IPV6);
}

/* --- the head of all formats --- */

static const char *paper_address(const struct paper *paper, enum site_family family)
{
	return addr_str(&paper->server->address[family]);
}

static void paper_default_route(struct paper *paper, enum site_family family)
{
	const struct addr *router = &paper->router->addr[family];
	const struct addr *via = &paper->server->via[family];
	const char *version = family == SITE_IPV4 ? "IPv4" : "IPv6";

	if (!addr_is_set(&paper->server->address[family]))
		return;
	text_add(&paper->text, "#   %s address        %s\n", version,
		paper_address(paper, family));
	text_add(&paper->text, "#   %s default route  ", version);
	if (addr_is_set(via) && !addr_eq(via, &paper->server->address[family]))
		text_add(&paper->text, "to the router that has %s, and from there to ours\n",
			addr_str(via));
	else if (addr_is_set(router))
		text_add(&paper->text, "via %s\n", addr_str(router));
	else
		text_add(&paper->text, "via THE ROUTER'S LAN ADDRESS, not known here: no "
				       "interface of `lan` has one in that subnet\n");
}

/* A UDP program on a wildcard socket answers from the LAN address: its forward leads there. */
static bool has_udp_to_address(const struct paper *paper)
{
	for (size_t i = 0; i < paper->server->n_ports; i++)
		if (paper->server->ports[i].udp && !paper->server->udp_to_loopback)
			return true;
	return false;
}

static void paper_head(struct paper *paper, enum serverconf_format format)
{
	const char *name = paper->server->name;

	text_add(&paper->text,
		"# Inside server %s: made by `routed server-config %s "
		"--format %s`.\n#\n",
		name, name, format_names[format]);
	text_str(&paper->text, "# What the server has already, and keeps:\n");
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		paper_default_route(paper, family);
	text_str(&paper->text, "#\n");
	if (!has_loopbacks(paper)) {
		text_str(&paper->text,
			"# There is nothing to enter: site.yaml gives this server no "
			"loopbacks, so that the\n# router knows by its own marks which "
			"uplink an answer belongs to.\n");
		return;
	}
	text_str(&paper->text,
		"# What it gets is one address per uplink, and nothing else: no route, "
		"no second gateway.\n"
		"# What comes in over an uplink is delivered to that uplink's address; "
		"what the server\n"
		"# sends from it leaves over that uplink, or not at all.\n");
	if (has_udp_to_address(paper))
		text_str(&paper->text,
			"# UDP ports are forwarded to the LAN address (`udp: address`).\n");
}

/* --- systemd-networkd --- */

static void networkd_address(struct paper *paper, const char *uplink, const struct addr *addr)
{
	text_add(&paper->text, "\n# %s\n[Address]\nAddress=%s/%u\n", uplink, addr_str(addr),
		host_len(addr));
	if (addr->family == AF_INET6)
		text_str(&paper->text, "PreferredLifetime=0\n");
}

static void paper_networkd(struct paper *paper)
{
	text_str(&paper->text, "#\n"
			       "# Put it into /etc/systemd/network/10-multihomed.network "
			       "(if a file there matches lo\n"
			       "# already, put the [Address] sections into that one), then:\n"
			       "#   networkctl reload\n"
			       "#   ip address show dev lo\n"
			       "\n"
			       "[Match]\n"
			       "Name=lo\n");
	each_loopback(paper, networkd_address);
}

/* --- netplan --- */

/* Quoted: YAML would read an IPv6 address as a mapping. */
static void netplan_address(struct paper *paper, const char *uplink, const struct addr *addr)
{
	text_add(&paper->text, "        - \"%s/%u\"%s # %s\n", addr_str(addr), host_len(addr),
		addr->family == AF_INET6 ? ":" : "", uplink);
	if (addr->family == AF_INET6)
		text_str(&paper->text, "            lifetime: 0\n");
}

static void paper_netplan(struct paper *paper)
{
	text_str(&paper->text,
		"#\n"
		"# Put it into /etc/netplan/60-multihomed.yaml (mode 600), then:\n"
		"#   netplan try\n"
		"#   ip address show dev lo\n"
		"# lo is left to systemd-networkd even where NetworkManager has the rest.\n"
		"\n"
		"network:\n"
		"  version: 2\n"
		"  ethernets:\n"
		"    lo:\n"
		"      renderer: networkd\n"
		"      addresses:\n"
		"        - \"127.0.0.1/8\"\n"
		"        - \"::1/128\"\n");
	each_loopback(paper, netplan_address);
}

/* --- ifupdown --- */

static void ifupdown_now(struct paper *paper, const char *uplink, const struct addr *addr)
{
	(void)uplink;
	text_add(&paper->text, "#   ip address add %s/%u dev lo%s\n", addr_str(addr),
		host_len(addr), addr->family == AF_INET6 ? " preferred_lft 0" : "");
}

static void ifupdown_address(struct paper *paper, const char *uplink, const struct addr *addr)
{
	bool is_ipv6 = addr->family == AF_INET6;

	text_add(&paper->text, "\n# %s\niface lo %s static\n\taddress %s/%u\n", uplink,
		is_ipv6 ? "inet6" : "inet", addr_str(addr), host_len(addr));
	if (is_ipv6)
		text_str(&paper->text, "\tpreferred-lifetime 0\n\tdad-attempts 0\n");
}

static void paper_ifupdown(struct paper *paper)
{
	text_str(&paper->text, "#\n"
			       "# Put it into /etc/network/interfaces.d/multihomed; "
			       "it counts from the next start on\n"
			       "# (/etc/network/interfaces must have its usual `source` "
			       "line and `auto lo`). For now:\n");
	each_loopback(paper, ifupdown_now);
	each_loopback(paper, ifupdown_address);
}

/* --- Windows --- */

static void windows_address(struct paper *paper, const char *uplink, const struct addr *addr)
{
	text_add(&paper->text,
		"        @{ Adapter = 'multihomed-%s'; Address = '%s'; Length = %u; "
		"Family = '%s' }\n",
		uplink, addr_str(addr), host_len(addr),
		addr->family == AF_INET6 ? "IPv6" : "IPv4");
}

static void windows_lan(struct paper *paper)
{
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		if (has_loopback_of(paper, family) &&
			addr_is_set(&paper->server->address[family]))
			text_add(&paper->text, "        @{ Address = '%s'; Family = '%s' }\n",
				paper_address(paper, family),
				family == SITE_IPV6 ? "IPv6" : "IPv4");
}

static const char windows_preface[] =
	"#\n"
	"# First add one loopback adapter per uplink, "
	"which PowerShell alone cannot do. Either\n"
	"# with hdwwiz.exe: choose from a list, Network adapters, Microsoft, "
	"\"Microsoft KM-TEST\n"
	"# Loopback Adapter\"; or with devcon.exe of the Windows Driver Kit:\n"
	"#   devcon.exe install $env:windir\\inf\\netloop.inf *msloop\n"
	"# Then paste all of the following into an elevated PowerShell "
	"(Windows Server 2012 or\n"
	"# Windows 8 and later). It may be run again; what is right already stays as it is.\n"
	"\n"
	"& {\n"
	"    $ErrorActionPreference = 'Stop'\n"
	"    $loopbacks = @(\n";

static const char windows_adapters[] =
	"    )\n"
	"\n"
	"    # A name for each adapter: that of its uplink. "
	"Adapters that have a fixed address\n"
	"    # are somebody else's.\n"
	"    foreach ($name in ($loopbacks.Adapter | Select-Object -Unique)) {\n"
	"        if (Get-NetAdapter -Name $name -ErrorAction SilentlyContinue) { continue }\n"
	"        $free = Get-NetAdapter |\n"
	"            Where-Object InterfaceDescription -like '*KM-TEST Loopback Adapter*' |\n"
	"            Where-Object Name -notlike 'multihomed-*' |\n"
	"            Where-Object { -not (Get-NetIPAddress -InterfaceIndex $_.ifIndex "
	"-PrefixOrigin Manual -ErrorAction SilentlyContinue) } |\n"
	"            Select-Object -First 1\n"
	"        if (-not $free) { throw \"No loopback adapter is left for ${name}: add one, "
	"as the first lines say.\" }\n"
	"        Rename-NetAdapter -Name $free.Name -NewName $name\n"
	"    }\n"
	"\n"
	"    # The addresses. SkipAsSource: "
	"what the server starts itself never leaves from them.\n"
	"    foreach ($a in $loopbacks) {\n"
	"        if (-not (Get-NetIPAddress -IPAddress $a.Address -ErrorAction "
	"SilentlyContinue)) {\n"
	"            $null = New-NetIPAddress -InterfaceAlias $a.Adapter -IPAddress "
	"$a.Address -PrefixLength $a.Length -AddressFamily $a.Family -SkipAsSource $true\n"
	"        }\n"
	"        # Not in DNS, or clients on the LAN would be sent to them.\n"
	"        Set-DnsClient -InterfaceAlias $a.Adapter "
	"-RegisterThisConnectionsAddress $false\n"
	"        # Last choice for any route; "
	"packets may enter and leave by the LAN adapter.\n"
	"        Set-NetIPInterface -InterfaceAlias $a.Adapter -AddressFamily $a.Family "
	"-AutomaticMetric Disabled -InterfaceMetric 9999 -WeakHostReceive Enabled "
	"-WeakHostSend Enabled\n"
	"    }\n"
	"\n"
	"    # Without this the LAN adapter throws away what is for another "
	"adapter's address.\n"
	"    $lan = @(\n";

static const char windows_end[] =
	"    )\n"
	"    foreach ($a in $lan) {\n"
	"        $index = (Get-NetIPAddress -IPAddress $a.Address).InterfaceIndex\n"
	"        Set-NetIPInterface -InterfaceIndex $index -AddressFamily $a.Family "
	"-WeakHostReceive Enabled -WeakHostSend Enabled\n"
	"    }\n"
	"\n"
	"    # To look at: the addresses, and the default route as it was.\n"
	"    Get-NetIPAddress -InterfaceAlias 'multihomed-*' |\n"
	"        Format-Table InterfaceAlias, IPAddress, PrefixLength, SkipAsSource\n"
	"    Get-NetRoute -DestinationPrefix '0.0.0.0/0', '::/0' -ErrorAction "
	"SilentlyContinue |\n"
	"        Format-Table InterfaceAlias, NextHop, RouteMetric\n"
	"}\n";

static void paper_windows(struct paper *paper)
{
	text_str(&paper->text, windows_preface);
	each_loopback(paper, windows_address);
	text_str(&paper->text, windows_adapters);
	windows_lan(paper);
	text_str(&paper->text, windows_end);
}

/* --- the whole --- */

char *serverconf_text(const struct site *site, const struct site_server *server,
	enum serverconf_format format, const struct serverconf_router *router)
{
	static void (*const write[SERVERCONF_FORMATS])(struct paper *) = {
		[SERVERCONF_NETWORKD] = paper_networkd,
		[SERVERCONF_NETPLAN] = paper_netplan,
		[SERVERCONF_IFUPDOWN] = paper_ifupdown,
		[SERVERCONF_WINDOWS] = paper_windows,
	};
	struct paper paper = {.site = site, .server = server, .router = router};

	paper_head(&paper, format);
	if (has_loopbacks(&paper))
		write[format](&paper);
	return text_take(&paper.text);
}

/* --- the verb --- */

static void router_find_on(const struct link *lan, const struct site_server *server,
	struct serverconf_router *router)
{
	for (size_t i = 0; i < lan->n_addrs; i++) {
		const struct link_addr *own = &lan->addrs[i];
		struct prefix subnet = prefix_of(&own->addr, own->prefix_len);

		for (enum site_family family = 0; family < SITE_FAMILIES; family++)
			if (!addr_is_set(&router->addr[family]) && link_addr_is_ready(own) &&
				prefix_contains(&subnet, &server->address[family]))
				router->addr[family] = own->addr;
	}
}

/* If the links cannot be read, the text has a place to fill in. */
static void router_look_up(const struct site *site, const struct site_server *server,
	struct serverconf_router *router)
{
	struct links *links = NULL;

	if (links_new(NULL, NULL, NULL, &links) < 0)
		return;
	for (size_t i = 0; i < site->n_lan; i++) {
		const struct link *lan = links_find(links, site->lan[i]);

		if (lan)
			router_find_on(lan, server, router);
	}
	links_free(links);
}

static int serverconf_print(
	const struct site *site, const char *name, enum serverconf_format format)
{
	struct serverconf_router router = {0};
	int i = site_find_server(site, name);

	if (i < 0) {
		fprintf(stderr, "%s has no server '%s'; it has", site->path, name);
		for (size_t k = 0; k < site->n_servers; k++)
			fprintf(stderr, "%s %s", k ? "," : "", site->servers[k].name);
		fprintf(stderr, "%s\n", site->n_servers ? "" : " none");
		return EXIT_FAILED;
	}

	router_look_up(site, &site->servers[i], &router);
	AUTO(freep) char *text = serverconf_text(site, &site->servers[i], format, &router);
	fputs(text, stdout);
	return EXIT_DONE;
}

int serverconf_run(const struct cli *cli)
{
	const char *name = cli_option(cli, "format");
	enum serverconf_format format;
	struct site *site = NULL;
	struct report report;

	if (!name || serverconf_format(name, &format) < 0) {
		fprintf(stderr, "routed: '--format' must be one of networkd, netplan, "
				"ifupdown, windows\n");
		return EXIT_USAGE;
	}

	report_init(&report);
	int err = site_read(cli->config, &report, &site);
	if (err < 0)
		report_print(&report, stderr);
	report_fini(&report);
	if (err < 0)
		return EXIT_FAILED;

	int status = serverconf_print(site, cli->args[0], format);
	site_free(site);
	return status;
}
