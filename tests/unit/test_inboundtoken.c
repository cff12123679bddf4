/* test_inboundtoken.c - names that `verify --inbound` waits for: who gets counted, and what is said
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/answer/inboundtoken.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/fixture.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define OTHER "0123456789abcdef0123456789abcdee"

static struct inbound_tokens tokens;

/* The reference zone in isp-a's view, and one with wildcards at the apex. */
static struct fixture *fixture_waiting(const struct fixture_zone *zone)
{
	struct fixture *f = fixture_new(zone, 1);

	memset(&tokens, 0, sizeof(tokens));
	f->conf.inbound_tokens = &tokens;
	f->conf.view = 0;
	f->conf.view_name = "isp-a";
	assert_int_equal(inbound_token_open(&tokens, TOKEN, f->now_s), 0);
	return f;
}

static int setup(void **state)
{
	*state = fixture_waiting(&fixture_host_zone);
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static unsigned int arrived(
	const struct fixture *f, int view, enum site_family family, int tcp)
{
	return inbound_token_find(&tokens, TOKEN, f->now_s)->n_arrived[view + 1][family][tcp];
}

static void a_name_is_answered_with_the_view_and_counted(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", TOKEN "-u1.www.example.com.", LDNS_RR_TYPE_TXT);
	assert_status(f, "NOERROR aa");
	assert_answer(f, TOKEN "-u1.www.example.com. 0 TXT \"view=isp-a\"");
	assert_int_equal(arrived(f, 0, SITE_IPV4, 0), 1);
	assert_int_equal(arrived(f, 0, SITE_IPV4, 1), 0);
	assert_int_equal(arrived(f, 0, SITE_IPV6, 0), 0);
	assert_int_equal(arrived(f, 1, SITE_IPV4, 0), 0);
}

static void the_other_kind_must_come_back_by_tcp(void **state)
{
	struct fixture *f = *state;

	ask_with(f, "isp-a", TOKEN "-t22.www.example.com.", LDNS_RR_TYPE_TXT, .edns = true);
	assert_status(f, "NOERROR aa tc");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	ask_with(f, "isp-a", TOKEN "-t22.www.example.com.", LDNS_RR_TYPE_TXT, .tcp = true);
	assert_answer(f, TOKEN "-t22.www.example.com. 0 TXT \"view=isp-a\"");
	assert_int_equal(arrived(f, 0, SITE_IPV4, INBOUND_BY_UDP), 1);
	assert_int_equal(arrived(f, 0, SITE_IPV4, INBOUND_BY_TCP), 1);
	assert_int_equal(arrived(f, 0, SITE_IPV4, INBOUND_TC), 1);
}

/* RFC 8020: NXDOMAIN for one type would deny the others. */
static void other_types_have_no_data(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", TOKEN "-u3.www.example.com.", LDNS_RR_TYPE_A);
	assert_status(f, "NOERROR aa");
	assert_section_empty(f, LDNS_SECTION_ANSWER);
	assert_has_rr(f, LDNS_SECTION_AUTHORITY, "www.example.com. SOA");
	assert_int_equal(arrived(f, 0, SITE_IPV4, 0), 1);
}

static void mixed_case_is_the_same_name(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", "0123456789ABCDEF0123456789abcdef-U1.WWW.example.com.",
		LDNS_RR_TYPE_TXT);
	assert_int_equal(n_rrs(f, LDNS_SECTION_ANSWER), 1);
}

static void all_other_names_do_not_exist(void **state)
{
	static const char *const names[] = {
		OTHER "-u1.www.example.com.",
		TOKEN ".www.example.com.",
		TOKEN "-u.www.example.com.",
		TOKEN "-x1.www.example.com.",
		TOKEN "-u1x.www.example.com.",
		TOKEN "-u1234567890.www.example.com.",
		TOKEN "u1.www.example.com.",
		"a." TOKEN "-u1.www.example.com.",
		TOKEN "-u1.nothing.www.example.com.",
		"x.www.example.com.",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ask(f, "isp-a", names[i], LDNS_RR_TYPE_TXT);
		assert_status(f, "NXDOMAIN aa");
	}
	ask(f, "isp-a", TOKEN "-u1.example.com.", LDNS_RR_TYPE_TXT);
	assert_status(f, "REFUSED");
	assert_int_equal(arrived(f, 0, SITE_IPV4, 0), 0);
}

static void a_wildcard_does_not_take_the_name(void **state)
{
	static const struct fixture_zone zone = {"example.net",
		"$TTL 60\n@ SOA n h 1 7200 900 1209600 300\n@ NS n\nn A 192.0.2.4\n* TXT w\n"};
	struct fixture *f = fixture_waiting(&zone);

	(void)state;
	ask(f, "isp-a", TOKEN "-u1.example.net.", LDNS_RR_TYPE_TXT);
	assert_answer(f, TOKEN "-u1.example.net. 0 TXT \"view=isp-a\"");
	ask(f, "isp-a", OTHER "-u1.example.net.", LDNS_RR_TYPE_TXT);
	assert_answer(f, OTHER "-u1.example.net. 60 TXT \"w\"");
	fixture_free(f);
}

static void it_is_over_after_a_minute_or_when_told(void **state)
{
	struct fixture *f = *state;

	f->now_s += INBOUND_TOKEN_OPEN_S;
	ask(f, "isp-a", TOKEN "-u1.www.example.com.", LDNS_RR_TYPE_TXT);
	assert_status(f, "NOERROR aa");
	f->now_s++;
	ask(f, "isp-a", TOKEN "-u2.www.example.com.", LDNS_RR_TYPE_TXT);
	assert_status(f, "NXDOMAIN aa");
	assert_null(inbound_token_find(&tokens, TOKEN, f->now_s));

	assert_int_equal(inbound_token_open(&tokens, TOKEN, f->now_s), 0);
	inbound_token_close(&tokens, TOKEN);
	ask(f, "isp-a", TOKEN "-u3.www.example.com.", LDNS_RR_TYPE_TXT);
	assert_status(f, "NXDOMAIN aa");
}

static void counts_begin_anew_and_a_renewal_keeps_them(void **state)
{
	struct fixture *f = *state;

	ask(f, "isp-a", TOKEN "-u1.www.example.com.", LDNS_RR_TYPE_TXT);
	assert_int_equal(inbound_token_open(&tokens, TOKEN, f->now_s + 30), 0);
	f->now_s += 80;
	assert_int_equal(arrived(f, 0, SITE_IPV4, 0), 1);
	inbound_token_close_all(&tokens);
	assert_false(inbound_tokens_are_open(&tokens));
	assert_int_equal(inbound_token_open(&tokens, TOKEN, f->now_s), 0);
	assert_int_equal(arrived(f, 0, SITE_IPV4, 0), 0);
}

static void there_are_few_places(void **state)
{
	struct fixture *f = *state;
	char token[INBOUND_TOKEN_LEN + 1] = OTHER;

	for (int i = 1; i < INBOUND_TOKEN_MAX; i++) {
		snprintf(token, sizeof(token), "%032x", (unsigned int)i);
		assert_int_equal(inbound_token_open(&tokens, token, f->now_s), 0);
	}
	assert_int_equal(inbound_token_open(&tokens, OTHER, f->now_s), -EBUSY);
	assert_int_equal(inbound_token_open(&tokens, TOKEN, f->now_s), 0);
	assert_int_equal(
		inbound_token_open(&tokens, OTHER, f->now_s + INBOUND_TOKEN_OPEN_S + 1), 0);
}

static void what_is_no_token_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(inbound_token_open(&tokens, "", f->now_s), -EINVAL);
	assert_int_equal(inbound_token_open(&tokens, TOKEN "0", f->now_s), -EINVAL);
	assert_int_equal(
		inbound_token_open(&tokens, "0123456789ABCDEF0123456789abcdef", f->now_s),
		-EINVAL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_name_is_answered_with_the_view_and_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_other_kind_must_come_back_by_tcp, setup, teardown),
		cmocka_unit_test_setup_teardown(other_types_have_no_data, setup, teardown),
		cmocka_unit_test_setup_teardown(mixed_case_is_the_same_name, setup, teardown),
		cmocka_unit_test_setup_teardown(all_other_names_do_not_exist, setup, teardown),
		cmocka_unit_test(a_wildcard_does_not_take_the_name),
		cmocka_unit_test_setup_teardown(
			it_is_over_after_a_minute_or_when_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			counts_begin_anew_and_a_renewal_keeps_them, setup, teardown),
		cmocka_unit_test_setup_teardown(there_are_few_places, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_token_is_refused, setup, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("expect", tests, NULL, NULL);
}
