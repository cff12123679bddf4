/* test_target.c - one probe target: its verdicts, given sends, answers and times */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/uplink/target.h"

#include <string.h>

enum { MS = 1000, SEC = 1000 * MS };

static const struct site_probing defaults = {
	.interval_ms = 500,
	.suspect_ms = 100,
	.timeout_ms = 1000,
	.fall = 5,
	.rise = 5,
	.degraded_loss = 0.1,
	.degraded_rtt_ms = 500,
};

struct fixture {
	struct target target;
	int64_t now_us;
	int64_t rtt_us;	     /* of answers */
	uint32_t waiting;    /* probe that will be answered ... */
	int64_t answer_us;   /* ... then; INT64_MAX: none */
	int64_t sent_us[64]; /* of the latest probes, by seq modulo */
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.now_us = 10 * SEC, .rtt_us = 1 * MS, .answer_us = INT64_MAX};
	target_init(&f.target, &defaults, f.now_us);
	*state = &f;
	return 0;
}

/* Lets time pass until `until_us`. Each probe is answered, or none is. */
static void run(struct fixture *f, int64_t until_us, bool answered)
{
	for (int wakeups = 0;; wakeups++) {
		int64_t next_us = target_next_us(&f->target);

		assert_true(wakeups < 1000000);
		if (f->answer_us < next_us)
			next_us = f->answer_us;
		if (next_us > until_us)
			break;
		if (next_us > f->now_us)
			f->now_us = next_us;
		if (f->now_us >= f->answer_us) {
			assert_true(target_answered(&f->target, f->waiting, -1, f->now_us));
			f->answer_us = INT64_MAX;
		}
		target_step(&f->target, f->now_us);
		if (!target_wants_send(&f->target, f->now_us))
			continue;
		uint32_t seq = target_sent(&f->target, f->now_us);
		f->sent_us[seq % 64] = f->now_us;
		if (answered) {
			f->waiting = seq;
			f->answer_us = f->now_us + f->rtt_us;
		}
	}
	f->now_us = until_us;
}

static void run_for(struct fixture *f, int64_t us, bool answered)
{
	run(f, f->now_us + us, answered);
}

static void fall_follows_the_loss_as_documented(void **state)
{
	static const struct {
		double loss;
		int64_t interval_ms;
		unsigned int fall;
		unsigned int n;
	} cases[] = {
		{0, 500, 5, 5},
		{0.01, 500, 5, 5},
		{0.05, 500, 5, 6},
		{0.1, 500, 5, 7},
		{0.2, 500, 5, 10},
		{0.5, 500, 5, 23},
		{0.9, 500, 5, 30},
		{1, 500, 5, 30},
		{0, 500, 1, 1},
		{0.01, 500, 1, 4},
		{0.01, 500, 30, 30},
		{0.2, 10000, 5, 8},
		{0.2, 3600000, 1, 5},
		{0.1, 10, 5, 9},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("  loss %g, interval %lld ms, fall %u\n", cases[i].loss,
			(long long)cases[i].interval_ms, cases[i].fall);
		assert_int_equal(
			target_fall(cases[i].loss, cases[i].interval_ms, cases[i].fall),
			cases[i].n);
	}
}

static void the_first_answer_makes_it_alive(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->target.verdict, TARGET_UNKNOWN);
	run_for(f, 10 * MS, true);
	assert_int_equal(f->target.verdict, TARGET_ALIVE);
	assert_int_equal(f->target.n_sent, 1);
	assert_int_equal(f->target.srtt_us, 1 * MS);
}

static void a_target_that_answers_is_probed_at_the_interval(void **state)
{
	struct fixture *f = *state;

	run_for(f, 60 * SEC, true);
	assert_in_range(f->target.n_sent, 120, 121);
	assert_int_equal(f->target.verdict, TARGET_ALIVE);
	assert_int_equal(f->target.n_lost, 0);
}

static void one_that_never_answered_dies_within_two_seconds(void **state)
{
	struct fixture *f = *state;

	run_for(f, 1300 * MS, false);
	assert_int_equal(f->target.verdict, TARGET_UNKNOWN);
	run_for(f, 500 * MS, false);
	assert_int_equal(f->target.verdict, TARGET_DEAD);
	assert_true(f->target.lost_in_row >= 5);
}

static void a_late_answer_makes_it_suspect(void **state)
{
	struct fixture *f = *state;

	run_for(f, 10 * SEC + 1 * MS, true);
	int64_t cut_us = f->now_us; /* just after an answer */
	run(f, cut_us + 499 * MS + 20 * MS, false);
	assert_int_equal(f->target.verdict, TARGET_ALIVE);
	run(f, cut_us + 499 * MS + 30 * MS, false);
	assert_int_equal(f->target.verdict, TARGET_SUSPECT);
	assert_int_equal(f->target.lost_in_row, 0);

	uint32_t seq = f->target.next_seq;
	run(f, cut_us + 499 * MS + 110 * MS, false);
	assert_int_equal(f->target.next_seq, seq + 1);
	assert_int_equal(f->sent_us[seq % 64] - f->sent_us[(seq - 1) % 64], 100 * MS);
}

static void it_is_dead_within_the_time_of_the_comment(void **state)
{
	struct fixture *f = *state;

	run_for(f, 10 * SEC + 1 * MS, true);
	int64_t cut_us = f->now_us;
	run(f, cut_us + 1040 * MS, false);
	assert_int_equal(f->target.verdict, TARGET_SUSPECT);
	run(f, cut_us + 1055 * MS, false);
	assert_int_equal(f->target.verdict, TARGET_DEAD);
	assert_int_equal(f->target.first_lost_us, cut_us + 499 * MS);
}

static void a_dead_target_is_probed_at_the_interval_and_needs_rise_answers(void **state)
{
	struct fixture *f = *state;

	run_for(f, 10 * SEC, true);
	run_for(f, 60 * SEC, false);
	assert_int_equal(f->target.verdict, TARGET_DEAD);
	assert_true(f->target.n_sent <= 21 + 10 + 120);
	assert_true(target_stats(&f->target, f->now_us).loss > 0.95);

	run_for(f, 1900 * MS, true);
	assert_int_equal(f->target.verdict, TARGET_DEAD);
	run_for(f, 700 * MS, true);
	assert_int_equal(f->target.verdict, TARGET_ALIVE);
	assert_true(target_stats(&f->target, f->now_us).loss == 0);
}

static void a_slow_first_answer_does_not_slow_the_next_verdict(void **state)
{
	struct fixture *f = *state;

	run_for(f, 5 * SEC, true);
	run_for(f, 5 * SEC, false);
	assert_int_equal(f->target.verdict, TARGET_DEAD);
	f->rtt_us = 450 * MS; /* neighbour discovery */
	while (f->target.answered_in_row == 0)
		run_for(f, 10 * MS, true);
	f->rtt_us = 1 * MS;
	while (f->target.verdict == TARGET_DEAD)
		run_for(f, 10 * MS, true);

	int64_t cut_us = f->now_us;
	while (f->target.verdict != TARGET_DEAD)
		run_for(f, 1 * MS, false);

	assert_true(f->now_us - cut_us <= 1100 * MS);
}

static void an_outage_does_not_count_as_usual_loss(void **state)
{
	struct fixture *f = *state;

	run_for(f, 10 * SEC, true);
	run_for(f, 60 * SEC, false);
	run_for(f, 10 * SEC, true);
	assert_int_equal(target_fall_now(&f->target, f->now_us), 5);
}

/* Every `nth` probe is lost, for so many seconds. */
static void lose_every(struct fixture *f, int nth, int seconds)
{
	int64_t until_us = f->now_us + (int64_t)seconds * SEC;

	for (int i = 0; f->now_us < until_us; i++) {
		while (!target_wants_send(&f->target, f->now_us)) {
			f->now_us = target_next_us(&f->target);
			target_step(&f->target, f->now_us);
		}
		uint32_t seq = target_sent(&f->target, f->now_us);
		if (i % nth)
			target_answered(&f->target, seq, -1, f->now_us + 1 * MS);
		f->now_us += 1 * MS;
	}
}

static void scattered_losses_raise_fall(void **state)
{
	struct fixture *f = *state;

	run_for(f, 10 * SEC, true);
	lose_every(f, 10, 120);
	assert_int_equal(target_fall_now(&f->target, f->now_us), 7);
	assert_in_range((int)(target_stats(&f->target, f->now_us).loss * 1000), 80, 120);
}

static void losses_are_forgotten_after_an_hour(void **state)
{
	struct fixture *f = *state;

	lose_every(f, 5, 300);
	assert_true(target_fall_now(&f->target, f->now_us) >= 9);
	run_for(f, 600LL * SEC, true);
	assert_true(target_fall_now(&f->target, f->now_us) >= 6);
	run_for(f, 3600LL * SEC, true);
	assert_int_equal(target_fall_now(&f->target, f->now_us), 5);
	assert_true(target_stats(&f->target, f->now_us).loss == 0);
}

static void an_answer_after_it_was_counted_as_lost_is_taken(void **state)
{
	struct fixture *f = *state;

	run_for(f, 10 * SEC + 1 * MS, true);
	uint32_t seq = f->target.next_seq;
	run_for(f, 499 * MS + 251 * MS, false); /* sent at 499, 599, 699 */
	assert_int_equal(f->target.lost_in_row, 2);

	assert_true(target_answered(&f->target, seq + 2, -1, f->now_us));
	assert_int_equal(f->target.lost_in_row, 0);
	assert_int_equal(f->target.verdict, TARGET_ALIVE);
	assert_true(target_answered(&f->target, seq, -1, f->now_us));
	run_for(f, 3 * SEC, true);
	assert_int_equal(f->target.n_lost, 1); /* the one between */
}

static void answers_without_a_waiting_probe_are_ignored(void **state)
{
	struct fixture *f = *state;

	run_for(f, 10 * SEC + 1 * MS, true);
	struct target before = f->target;
	uint32_t seq = f->target.next_seq;
	assert_false(target_answered(&f->target, seq, -1, f->now_us));	    /* not sent */
	assert_false(target_answered(&f->target, seq - 1, -1, f->now_us));  /* twice */
	assert_false(target_answered(&f->target, seq + 32, -1, f->now_us)); /* same slot */
	assert_false(target_answered(&f->target, 0, -1, f->now_us));
	assert_memory_equal(&before, &f->target, sizeof(before));

	seq = target_sent(&f->target, f->now_us);
	assert_false(target_answered(&f->target, seq, -1, f->now_us + 1001 * MS));
}

static void a_failed_send_counts_at_once(void **state)
{
	struct fixture *f = *state;

	run_for(f, 10 * SEC + 1 * MS, true);
	for (int i = 0; i < 5; i++) {
		assert_int_not_equal(f->target.verdict, TARGET_DEAD);
		f->now_us = f->target.next_send_us;
		target_failed(&f->target, target_sent(&f->target, f->now_us), f->now_us);
	}
	assert_int_equal(f->target.verdict, TARGET_DEAD);
	assert_int_equal(f->now_us - f->target.first_lost_us, 400 * MS);
}

static void suspicion_from_outside_probes_once_and_soon(void **state)
{
	struct fixture *f = *state;

	run_for(f, 10 * SEC + 200 * MS, true);
	target_suspect(&f->target, f->now_us);
	assert_true(target_wants_send(&f->target, f->now_us));
	uint64_t n_sent = f->target.n_sent;
	run_for(f, 400 * MS, true);
	assert_int_equal(f->target.n_sent, n_sent + 1);
	assert_int_equal(f->target.verdict, TARGET_ALIVE);
}

static void patience_follows_the_round_trip_time(void **state)
{
	static const int64_t rtts_us[] = {100, 20 * MS, 100 * MS, 400 * MS};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rtts_us) / sizeof(*rtts_us); i++) {
		setup(state);
		f->rtt_us = rtts_us[i];
		run_for(f, 60 * SEC, true);
		int64_t cut_us = f->now_us;
		while (f->target.verdict != TARGET_DEAD)
			run_for(f, 1 * MS, false);
		print_message("  rtt %.1f ms: dead after %lld ms\n", (double)rtts_us[i] / MS,
			(long long)(f->now_us - cut_us) / MS);
		assert_true(f->now_us - cut_us < 1060 * MS + 3 * rtts_us[i]);
	}
}

static void with_one_way_traffic_it_waits_less_for_the_last_probe(void **state)
{
	struct fixture *f = *state;

	run_for(f, 10 * SEC + 1 * MS, true);
	int64_t cut_us = f->now_us;
	f->target.one_way = true;
	target_suspect(&f->target, f->now_us);
	while (f->target.verdict != TARGET_DEAD)
		run_for(f, 1 * MS, false);
	assert_in_range(f->now_us - cut_us, 500 * MS, 550 * MS);
}

static void flights_are_bounded(void **state)
{
	struct site_probing hasty = defaults;
	struct fixture *f = *state;

	hasty.interval_ms = 10;
	hasty.suspect_ms = 10;
	hasty.fall = 30;
	target_configure(&f->target, &hasty);
	run_for(f, 900 * MS, false);
	assert_int_equal(f->target.n_sent, TARGET_FLIGHTS);
	run_for(f, 2 * SEC, false);
	assert_int_equal(f->target.verdict, TARGET_DEAD);
}

static void round_trip_times_are_kept_for_a_minute(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(target_stats(&f->target, f->now_us).rtt_us, -1);
	f->rtt_us = 40 * MS;
	run_for(f, 30 * SEC, true);
	f->rtt_us = 20 * MS;
	run_for(f, 30 * SEC, true);
	struct target_stats stats = target_stats(&f->target, f->now_us);
	assert_in_range(stats.rtt_us, 28 * MS, 32 * MS);
	assert_int_equal(stats.rtt_min_us, 20 * MS);

	f->rtt_us = 50 * MS;
	run_for(f, 60 * SEC, true);
	assert_int_equal(target_stats(&f->target, f->now_us).rtt_us, 50 * MS);
	assert_in_range(f->target.srtt_us, 49 * MS, 50 * MS);
}

static void sequence_numbers_may_wrap(void **state)
{
	struct fixture *f = *state;

	f->target.next_seq = UINT32_MAX - 10;
	f->target.answered_seq = UINT32_MAX - 11;
	run_for(f, 20 * SEC, true);
	assert_int_equal(f->target.n_lost, 0);
	assert_int_equal(f->target.verdict, TARGET_ALIVE);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(fall_follows_the_loss_as_documented, setup),
		cmocka_unit_test_setup(the_first_answer_makes_it_alive, setup),
		cmocka_unit_test_setup(a_target_that_answers_is_probed_at_the_interval, setup),
		cmocka_unit_test_setup(one_that_never_answered_dies_within_two_seconds, setup),
		cmocka_unit_test_setup(a_late_answer_makes_it_suspect, setup),
		cmocka_unit_test_setup(it_is_dead_within_the_time_of_the_comment, setup),
		cmocka_unit_test_setup(
			a_dead_target_is_probed_at_the_interval_and_needs_rise_answers, setup),
		cmocka_unit_test_setup(
			a_slow_first_answer_does_not_slow_the_next_verdict, setup),
		cmocka_unit_test_setup(an_outage_does_not_count_as_usual_loss, setup),
		cmocka_unit_test_setup(scattered_losses_raise_fall, setup),
		cmocka_unit_test_setup(losses_are_forgotten_after_an_hour, setup),
		cmocka_unit_test_setup(an_answer_after_it_was_counted_as_lost_is_taken, setup),
		cmocka_unit_test_setup(answers_without_a_waiting_probe_are_ignored, setup),
		cmocka_unit_test_setup(a_failed_send_counts_at_once, setup),
		cmocka_unit_test_setup(suspicion_from_outside_probes_once_and_soon, setup),
		cmocka_unit_test_setup(patience_follows_the_round_trip_time, setup),
		cmocka_unit_test_setup(
			with_one_way_traffic_it_waits_less_for_the_last_probe, setup),
		cmocka_unit_test_setup(flights_are_bounded, setup),
		cmocka_unit_test_setup(round_trip_times_are_kept_for_a_minute, setup),
		cmocka_unit_test_setup(sequence_numbers_may_wrap, setup),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
