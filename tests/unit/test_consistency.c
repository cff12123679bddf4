/* test_consistency.c - a precompiled answer is what the general algorithm gives
 *
 * Random zones, every name and type and their neighbours, every size: respond() with its table
 * of finished answers is compared with answer_find and compose, record by record. Both are
 * read by ldns, so that a difference in compression does not count but a wrong pointer does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsd/answer/compose.h"

#include "common/bigendian.h"
#include "tests/lib/fixture.h"
#include "tests/lib/invariant.h"
#include "tests/lib/zonegen.h"

enum { N_WORLDS = 60, N_QUESTIONS = 400 };

/* The question by the general algorithm alone. */
static void ask_general(
	struct fixture *f, const struct packet *query, size_t limit, struct reply *ret_reply)
{
	const struct table *table = fixture_table(f, "isp-a");
	uint8_t *message = calloc(1, RESPOND_TCP_CAP);
	size_t end = query->len;
	static struct answer answer;
	struct composed composed;
	struct query parsed;

	assert_non_null(message);
	assert_int_equal(query_parse(query->bytes, query->len, &parsed), QUERY_OK);
	answer_find(table, parsed.name, parsed.qname_len, parsed.qtype, &answer);
	memcpy(message, query->bytes, end);
	compose(table, &answer, parsed.name, message, end, limit, NULL, &composed);
	be16_write(message + 2, DNS_QR | composed.flags);
	for (size_t i = 0; i < 3; i++)
		be16_write(message + 6 + 2 * i, composed.counts[i]);
	reply_decode(ret_reply, message, composed.len);
	free(message);
}

static bool same_records(const ldns_rr_list *a, const ldns_rr_list *b)
{
	size_t n = ldns_rr_list_rr_count(a);

	if (n != ldns_rr_list_rr_count(b))
		return false;
	for (size_t i = 0; i < n; i++) {
		const ldns_rr *ra = ldns_rr_list_rr(a, i);
		const ldns_rr *rb = ldns_rr_list_rr(b, i);

		if (ldns_rr_compare(ra, rb) != 0 || ldns_rr_ttl(ra) != ldns_rr_ttl(rb))
			return false;
	}
	return true;
}

static bool same_reply(const struct reply *a, const struct reply *b)
{
	if (a->rcode != b->rcode || a->aa != b->aa || a->tc != b->tc || a->defect || b->defect)
		return false;
	for (unsigned int s = LDNS_SECTION_ANSWER; s < REPLY_N_SECTIONS; s++)
		if (!same_records(a->sections[s], b->sections[s]))
			return false;
	return true;
}

static void compare(struct fixture *f, const struct zonegen_question *question, size_t limit)
{
	struct packet query;
	struct reply general;

	packet_query(&query, question->name, question->type, &(const struct asking){0});
	ask_general(
		f, &query, limit == 65535 ? limit : limit - (limit > 512 ? 11 : 0), &general);
	ask_with(f, "isp-a", question->name, question->type, .tcp = limit == 65535,
		.edns = limit > 512 && limit < 65535, .size = (uint16_t)limit);
	assert_null(invariant_broken(f->query.bytes, f->query.len, limit == 65535, &f->reply));
	if (!same_reply(&general, &f->reply)) {
		print_error("%s TYPE%u at %zu octets: the general algorithm says\n",
			question->name, question->type, limit);
		reply_print(&general);
		reply_assert(&f->reply, false, "but the reply is", __FILE__, __LINE__);
	}
	reply_fini(&general);
}

static struct fixture *make_fixture(const struct zonegen *world)
{
	struct fixture_zone zones[ZONEGEN_ZONES];

	for (size_t i = 0; i < world->n_zones; i++)
		zones[i] = (struct fixture_zone){world->zones[i].origin, world->zones[i].text};
	return fixture_new(zones, world->n_zones);
}

static void random_zones_answer_alike_both_ways(void **state)
{
	(void)state;

	for (uint64_t seed = 1; seed <= N_WORLDS; seed++) {
		struct prng prng = {.state = seed * 977};
		struct zonegen world;
		struct fixture *f;

		zonegen_make(&world, seed, "example.net");
		f = make_fixture(&world);
		for (int i = 0; i < N_QUESTIONS; i++) {
			static const size_t limits[] = {512, 65535, 1232};
			struct zonegen_question question;
			size_t limit = limits[prng_below(&prng, 3)];

			zonegen_ask(&world, &prng, &question);
			if (question.type == LDNS_RR_TYPE_ANY)
				question.type = LDNS_RR_TYPE_A;
			if (prng_chance(&prng, 30))
				limit = 513 + prng_below(&prng, 719);
			compare(f, &question, limit);
		}
		fixture_free(f);
		zonegen_free(&world);
	}
}

/* Pseudo records, in every view: the fixture's own zone, all names and types. */
static void the_host_zone_answers_alike_both_ways(void **state)
{
	static const char *const names[] = {"www.example.com.", "all.www.example.com.",
		"mail.www.example.com.", "self.www.example.com.", "x.www.example.com.",
		"a.all.www.example.com.", "www-ns1.example.com.", "example.com."};
	static const uint16_t types[] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA, LDNS_RR_TYPE_NS,
		LDNS_RR_TYPE_SOA, LDNS_RR_TYPE_TXT, LDNS_RR_TYPE_DS};
	struct fixture *f = fixture_new(&fixture_host_zone, 1);
	(void)state;

	fixture_add_ipv6(f);
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
			struct zonegen_question question = {.type = types[t]};

			snprintf(question.name, sizeof(question.name), "%s", names[n]);
			compare(f, &question, 512);
			compare(f, &question, 65535);
			for (size_t limit = 513; limit <= 1232; limit += 31)
				compare(f, &question, limit);
		}
	}
	fixture_free(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_zones_answer_alike_both_ways),
		cmocka_unit_test(the_host_zone_answers_alike_both_ways),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("consistency", tests, NULL, NULL);
}
