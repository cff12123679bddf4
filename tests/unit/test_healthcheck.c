/* test_healthcheck.c - one address and port: its verdict, given the outcomes of connections */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/health/healthcheck.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MS = 1000, SEC = 1000 * MS };

/* 2026-11-22 10:00:00 UTC, at 100 s of the monotonic clock */
static const int64_t begin_us = 100LL * SEC;
static const int64_t begin_wall_us = 1795341600LL * SEC;

static enum health_outcome outcome_of(char letter)
{
	static const char letters[] = "arsuo"; /* in the order of enum health_outcome */
	const char *at = strchr(letters, letter);

	assert_non_null(at);
	return (enum health_outcome)(at - letters);
}

/* One connection each second, which ends after 2 ms. Returns how often the verdict changed. */
static unsigned int take(struct healthcheck *check, const char *outcomes)
{
	unsigned int n_turned = 0;
	int64_t now_us = begin_us;

	for (const char *o = outcomes; *o; o++, now_us += SEC)
		n_turned += healthcheck_take(check, outcome_of(*o), now_us, now_us + 2 * MS);
	return n_turned;
}

static void verdicts_follow_the_drawing(void **state)
{
	static const struct {
		const char *outcomes;
		enum health_verdict verdict;
		unsigned int n_turned;
		int64_t delay_ms;
	} cases[] = {
		/* not known yet */
		{"", HEALTH_UNKNOWN, 0, HEALTH_SUSPECT_MS},
		{"r", HEALTH_UNKNOWN, 0, HEALTH_SUSPECT_MS},
		{"rs", HEALTH_UNKNOWN, 0, HEALTH_SUSPECT_MS},
		{"rsu", HEALTH_DEAD, 1, HEALTH_INTERVAL_MS},
		{"ooo", HEALTH_DEAD, 1, HEALTH_INTERVAL_MS},
		{"a", HEALTH_ALIVE, 0, HEALTH_INTERVAL_MS},
		{"rra", HEALTH_ALIVE, 0, HEALTH_INTERVAL_MS},
		/* alive */
		{"aaaa", HEALTH_ALIVE, 0, HEALTH_INTERVAL_MS},
		{"ar", HEALTH_ALIVE, 0, HEALTH_SUSPECT_MS},
		{"arr", HEALTH_ALIVE, 0, HEALTH_SUSPECT_MS},
		{"arra", HEALTH_ALIVE, 0, HEALTH_INTERVAL_MS},
		{"arrarrarr", HEALTH_ALIVE, 0, HEALTH_SUSPECT_MS},
		{"arrr", HEALTH_DEAD, 1, HEALTH_INTERVAL_MS},
		{"asss", HEALTH_DEAD, 1, HEALTH_INTERVAL_MS},
		/* dead */
		{"rrrrrrrr", HEALTH_DEAD, 1, HEALTH_INTERVAL_MS},
		{"rrra", HEALTH_DEAD, 1, HEALTH_SUSPECT_MS},
		{"rrrar", HEALTH_DEAD, 1, HEALTH_INTERVAL_MS},
		{"rrrarar", HEALTH_DEAD, 1, HEALTH_INTERVAL_MS},
		{"rrraa", HEALTH_ALIVE, 2, HEALTH_INTERVAL_MS},
		{"rrraarr", HEALTH_ALIVE, 2, HEALTH_SUSPECT_MS},
		{"rrraarrr", HEALTH_DEAD, 3, HEALTH_INTERVAL_MS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct healthcheck check = {0};
		unsigned int n_turned = take(&check, cases[i].outcomes);

		if (check.verdict != cases[i].verdict || n_turned != cases[i].n_turned ||
			healthcheck_delay_ms(&check) != cases[i].delay_ms)
			fail_msg("after \"%s\": verdict %d, turned %u times, next in %d ms",
				cases[i].outcomes, (int)check.verdict, n_turned,
				(int)healthcheck_delay_ms(&check));
	}
}

static void reasons_tell_how_many_and_since_when(void **state)
{
	static const struct {
		const char *outcomes;
		const char *why;
	} cases[] = {
		{"", "10.0.1.5 port 80 has not been tried yet"},
		{"a", "10.0.1.5 port 80 accepts connections"},
		{"r", "1 connection to 10.0.1.5 port 80 refused at 10:00:00"},
		{"aas", "1 connection to 10.0.1.5 port 80 unanswered at 10:00:02"},
		{"rrr", "3 of 3 connections to 10.0.1.5 port 80 refused since 10:00:00"},
		{"arrr", "3 of 3 connections to 10.0.1.5 port 80 refused since 10:00:01"},
		{"rrasss", "3 of 3 connections to 10.0.1.5 port 80 unanswered since 10:00:03"},
		{"uuuu", "4 of 4 connections to 10.0.1.5 port 80 found the host unreachable "
			 "since 10:00:00"},
		{"ooo", "3 of 3 connections to 10.0.1.5 port 80 found no route but one over "
			"an uplink since 10:00:00"},
		{"ssr", "3 of 3 connections to 10.0.1.5 port 80 lost since 10:00:00, the "
			"last one refused"},
		/* it accepted one in between, and is dead */
		{"rrrar", "4 of 5 connections to 10.0.1.5 port 80 refused since 10:00:00"},
		{"rrra", "3 of 4 connections to 10.0.1.5 port 80 refused since 10:00:00"},
		{"rrraa", "10.0.1.5 port 80 accepts connections"},
	};
	struct addr addr;

	(void)state;
	assert_int_equal(addr_parse("10.0.1.5", &addr), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct healthcheck_about about = {
			&addr, 80, begin_us + 10 * SEC, begin_wall_us + 10 * SEC};
		struct healthcheck check = {0};
		char why[HEALTH_WHY_MAX];

		take(&check, cases[i].outcomes);
		assert_string_equal(
			healthcheck_why(&check, &about, why, sizeof(why)), cases[i].why);
	}
}

static void an_old_outage_has_its_date(void **state)
{
	struct healthcheck check = {0};
	char why[HEALTH_WHY_MAX];
	struct addr addr;

	(void)state;
	assert_int_equal(addr_parse("2001:db8:c1::5", &addr), 0);
	const struct healthcheck_about about = {
		&addr, 443, begin_us + 90000LL * SEC, begin_wall_us + 90000LL * SEC};
	take(&check, "rrr");
	assert_string_equal(healthcheck_why(&check, &about, why, sizeof(why)),
		"3 of 3 connections to 2001:db8:c1::5 port 443 refused "
		"since 2026-11-22 10:00:00");
}

/* A buffer of HEALTH_WHY_MAX is enough for the longest reason. */
static void the_longest_reason_fits(void **state)
{
	struct healthcheck check = {.verdict = HEALTH_DEAD,
		.n_lost = UINT32_MAX,
		.n_tried = UINT32_MAX,
		.last = HEALTH_VIA_UPLINK,
		.mixed = true,
		.outage_us = 1};
	char why[HEALTH_WHY_MAX];
	struct addr addr;

	(void)state;
	assert_int_equal(addr_parse("2001:db8:1111:2222:3333:4444:5555:6666", &addr), 0);
	const struct healthcheck_about about = {&addr, 65535, 1000000LL * SEC, begin_wall_us};
	healthcheck_why(&check, &about, why, sizeof(why));
	assert_true(strlen(why) < sizeof(why) - 1);
	assert_non_null(strstr(why, "but one over an uplink"));
}

static void the_figures_of_the_last_connection_are_kept(void **state)
{
	struct healthcheck check = {0};

	(void)state;
	take(&check, "rrraa");
	assert_int_equal(check.rtt_us, 2 * MS);
	assert_int_equal(check.since_us, begin_us + 4 * SEC + 2 * MS);
	take(&check, "rrr");
	assert_int_equal(check.rtt_us, 2 * MS);
	assert_int_equal(check.since_us, begin_us + 2 * SEC + 2 * MS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_follow_the_drawing),
		cmocka_unit_test(reasons_tell_how_many_and_since_when),
		cmocka_unit_test(an_old_outage_has_its_date),
		cmocka_unit_test(the_longest_reason_fits),
		cmocka_unit_test(the_figures_of_the_last_connection_are_kept),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("healthcheck", tests, NULL, NULL);
}
