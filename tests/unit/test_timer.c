/* test_timer.c - libevent's timers, armed in milliseconds or microseconds */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/timer.h"

#include <event2/event.h>

struct fixture {
	struct event_base *base;
	struct event *timer;
	int n_fired;
};

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *f = arg;

	(void)fd;
	(void)what;
	f->n_fired++;
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.base = event_base_new()};
	f.timer = evtimer_new(f.base, on_timer, &f);
	*state = &f;
	return f.base && f.timer ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	event_freep(&f->timer);
	event_base_free(f->base);
	return 0;
}

/* How long the timer still waits. */
static int64_t left_us(const struct fixture *f)
{
	struct timeval due, now;

	assert_true(event_pending(f->timer, EV_TIMEOUT, &due));
	evutil_gettimeofday(&now, NULL);
	return (int64_t)(due.tv_sec - now.tv_sec) * 1000000 + (due.tv_usec - now.tv_usec);
}

/* Nothing but the wait itself and a slow machine lies between two readings of the clock. */
#define assert_left_us(f, us) assert_in_range(left_us(f), (us)-60000000, (us))

static void spans_are_split_into_seconds_and_the_rest(void **state)
{
	static const struct {
		int64_t us;
		long s, rest_us;
	} rows[] = {
		{0, 0, 0},
		{1, 0, 1},
		{999999, 0, 999999},
		{1000000, 1, 0},
		{86400123456, 86400, 123456},
		{-1, 0, 0},
		{INT64_MIN, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct timeval span = timer_span_us(rows[i].us);

		assert_int_equal(span.tv_sec, rows[i].s);
		assert_int_equal(span.tv_usec, rows[i].rest_us);
	}
}

static void a_timer_waits_as_long_as_it_was_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(timer_arm_ms(f->timer, 3600 * 1000), 0);
	assert_left_us(f, INT64_C(3600000000));
	assert_int_equal(timer_arm_us(f->timer, INT64_C(7200000000)), 0);
	assert_left_us(f, INT64_C(7200000000));
}

static void an_armed_timer_is_left_alone_when_asked_so(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(timer_arm_ms_if_idle(f->timer, 3600 * 1000), 0);
	assert_int_equal(timer_arm_ms_if_idle(f->timer, 2 * 3600 * 1000), 0);
	assert_left_us(f, INT64_C(3600000000));
}

static void a_wait_that_is_over_is_due_at_once(void **state)
{
	struct fixture *f = *state;
	static const int64_t waits_ms[] = {0, -1, -5000};

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(timer_arm_ms(f->timer, waits_ms[i]), 0);
		event_base_loop(f->base, EVLOOP_ONCE);
		assert_int_equal(f->n_fired, i + 1);
	}
}

static void a_freed_event_is_forgotten(void **state)
{
	struct fixture *f = *state;

	event_freep(&f->timer);
	assert_null(f->timer);
	event_freep(&f->timer);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_are_split_into_seconds_and_the_rest),
		cmocka_unit_test_setup_teardown(
			a_timer_waits_as_long_as_it_was_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_armed_timer_is_left_alone_when_asked_so, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_wait_that_is_over_is_due_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_freed_event_is_forgotten, setup, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
