/* test_flows.c - when the connections of an uplink go */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/flows.h"

#include <string.h>

enum { MS = 1000, SEC = 1000 * MS, FLUSH_AFTER_MS = 3000 };

struct fixture {
	struct flows flows;
	struct uplink uplink; /* only fault and health are looked at */
	struct addr chosen[SITE_FAMILIES];
	int64_t now_us;
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.now_us = 100 * (int64_t)SEC};
	addr_parse("192.168.2.1", &f.chosen[SITE_IPV4]);
	*state = &f;
	return 0;
}

static void observe(struct fixture *f)
{
	flows_observe(&f->flows, &f->uplink, f->chosen, FLUSH_AFTER_MS, f->now_us);
}

static void becomes(struct fixture *f, enum uplink_fault fault, enum uplink_state health)
{
	f->uplink.fault = fault;
	f->uplink.health = health;
	observe(f);
}

static enum flows_which take(struct fixture *f, bool other_is_up)
{
	return flows_take(&f->flows, other_is_up, f->now_us).which;
}

static void a_good_uplink_loses_nothing(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	assert_int_equal(take(f, true), FLOWS_NONE);
	assert_int_equal(flows_next_us(&f->flows, f->now_us), INT64_MAX);
}

static void a_lost_link_loses_all_at_once_and_once_more(void **state)
{
	static const enum uplink_fault faults[] = {
		UPLINK_NO_INTERFACE, UPLINK_NO_CARRIER, UPLINK_NO_ADDRESS, UPLINK_NO_GATEWAY};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		setup(state);
		struct fixture *f = *state;

		becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
		becomes(f, faults[i], UPLINK_DOWN);
		assert_int_equal(take(f, true), FLOWS_ALL);
		assert_int_equal(take(f, true), FLOWS_NONE);
		assert_int_equal(flows_next_us(&f->flows, f->now_us), f->now_us + SEC);
		f->now_us += SEC;
		observe(f);
		assert_int_equal(take(f, true), FLOWS_ALL);
		f->now_us += SEC;
		observe(f);
		assert_int_equal(take(f, true), FLOWS_NONE);
	}
}

static void a_verdict_costs_outbound_ones_after_a_while(void **state)
{
	struct fixture *f = *state;
	int64_t due_us = f->now_us + FLUSH_AFTER_MS * MS;

	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	becomes(f, UPLINK_NO_ANSWERS, UPLINK_DOWN);
	assert_int_equal(take(f, true), FLOWS_NONE);
	assert_int_equal(flows_next_us(&f->flows, f->now_us), due_us);
	f->now_us = due_us;
	assert_int_equal(take(f, true), FLOWS_OUTBOUND);
}

static void who_recovers_in_time_keeps_them(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_ANSWERS, UPLINK_DOWN);
	f->now_us += 2 * SEC;
	becomes(f, UPLINK_NO_FAULT, UPLINK_DOWN); /* held back, but it works */
	f->now_us += 2 * SEC;
	observe(f);
	assert_int_equal(take(f, true), FLOWS_NONE);
}

static void a_recovery_spares_the_repetition(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_CARRIER, UPLINK_DOWN);
	assert_int_equal(take(f, true), FLOWS_ALL);
	f->now_us += SEC / 2;
	becomes(f, UPLINK_NO_FAULT, UPLINK_DOWN);
	f->now_us += SEC;
	assert_int_equal(take(f, true), FLOWS_NONE);
}

static void nothing_goes_before_there_is_another_uplink(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_CARRIER, UPLINK_DOWN);
	assert_int_equal(take(f, false), FLOWS_NONE);
	f->now_us += 60 * (int64_t)SEC;
	observe(f);
	assert_int_equal(take(f, false), FLOWS_NONE);
	assert_int_equal(flows_next_us(&f->flows, f->now_us), INT64_MAX); /* no busy loop */
	assert_int_equal(take(f, true), FLOWS_ALL);
}

static void a_verdict_that_becomes_a_lost_link_costs_all(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_ANSWERS, UPLINK_DOWN);
	f->now_us += SEC;
	becomes(f, UPLINK_NO_CARRIER, UPLINK_DOWN);
	assert_int_equal(take(f, true), FLOWS_ALL);
}

static void a_verdict_put_off_costs_nothing(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_ANSWERS, UPLINK_UP);
	f->now_us += 10 * SEC;
	observe(f);
	assert_int_equal(take(f, true), FLOWS_NONE);
}

static void another_address_costs_all_even_alone(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	addr_parse("192.168.2.3", &f->chosen[SITE_IPV4]);
	observe(f);
	assert_int_equal(take(f, false), FLOWS_ALL);
	f->now_us += SEC;
	observe(f);
	assert_int_equal(take(f, false), FLOWS_ALL);
	f->now_us += SEC;
	observe(f);
	assert_int_equal(take(f, false), FLOWS_NONE);
}

static void another_address_costs_only_its_family(void **state)
{
	struct fixture *f = *state;
	struct flows_part part;

	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	addr_parse("192.168.2.3", &f->chosen[SITE_IPV4]);
	observe(f);
	part = flows_take(&f->flows, true, f->now_us);
	assert_int_equal(part.which, FLOWS_ALL);
	assert_true(part.family[SITE_IPV4]);
	assert_false(part.family[SITE_IPV6]);

	becomes(f, UPLINK_NO_CARRIER, UPLINK_DOWN);
	part = flows_take(&f->flows, true, f->now_us);
	assert_true(part.family[SITE_IPV6]);
}

static void an_address_that_comes_back_costs_nothing(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	f->chosen[SITE_IPV4] = (struct addr){0};
	becomes(f, UPLINK_NO_ADDRESS, UPLINK_DOWN);
	assert_int_equal(take(f, false), FLOWS_NONE);
	addr_parse("192.168.2.1", &f->chosen[SITE_IPV4]);
	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	assert_int_equal(take(f, true), FLOWS_NONE);
}

#define test(f) cmocka_unit_test_setup(f, setup)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(a_good_uplink_loses_nothing),
		test(a_lost_link_loses_all_at_once_and_once_more),
		test(a_verdict_costs_outbound_ones_after_a_while),
		test(who_recovers_in_time_keeps_them),
		test(a_recovery_spares_the_repetition),
		test(nothing_goes_before_there_is_another_uplink),
		test(a_verdict_that_becomes_a_lost_link_costs_all),
		test(a_verdict_put_off_costs_nothing),
		test(another_address_costs_all_even_alone),
		test(another_address_costs_only_its_family),
		test(an_address_that_comes_back_costs_nothing),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("flows", tests, NULL, NULL);
}
