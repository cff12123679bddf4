/* doctorfacts.c - gathers what the doctor checks: interfaces, routes, rules, settings
 *
 * Only reads. What cannot be read stays as on a sound machine: a missing privilege must not lead
 * to a finding. doctornft.c reads the chains of other programs, doctornetworkd.c the settings of
 * systemd-networkd.
 */
#include <errno.h>
#include <limits.h>
#include <linux/fib_rules.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/net/nlcmd.h"
#include "common/xalloc.h"
#include "routed/doctor/doctor.h"
#include "routed/doctor/doctorgather.h"
#include "routed/kernel/mainroutes.h"
#include "routed/kernel/nft.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/rtnlmsg.h"
#include "routed/wanted/nfttext.h"
#include "routed/wanted/situation.h"

/* No kernel of today sends a longer rule. */
enum { RULE_BYTES_MAX = 1024 };

/* --- settings --- */

static long read_number(const char *path)
{
	AUTO(fclosep) FILE *file = fopen(path, "re");
	long value;

	return file && fscanf(file, "%ld", &value) == 1 ? value : LONG_MIN;
}

static long read_rp_filter(const char *interface)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", interface);
	return read_number(path);
}

static void gather_settings(const struct site *site, struct doctor_facts *facts)
{
	struct stat file;
	FILE *legacy = fopen("/proc/net/ip_tables_names", "re");

	facts->rp_filter_all = read_rp_filter("all");
	facts->tcp_loose = read_number("/proc/sys/net/netfilter/nf_conntrack_tcp_loose");
	facts->conntrack_count = read_number("/proc/sys/net/netfilter/nf_conntrack_count");
	facts->conntrack_max = read_number("/proc/sys/net/netfilter/nf_conntrack_max");
	facts->now_s = time(NULL);
	if (site->path && stat(site->path, &file) == 0)
		facts->site_changed_s = file.st_mtime;
	if (legacy) {
		facts->legacy_iptables = fgetc(legacy) != EOF;
		fclose(legacy);
	}
}

/* --- interfaces --- */

static void gather_device(
	const struct links *links, const char *name, struct doctor_device *ret_device)
{
	const struct link *link = links ? links_find(links, name) : NULL;
	const struct link *master = link && link->master
					    ? links_find_index(links, link->master)
					    : NULL;

	*ret_device = (struct doctor_device){.rp_filter = LONG_MIN};
	if (!link)
		return;
	ret_device->ifindex = link->ifindex;
	ret_device->rp_filter = read_rp_filter(name);
	if (master)
		memcpy(ret_device->master, master->name, sizeof(master->name));
	for (size_t i = 0; i < link->n_addrs && ret_device->n_addrs < DOCTOR_MAX_ADDRS; i++)
		if (link_addr_is_ready(&link->addrs[i]))
			ret_device->addrs[ret_device->n_addrs++] = link->addrs[i];
}

static void gather_devices(const struct site *site, struct doctor_facts *facts)
{
	struct links *links = NULL;

	facts->uplinks = xcalloc(site->n_uplinks + 1, sizeof(*facts->uplinks));
	facts->lan = xcalloc(site->n_lan + 1, sizeof(*facts->lan));
	(void)links_new(NULL, NULL, NULL, &links); /* it has logged its failure */
	for (size_t i = 0; i < site->n_uplinks; i++)
		gather_device(links, site->uplinks[i].interface, &facts->uplinks[i]);
	for (size_t i = 0; i < site->n_lan; i++)
		gather_device(links, site->lan[i], &facts->lan[i]);
	links_free(links);
}

/* --- default routes --- */

static void on_foreign_route(const struct rtnlmsg_route *route, void *arg)
{
	struct doctor_facts *facts = arg;

	mainroutes_see(&facts->main_routes, route);
	if (route->protocol == KERNEL_PROTOCOL || route->route.dst.len > 1 || route->has_from)
		return;
	facts->defaults = xgrow(facts->defaults, facts->n_defaults, sizeof(*facts->defaults));
	facts->defaults[facts->n_defaults++] = (struct doctor_default){
		.family = route->route.family,
		.table = route->route.table,
		.metric = route->route.metric,
		.prefix_len = route->route.dst.len,
		.ifindex = route->route.n_nexthops ? route->route.nexthops[0].ifindex : 0,
	};
}

static void gather_routes(const struct site *site, struct doctor_facts *facts)
{
	int ifindexes[SITE_MAX_UPLINKS] = {0};
	struct rtnl *rtnl = NULL;

	for (size_t i = 0; i < site->n_uplinks; i++)
		ifindexes[i] = facts->uplinks[i].ifindex;
	mainroutes_follow(&facts->main_routes, ifindexes, site->n_uplinks);
	if (rtnl_new(&rtnl) < 0)
		return;
	(void)rtnl_each_route(rtnl, on_foreign_route, facts);
	rtnl_free(rtnl);
}

/* --- rules --- */

/* rtnlmsg reads only rules such as ours. Rules of other programs may have a negation, or refuse
 * with an error: both are removed from a copy first. */
static int on_foreign_rule(struct nlmsghdr *msg, void *arg)
{
	struct doctor_facts *facts = arg;
	struct doctor_rule found = {0};
	uint8_t protocol = 0;
	union {
		struct nlmsghdr head;
		uint8_t bytes[RULE_BYTES_MAX];
	} copy;

	if (msg->nlmsg_len > sizeof(copy) ||
		msg->nlmsg_len < NLMSG_HDRLEN + sizeof(struct fib_rule_hdr))
		return 0;
	memcpy(&copy, msg, msg->nlmsg_len);
	struct fib_rule_hdr *frh = nlmsg_data(&copy.head);
	found.inverted = (frh->flags & FIB_RULE_INVERT) != 0;
	frh->flags &= ~(uint32_t)FIB_RULE_INVERT;
	if (frh->action == FR_ACT_UNREACHABLE || frh->action == FR_ACT_PROHIBIT)
		frh->action = FR_ACT_BLACKHOLE;
	if (rtnlmsg_read_rule(&copy.head, &found.rule, &protocol) != RTNLMSG_READ)
		return 0;
	if (protocol == KERNEL_PROTOCOL) {
		facts->applied = true;
		return 0;
	}

	facts->rules = xgrow(facts->rules, facts->n_rules, sizeof(*facts->rules));
	facts->rules[facts->n_rules++] = found;
	return 0;
}

static int gather_rules_of(struct nlcmd *cmd, uint8_t family, struct doctor_facts *facts)
{
	AUTO(nlmsg_freep)
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETRULE, NLM_F_REQUEST | NLM_F_DUMP);
	struct fib_rule_hdr frh = {.family = family};

	if (!msg || nlmsg_append(msg, &frh, sizeof(frh), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	return nlcmd_dump(cmd, msg, on_foreign_rule, facts);
}

/* A kernel without policy routing refuses the request. */
static void gather_rules(struct doctor_facts *facts)
{
	AUTO(nlcmd_freep) struct nlcmd *cmd = NULL;

	if (nlcmd_new(NETLINK_ROUTE, &cmd) < 0)
		return;
	facts->no_rules = gather_rules_of(cmd, AF_INET, facts) == -EOPNOTSUPP;
	(void)gather_rules_of(cmd, AF_INET6, facts);
}

/* --- routes to the servers --- */

static void add_server_route(
	struct doctor_facts *facts, size_t server, size_t uplink, const struct addr *addr)
{
	const struct addr any = {0};
	struct doctor_server_route route = {.server = server, .uplink = uplink, .addr = *addr};

	if (!addr_is_set(addr) || links_route_lookup(&any, addr, &route.ifindex) < 0)
		return;
	facts->server_routes = xgrow(
		facts->server_routes, facts->n_server_routes, sizeof(*facts->server_routes));
	facts->server_routes[facts->n_server_routes++] = route;
}

/* routed itself makes the route of a loopback, unless `route: no`: before its first start there
 * is nothing to check. The route of the LAN address must lead inside at any time. */
static void gather_server_routes(const struct site *site, struct doctor_facts *facts)
{
	for (size_t s = 0; s < site->n_servers; s++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
			const struct site_server *server = &site->servers[s];

			add_server_route(facts, s, SIZE_MAX, &server->address[family]);
			if (!server->has_loopbacks || (server->route && !facts->applied))
				continue;
			for (size_t i = 0; i < site->n_uplinks; i++)
				add_server_route(facts, s, i, &server->loopbacks[i][family]);
		}
}

/* --- the kernel --- */

static int on_stats(struct nlmsghdr *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return 0;
}

/* Any request shows whether ctnetlink is there: without it the kernel refuses. The reply to this
 * one is short. */
static void gather_conntrack(struct doctor_facts *facts)
{
	AUTO(nlcmd_freep) struct nlcmd *cmd = NULL;
	AUTO(nlmsg_freep)
	struct nl_msg *msg = nlmsg_alloc_simple(
		(NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET_STATS_CPU,
		NLM_F_REQUEST | NLM_F_DUMP);
	struct nfgenmsg nfgen = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0};

	if (!msg || nlmsg_append(msg, &nfgen, sizeof(nfgen), NLMSG_ALIGNTO) < 0 ||
		nlcmd_new(NETLINK_NETFILTER, &cmd) < 0)
		return;
	int err = nlcmd_dump(cmd, msg, on_stats, NULL);
	facts->no_conntrack_list = err == -EINVAL || err == -EOPNOTSUPP;
}

/* Offers the kernel our table as it is without any link: it has every kind of rule. Not needed if
 * the kernel holds the real table already. */
static void gather_table(const struct site *site, struct doctor_facts *facts)
{
	static const struct situation nothing;
	AUTO(nfttable_unrefp) struct nfttable *table = wanted_nft(site, &nothing);

	int err = nft_check(table, facts->table_refused, sizeof(facts->table_refused));
	if (err == 0 || err == -EPERM)
		facts->table_refused[0] = '\0';
}

void doctor_gather(const struct site *site, struct doctor_facts *ret_facts)
{
	*ret_facts = (struct doctor_facts){0};
	gather_settings(site, ret_facts);
	gather_devices(site, ret_facts);
	gather_routes(site, ret_facts);
	gather_rules(ret_facts);
	gather_server_routes(site, ret_facts);
	gather_conntrack(ret_facts);
	if (!ret_facts->applied)
		gather_table(site, ret_facts);
	ret_facts->nft_unread = doctornft_read(site, ret_facts) == -EPERM;
	doctornetworkd_read("", &ret_facts->networkd);
	ret_facts->networkd.runs = doctornetworkd_runs();
}

void doctor_facts_fini(struct doctor_facts *facts)
{
	free(facts->uplinks);
	free(facts->lan);
	free(facts->rules);
	free(facts->defaults);
	mainroutes_fini(&facts->main_routes);
	free(facts->chains);
	free(facts->server_routes);
	*facts = (struct doctor_facts){0};
}
