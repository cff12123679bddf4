/* test_doctor.c - what the doctor finds: from made-up facts, then from a live kernel in a
 * network namespace
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/doctor/doctor.h"

#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "lib/netns.h"
#include "lib/situations.h"
#include "routed/doctor/doctorgather.h"
#include "routed/kernel/text.h"

enum { MAX_ITEMS = 8 };

/* The reference site on a sound machine. Each case breaks one thing. */
struct fixture {
	struct site *site;
	struct doctor_facts facts;
	struct doctor_device uplinks[SITE_MAX_UPLINKS];
	struct doctor_device lan[1];
	struct doctor_rule rules[MAX_ITEMS];
	struct doctor_default defaults[MAX_ITEMS];
	struct doctor_chain chains[MAX_ITEMS];
	struct doctor_server_route server_routes[MAX_ITEMS];
	struct doctor_findings findings;
};

static struct addr addr(const char *text)
{
	struct addr parsed;

	assert_int_equal(addr_parse(text, &parsed), 0);
	return parsed;
}

static struct prefix prefix(const char *text)
{
	struct prefix parsed;

	assert_int_equal(prefix_parse(text, &parsed), 0);
	return parsed;
}

static struct doctor_device device(int ifindex, const char *address, uint8_t prefix_len)
{
	return (struct doctor_device){
		.ifindex = ifindex,
		.addrs = {{.addr = addr(address), .prefix_len = prefix_len}},
		.n_addrs = 1,
		.rp_filter = 0,
	};
}

static void use_site(struct fixture *f, struct site *site)
{
	site_free(f->site);
	f->site = site;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->site = situations_reference(NULL);
	f->uplinks[0] = device(2, "192.168.2.1", 29);
	f->uplinks[1] = device(3, "172.16.1.1", 30);
	f->lan[0] = device(9, "10.0.0.1", 24);
	f->facts = (struct doctor_facts){
		.uplinks = f->uplinks,
		.lan = f->lan,
		.rules = f->rules,
		.defaults = f->defaults,
		.chains = f->chains,
		.server_routes = f->server_routes,
		.applied = true,
		.tcp_loose = 1,
		.conntrack_count = 100,
		.conntrack_max = 1000,
		.now_s = 2000,
		.site_changed_s = 1000,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	doctor_findings_fini(&f->findings);
	site_free(f->site);
	free(f);
	return 0;
}

static void check_all(struct fixture *f)
{
	doctor_findings_fini(&f->findings);
	doctor_check(f->site, &f->facts, &f->findings);
}

static void print_all(const struct doctor_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		print_message("  %s: %s\n    %s\n", findings->items[i].check,
			findings->items[i].problem, findings->items[i].remedy);
}

/* There is one finding: of that check, with those words in its problem and remedy. */
static void assert_finds(
	struct fixture *f, const char *check, const char *problem, const char *remedy)
{
	check_all(f);
	if (f->findings.n != 1 || strcmp(f->findings.items[0].check, check) != 0 ||
		!strstr(f->findings.items[0].problem, problem) ||
		!strstr(f->findings.items[0].remedy, remedy)) {
		print_all(&f->findings);
		fail_msg("wanted %s: '%s', '%s'", check, problem, remedy);
	}
}

static void assert_finds_nothing(struct fixture *f)
{
	check_all(f);
	print_all(&f->findings);
	assert_int_equal(f->findings.n, 0);
}

static void a_sound_machine_has_no_findings(void **state)
{
	assert_finds_nothing(*state);
}

static void unreadable_settings_are_no_findings(void **state)
{
	struct fixture *f = *state;

	f->facts.tcp_loose = LONG_MIN;
	f->facts.conntrack_count = LONG_MIN;
	f->facts.conntrack_max = LONG_MIN;
	f->facts.rp_filter_all = LONG_MIN;
	f->uplinks[0].rp_filter = LONG_MIN;
	f->facts.site_changed_s = 0;
	assert_finds_nothing(f);
}

/* --- interfaces --- */

static void a_missing_interface_is_named(void **state)
{
	struct fixture *f = *state;

	f->uplinks[1] = (struct doctor_device){.rp_filter = LONG_MIN};
	assert_finds(
		f, "no-interface", "uplink isp-b: there is no interface wan-b", "`ip link`");
	f->uplinks[1] = device(3, "172.16.1.1", 30);
	f->lan[0] = (struct doctor_device){.rp_filter = LONG_MIN};
	assert_finds(f, "no-interface", "lan: there is no interface lan0", "`ip link`");
}

static void a_port_of_a_bridge_is_no_uplink(void **state)
{
	struct fixture *f = *state;

	strcpy(f->uplinks[0].master, "br0");
	assert_finds(f, "interface-is-port", "wan-a is a port of br0", "`interface: br0`");
}

static void an_address_of_the_carriers_nat_is_found(void **state)
{
	struct fixture *f = *state;

	f->uplinks[0] = device(2, "100.72.3.4", 20);
	assert_finds(f, "carrier-nat", "isp-a: 100.72.3.4 is behind the ISP's NAT",
		"`inbound: no`");
	f->site->uplinks[0].inbound = false;
	assert_finds_nothing(f);
}

static void two_uplinks_in_one_subnet_are_found(void **state)
{
	struct fixture *f = *state;

	f->uplinks[1] = device(3, "192.168.2.4", 29);
	assert_finds(f, "same-subnet", "isp-a and isp-b are in one subnet, 192.168.2.0/29",
		"another subnet");
	f->uplinks[1] = device(3, "192.168.2.129", 16); /* one contains the other */
	assert_finds(f, "same-subnet", "192.168.2.0/29", "another subnet");
	f->uplinks[1] = device(3, "192.168.2.1", 32); /* a point-to-point link */
	assert_finds_nothing(f);
}

/* --- gateways and targets --- */

static const char dhcp_site[] = "uplinks:\n"
				"  - {name: isp-a, interface: wan-a}\n"
				"  - {name: isp-b, interface: wan-b}\n"
				"lan: [lan0]\n";

static void a_default_refused_for_its_metric_is_explained(void **state)
{
	struct fixture *f = *state;

	use_site(f, situations_site(dhcp_site));
	f->defaults[0] = (struct doctor_default){
		.family = AF_INET, .table = RT_TABLE_MAIN, .metric = 1024, .ifindex = 2};
	f->facts.n_defaults = 1;
	assert_finds(
		f, "no-default", "that of isp-a has the same metric (1024)", "RouteMetric=");

	f->defaults[1] = (struct doctor_default){
		.family = AF_INET, .table = RT_TABLE_MAIN, .metric = 1025, .ifindex = 3};
	f->facts.n_defaults = 2;
	assert_finds_nothing(f);
}

static void more_routes_than_a_table_takes_are_found(void **state)
{
	struct fixture *f = *state;

	f->facts.main_routes.n = 1;
	f->facts.main_routes.over[0] = (struct mainroutes_over){
		.ifindex = 3, .family = AF_INET6, .n = 1000, .n_seen = 1000};
	assert_finds_nothing(f);
	f->facts.main_routes.over[0].n_seen = 205000;
	assert_finds(f, "many-routes",
		"main has 205000 IPv6 routes over wan-b, more than the 1000", "daemon");
}

static void uplinks_that_need_no_default_have_none_missing(void **state)
{
	struct fixture *f = *state;

	f->defaults[0] = (struct doctor_default){
		.family = AF_INET, .table = RT_TABLE_MAIN, .ifindex = 2};
	f->facts.n_defaults = 1;
	assert_finds_nothing(f); /* gateways configured */

	use_site(f, situations_site(dhcp_site));
	f->uplinks[1].addrs[0].peer = addr("172.16.1.2"); /* point-to-point */
	assert_finds_nothing(f);
	f->uplinks[1].n_addrs = 0; /* no lease: another problem */
	assert_finds_nothing(f);
}

static void targets_are_checked(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		const char *check; /* NULL: nothing wrong */
		const char *problem;
	} cases[] = {
		{"[icmp 192.0.2.53, tcp 192.0.2.80 443]", "[icmp 192.0.2.54]", NULL, NULL},
		{"[icmp gateway]", "[icmp 192.0.2.54]", "near-target",
			"isp-a: 1 of its 1 probe targets is in its own subnet"},
		{"[icmp 192.168.2.6, icmp 192.0.2.53]", "[icmp 192.0.2.54]", "near-target",
			"isp-a: 1 of its 2 probe targets is in its own subnet"},
		{"[icmp gateway, icmp 192.0.2.53]\n    quorum: 2", "[icmp 192.0.2.54]", NULL,
			NULL},
		{"[icmp 192.0.2.53]", "[icmp 10.0.0.10]", "inside-target",
			"10.0.0.10 is on the LAN (lan0)"},
		{"[icmp 192.0.2.53]", "[tcp 192.0.2.53 80]", "shared-target",
			"depend on one probe target, 192.0.2.53"},
		{"[icmp 192.0.2.53]", "[tcp 192.0.2.53 80, icmp 192.0.2.54]", NULL, NULL},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text yaml = {0};

		text_add(&yaml,
			"uplinks:\n"
			"  - name: isp-a\n    interface: wan-a\n    gateway: 192.168.2.6\n"
			"    probes: %s\n"
			"  - name: isp-b\n    interface: wan-b\n    gateway: 172.16.1.2\n"
			"    probes: %s\n"
			"lan: [lan0]\n",
			cases[i].a, cases[i].b);
		print_message("  case %zu\n", i);
		use_site(f, situations_site(yaml.data));
		text_fini(&yaml);
		if (cases[i].check)
			assert_finds(f, cases[i].check, cases[i].problem, "probe");
		else
			assert_finds_nothing(f);
	}
}

/* --- the routes to the servers --- */

static void routes_to_servers_lead_inside(void **state)
{
	static const struct {
		size_t uplink;
		int ifindex;
		const char *problem; /* NULL: nothing wrong */
		const char *remedy;
	} cases[] = {
		{SIZE_MAX, 9, NULL, NULL},
		{SIZE_MAX, 7, NULL, NULL}, /* a VPN, say */
		{SIZE_MAX, 0, "there is no route to its address", "`via:`"},
		{SIZE_MAX, 2, "the route to its address 10.0.0.10 leads out", "`via:`"},
		{0, 3, "the route to its loopback 10.0.1.1 leads out", "`via:`"},
		{1, 1, "10.0.1.5 is an address of the router itself", "server-config web"},
	};
	struct fixture *f = *state;

	f->facts.n_server_routes = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		f->server_routes[0] = (struct doctor_server_route){
			.uplink = cases[i].uplink,
			.addr = cases[i].uplink == SIZE_MAX
					? f->site->servers[0].address[0]
					: f->site->servers[0].loopbacks[cases[i].uplink][0],
			.ifindex = cases[i].ifindex,
		};
		print_message("  case %zu\n", i);
		if (cases[i].problem)
			assert_finds(f, "server-route", cases[i].problem, cases[i].remedy);
		else
			assert_finds_nothing(f);
	}
	f->site->servers[0].route = false;
	f->server_routes[0] = (struct doctor_server_route){
		.uplink = 0, .addr = addr("10.0.1.1")};
	assert_finds(f, "server-route", "no route to its loopback 10.0.1.1", "`route: no`");
}

/* --- filters --- */

static struct doctor_chain forward_chain(enum doctor_owner owner)
{
	return (struct doctor_chain){
		.family = "ip",
		.table = "filter",
		.name = "FORWARD",
		.owner = owner,
		.policy_drop = true,
	};
}

static void a_forward_chain_that_drops_is_found(void **state)
{
	static const struct {
		enum doctor_owner owner;
		const char *problem;
		const char *remedy;
	} cases[] = {
		{DOCTOR_NFT, "chain FORWARD of table ip filter drops",
			"iifname { \"lan0\" } oifname { \"wan-a\", \"wan-b\" } accept"},
		{DOCTOR_IPTABLES, "made by iptables", "iptables -I FORWARD -i lan0 -j ACCEPT"},
		{DOCTOR_DOCKER, "made by docker", "iptables -I DOCKER-USER -i lan0"},
		{DOCTOR_UFW, "made by ufw", "ufw route allow in on lan0"},
		{DOCTOR_FIREWALLD, "made by firewalld", "--new-policy"},
	};
	struct fixture *f = *state;

	f->facts.n_chains = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		f->chains[0] = forward_chain(cases[i].owner);
		assert_finds(f, "forward-filter", cases[i].problem, cases[i].remedy);
	}
}

static void a_forward_chain_that_passes_us_is_not(void **state)
{
	struct fixture *f = *state;

	f->facts.n_chains = 1;
	f->chains[0] = forward_chain(DOCTOR_NFT);
	f->chains[0].passes_lan = true;
	assert_finds(
		f, "forward-filter", "no rule of it accepts port forwards:", "ct status dnat");
	f->chains[0].passes_lan = false;
	f->chains[0].passes_dnat = true;
	assert_finds(
		f, "forward-filter", "no rule of it accepts traffic from the LAN:", "oifname");
	f->chains[0].passes_lan = true;
	assert_finds_nothing(f);

	f->chains[0] = forward_chain(DOCTOR_NFT);
	f->chains[0].policy_drop = false;
	assert_finds_nothing(f);
	f->chains[0].drops_uplink = true;
	assert_finds(
		f, "forward-filter", "no rule of it accepts port forwards:", "ct status dnat");
	f->chains[0].drops_rest = true;
	assert_finds(f, "forward-filter",
		"accepts traffic from the LAN or port forwards:", "accept");
	use_site(f, situations_site(dhcp_site)); /* no server: nothing is forwarded */
	f->chains[0].passes_lan = true;
	assert_finds_nothing(f);
}

static void an_input_chain_must_accept_queries_to_dnsd(void **state)
{
	struct fixture *f = *state;

	f->facts.n_chains = 1;
	f->chains[0] = forward_chain(DOCTOR_UFW);
	f->chains[0].hook = DOCTOR_INPUT;
	strcpy(f->chains[0].name, "INPUT");
	assert_finds(f, "dns-filter", "no rule of it accepts port 53", "ufw allow 53");
	f->chains[0].owner = DOCTOR_NFT;
	assert_finds(f, "dns-filter", "port 53", "th dport 53 accept");
	f->chains[0].passes_dns = true;
	assert_finds_nothing(f);
	f->chains[0].passes_dns = false;
	use_site(f, situations_site(dhcp_site)); /* no zone */
	assert_finds_nothing(f);
}

/* --- rules --- */

static struct kernel_rule rule_at(uint32_t priority, uint32_t table)
{
	return (struct kernel_rule){
		.family = AF_INET,
		.priority = priority,
		.table = table,
		.suppress_prefixlen = KERNEL_NO_SUPPRESS,
		.suppress_ifgroup = KERNEL_NO_SUPPRESS,
	};
}

static void rules_of_other_programs_are_checked(void **state)
{
	struct kernel_rule all = rule_at(500, 52);
	struct kernel_rule low = rule_at(5270, 52);
	struct kernel_rule behind = rule_at(32764, 51820);
	struct kernel_rule standard = rule_at(32766, RT_TABLE_MAIN);
	struct kernel_rule empty = rule_at(500, 77);
	struct kernel_rule marked = rule_at(500, 52);
	struct kernel_rule from_loopbacks = rule_at(500, 52);
	struct kernel_rule from_others = rule_at(500, 52);
	struct kernel_rule from_lan_device = rule_at(500, 52);
	struct kernel_rule dropping = rule_at(500, 0);
	struct kernel_rule main_first = rule_at(500, RT_TABLE_MAIN);
	struct kernel_rule wireguard = rule_at(32764, 51820);
	struct {
		struct kernel_rule *rule;
		bool inverted;
		const char *check;
		const char *problem;
	} cases[] = {
		{&all, false, "rule-before", "(priority 500, IPv4: from all lookup 52)"},
		{&low, false, NULL, NULL}, /* where a VPN belongs */
		{&behind, false, "rule-behind", "lookup 51820"},
		{&standard, false, NULL, NULL},
		{&empty, false, NULL, NULL},
		{&marked, false, NULL, NULL},
		{&from_loopbacks, false, "rule-before", "from 10.0.1.0/24 lookup 52"},
		{&from_others, false, NULL, NULL},
		{&from_lan_device, false, "rule-before", "iif lan0 lookup 52"},
		{&dropping, false, "rule-before", "from all drop"},
		{&main_first, false, NULL, NULL}, /* no default in it */
		{&wireguard, true, "rule-behind", "not from all fwmark 0xca6c lookup 51820"},
	};
	struct fixture *f = *state;

	marked.fwmark = marked.fwmask = 0x80000;
	wireguard.fwmark = 51820;
	wireguard.fwmask = UINT32_MAX;
	from_loopbacks.from = prefix("10.0.1.0/24");
	from_others.from = prefix("10.7.0.0/16");
	strcpy(from_lan_device.iif, "lan0");
	dropping.blackhole = true;
	f->defaults[0] = (struct doctor_default){.family = AF_INET, .table = 52};
	f->defaults[1] = (struct doctor_default){.family = AF_INET, .table = 51820};
	f->facts.n_defaults = 2;
	f->facts.n_rules = 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		f->rules[0] = (struct doctor_rule){*cases[i].rule, cases[i].inverted};
		print_message("  case %zu\n", i);
		if (cases[i].check)
			assert_finds(f, cases[i].check, cases[i].problem, "priority");
		else
			assert_finds_nothing(f);
	}
}

static void main_before_ours_counts_with_a_default_in_it(void **state)
{
	struct fixture *f = *state;

	f->rules[0] = (struct doctor_rule){.rule = rule_at(100, RT_TABLE_MAIN)};
	f->facts.n_rules = 1;
	f->defaults[0] = (struct doctor_default){.family = AF_INET, .table = RT_TABLE_MAIN};
	f->facts.n_defaults = 1;
	assert_finds(f, "rule-before", "lookup 254", "`routing.priority` below 100");
	f->rules[0].rule.suppress_prefixlen = 0;
	assert_finds_nothing(f);
}

/* --- settings --- */

static void settings_are_checked(void **state)
{
	struct fixture *f = *state;

	f->facts.rp_filter_all = 1;
	assert_finds(f, "rp-filter", "conf.all.rp_filter is 1", "after routed did");
	f->facts.rp_filter_all = 2;
	f->facts.applied = false;
	f->uplinks[1].rp_filter = 1;
	assert_finds(f, "rp-filter", "conf.wan-b.rp_filter is 1", "when it starts");
	f->uplinks[1].rp_filter = 0;
	f->facts.applied = true;
	f->facts.tcp_loose = 0;
	assert_finds(f, "tcp-loose", "nf_conntrack_tcp_loose is 0", "tcp_loose=1");
	f->facts.tcp_loose = 1;
	f->facts.conntrack_count = 800;
	assert_finds(f, "conntrack-full", "(800 of 1000)", "nf_conntrack_max");
	f->facts.conntrack_count = 799;
	assert_finds_nothing(f);
	f->facts.now_s = 999;
	assert_finds(f, "clock", "earlier than the last change of site.yaml", "NTP");
}

static void a_kernel_that_lacks_something_is_named(void **state)
{
	struct fixture *f = *state;

	f->facts.no_rules = true;
	assert_finds(f, "kernel", "no policy routing", "CONFIG_IP_MULTIPLE_TABLES");
	f->facts.no_rules = false;
	f->facts.no_conntrack_list = true;
	assert_finds(f, "kernel", "tracked connections", "nf_conntrack_netlink");
	f->facts.no_conntrack_list = false;
	strcpy(f->facts.table_refused, "Could not process rule: No such file");
	assert_finds(f, "kernel", "No such file", "nft_masq");
	f->facts.table_refused[0] = '\0';
	f->facts.legacy_iptables = true;
	assert_finds(f, "legacy-iptables", "iptables-legacy", "iptables-legacy -S");
}

/* --- systemd-networkd --- */

static void a_networkd_that_removes_our_routes_is_found(void **state)
{
	struct fixture *f = *state;

	f->facts.networkd = (struct doctor_networkd){.runs = true, .manages_rules = true};
	assert_finds(f, "networkd", "removes routing rules that it did not make",
		"ManageForeignRoutingPolicyRules=no");
	f->facts.networkd.manages_routes = true;
	assert_finds(f, "networkd", "removes routes and routing rules", "ManageForeignRoutes");
	f->facts.networkd.manages_rules = false;
	assert_finds(f, "networkd", "removes routes that", "ManageForeignRoutes=no");
	f->facts.networkd.manages_routes = false;
	assert_finds_nothing(f);
	f->facts.networkd = (struct doctor_networkd){.manages_rules = true};
	assert_finds_nothing(f); /* does not run */
}

static void put_file(const char *root, const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	AUTO(fclosep) FILE *file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
}

static void drop_ins_of_networkd_count_in_their_order(void **state)
{
	char root[] = "/tmp/test_doctor.XXXXXX";
	struct doctor_networkd networkd = {0};
	char command[64];

	(void)state;
	assert_non_null(mkdtemp(root));
	doctornetworkd_read(root, &networkd);
	assert_true(networkd.manages_rules && networkd.manages_routes);

	put_file(root, "etc/systemd/networkd.conf",
		"[Network]\n ManageForeignRoutes = no\n# ManageForeignRoutes=yes\n"
		"[DHCPv4]\nManageForeignRoutingPolicyRules=no\n");
	doctornetworkd_read(root, &networkd);
	assert_true(networkd.manages_rules && !networkd.manages_routes);

	put_file(root, "etc/systemd/networkd.conf.d/50-ours.conf",
		"[Network]\nManageForeignRoutingPolicyRules=off\n");
	put_file(root, "usr/lib/systemd/networkd.conf.d/90-vendor.conf",
		"[Network]\nManageForeignRoutes=yes\n");
	put_file(root, "usr/lib/systemd/networkd.conf.d/50-ours.conf",
		"[Network]\nManageForeignRoutingPolicyRules=yes\n");
	put_file(root, "etc/systemd/networkd.conf.d/99-readme", "[Network]\n");
	doctornetworkd_read(root, &networkd);
	assert_true(!networkd.manages_rules && networkd.manages_routes);

	snprintf(command, sizeof(command), "rm -r %s", root);
	netns_run(command);
}

/* --- live --- */

struct live {
	struct site *site;
	struct doctor_facts facts;
	struct doctor_findings findings;
};

static int live_setup(void **state)
{
	struct live *live = calloc(1, sizeof(*live));

	live->site = situations_reference(NULL);
	netns_run("ip link add wan-a type veth peer name isp-a; ip link set wan-a up; "
		  "ip link set isp-a up");
	netns_run("ip link add wan-b type veth peer name isp-b; ip link set wan-b up; "
		  "ip link set isp-b up");
	netns_run("ip link add lan0 type veth peer name web; ip link set lan0 up; "
		  "ip link set web up");
	netns_run("for i in all default wan-a wan-b; do "
		  "echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; done");
	netns_add("wan-a", "192.168.2.1/29");
	netns_add("wan-b", "172.16.1.1/30");
	netns_add("lan0", "10.0.0.1/24");
	*state = live;
	return 0;
}

static int live_teardown(void **state)
{
	struct live *live = *state;

	netns_run("nft flush ruleset; ip rule flush; ip rule add priority 32766 lookup main; "
		  "ip rule add priority 32767 lookup default");
	netns_run("ip route flush table 52 2>/dev/null; for i in wan-a wan-b lan0; "
		  "do ip link del $i; done");
	doctor_findings_fini(&live->findings);
	doctor_facts_fini(&live->facts);
	site_free(live->site);
	free(live);
	return 0;
}

static void examine(struct live *live)
{
	doctor_findings_fini(&live->findings);
	doctor_facts_fini(&live->facts);
	doctor_gather(live->site, &live->facts);
	doctor_check(live->site, &live->facts, &live->findings);
}

static bool is_found(const struct live *live, const char *check, const char *problem)
{
	for (size_t i = 0; i < live->findings.n; i++)
		if (strcmp(live->findings.items[i].check, check) == 0 &&
			strstr(live->findings.items[i].problem, problem))
			return true;
	return false;
}

static void assert_found(struct live *live, const char *check, const char *problem)
{
	examine(live);
	if (!is_found(live, check, problem)) {
		print_all(&live->findings);
		fail_msg("wanted %s: %s", check, problem);
	}
}

static void assert_not_found(struct live *live, const char *check)
{
	examine(live);
	if (is_found(live, check, "")) {
		print_all(&live->findings);
		fail_msg("%s is no finding here", check);
	}
}

static void a_live_sound_machine_has_no_findings(void **state)
{
	struct live *live = *state;

	examine(live);
	print_all(&live->findings);
	assert_int_equal(live->findings.n, 0);
	assert_false(live->facts.nft_unread);
	assert_int_equal(live->facts.uplinks[0].n_addrs, 1);
	assert_int_equal(live->facts.n_server_routes, 1); /* to the server's LAN address */
}

static void live_policies_that_drop_are_read(void **state)
{
	struct live *live = *state;

	netns_run(
		"nft 'table inet other { chain passing { type filter hook forward priority 0; "
		"policy drop; ct state established,related accept; }; }'");
	assert_found(live, "forward-filter", "chain passing of table inet other drops");
	netns_run("nft add rule inet other passing ct status dnat accept");
	assert_found(live, "forward-filter", "accepts traffic from the LAN:");
	netns_run("nft add rule inet other passing iifname lan0 accept");
	assert_not_found(live, "forward-filter");
	netns_run("nft flush chain inet other passing; "
		  "nft 'add rule inet other passing counter accept'");
	assert_not_found(live, "forward-filter");
}

/* Which of these accepting rules count as rules for us? */
static void live_accepting_rules_are_understood(void **state)
{
	static const struct {
		const char *rule;
		bool passes_lan;
	} cases[] = {
		{"ip saddr 10.0.0.0/24 accept", true},
		{"ip saddr 10.0.0.0/22 accept", true},
		{"ip saddr 10.0.0.0/8 accept", true},
		{"ip saddr 10.7.0.0/24 accept", false},
		{"iif lan0 oifname { wan-a, wan-b } accept", true},
		{"oifname wan-b accept", true},
		{"iifname vpn0 accept", false},
		{"iifname wan-a accept", false},
		{"tcp dport 80 accept", false},
		{"iifname lan0 drop", false},
		{"ct state invalid drop", false},
	};
	struct live *live = *state;

	netns_run(
		"nft 'table inet other { chain passing { type filter hook forward priority 0; "
		"policy drop; }; }'");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char command[256];

		snprintf(command, sizeof(command),
			"nft flush chain inet other passing; "
			"nft 'add rule inet other passing %s'",
			cases[i].rule);
		netns_run(command);
		print_message("  %s\n", cases[i].rule);
		examine(live);
		assert_int_equal(live->facts.n_chains, 1);
		assert_true(live->facts.chains[0].policy_drop);
		assert_int_equal(live->facts.chains[0].passes_lan, cases[i].passes_lan);
		assert_false(live->facts.chains[0].passes_dnat);
	}
}

static void live_final_drops_and_rejects_are_read(void **state)
{
	struct live *live = *state;

	netns_run("nft 'table inet firewalld { chain filter_FORWARD { type filter hook "
		  "forward priority 10; ct status dnat accept; reject with icmpx "
		  "admin-prohibited; }; }'");
	assert_found(live, "forward-filter", "made by firewalld");
	netns_run(
		"nft flush ruleset; nft 'table inet other { chain passing { type filter hook "
		"forward priority 0; iifname wan-a counter drop; }; }'");
	assert_found(live, "forward-filter", "port forwards");
	netns_run(
		"nft flush ruleset; nft 'table inet other { chain passing { type filter hook "
		"forward priority 0; iifname wan-a tcp dport 22 drop; }; }'");
	assert_not_found(live, "forward-filter");
}

static void live_input_chains_are_read(void **state)
{
	struct live *live = *state;

	netns_run("nft 'table inet other { chain in { type filter hook input priority 0; "
		  "policy drop; tcp dport 22 accept; }; }'");
	assert_found(live, "dns-filter", "no rule of it accepts port 53");
	netns_run("nft add rule inet other in udp dport 53 accept");
	assert_not_found(live, "dns-filter");
}

static void live_owners_of_iptables_tables_are_told_apart(void **state)
{
	struct live *live = *state;

	netns_run("nft 'table ip filter { chain FORWARD { type filter hook forward priority "
		  "0; policy drop; }; chain DOCKER-USER { }; }'");
	assert_found(live, "forward-filter", "made by docker");
	netns_run("nft 'table ip filter { chain ufw-before-forward { }; }'");
	assert_found(live, "forward-filter", "made by ufw");
	netns_run("nft delete table ip filter; nft 'table ip6 filter { chain FORWARD { type "
		  "filter hook forward priority 0; policy drop; }; }'");
	assert_found(live, "forward-filter", "table ip6 filter, made by iptables");
}

static void our_own_table_is_not_checked(void **state)
{
	struct live *live = *state;

	netns_run("nft 'table inet multihomed { chain forward { type filter hook forward "
		  "priority 0; policy drop; }; }'");
	assert_not_found(live, "forward-filter");
}

static void live_rules_of_other_programs_are_read(void **state)
{
	struct live *live = *state;

	netns_run("ip rule add priority 500 lookup 52");
	assert_not_found(live, "rule-before"); /* leads nowhere */
	netns_run("ip route add default via 172.16.1.2 table 52");
	assert_found(live, "rule-before", "priority 500, IPv4: from all lookup 52");
	netns_run("ip rule del priority 500; ip rule add priority 600 prohibit");
	assert_found(live, "rule-before", "priority 600, IPv4: from all drop");
	netns_run("ip rule del priority 600; ip rule add not fwmark 0xca6c lookup 52");
	assert_found(live, "rule-behind", "not from all fwmark 0xca6c lookup 52");
	netns_run("ip rule del not fwmark 0xca6c lookup 52; "
		  "ip rule add priority 500 lookup 52 protocol 200");
	assert_not_found(live, "rule-before");
	assert_true(live->facts.applied);
}

static void live_settings_are_read(void **state)
{
	struct live *live = *state;

	netns_run("echo 1 >/proc/sys/net/ipv4/conf/wan-b/rp_filter");
	assert_found(live, "rp-filter", "conf.wan-b.rp_filter is 1");
	netns_run("echo 2 >/proc/sys/net/ipv4/conf/wan-b/rp_filter");
	assert_not_found(live, "rp-filter");
	netns_run("ip address add 192.168.2.3/29 dev wan-b");
	assert_found(live, "same-subnet", "192.168.2.0/29");
	netns_run("ip link add br0 type bridge; ip link set wan-b master br0");
	assert_found(live, "interface-is-port", "wan-b is a port of br0");
	netns_run("ip link del br0; ip link set wan-b name wan-c");
	assert_found(live, "no-interface", "wan-b");
	netns_run("ip link set wan-c name wan-b");
}

static void live_server_routes_are_looked_up(void **state)
{
	struct live *live = *state;

	netns_run("ip address del 10.0.0.1/24 dev lan0");
	assert_found(live, "server-route", "there is no route to its address 10.0.0.10");
	netns_run("ip route add default via 192.168.2.6");
	assert_found(live, "server-route",
		"the route to its address 10.0.0.10 leads out of an uplink");
}

int main(int argc, char **argv)
{
#define PURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define LIVE(test) cmocka_unit_test_setup_teardown(test, live_setup, live_teardown)
	const struct CMUnitTest tests[] = {
		PURE(a_sound_machine_has_no_findings),
		PURE(unreadable_settings_are_no_findings),
		PURE(a_missing_interface_is_named),
		PURE(a_port_of_a_bridge_is_no_uplink),
		PURE(an_address_of_the_carriers_nat_is_found),
		PURE(two_uplinks_in_one_subnet_are_found),
		PURE(a_default_refused_for_its_metric_is_explained),
		PURE(more_routes_than_a_table_takes_are_found),
		PURE(uplinks_that_need_no_default_have_none_missing),
		PURE(targets_are_checked),
		PURE(routes_to_servers_lead_inside),
		PURE(a_forward_chain_that_drops_is_found),
		PURE(a_forward_chain_that_passes_us_is_not),
		PURE(an_input_chain_must_accept_queries_to_dnsd),
		PURE(rules_of_other_programs_are_checked),
		PURE(main_before_ours_counts_with_a_default_in_it),
		PURE(settings_are_checked),
		PURE(a_kernel_that_lacks_something_is_named),
		PURE(a_networkd_that_removes_our_routes_is_found),
		PURE(drop_ins_of_networkd_count_in_their_order),
		LIVE(a_live_sound_machine_has_no_findings),
		LIVE(live_policies_that_drop_are_read),
		LIVE(live_accepting_rules_are_understood),
		LIVE(live_final_drops_and_rejects_are_read),
		LIVE(live_input_chains_are_read),
		LIVE(live_owners_of_iptables_tables_are_told_apart),
		LIVE(our_own_table_is_not_checked),
		LIVE(live_rules_of_other_programs_are_read),
		LIVE(live_settings_are_read),
		LIVE(live_server_routes_are_looked_up),
	};

	netns_enter();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
