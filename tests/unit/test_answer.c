/* test_answer.c - the answer algorithm: RFC 1034 section 4.3.2 with wildcards (4592), DNAME
 * (6672), negative answers (2308), referrals (9471) and views
 *
 * Three zones: the reference host zone, `example.net` with one of everything, and its child
 * `child.example.net`, which the same server has. `example.org` is a second zone to chase
 * aliases into.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fixture.h"

#define SOA                                                                                 \
	"example.net. 300 SOA ns1.example.net. hostmaster.example.net. 7 7200 900 1209600 " \
	"300"
#define NS1 "example.net. 3600 NS ns1.example.net."
#define NS2 "example.net. 3600 NS ns2.example.net."
#define X9  "xxxxxxxxx"
#define X63 X9 X9 X9 X9 X9 X9 X9

static const struct fixture_zone rich_zone = {
	"example.net",
	"$TTL 3600\n"
	"@      SOA ns1 hostmaster 7 7200 900 1209600 300\n"
	"       NS  ns1\n"
	"       NS  ns2\n"
	"       MX  10 mail\n"
	"       TXT \"apex\"\n"
	"ns1    A    192.0.2.1\n"
	"ns1    AAAA 2001:db8::1\n"
	"ns2    A    192.0.2.2\n"
	"mail   A    192.0.2.25\n"
	"host   A    192.0.2.10\n"
	"host   A    192.0.2.11\n"
	"host   AAAA 2001:db8::10\n"
	"host   TXT  \"a host\"\n"
	"_sip._udp SRV 0 0 5060 host\n"
	"odd    TYPE65280 \\# 4 0a000001\n"
	"a.empty.place A 192.0.2.20\n"
	/* wildcards */
	"*.wild        A   192.0.2.50\n"
	"*.wild        MX  10 mail\n"
	"known.wild    TXT \"blocks the wildcard\"\n"
	"below.ent.wild A  192.0.2.51\n"
	"*.alias-wild  CNAME host\n"
	"*.sub.deleg   60 A 192.0.2.52\n"
	/* aliases */
	"alias    CNAME host\n"
	"alias2   CNAME alias\n"
	"to-nothing CNAME no-such\n"
	"to-empty CNAME empty.place\n"
	"to-wild  CNAME some.wild\n"
	"to-far   CNAME www.example.edu.\n"
	"to-org   CNAME host.example.org.\n"
	"to-org-nothing CNAME no-such.example.org.\n"
	"to-deleg CNAME www.deleg\n"
	"to-child CNAME host.child\n"
	"self     CNAME self\n"
	"loop1    CNAME loop2\n"
	"loop2    CNAME loop3\n"
	"loop3    CNAME loop1\n"
	/* DNAME */
	"target          A     192.0.2.60\n"
	"host.target     A     192.0.2.61\n"
	"alias.target    CNAME host.target\n"
	"redirected 1800 DNAME target\n"
	"redirected      TXT   \"beside the DNAME\"\n"
	"to-org-all      DNAME example.org.\n"
	"to-far-all      DNAME example.edu.\n"
	"to-redirected   CNAME host.redirected\n"
	"dname-loop      DNAME dname-loop\n"
	"*.back          CNAME turned\n"
	"turned          DNAME back\n"
	"dname-loop1     DNAME dname-loop2\n"
	"dname-loop2     DNAME dname-loop1\n"
	"long DNAME " X63 "." X63 "." X63 "\n"
	/* delegations */
	"deleg           NS  ns.deleg\n"
	"deleg           NS  ns.other.example.\n"
	"deleg           NS  host\n"
	"ns.deleg        A    192.0.2.70\n"
	"ns.deleg        AAAA 2001:db8::70\n"
	"secure          NS  ns1.example.org.\n"
	"secure          DS  12345 13 "
	"2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
	/* a child that we serve as well */
	"child           NS  ns.child\n"
	"child           DS  54321 13 "
	"2 fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210\n"
	"ns.child        A    192.0.2.80\n",
};

static const struct fixture_zone child_zone = {
	"child.example.net",
	"$TTL 600\n"
	"@    SOA ns hostmaster 3 7200 900 1209600 120\n"
	"     NS  ns\n"
	"ns   A   192.0.2.80\n"
	"host A   192.0.2.81\n"
	"up   CNAME host.example.net.\n",
};

static const struct fixture_zone other_zone = {
	"example.org",
	"$TTL 900\n"
	"@    SOA ns1 hostmaster 5 7200 900 1209600 60\n"
	"     NS  ns1\n"
	"ns1  A   192.0.2.90\n"
	"host A   192.0.2.91\n"
	"back CNAME host.example.net.\n"
	"ping CNAME pong.example.org.\n"
	"pong CNAME ping\n",
};

static int setup(void **state)
{
	const struct fixture_zone zones[] = {
		fixture_host_zone, rich_zone, child_zone, other_zone};

	*state = fixture_new(zones, 4);
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

/* The articles' listing */

static void answer_is_of_the_view_with_ns_and_their_addresses(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "www.example.com.", LDNS_RR_TYPE_A);

	assert_status(f, "NOERROR aa");
	assert_answer(f, "www.example.com. 10 A 192.168.2.1");
	assert_authority(f, "www.example.com. 86400 NS www-ns1.example.com.",
		"www.example.com. 86400 NS www-ns2.example.com.");
	assert_additional(f, "www-ns1.example.com. 86400 A 192.168.2.1",
		"www-ns2.example.com. 86400 A 172.16.1.1");

	ask(f, "isp-b", "www.example.com.", LDNS_RR_TYPE_A);

	assert_status(f, "NOERROR aa");
	assert_answer(f, "www.example.com. 10 A 172.16.1.1");
	assert_authority(f, "www.example.com. 86400 NS www-ns1.example.com.",
		"www.example.com. 86400 NS www-ns2.example.com.");
	assert_additional(f, "www-ns1.example.com. 86400 A 192.168.2.1",
		"www-ns2.example.com. 86400 A 172.16.1.1");
}

static void inside_view_gives_the_lan_address(void **state)
{
	struct fixture *f = *state;

	ask(f, "inside", "www.example.com.", LDNS_RR_TYPE_A);

	assert_answer(f, "www.example.com. 10 A 10.0.0.10");
}

static void all_uplinks_come_with_the_receiving_one_first(void **state)
{
	struct fixture *f = *state;
	ldns_rr *first;

	ask(f, "isp-b", "mail.www.example.com.", LDNS_RR_TYPE_A);

	assert_answer(f, "mail.www.example.com. 10 A 172.16.1.1",
		"mail.www.example.com. 10 A 192.168.2.1");
	first = ldns_rr_list_rr(f->reply.sections[LDNS_SECTION_ANSWER], 0);
	assert_int_equal(ldns_rdf_data(ldns_rr_rdf(first, 0))[0], 172);
}

static void states_change_the_next_answer(void **state)
{
	struct fixture *f = *state;

	fixture_set_state(f, "isp-a", UPLINK_DRAINED);
	ask(f, "isp-a", "www.example.com.", LDNS_RR_TYPE_A);
	assert_answer(f, "www.example.com. 10 A 172.16.1.1");
	assert_has_rr(f, LDNS_SECTION_ADDITIONAL, "www-ns1.example.com. A 192.168.2.1");

	fixture_set_state(f, "isp-a", UPLINK_UP);
	ask(f, "isp-a", "www.example.com.", LDNS_RR_TYPE_A);
	assert_answer(f, "www.example.com. 10 A 192.168.2.1");
}

static void ipv6_of_the_uplink_is_its_aaaa(void **state)
{
	const struct fixture_zone zones[] = {fixture_host_zone};
	struct fixture *f = fixture_new(zones, 1);
	(void)state;

	fixture_add_ipv6(f);
	ask(f, "isp-b", "www.example.com.", LDNS_RR_TYPE_AAAA);

	assert_status(f, "NOERROR aa");
	assert_answer(f, "www.example.com. 10 AAAA 2001:db8:b::1");
	assert_additional(f, "www-ns1.example.com. A 192.168.2.1",
		"www-ns1.example.com. AAAA 2001:db8:a::1", "www-ns2.example.com. A 172.16.1.1",
		"www-ns2.example.com. AAAA 2001:db8:b::1");
	fixture_free(f);
}

static void ns_answer_has_no_authority_but_the_addresses(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "www.example.com.", LDNS_RR_TYPE_NS);

	assert_status(f, "NOERROR aa");
	assert_answer(f, "www.example.com. 86400 NS www-ns1.example.com.",
		"www.example.com. 86400 NS www-ns2.example.com.");
	assert_section_empty(f, LDNS_SECTION_AUTHORITY);
	assert_additional(
		f, "www-ns1.example.com. A 192.168.2.1", "www-ns2.example.com. A 172.16.1.1");
}

/* They are not ours to answer for: only the parent's servers are believed. */
static void names_outside_the_zone_are_refused(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "www-ns1.example.com.", LDNS_RR_TYPE_A);
	assert_status(f, "REFUSED");
	for (unsigned int s = LDNS_SECTION_ANSWER; s <= LDNS_SECTION_ADDITIONAL; s++)
		assert_section_empty(f, s);

	ask(f, "isp-a", ".", LDNS_RR_TYPE_NS);
	assert_status(f, "REFUSED");
	ask(f, "isp-a", "com.", LDNS_RR_TYPE_NS);
	assert_status(f, "REFUSED");
	ask(f, "isp-a", "example.com.", LDNS_RR_TYPE_A);
	assert_status(f, "REFUSED");
	ask(f, "isp-a", "wwww.example.com.", LDNS_RR_TYPE_A);
	assert_status(f, "REFUSED");
}

/* Positive answers */

static void mx_and_srv_bring_their_addresses(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "example.net.", LDNS_RR_TYPE_MX);
	assert_answer(f, "example.net. 3600 MX 10 mail.example.net.");
	assert_authority(f, NS1, NS2);
	assert_has_rr(f, LDNS_SECTION_ADDITIONAL, "mail.example.net. 3600 A 192.0.2.25");
	assert_has_rr(f, LDNS_SECTION_ADDITIONAL, "ns1.example.net. 3600 AAAA 2001:db8::1");

	ask(f, "isp-a", "_sip._udp.example.net.", LDNS_RR_TYPE_SRV);
	assert_answer(f, "_sip._udp.example.net. SRV 0 0 5060 host.example.net.");
	assert_has_rr(f, LDNS_SECTION_ADDITIONAL, "host.example.net. A 192.0.2.10");
	assert_has_rr(f, LDNS_SECTION_ADDITIONAL, "host.example.net. A 192.0.2.11");
	assert_has_rr(f, LDNS_SECTION_ADDITIONAL, "host.example.net. AAAA 2001:db8::10");
}

static void whole_rrset_of_the_type_alone(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "host.example.net.", LDNS_RR_TYPE_A);

	assert_status(f, "NOERROR aa");
	assert_answer(f, "host.example.net. 3600 A 192.0.2.10",
		"host.example.net. 3600 A 192.0.2.11");
	assert_authority(f, NS1, NS2);
}

static void unknown_types_are_served(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "odd.example.net.", 65280);

	assert_status(f, "NOERROR aa");
	assert_int_equal(n_rrs(f, LDNS_SECTION_ANSWER), 1);
}

/* RFC 8482: one RRset, or a made-up HINFO */
static void any_is_one_rrset(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = {"example.net.", "host.example.net.",
		"x.wild.example.net.", "www.example.com."};

	for (size_t i = 0; i < 4; i++) {
		ldns_rr_list *answer;

		ask(f, "isp-a", names[i], LDNS_RR_TYPE_ANY);
		assert_status(f, "NOERROR aa");
		answer = f->reply.sections[LDNS_SECTION_ANSWER];
		assert_reply(f, n_rrs(f, LDNS_SECTION_ANSWER) >= 1);
		for (size_t r = 1; r < n_rrs(f, LDNS_SECTION_ANSWER); r++)
			assert_reply(f, ldns_rr_get_type(ldns_rr_list_rr(answer, r)) ==
						ldns_rr_get_type(ldns_rr_list_rr(answer, 0)));
	}

	ask(f, "isp-a", "alias.example.net.", LDNS_RR_TYPE_ANY);
	assert_status(f, "NOERROR aa");
	assert_reply(f, n_rrs(f, LDNS_SECTION_ANSWER) == 1);
	ask(f, "isp-a", "no-such.example.net.", LDNS_RR_TYPE_ANY);
	assert_status(f, "NXDOMAIN aa");
	ask(f, "isp-a", "empty.place.example.net.", LDNS_RR_TYPE_ANY);
	assert_status(f, "NOERROR aa");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
}

/* Negative answers: RFC 2308 */

static void nodata_carries_soa_in_authority(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "www.example.com.", LDNS_RR_TYPE_MX);
	assert_status(f, "NOERROR aa");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	assert_authority(f, "www.example.com. 10 SOA");
	assert_section_empty(f, LDNS_SECTION_ADDITIONAL);

	ask(f, "isp-a", "host.example.net.", LDNS_RR_TYPE_MX);
	assert_status(f, "NOERROR aa");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	assert_authority(f, SOA);
}

static void nxdomain_carries_soa_in_authority(void **state)
{
	static const char *const names[] = {"no-such.example.net.", "a.b.c.example.net.",
		"below.host.example.net.", "x.below.host.example.net.",
		"below.alias.example.net.", "x.empty.place.example.net."};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ask(f, "isp-a", names[i], LDNS_RR_TYPE_A);
		assert_status(f, "NXDOMAIN aa");
		assert_section_empty(f, LDNS_SECTION_ANSWER);
		assert_authority(f, SOA);
		assert_section_empty(f, LDNS_SECTION_ADDITIONAL);
	}
}

static void empty_non_terminals_exist(void **state)
{
	static const char *const names[] = {"empty.place.example.net.", "place.example.net.",
		"_udp.example.net.", "wild.example.net.", "ent.wild.example.net."};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ask(f, "isp-a", names[i], LDNS_RR_TYPE_A);
		assert_status(f, "NOERROR aa");
		assert_section_empty(f, LDNS_SECTION_ANSWER);
		assert_authority(f, SOA);
	}
}

static void soa_ttl_is_the_lesser_of_ttl_and_minimum(void **state)
{
	const struct fixture_zone zone = {"example.net",
		"@ 30 SOA ns1 hostmaster 7 7200 900 1209600 300\n"
		"@ 3600 NS ns1\n"
		"ns1 3600 A 192.0.2.1\n"};
	struct fixture *f = fixture_new(&zone, 1);
	(void)state;

	ask(f, "isp-a", "no-such.example.net.", LDNS_RR_TYPE_A);
	assert_authority(f, "example.net. 30 SOA");
	ask(f, "isp-a", "example.net.", LDNS_RR_TYPE_SOA);
	assert_answer(f, "example.net. 30 SOA");
	fixture_free(f);
}

static void soa_answer_keeps_its_own_ttl(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "example.net.", LDNS_RR_TYPE_SOA);

	assert_answer(f, "example.net. 3600 SOA ns1.example.net. hostmaster.example.net. "
			 "7 7200 900 1209600 300");
	assert_authority(f, NS1, NS2);
}

/* Else a NODATA of a name would outlive what it says about the links. */
static void negative_ttl_is_at_most_the_pseudo_records(void **state)
{
	const struct fixture_zone zone = {"www.example.com",
		"$TTL 3600\n"
		"@ SOA ns hostmaster 1 7200 900 1209600 300\n"
		"  NS ns\n"
		"ns 3600 UPLINK isp-a\n"
		"@    20 SERVER web\n"
		"all  30 UPLINK all\n"
		"plain A 192.0.2.1\n"
		"*.any 15 UPLINK receiving\n"
		"slow 900 SERVER web\n"};
	static const struct {
		const char *name;
		const char *soa;
	} rows[] = {
		{"www.example.com.", "www.example.com. 20 SOA"},
		{"all.www.example.com.", "www.example.com. 30 SOA"},
		{"ns.www.example.com.", "www.example.com. 300 SOA"},
		{"plain.www.example.com.", "www.example.com. 300 SOA"},
		{"none.www.example.com.", "www.example.com. 300 SOA"},
		{"x.any.www.example.com.", "www.example.com. 15 SOA"},
		{"slow.www.example.com.", "www.example.com. 300 SOA"},
	};
	struct fixture *f = fixture_new(&zone, 1);
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(f, "isp-a", rows[i].name, LDNS_RR_TYPE_AAAA);
		assert_section_empty(f, LDNS_SECTION_ANSWER);
		assert_authority(f, rows[i].soa);
		ask(f, "isp-b", rows[i].name, LDNS_RR_TYPE_MX);
		assert_authority(f, rows[i].soa);
	}
	fixture_free(f);
}

/* Wildcards: RFC 4592 */

static void wildcard_answers_below_with_the_name_asked(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "x.wild.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "x.wild.example.net. 3600 A 192.0.2.50");
	assert_authority(f, NS1, NS2);

	ask(f, "isp-a", "a.b.c.wild.example.net.", LDNS_RR_TYPE_MX);
	assert_answer(f, "a.b.c.wild.example.net. MX 10 mail.example.net.");
	assert_has_rr(f, LDNS_SECTION_ADDITIONAL, "mail.example.net. A 192.0.2.25");
}

static void wildcard_without_the_type_is_nodata(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "x.wild.example.net.", LDNS_RR_TYPE_AAAA);

	assert_status(f, "NOERROR aa");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	assert_authority(f, SOA);
}

static void wildcard_can_be_asked_by_its_own_name(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "*.wild.example.net.", LDNS_RR_TYPE_A);
	assert_answer(f, "*.wild.example.net. 3600 A 192.0.2.50");
	/* RFC 4592 section 2.2.1: the asterisk label matches like any other below it */
	ask(f, "isp-a", "x.*.wild.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NXDOMAIN aa");
}

static void existing_names_block_the_wildcard(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "known.wild.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_authority(f, SOA);
	ask(f, "isp-a", "x.known.wild.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NXDOMAIN aa");
	/* an empty non-terminal is an existing name as well */
	ask(f, "isp-a", "ent.wild.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	ask(f, "isp-a", "x.ent.wild.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NXDOMAIN aa");
	assert_authority(f, SOA);
}

static void wildcard_alias_is_followed(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "x.alias-wild.example.net.", LDNS_RR_TYPE_AAAA);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "x.alias-wild.example.net. CNAME host.example.net.",
		"host.example.net. AAAA 2001:db8::10");

	ask(f, "isp-a", "x.alias-wild.example.net.", LDNS_RR_TYPE_CNAME);
	assert_answer(f, "x.alias-wild.example.net. CNAME host.example.net.");
}

/* Aliases */

static void alias_is_followed_within_the_zone(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "alias2.example.net.", LDNS_RR_TYPE_TXT);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "alias2.example.net. CNAME alias.example.net.",
		"alias.example.net. CNAME host.example.net.",
		"host.example.net. TXT \"a host\"");

	ask(f, "isp-a", "alias2.example.net.", LDNS_RR_TYPE_CNAME);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "alias2.example.net. CNAME alias.example.net.");

	ask(f, "isp-a", "to-wild.example.net.", LDNS_RR_TYPE_A);
	assert_answer(f, "to-wild.example.net. CNAME some.wild.example.net.",
		"some.wild.example.net. A 192.0.2.50");
}

/* RFC 6604: the RCODE is that of the last name */
static void alias_to_nothing_has_the_rcode_of_its_end(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "to-nothing.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NXDOMAIN aa");
	assert_answer(f, "to-nothing.example.net. CNAME no-such.example.net.");
	assert_authority(f, SOA);

	ask(f, "isp-a", "to-empty.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "to-empty.example.net. CNAME empty.place.example.net.");
	assert_authority(f, SOA);

	ask(f, "isp-a", "alias.example.net.", LDNS_RR_TYPE_MX);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "alias.example.net. CNAME host.example.net.");
	assert_authority(f, SOA);
}

static void alias_out_of_our_zones_ends_there(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "to-far.example.net.", LDNS_RR_TYPE_A);

	assert_status(f, "NOERROR aa");
	assert_answer(f, "to-far.example.net. CNAME www.example.edu.");
	assert_has_no_rr(f, LDNS_SECTION_AUTHORITY, "example.net. SOA");
}

static void alias_is_followed_into_another_zone_of_ours(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "to-org.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "to-org.example.net. 3600 CNAME host.example.org.",
		"host.example.org. 900 A 192.0.2.91");

	ask(f, "isp-a", "back.example.org.", LDNS_RR_TYPE_AAAA);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "back.example.org. CNAME host.example.net.",
		"host.example.net. AAAA 2001:db8::10");

	ask(f, "isp-a", "to-org-nothing.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NXDOMAIN aa");
	assert_answer(f, "to-org-nothing.example.net. CNAME no-such.example.org.");
	assert_authority(f, "example.org. 60 SOA");

	ask(f, "isp-a", "to-child.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "to-child.example.net. CNAME host.child.example.net.",
		"host.child.example.net. A 192.0.2.81");
}

static void alias_to_a_delegated_name_ends_in_a_referral(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "to-deleg.example.net.", LDNS_RR_TYPE_A);

	assert_status(f, "NOERROR aa"); /* AA is that of the name asked */
	assert_answer(f, "to-deleg.example.net. CNAME www.deleg.example.net.");
	assert_authority(f, "deleg.example.net. NS ns.deleg.example.net.",
		"deleg.example.net. NS ns.other.example.",
		"deleg.example.net. NS host.example.net.");
}

static void alias_loops_end(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "self.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "self.example.net. CNAME self.example.net.");

	ask(f, "isp-a", "loop1.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "loop1.example.net. CNAME loop2.example.net.",
		"loop2.example.net. CNAME loop3.example.net.",
		"loop3.example.net. CNAME loop1.example.net.");

	ask(f, "isp-a", "ping.example.org.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "ping.example.org. CNAME pong.example.org.",
		"pong.example.org. CNAME ping.example.org.");
}

/* DNAME: RFC 6672 */

static void dname_redirects_what_is_below(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "host.redirected.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "redirected.example.net. 1800 DNAME target.example.net.",
		"host.redirected.example.net. 1800 CNAME host.target.example.net.",
		"host.target.example.net. 3600 A 192.0.2.61");

	ask(f, "isp-a", "alias.redirected.example.net.", LDNS_RR_TYPE_A);
	assert_answer(f, "redirected.example.net. DNAME target.example.net.",
		"alias.redirected.example.net. CNAME alias.target.example.net.",
		"alias.target.example.net. CNAME host.target.example.net.",
		"host.target.example.net. A 192.0.2.61");

	ask(f, "isp-a", "a.b.redirected.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NXDOMAIN aa");
	assert_answer(f, "redirected.example.net. DNAME target.example.net.",
		"a.b.redirected.example.net. CNAME a.b.target.example.net.");
	assert_authority(f, SOA);

	ask(f, "isp-a", "to-redirected.example.net.", LDNS_RR_TYPE_A);
	assert_answer(f, "to-redirected.example.net. CNAME host.redirected.example.net.",
		"redirected.example.net. DNAME target.example.net.",
		"host.redirected.example.net. CNAME host.target.example.net.",
		"host.target.example.net. A 192.0.2.61");
}

static void dname_owner_itself_is_not_redirected(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "redirected.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	assert_authority(f, SOA);

	ask(f, "isp-a", "redirected.example.net.", LDNS_RR_TYPE_TXT);
	assert_answer(f, "redirected.example.net. TXT \"beside the DNAME\"");
	ask(f, "isp-a", "redirected.example.net.", LDNS_RR_TYPE_DNAME);
	assert_answer(f, "redirected.example.net. 1800 DNAME target.example.net.");
}

static void dname_below_asked_for_cname_gives_the_synthesised_one(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "host.redirected.example.net.", LDNS_RR_TYPE_CNAME);

	assert_status(f, "NOERROR aa");
	assert_has_rr(
		f, LDNS_SECTION_ANSWER, "redirected.example.net. DNAME target.example.net.");
	assert_has_rr(f, LDNS_SECTION_ANSWER,
		"host.redirected.example.net. CNAME host.target.example.net.");
}

static void dname_into_other_zones(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "host.to-org-all.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "to-org-all.example.net. DNAME example.org.",
		"host.to-org-all.example.net. CNAME host.example.org.",
		"host.example.org. A 192.0.2.91");

	ask(f, "isp-a", "host.to-far-all.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "to-far-all.example.net. DNAME example.edu.",
		"host.to-far-all.example.net. CNAME host.example.edu.");
}

static void dname_keeps_the_case_of_the_labels_asked(void **state)
{
	struct fixture *f = *state;
	ldns_rr *cname;

	ask(f, "isp-a", "HoSt.redirected.example.net.", LDNS_RR_TYPE_CNAME);

	cname = ldns_rr_list_rr(f->reply.sections[LDNS_SECTION_ANSWER], 1);
	assert_non_null(cname);
	assert_memory_equal(ldns_rdf_data(ldns_rr_owner(cname)), "\4HoSt", 5);
}

static void dname_loops_end(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "x.dname-loop.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "dname-loop.example.net. DNAME dname-loop.example.net.",
		"x.dname-loop.example.net. CNAME x.dname-loop.example.net.");

	/* the DNAME itself, asked for by a name below it that leads there */
	ask(f, "isp-a", "x.turned.example.net.", LDNS_RR_TYPE_DNAME);
	assert_answer(f, "turned.example.net. DNAME back.example.net.",
		"x.turned.example.net. CNAME x.back.example.net.",
		"x.back.example.net. CNAME turned.example.net.");

	ask(f, "isp-a", "x.dname-loop1.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "dname-loop1.example.net. DNAME dname-loop2.example.net.",
		"x.dname-loop1.example.net. CNAME x.dname-loop2.example.net.",
		"dname-loop2.example.net. DNAME dname-loop1.example.net.",
		"x.dname-loop2.example.net. CNAME x.dname-loop1.example.net.");
}

/* RFC 6672 section 2.2 */
static void dname_to_a_name_that_is_too_long_is_yxdomain(void **state)
{
	struct fixture *f = *state;
	char name[256];

	snprintf(name, sizeof(name), "%063d.long.example.net.", 0);
	ask(f, "isp-a", name, LDNS_RR_TYPE_A);
	assert_status(f, "YXDOMAIN aa");
	assert_answer(f, "long.example.net. DNAME");

	ask_with(f, "isp-a", "x.long.example.net.", LDNS_RR_TYPE_A, .edns = true);
	assert_reply(f, f->reply.rcode != LDNS_RCODE_YXDOMAIN);
	assert_has_rr(f, LDNS_SECTION_ANSWER, "x.long.example.net. CNAME");
}

/* The border to the octet: a target of 205 octets leaves room for 50 in front of it. */
static void dname_result_may_have_255_octets_and_no_more(void **state)
{
	struct fixture *f = *state;
	static const size_t target_len = 3 * 64 + 13;

	for (size_t n = 1; n <= 63; n++) {
		char name[128];

		snprintf(name, sizeof(name), "%0*d.long.example.net.", (int)n, 0);
		ask(f, "isp-a", name, LDNS_RR_TYPE_A);
		assert_reply(f,
			(f->reply.rcode == LDNS_RCODE_YXDOMAIN) == (target_len + 1 + n > 255));
	}
}

/* Referrals */

static void name_below_a_cut_is_referred_with_glue(void **state)
{
	static const char *const names[] = {"www.deleg.example.net.", "deleg.example.net.",
		"ns.deleg.example.net.", "a.b.c.deleg.example.net.",
		"x.sub.deleg.example.net."};
	static const uint16_t types[] = {
		LDNS_RR_TYPE_A, LDNS_RR_TYPE_NS, LDNS_RR_TYPE_SOA, LDNS_RR_TYPE_ANY, 65280};
	struct fixture *f = *state;

	for (size_t i = 0; i < 5; i++) {
		for (size_t t = 0; t < 5; t++) {
			ask(f, "isp-a", names[i], types[t]);
			assert_status(f, "NOERROR");
			assert_section_empty(f, LDNS_SECTION_ANSWER);
			assert_authority(f, "deleg.example.net. 3600 NS ns.deleg.example.net.",
				"deleg.example.net. 3600 NS ns.other.example.",
				"deleg.example.net. 3600 NS host.example.net.");
			assert_has_rr(f, LDNS_SECTION_ADDITIONAL,
				"ns.deleg.example.net. A 192.0.2.70");
			assert_has_rr(f, LDNS_SECTION_ADDITIONAL,
				"ns.deleg.example.net. AAAA 2001:db8::70");
		}
	}
}

static void ds_at_the_cut_is_the_parents(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "secure.example.net.", LDNS_RR_TYPE_DS);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "secure.example.net. 3600 DS");

	ask(f, "isp-a", "deleg.example.net.", LDNS_RR_TYPE_DS);
	assert_status(f, "NOERROR aa");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	assert_authority(f, SOA);

	ask(f, "isp-a", "x.secure.example.net.", LDNS_RR_TYPE_DS);
	assert_status(f, "NOERROR");
	assert_has_rr(f, LDNS_SECTION_AUTHORITY, "secure.example.net. NS ns1.example.org.");
}

/* RFC 4035 section 3.1.4.1: the child answers for DS only if nobody above it is here */
static void ds_at_the_apex_is_nodata(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "www.example.com.", LDNS_RR_TYPE_DS);
	assert_status(f, "NOERROR aa");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	assert_authority(f, "www.example.com. 10 SOA");
}

static void ds_of_a_child_served_here_comes_from_the_parent(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "child.example.net.", LDNS_RR_TYPE_DS);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "child.example.net. 3600 DS");

	ask(f, "isp-a", "host.child.example.net.", LDNS_RR_TYPE_DS);
	assert_status(f, "NOERROR aa");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	assert_authority(f, "child.example.net. 120 SOA");
}

static void nested_zone_answers_for_itself(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "host.child.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "host.child.example.net. 600 A 192.0.2.81");
	assert_authority(f, "child.example.net. 600 NS ns.child.example.net.");
	assert_additional(f, "ns.child.example.net. 600 A 192.0.2.80");

	ask(f, "isp-a", "child.example.net.", LDNS_RR_TYPE_NS);
	assert_status(f, "NOERROR aa");
	assert_answer(f, "child.example.net. 600 NS ns.child.example.net.");

	ask(f, "isp-a", "no-such.child.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NXDOMAIN aa");
	assert_authority(f, "child.example.net. 120 SOA");

	ask(f, "isp-a", "up.child.example.net.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_has_rr(f, LDNS_SECTION_ANSWER, "host.example.net. A 192.0.2.10");
}

/* Case: RFC 4343, and the 0x20 of cautious resolvers */

static void case_of_the_question_comes_back(void **state)
{
	static const char *const names[] = {"WwW.eXaMpLe.CoM.", "HOST.EXAMPLE.NET.",
		"nO-sUcH.ExAmPlE.nEt.", "X.WiLd.eXample.net.", "ALIAS.example.NET.",
		"wWw.DeLeG.example.net."};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ask(f, "isp-a", names[i], LDNS_RR_TYPE_A);
		assert_reply(f, f->reply.question_len == f->query.len - 12);
		assert_memory_equal(
			f->reply.wire + 12, f->query.bytes + 12, f->reply.question_len);
		if (n_rrs(f, LDNS_SECTION_ANSWER))
			assert_memory_equal(
				ldns_rdf_data(ldns_rr_owner(ldns_rr_list_rr(
					f->reply.sections[LDNS_SECTION_ANSWER], 0))),
				f->query.bytes + 12, f->reply.question_len - 4);
	}
}

static void tcp_and_udp_say_the_same(void **state)
{
	static const char *const names[] = {"www.example.com.", "host.example.net.",
		"no-such.example.net.", "x.wild.example.net.", "host.redirected.example.net.",
		"www.deleg.example.net.", "alias2.example.net."};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint8_t udp[1232];
		size_t len;

		ask(f, "isp-b", names[i], LDNS_RR_TYPE_A);
		len = f->reply.len;
		assert_true(len <= 512);
		memcpy(udp, f->reply.wire, len);
		ask_with(f, "isp-b", names[i], LDNS_RR_TYPE_A, .tcp = true);
		assert_int_equal(f->reply.len, len);
		assert_memory_equal(f->reply.wire, udp, len);
	}
}

/* Never a fault, whatever the links do. */
static void no_state_of_the_links_gives_servfail(void **state)
{
	static const enum uplink_state states[] = {
		UPLINK_UP, UPLINK_DEGRADED, UPLINK_DOWN, UPLINK_DRAINED};
	struct fixture *f = fixture_new(&fixture_host_zone, 1);
	(void)state;

	for (unsigned int i = 0; i < 16; i++) {
		fixture_set_state(f, "isp-a", states[i % 4]);
		fixture_set_state(f, "isp-b", states[i / 4]);
		ask(f, "isp-a", "www.example.com.", LDNS_RR_TYPE_A);
		assert_status(f, "NOERROR aa");
		assert_reply(f, n_rrs(f, LDNS_SECTION_ANSWER) == 1);
		ask(f, "isp-b", "all.www.example.com.", LDNS_RR_TYPE_A);
		assert_status(f, "NOERROR aa");
		assert_reply(f, n_rrs(f, LDNS_SECTION_ANSWER) >= 1);
	}
	/* not even when no uplink has an address at all */
	fixture_drop_address(f, "isp-a", SITE_IPV4);
	fixture_drop_address(f, "isp-b", SITE_IPV4);
	ask(f, "isp-a", "www.example.com.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_authority(f, "www.example.com. 10 SOA");
	fixture_free(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_is_of_the_view_with_ns_and_their_addresses),
		cmocka_unit_test(inside_view_gives_the_lan_address),
		cmocka_unit_test(all_uplinks_come_with_the_receiving_one_first),
		cmocka_unit_test(states_change_the_next_answer),
		cmocka_unit_test(ipv6_of_the_uplink_is_its_aaaa),
		cmocka_unit_test(ns_answer_has_no_authority_but_the_addresses),
		cmocka_unit_test(names_outside_the_zone_are_refused),
		cmocka_unit_test(mx_and_srv_bring_their_addresses),
		cmocka_unit_test(whole_rrset_of_the_type_alone),
		cmocka_unit_test(unknown_types_are_served),
		cmocka_unit_test(any_is_one_rrset),
		cmocka_unit_test(nodata_carries_soa_in_authority),
		cmocka_unit_test(nxdomain_carries_soa_in_authority),
		cmocka_unit_test(empty_non_terminals_exist),
		cmocka_unit_test(soa_ttl_is_the_lesser_of_ttl_and_minimum),
		cmocka_unit_test(soa_answer_keeps_its_own_ttl),
		cmocka_unit_test(negative_ttl_is_at_most_the_pseudo_records),
		cmocka_unit_test(wildcard_answers_below_with_the_name_asked),
		cmocka_unit_test(wildcard_without_the_type_is_nodata),
		cmocka_unit_test(wildcard_can_be_asked_by_its_own_name),
		cmocka_unit_test(existing_names_block_the_wildcard),
		cmocka_unit_test(wildcard_alias_is_followed),
		cmocka_unit_test(alias_is_followed_within_the_zone),
		cmocka_unit_test(alias_to_nothing_has_the_rcode_of_its_end),
		cmocka_unit_test(alias_out_of_our_zones_ends_there),
		cmocka_unit_test(alias_is_followed_into_another_zone_of_ours),
		cmocka_unit_test(alias_to_a_delegated_name_ends_in_a_referral),
		cmocka_unit_test(alias_loops_end),
		cmocka_unit_test(dname_redirects_what_is_below),
		cmocka_unit_test(dname_owner_itself_is_not_redirected),
		cmocka_unit_test(dname_below_asked_for_cname_gives_the_synthesised_one),
		cmocka_unit_test(dname_into_other_zones),
		cmocka_unit_test(dname_keeps_the_case_of_the_labels_asked),
		cmocka_unit_test(dname_loops_end),
		cmocka_unit_test(dname_to_a_name_that_is_too_long_is_yxdomain),
		cmocka_unit_test(dname_result_may_have_255_octets_and_no_more),
		cmocka_unit_test(name_below_a_cut_is_referred_with_glue),
		cmocka_unit_test(ds_at_the_cut_is_the_parents),
		cmocka_unit_test(ds_at_the_apex_is_nodata),
		cmocka_unit_test(ds_of_a_child_served_here_comes_from_the_parent),
		cmocka_unit_test(nested_zone_answers_for_itself),
		cmocka_unit_test(case_of_the_question_comes_back),
		cmocka_unit_test(tcp_and_udp_say_the_same),
		cmocka_unit_test(no_state_of_the_links_gives_servfail),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("answer", tests, setup, teardown);
}
