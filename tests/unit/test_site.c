/* test_site.c - site.yaml: what is read from it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/site/site.h"
#include "common/site/siteload.h"
#include "tests/lib/reports.h"
#include "tests/unit/site_cases.h"

struct fixture {
	struct report report;
	struct site *site;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	report_init(&f->report);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	site_free(f->site);
	report_fini(&f->report);
	free(f);
	return 0;
}

/* Parses a site that has to be free of errors. */
static void parse(struct fixture *f, const char *text)
{
	site_free(f->site);
	f->site = NULL;
	int err = site_parse("site.yaml", text, strlen(text), &f->report, &f->site);

	if (err < 0)
		report_print(&f->report, stderr);
	assert_int_equal(err, 0);
	assert_non_null(f->site);
}

static void assert_addr(const struct addr *addr, const char *text)
{
	assert_string_equal(addr_str(addr), text);
}

static void reference_uplinks_are_read(void **state)
{
	struct fixture *f = *state;

	parse(f, reference_site);
	const struct site_uplink *a = &f->site->uplinks[0];
	const struct site_uplink *b = &f->site->uplinks[1];

	assert_int_equal(f->site->n_uplinks, 2);
	assert_string_equal(a->name, "isp-a");
	assert_string_equal(a->interface, "wan-a");
	assert_addr(&a->gateway[SITE_IPV4], "192.168.2.6");
	assert_int_equal(a->line, 2);
	assert_int_equal(a->n_probes, 2);
	assert_int_equal(a->probes[0].kind, SITE_PROBE_ICMP);
	assert_addr(&a->probes[0].addr, "192.0.2.53");
	assert_int_equal(a->probes[0].line, 6);
	assert_int_equal(a->probes[1].kind, SITE_PROBE_TCP);
	assert_int_equal(a->probes[1].port, 443);
	assert_int_equal(a->probes[1].line, 7);

	assert_string_equal(b->name, "isp-b");
	assert_addr(&b->gateway[SITE_IPV4], "172.16.1.2");
	assert_int_equal(b->line, 8);
	assert_int_equal(b->probes[1].kind, SITE_PROBE_DNS);
	assert_null(b->probes[1].name);
}

static void reference_server_and_zone_are_read(void **state)
{
	struct fixture *f = *state;
	static const struct site_port ports[] = {
		{80, 80, 80, true, false, 19},
		{443, 443, 443, true, true, 19},
		{8443, 8443, 443, true, false, 19},
		{5060, 5070, 5060, false, true, 19},
	};

	parse(f, reference_site);
	const struct site_server *web = &f->site->servers[0];

	assert_int_equal(f->site->n_lan, 1);
	assert_string_equal(f->site->lan[0], "lan0");
	assert_int_equal(f->site->n_servers, 1);
	assert_string_equal(web->name, "web");
	assert_int_equal(web->line, 14);
	assert_addr(&web->address[SITE_IPV4], "10.0.0.10");
	assert_addr(&web->via[SITE_IPV4], "10.0.0.10");
	assert_addr(&web->loopbacks[0][SITE_IPV4], "10.0.1.1");
	assert_addr(&web->loopbacks[1][SITE_IPV4], "10.0.1.5");
	assert_addr(&web->loopbacks[1][SITE_IPV6], "none");
	assert_int_equal(web->uplinks, 3);
	assert_int_equal(web->n_ports, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct site_port *port = &web->ports[i];

		assert_int_equal(port->first, ports[i].first);
		assert_int_equal(port->last, ports[i].last);
		assert_int_equal(port->inside, ports[i].inside);
		assert_int_equal(port->tcp, ports[i].tcp);
		assert_int_equal(port->udp, ports[i].udp);
		assert_int_equal(port->line, ports[i].line);
	}

	assert_int_equal(f->site->dns.inside, 53);
	assert_int_equal(f->site->dns.n_zones, 1);
	assert_string_equal(f->site->dns.zones[0].name, "www.example.com");
	assert_string_equal(f->site->dns.zones[0].file, "www.example.com.zone");
	assert_int_equal(site_find_uplink(f->site, "isp-b"), 1);
	assert_int_equal(site_find_uplink(f->site, "isp-c"), -1);
	assert_int_equal(site_find_server(f->site, "web"), 0);
	assert_int_equal(site_find_server(f->site, "mail"), -1);
}

static void uplinks_and_servers_have_defaults(void **state)
{
	struct fixture *f = *state;

	parse(f, "uplinks:\n- {name: isp-a, interface: wan-a}\n"
		 "- {name: isp-b, interface: wan-b, inbound: no}\n"
		 "servers:\n- {name: web, address: 10.0.0.10}\n");
	const struct site_uplink *uplink = &f->site->uplinks[0];
	const struct site_server *server = &f->site->servers[0];

	assert_int_equal(f->report.n_entries, 0);
	assert_addr(&uplink->gateway[SITE_IPV4], "none");
	assert_addr(&uplink->address[SITE_IPV4].addr, "none");
	assert_addr(&uplink->public_addrs[SITE_IPV6], "none");
	assert_int_equal(uplink->n_probes, 0);
	assert_true(uplink->inbound);
	assert_int_equal(uplink->quorum, 1);
	assert_int_equal(uplink->weight, 1);
	assert_int_equal(uplink->failback_ms, SITE_INHERIT);
	assert_int_equal(uplink->mss, SITE_MSS_AUTO);
	assert_int_equal(uplink->nat6, SITE_NAT6_ULA);
	assert_int_equal(uplink->prefixes6.n, 0);

	assert_int_equal(server->uplinks, 1); /* the inbound ones */
	assert_false(server->has_loopbacks);
	assert_false(server->udp_to_loopback);
	assert_true(server->route);
	assert_int_equal(server->n_ports, 0);
	assert_int_equal(server->from.n, 0);
	assert_int_equal(server->check_port, 0);
	assert_int_equal(f->site->n_lan, 0);
}

static void routing_probing_and_dns_have_defaults(void **state)
{
	struct fixture *f = *state;

	parse(f, "uplinks: [{name: isp-a, interface: wan-a}]");
	const struct site_routing *routing = &f->site->routing;
	const struct site_probing *probing = &f->site->uplinks[0].probing;
	const struct site_dns *dns = &f->site->dns;

	assert_int_equal(routing->mode, SITE_MODE_FAILOVER);
	assert_int_equal(routing->sticky, SITE_STICKY_PAIR);
	assert_int_equal(routing->failback_ms, 10000);
	assert_int_equal(routing->flush_after_ms, 3000);
	assert_true(routing->last_resort_keep);
	assert_true(routing->guard);
	assert_null(routing->notify);
	assert_int_equal(routing->mark, 0xff00);
	assert_int_equal(routing->tables, 5300);
	assert_int_equal(routing->priority, 1000);
	assert_int_equal(routing->default_priority, 32000);

	assert_memory_equal(probing, &f->site->probing, sizeof(*probing));
	assert_int_equal(probing->interval_ms, 500);
	assert_int_equal(probing->suspect_ms, 100);
	assert_int_equal(probing->timeout_ms, 1000);
	assert_int_equal(probing->fall, 5);
	assert_int_equal(probing->rise, 5);
	assert_true(probing->degraded_loss > 0.0999 && probing->degraded_loss < 0.1001);
	assert_int_equal(probing->degraded_rtt_ms, 500);

	assert_int_equal(dns->port, 53);
	assert_int_equal(dns->inside, 0);
	assert_int_equal(dns->threads, SITE_THREADS_AUTO);
	assert_false(dns->when_degraded_move);
	assert_false(dns->serial_unixtime);
	assert_null(dns->nsid);
	assert_null(dns->querylog);
	assert_false(addr_is_set(&dns->metrics_addr));
	assert_true(dns->rate.enabled);
	assert_int_equal(dns->n_zones, 0);
}

static void every_uplink_key_is_read(void **state)
{
	struct fixture *f = *state;

	parse(f, every_key_site);
	const struct site_uplink *uplink = &f->site->uplinks[0];

	assert_addr(&uplink->gateway[SITE_IPV6], "fe80::1");
	assert_string_equal(prefix_str(&uplink->address[SITE_IPV4]), "192.168.2.1/32");
	assert_string_equal(prefix_str(&uplink->address[SITE_IPV6]), "2001:db8:a::1/128");
	assert_addr(&uplink->public_addrs[SITE_IPV4], "192.0.2.1");
	assert_false(uplink->inbound);
	assert_int_equal(uplink->quorum, 2);
	assert_int_equal(uplink->weight, 3);
	assert_int_equal(uplink->failback_ms, SITE_FAILBACK_MANUAL);
	assert_int_equal(uplink->probing.interval_ms, 200);
	assert_int_equal(uplink->probing.timeout_ms, 2000); /* from probing */
	assert_true(uplink->probing.degraded_loss > 0.024 &&
		    uplink->probing.degraded_loss < 0.026);
	assert_int_equal(uplink->mss, SITE_MSS_FIXED);
	assert_int_equal(uplink->mss_bytes, 1400);
	assert_int_equal(uplink->nat6, SITE_NAT6_ALL);
	assert_string_equal(prefix_str(&uplink->prefixes6.items[0]), "2001:db8:a:100::/56");
	assert_true(uplink->probes[0].gateway);
	assert_string_equal(uplink->probes[1].name, "example.com");
}

static void every_server_key_is_read(void **state)
{
	struct fixture *f = *state;

	parse(f, every_key_site);
	const struct site_server *server = &f->site->servers[0];

	assert_int_equal(server->uplinks, 2);
	assert_addr(&server->loopbacks[1][SITE_IPV6], "fd00::105");
	assert_true(server->udp_to_loopback);
	assert_int_equal(server->from.n, 2);
	assert_addr(&server->via[SITE_IPV4], "10.0.0.254");
	assert_addr(&server->via[SITE_IPV6], "fd00::10");
	assert_false(server->route);
	assert_int_equal(server->check_port, 443);
}

static void every_routing_key_is_read(void **state)
{
	struct fixture *f = *state;

	parse(f, every_key_site);
	const struct site_routing *routing = &f->site->routing;
	const struct site_policy *policy = &routing->policies[0];

	assert_int_equal(routing->mode, SITE_MODE_BALANCE);
	assert_int_equal(routing->sticky, SITE_STICKY_CLIENT);
	assert_int_equal(routing->failback_ms, 60000);
	assert_int_equal(routing->flush_after_ms, 0);
	assert_false(routing->last_resort_keep);
	assert_false(routing->guard);
	assert_string_equal(routing->notify, "/usr/local/sbin/notify");
	assert_int_equal(routing->mark, 0xf0000);
	assert_int_equal(routing->tables, 100);
	assert_int_equal(routing->priority, 500);
	assert_int_equal(routing->default_priority, 6000);
	assert_string_equal(prefix_str(&routing->open.items[0]), "192.0.2.128/25");
	assert_string_equal(prefix_str(&routing->no_nat.items[0]), "10.9.0.0/16");

	assert_int_equal(routing->n_policies, 1);
	assert_string_equal(prefix_str(&policy->from.items[0]), "10.0.0.10/32");
	assert_string_equal(prefix_str(&policy->to.items[0]), "0.0.0.0/0");
	assert_int_equal(policy->port.first, 25);
	assert_int_equal(policy->n_via, 2);
	assert_int_equal(policy->via[0], 1);
	assert_int_equal(policy->via[1], 0);
	assert_false(policy->else_drop);
}

static void every_dns_key_is_read(void **state)
{
	struct fixture *f = *state;

	parse(f, every_key_site);
	const struct site_dns *dns = &f->site->dns;

	assert_int_equal(dns->port, 5353);
	assert_int_equal(dns->inside, 54);
	assert_int_equal(dns->threads, 2);
	assert_true(dns->when_degraded_move);
	assert_true(dns->serial_unixtime);
	assert_string_equal(dns->nsid, "router 1");
	assert_addr(&dns->metrics_addr, "::1");
	assert_int_equal(dns->metrics_port, 9153);
	assert_string_equal(dns->querylog, "/var/log/queries");
	assert_int_equal(dns->rate.per_second, 10);
	assert_int_equal(dns->rate.slip, 0);
	assert_string_equal(dns->zones[0].name, "www.example.com");
	assert_string_equal(dns->zones[0].parent.server, "192.0.2.9");
	assert_string_equal(dns->zones[0].parent.key, "/etc/keys/parent");
	assert_int_equal(dns->zones[0].parent.ttl_ms, 120000);
	assert_int_equal(dns->zones[0].line, 68);
}

static void a_parents_server_is_an_address_or_a_name(void **state)
{
	static const struct {
		const char *text;
		const char *host; /* NULL: an address */
		const char *addr;
		uint16_t port;
	} cases[] = {
		{"192.0.2.9", NULL, "192.0.2.9", 53},
		{"192.0.2.9:5353", NULL, "192.0.2.9", 5353},
		{"2001:db8::9", NULL, "2001:db8::9", 53},
		{"[2001:db8::9]:5353", NULL, "2001:db8::9", 5353},
		{"ns.example.com", "ns.example.com", "none", 53},
		{"ns.example.com.:5353", "ns.example.com.", "none", 5353},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text),
			"uplinks:\n  - {name: isp-a, interface: wan-a, gateway: 192.168.2.6}\n"
			"dns:\n  zones:\n  - name: a.example\n    file: x\n"
			"    parent: {server: \"%s\", key: k}\n",
			cases[i].text);
		parse(f, text);
		assert_non_null(f->site);
		const struct site_zone *zone = &f->site->dns.zones[0];
		assert_string_equal(zone->parent.server, cases[i].text);
		if (cases[i].host)
			assert_string_equal(zone->parent.host, cases[i].host);
		else
			assert_null(zone->parent.host);
		assert_string_equal(addr_str(&zone->parent.addr), cases[i].addr);
		assert_int_equal(zone->parent.port, cases[i].port);
		assert_int_equal(zone->parent.key_line, 7);
		assert_int_equal(zone->parent.ttl_ms, 60000);
	}
}

static void zone_files_are_relative_to_the_site_file(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "uplinks: [{name: isp-a, interface: wan-a}]\n"
				   "dns: {zones: [{name: a.example, file: a.zone},"
				   "{name: b.example, file: /b.zone}]}\n";
	static const struct {
		const char *path;
		const char *dir;
		const char *file;
	} cases[] = {
		{"site.yaml", ".", "a.zone"},
		{"./site.yaml", ".", "a.zone"},
		{"/site.yaml", "/", "/a.zone"},
		{"/etc/multihomed/site.yaml", "/etc/multihomed", "/etc/multihomed/a.zone"},
		{"conf/site.yaml", "conf", "conf/a.zone"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct site *site = NULL;

		assert_int_equal(
			site_parse(cases[i].path, text, strlen(text), &f->report, &site), 0);
		assert_string_equal(site->path, cases[i].path);
		assert_string_equal(site->dir, cases[i].dir);
		assert_string_equal(site->dns.zones[0].file, cases[i].file);
		assert_string_equal(site->dns.zones[1].file, "/b.zone");
		site_free(site);
	}
}

static void suspect_never_exceeds_a_short_interval(void **state)
{
	struct fixture *f = *state;

	parse(f, "uplinks: [{name: isp-a, interface: wan-a, probing: {interval: 50ms}}]");
	assert_int_equal(f->site->uplinks[0].probing.suspect_ms, 50);
	assert_int_equal(f->site->probing.suspect_ms, 100);
}

static void byte_order_mark_and_crlf_are_fine(void **state)
{
	struct fixture *f = *state;

	parse(f, "\xef\xbb\xbf"
		 "uplinks:\r\n- name: isp-a\r\n  interface: wan-a\r\n");
	assert_string_equal(f->site->uplinks[0].interface, "wan-a");
	assert_int_equal(f->site->uplinks[0].line, 2);
}

static void a_file_is_read(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/test_site.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, reference_site, strlen(reference_site)),
		(ssize_t)strlen(reference_site));
	close(fd);
	int err = site_read(path, &f->report, &f->site);
	unlink(path);
	assert_int_equal(err, 0);
	assert_int_equal(f->site->n_uplinks, 2);
}

static void a_missing_file_is_reported(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(site_read("/nonexistent/site.yaml", &f->report, &f->site), -2);
	assert_null(f->site);
	char *lines = report_lines(&f->report);
	assert_string_equal(
		lines, "/nonexistent/site.yaml: cannot be read: No such file or directory\n");
	free(lines);
}

static void a_device_without_end_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(site_read("/dev/zero", &f->report, &f->site), -22);
	assert_int_equal(f->report.n_errors, 1);
}

/* More complaints than one, each with its line: nothing is lost on the way. */
static void mistakes_are_told(void **state)
{
	size_t n_wrong = 0;

	(void)state;
	for (const struct site_case *c = site_cases; c->text; c++) {
		struct report report;
		struct site *site = NULL;
		char *text = NULL;

		report_init(&report);
		assert_true(asprintf(&text, "%s%s", c->kind == ADDED ? two_uplinks : "",
				    c->text) >= 0);
		int err = site_parse("site.yaml", text, strlen(text), &report, &site);
		char *lines = lines_without_idle(&report);

		if (strcmp(lines, c->expected) != 0) {
			n_wrong++;
			print_error("%s\ngives\n%sexpected\n%s", text, lines, c->expected);
		}
		assert_int_equal(err, report.n_errors ? -22 : 0);
		assert_int_equal(site == NULL, report.n_errors > 0);
		free(lines);
		free(text);
		site_free(site);
		report_fini(&report);
	}
	assert_int_equal(n_wrong, 0);
}

static void keys_that_nothing_acts_on_are_told(void **state)
{
	struct fixture *f = *state;

	parse(f, "uplinks:\n"
		 "  - {name: isp-a, interface: wan-a, gateway: 192.168.2.6}\n"
		 "dns:\n"
		 "  metrics: no\n");
	char *lines = report_lines(&f->report);
	assert_string_equal(
		lines, "site.yaml:4: warning: dns.metrics: nothing acts on this key yet\n");
	free(lines);
}

static void hostile_bytes_are_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *expected;
	} cases[] = {
		{"a\0b", 3, "site.yaml:1: octet 0x00 (NUL) cannot stand in a text file\n"},
		{"\n\n\xff", 3,
			"site.yaml:3: octet 0xff is not UTF-8: "
			"save the file in that encoding\n"},
		{"\xc0\xaf", 2,
			"site.yaml:1: octet 0xc0 is not UTF-8: "
			"save the file in that encoding\n"},
		{"\xed\xa0\x80", 3,
			"site.yaml:1: octet 0xed is not UTF-8: "
			"save the file in that encoding\n"},
		{"\xe2\x82", 2,
			"site.yaml:1: octet 0xe2 is not UTF-8: "
			"save the file in that encoding\n"},
		{"\xff\xfe"
		 "a",
			3,
			"site.yaml:1: octet 0xff is not UTF-8: "
			"save the file in that encoding\n"},
		{"\n\x01", 2,
			"site.yaml:2: YAML syntax: control characters are not allowed\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report;
		struct site *site = NULL;

		report_init(&report);
		assert_int_equal(
			site_parse("site.yaml", cases[i].text, cases[i].len, &report, &site),
			-22);
		char *lines = report_lines(&report);
		assert_string_equal(lines, cases[i].expected);
		free(lines);
		report_fini(&report);
	}
}

/* libyaml alone takes minutes over these. */
static void deep_nesting_is_refused_at_once(void **state)
{
	static const char *const units[] = {"[", "{a: ", "- ", "? ", "a: [\n", "[[{"};

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t unit_len = strlen(units[i]);
		size_t len = 200000 * unit_len;
		char *text = malloc(len);
		struct report report;
		struct site *site = NULL;

		assert_non_null(text);
		for (size_t at = 0; at < len; at++)
			text[at] = units[i][at % unit_len];
		report_init(&report);
		assert_int_equal(site_parse("site.yaml", text, len, &report, &site), -22);
		assert_int_equal(report.n_entries, 1);
		report_fini(&report);
		free(text);
	}
}

static void thirty_two_uplinks_are_the_most(void **state)
{
	struct fixture *f = *state;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fputs("uplinks:\n", out);
	for (int i = 0; i < 33; i++)
		fprintf(out, "- {name: u%d, interface: w%d}\n", i, i);
	fclose(out);
	assert_int_equal(site_parse("site.yaml", text, len, &f->report, &f->site), -22);
	char *lines = report_lines(&f->report);
	assert_string_equal(lines, "site.yaml:2: uplinks: has 33 items: 32 are the most\n");
	free(lines);
	*strstr(text, "- {name: u32") = '\0';
	f->report.n_errors = 0;
	parse(f, text);
	assert_int_equal(f->site->n_uplinks, 32);
	free(text);
}

/* The whole man page; the caller frees it. */
static char *man_page(void)
{
	AUTO(fclosep) FILE *f = fopen(MH_SOURCE_DIR "/docs/site.yaml.5", "re");
	char *text = calloc(1, 1 << 17);

	assert_non_null(f);
	assert_non_null(text);
	size_t len = fread(text, 1, (1 << 17) - 1, f);
	assert_true(len > 0);
	return text;
}

static void examples_of_the_man_page_are_right(void **state)
{
	struct fixture *f = *state;
	static const char start[] = ".Bd -literal -offset indent\nuplinks:";
	AUTO(freep) char *text = man_page();
	int n = 0;

	for (char *at = text; (at = strstr(at, start)); n++) {
		char *example = strchr(at, '\n') + 1;
		char *end = strstr(example, ".Ed");

		*end = '\0';
		parse(f, example);
		at = end + 1;
	}
	assert_int_equal(n, 2);
}

/* Keys are taken from the site that has them all. */
static void man_page_names_every_key(void **state)
{
	AUTO(freep) char *text = man_page();
	AUTO(freep) char *keys = strdup(every_key_site);
	char *rest = NULL;

	(void)state;
	for (char *word = strtok_r(keys, " {\n", &rest); word;
		word = strtok_r(NULL, " {\n", &rest)) {
		char macro[64];
		size_t len = strlen(word);

		if (word[len - 1] != ':' || strncmp(word, "isp-", 4) == 0)
			continue;
		snprintf(macro, sizeof(macro), "Ic %.*s", (int)len - 1, word);
		if (!strstr(text, macro) && strcmp(word, "loss:") != 0 &&
			strcmp(word, "rtt:") != 0)
			fail_msg("site.yaml(5) lacks '%s'", word);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reference_uplinks_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
			reference_server_and_zone_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
			uplinks_and_servers_have_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(
			routing_probing_and_dns_have_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(every_uplink_key_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(every_server_key_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(every_routing_key_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(every_dns_key_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_parents_server_is_an_address_or_a_name, setup, teardown),
		cmocka_unit_test_setup_teardown(
			zone_files_are_relative_to_the_site_file, setup, teardown),
		cmocka_unit_test_setup_teardown(
			suspect_never_exceeds_a_short_interval, setup, teardown),
		cmocka_unit_test_setup_teardown(
			byte_order_mark_and_crlf_are_fine, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(a_missing_file_is_reported, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_device_without_end_is_refused, setup, teardown),
		cmocka_unit_test(mistakes_are_told),
		cmocka_unit_test_setup_teardown(
			keys_that_nothing_acts_on_are_told, setup, teardown),
		cmocka_unit_test(hostile_bytes_are_refused),
		cmocka_unit_test(deep_nesting_is_refused_at_once),
		cmocka_unit_test_setup_teardown(
			thirty_two_uplinks_are_the_most, setup, teardown),
		cmocka_unit_test_setup_teardown(
			examples_of_the_man_page_are_right, setup, teardown),
		cmocka_unit_test(man_page_names_every_key),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("site", tests, NULL, NULL);
}
