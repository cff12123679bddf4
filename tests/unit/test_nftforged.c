/* test_nftforged.c - what an uplink must not bring: which sources, and how it is written */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/situations.h"
#include "routed/wanted/nftforged.h"
#include "routed/wanted/nfttext.h"
#include "routed/wanted/situation.h"

/* The reference site, both uplinks up, and what a case adds to that. */
struct forged_case {
	const char *name;
	const char *lan[3]; /* besides 10.0.0.1/24 */
	const char *uplink; /* an address of isp-a besides its own */
	const char *gateway;
	const char *elsewhere; /* an address of the router on an interface of neither kind */
	const char *server;    /* where the server is */
	const char *prefixes6;
	const char *open;
	enum site_family family;
	const char *own;
	const char *delegated;
	const char *lan_is;
	const char *onlink;
	const char *asked;
};

#define OWN4  "10.0.0.1/32 10.0.1.1/32 10.0.1.5/32 127.0.0.0/8 172.16.1.1/32 192.168.2.1/32"
#define LAN4  "10.0.0.0/24"
#define ASKED "10.0.0.1/32"

static const struct forged_case cases[] = {
	{.name = "the reference site", .own = OWN4, .lan_is = LAN4, .asked = ASKED},
	{.name = "an address of the router on a VPN's device",
		.elsewhere = "10.8.0.1",
		.own = OWN4 " 10.8.0.1/32",
		.lan_is = LAN4,
		.asked = ASKED},
	{.name = "an address that the LAN has too",
		.elsewhere = "10.0.0.1",
		.own = OWN4,
		.lan_is = LAN4,
		.asked = ASKED},
	{.name = "a server beyond an interface that is no LAN",
		.server = "10.0.7.7",
		.own = OWN4,
		.lan_is = LAN4 " 10.0.7.7/32",
		.asked = ASKED},
	{.name = "a server in an open prefix may be reached by many ways",
		.server = "203.0.114.5",
		.open = "203.0.114.0/24",
		.own = OWN4,
		.lan_is = LAN4,
		.asked = ASKED},
	{.name = "private subnets of uplinks are not inside",
		.lan = {"192.168.3.1/24"},
		.own = OWN4 " 192.168.3.1/32",
		.lan_is = LAN4 " 192.168.3.0/24",
		.asked = ASKED " 192.168.3.1/32"},
	{.name = "a LAN contains the uplink's subnet",
		.lan = {"192.168.2.129/24"},
		.own = OWN4 " 192.168.2.129/32",
		.lan_is = LAN4 " 192.168.2.0/24",
		.onlink = "192.168.2.0/29",
		.asked = ASKED " 192.168.2.129/32"},
	{.name = "a LAN is the uplink's subnet",
		.lan = {"192.168.2.5/29"},
		.own = OWN4 " 192.168.2.5/32",
		.lan_is = LAN4 " 192.168.2.0/29",
		.onlink = "192.168.2.0/29",
		.asked = ASKED " 192.168.2.5/32"},
	{.name = "a LAN within the uplink's subnet is inside",
		.uplink = "198.51.100.1/24",
		.lan = {"198.51.100.129/25"},
		.own = OWN4 " 198.51.100.1/32 198.51.100.129/32",
		.lan_is = LAN4 " 198.51.100.128/25",
		.asked = ASKED " 198.51.100.129/32"},
	{.name = "a gateway within the LAN's subnet",
		.gateway = "10.0.0.254",
		.own = OWN4,
		.lan_is = LAN4,
		.onlink = "10.0.0.254/32",
		.asked = ASKED},
	{.name = "one address on the LAN and the uplink",
		.uplink = "192.168.2.2/32",
		.lan = {"192.168.2.2/32"},
		.own = OWN4 " 192.168.2.2/32",
		.lan_is = LAN4 " 192.168.2.2/32",
		.onlink = "192.168.2.2/32",
		.asked = ASKED},
	{.name = "subnets within each other are one",
		.lan = {"10.0.0.2/16", "10.0.3.1/24"},
		.own = OWN4 " 10.0.0.2/32 10.0.3.1/32",
		.lan_is = "10.0.0.0/16",
		.asked = ASKED " 10.0.0.2/32 10.0.3.1/32"},
	{.name = "IPv6, with a delegated prefix that holds the uplink's subnet",
		.family = SITE_IPV6,
		.lan = {"2001:db8:a:1::1/64", "fd00::1/64"},
		.uplink = "2001:db8:a:0::1/64",
		.prefixes6 = "2001:db8:a::/56",
		.own = "2001:db8:a::1/128 2001:db8:a:1::1/128 ::1/128 fd00::1/128",
		.delegated = "2001:db8:a::/56",
		.lan_is = "2001:db8:a:1::/64 fd00::/64",
		.onlink = "2001:db8:a::/64",
		.asked = "2001:db8:a:1::1/128 fd00::1/128"},
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Words of one text, sorted as text, joined by blanks. */
static char *sorted(const char *text)
{
	static char out[2][1024];
	static int which;
	char copy[1024];
	char *words[32];
	size_t n = 0;
	char *line = out[which ^= 1];

	snprintf(copy, sizeof(copy), "%s", text ? text : "");
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[n++] = word;
	qsort(words, n, sizeof(*words), by_text);
	line[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(line + strlen(line), sizeof(out[0]) - strlen(line), "%s%s",
			i ? " " : "", words[i]);
	return line;
}

static void assert_list(const char *what, const struct forged_prefixes *list, const char *want)
{
	char got[1024] = "";

	for (size_t i = 0; i < list->n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
			prefix_str(&list->items[i]));
	if (strcmp(sorted(got), sorted(want)) != 0)
		print_error("%s: got %s, want %s\n", what, got, want ? want : "none");
	assert_string_equal(sorted(got), sorted(want));
}

static void add_lan(struct situation *situation, const char *text)
{
	struct situation as_uplink = {0};

	situations_address(&as_uplink, 0, text);
	situation->lan_addrs[situation->n_lan_addrs++] = as_uplink.uplinks[0].addrs[0];
}

static void what_is_inside_follows_the_situation(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct forged_case *c = &cases[i];
		struct site *site = situations_reference(NULL);
		struct situation situation = situations_both_up();
		struct prefix prefix6;
		struct prefix open;
		struct forged forged;

		for (size_t j = 0; j < 3 && c->lan[j]; j++)
			add_lan(&situation, c->lan[j]);
		if (c->elsewhere)
			assert_int_equal(
				addr_parse(c->elsewhere, &situation.own[situation.n_own++]),
				0);
		if (c->server)
			assert_int_equal(
				addr_parse(c->server, &site->servers[0].address[c->family]),
				0);
		if (c->uplink)
			situations_address(&situation, 0, c->uplink);
		if (c->gateway)
			situations_gateway(&situation, 0, c->gateway);
		if (c->open) {
			assert_int_equal(prefix_parse(c->open, &open), 0);
			site->routing.open = (struct site_prefixes){&open, 1};
		}
		if (c->prefixes6) {
			assert_int_equal(prefix_parse(c->prefixes6, &prefix6), 0);
			site->uplinks[0].prefixes6 = (struct site_prefixes){&prefix6, 1};
		}
		forged_of(site, &situation, c->family, &forged);
		print_message("%s\n", c->name);
		assert_list("own", &forged.own, c->own);
		assert_list("delegated", &forged.delegated, c->delegated);
		assert_list("lan", &forged.lan, c->lan_is);
		assert_list("onlink", &forged.onlink, c->onlink);
		assert_list("asked", &forged.asked, c->asked);
		forged_fini(&forged);
		site->uplinks[0].prefixes6 = (struct site_prefixes){0};
		site->routing.open = (struct site_prefixes){0};
		site_free(site);
	}
}

/* Its loopbacks come in by the uplink. */
static void a_server_in_the_uplinks_subnet_is_outside(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	struct forged forged;

	(void)state;
	assert_int_equal(addr_parse("192.168.2.3", &site->servers[0].via[SITE_IPV4]), 0);
	forged_of(site, &situation, SITE_IPV4, &forged);
	assert_list(
		"own", &forged.own, "10.0.0.1/32 127.0.0.0/8 172.16.1.1/32 192.168.2.1/32");
	forged_fini(&forged);
	site_free(site);
}

static void assert_has(const char *text, const char *what)
{
	if (!strstr(text, what))
		print_error("no \"%s\" in:\n%s", what, text);
	assert_non_null(strstr(text, what));
}

static void it_is_dropped_before_it_is_tracked(void **state)
{
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();
	char *text = situations_table_text(wanted_nft(site, &situation));

	(void)state;
	assert_has(text,
		"\tchain forged {\n\t\tmeta ipsec exists return\n"
		"\t\tudp sport 67 udp dport 68 return\n"
		"\t\tcounter name iifname map { \"wan-a\" : \"forged_0\", \"wan-b\" : "
		"\"forged_1\" } drop\n\t}\n");
	assert_has(text,
		"\tchain from_outside {\n\t\tip saddr { 10.0.0.1, 10.0.1.1, 10.0.1.5, "
		"127.0.0.0/8, 172.16.1.1, 192.168.2.1 } goto forged\n");
	assert_has(text, "\t\tip saddr { 10.0.0.0/24 } fib saddr oifname != { \"wan-a\", "
			 "\"wan-b\" } goto forged\n");
	assert_has(text, "\t\tip saddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 } "
			 "fib saddr oifname { \"lan0\" } goto behind_lan\n");
	assert_has(text,
		"\t\tip6 saddr fc00::/7 fib saddr oifname { \"lan0\" } goto behind_lan\n");
	assert_has(text, "\tchain behind_lan {\n\t\ticmp type { destination-unreachable, ");
	assert_has(text, "parameter-problem } return\n\t\tgoto forged\n\t}\n");
	assert_has(text, "priority raw; policy accept;\n"
			 "\t\tiifname { \"wan-a\", \"wan-b\" } jump from_outside\n");
	free(text);
	site_free(site);
}

/* Another program's resolver may be there. */
static void the_inside_view_is_closed_where_there_is_one(void **state)
{
	static const char rule[] =
		"meta l4proto { tcp, udp } th dport 53 ip daddr { 10.0.0.1 } "
		"goto inside_view\n";
	struct site *site = situations_reference(NULL);
	struct situation situation = situations_both_up();

	(void)state;
	char *text = situations_table_text(wanted_nft(site, &situation));
	assert_has(text, rule);
	assert_has(text, "\tchain inside_view {\n\t\tmeta ipsec exists return\n");
	free(text);

	site->dns.inside = 0;
	text = situations_table_text(wanted_nft(site, &situation));
	assert_null(strstr(text, "goto inside_view"));
	free(text);
	site_free(site);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_inside_follows_the_situation),
		cmocka_unit_test(a_server_in_the_uplinks_subnet_is_outside),
		cmocka_unit_test(it_is_dropped_before_it_is_tracked),
		cmocka_unit_test(the_inside_view_is_closed_where_there_is_one),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("nftforged", tests, NULL, NULL);
}
