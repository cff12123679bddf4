/* doctorsettings.c - checks of the kernel, its settings, the clock and systemd-networkd */
#include "routed/doctor/doctorcheck.h"

void check_kernel(struct doctor_checkup *checkup)
{
	if (checkup->facts->no_rules) {
		doctor_problem(checkup, "this kernel has no policy routing");
		doctor_remedy(checkup, "use one with CONFIG_IP_MULTIPLE_TABLES "
				       "and CONFIG_IPV6_MULTIPLE_TABLES");
	}
	if (checkup->facts->no_conntrack_list) {
		doctor_problem(checkup,
			"this kernel cannot list or delete tracked connections: they stay on "
			"a dead uplink");
		doctor_remedy(checkup, "use one with CONFIG_NF_CT_NETLINK "
				       "(module nf_conntrack_netlink)");
	}
	if (*checkup->facts->table_refused) {
		doctor_problem(checkup, "the kernel rejects our nftables table: %s",
			checkup->facts->table_refused);
		doctor_remedy(checkup,
			"load or build the modules nf_tables, nft_nat, nft_masq, nft_ct and "
			"nf_conntrack; a container gets them from its host");
	}
}

void check_networkd(struct doctor_checkup *checkup)
{
	const struct doctor_networkd *networkd = &checkup->facts->networkd;

	if (!networkd->runs || (!networkd->manages_rules && !networkd->manages_routes))
		return;
	doctor_problem(checkup,
		"systemd-networkd removes %s that it did not make, whenever it starts or "
		"reconfigures a link: routed restores its own, but until then packets use "
		"wrong uplinks",
		!networkd->manages_routes  ? "routing rules"
		: !networkd->manages_rules ? "routes"
					   : "routes and routing rules");
	doctor_remedy(checkup,
		"write ManageForeignRoutingPolicyRules=no and ManageForeignRoutes=no under "
		"[Network] into /etc/systemd/networkd.conf.d/multihomed.conf, "
		"then restart systemd-networkd");
}

static void check_rp_filter_at(struct doctor_checkup *checkup, long value, const char *where)
{
	if (value != 1)
		return;
	doctor_problem(checkup,
		"net.ipv4.conf.%s.rp_filter is 1: the kernel drops packets that come in over "
		"an uplink unless its route back to the sender uses the same uplink",
		where);
	if (checkup->facts->applied)
		doctor_remedy(checkup,
			"another program has set it after routed did: look for rp_filter in "
			"/etc/sysctl.d, /usr/lib/sysctl.d and the firewall's settings, and "
			"set it to 2");
	else
		doctor_remedy(checkup,
			"routed sets it to 2 when it starts; look for rp_filter in "
			"/etc/sysctl.d, so that nothing sets it back");
}

void check_rp_filter(struct doctor_checkup *checkup)
{
	check_rp_filter_at(checkup, checkup->facts->rp_filter_all, "all");
	for (size_t i = 0; i < checkup->site->n_uplinks; i++)
		check_rp_filter_at(checkup, checkup->facts->uplinks[i].rp_filter,
			checkup->site->uplinks[i].interface);
}

void check_tcp_loose(struct doctor_checkup *checkup)
{
	if (checkup->facts->tcp_loose != 0)
		return;
	doctor_problem(checkup,
		"net.netfilter.nf_conntrack_tcp_loose is 0: the router never picks up TCP "
		"connections that are older than its connection tracking");
	doctor_remedy(checkup,
		"sysctl net.netfilter.nf_conntrack_tcp_loose=1, and in /etc/sysctl.d");
}

void check_conntrack_full(struct doctor_checkup *checkup)
{
	if (checkup->facts->conntrack_max <= 0 ||
		checkup->facts->conntrack_count < checkup->facts->conntrack_max / 10 * 8)
		return;
	doctor_problem(checkup,
		"connection tracking is nearly full (%ld of %ld): when it is full, the "
		"kernel drops new connections",
		checkup->facts->conntrack_count, checkup->facts->conntrack_max);
	doctor_remedy(checkup,
		"raise net.netfilter.nf_conntrack_max; `conntrack -L` shows which hosts open "
		"so many");
}

void check_clock(struct doctor_checkup *checkup)
{
	if (checkup->facts->now_s >= checkup->facts->site_changed_s)
		return;
	doctor_problem(checkup, "the clock is earlier than the last change of %s",
		checkup->site->path);
	doctor_remedy(checkup,
		"set the clock (NTP): DNS keys and signatures depend on it, and so do the "
		"times in the log");
}
