/* test_facts.c - what each pseudo record becomes: view x kind x link state x family
 *
 * The rows are DESIGN's rules for views, families and link states, written as data. The
 * conditions are words:
 *
 *     a=down b=drained a=degraded   state of isp-a, isp-b, isp-c
 *     a-dead a-unforwarded          server web on that path
 *     a-not-inbound                 `inbound: no`
 *     a-no4 a-no6 lan-no6           without that address
 *     v6                            uplinks, LAN and server have IPv6 too
 *     web-no6                       the server has none
 *     c                             there is a third uplink
 *     same                          isp-b has isp-a's public address
 *     move                          when-degraded: move
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dnsd/state/facts.h"

#include "common/site/uplinkset.h"

enum { A, B, C, INSIDE = FACTS_VIEW_INSIDE };

#define A4   "192.168.2.1"
#define B4   "172.16.1.1"
#define C4   "203.0.113.1"
#define A6   "2001:db8:a::1"
#define B6   "2001:db8:b::1"
#define C6   "2001:db8:c::1"
#define LAN4 "10.0.0.1"
#define LAN6 "2001:db8:1::1"
#define WEB4 "10.0.0.10"
#define WEB6 "2001:db8:1::10"

static const struct pseudo server = {.kind = PSEUDO_SERVER};
static const struct pseudo server_all = {.kind = PSEUDO_SERVER_ALL};
static const struct pseudo uplink_a = {.kind = PSEUDO_UPLINK, .index = A};
static const struct pseudo uplink_b = {.kind = PSEUDO_UPLINK, .index = B};
static const struct pseudo uplink_all = {.kind = PSEUDO_UPLINK_ALL};
static const struct pseudo receiving = {.kind = PSEUDO_UPLINK_RECEIVING};

struct row {
	int view;
	const struct pseudo *pseudo;
	const char *conditions;
	const char *expected; /* addresses in order */
};

static struct addr address(const char *text)
{
	struct addr addr = {0};

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void give(struct facts *facts, enum site_family family, const char *a, const char *b,
	const char *c, const char *lan, const char *web)
{
	facts->uplinks[A].public_addrs[family] = address(a);
	facts->uplinks[B].public_addrs[family] = address(b);
	facts->uplinks[C].public_addrs[family] = address(c);
	facts->lan[family] = address(lan);
	facts->servers[0].address[family] = address(web);
	facts->servers[0].by_family[family] = 7;
}

static void apply_to_uplink(struct facts *facts, unsigned int i, const char *word)
{
	static const struct {
		const char *word;
		enum uplink_state state;
	} states[] = {
		{"=down", UPLINK_DOWN},
		{"=drained", UPLINK_DRAINED},
		{"=degraded", UPLINK_DEGRADED},
	};

	for (size_t s = 0; s < 3; s++) {
		if (strcmp(word, states[s].word) == 0) {
			facts->uplinks[i].state = states[s].state;
			return;
		}
	}
	if (strcmp(word, "-dead") == 0)
		facts->servers[0].dead |= uplinkset_of(i);
	else if (strcmp(word, "-unforwarded") == 0)
		facts->servers[0].forwarded &= ~uplinkset_of(i);
	else if (strcmp(word, "-not-inbound") == 0)
		facts->uplinks[i].inbound = false;
	else if (strcmp(word, "-no4") == 0)
		facts->uplinks[i].public_addrs[SITE_IPV4] = (struct addr){0};
	else if (strcmp(word, "-no6") == 0)
		facts->uplinks[i].public_addrs[SITE_IPV6] = (struct addr){0};
	else
		fail_msg("the test's condition '%s' is not one", word);
}

static void apply(struct facts *facts, const char *word)
{
	if (strcmp(word, "v6") == 0)
		give(facts, SITE_IPV6, A6, B6, C6, LAN6, WEB6);
	else if (strcmp(word, "web-no6") == 0) {
		facts->servers[0].address[SITE_IPV6] = (struct addr){0};
		facts->servers[0].by_family[SITE_IPV6] = 0;
	} else if (strcmp(word, "web-loopback6-b") == 0) {
		facts->servers[0].address[SITE_IPV6] = (struct addr){0};
		facts->servers[0].by_family[SITE_IPV6] = uplinkset_of(B);
	} else if (strcmp(word, "lan-no6") == 0)
		facts->lan[SITE_IPV6] = (struct addr){0};
	else if (strcmp(word, "c") == 0)
		facts->n_uplinks = 3;
	else if (strcmp(word, "same") == 0)
		memcpy(facts->uplinks[B].public_addrs, facts->uplinks[A].public_addrs,
			sizeof(facts->uplinks[B].public_addrs));
	else if (strcmp(word, "move") == 0)
		facts->move_when_degraded = true;
	else
		apply_to_uplink(facts, (unsigned int)(word[0] - 'a'), word + 1);
}

static void prepare(struct facts *facts, struct server_facts *web, const char *conditions)
{
	char words[256];
	char *save = NULL;

	*facts = (struct facts){.n_uplinks = 2, .servers = web, .n_servers = 1};
	*web = (struct server_facts){.forwarded = 7};
	for (size_t i = 0; i < 3; i++)
		facts->uplinks[i] = (struct uplink_facts){.state = UPLINK_UP, .inbound = true};
	give(facts, SITE_IPV4, A4, B4, C4, LAN4, WEB4);

	snprintf(words, sizeof(words), "%s", conditions);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		apply(facts, w);
	if (facts->n_uplinks < 3)
		web->forwarded &= 3;
}

static void expand(const struct row *row, enum site_family family, char *ret, size_t cap)
{
	struct server_facts web;
	struct facts facts;
	struct addr addrs[SITE_MAX_UPLINKS];
	size_t used = 0;
	size_t n;

	prepare(&facts, &web, row->conditions);
	n = facts_expand(&facts, row->view, row->pseudo, family, addrs);

	ret[0] = '\0';
	assert_true(n <= SITE_MAX_UPLINKS);
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(
			ret + used, cap - used, "%s%s", i ? " " : "", addr_str(&addrs[i]));
}

static void check(const struct row *rows, size_t n, enum site_family family)
{
	size_t n_wrong = 0;

	for (size_t i = 0; i < n; i++) {
		char got[1024];

		expand(&rows[i], family, got, sizeof(got));
		if (strcmp(got, rows[i].expected) == 0)
			continue;
		print_error("row %zu: view %d, kind %d, '%s': got '%s', not '%s'\n", i,
			rows[i].view, (int)rows[i].pseudo->kind, rows[i].conditions, got,
			rows[i].expected);
		n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
}

#define CHECK(rows, family) check(rows, sizeof(rows) / sizeof((rows)[0]), family)

static void every_kind_has_its_address_in_every_view(void **state)
{
	static const struct row rows[] = {
		{A, &server, "", A4},
		{B, &server, "", B4},
		{INSIDE, &server, "", WEB4},
		{A, &server_all, "", A4 " " B4},
		{B, &server_all, "", B4 " " A4},
		{INSIDE, &server_all, "", WEB4},
		{A, &uplink_a, "", A4},
		{B, &uplink_a, "", A4},
		{INSIDE, &uplink_a, "", A4},
		{A, &uplink_b, "", B4},
		{B, &uplink_b, "", B4},
		{INSIDE, &uplink_b, "", B4},
		{A, &uplink_all, "", A4 " " B4},
		{B, &uplink_all, "", B4 " " A4},
		{INSIDE, &uplink_all, "", A4 " " B4},
		{A, &receiving, "", A4},
		{B, &receiving, "", B4},
		{INSIDE, &receiving, "", LAN4},
		{C, &uplink_all, "c", C4 " " A4 " " B4},
		{B, &uplink_all, "c", B4 " " A4 " " C4},
		{C, &server_all, "c", C4 " " A4 " " B4},
	};
	(void)state;

	CHECK(rows, SITE_IPV4);
}

static void ipv6_follows_the_same_rules(void **state)
{
	static const struct row rows[] = {
		{A, &server, "v6", A6},
		{B, &server, "v6", B6},
		{INSIDE, &server, "v6", WEB6},
		{A, &server_all, "v6", A6 " " B6},
		{B, &server_all, "v6", B6 " " A6},
		{INSIDE, &server_all, "v6", WEB6},
		{A, &uplink_a, "v6", A6},
		{B, &uplink_a, "v6", A6},
		{INSIDE, &uplink_b, "v6", B6},
		{A, &uplink_all, "v6", A6 " " B6},
		{B, &uplink_all, "v6", B6 " " A6},
		{INSIDE, &uplink_all, "v6", A6 " " B6},
		{A, &receiving, "v6", A6},
		{B, &receiving, "v6", B6},
		{INSIDE, &receiving, "v6", LAN6},
		{A, &server, "v6 a=drained", B6},
		{A, &server_all, "v6 a=down", B6},
		{A, &uplink_all, "v6 b=drained", A6},
	};
	(void)state;

	CHECK(rows, SITE_IPV6);
}

static void a_family_that_nobody_has_is_nodata_everywhere(void **state)
{
	static const struct pseudo *const kinds[] = {
		&server, &server_all, &uplink_a, &uplink_b, &uplink_all, &receiving};
	(void)state;

	for (int view = INSIDE; view <= B; view++) {
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			const struct row row = {view, kinds[k], "", ""};

			check(&row, 1, SITE_IPV6);
		}
	}
}

/* The views must agree on the types that a name has. */
static void receiving_uplink_without_the_family_borrows(void **state)
{
	static const struct row rows[] = {
		{A, &server, "v6 a-no6", B6},
		{B, &server, "v6 a-no6", B6},
		{A, &receiving, "v6 a-no6", B6},
		{B, &receiving, "v6 b-no6", A6},
		{C, &server, "v6 c c-no6", A6},
		{C, &receiving, "v6 c c-no6 a=down", B6},
		{C, &receiving, "v6 c c-no6 a=drained", B6},
		{C, &receiving, "v6 c c-no6 a-not-inbound", B6},
		{C, &receiving, "v6 c c-no6 a-no6", B6},
		{A, &server, "v6 a-no6 b-no6", ""},
		{A, &receiving, "v6 a-no6 b-no6", ""},
		/* `all` and a named uplink borrow nothing */
		{A, &uplink_all, "v6 a-no6", B6},
		{A, &server_all, "v6 a-no6", B6},
		{A, &uplink_a, "v6 a-no6", ""},
		{B, &uplink_a, "v6 a-no6", ""},
		{INSIDE, &uplink_a, "v6 a-no6", ""},
	};
	(void)state;

	CHECK(rows, SITE_IPV6);
}

static void server_without_ipv6_has_no_aaaa(void **state)
{
	static const struct row rows[] = {
		{A, &server, "v6 web-no6", ""},
		{B, &server, "v6 web-no6", ""},
		{INSIDE, &server, "v6 web-no6", ""},
		{A, &server_all, "v6 web-no6", ""},
		{INSIDE, &server_all, "v6 web-no6", ""},
		{A, &receiving, "v6 web-no6", A6},
		{A, &uplink_all, "v6 web-no6", A6 " " B6},
	};
	(void)state;

	CHECK(rows, SITE_IPV6);
}

/* Nothing is forwarded by IPv6 on the others. */
static void a_loopback_of_one_uplink_is_reached_over_that(void **state)
{
	static const struct row rows[] = {
		{A, &server, "v6 web-loopback6-b", B6},
		{B, &server, "v6 web-loopback6-b", B6},
		{INSIDE, &server, "v6 web-loopback6-b", B6},
		{A, &server_all, "v6 web-loopback6-b", B6},
		{INSIDE, &server_all, "v6 web-loopback6-b", B6},
	};
	(void)state;

	CHECK(rows, SITE_IPV6);
}

/* The query has just come in over it. */
static void a_down_uplink_still_answers_with_its_own(void **state)
{
	static const struct row rows[] = {
		{A, &server, "a=down", A4},
		{A, &receiving, "a=down", A4},
		{B, &server, "a=down", B4},
		{B, &receiving, "a=down", B4},
		{A, &server, "a=down b=down", A4},
		{INSIDE, &server, "a=down", WEB4},
		{INSIDE, &receiving, "a=down", LAN4},
	};
	(void)state;

	CHECK(rows, SITE_IPV4);
}

static void a_drained_uplink_gives_way(void **state)
{
	static const struct row rows[] = {
		{A, &server, "a=drained", B4},
		{A, &receiving, "a=drained", B4},
		{B, &server, "a=drained", B4},
		{B, &server, "b=drained", A4},
		{C, &server, "c c=drained", A4},
		{C, &server, "c c=drained a=down", B4},
		{C, &server, "c c=drained a=drained", B4},
		{C, &receiving, "c c=drained a-not-inbound", B4},
		{A, &server, "a=drained b=degraded", B4},
		{A, &server, "a=drained b-dead", A4},
		{A, &server, "a=drained b-unforwarded", A4},
		{A, &receiving, "a=drained b-dead", B4},
		{INSIDE, &server, "a=drained", WEB4},
		{INSIDE, &receiving, "a=drained", LAN4},
		/* nothing better to give */
		{A, &server, "a=drained b=drained", A4},
		{A, &server, "a=drained b=down", A4},
		/* but it is better than what does not work */
		{A, &server, "a-dead b=drained", B4},
		{B, &server, "a-dead b=drained", B4},
		{C, &server, "c c-unforwarded a=down b=drained", B4},
		{C, &receiving, "c c-not-inbound a=down b=drained", B4},
		{A, &receiving, "a=drained b-not-inbound", A4},
	};
	(void)state;

	CHECK(rows, SITE_IPV4);
}

static void a_degraded_uplink_gives_way_if_told(void **state)
{
	static const struct row rows[] = {
		{A, &server, "a=degraded", A4},
		{A, &receiving, "a=degraded", A4},
		{A, &server_all, "a=degraded", A4 " " B4},
		{A, &uplink_all, "a=degraded", A4 " " B4},
		{B, &uplink_all, "a=degraded", B4 " " A4},
		{A, &server, "a=degraded move", B4},
		{A, &receiving, "a=degraded move", B4},
		{B, &server, "a=degraded move", B4},
		{B, &server, "b=degraded move", A4},
		{C, &server, "c c=degraded a=degraded move", B4},
		{A, &server, "a=degraded b=degraded move", A4},
		{A, &server, "a=degraded b=down move", A4},
		{A, &server, "a=degraded b=drained move", A4},
		{A, &server, "a=degraded b-dead move", A4},
		{INSIDE, &server, "a=degraded move", WEB4},
	};
	(void)state;

	CHECK(rows, SITE_IPV4);
}

static void a_server_out_of_reach_is_offered_elsewhere(void **state)
{
	static const struct row rows[] = {
		{A, &server, "a-dead", B4},
		{A, &server, "a-unforwarded", B4},
		{B, &server, "a-dead", B4},
		{A, &server_all, "a-dead", B4},
		{A, &server_all, "a-unforwarded", B4},
		{B, &server_all, "b-dead", A4},
		{C, &server, "c c-dead a-dead", B4},
		{C, &server, "c c-unforwarded a=down", B4},
		{A, &server, "a-dead b-dead", A4},
		{A, &server_all, "a-dead b-dead", A4 " " B4},
		{INSIDE, &server, "a-dead", WEB4},
		{INSIDE, &server, "a-unforwarded", WEB4},
		/* the uplinks themselves do not care */
		{A, &receiving, "a-dead", A4},
		{A, &uplink_all, "a-dead", A4 " " B4},
		{A, &uplink_a, "a-unforwarded", A4},
	};
	(void)state;

	CHECK(rows, SITE_IPV4);
}

static void all_leaves_out_what_is_down_or_drained(void **state)
{
	static const struct row rows[] = {
		{A, &uplink_all, "a=down", B4},
		{B, &uplink_all, "a=down", B4},
		{INSIDE, &uplink_all, "a=down", B4},
		{A, &uplink_all, "b=drained", A4},
		{B, &uplink_all, "b=drained", A4},
		{A, &server_all, "a=down", B4},
		{A, &server_all, "b=drained", A4},
		{C, &uplink_all, "c a=down", C4 " " B4},
		{B, &server_all, "c c=drained", B4 " " A4},
		/* all of them if none is left */
		{A, &uplink_all, "a=down b=down", A4 " " B4},
		{B, &uplink_all, "a=down b=down", B4 " " A4},
		{A, &uplink_all, "a=drained b=down", A4 " " B4},
		{A, &server_all, "a=drained b=drained", A4 " " B4},
		{B, &server_all, "a=down b=down", B4 " " A4},
		{INSIDE, &server_all, "a=down b=down", WEB4},
		{INSIDE, &uplink_all, "a=down b=down", A4 " " B4},
	};
	(void)state;

	CHECK(rows, SITE_IPV4);
}

static void an_uplink_without_inbound_is_not_in_all(void **state)
{
	static const struct row rows[] = {
		{A, &uplink_all, "b-not-inbound", A4},
		{INSIDE, &uplink_all, "a-not-inbound", B4},
		{A, &uplink_all, "a=down b-not-inbound", A4},
		{A, &uplink_b, "b-not-inbound", B4},
	};
	(void)state;

	CHECK(rows, SITE_IPV4);
}

static void a_named_uplink_is_always_that_one(void **state)
{
	static const char *const conditions[] = {"a=down", "a=drained", "a=degraded move",
		"a-not-inbound", "a-dead", "a=down b=down", "c b=drained"};
	(void)state;

	for (int view = INSIDE; view <= B; view++) {
		for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
			const struct row row = {view, &uplink_a, conditions[i], A4};

			check(&row, 1, SITE_IPV4);
		}
	}
}

static void one_address_is_given_once(void **state)
{
	static const struct row rows[] = {
		{A, &uplink_all, "same", A4},
		{B, &server_all, "same", A4},
		{B, &uplink_all, "same c", A4 " " C4},
	};
	(void)state;

	CHECK(rows, SITE_IPV4);
}

/* `UPLINK receiving` inside is the router's LAN address; without one of the family it borrows
 * as an uplink would, so that the views agree on types. */
static void the_inside_view_borrows_too(void **state)
{
	static const struct row rows[] = {
		{INSIDE, &receiving, "v6 lan-no6", A6},
		{INSIDE, &receiving, "v6 lan-no6 a=down", B6},
	};
	(void)state;

	CHECK(rows, SITE_IPV6);
}

static void every_state_has_a_name(void **state)
{
	(void)state;

	assert_string_equal(uplink_state_str(UPLINK_UP), "up");
	assert_string_equal(uplink_state_str(UPLINK_DEGRADED), "degraded");
	assert_string_equal(uplink_state_str(UPLINK_DOWN), "down");
	assert_string_equal(uplink_state_str(UPLINK_DRAINED), "drained");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_its_address_in_every_view),
		cmocka_unit_test(ipv6_follows_the_same_rules),
		cmocka_unit_test(a_family_that_nobody_has_is_nodata_everywhere),
		cmocka_unit_test(receiving_uplink_without_the_family_borrows),
		cmocka_unit_test(server_without_ipv6_has_no_aaaa),
		cmocka_unit_test(a_loopback_of_one_uplink_is_reached_over_that),
		cmocka_unit_test(a_down_uplink_still_answers_with_its_own),
		cmocka_unit_test(a_drained_uplink_gives_way),
		cmocka_unit_test(a_degraded_uplink_gives_way_if_told),
		cmocka_unit_test(a_server_out_of_reach_is_offered_elsewhere),
		cmocka_unit_test(all_leaves_out_what_is_down_or_drained),
		cmocka_unit_test(an_uplink_without_inbound_is_not_in_all),
		cmocka_unit_test(a_named_uplink_is_always_that_one),
		cmocka_unit_test(one_address_is_given_once),
		cmocka_unit_test(the_inside_view_borrows_too),
		cmocka_unit_test(every_state_has_a_name),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
