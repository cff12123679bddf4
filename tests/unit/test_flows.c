/* test_flows.c - when the connections of an uplink go */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/wanted/flows.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/net/family.h"
#include "routed/wanted/situation.h"

enum { MS = 1000, SEC = 1000 * MS, FLUSH_AFTER_MS = 3000 };

struct fixture {
	struct flows flows;
	struct uplink uplink;		   /* only fault and health are looked at */
	struct situation_uplink situation; /* only addresses */
	int64_t now_us;
};

/* "192.168.2.1 2001:db8:a::1": what the interface has now, the first of a family being the
 * chosen one. */
static void addresses(struct fixture *f, const char *text)
{
	char words[256];
	char *save = NULL;

	snprintf(words, sizeof(words), "%s", text);
	f->situation = (struct situation_uplink){.ifindex = 2};
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		struct addr *addr = &f->situation.addrs[f->situation.n_addrs++].addr;

		assert_int_equal(addr_parse(w, addr), 0);
		struct addr *chosen = &f->situation.chosen[family_of(addr->family)];
		if (!addr_is_set(chosen))
			*chosen = *addr;
	}
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.now_us = 100 * (int64_t)SEC};
	addresses(&f, "192.168.2.1");
	*state = &f;
	return 0;
}

static void observe(struct fixture *f)
{
	flows_observe(&f->flows, &f->uplink, &f->situation, FLUSH_AFTER_MS, f->now_us);
}

static void becomes(struct fixture *f, enum uplink_fault fault, enum uplink_state health)
{
	f->uplink.fault = fault;
	f->uplink.health = health;
	observe(f);
}

static struct flows_part take_part(struct fixture *f, bool ipv4_is_up, bool ipv6_is_up)
{
	const bool other_is_up[SITE_FAMILIES] = {ipv4_is_up, ipv6_is_up};

	return flows_take(&f->flows, other_is_up, f->now_us);
}

static enum flows_which take(struct fixture *f, bool other_is_up)
{
	return take_part(f, other_is_up, other_is_up).which;
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

/* A line with both families, and a backup that has IPv4 only. */
static void each_family_waits_for_its_own_way_out(void **state)
{
	struct fixture *f = *state;
	struct flows_part part;

	becomes(f, UPLINK_NO_CARRIER, UPLINK_DOWN);
	part = take_part(f, true, false);
	assert_int_equal(part.which, FLOWS_ALL);
	assert_true(part.family[SITE_IPV4]);
	assert_false(part.family[SITE_IPV6]);
	f->now_us += SEC;
	observe(f);
	part = take_part(f, true, false); /* once more */
	assert_int_equal(part.which, FLOWS_ALL);
	assert_false(part.family[SITE_IPV6]);
	f->now_us += SEC;
	observe(f);
	assert_int_equal(take_part(f, true, false).which, FLOWS_NONE);
	assert_int_equal(flows_next_us(&f->flows, f->now_us), INT64_MAX);

	part = take_part(f, true, true);
	assert_int_equal(part.which, FLOWS_ALL);
	assert_false(part.family[SITE_IPV4]);
	assert_true(part.family[SITE_IPV6]);
	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	f->now_us += SEC;
	assert_int_equal(take(f, true), FLOWS_NONE);
}

static void a_verdict_that_becomes_a_lost_link_costs_all(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_ANSWERS, UPLINK_DOWN);
	f->now_us += SEC;
	becomes(f, UPLINK_NO_CARRIER, UPLINK_DOWN);
	assert_int_equal(take(f, true), FLOWS_ALL);
}

static void a_deferred_verdict_costs_nothing(void **state)
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
	addresses(f, "192.168.2.3");
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
	addresses(f, "192.168.2.3");
	observe(f);
	part = take_part(f, true, true);
	assert_int_equal(part.which, FLOWS_ALL);
	assert_true(part.family[SITE_IPV4]);
	assert_false(part.family[SITE_IPV6]);

	becomes(f, UPLINK_NO_CARRIER, UPLINK_DOWN);
	part = take_part(f, true, true);
	assert_true(part.family[SITE_IPV6]);
}

static void an_address_that_comes_back_costs_nothing(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	addresses(f, "");
	becomes(f, UPLINK_NO_ADDRESS, UPLINK_DOWN);
	assert_int_equal(take(f, false), FLOWS_NONE);
	addresses(f, "192.168.2.1");
	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	assert_int_equal(take(f, true), FLOWS_NONE);
}

/* "192.168.2.1 192.168.2.3": whose connections go now; "" for nobody's. */
static void assert_gone(struct fixture *f, const char *expected)
{
	struct addr addrs[FLOWS_MAX_ADDRS];
	char text[256] = "";
	size_t n = flows_take_gone(&f->flows, f->now_us, addrs);

	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			i ? " " : "", addr_str(&addrs[i]));
	assert_string_equal(text, expected);
}

static void an_old_address_keeps_its_own_while_it_is_there(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	addresses(f, "192.168.2.3 192.168.2.1"); /* another one is the chosen one */
	observe(f);
	assert_int_equal(take(f, true), FLOWS_NONE);
	assert_gone(f, "");

	addresses(f, "192.168.2.3");
	observe(f);
	assert_int_equal(take(f, true), FLOWS_NONE);
	assert_gone(f, "192.168.2.1");
	assert_gone(f, "");
	assert_int_equal(flows_next_us(&f->flows, f->now_us), f->now_us + SEC);
	f->now_us += SEC;
	observe(f);
	assert_gone(f, "192.168.2.1");
	f->now_us += SEC;
	observe(f);
	assert_gone(f, "");
	assert_int_equal(flows_next_us(&f->flows, f->now_us), INT64_MAX);
}

static void a_second_address_goes_alone(void **state)
{
	struct fixture *f = *state;

	addresses(f, "192.168.2.1 192.168.2.3 2001:db8:a::1 2001:db8:a::2");
	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	addresses(f, "192.168.2.1 2001:db8:a::1");
	observe(f);
	assert_int_equal(take(f, true), FLOWS_NONE);
	assert_gone(f, "192.168.2.3 2001:db8:a::2");
}

static void an_address_that_returns_in_time_spares_the_repetition(void **state)
{
	struct fixture *f = *state;

	addresses(f, "192.168.2.1 192.168.2.3");
	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	addresses(f, "192.168.2.1");
	observe(f);
	assert_gone(f, "192.168.2.3");
	addresses(f, "192.168.2.1 192.168.2.3");
	observe(f);
	f->now_us += SEC;
	assert_gone(f, "");
}

/* A lease that ran out, and another one later: what was bound to the old address is lost. */
static void another_address_after_a_while_without_costs_all(void **state)
{
	struct fixture *f = *state;

	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	addresses(f, "");
	becomes(f, UPLINK_NO_ADDRESS, UPLINK_DOWN);
	assert_int_equal(take(f, false), FLOWS_NONE);
	addresses(f, "192.168.2.3");
	becomes(f, UPLINK_NO_FAULT, UPLINK_UP);
	assert_int_equal(take(f, false), FLOWS_ALL);
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
		test(each_family_waits_for_its_own_way_out),
		test(a_verdict_that_becomes_a_lost_link_costs_all),
		test(a_deferred_verdict_costs_nothing),
		test(another_address_costs_all_even_alone),
		test(another_address_costs_only_its_family),
		test(an_address_that_comes_back_costs_nothing),
		test(an_old_address_keeps_its_own_while_it_is_there),
		test(a_second_address_goes_alone),
		test(an_address_that_returns_in_time_spares_the_repetition),
		test(another_address_after_a_while_without_costs_all),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("flows", tests, NULL, NULL);
}
