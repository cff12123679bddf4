/* test_truncation.c - answers that do not fit: at every size, whole RRsets, and TC only where
 * something is missing that the asker needs (RFC 2181 section 9, RFC 9471)
 *
 * The answer over TCP is complete; what UDP brings is compared with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fixture.h"

#define T50 "01234567890123456789012345678901234567890123456789"

static const struct fixture_zone zone = {"example.net",
	"$TTL 3600\n"
	"@   SOA ns1 hostmaster 7 7200 900 1209600 300\n"
	"    NS  ns4.example.org.\n"
	"    NS  ns1\n"
	"    NS  ns2\n"
	"    NS  ns3\n"
	"ns1 A    192.0.2.1\n"
	"ns1 AAAA 2001:db8::1\n"
	"ns2 A    192.0.2.2\n"
	"ns2 AAAA 2001:db8::2\n"
	"ns3 A    192.0.2.3\n"
	"ns3 AAAA 2001:db8::3\n"
	"ns4.example.org. A    192.0.2.4\n"
	"ns4.example.org. AAAA 2001:db8::4\n"
	"txt400  TXT \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\"\n"
	"txt1000 TXT \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\"\n"
	"txt1000 TXT \"1" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\"\n"
	"txt1000 TXT \"2" T50 T50 "\" \"" T50 T50 "\"\n"
	"txt2000 TXT \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\"\n"
	"txt2000 TXT \"1" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\"\n"
	"txt2000 TXT \"2" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\"\n"
	"txt2000 TXT \"3" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\"\n"
	"txt2000 TXT \"4" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\"\n"
	"to1000  CNAME txt1000\n"
	"under   DNAME example.net.\n"
	"*.wild  TXT \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\" \"" T50 T50 "\"\n"
	"mx MX 1 m1\n"
	"mx MX 2 m2\n"
	"mx MX 3 m3\n"
	"mx MX 4 m4\n"
	"m1 A 192.0.2.31\n"
	"m1 AAAA 2001:db8::31\n"
	"m2 A 192.0.2.32\n"
	"m2 AAAA 2001:db8::32\n"
	"m3 A 192.0.2.33\n"
	"m3 AAAA 2001:db8::33\n"
	"m4 A 192.0.2.34\n"
	"m4 A 192.0.2.35\n"
	"m4 A 192.0.2.36\n"
	"m4 A 192.0.2.37\n"
	/* a delegation whose glue passes 1232 octets */
	"big NS a-name-server-with-a-long-name-01.big\n"
	"big NS a-name-server-with-a-long-name-02.big\n"
	"big NS a-name-server-with-a-long-name-03.big\n"
	"big NS a-name-server-with-a-long-name-04.big\n"
	"big NS a-name-server-with-a-long-name-05.big\n"
	"big NS a-name-server-with-a-long-name-06.big\n"
	"big NS a-name-server-with-a-long-name-07.big\n"
	"big NS a-name-server-with-a-long-name-08.big\n"
	"big NS a-name-server-with-a-long-name-09.big\n"
	"big NS a-name-server-with-a-long-name-10.big\n"
	"a-name-server-with-a-long-name-01.big A 192.0.2.101\n"
	"a-name-server-with-a-long-name-01.big AAAA 2001:db8::101\n"
	"a-name-server-with-a-long-name-02.big A 192.0.2.102\n"
	"a-name-server-with-a-long-name-02.big AAAA 2001:db8::102\n"
	"a-name-server-with-a-long-name-03.big A 192.0.2.103\n"
	"a-name-server-with-a-long-name-03.big AAAA 2001:db8::103\n"
	"a-name-server-with-a-long-name-04.big A 192.0.2.104\n"
	"a-name-server-with-a-long-name-04.big AAAA 2001:db8::104\n"
	"a-name-server-with-a-long-name-05.big A 192.0.2.105\n"
	"a-name-server-with-a-long-name-05.big AAAA 2001:db8::105\n"
	"a-name-server-with-a-long-name-06.big A 192.0.2.106\n"
	"a-name-server-with-a-long-name-06.big AAAA 2001:db8::106\n"
	"a-name-server-with-a-long-name-07.big A 192.0.2.107\n"
	"a-name-server-with-a-long-name-07.big AAAA 2001:db8::107\n"
	"a-name-server-with-a-long-name-08.big A 192.0.2.108\n"
	"a-name-server-with-a-long-name-08.big AAAA 2001:db8::108\n"
	"a-name-server-with-a-long-name-09.big A 192.0.2.109\n"
	"a-name-server-with-a-long-name-09.big AAAA 2001:db8::109\n"
	"a-name-server-with-a-long-name-10.big A 192.0.2.110\n"
	"a-name-server-with-a-long-name-10.big AAAA 2001:db8::110\n"
	/* one where only the glue needs room: 2 NS, 24 addresses */
	"fat NS ns1.fat\n"
	"fat NS ns2.fat\n"
	"ns1.fat AAAA 2001:db8::201\nns1.fat AAAA 2001:db8::202\nns1.fat AAAA 2001:db8::203\n"
	"ns1.fat AAAA 2001:db8::204\nns1.fat AAAA 2001:db8::205\nns1.fat AAAA 2001:db8::206\n"
	"ns1.fat AAAA 2001:db8::207\nns1.fat AAAA 2001:db8::208\nns1.fat AAAA 2001:db8::209\n"
	"ns2.fat AAAA 2001:db8::211\nns2.fat AAAA 2001:db8::212\nns2.fat AAAA 2001:db8::213\n"
	"ns2.fat AAAA 2001:db8::214\nns2.fat AAAA 2001:db8::215\nns2.fat AAAA 2001:db8::216\n"
	"ns2.fat AAAA 2001:db8::217\nns2.fat AAAA 2001:db8::218\nns2.fat AAAA 2001:db8::219\n"
	"ns1.fat A 192.0.2.121\nns2.fat A 192.0.2.122\n"};

struct question {
	const char *name;
	uint16_t type;
};

static const struct question questions[] = {
	{"txt400.example.net.", LDNS_RR_TYPE_TXT},
	{"txt1000.example.net.", LDNS_RR_TYPE_TXT},
	{"txt2000.example.net.", LDNS_RR_TYPE_TXT},
	{"to1000.example.net.", LDNS_RR_TYPE_TXT},
	{"txt400.under.example.net.", LDNS_RR_TYPE_TXT},
	{"x.wild.example.net.", LDNS_RR_TYPE_TXT},
	{"mx.example.net.", LDNS_RR_TYPE_MX},
	{"example.net.", LDNS_RR_TYPE_NS},
	{"example.net.", LDNS_RR_TYPE_SOA},
	{"ns1.example.net.", LDNS_RR_TYPE_A},
	{"none.example.net.", LDNS_RR_TYPE_A},
	{"www.big.example.net.", LDNS_RR_TYPE_A},
	{"www.fat.example.net.", LDNS_RR_TYPE_A},
	{"txt2000.example.net.", LDNS_RR_TYPE_ANY},
};

enum { N_QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

static int setup(void **state)
{
	*state = fixture_new(&zone, 1);
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static bool same_rrset(const ldns_rr *a, const ldns_rr *b)
{
	return ldns_rr_get_type(a) == ldns_rr_get_type(b) &&
	       ldns_dname_compare(ldns_rr_owner(a), ldns_rr_owner(b)) == 0;
}

static size_t count_rrset(const ldns_rr_list *list, const ldns_rr *of)
{
	size_t n = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
		n += same_rrset(ldns_rr_list_rr(list, i), of);
	return n;
}

/* Each RRset in `cut` has as many records as in `full`. */
static bool rrsets_are_whole(const ldns_rr_list *cut, const ldns_rr_list *full)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(cut); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(cut, i);

		if (count_rrset(cut, rr) != count_rrset(full, rr))
			return false;
	}
	return true;
}

/* In-domain glue: the address of a name server at or below the cut that it serves. */
static bool has_all_in_domain_glue(const struct reply *cut, const struct reply *full)
{
	const ldns_rr_list *ns = full->sections[LDNS_SECTION_AUTHORITY];
	const ldns_rr_list *glue = full->sections[LDNS_SECTION_ADDITIONAL];
	const ldns_rdf *at = ldns_rr_owner(ldns_rr_list_rr(ns, 0));

	for (size_t i = 0; i < ldns_rr_list_rr_count(glue); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(glue, i);

		if (ldns_dname_is_subdomain(ldns_rr_owner(rr), at) &&
			!count_rrset(cut->sections[LDNS_SECTION_ADDITIONAL], rr))
			return false;
	}
	return true;
}

static bool is_referral(const struct reply *reply)
{
	return !reply->aa && reply_n_rrs(reply, LDNS_SECTION_AUTHORITY) > 0;
}

/* Is there in `cut` all that must be there for TC to stay clear? */
static bool has_what_is_needed(const struct reply *cut, const struct reply *full)
{
	bool negative = reply_has(full, LDNS_SECTION_AUTHORITY, "example.net. SOA");

	if (reply_n_rrs(cut, LDNS_SECTION_ANSWER) != reply_n_rrs(full, LDNS_SECTION_ANSWER))
		return false;
	if (!negative && !is_referral(full))
		return true;
	if (reply_n_rrs(cut, LDNS_SECTION_AUTHORITY) !=
		reply_n_rrs(full, LDNS_SECTION_AUTHORITY))
		return false;
	return negative || has_all_in_domain_glue(cut, full);
}

static size_t n_outside(const struct reply *reply)
{
	return reply_has(reply, LDNS_SECTION_ADDITIONAL, "ns4.example.org. A") +
	       (size_t)reply_has(reply, LDNS_SECTION_ADDITIONAL, "ns4.example.org. AAAA");
}

static size_t n_all(const struct reply *reply)
{
	size_t n = 0;

	for (unsigned int s = LDNS_SECTION_ANSWER; s < REPLY_N_SECTIONS; s++)
		n += reply_n_rrs(reply, (ldns_pkt_section)s);
	return n;
}

static void check_cut(struct fixture *f, const struct reply *full, size_t limit)
{
	const struct reply *cut = &f->reply;

	assert_reply(f, f->reply.len <= limit);
	assert_reply(f, cut->rcode == full->rcode);
	assert_reply(f, cut->aa == full->aa);
	for (unsigned int s = LDNS_SECTION_ANSWER; s < REPLY_N_SECTIONS; s++)
		assert_reply(f, rrsets_are_whole(cut->sections[s], full->sections[s]));

	assert_reply(f, cut->tc == !has_what_is_needed(cut, full));
	/* nothing is left out that has room */
	assert_reply(
		f, full->len + (cut->opt ? 11u : 0u) > limit || n_all(cut) == n_all(full));
	/* addresses outside the zone go before all others */
	assert_reply(f, !n_outside(cut) ||
				n_all(cut) - n_outside(cut) == n_all(full) - n_outside(full));
}

static void every_size_is_kept_with_whole_rrsets(void **state)
{
	struct fixture *f = *state;

	for (size_t q = 0; q < N_QUESTIONS; q++) {
		struct reply full;
		size_t n_before = 0;

		if (questions[q].type == LDNS_RR_TYPE_ANY)
			continue; /* the choice of RRset is free */
		ask_with(f, "isp-a", questions[q].name, questions[q].type, .tcp = true);
		full = f->reply;
		f->reply = (struct reply){0};
		assert_false(full.tc);

		for (uint16_t size = 512; size <= 1240; size++) {
			ask_with(f, "isp-a", questions[q].name, questions[q].type,
				.edns = true, .size = size);
			check_cut(f, &full, size < 1232 ? size : 1232);
			/* more room never brings less */
			assert_reply(f, n_all(&f->reply) >= n_before);
			n_before = n_all(&f->reply);
		}
		reply_fini(&full);
	}
}

static void every_length_of_name_is_kept_too(void **state)
{
	struct fixture *f = *state;

	for (int n = 1; n <= 63; n++) {
		char name[128];
		struct reply full;

		snprintf(name, sizeof(name), "%0*d.wild.example.net.", n, 0);
		ask_with(f, "isp-a", name, LDNS_RR_TYPE_TXT, .tcp = true);
		full = f->reply;
		f->reply = (struct reply){0};
		for (uint16_t size = 512; size < 900; size = (uint16_t)(size + 7)) {
			ask_with(f, "isp-a", name, LDNS_RR_TYPE_TXT, .edns = true,
				.size = size);
			check_cut(f, &full, size);
		}
		reply_fini(&full);
	}
}

static void without_edns_the_limit_is_512(void **state)
{
	struct fixture *f = *state;

	for (size_t q = 0; q < N_QUESTIONS; q++) {
		struct reply full;

		ask_with(f, "isp-a", questions[q].name, questions[q].type, .tcp = true);
		full = f->reply;
		f->reply = (struct reply){0};
		ask(f, "isp-a", questions[q].name, questions[q].type);
		if (questions[q].type != LDNS_RR_TYPE_ANY)
			check_cut(f, &full, 512);
		assert_reply(f, f->reply.len <= 512 && !f->reply.opt);
		reply_fini(&full);
	}
}

/* RFC 6891 section 6.2.3 */
static void sizes_below_512_count_as_512(void **state)
{
	static const uint16_t sizes[] = {ASKING_SIZE_0, 1, 12, 100, 511};
	struct fixture *f = *state;
	size_t len;

	ask_with(f, "isp-a", "txt400.example.net.", LDNS_RR_TYPE_TXT, .edns = true,
		.size = 512);
	assert_status(f, "NOERROR aa");
	len = f->reply.len;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ask_with(f, "isp-a", "txt400.example.net.", LDNS_RR_TYPE_TXT, .edns = true,
			.size = sizes[i]);
		assert_status(f, "NOERROR aa");
		assert_reply(f, f->reply.len == len);
	}
}

static void sizes_above_1232_count_as_1232(void **state)
{
	static const uint16_t sizes[] = {1233, 1400, 1472, 4096, 65534};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ask_with(f, "isp-a", "txt2000.example.net.", LDNS_RR_TYPE_TXT, .edns = true,
			.size = sizes[i]);
		assert_status(f, "NOERROR aa tc");
		assert_section_empty(f, LDNS_SECTION_ANSWER);
		assert_reply(f, f->reply.len <= 1232);
	}
}

static void tcp_carries_it_whole_whatever_edns_says(void **state)
{
	struct fixture *f = *state;

	ask_with(f, "isp-a", "txt2000.example.net.", LDNS_RR_TYPE_TXT, .tcp = true);
	assert_status(f, "NOERROR aa");
	assert_reply(f, n_rrs(f, LDNS_SECTION_ANSWER) == 5);
	ask_with(f, "isp-a", "txt2000.example.net.", LDNS_RR_TYPE_TXT, .tcp = true,
		.edns = true, .size = 512);
	assert_status(f, "NOERROR aa");
	assert_reply(f, n_rrs(f, LDNS_SECTION_ANSWER) == 5);
}

static void options_keep_their_room(void **state)
{
	struct fixture *f = *state;
	struct packet options = {0};

	packet_option(&options, PACKET_COOKIE, "01234567", 8);
	for (uint16_t size = 512; size <= 1232; size = (uint16_t)(size + 5)) {
		size_t len = 0;

		ask_with(f, "isp-a", "txt1000.example.net.", LDNS_RR_TYPE_TXT, .edns = true,
			.size = size, .options = options.bytes, .options_len = options.len);
		assert_reply(f, f->reply.len <= size);
		assert_reply(f, f->reply.tc == (n_rrs(f, LDNS_SECTION_ANSWER) == 0));
		assert_non_null(reply_option(&f->reply, PACKET_COOKIE, &len));
		assert_int_equal(len, 24);
	}
}

/* The longest question and the longest OPT leave few octets: what is optional goes, and the
 * answer itself still comes. */
static void the_longest_name_with_all_options_gets_its_answer(void **state)
{
#define L63 "a23456789012345678901234567890123456789012345678901234567890123"
	static const char name[] = L63 "." L63 "." L63
				       ".a2345678901234567890123456789012345678"
				       "901234567890123.example.";
	struct fixture_zone zone_of_long = {.origin = "example"};
	struct packet options = {0};
	char text[1024];
	(void)state;

	snprintf(text, sizeof(text),
		"$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\n@ NS ns2\nns1 A 192.0.2.1\n"
		"ns1 AAAA 2001:db8::1\nns2 A 192.0.2.2\nns2 AAAA 2001:db8::2\n"
		"%s A 192.0.2.9\n",
		name);
	zone_of_long.text = text;
	struct fixture *f = fixture_new(&zone_of_long, 1);
	memset(f->conf.nsid, 'n', sizeof(f->conf.nsid));
	f->conf.nsid_len = sizeof(f->conf.nsid);
	packet_option(&options, PACKET_COOKIE, "01234567", 8);
	packet_option(&options, PACKET_NSID, "", 0);

	ask_with(f, "isp-a", name, LDNS_RR_TYPE_A, .edns = true, .size = 512,
		.options = options.bytes, .options_len = options.len);

	assert_reply(f, f->reply.len <= 512);
	assert_status(f, "NOERROR aa");
	assert_int_equal(n_rrs(f, LDNS_SECTION_ANSWER), 1);
	fixture_free(f);
}

/* RFC 1035 section 4.1.4: a pointer has 14 bits. What stands further back is spelled out. */
static void names_beyond_16_kib_are_not_pointed_at(void **state)
{
	struct fixture_zone huge = {.origin = "example.net"};
	struct fixture *f;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	(void)state;

	assert_non_null(out);
	fprintf(out, "$TTL 3600\n@ SOA a.ns h 1 7200 900 1209600 300\n@ NS a.ns\n@ NS b.ns\n"
		     "a.ns A 192.0.2.1\nb.ns A 192.0.2.2\n");
	for (int i = 0; i < 90; i++)
		fprintf(out, "huge TXT \"%0200d\"\n", i);
	assert_int_equal(fclose(out), 0);
	huge.text = text;
	f = fixture_new(&huge, 1);

	ask_with(f, "isp-a", "huge.example.net.", LDNS_RR_TYPE_TXT, .tcp = true);
	assert_reply(f, f->reply.len > 0x4000);
	assert_reply(f, n_rrs(f, LDNS_SECTION_ANSWER) == 90);
	assert_authority(
		f, "example.net. NS a.ns.example.net.", "example.net. NS b.ns.example.net.");
	assert_additional(f, "a.ns.example.net. A 192.0.2.1", "b.ns.example.net. A 192.0.2.2");
	fixture_free(f);
	free(text);
}

/* More than a message can be: what is whole, and TC. */
static void not_even_tcp_carries_more_than_64_kib(void **state)
{
	struct fixture_zone huge = {.origin = "example.net"};
	struct fixture *f;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	(void)state;

	assert_non_null(out);
	fprintf(out,
		"$TTL 3600\n@ SOA ns h 1 7200 900 1209600 300\n@ NS ns\nns A 192.0.2.1\n");
	for (int i = 0; i < 320; i++)
		fprintf(out, "huge TXT \"%0200d\"\n", i);
	assert_int_equal(fclose(out), 0);
	huge.text = text;
	f = fixture_new(&huge, 1);

	ask_with(f, "isp-a", "huge.example.net.", LDNS_RR_TYPE_TXT, .tcp = true);
	assert_status(f, "NOERROR aa tc");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	ask_with(f, "isp-a", "ns.example.net.", LDNS_RR_TYPE_A, .tcp = true);
	assert_status(f, "NOERROR aa");
	fixture_free(f);
	free(text);
}

static void any_over_udp_is_small(void **state)
{
	struct fixture *f = *state;

	ask_with(f, "isp-a", "example.net.", LDNS_RR_TYPE_ANY, .edns = true);
	assert_reply(f, f->reply.len <= 512);
	ask_with(f, "isp-a", "txt2000.example.net.", LDNS_RR_TYPE_ANY, .edns = true);
	assert_reply(f, f->reply.len <= 1232);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_is_kept_with_whole_rrsets),
		cmocka_unit_test(every_length_of_name_is_kept_too),
		cmocka_unit_test(without_edns_the_limit_is_512),
		cmocka_unit_test(sizes_below_512_count_as_512),
		cmocka_unit_test(sizes_above_1232_count_as_1232),
		cmocka_unit_test(tcp_carries_it_whole_whatever_edns_says),
		cmocka_unit_test(options_keep_their_room),
		cmocka_unit_test(the_longest_name_with_all_options_gets_its_answer),
		cmocka_unit_test(names_beyond_16_kib_are_not_pointed_at),
		cmocka_unit_test(not_even_tcp_carries_more_than_64_kib),
		cmocka_unit_test(any_over_udp_is_small),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("truncation", tests, setup, teardown);
}
