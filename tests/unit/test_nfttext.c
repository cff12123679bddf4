/* test_nfttext.c - the nftables table: what is in it, and that nft and the kernel take it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/netns.h"
#include "lib/situations.h"
#include "routed/kernel/mainroutes.h"
#include "routed/kernel/text.h"
#include "routed/wanted/nfttext.h"
#include "routed/wanted/situation.h"

/* Hands the text to `nft -c -f -`; in a network namespace of the test's own. */
static void assert_nft_takes(const char *text)
{
	FILE *nft = popen("nft -c -f -", "w");

	assert_non_null(nft);
	fputs(text, nft);
	int status = pclose(nft);
	if (status != 0)
		print_error("%s", text);
	assert_int_equal(status, 0);
}

static char *table_of(const struct site *site, const struct situation *situation)
{
	char *text = situations_table_text(wanted_nft(site, situation));

	assert_nft_takes(text);
	return text;
}

/* The table of a site of which only the text is of interest, with both uplinks up. */
static char *table_of_yaml(const char *extra)
{
	struct site *site = situations_reference(extra);
	struct situation situation = situations_both_up();
	char *text = table_of(site, &situation);

	site_free(site);
	return text;
}

static void assert_has(const char *text, const char *what)
{
	if (!strstr(text, what))
		print_error("no \"%s\" in:\n%s", what, text);
	assert_non_null(strstr(text, what));
}

static void assert_lacks(const char *text, const char *what)
{
	if (strstr(text, what))
		print_error("\"%s\" in:\n%s", what, text);
	assert_null(strstr(text, what));
}

static size_t n_lines_with(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)); at++)
		n++;
	return n;
}

static void reference_site_loads(void **state)
{
	char *text = table_of_yaml(NULL);

	(void)state;
	assert_has(text, "192.168.2.1 . tcp . 8443 : 10.0.1.1 . 443,");
	assert_has(text, "172.16.1.1 . tcp . 80 : 10.0.1.5 . 80,");
	assert_has(text, "oifname \"wan-b\" goto nat_1\n");
	free(text);
}

static void a_router_that_stands_by_translates_nothing(void **state)
{
	struct site *site = situations_reference("routing: {open: [203.0.113.0/28]}\n");
	char *text = situations_table_text(wanted_nft_standby(site, false));

	(void)state;
	assert_nft_takes(text);
	assert_has(text, "oifname { \"wan-a\", \"wan-b\" } tcp flags & rst == rst drop");
	assert_has(text, "fib daddr type local notrack");
	assert_int_equal(n_lines_with(text, " hook "), 2);
	assert_lacks(text, "guard");
	free(text);

	text = situations_table_text(wanted_nft_standby(site, true));
	assert_nft_takes(text);
	assert_has(text, "iifname { \"wan-a\", \"wan-b\" } goto guard");
	assert_has(text, "ip daddr @open4 accept");
	assert_has(text, "\"wan-b\" : \"guarded_1\" } drop");
	assert_lacks(text, "masquerade");
	assert_lacks(text, "dnat to");
	free(text);
	site_free(site);
}

static void udp_goes_to_the_address_unless_told(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	char *text = table_of(site, &situation);

	(void)state;
	assert_has(text, "192.168.2.1 . udp . 443 : 10.0.0.10 . 443,");
	assert_int_equal(n_lines_with(text, "192.168.2.1 . udp . 50"), 11);
	free(text);

	site->servers[0].udp_to_loopback = true;
	text = table_of(site, &situation);
	assert_has(text, "192.168.2.1 . udp . 443 : 10.0.1.1 . 443,");
	free(text);
	site_free(site);
}

static void flows_that_are_left_to_main_are_bound_to_nothing(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	struct mainroutes_over over = {.ifindex = 2, .family = AF_INET, .has_default = true};
	char *text = table_of(site, &situation);

	(void)state;
	assert_has(text, "\t\tct direction original ct mark & 0xff00 == 0 "
			 "ct mark set ct mark | 0x8100\n");
	assert_has(text, "\t\tct reply ip daddr { 192.168.2.1 } ct mark set ct mark | 0x100 "
			 "goto restore_0\n");
	free(text);

	situation.uplinks[0].main_routes[SITE_IPV4] = &over;
	situation.uplinks[0].gateway[SITE_IPV4] = (struct addr){0};
	text = table_of(site, &situation);
	assert_has(text, "\t\tmeta nfproto ipv6 ct direction original ct mark & 0xff00 == 0 "
			 "ct mark set ct mark | 0x8100\n");
	assert_has(text, "\t\tmeta nfproto ipv6 ct direction original ct mark & 0xff00 == 0 "
			 "ct mark set ct mark | 0x100");
	assert_lacks(text, "\t\tct direction original ct mark & 0xff00 == 0 "
			   "ct mark set ct mark | 0x100");
	assert_lacks(text, "ct reply ip daddr { 192.168.2.1 }");
	assert_has(text, "ct reply ip daddr { 172.16.1.1 }");
	free(text);

	situation.uplinks[0].main_routes[SITE_IPV6] = &over;
	text = table_of(site, &situation);
	assert_lacks(text, "ct mark set ct mark | 0x100");
	assert_lacks(text, "ct mark set ct mark | 0x8100");
	assert_has(text, "ct mark set ct mark | 0x8200");
	free(text);
	site_free(site);
}

static void public_address_is_forwarded_too(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();

	(void)state;
	assert_int_equal(
		addr_parse("192.0.2.1", &site->uplinks[0].public_addrs[SITE_IPV4]), 0);
	char *text = table_of(site, &situation);
	assert_has(text, "192.0.2.1 . tcp . 80 : 10.0.1.1 . 80,");
	assert_has(text, "192.168.2.1 . tcp . 80 : 10.0.1.1 . 80,");
	free(text);
	site_free(site);
}

/* Conntrack translates nothing that it cannot place, so such packets may not leave. */
static void what_cannot_be_translated_stays_inside(void **state)
{
	char *text = table_of_yaml("routing:\n"
				   "  no-nat: 10.0.9.0/24\n");
	const char *chain = strstr(text, "chain invalid_1");
	const char *leaving = strstr(text, "chain to_uplink_1");

	(void)state;
	assert_non_null(chain);
	assert_non_null(leaving);
	assert_non_null(strstr(leaving, "ct state invalid goto invalid_1"));
	const char *spared = strstr(chain, "ip saddr @no_nat4 accept");
	const char *dropped = strstr(chain, "meta nfproto ipv4 drop");
	const char *ula = strstr(chain, "ip6 saddr fc00::/7 drop");
	assert_true(chain < spared && spared < dropped && dropped < ula);
	free(text);
}

static void uplink_without_inbound_forwards_nothing(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();

	(void)state;
	site->uplinks[1].inbound = false;
	char *text = table_of(site, &situation);
	assert_lacks(text, "172.16.1.1 .");
	assert_lacks(text, "ip daddr { 172.16.1.1 } notrack");
	free(text);
	site_free(site);
}

/* nftables would refuse one key with two values, and with it the whole table. */
static void one_address_on_two_uplinks_is_the_first_ones(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();

	(void)state;
	situation.uplinks[1].addrs[0].addr = situation.uplinks[0].addrs[0].addr;
	situation.uplinks[1].chosen[SITE_IPV4] = situation.uplinks[0].chosen[SITE_IPV4];
	char *text = table_of(site, &situation);
	assert_int_equal(n_lines_with(text, "192.168.2.1 . tcp . 80 :"), 1);
	assert_has(text, "192.168.2.1 . tcp . 80 : 10.0.1.1 . 80,");
	free(text);
	site_free(site);
}

static void configured_address_serves_alone(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();

	(void)state;
	situations_address(&situation, 0, "192.168.2.3/29");
	assert_int_equal(prefix_parse("192.168.2.3", &site->uplinks[0].address[SITE_IPV4]), 0);
	assert_int_equal(
		addr_parse("192.168.2.3", &situation.uplinks[0].chosen[SITE_IPV4]), 0);

	char *text = table_of(site, &situation);
	assert_has(text, "192.168.2.3 . tcp . 80 :");
	assert_lacks(text, "192.168.2.1 . tcp . 80 :");
	assert_has(text, "ip saddr { 192.168.2.1, 192.168.2.3 } accept");
	assert_has(text, "meta nfproto ipv4 snat ip to 192.168.2.3");
	free(text);
	site_free(site);
}

static void restricted_server_has_a_map_of_its_own(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	struct prefix from[2];

	(void)state;
	assert_int_equal(prefix_parse("192.0.2.0/24", &from[0]), 0);
	assert_int_equal(prefix_parse("192.0.2.128/25", &from[1]), 0);
	site->servers[0].from = (struct site_prefixes){.items = from, .n = 2};
	char *text = table_of(site, &situation);
	assert_has(text, "ip saddr @from_0_4 dnat ip to ip daddr");
	assert_lacks(text, "map forward4 {");
	free(text);

	/* nobody of IPv4 may: no forward, and no empty map that nft would refuse */
	assert_int_equal(prefix_parse("2001:db8::/32", &from[0]), 0);
	site->servers[0].from.n = 1;
	text = table_of(site, &situation);
	assert_lacks(text, "dnat ip to");
	free(text);

	site->servers[0].from = (struct site_prefixes){0};
	site_free(site);
}

static void nothing_is_known_of_any_uplink(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = {0};
	char *text = table_of(site, &situation);

	(void)state;
	assert_lacks(text, "dnat ip");
	assert_lacks(text, "notrack");
	assert_has(text, "goto guard");
	free(text);
	site_free(site);
}

static void dns_is_untracked_only_with_zones(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	char *text = table_of(site, &situation);

	(void)state;
	assert_has(text, "udp dport 53 ip daddr { 192.168.2.1 } notrack");
	assert_has(text, "udp sport 53 ip saddr { 172.16.1.1 } notrack");
	assert_has(text, "chain answers_0 { # isp-a\n"
			 "\t\tmeta l4proto != udp accept\n"
			 "\t\tip saddr { 192.168.2.1 } notrack accept\n"
			 "\t\tip saddr { 192.168.2.1 } accept\n"
			 "\t\tip saddr { 172.16.1.1 } drop\n");
	assert_has(text, "\t\tip6 saddr { fe80::/10, fc00::/7 } accept\n"
			 "\t\tmeta nfproto ipv6 drop\n");
	free(text);

	size_t n_zones = site->dns.n_zones;
	site->dns.n_zones = 0;
	text = table_of(site, &situation);
	assert_lacks(text, "notrack");
	free(text);
	site->dns.n_zones = n_zones;
	site_free(site);
}

/* Bits outside of the mask are somebody else's. */
static void marks_keep_to_their_mask(void **state)
{
	struct site *site = situations_reference("routing: {mark: 0x0ff00000}\n");
	struct situation situation = situations_both_up();
	char *text = table_of(site, &situation);

	(void)state;
	assert_has(text, "ct mark & 0xff00000 == 0 ct mark set ct mark | 0x8100000\n");
	assert_has(text, "ct mark & 0xff00000 == 0 ct mark set ct mark | 0x200000\n");
	assert_has(text, "meta mark set meta mark & 0xf00fffff | 0x100000\n");
	assert_has(text, "ct mark & 0x3f00000 vmap { 0x100000 : goto restore_0,");
	free(text);
	site_free(site);
}

/* What the router says of a flow goes by the flow's uplink, with a source of that one. */
static void errors_leave_by_the_uplink_of_their_flow(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	char *text = table_of(site, &situation);

	(void)state;
	assert_has(text, "chain error_1 { # isp-b\n"
			 "\t\tip saddr != { 172.16.1.1 } ip saddr set 172.16.1.1\n"
			 "\t\tgoto restore_1\n");
	assert_has(text, "oifname { \"wan-a\", \"wan-b\" } ct state related "
			 "icmp type { destination-unreachable, time-exceeded, "
			 "parameter-problem } goto errors\n");
	free(text);

	situation.uplinks[1].chosen[SITE_IPV4] = (struct addr){0};
	text = table_of(site, &situation);
	assert_has(text, "chain error_1 { # isp-b\n\t\tgoto restore_1\n");
	free(text);
	site_free(site);
}

/* An established packet is recognized by its mark at once; the first answer to an inbound flow
 * is counted, once, and where it leaves. */
static void answers_are_told_apart_by_their_uplink(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	char *text = table_of(site, &situation);

	(void)state;
	assert_has(text, "chain to_uplink_1 { # isp-b\n"
			 "\t\tct mark & 0xff00 == 0x200 counter name \"out_1\" goto leave_1\n"
			 "\t\tct mark & 0xff00 == 0xc200 goto leave_1\n"
			 "\t\tct state invalid goto invalid_1\n"
			 "\t\tct direction reply ct status dnat ct mark "
			 "& 0xc000 == 0x8000 goto answer_1\n");
	assert_has(text, "ct mark & 0x3f00 == 0x200 meta nfproto ipv4 "
			 "meta l4proto tcp update @answered4 {");
	assert_has(text, "ct mark & 0x3f00 != 0x200 meta nfproto ipv6 "
			 "meta l4proto udp update @astray6 {");
	free(text);

	site->routing.mark = 0x700; /* two bits of uplinks, one of direction */
	text = table_of(site, &situation);
	assert_lacks(text, "answer_1");
	assert_lacks(text, "set answered4");
	assert_has(text, "ct status dnat ct mark & 0x400 == 0x400 meta nfproto ipv6 meta "
			 "l4proto udp update @arrived6 {");
	assert_has(text, "ct mark & 0x700 == 0x600 goto leave_1\n");
	free(text);
	site_free(site);
}

static void guard_can_be_left_out(void **state)
{
	char *text = table_of_yaml("routing: {guard: no}\n");

	(void)state;
	assert_lacks(text, "goto guard");
	free(text);
}

static void open_and_no_nat_are_not_translated(void **state)
{
	char *text = table_of_yaml("routing:\n"
				   "  open: [192.0.2.0/28, \"2001:db8:5::/48\"]\n"
				   "  no-nat: [10.9.0.0/16, 0.0.0.0/0, \"::/0\"]\n");

	(void)state;
	assert_has(text, "ip daddr @open4 accept");
	assert_has(text, "ip6 daddr @open6 accept");
	assert_has(text, "ip saddr @no_nat4 accept");
	assert_has(text, "ip6 saddr @open6 accept");
	free(text);
}

static void mss_follows_the_site(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();

	(void)state;
	situation.uplinks[0].mtu = 1492;
	site->uplinks[1].mss = SITE_MSS_NO;
	char *text = table_of(site, &situation);
	assert_has(text, "maxseg size set rt mtu");
	assert_has(text, "meta nfproto ipv4 tcp option maxseg size set 1452");
	assert_has(text, "meta nfproto ipv6 tcp option maxseg size set 1432");
	assert_has(text, "tcp flags & (syn | rst) == syn jump mss_in_0\n");
	assert_lacks(text, "mss_in_1");
	assert_int_equal(n_lines_with(text, "maxseg size set rt mtu"), 1);
	assert_int_equal(n_lines_with(text, "maxseg"), 3);
	free(text);

	site->uplinks[0].mss = SITE_MSS_FIXED;
	site->uplinks[0].mss_bytes = 1300;
	text = table_of(site, &situation);
	/* in, out, and what the router itself opens */
	assert_int_equal(n_lines_with(text, "maxseg size set 1300"), 3);
	assert_has(text, "oifname \"wan-a\" tcp flags & (syn | rst) "
			 "== syn tcp option maxseg size set 1300\n");
	assert_int_equal(n_lines_with(text, "maxseg"), 3);
	free(text);
	site_free(site);
}

static const char ipv6_site[] = "uplinks:\n"
				"  - name: isp-a\n"
				"    interface: wan-a\n"
				"    nat6: all\n"
				"    prefixes6: [\"2001:db8:a::/48\", \"2001:db8:a:f::/64\"]\n"
				"  - {name: isp-b, interface: wan-b.7, nat6: no}\n"
				"  - {name: isp-c, interface: \"ppp0@x:1\"}\n"
				"lan: [lan0, lan1]\n"
				"servers:\n"
				"  - name: web\n"
				"    address: [10.0.0.10, \"fd00::10\"]\n"
				"    loopbacks: {isp-a: \"fd00:1::1\", isp-b: \"fd00:1::5\"}\n"
				"    ports: [443/tcp]\n";

static void ipv6_is_forwarded_and_translated(void **state)
{
	struct site *site = situations_site(ipv6_site);
	struct situation situation = {0};

	(void)state;
	situations_device(&situation, 0, 2);
	situations_address(&situation, 0, "2001:db8:1::2/64");
	situations_address(&situation, 0, "192.0.2.1/24");
	char *text = table_of(site, &situation);
	assert_has(text, "2001:db8:1::2 . tcp . 443 : fd00:1::1 . 443,");
	assert_has(text, "192.0.2.1 . tcp . 443 : 10.0.0.10 . 443,");
	assert_has(text, "ip6 saddr @prefixes_0_6 accept");
	assert_has(text, "ip6 saddr { 2001:db8:1::2 } accept");
	assert_int_equal(n_lines_with(text, "meta nfproto ipv6 masquerade"), 1);
	assert_int_equal(n_lines_with(text, "ip6 saddr fc00::/7 masquerade"), 1);
	assert_has(text, "iifname \"lan1\" oifname \"lan1\" ct status dnat masquerade");
	free(text);
	site_free(site);
}

static void equal_situations_give_equal_text(void **state)
{
	char *one = table_of_yaml(NULL);
	char *other = table_of_yaml(NULL);

	(void)state;
	assert_string_equal(one, other);
	free(one);
	free(other);
}

static void as_many_uplinks_as_there_may_be(void **state)
{
	struct situation situation = {0};
	struct text yaml = {0};

	(void)state;
	text_str(&yaml, "uplinks:\n");
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++) {
		char address[32];

		text_add(&yaml, "  - {name: isp-%zu, interface: wan%zu}\n", i, i);
		situations_device(&situation, i, (int)i + 2);
		snprintf(address, sizeof(address), "192.0.2.%zu/24", i + 1);
		situations_address(&situation, i, address);
	}
	text_str(&yaml, "lan: [lan0]\nservers:\n"
			"  - {name: web, address: 10.0.0.10, ports: [80/tcp]}\n");
	struct site *site = situations_site(yaml.data);
	char *text = table_of(site, &situation);
	assert_int_equal(n_lines_with(text, ". tcp . 80 : 10.0.0.10 . 80"), SITE_MAX_UPLINKS);
	assert_has(text, "\t\toifname vmap { \"wan0\" : goto nat_0, \"wan1\" : goto nat_1,");
	assert_lacks(text, "oifname \"wan0\" goto nat_0");
	free(text);
	text_fini(&yaml);
	site_free(site);
}

static long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void ten_thousand_forwards_load(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	struct site_port range = {.first = 10000, .last = 19999, .inside = 10000, .tcp = true};
	struct site_port *before = site->servers[0].ports;
	size_t n_before = site->servers[0].n_ports;

	(void)state;
	site->servers[0].ports = &range;
	site->servers[0].n_ports = 1;
	situation.uplinks[1] = (struct situation_uplink){0};
	long start = now_us();
	char *text = situations_table_text(wanted_nft(site, &situation));
	print_message("10,000 forwards: %ld us, %zu octets\n", now_us() - start, strlen(text));
	assert_nft_takes(text);
	assert_int_equal(n_lines_with(text, " : 10.0.1.1 . "), 10000);
	free(text);
	site->servers[0].ports = before;
	site->servers[0].n_ports = n_before;
	site_free(site);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_site_loads),
		cmocka_unit_test(a_router_that_stands_by_translates_nothing),
		cmocka_unit_test(udp_goes_to_the_address_unless_told),
		cmocka_unit_test(flows_that_are_left_to_main_are_bound_to_nothing),
		cmocka_unit_test(public_address_is_forwarded_too),
		cmocka_unit_test(what_cannot_be_translated_stays_inside),
		cmocka_unit_test(uplink_without_inbound_forwards_nothing),
		cmocka_unit_test(one_address_on_two_uplinks_is_the_first_ones),
		cmocka_unit_test(configured_address_serves_alone),
		cmocka_unit_test(restricted_server_has_a_map_of_its_own),
		cmocka_unit_test(nothing_is_known_of_any_uplink),
		cmocka_unit_test(dns_is_untracked_only_with_zones),
		cmocka_unit_test(marks_keep_to_their_mask),
		cmocka_unit_test(errors_leave_by_the_uplink_of_their_flow),
		cmocka_unit_test(answers_are_told_apart_by_their_uplink),
		cmocka_unit_test(guard_can_be_left_out),
		cmocka_unit_test(open_and_no_nat_are_not_translated),
		cmocka_unit_test(mss_follows_the_site),
		cmocka_unit_test(ipv6_is_forwarded_and_translated),
		cmocka_unit_test(equal_situations_give_equal_text),
		cmocka_unit_test(as_many_uplinks_as_there_may_be),
		cmocka_unit_test(ten_thousand_forwards_load),
	};

	netns_enter();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("nfttext", tests, NULL, NULL);
}
