/* test_verify.c - what is wrong about a delegation, and the remedy
 *
 * Each case begins with the reference site as it should be, changes something at the parent or
 * at the site, and names the verdicts and findings that follow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/verify/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/delegation.h"
#include "tests/lib/fixture.h"

#define NS1 "www-ns1.example.com."
#define NS2 "www-ns2.example.com."

struct fixture_verify {
	struct verify verify;
	struct verify_result result;
};

static void name_to(uint8_t *out, const char *text)
{
	size_t len;

	assert_int_equal(name_from_str(text, out, &len), 0);
}

static struct addr addr_of(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static struct verify_live_ns *add_live(
	struct verify *verify, const char *name, const char *address, const char *uplink)
{
	struct verify_live_ns *ns = &verify->live.ns[verify->live.n_ns++];

	name_to(ns->name, name);
	ns->is_within = name_is_within(ns->name, verify->apex);
	if (address) {
		ns->addrs[0].addr = addr_of(address);
		strcpy(ns->addrs[0].uplink, uplink);
		ns->n_addrs = 1;
	}
	return ns;
}

static void add_record(struct verify_server *server, const char *name, const char *address)
{
	struct verify_record *record = &server->records[server->n_records++];

	name_to(record->name, name);
	record->addr = addr_of(address);
	record->ttl_s = 60;
}

static void add_ns(struct verify_server *server, const char *name)
{
	name_to(server->ns[server->n_ns++], name);
}

static const struct verify_try answers = {.outcome = VERIFY_OK};
static const struct verify_try no_answer = {.outcome = VERIFY_NO_ANSWER};
static const struct verify_try refuses = {
	.outcome = VERIFY_RCODE, .rcode = LDNS_RCODE_REFUSED};

static struct verify_reach *add_reach(
	struct verify *verify, const char *address, const char *view, struct verify_try tried)
{
	struct verify_reach *reach = &verify->reaches[verify->n_reaches++];

	reach->addr = addr_of(address);
	strcpy(reach->view, view);
	reach->udp = reach->tcp = tried;
	return reach;
}

static struct verify_server *add_server(struct verify *verify, const char *at)
{
	struct verify_server *server = &verify->servers[verify->n_servers++];

	server->at = (struct endpoint){addr_of(at), 53};
	server->kind = VERIFY_DELEGATES;
	server->has_serial = true;
	server->serial = 7;
	name_to(server->apex, "example.com");
	add_ns(server, NS1);
	add_ns(server, NS2);
	add_record(server, NS1, "192.168.2.1");
	add_record(server, NS2, "172.16.1.1");
	return server;
}

static int setup(void **state)
{
	struct fixture_verify *f = calloc(1, sizeof(*f));

	f->verify.zone = "www.example.com";
	name_to(f->verify.apex, "www.example.com");
	add_live(&f->verify, NS1, "192.168.2.1", "isp-a");
	add_live(&f->verify, NS2, "172.16.1.1", "isp-b");
	add_server(&f->verify, "198.51.100.53");
	add_reach(&f->verify, "192.168.2.1", "isp-a", answers);
	add_reach(&f->verify, "172.16.1.1", "isp-b", answers);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture_verify *f = *state;

	verify_result_fini(&f->result);
	free(f);
	return 0;
}

/* "NAME ADDRESS verdict" per row, then "error: text | remedy" per finding. */
static char *lines_of(const struct verify_result *result)
{
	char name[NAME_STR_LEN];
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i < result->n_rows; i++)
		fprintf(out, "%s %s %s\n", name_str(result->rows[i].name, name),
			addr_is_set(&result->rows[i].addr) ? addr_str(&result->rows[i].addr)
							   : "-",
			verify_verdict_str(result->rows[i].verdict));
	for (size_t i = 0; i < result->n_findings; i++)
		fprintf(out, "%s: %s | %s\n",
			result->findings[i].is_error ? "error" : "warning",
			result->findings[i].text,
			result->findings[i].remedy ? result->findings[i].remedy : "");
	fclose(out);
	return text;
}

static void assert_lines(struct fixture_verify *f, size_t n_errors, const char *expected)
{
	verify_check(&f->verify, &f->result);
	char *lines = lines_of(&f->result);

	assert_string_equal(lines, expected);
	free(lines);
	assert_int_equal(f->result.n_errors, n_errors);
}

#define GOOD1 NS1 " 192.168.2.1 good\n"
#define GOOD2 NS2 " 172.16.1.1 good\n"

static void a_right_delegation_is_good(void **state)
{
	assert_lines(*state, 0, GOOD1 GOOD2);
}

static void a_stale_address_is_to_be_changed(void **state)
{
	struct fixture_verify *f = *state;

	f->verify.servers[0].records[1].addr = addr_of("172.16.1.9");
	add_reach(&f->verify, "172.16.1.9", "", no_answer);
	assert_lines(f, 1,
		GOOD1 NS2 " 172.16.1.9 wrong\n" NS2 " 172.16.1.1 missing\n"
			  "error: " NS2 " is 172.16.1.9 at the parent, which is no address of "
			  "its uplink now | at the parent, change " NS2
			  " A 172.16.1.9 to 172.16.1.1\n");
}

/* One of two stale ones has a successor, the other has none. */
static void each_stale_address_has_a_remedy(void **state)
{
	struct fixture_verify *f = *state;

	f->verify.servers[0].records[1].addr = addr_of("172.16.1.8");
	add_record(&f->verify.servers[0], NS2, "172.16.1.9");
	add_reach(&f->verify, "172.16.1.9", "", answers);
	assert_lines(f, 2,
		GOOD1 NS2
		" 172.16.1.8 wrong\n" NS2 " 172.16.1.9 wrong\n" NS2 " 172.16.1.1 missing\n"
		"error: " NS2 " is 172.16.1.8 at the parent, which is no address of "
		"its uplink now | at the parent, change " NS2 " A 172.16.1.8 to 172.16.1.1\n"
		"error: " NS2 " is 172.16.1.9 at the parent, which is no address of "
		"its uplink now, though something answers for the zone there | at "
		"the parent, remove " NS2 " A 172.16.1.9\n");
}

static void a_missing_address_is_to_be_added(void **state)
{
	struct fixture_verify *f = *state;

	f->verify.servers[0].n_records = 1;
	assert_lines(f, 1,
		GOOD1 NS2 " 172.16.1.1 missing\n"
			  "error: " NS2 " 172.16.1.1 is missing at the parent | "
			  "at the parent, add " NS2 " A 172.16.1.1\n");
}

static void missing_glue_is_worse(void **state)
{
	struct fixture_verify *f = *state;

	f->verify.live.n_ns = 1;
	f->verify.servers[0].n_ns = 1;
	f->verify.servers[0].n_records = 1;
	add_live(&f->verify, "ns2.www.example.com", "2001:db8:b::1", "isp-b");
	add_ns(&f->verify.servers[0], "ns2.www.example.com");
	add_reach(&f->verify, "2001:db8:b::1", "isp-b", answers);
	assert_lines(f, 1,
		GOOD1 "ns2.www.example.com. 2001:db8:b::1 missing\n"
		      "error: ns2.www.example.com. 2001:db8:b::1 is missing at the parent: "
		      "without glue nobody can ask it | at the parent, add "
		      "ns2.www.example.com. AAAA 2001:db8:b::1 as glue\n");
}

static void the_sets_of_names_must_be_equal(void **state)
{
	struct fixture_verify *f = *state;

	name_to(f->verify.servers[0].ns[1], "ns.example.net");
	add_record(&f->verify.servers[0], "ns.example.net", "192.0.2.7");
	assert_lines(f, 2,
		GOOD1 GOOD2
		"ns.example.net. 192.0.2.7 extra\n"
		"error: the parent does not name " NS2 " as a name server of "
		"www.example.com. | at the parent, add www.example.com. NS " NS2 "\n"
		"error: the parent names ns.example.net. as a name server of "
		"www.example.com., which the zone file does not | at the parent, remove "
		"www.example.com. NS ns.example.net.\n");
}

static void an_uplink_that_takes_nothing_in_is_extra(void **state)
{
	struct fixture_verify *f = *state;

	f->verify.live.ns[1].is_closed = true;
	f->verify.live.ns[1].n_addrs = 0;
	assert_lines(f, 1,
		GOOD1 NS2 " 172.16.1.1 extra\n"
			  "error: the parent names " NS2
			  " as a name server of www.example.com., but its uplink has inbound: "
			  "no | at the parent, remove www.example.com. NS " NS2 "\n");
}

static void an_address_that_does_not_answer_is_lame(void **state)
{
	struct fixture_verify *f = *state;

	f->verify.reaches[1].tcp = no_answer;
	assert_lines(f, 1,
		GOOD1 NS2 " 172.16.1.1 lame\n"
			  "error: " NS2 " (172.16.1.1) does not answer for www.example.com. "
			  "as it should: UDP ok, TCP no answer | see `dnsd status`: "
			  "the sockets of view isp-b, and by which interface answers leave\n");
}

static void behind_a_modem_silence_is_no_proof(void **state)
{
	struct fixture_verify *f = *state;

	f->verify.live.ns[1].addrs[0].is_translated = true;
	f->verify.n_reaches = 1;
	add_reach(&f->verify, "172.16.1.1", "", no_answer);
	assert_lines(f, 0,
		GOOD1 NS2 " 172.16.1.1 unknown\n"
			  "warning: " NS2 " (172.16.1.1) does not answer from here, which is "
			  "usual behind a modem that translates addresses | `dnsd verify "
			  "www.example.com --inbound --via RESOLVER` tries it from outside\n");
}

static void another_view_is_told(void **state)
{
	struct fixture_verify *f = *state;

	strcpy(f->verify.reaches[1].view, "isp-a");
	assert_lines(f, 1,
		GOOD1 NS2 " 172.16.1.1 lame\n"
			  "error: 172.16.1.1, the address of uplink isp-b, is answered in the "
			  "view of isp-a | see `dnsd status`: whose socket is it?\n");
}

static void without_an_address_nothing_is_compared(void **state)
{
	struct fixture_verify *f = *state;

	f->verify.live.ns[1].is_unknown = true;
	f->verify.live.ns[1].n_addrs = 0;
	assert_lines(f, 0,
		GOOD1 NS2 " 172.16.1.1 unknown\n"
			  "warning: " NS2
			  " is 172.16.1.1 at the parent, and its uplink has no "
			  "address now to compare with | \n");
}

static void a_server_elsewhere_must_serve_the_zone(void **state)
{
	struct fixture_verify *f = *state;

	add_live(&f->verify, "ns.example.net", NULL, NULL);
	add_ns(&f->verify.servers[0], "ns.example.net");
	add_record(&f->verify.servers[0], "ns.example.net", "192.0.2.7");
	add_reach(&f->verify, "192.0.2.7", "", refuses);
	assert_lines(f, 1,
		GOOD1 GOOD2
		"ns.example.net. 192.0.2.7 lame\n"
		"error: ns.example.net. (192.0.2.7) does not answer for www.example.com. "
		"as it should: UDP REFUSED, TCP REFUSED | "
		"let it serve the zone, or take the name out of the NS records\n");
}

static void a_long_ttl_of_a_changing_address_is_warned_of(void **state)
{
	struct fixture_verify *f = *state;

	f->verify.servers[0].records[0].ttl_s = 86400;
	f->verify.servers[0].records[1].ttl_s = 86400;
	f->verify.live.ns[1].addrs[0].is_dynamic = true;
	assert_lines(f, 0,
		GOOD1 GOOD2
		"warning: " NS2 " A has a TTL of 86400 s at the parent, while the address of "
		"uplink isp-b may change at any time: resolvers would keep the old one that "
		"long | at the parent, set that TTL to 60\n");
}

static void a_ds_makes_the_zone_bogus(void **state)
{
	struct fixture_verify *f = *state;

	f->verify.servers[0].has_ds = true;
	assert_lines(f, 1,
		GOOD1 GOOD2
		"error: the parent's server 198.51.100.53 has a DS record for "
		"www.example.com., which is not signed: validating resolvers take all of it "
		"for bogus | at the parent, remove www.example.com. DS\n");
}

static void data_beside_the_delegation_is_told(void **state)
{
	struct fixture_verify *f = *state;

	f->verify.servers[0].has_data[2] = true;
	assert_lines(f, 1,
		GOOD1 GOOD2
		"error: the parent's server 198.51.100.53 answers with MX records of "
		"www.example.com. itself | at the parent, remove all records at "
		"www.example.com. but NS\n");
}

static void other_kinds_of_answer_are_told(void **state)
{
	static const struct {
		enum verify_kind kind;
		const char *expected;
	} cases[] = {
		{VERIFY_NOTHING,
			"error: the parent's server 198.51.100.53 knows no delegation of "
			"www.example.com. | at the parent, enter what `dnsd delegation "
			"www.example.com` prints\n"},
		{VERIFY_DATA,
			"error: the parent's server 198.51.100.53 answers with A records of "
			"www.example.com. itself and does not delegate it | at the parent, "
			"remove all records at www.example.com. but NS, and enter what `dnsd "
			"delegation` prints\n"},
		{VERIFY_IS_ZONE,
			"error: the parent's server 198.51.100.53 has a zone www.example.com. "
			"itself: who asks it gets its data and never comes to us | at the "
			"parent, delete the zone www.example.com., and leave the NS records "
			"in the zone above\n"
			"error: no server of the parent tells its delegation of "
			"www.example.com. | \n"},
		{VERIFY_SILENT, "warning: the parent's server 198.51.100.53: no answer | \n"
				"error: no server of the parent tells its delegation of "
				"www.example.com. | \n"},
		{VERIFY_LAME, "error: the server 198.51.100.53 does not have "
			      "the parent zone: no answer | \n"
			      "error: no server of the parent tells its delegation of "
			      "www.example.com. | \n"},
	};
	struct fixture_verify *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f->verify.servers[0].kind = cases[i].kind;
		f->verify.servers[0].has_data[0] = cases[i].kind == VERIFY_DATA;
		strcpy(f->verify.servers[0].problem, "no answer");
		verify_check(&f->verify, &f->result);
		char *lines = lines_of(&f->result);
		assert_string_equal(lines, cases[i].expected);
		free(lines);
		verify_result_fini(&f->result);
	}
}

static void an_older_server_is_waited_for(void **state)
{
	struct fixture_verify *f = *state;
	struct verify_server *old = add_server(&f->verify, "198.51.100.54");

	old->serial = 6;
	old->records[1].addr = addr_of("172.16.1.9");
	assert_lines(f, 0,
		GOOD1 GOOD2
		"warning: the parent's server 198.51.100.54 has serial 6 and still says "
		"something else than 198.51.100.53 with serial 7 | wait until the change has "
		"come there: the refresh time of the parent's SOA at most\n");
}

/* RFC 1982: 1 comes after 4294967295. */
static void the_newest_serial_counts(void **state)
{
	struct fixture_verify *f = *state;
	struct verify_server *newer = add_server(&f->verify, "198.51.100.54");

	f->verify.servers[0].serial = UINT32_MAX;
	f->verify.servers[0].n_records = 0;
	newer->serial = 1;
	assert_lines(f, 0,
		GOOD1 GOOD2
		"warning: the parent's server 198.51.100.53 has serial 4294967295 and still "
		"says something else than 198.51.100.54 with serial 1 | wait until the change "
		"has come there: the refresh time of the parent's SOA at most\n");
}

static void servers_that_disagree_are_wrong(void **state)
{
	struct fixture_verify *f = *state;
	struct verify_server *other = add_server(&f->verify, "198.51.100.54");

	other->records[1].addr = addr_of("172.16.1.9");
	assert_lines(f, 1,
		GOOD1 GOOD2
		"error: the parent's servers 198.51.100.54 and 198.51.100.53 say different "
		"things with the same serial | ask the parent's operator: their zone transfer "
		"fails, or the serial was not raised\n");
}

static void a_server_without_answer_is_a_warning(void **state)
{
	struct fixture_verify *f = *state;
	struct verify_server *other = add_server(&f->verify, "198.51.100.54");

	other->kind = VERIFY_SILENT;
	strcpy(other->problem, "no answer over UDP within 4.5 s");
	other = add_server(&f->verify, "2001:db8::53");
	other->kind = VERIFY_NO_ROUTE;
	assert_lines(f, 0,
		GOOD1 GOOD2 "warning: the parent's server 198.51.100.54: "
			    "no answer over UDP within 4.5 s | \n");
}

/* ---- what the running dnsd tells ---- */

static void the_live_delegation_is_read_back(void **state)
{
	struct fixture *site = fixture_new(&fixture_host_zone, 1);
	struct config config = {.site = site->site, .zones = site->zones, .n_zones = 1};
	struct verify_live live;

	(void)state;
	fixture_add_ipv6(site);
	json_t *json = delegation_json(&config, &site->facts, "from the test");
	verify_read_live(json_array_get(json_object_get(json, "zones"), 0), &live);
	assert_int_equal(live.n_ns, 2);
	assert_false(live.ns[0].is_within);
	assert_int_equal(live.ns[0].n_addrs, 2);
	assert_string_equal(addr_str(&live.ns[0].addrs[0].addr), "192.168.2.1");
	assert_string_equal(live.ns[0].addrs[0].uplink, "isp-a");
	assert_string_equal(addr_str(&live.ns[1].addrs[1].addr), "2001:db8:b::1");
	assert_false(live.ns[1].addrs[1].is_dynamic); /* its gateway is fixed */
	json_decref(json);
	fixture_free(site);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_right_delegation_is_good),
		TEST(a_stale_address_is_to_be_changed),
		TEST(each_stale_address_has_a_remedy),
		TEST(a_missing_address_is_to_be_added),
		TEST(missing_glue_is_worse),
		TEST(the_sets_of_names_must_be_equal),
		TEST(an_uplink_that_takes_nothing_in_is_extra),
		TEST(an_address_that_does_not_answer_is_lame),
		TEST(behind_a_modem_silence_is_no_proof),
		TEST(another_view_is_told),
		TEST(without_an_address_nothing_is_compared),
		TEST(a_server_elsewhere_must_serve_the_zone),
		TEST(a_long_ttl_of_a_changing_address_is_warned_of),
		TEST(a_ds_makes_the_zone_bogus),
		TEST(data_beside_the_delegation_is_told),
		TEST(other_kinds_of_answer_are_told),
		TEST(an_older_server_is_waited_for),
		TEST(the_newest_serial_counts),
		TEST(servers_that_disagree_are_wrong),
		TEST(a_server_without_answer_is_a_warning),
		cmocka_unit_test(the_live_delegation_is_read_back),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
