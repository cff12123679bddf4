/* test_serverconf.c - what is to be entered on an inside server: whole texts
 *
 * What is expected lies in tests/unit/serverconf, a file for each text.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/serverconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/cli.h"
#include "lib/situations.h"

enum { EXPECTED_MAX = 16384 };

static const char both_families[] =
	"uplinks:\n"
	"  - {name: isp-a, interface: wan-a, gateway: 192.168.2.6}\n"
	"  - {name: isp-b, interface: wan-b, gateway: 172.16.1.2}\n"
	"lan: [lan0]\n"
	"servers:\n"
	"  - name: web\n"
	"    address: [10.0.0.10, \"2001:db8:1::10\"]\n"
	"    loopbacks:\n"
	"      isp-a: [10.0.1.1, \"2001:db8:1:1::1\"]\n"
	"      isp-b: 10.0.1.5\n"
	"    ports: [443/tcp]\n"
	"  - name: mail\n"
	"    address: 10.0.0.11\n"
	"    ports: [25/tcp]\n"
	"  - name: far\n"
	"    address: 10.9.0.10\n"
	"    via: 10.0.0.2\n"
	"    udp: loopback\n"
	"    loopbacks: {isp-a: 10.9.1.1, isp-b: 10.9.1.5}\n"
	"    ports: [5060/udp]\n";

static struct serverconf_router router_at(const char *ipv4, const char *ipv6)
{
	struct serverconf_router router = {0};

	if (ipv4)
		assert_int_equal(addr_parse(ipv4, &router.addr[SITE_IPV4]), 0);
	if (ipv6)
		assert_int_equal(addr_parse(ipv6, &router.addr[SITE_IPV6]), 0);
	return router;
}

static char *text_of(const struct site *site, const char *server, const char *format_name,
	const struct serverconf_router *router)
{
	enum serverconf_format format;
	int i = site_find_server(site, server);

	assert_true(i >= 0);
	assert_int_equal(serverconf_format(format_name, &format), 0);
	return serverconf_text(site, &site->servers[i], format, router);
}

static void assert_is_file(const char *text, const char *name)
{
	char path[512];
	char expected[EXPECTED_MAX];

	snprintf(path, sizeof(path), "%s/tests/unit/serverconf/%s", MH_SOURCE_DIR, name);
	AUTO(fclosep) FILE *file = fopen(path, "re");
	assert_non_null(file);
	size_t len = fread(expected, 1, sizeof(expected) - 1, file);
	expected[len] = '\0';

	if (strcmp(text, expected) != 0) {
		print_message("--- not %s:\n%s", name, text);
		fail();
	}
}

static void the_reference_server_in_every_format(void **state)
{
	static const char *const formats[][2] = {
		{"networkd", "web.networkd"},
		{"netplan", "web.netplan"},
		{"ifupdown", "web.ifupdown"},
		{"windows", "web.windows"},
	};
	struct site *site = situations_reference(NULL);
	struct serverconf_router router = router_at("10.0.0.1", NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		AUTO(freep) char *text = text_of(site, "web", formats[i][0], &router);

		assert_is_file(text, formats[i][1]);
	}
	site_free(site);
}

static void both_families_in_every_format(void **state)
{
	static const char *const formats[][2] = {
		{"networkd", "both.networkd"},
		{"netplan", "both.netplan"},
		{"ifupdown", "both.ifupdown"},
		{"windows", "both.windows"},
	};
	struct site *site = situations_site(both_families);
	struct serverconf_router router = router_at("10.0.0.1", "2001:db8:1::1");

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		AUTO(freep) char *text = text_of(site, "web", formats[i][0], &router);

		assert_is_file(text, formats[i][1]);
	}
	site_free(site);
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' lacks '%s'", text, part);
}

static void an_unknown_router_address_is_left_to_fill_in(void **state)
{
	struct site *site = situations_reference(NULL);
	struct serverconf_router router = {0};
	AUTO(freep) char *text = text_of(site, "web", "networkd", &router);

	(void)state;
	assert_says(text, "IPv4 default route  via THE ROUTER'S LAN ADDRESS, not known here");
	assert_null(strstr(text, "IPv6"));
	site_free(site);
}

static void a_server_without_loopbacks_needs_nothing(void **state)
{
	struct site *site = situations_site(both_families);
	struct serverconf_router router = router_at("10.0.0.1", NULL);

	(void)state;
	for (enum serverconf_format f = 0; f < SERVERCONF_FORMATS; f++) {
		AUTO(freep)
		char *text = serverconf_text(
			site, &site->servers[site_find_server(site, "mail")], f, &router);

		assert_says(text, "There is nothing to enter");
		for (const char *line = text; *line; line = strchr(line, '\n') + 1)
			assert_int_equal(*line, '#');
	}
	site_free(site);
}

static void a_server_behind_another_router_keeps_its_own(void **state)
{
	struct site *site = situations_site(both_families);
	struct serverconf_router router = {0};
	AUTO(freep) char *text = text_of(site, "far", "ifupdown", &router);

	(void)state;
	assert_says(text, "to the router that has 10.0.0.2, and from there to ours");
	assert_null(strstr(text, "LAN address (`udp"));
	site_free(site);
}

static void only_the_four_formats_are_known(void **state)
{
	enum serverconf_format format = SERVERCONF_FORMATS;

	(void)state;
	assert_true(serverconf_format("debian", &format) < 0);
	assert_true(serverconf_format("", &format) < 0);
	assert_int_equal(format, SERVERCONF_FORMATS);
	assert_int_equal(serverconf_format("windows", &format), 0);
	assert_int_equal(format, SERVERCONF_WINDOWS);
}

static void without_a_format_the_verb_is_wrong_usage(void **state)
{
	char *args[] = {(char[]){"web"}};
	struct cli cli = {.config = "/nonexistent", .args = args, .n_args = 1};

	(void)state;
	assert_int_equal(serverconf_run(&cli), EXIT_USAGE);
	cli.given[0] = (struct cli_given){.name = "format", .value = "debian"};
	cli.n_given = 1;
	assert_int_equal(serverconf_run(&cli), EXIT_USAGE);
	cli.given[0].value = "netplan";
	assert_int_equal(serverconf_run(&cli), EXIT_FAILED);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reference_server_in_every_format),
		cmocka_unit_test(both_families_in_every_format),
		cmocka_unit_test(an_unknown_router_address_is_left_to_fill_in),
		cmocka_unit_test(a_server_without_loopbacks_needs_nothing),
		cmocka_unit_test(a_server_behind_another_router_keeps_its_own),
		cmocka_unit_test(only_the_four_formats_are_known),
		cmocka_unit_test(without_a_format_the_verb_is_wrong_usage),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("serverconf", tests, NULL, NULL);
}
