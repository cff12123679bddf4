/* test_listen.c - from links to wanted sockets and to facts, without a kernel */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/state/factslinks.h"
#include "dnsd/state/listen.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/site/siteload.h"
#include "common/site/uplinkset.h"

#define SITE                                                      \
	"uplinks:\n"                                              \
	"  - name: isp-a\n"                                       \
	"    interface: wan-a\n"                                  \
	"  - name: isp-b\n"                                       \
	"    interface: wan-b\n"                                  \
	"lan: [lan0]\n"                                           \
	"servers:\n"                                              \
	"  - {name: web, address: 10.0.0.10, ports: [443/tcp]}\n" \
	"dns:\n"                                                  \
	"  zones: [{name: www.example.com, file: x.zone}]\n"

enum { MAX_ADDRS = 8 };

/* An interface with its addresses, as the mirror would have it. */
struct wire {
	struct link link;
	struct link_addr addrs[MAX_ADDRS];
};

struct rig {
	struct site *site;
	struct wire a, b, lan;
	const struct link *lans[1];
	struct site_links links;
};

static void wire_up(struct wire *wire, const char *name, int ifindex)
{
	wire->link = (struct link){
		.ifindex = ifindex,
		.flags = IFF_UP | IFF_RUNNING | IFF_LOWER_UP,
		.operstate = IF_OPER_UP,
		.carrier = true,
		.addrs = wire->addrs,
	};
	snprintf(wire->link.name, sizeof(wire->link.name), "%s", name);
}

static void add_addr(struct wire *wire, const char *text, uint32_t flags)
{
	struct link_addr *addr = &wire->addrs[wire->link.n_addrs++];

	*addr = (struct link_addr){.scope = RT_SCOPE_UNIVERSE, .flags = flags};
	assert_int_equal(addr_parse(text, &addr->addr), 0);
	if (addr_is_link_local(&addr->addr))
		addr->scope = RT_SCOPE_LINK;
}

static struct rig *rig_new(const char *text)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct report report;

	report_init(&report);
	if (site_parse("site.yaml", text, strlen(text), &report, &rig->site) < 0) {
		report_print(&report, stderr);
		fail();
	}
	report_fini(&report);
	wire_up(&rig->a, "wan-a", 2);
	wire_up(&rig->b, "wan-b", 3);
	wire_up(&rig->lan, "lan0", 4);
	rig->lans[0] = &rig->lan.link;
	rig->links = (struct site_links){
		.uplinks = {&rig->a.link, &rig->b.link},
		.lan = rig->lans,
	};
	return rig;
}

static struct rig *reference(const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s%s", SITE, more);
	struct rig *rig = rig_new(text);
	add_addr(&rig->a, "192.168.2.1", IFA_F_PERMANENT);
	add_addr(&rig->b, "172.16.1.1", IFA_F_PERMANENT);
	add_addr(&rig->lan, "10.0.0.1", IFA_F_PERMANENT);
	return rig;
}

static void rig_free(struct rig *rig)
{
	site_free(rig->site);
	free(rig);
}

/* All wanted sockets in words: "0 192.168.2.1#53, inside 10.0.0.1#53". */
static void assert_wanted(const struct rig *rig, const char *expected)
{
	struct listen_spec *specs;
	size_t n;
	char text[1024] = "";
	size_t len = 0;

	assert_int_equal(listen_specs(rig->site, &rig->links, &specs, &n), 0);
	for (size_t i = 0; i < n; i++) {
		char view[16] = "inside";

		if (specs[i].view >= 0)
			snprintf(view, sizeof(view), "%d", specs[i].view);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s#%u%s",
			i > 0 ? ", " : "", view, addr_str(&specs[i].addr), specs[i].port,
			specs[i].taken_by >= 0 ? " taken" : "");
	}
	free(specs);
	assert_string_equal(text, expected);
}

/* ---- sockets ---- */

static void each_uplink_address_is_wanted(void **state)
{
	struct rig *rig = reference("");

	(void)state;
	assert_wanted(rig, "0 192.168.2.1#53, 1 172.16.1.1#53");
	rig_free(rig);
}

static void the_lan_is_wanted_with_an_inside_view(void **state)
{
	struct rig *rig = reference("  inside: 5353\n");

	(void)state;
	assert_wanted(rig, "0 192.168.2.1#53, 1 172.16.1.1#53, inside 10.0.0.1#5353");
	rig_free(rig);
}

static void all_usable_addresses_count_and_no_others(void **state)
{
	struct rig *rig = reference("");

	(void)state;
	add_addr(&rig->a, "192.168.2.2", IFA_F_SECONDARY);
	add_addr(&rig->a, "2001:db8:a::1", 0);
	add_addr(&rig->a, "2001:db8:a::2", IFA_F_DEPRECATED);
	add_addr(&rig->a, "2001:db8:a::3", IFA_F_TENTATIVE);
	add_addr(&rig->a, "2001:db8:a::4", IFA_F_DADFAILED | IFA_F_TENTATIVE);
	add_addr(&rig->a, "fe80::1", IFA_F_PERMANENT);
	add_addr(&rig->a, "fd00::1", 0);
	assert_wanted(rig, "0 192.168.2.1#53, 0 192.168.2.2#53, 0 2001:db8:a::1#53, "
			   "0 2001:db8:a::2#53, 0 fd00::1#53, 1 172.16.1.1#53");
	rig_free(rig);
}

static void a_missing_interface_wants_nothing(void **state)
{
	struct rig *rig = reference("  inside: 53\n");

	(void)state;
	rig->links.uplinks[0] = NULL;
	rig->lans[0] = NULL;
	assert_wanted(rig, "1 172.16.1.1#53");
	rig->links.uplinks[1] = NULL;
	assert_wanted(rig, "");
	rig_free(rig);
}

/* The kernel still has it and may still be asked at it. */
static void an_address_without_carrier_is_wanted(void **state)
{
	struct rig *rig = reference("");

	(void)state;
	rig->a.link.carrier = false;
	rig->a.link.flags = IFF_UP;
	assert_wanted(rig, "0 192.168.2.1#53, 1 172.16.1.1#53");
	rig_free(rig);
}

static void a_chosen_address_leaves_the_other_family_alone(void **state)
{
	struct rig *rig = rig_new("uplinks:\n"
				  "  - {name: isp-a, interface: wan-a, address: 192.168.2.2}\n"
				  "dns:\n"
				  "  port: 5300\n"
				  "  zones: [{name: www.example.com, file: x.zone}]\n");

	(void)state;
	add_addr(&rig->a, "192.168.2.1", 0);
	add_addr(&rig->a, "192.168.2.2", IFA_F_SECONDARY);
	add_addr(&rig->a, "2001:db8:a::1", 0);
	assert_wanted(rig, "0 192.168.2.2#5300, 0 2001:db8:a::1#5300");
	rig_free(rig);
}

static void an_uplink_that_takes_nothing_in_has_no_sockets(void **state)
{
	struct rig *rig = rig_new("uplinks:\n"
				  "  - {name: isp-a, interface: wan-a, inbound: no}\n"
				  "  - {name: isp-b, interface: wan-b}\n"
				  "dns:\n"
				  "  zones: [{name: www.example.com, file: x.zone}]\n");

	(void)state;
	add_addr(&rig->a, "100.64.0.2", 0);
	add_addr(&rig->b, "172.16.1.1", 0);
	assert_wanted(rig, "1 172.16.1.1#53");
	rig_free(rig);
}

static void an_address_on_two_uplinks_belongs_to_the_first(void **state)
{
	struct rig *rig = reference("");

	(void)state;
	add_addr(&rig->b, "192.168.2.1", 0);
	assert_wanted(rig, "0 192.168.2.1#53, 1 172.16.1.1#53, 1 192.168.2.1#53 taken");
	rig_free(rig);
}

static void an_address_listed_twice_is_wanted_once(void **state)
{
	struct rig *rig = reference("");

	(void)state;
	add_addr(&rig->a, "192.168.2.1", 0);
	assert_wanted(rig, "0 192.168.2.1#53, 1 172.16.1.1#53");
	rig_free(rig);
}

/* ---- facts ---- */

static struct facts facts_of(const struct rig *rig)
{
	struct facts facts;

	assert_int_equal(facts_from_links(rig->site, &rig->links, &facts), 0);
	return facts;
}

static void assert_addr(const struct addr *addr, const char *expected)
{
	assert_string_equal(addr_str(addr), expected);
}

static void an_uplink_with_carrier_and_address_is_up(void **state)
{
	struct rig *rig = reference("");
	struct facts facts = facts_of(rig);
	char why[128];

	(void)state;
	assert_int_equal(facts.n_uplinks, 2);
	assert_int_equal(facts.uplinks[0].state, UPLINK_UP);
	assert_addr(&facts.uplinks[0].public_addrs[SITE_IPV4], "192.168.2.1");
	assert_addr(&facts.uplinks[0].public_addrs[SITE_IPV6], "none");
	assert_addr(&facts.lan[SITE_IPV4], "10.0.0.1");
	assert_string_equal(
		facts_link_why(&rig->site->uplinks[0], &rig->a.link, why, sizeof(why)),
		"wan-a has carrier and address");
	facts_fini(&facts);
	rig_free(rig);
}

static void an_uplink_without_one_of_them_is_down(void **state)
{
	static const char *const reasons[] = {"no carrier on wan-a", "wan-a is not set up",
		"no usable address on wan-a", "there is no interface wan-a",
		"no usable address on wan-a, a port of a bridge or bond: name that one"};

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct rig *rig = reference("");
		char why[128];

		if (i <= 1)
			rig->a.link.carrier = false;
		if (i == 0)
			rig->a.link.flags = IFF_UP;
		if (i == 1)
			rig->a.link.flags = 0;
		if (i == 2 || i == 4)
			rig->a.link.n_addrs = 0;
		if (i == 4)
			rig->a.link.master = 7;
		if (i == 3)
			rig->links.uplinks[0] = NULL;
		struct facts facts = facts_of(rig);
		assert_int_equal(facts.uplinks[0].state, UPLINK_DOWN);
		assert_int_equal(facts.uplinks[1].state, UPLINK_UP);
		assert_addr(&facts.uplinks[0].public_addrs[SITE_IPV4],
			i < 2 ? "192.168.2.1" : "none");
		assert_string_equal(facts_link_why(&rig->site->uplinks[0],
					    rig->links.uplinks[0], why, sizeof(why)),
			reasons[i]);
		facts_fini(&facts);
		rig_free(rig);
	}
}

static void public_takes_the_place_of_the_interfaces_address(void **state)
{
	struct rig *rig = rig_new("uplinks:\n"
				  "  - {name: isp-a, interface: wan-a, public: 203.0.113.7}\n"
				  "dns:\n"
				  "  zones: [{name: www.example.com, file: x.zone}]\n");

	(void)state;
	add_addr(&rig->a, "192.168.2.1", 0);
	add_addr(&rig->a, "2001:db8:a::1", 0);
	struct facts facts = facts_of(rig);
	assert_addr(&facts.uplinks[0].public_addrs[SITE_IPV4], "203.0.113.7");
	assert_addr(&facts.uplinks[0].public_addrs[SITE_IPV6], "2001:db8:a::1");
	assert_wanted(rig, "0 192.168.2.1#53, 0 2001:db8:a::1#53");
	facts_fini(&facts);
	rig_free(rig);
}

static void a_server_is_reached_by_the_families_it_has(void **state)
{
	struct rig *rig = rig_new(
		"uplinks:\n"
		"  - {name: isp-a, interface: wan-a}\n"
		"  - {name: isp-b, interface: wan-b}\n"
		"servers:\n"
		"  - {name: web, address: 10.0.0.10, uplinks: [isp-b], ports: [443/tcp]}\n"
		"  - {name: six, address: [10.0.0.11, '2001:db8:c::11'], ports: [80/tcp]}\n"
		"  - name: far\n"
		"    address: 10.0.0.12\n"
		"    via: [10.0.0.12, '2001:db8:c::12']\n"
		"    loopbacks: {isp-a: 10.0.1.1, isp-b: [10.0.1.5, '2001:db8:d::5']}\n"
		"    ports: [81/tcp]\n"
		"dns:\n"
		"  zones: [{name: www.example.com, file: x.zone}]\n");
	struct facts facts = facts_of(rig);

	(void)state;
	assert_int_equal(facts.n_servers, 3);
	assert_int_equal(facts.servers[0].by_family[SITE_IPV4], 3);
	assert_int_equal(facts.servers[0].by_family[SITE_IPV6], 0);
	assert_int_equal(facts.servers[0].forwarded, uplinkset_of(1));
	assert_int_equal(facts.servers[0].dead, 0);
	assert_int_equal(facts.servers[1].by_family[SITE_IPV6], 3);
	assert_int_equal(facts.servers[1].forwarded, 3);
	assert_int_equal(facts.servers[2].by_family[SITE_IPV4], 3);
	assert_int_equal(facts.servers[2].by_family[SITE_IPV6], uplinkset_of(1));
	facts_fini(&facts);
	rig_free(rig);
}

static void facts_differ_when_an_answer_might(void **state)
{
	struct rig *rig = reference("");
	struct facts before = facts_of(rig);

	(void)state;
	struct facts same = facts_of(rig);
	assert_true(facts_eq(&before, &same));
	facts_fini(&same);

	rig->b.link.carrier = false;
	rig->b.link.flags = IFF_UP;
	struct facts down = facts_of(rig);
	assert_false(facts_eq(&before, &down));
	facts_fini(&down);

	wire_up(&rig->b, "wan-b", 3);
	add_addr(&rig->b, "172.16.1.9", 0);
	struct facts moved = facts_of(rig);
	assert_false(facts_eq(&before, &moved));
	facts_fini(&moved);
	facts_fini(&before);
	rig_free(rig);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_uplink_address_is_wanted),
		cmocka_unit_test(the_lan_is_wanted_with_an_inside_view),
		cmocka_unit_test(all_usable_addresses_count_and_no_others),
		cmocka_unit_test(a_missing_interface_wants_nothing),
		cmocka_unit_test(an_address_without_carrier_is_wanted),
		cmocka_unit_test(a_chosen_address_leaves_the_other_family_alone),
		cmocka_unit_test(an_uplink_that_takes_nothing_in_has_no_sockets),
		cmocka_unit_test(an_address_on_two_uplinks_belongs_to_the_first),
		cmocka_unit_test(an_address_listed_twice_is_wanted_once),
		cmocka_unit_test(an_uplink_with_carrier_and_address_is_up),
		cmocka_unit_test(an_uplink_without_one_of_them_is_down),
		cmocka_unit_test(public_takes_the_place_of_the_interfaces_address),
		cmocka_unit_test(a_server_is_reached_by_the_families_it_has),
		cmocka_unit_test(facts_differ_when_an_answer_might),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
