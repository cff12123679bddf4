/* situations.c - sites and situations of routed's pure part */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/situations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/family.h"
#include "common/site/report.h"
#include "common/site/siteload.h"
#include "lib/reports.h"

#include "routed/kernel/text.h"
#include "routed/wanted/situation.h"

static const char reference[] =
	"uplinks:\n"
	"  - name: isp-a\n"
	"    interface: wan-a\n"
	"    gateway: 192.168.2.6\n"
	"  - name: isp-b\n"
	"    interface: wan-b\n"
	"    gateway: 172.16.1.2\n"
	"lan: [lan0]\n"
	"servers:\n"
	"  - name: web\n"
	"    address: 10.0.0.10\n"
	"    loopbacks:\n"
	"      isp-a: 10.0.1.1\n"
	"      isp-b: 10.0.1.5\n"
	"    ports: [80/tcp, 443/tcp+udp, \"8443:443/tcp\", 5060-5070/udp]\n"
	"dns:\n"
	"  inside: 53\n"
	"  zones:\n"
	"    - name: www.example.com\n"
	"      file: www.example.com.zone\n";

struct site *situations_site(const char *yaml)
{
	struct report report;
	struct site *site = NULL;

	report_init(&report);
	if (site_parse("site.yaml", yaml, strlen(yaml), &report, &site) < 0) {
		fputs(report_lines(&report), stderr);
		abort();
	}
	report_fini(&report);
	return site;
}

struct site *situations_reference(const char *extra)
{
	struct text text = {0};

	text_add(&text, "%s%s", reference, extra ? extra : "");

	struct site *site = situations_site(text.data);
	text_fini(&text);
	return site;
}

void situations_device(struct situation *situation, size_t i, int ifindex)
{
	situation->uplinks[i].ifindex = ifindex;
	situation->uplinks[i].carrier = ifindex != 0;
	situation->uplinks[i].mtu = 1500;
}

void situations_address(struct situation *situation, size_t i, const char *address)
{
	struct situation_uplink *uplink = &situation->uplinks[i];
	struct link_addr *addr = &uplink->addrs[uplink->n_addrs++];
	char host[ADDR_STR_LEN];

	snprintf(host, sizeof(host), "%.*s", (int)strcspn(address, "/"), address);
	if (addr_parse(host, &addr->addr) < 0 || !strchr(address, '/'))
		abort();
	addr->prefix_len = (uint8_t)strtoul(strchr(address, '/') + 1, NULL, 10);

	struct addr *chosen = &uplink->chosen[family_of(addr->addr.family)];
	if (!addr_is_set(chosen))
		*chosen = addr->addr;
}

void situations_gateway(struct situation *situation, size_t i, const char *gateway)
{
	struct addr addr;

	if (addr_parse(gateway, &addr) < 0)
		abort();
	situation->uplinks[i].gateway[family_of(addr.family)] = addr;
}

struct situation situations_both_up(void)
{
	struct situation situation = {0};

	situations_device(&situation, 0, 2);
	situations_address(&situation, 0, "192.168.2.1/29");
	situations_gateway(&situation, 0, "192.168.2.6");
	situations_device(&situation, 1, 3);
	situations_address(&situation, 1, "172.16.1.1/30");
	situations_gateway(&situation, 1, "172.16.1.2");
	if (addr_parse("10.0.0.1", &situation.lan_addrs[0].addr) < 0)
		abort();
	situation.lan_addrs[0].prefix_len = 24;
	situation.n_lan_addrs = 1;
	return situation;
}

const char *situations_ifname(int ifindex, void *arg)
{
	static const char *const names[] = {[2] = "wan-a", "wan-b", "wan-c", [9] = "lan0"};

	(void)arg;
	return ifindex >= 0 && ifindex < 10 ? names[ifindex] : NULL;
}

char *situations_routes(const struct kernel *kernel)
{
	struct text text = {0};
	char line[4096];

	for (size_t i = 0; i < kernel->n_routes; i++)
		text_add(&text, "%s\n",
			kernel_route_str(&kernel->routes[i], situations_ifname, NULL, line,
				sizeof(line)));
	return text_take(&text);
}

char *situations_rules(const struct kernel *kernel)
{
	struct text text = {0};
	char line[512];

	for (size_t i = 0; i < kernel->n_rules; i++)
		text_add(
			&text, "%s\n", kernel_rule_str(&kernel->rules[i], line, sizeof(line)));
	return text_take(&text);
}

char *situations_table_text(struct nfttable *table)
{
	char *text = nfttable_text(table, false);
	struct nfttable *again = nfttable_read(text);

	assert_non_null(again);
	assert_true(nfttable_eq(table, again));
	nfttable_unref(again);
	nfttable_unref(table);
	return text;
}
