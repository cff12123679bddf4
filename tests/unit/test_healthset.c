/* test_healthset.c - which targets are checked, for which paths and when, with simulated
 * connections and time
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/health/healthset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/situations.h"
#include "routed/kernel/text.h"

enum { MS = 1000, SEC = 1000 * MS, A = 0, B = 1, MANY = 4096, PORT = 80 };

/* How connections to an address end. */
struct answer {
	const char *addr;
	enum health_outcome outcome;
};

struct fixture {
	struct site *site;
	struct healthset set;
	int64_t now_us;
	const struct answer *answers; /* all others accept */
	size_t n_answers;
	size_t n_begun; /* connections since the last reset */
	size_t n_most;	/* under way at a time */
	size_t n_gone;	/* under way when a configuration removed them */
	size_t n_wakeups;
	int64_t most_gap_us; /* between two connections to one target */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->now_us = 1000LL * SEC + 3 * MS;
	healthset_init(&f->set);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	healthset_fini(&f->set);
	site_free(f->site);
	free(f);
	return 0;
}

static void on_gone(struct health_target *target, void *arg)
{
	struct fixture *f = arg;

	assert_true(target->queue == &f->set.under_way);
	f->n_gone++;
}

/* Owns the site from now on, and frees the one before. */
static void use(struct fixture *f, struct site *site)
{
	assert_int_equal(healthset_configure(&f->set, site, f->now_us, on_gone, f), 0);
	site_free(f->site);
	f->site = site;
}

/* The reference site with "check: tcp 80" and more keys of the server. */
static struct site *checked(const char *server)
{
	struct text text = {0};

	text_add(&text,
		"uplinks:\n"
		"  - {name: isp-a, interface: wan-a}\n"
		"  - {name: isp-b, interface: wan-b}\n"
		"servers:\n"
		"  - name: web\n"
		"    ports: [80/tcp]\n"
		"    check: tcp 80\n%s",
		server);

	struct site *site = situations_site(text.data);
	text_fini(&text);
	return site;
}

static struct site *with_loopbacks(void)
{
	return checked("    address: 10.0.0.10\n"
		       "    loopbacks: {isp-a: 10.0.1.1, isp-b: 10.0.1.5}\n");
}

static struct site *with_both_families(void)
{
	return checked("    address: [10.0.0.10, \"2001:db8:c::10\"]\n"
		       "    loopbacks:\n"
		       "      isp-a: [10.0.1.1, \"2001:db8:c1::1\"]\n"
		       "      isp-b: [10.0.1.5, \"2001:db8:c1::5\"]\n");
}

static enum health_outcome answer_of(const struct fixture *f, const struct addr *addr)
{
	for (size_t i = 0; i < f->n_answers; i++) {
		struct addr known;

		assert_int_equal(addr_parse(f->answers[i].addr, &known), 0);
		if (addr_eq(&known, addr))
			return f->answers[i].outcome;
	}
	return HEALTH_ACCEPTED;
}

/* One wake-up of the edge. A silent target stays under way. */
static void wake(struct fixture *f)
{
	struct health_target *target;

	f->n_wakeups++;
	while ((target = healthset_late(&f->set, f->now_us)))
		healthset_end(&f->set, target, HEALTH_SILENT, f->now_us);
	for (;;) {
		struct health_target *first = TAILQ_FIRST(&f->set.ready);
		int64_t before_us = first ? first->begun_us : 0;

		target = healthset_next(&f->set, f->now_us);
		if (!target)
			break;
		if (target == first && before_us && f->now_us - before_us > f->most_gap_us)
			f->most_gap_us = f->now_us - before_us;
		f->n_begun++;
		if (f->set.n_under_way > f->n_most)
			f->n_most = f->set.n_under_way;
		enum health_outcome outcome = answer_of(f, &target->addr);
		if (outcome != HEALTH_SILENT)
			healthset_end(&f->set, target, outcome, f->now_us + MS);
	}
}

/* Lets time pass as the edge does: from each due time of the set to the next. */
static void run_for(struct fixture *f, int64_t us)
{
	int64_t until_us = f->now_us + us;

	f->n_begun = f->n_most = f->n_wakeups = 0;
	f->most_gap_us = 0;
	for (;;) {
		int64_t next_us = healthset_next_us(&f->set);

		assert_true(f->n_wakeups < 1000000);
		if (next_us < f->now_us + MS)
			next_us = f->now_us + MS; /* as health.c does */
		if (next_us > until_us)
			break;
		f->now_us = next_us;
		wake(f);
	}
	f->now_us = until_us;
}

static const bool ipv4_only[SITE_FAMILIES] = {[SITE_IPV4] = true};
static const bool both[SITE_FAMILIES] = {true, true};

static enum healthset_path_state state_at(struct fixture *f, size_t uplink)
{
	return healthset_state(&f->set, 0, uplink, both);
}

static const char *ends_at(struct fixture *f, size_t uplink, enum site_family family)
{
	const struct health_target *path = healthset_path(&f->set, 0, uplink, family);

	return path ? addr_str(&path->addr) : "nowhere";
}

/* ---- paths ---- */

static void paths_end_where_connections_are_forwarded_to(void **state)
{
	struct fixture *f = *state;

	use(f, with_loopbacks());
	assert_int_equal(f->set.n_targets, 2);
	assert_string_equal(ends_at(f, A, SITE_IPV4), "10.0.1.1");
	assert_string_equal(ends_at(f, B, SITE_IPV4), "10.0.1.5");
	assert_string_equal(ends_at(f, A, SITE_IPV6), "nowhere");

	/* without a loopback of that uplink and family: its address, as in the forwards */
	use(f, checked("    address: [10.0.0.10, \"2001:db8:c::10\"]\n"
		       "    loopbacks: {isp-b: 10.0.1.5}\n"));
	assert_string_equal(ends_at(f, A, SITE_IPV4), "10.0.0.10");
	assert_string_equal(ends_at(f, B, SITE_IPV4), "10.0.1.5");
	assert_string_equal(ends_at(f, A, SITE_IPV6), "2001:db8:c::10");
	assert_string_equal(ends_at(f, B, SITE_IPV6), "2001:db8:c::10");
	assert_int_equal(f->set.n_targets, 3);

	use(f, checked("    address: 10.0.0.10\n    uplinks: [isp-b]\n"));
	assert_string_equal(ends_at(f, A, SITE_IPV4), "nowhere");
	assert_string_equal(ends_at(f, B, SITE_IPV4), "10.0.0.10");
}

static void paths_to_one_address_share_one_connection(void **state)
{
	struct fixture *f = *state;
	const struct answer refused[] = {{"10.0.0.10", HEALTH_REFUSED}};

	use(f, checked("    address: 10.0.0.10\n"
		       "  - name: alias\n"
		       "    address: 10.0.0.10\n"
		       "    check: tcp 80\n"
		       "  - name: other\n"
		       "    address: 10.0.0.10\n"
		       "    check: tcp 81\n"
		       "  - name: unchecked\n"
		       "    address: 10.0.0.11\n"));
	assert_int_equal(f->set.n_targets, 2); /* ports 80 and 81 */
	run_for(f, 10 * SEC);
	assert_in_range(f->n_begun, 20, 22);
	f->answers = refused;
	f->n_answers = 1;
	run_for(f, 3 * SEC);
	for (size_t server = 0; server < 3; server++)
		for (size_t uplink = A; uplink <= B; uplink++)
			assert_int_equal(healthset_state(&f->set, server, uplink, both),
				HEALTHSET_DEAD);
	assert_int_equal(healthset_state(&f->set, 3, A, both), HEALTHSET_ALIVE);
	assert_int_equal(healthset_state(&f->set, 4, A, both), HEALTHSET_ALIVE);
}

static void one_path_may_be_dead_without_the_others(void **state)
{
	struct fixture *f = *state;
	const struct answer refused[] = {{"10.0.1.5", HEALTH_REFUSED}};

	use(f, with_loopbacks());
	run_for(f, 3 * SEC);
	f->answers = refused;
	f->n_answers = 1;
	assert_int_equal(state_at(f, B), HEALTHSET_ALIVE);
	run_for(f, 1500 * MS);
	assert_int_equal(state_at(f, A), HEALTHSET_ALIVE);
	assert_int_equal(state_at(f, B), HEALTHSET_DEAD);
	f->n_answers = 0;
	run_for(f, 1500 * MS);
	assert_int_equal(state_at(f, B), HEALTHSET_ALIVE);
}

static void a_path_has_the_state_of_all_its_families(void **state)
{
	struct fixture *f = *state;
	const struct answer refused[] = {
		{"2001:db8:c1::5", HEALTH_REFUSED},
		{"10.0.1.5", HEALTH_REFUSED},
	};

	use(f, with_both_families());
	f->answers = refused;
	f->n_answers = 1;
	run_for(f, 3 * SEC);
	assert_int_equal(state_at(f, A), HEALTHSET_ALIVE);
	assert_int_equal(state_at(f, B), HEALTHSET_PARTLY_DEAD);
	/* nothing is forwarded in a family that the uplink does not have */
	assert_int_equal(healthset_state(&f->set, 0, B, ipv4_only), HEALTHSET_ALIVE);

	f->n_answers = 2;
	run_for(f, 3 * SEC);
	assert_int_equal(state_at(f, B), HEALTHSET_DEAD);
	assert_int_equal(healthset_state(&f->set, 0, B, ipv4_only), HEALTHSET_DEAD);

	f->answers = refused + 1; /* IPv4 only */
	f->n_answers = 1;
	run_for(f, 3 * SEC);
	assert_int_equal(state_at(f, B), HEALTHSET_PARTLY_DEAD);
	assert_int_equal(healthset_state(&f->set, 0, B, ipv4_only), HEALTHSET_DEAD);
	/* an uplink without any address: all families count */
	static const bool none[SITE_FAMILIES];
	assert_int_equal(healthset_state(&f->set, 0, B, none), HEALTHSET_PARTLY_DEAD);
}

/* ---- times ---- */

static void without_checks_there_are_no_wakeups(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(healthset_next_us(&f->set), INT64_MAX);
	use(f, situations_reference(NULL));
	assert_int_equal(healthset_next_us(&f->set), INT64_MAX);
	assert_null(healthset_next(&f->set, f->now_us));
}

static void a_healthy_target_gets_one_connection_a_second(void **state)
{
	struct fixture *f = *state;

	use(f, with_loopbacks());
	run_for(f, 2 * SEC);
	run_for(f, 60 * SEC);
	assert_in_range(f->n_begun, 118, 122);
	assert_true(f->n_wakeups <= f->n_begun + 2);
	assert_int_equal(f->n_most, 1); /* they take turns */
}

static void a_refusal_is_a_verdict_within_a_second_and_a_half(void **state)
{
	struct fixture *f = *state;
	const struct answer refused[] = {{"10.0.1.5", HEALTH_REFUSED}};

	use(f, with_loopbacks());
	for (int64_t phase_us = 0; phase_us < SEC; phase_us += 90 * MS) {
		f->n_answers = 0;
		run_for(f, 5 * SEC + phase_us);
		assert_int_equal(state_at(f, B), HEALTHSET_ALIVE);
		f->answers = refused;
		f->n_answers = 1;
		run_for(f, 1450 * MS);
		assert_int_equal(state_at(f, B), HEALTHSET_DEAD);
	}
}

static void silence_is_a_verdict_within_four_seconds(void **state)
{
	struct fixture *f = *state;
	const struct answer silent[] = {{"10.0.1.5", HEALTH_SILENT}};

	use(f, with_loopbacks());
	run_for(f, 5 * SEC);
	f->answers = silent;
	f->n_answers = 1;
	run_for(f, 2 * SEC);
	assert_int_equal(state_at(f, B), HEALTHSET_ALIVE);
	run_for(f, 2100 * MS);
	assert_int_equal(state_at(f, B), HEALTHSET_DEAD);
	run_for(f, 10 * SEC);
	/* one at a time to each, silent or not */
	assert_in_range(f->n_begun, 18, 22);
	f->n_answers = 0;
	run_for(f, 2500 * MS);
	assert_int_equal(state_at(f, B), HEALTHSET_ALIVE);
}

static struct site *many(void)
{
	struct text text = {0};

	text_add(&text, "uplinks:\n");
	for (int i = 0; i < 4; i++)
		text_add(&text, "  - {name: isp-%d, interface: wan-%d}\n", i, i);
	text_add(&text, "servers:\n");
	for (int s = 0; s < MANY / 4; s++) {
		text_add(&text,
			"  - {name: s%d, address: 10.1.%d.%d, check: tcp 80, loopbacks: {", s,
			s / 256, s % 256);
		for (int i = 0; i < 4; i++)
			text_add(&text, "%sisp-%d: 10.%d.%d.%d", i ? ", " : "", i, 10 + i,
				s / 256, s % 256);
		text_add(&text, "}}\n");
	}

	struct site *site = situations_site(text.data);
	text_fini(&text);
	return site;
}

static void many_targets_are_tried_less_often(void **state)
{
	struct fixture *f = *state;
	enum { ROUND_US = MANY * HEALTHSET_TICK_MS / HEALTHSET_BURST * MS };

	use(f, many());
	assert_int_equal(f->set.n_targets, MANY);
	run_for(f, 4LL * ROUND_US);
	run_for(f, 4LL * ROUND_US);
	assert_in_range(f->n_begun, 4 * MANY * 9 / 10, 4 * MANY + HEALTHSET_BURST);
	assert_in_range(
		f->most_gap_us, ROUND_US / 2, 2 * ROUND_US); /* each target has its turn */
	assert_true(f->n_wakeups <= 4LL * ROUND_US / (HEALTHSET_TICK_MS * MS) + 1);
}

/* Half of a LAN is gone. */
static void silent_ones_never_hold_more_than_their_share(void **state)
{
	struct fixture *f = *state;
	static struct answer silent[MANY];
	static char names[MANY][ADDR_STR_LEN];
	size_t n = 0;

	use(f, many());
	for (size_t i = 0; i < f->set.n_targets; i += 2, n++) {
		strcpy(names[n], addr_str(&f->set.targets[i]->addr));
		silent[n] = (struct answer){names[n], HEALTH_SILENT};
	}
	f->answers = silent;
	f->n_answers = n;
	run_for(f, 20 * SEC);
	assert_int_equal(f->n_most, HEALTHSET_UNDER_WAY);
	for (size_t i = 0; i < f->set.n_targets; i++)
		assert_true(f->set.targets[i]->begun_us > 0);
	run_for(f, 60 * SEC);
	for (size_t i = 0; i < f->set.n_targets; i++)
		assert_int_equal(f->set.targets[i]->check.verdict,
			i % 2 == 0 ? HEALTH_DEAD : HEALTH_ALIVE);
}

static void a_pause_of_the_process_changes_no_verdict(void **state)
{
	struct fixture *f = *state;

	use(f, with_loopbacks());
	run_for(f, 3 * SEC);
	f->now_us += 3600LL * SEC;
	run_for(f, 2 * SEC);
	assert_in_range(f->n_begun, 4, 6);
	assert_int_equal(state_at(f, A), HEALTHSET_ALIVE);
}

static void a_target_that_cannot_be_tried_keeps_its_verdict(void **state)
{
	struct fixture *f = *state;
	struct health_target *target;

	use(f, checked("    address: 10.0.0.10\n"));
	for (int i = 0; i < 10; i++, f->now_us += 1100 * MS) {
		target = healthset_next(&f->set, f->now_us);
		assert_non_null(target);
		healthset_defer(&f->set, target, f->now_us);
		assert_null(healthset_next(&f->set, f->now_us + 900 * MS));
	}
	assert_int_equal(state_at(f, A), HEALTHSET_ALIVE);
	assert_int_equal(f->set.n_under_way, 0);
}

/* ---- reload ---- */

static void a_reload_keeps_what_is_known_of_targets_that_stay(void **state)
{
	struct fixture *f = *state;
	const struct answer refused[] = {{"10.0.1.5", HEALTH_REFUSED}};

	use(f, with_loopbacks());
	f->answers = refused;
	f->n_answers = 1;
	run_for(f, 3 * SEC);
	assert_int_equal(state_at(f, B), HEALTHSET_DEAD);

	/* another server before it, the uplinks in another order, the same addresses */
	use(f, situations_site("uplinks:\n"
			       "  - {name: isp-b, interface: wan-b}\n"
			       "  - {name: isp-a, interface: wan-a}\n"
			       "servers:\n"
			       "  - {name: mail, address: 10.0.0.11, check: tcp 25}\n"
			       "  - name: web\n"
			       "    address: 10.0.0.10\n"
			       "    loopbacks: {isp-a: 10.0.1.1, isp-b: 10.0.1.5}\n"
			       "    check: tcp 80\n"));
	assert_int_equal(f->set.n_targets, 3);
	assert_int_equal(healthset_state(&f->set, 0, 0, both), HEALTHSET_ALIVE);
	assert_int_equal(healthset_state(&f->set, 1, 0, both), HEALTHSET_DEAD);
	assert_int_equal(healthset_state(&f->set, 1, 1, both), HEALTHSET_ALIVE);
	assert_int_equal(
		healthset_path(&f->set, 1, 1, SITE_IPV4)->check.verdict, HEALTH_ALIVE);
	assert_int_equal(
		healthset_path(&f->set, 0, 1, SITE_IPV4)->check.verdict, HEALTH_UNKNOWN);

	/* another port is another target: nothing is known of it */
	use(f, checked("    address: 10.0.0.10\n"
		       "    loopbacks: {isp-a: 10.0.1.1, isp-b: 10.0.1.6}\n"));
	assert_int_equal(f->set.n_targets, 2);
	assert_int_equal(state_at(f, B), HEALTHSET_ALIVE);
	run_for(f, 10 * SEC);
	assert_in_range(f->n_begun, 19, 22); /* removed targets are not tried */
}

static void a_reload_ends_only_connections_of_removed_targets(void **state)
{
	struct fixture *f = *state;
	const struct answer silent[] = {
		{"10.0.1.1", HEALTH_SILENT}, {"10.0.1.5", HEALTH_SILENT}};

	use(f, with_loopbacks());
	f->answers = silent;
	f->n_answers = 2;
	run_for(f, 600 * MS);
	assert_int_equal(f->set.n_under_way, 2);
	use(f, with_loopbacks());
	assert_int_equal(f->n_gone, 0);
	assert_int_equal(f->set.n_under_way, 2);
	use(f, checked("    address: 10.0.0.10\n    loopbacks: {isp-a: 10.0.1.1}\n"));
	assert_int_equal(f->n_gone, 1);
	assert_int_equal(f->set.n_under_way, 1);
	use(f, situations_reference(NULL));
	assert_int_equal(f->n_gone, 2);
	assert_int_equal(f->set.n_under_way, 0);
	assert_int_equal(healthset_next_us(&f->set), INT64_MAX);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(paths_end_where_connections_are_forwarded_to),
		TEST(paths_to_one_address_share_one_connection),
		TEST(one_path_may_be_dead_without_the_others),
		TEST(a_path_has_the_state_of_all_its_families),
		TEST(without_checks_there_are_no_wakeups),
		TEST(a_healthy_target_gets_one_connection_a_second),
		TEST(a_refusal_is_a_verdict_within_a_second_and_a_half),
		TEST(silence_is_a_verdict_within_four_seconds),
		TEST(many_targets_are_tried_less_often),
		TEST(silent_ones_never_hold_more_than_their_share),
		TEST(a_pause_of_the_process_changes_no_verdict),
		TEST(a_target_that_cannot_be_tried_keeps_its_verdict),
		TEST(a_reload_keeps_what_is_known_of_targets_that_stay),
		TEST(a_reload_ends_only_connections_of_removed_targets),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("healthset", tests, NULL, NULL);
}
