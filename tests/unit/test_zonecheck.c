/* test_zonecheck.c - dnsd/zone/zonecheck.c and its parts: mistakes of a zone as a whole */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsd/state/zoneadvice.h"
#include "dnsd/zone/zonefile.h"
#include "tests/lib/reports.h"
#include "tests/lib/zonetext.h"

struct check_case {
	const char *name;
	const char *text; /* behind ZONETEXT_HEAD */
	const char *expected;
};

static void cases_say(struct zonetext *t, const struct check_case *cases, size_t n)
{
	size_t n_failed = 0;

	for (size_t i = 0; i < n; i++) {
		char text[8192];

		snprintf(text, sizeof(text), "%s%s", ZONETEXT_HEAD, cases[i].text);
		zonetext_read(t, text);
		if (strcmp(t->said, cases[i].expected) == 0)
			continue;
		print_error("%s: got\n%s", cases[i].name, t->said);
		n_failed++;
	}
	assert_int_equal(n_failed, 0);
}

#define N(array) (sizeof(array) / sizeof(*(array)))
#define W	 "www.example.com."

static void apex_has_soa_and_ns(void **state)
{
	struct zonetext *t = *state;

	zonetext_read(t, "");
	assert_string_equal(t->said,
		"z: there is no SOA record for " W ", the zone's name in site.yaml\n"
		"z: there is no NS record for " W "\n");

	zonetext_read(t, "$TTL 5\n@ NS ns.example.net.\n"
			 "a SOA ns.example.net. h.example.net. 1 2 3 4 5\n");
	assert_string_equal(t->said,
		"z: there is no SOA record for " W ", the zone's name in site.yaml\n"
		"z:3: SOA of a." W ": only the zone's apex, " W ", has one\n");
}

static void what_is_missing_is_not_said_where_a_record_was_not_readable(void **state)
{
	struct zonetext *t = *state;

	zonetext_read(t, "$TTL 5\n@ SOA ns1 h.example.net. 1 2 3 4\n@ NS ns1\nns1 A x\n");
	assert_string_equal(t->said, "z:2: SOA: there are too few fields, 6 of 7\n"
				     "z:4: A: 'x' is not an IPv4 address\n");

	zonetext_read(t, "$TTL 5\n@ SOA ns1 h.example.net. (\n1 2 3 4 5\n");
	assert_string_equal(t->said, "z:2: a parenthesis is opened and not closed\n");
}

static void records_of_one_name_go_together(void **state)
{
	static const struct check_case cases[] = {
		{"second SOA", "@ SOA a. b. 1 2 3 4 5\n@ SOA a. c. 1 2 3 4 5\n",
			"z:4: a second SOA record; the first is on line 2\n"
			"z:5: a second SOA record; the first is on line 2\n"},
		{"duplicates", "a A 192.0.2.1\na A 192.0.2.2\nA A 192.0.2.1\n",
			"z:6: a." W " A: the same record is already on line 4\n"},
		{"duplicates but for case of a name",
			"a MX 1 X.example.net.\na MX 1 x.EXAMPLE.net.\n",
			"z:5: a." W " MX: the same record is already on line 4\n"},
		{"no duplicates: case of a string", "a TXT x\na TXT X\n", ""},
		{"duplicate of a pseudo record",
			"a UPLINK isp-a\na UPLINK isp-b\na UPLINK isp-a\n",
			"z:6: a." W ": the same record is already on line 4\n"},
		{"CNAME and other data", "a CNAME b.example.net.\na TXT x\n",
			"z:4: a." W " has a CNAME and other data (TXT on line 5)\n"},
		{"CNAME and pseudo record", "a SERVER web\na CNAME b.example.net.\n",
			"z:5: a." W " has a CNAME and other data (SERVER on line 4)\n"},
		{"CNAME at the apex", "@ CNAME b.example.net.\n",
			"z:4: CNAME at the apex " W
			": the SOA and NS records there allow no CNAME\n"},
		{"two CNAMEs", "a CNAME b.example.net.\na CNAME c.example.net.\n",
			"z:5: a." W " has a second CNAME; the other is on line 4\n"},
		{"two DNAMEs", "a DNAME c.example.net.\na DNAME b.example.net.\n",
			"z:5: a." W " has a second DNAME; the other is on line 4\n"},
		{"DNAME and NS below the apex",
			"a DNAME c.example.net.\na NS b.example.net.\n",
			"z:4: a." W
			" has a DNAME and, on line 5, an NS record: below the apex "
			"these exclude each other\n"},
		{"DNAME at the apex", "@ DNAME c.example.net.\n", ""},
		{"TTLs differ", "a 5 TXT x\na 6 TXT y\na 7 TXT z\n",
			"z:5: warning: a." W
			" TXT: TTL 6 here and 5 on line 4; records of one "
			"name and type share the least (RFC 2181 section 5.2)\n"},
		{"TTLs of pseudo records differ", "a 5 UPLINK isp-a\na 6 UPLINK isp-b\n",
			"z:4: warning: a." W ": TTL 5 here and 6 on line 5; addresses of one "
			"name share the least (RFC 2181 section 5.2)\n"},
		{"TTL of an address beside", "a 5 UPLINK isp-a\na 6 A 192.0.2.1\n",
			"z:4: warning: a." W ": TTL 5 here and 6 on line 5; addresses of one "
			"name share the least (RFC 2181 section 5.2)\n"},
		{"wildcard NS", "* NS b.example.net.\n",
			"z:4: warning: *." W
			": a wildcard NS record delegates nothing in a way "
			"that works (RFC 4592 section 4.2)\n"},
		{"wildcard DNAME", "* DNAME b.example.net.\n",
			"z:4: warning: *." W ": a wildcard DNAME means different things to "
			"different servers (RFC 4592 section 4.4)\n"},
		{"DS", "@ DS 1 13 2 00\na DS 1 13 2 00\n",
			"z:4: warning: DS of " W
			": it belongs into the parent zone, no resolver asks for it here\n"
			"z:5: warning: DS of a." W ", which is not delegated\n"},
		{"DNSSEC", "@ DNSKEY 257 3 13 AQID\n@ NSEC a A NS\n",
			"z:5: warning: NSEC: dnsd does not serve signed answers yet, "
			"so resolvers that validate will take a zone "
			"with a DS record in its parent for forged\n"},
	};

	cases_say(*state, cases, N(cases));
}

static void svcb_parameters_are_checked(void **state)
{
	static const struct check_case cases[] = {
		{"good", "a HTTPS 1 . mandatory=alpn alpn=h2 no-default-alpn port=443\n", ""},
		{"twice", "a HTTPS 1 . port=443 alpn=h2 port=444\n",
			"z:4: a." W " HTTPS: a parameter is given twice\n"},
		{"mandatory and absent", "a SVCB 1 . mandatory=port alpn=h2\n",
			"z:4: a." W " SVCB: 'mandatory' names a key that is not given\n"},
		{"no-default-alpn alone", "a SVCB 1 . no-default-alpn\n",
			"z:4: a." W " SVCB: no-default-alpn needs an alpn beside it\n"},
		{"alias with parameters", "a SVCB 0 b.example.net. port=443\n",
			"z:4: warning: a." W " SVCB: priority 0 makes it an alias, whose "
			"parameters are ignored\n"},
		{"cut short", "a SVCB \\# 6 000100000100\n",
			"z:4: a." W " SVCB: the parameters are cut short\n"},
		{"out of order", "a SVCB \\# 13 0001 00 0003000201bb 00020000\n",
			"z:4: a." W " SVCB: the parameters are not in the order "
			"of their numbers\n"},
		{"mandatory names itself", "a SVCB \\# 9 0001 00 0000 0002 0000\n",
			"z:4: a." W " SVCB: 'mandatory' names itself\n"},
	};

	cases_say(*state, cases, N(cases));
}

static void data_outside_the_zone_is_refused_but_for_addresses(void **state)
{
	static const struct check_case cases[] = {
		{"addresses that are needed",
			"@ NS www-ns1.example.com.\nwww-ns1.example.com. UPLINK isp-a\n"
			"@ MX 1 mail.example.com.\nmail.example.com. A 192.0.2.1\n"
			"mail.example.com. AAAA 2001:db8::1\n",
			""},
		{"addresses that are not", "www-ns1.example.com. UPLINK isp-a\n",
			"z:4: warning: www-ns1.example.com.: the name is not in the zone " W
			", and no record of the zone needs its address\n"},
		{"other data", "example.com. TXT x\nwwww.example.com. MX 1 @\n",
			"z:4: example.com. TXT: the name is not in the zone " W
			", where only address records may stand for others\n"
			"z:5: wwww.example.com. MX: the name is not in the zone " W
			", where only address records may stand for others\n"},
	};

	cases_say(*state, cases, N(cases));
}

static void data_below_a_cut_is_warned_of(void **state)
{
	static const struct check_case cases[] = {
		{"glue", "a NS ns.a\nns.a A 192.0.2.1\n  AAAA 2001:db8::1\n", ""},
		{"glue at the cut itself", "a NS a\na UPLINK isp-a\n", ""},
		{"glue of a sibling", "a NS ns.b\nb NS ns.b\nns.b A 192.0.2.1\n", ""},
		{"DS at the cut", "a NS b.example.net.\na DS 1 13 2 00\n", ""},
		{"glue is missing", "a NS ns.a\n",
			"z:4: NS ns.a." W
			": glue is missing, the name is below the delegation "
			"and has no address here\n"},
		{"data at the cut", "a NS b.example.net.\na TXT x\na SERVER web\n",
			"z:5: warning: a." W " is delegated: this TXT is never answered\n"
			"z:6: warning: a." W " is delegated: this record is never answered\n"},
		{"data below",
			"a NS b.example.net.\nx.a A 192.0.2.1\ny.x.a TXT x\nab A 192.0.2.1\n",
			"z:5: warning: x.a." W " is below the delegation of a." W
			": this A is never answered\n"
			"z:6: warning: y.x.a." W " is below the delegation of a." W
			": this TXT is never answered\n"},
		{"NS below NS", "a NS b.example.net.\nx.a NS b.example.net.\n",
			"z:5: warning: x.a." W " is below the delegation of a." W
			": this NS is never answered\n"},
		{"data below a DNAME",
			"a DNAME b.example.net.\nx.a A 192.0.2.1\ny.a SERVER web\n",
			"z:5: warning: x.a." W " is below the DNAME of a." W
			": this A is never answered\n"
			"z:6: warning: y.a." W " is below the DNAME of a." W
			": this record is never answered\n"},
	};

	cases_say(*state, cases, N(cases));
}

static void names_that_records_point_to_are_looked_up(void **state)
{
	static const struct check_case cases[] = {
		{"NS without address", "@ NS ns1\nns1 TXT x\n@ NS ns2\n",
			"z:4: NS ns1." W ": the name is in the zone and has no address\n"
			"z:6: NS ns2." W ": the name is in the zone and has no address\n"},
		{"final dot", "@ NS www-ns1.example.com\n",
			"z:4: NS www-ns1.example.com." W
			": the name is in the zone and has no address "
			"(is a final dot missing?)\n"},
		{"NS by a wildcard", "@ NS ns1\n* A 192.0.2.1\n", ""},
		{"NS by a pseudo record", "@ NS ns1\nns1 UPLINK isp-a\n", ""},
		{"NS that is a CNAME", "@ NS ns1\nns1 CNAME b.example.net.\n",
			"z:4: warning: NS ns1." W
			": the name is a CNAME, which resolvers need "
			"not follow (RFC 2181 section 10.3)\n"},
		{"NS of a delegation", "a NS ns1\n",
			"z:4: warning: NS ns1." W ": the name is in the zone "
			"and has no address\n"},
		{"MX", "@ MX 1 a\n@ MX 2 b\n@ MX 3 c\na TXT x\nb CNAME b.example.net.\n",
			"z:4: warning: MX a." W
			": the name is in the zone and has no address\n"
			"z:5: warning: MX b." W ": the name is a CNAME, which is not allowed "
			"there (RFC 2181 section 10.3)\n"
			"z:6: warning: MX c." W
			": the name is in the zone and has no address\n"},
		{"null MX, SRV", "@ MX 0 .\na SRV 0 0 0 .\n", ""},
		{"CNAME", "a CNAME b\nb TXT x\nc CNAME d\n",
			"z:6: warning: CNAME d." W ": the name is in the zone "
			"and has no record\n"},
		{"below a delegation or DNAME",
			"a NS b.example.net.\nd DNAME b.example.net.\n"
			"@ MX 1 x.a\n@ MX 1 x.d\n",
			""},
		{"alias of HTTPS", "@ HTTPS 0 a\n",
			"z:4: warning: HTTPS a." W ": the name is in the zone "
			"and has no address\n"},
	};

	cases_say(*state, cases, N(cases));
}

/* The second uplink as DHCP or PPPoE has it: nothing about it is fixed. */
static struct site_uplink *make_dynamic(struct zonetext *t)
{
	memset(&t->site->uplinks[1].gateway, 0, sizeof(t->site->uplinks[1].gateway));
	return &t->site->uplinks[1];
}

static void long_ttl_of_a_fixed_address_is_good(void **state)
{
	static const struct check_case cases[] = {
		{"fixed", "a 86400 UPLINK isp-b\nb 86400 SERVER web\nc 86400 UPLINK all\n",
			""},
	};

	cases_say(*state, cases, N(cases));
}

static void long_ttl_of_a_dynamic_address_is_warned_of(void **state)
{
#define LONG(line, owner)                                  \
	"z:" line ": warning: " owner "." W                \
	": TTL 61, while the address of uplink isp-b may " \
	"change at any time: resolvers would keep the old one that long; write at most 60\n"
	static const struct check_case cases[] = {
		{"named", "a 61 UPLINK isp-b\nb 60 UPLINK isp-b\nc 61 UPLINK isp-a\n",
			LONG("4", "a")},
		{"any of them",
			"a 61 UPLINK all\nb 61 UPLINK receiving\nc 61 SERVER web\n"
			"d 61 SERVER web all\n",
			LONG("4", "a") LONG("5", "b") LONG("6", "c") LONG("7", "d")},
	};
	static const struct check_case not_inbound[] = {
		{"inbound: no", "a 61 UPLINK all\nb 61 UPLINK isp-b\n", LONG("5", "b")},
	};
	static const struct check_case given[] = {
		{"given after all", "a 61 UPLINK isp-b\n", ""},
	};
	struct zonetext *t = *state;
	struct site_uplink *uplink = make_dynamic(t);

	cases_say(t, cases, N(cases));
	uplink->inbound = false;
	cases_say(t, not_inbound, N(not_inbound));
	assert_int_equal(addr_parse("203.0.113.7", &uplink->public_addrs[SITE_IPV4]), 0);
	cases_say(t, given, N(given));
}

static void ns_names_are_those_of_uplinks_that_let_in(void **state)
{
	static const struct check_case cases[] = {
		{"inbound: no", "@ NS ns1\nns1 UPLINK isp-b\na UPLINK isp-b\n",
			"z:5: warning: ns1." W
			": the name is that of an NS record, but uplink "
			"isp-b has `inbound: no`: no query will get in there\n"},
	};
	struct zonetext *t = *state;

	t->site->uplinks[1].inbound = false;
	cases_say(t, cases, N(cases));
}

static void ns_names_have_no_literal_of_an_uplink(void **state)
{
	static const struct check_case cases[] = {
		{"literal",
			"@ NS ns1\nns1 A 192.0.2.9\n   A 203.0.113.7\n   AAAA 2001:db8::7\n"
			"a A 203.0.113.7\n",
			"z:6: warning: ns1." W ": 203.0.113.7 is the address of uplink isp-b: "
			"write UPLINK isp-b, which follows it when it changes\n"
			"z:7: warning: ns1." W ": 2001:db8::7 is the address of uplink isp-a: "
			"write UPLINK isp-a, which follows it when it changes\n"},
	};
	struct zonetext *t = *state;

	addr_parse("203.0.113.7", &t->site->uplinks[1].public_addrs[SITE_IPV4]);
	prefix_parse("2001:db8::7", &t->site->uplinks[0].address[SITE_IPV6]);
	cases_say(t, cases, N(cases));
}

static void live_addresses_are_found_as_literals(void **state)
{
	struct zonetext *t = *state;
	struct facts facts = {.n_uplinks = 2};
	struct report report;

	zonetext_read(t, ZONETEXT_HEAD "@ NS ns1\nns1 A 192.168.2.1\n   A 172.16.1.1\n"
				       "a A 172.16.1.1\n");
	assert_string_equal(t->said, "");
	addr_parse("192.168.2.1", &facts.uplinks[0].public_addrs[SITE_IPV4]);
	addr_parse("172.16.1.1", &facts.uplinks[1].public_addrs[SITE_IPV4]);
	prefix_parse("192.168.2.1", &t->site->uplinks[0].address[SITE_IPV4]);

	report_init(&report);
	zoneadvice_live(t->zone, t->site, &facts, &report);

	char *lines = report_lines(&report);
	assert_string_equal(lines, "z:6: warning: ns1." W
				   ": 172.16.1.1 is the address of uplink isp-b: write UPLINK "
				   "isp-b, which follows it when it changes\n");
	free(lines);
	report_fini(&report);
}

static void server_that_no_uplink_forwards_to_is_warned_of(void **state)
{
	static const struct check_case cases[] = {
		{"no uplink", "a 10 SERVER web\n",
			"z:4: warning: a." W
			": no uplink forwards to server web, so the name has "
			"no address outside\n"},
	};
	struct zonetext *t = *state;

	t->site->servers[0].uplinks = 0;
	cases_say(t, cases, N(cases));
}

static void at_sign_in_the_mail_address_is_warned_of(void **state)
{
	struct zonetext *t = *state;

	zonetext_read(t, "$TTL 5\n@ SOA a. hostmaster@example.com. 1 2 3 4 5\n@ NS a.\n");
	assert_string_equal(t->said, "z:2: warning: SOA: the mail address stands with a dot "
				     "in place of its @: hostmaster.example.com.\n");
}

static void zone_of_one_mistake_per_record_is_not_a_flood(void **state)
{
	static char text[200000];
	struct zonetext *t = *state;
	size_t len = (size_t)sprintf(text, "%s", ZONETEXT_HEAD);

	for (int i = 0; i < 3000; i++)
		len += (size_t)sprintf(text + len, "a%d CNAME b%d\n", i, i);
	zonetext_read(t, text);
	assert_int_equal(t->err, 0);
	assert_non_null(
		strstr(t->said, "z: warning: there are more of this kind, not shown\n"));
}

static void no_number_of_warnings_hides_an_error(void **state)
{
	struct zonetext *t = *state;
	static char text[40000];
	size_t len = (size_t)sprintf(text, "%s", ZONETEXT_HEAD);

	for (int i = 0; i < 1100; i++)
		len += (size_t)sprintf(text + len, "a%d MX 1 nobody\n", i);
	sprintf(text + len, "z CNAME b.example.net.\nz TXT x\n");
	zonetext_read(t, text);
	assert_int_equal(t->err, -EINVAL);
	assert_non_null(strstr(t->said, "z." W " has a CNAME and other data"));
}

/* site.yaml has www.example.com too. */
static void names_of_an_inner_zone_are_told(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{"wwx A 192.0.2.1\nwww A 192.0.2.2\na.www TXT x\n",
			"z:5: warning: www.example.com. is in the zone www.example.com., "
			"which has a file of its own in site.yaml: only that file answers for "
			"the name, and this one needs the NS records\n"},
		{"a.www UPLINK isp-a\n",
			"z:4: warning: a.www.example.com. is in the zone www.example.com., "
			"which has a file of its own in site.yaml: only that file answers for "
			"the name, and this one needs the NS records\n"},
		{"www NS ns.example.net.\nwww DS 1 13 2 00\n", ""},
		{"awww A 192.0.2.1\nx.awww A 192.0.2.1\nzwww A 192.0.2.1\n", ""},
	};
	struct zonetext *t = *state;

	for (size_t i = 0; i < N(cases); i++) {
		struct report report;
		struct zone *zone = NULL;
		char text[1024];

		snprintf(text, sizeof(text), "%s%s", ZONETEXT_HEAD, cases[i].text);
		report_init(&report);
		assert_int_equal(zonefile_parse(t->site, "example.com", "z", text,
					 strlen(text), &report, &zone),
			0);
		char *lines = report_lines(&report);
		assert_string_equal(lines, cases[i].expected);
		free(lines);
		report_fini(&report);
		zone_free(zone);
	}
}

static void root_zone_is_checked_within_bounds(void **state)
{
	static const char text[] = "$TTL 5\n. SOA a. b. 1 2 3 4 5\n. NS a.\n. MX 1 b.c.\n";
	struct zonetext *t = *state;
	struct report report;
	struct zone *zone = NULL;

	report_init(&report);
	int err = zonefile_parse(t->site, ".", "z", text, strlen(text), &report, &zone);
	char *lines = report_lines(&report);
	assert_int_equal(err, -EINVAL);
	assert_string_equal(lines,
		"z:3: NS a.: the name is in the zone and has no address\n"
		"z:4: warning: MX b.c.: the name is in the zone and has no address\n");
	free(lines);
	report_fini(&report);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, zonetext_setup, zonetext_teardown)
	const struct CMUnitTest tests[] = {
		TEST(apex_has_soa_and_ns),
		TEST(what_is_missing_is_not_said_where_a_record_was_not_readable),
		TEST(records_of_one_name_go_together),
		TEST(svcb_parameters_are_checked),
		TEST(data_outside_the_zone_is_refused_but_for_addresses),
		TEST(data_below_a_cut_is_warned_of),
		TEST(names_that_records_point_to_are_looked_up),
		TEST(long_ttl_of_a_fixed_address_is_good),
		TEST(long_ttl_of_a_dynamic_address_is_warned_of),
		TEST(ns_names_are_those_of_uplinks_that_let_in),
		TEST(ns_names_have_no_literal_of_an_uplink),
		TEST(live_addresses_are_found_as_literals),
		TEST(server_that_no_uplink_forwards_to_is_warned_of),
		TEST(at_sign_in_the_mail_address_is_warned_of),
		TEST(zone_of_one_mistake_per_record_is_not_a_flood),
		TEST(root_zone_is_checked_within_bounds),
		TEST(names_of_an_inner_zone_are_told),
		TEST(no_number_of_warnings_hides_an_error),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
