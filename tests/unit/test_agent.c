/* test_agent.c - the uplinks of the running agent: steps, reloads, the saved state */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/agent/agent.h"
#include "routed/agent/agentuplinks.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/site/uplinkset.h"
#include "tests/lib/death.h"
#include "tests/lib/situations.h"

enum { A, B, C };

static const char a_and_b[] = "uplinks:\n"
			      "  - {name: isp-a, interface: wan-a}\n"
			      "  - {name: isp-b, interface: wan-b}\n";
static const char b_and_a[] = "uplinks:\n"
			      "  - {name: isp-b, interface: wan-b}\n"
			      "  - {name: isp-a, interface: wan-a}\n";
static const char a_elsewhere[] = "uplinks:\n"
				  "  - {name: isp-a, interface: wan-c}\n"
				  "  - {name: isp-b, interface: wan-b}\n";
static const char b_alone[] = "uplinks:\n"
			      "  - {name: isp-b, interface: wan-b, failback: 7s}\n";
static const char three[] = "uplinks:\n"
			    "  - {name: isp-a, interface: wan-a}\n"
			    "  - {name: isp-b, interface: wan-b}\n"
			    "  - {name: isp-c, interface: wan-c}\n";

static const struct uplink_facts good_link = {
	.present = true,
	.carrier = true,
	.address = {true, false},
	.gateway = {true, false},
};

struct fixture {
	struct event_base *base;
	struct agent agent;
	struct savedstate saved;
};

static void on_probed(struct agent_uplink *uplink, void *arg)
{
	(void)uplink;
	(void)arg;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->base = event_base_new();
	f->agent.base = f->base;
	f->agent.probed = on_probed;
	*state = f;
	return f->base ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	agentuplinks_free(&f->agent);
	site_free(f->agent.site);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void use(struct fixture *f, const char *text)
{
	struct site *old = f->agent.site;
	struct site *site = situations_site(text);
	struct agentuplinks uplinks;

	assert_int_equal(agentuplinks_make(&f->agent, site, &f->saved, &uplinks), 0);
	agentuplinks_take(&f->agent, site, &uplinks);
	site_free(old);
}

static unsigned int link_is(struct fixture *f, size_t i, const struct uplink_facts *facts)
{
	uplink_on_link(&f->agent.uplinks[i]->machine, facts);
	return agent_step(&f->agent, i);
}

static void all_up(struct fixture *f)
{
	for (size_t i = 0; i < f->agent.site->n_uplinks; i++)
		link_is(f, i, &good_link);
	for (size_t i = 0; i < f->agent.site->n_uplinks; i++)
		assert_int_equal(uplink_state(&f->agent.uplinks[i]->machine), UPLINK_UP);
}

/* ---- reloads ---- */

static void the_same_name_and_interface_go_on(void **state)
{
	struct fixture *f = *state;

	use(f, a_and_b);
	all_up(f);
	const struct agent_uplink *a = f->agent.uplinks[A], *b = f->agent.uplinks[B];
	use(f, b_and_a);
	assert_ptr_equal(f->agent.uplinks[0], b);
	assert_ptr_equal(f->agent.uplinks[1], a);
	assert_int_equal(agent_index(&f->agent, a), 1);
	assert_int_equal(uplink_state(&a->machine), UPLINK_UP);
}

static void another_interface_makes_a_new_uplink_with_the_flows_of_the_old_one(void **state)
{
	struct fixture *f = *state;

	use(f, a_and_b);
	all_up(f);
	const struct agent_uplink *b = f->agent.uplinks[B];
	f->agent.uplinks[A]->flows.n_known = 3;
	use(f, a_elsewhere);
	assert_int_equal(f->agent.uplinks[A]->flows.n_known, 3);
	assert_string_equal(f->agent.uplinks[A]->machine.interface, "wan-c");
	assert_int_not_equal(uplink_state(&f->agent.uplinks[A]->machine), UPLINK_UP);
	assert_ptr_equal(f->agent.uplinks[B], b);
}

static void an_uplink_that_is_kept_takes_its_new_settings(void **state)
{
	struct fixture *f = *state;

	use(f, a_and_b);
	const struct agent_uplink *b = f->agent.uplinks[B];
	use(f, b_alone);
	assert_ptr_equal(f->agent.uplinks[0], b);
	assert_int_equal(b->machine.failback_ms, 7000);
}

static void a_reload_that_is_given_up_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct agentuplinks uplinks;

	use(f, a_and_b);
	all_up(f);
	const struct agent before = f->agent;
	int64_t failback_ms = f->agent.uplinks[B]->machine.failback_ms;
	struct site *site = situations_site(b_alone);
	assert_int_equal(agentuplinks_make(&f->agent, site, &f->saved, &uplinks), 0);
	assert_int_equal(f->agent.uplinks[B]->machine.failback_ms, 7000);
	agentuplinks_give_up(&f->agent, &uplinks);
	site_free(site);
	assert_memory_equal(&f->agent, &before, sizeof(before));
	assert_int_equal(f->agent.uplinks[B]->machine.failback_ms, failback_ms);
	assert_int_equal(uplink_state(&f->agent.uplinks[B]->machine), UPLINK_UP);
}

static void a_new_uplink_begins_with_the_saved_state(void **state)
{
	struct fixture *f = *state;

	f->saved = (struct savedstate){.n_uplinks = 1};
	strcpy(f->saved.uplinks[0].name, "isp-b");
	f->saved.uplinks[0].drained = true;
	use(f, a_and_b);
	assert_false(f->agent.uplinks[A]->machine.drained);
	assert_true(f->agent.uplinks[B]->machine.drained);
}

static void all_that_a_restart_needs_is_saved(void **state)
{
	struct fixture *f = *state;
	struct savedstate saved;

	use(f, a_and_b);
	all_up(f);
	uplink_drain(&f->agent.uplinks[B]->machine);
	f->agent.role = SAVEDSTATE_ACTIVE;
	agent_to_save(&f->agent, &saved);
	assert_int_equal(saved.n_uplinks, 2);
	assert_int_equal(saved.mark, f->agent.site->routing.mark);
	assert_int_equal(saved.role, SAVEDSTATE_ACTIVE);
	assert_string_equal(saved.uplinks[A].name, "isp-a");
	assert_false(saved.uplinks[A].drained);
	assert_int_equal(saved.uplinks[A].saved.health, UPLINK_UP);
	assert_true(saved.uplinks[B].drained);
}

/* ---- steps ---- */

static void a_step_says_what_has_changed(void **state)
{
	struct uplink_facts no_carrier = {.present = true};
	struct uplink_facts nothing = {0};
	struct fixture *f = *state;

	use(f, a_and_b);
	all_up(f);
	f->agent.cause_us = 0;
	assert_int_equal(agent_step(&f->agent, A), 0);
	assert_int_equal(f->agent.cause_us, 0);
	assert_int_equal(link_is(f, A, &no_carrier), AGENT_NEW_STATE | AGENT_NEW_FAULT);
	assert_int_equal(f->agent.situation.uplinks[A].state, UPLINK_DOWN);
	assert_true(f->agent.cause_us > 0);
	assert_int_equal(link_is(f, A, &nothing), AGENT_NEW_FAULT);
}

static void only_uplinks_that_are_up_or_degraded_are_usable(void **state)
{
	struct uplink_facts no_carrier = {.present = true};
	struct fixture *f = *state;

	use(f, three);
	all_up(f);
	assert_int_equal(agent_usable_others(&f->agent, A), uplinkset_of(B) | uplinkset_of(C));
	uplink_drain(&f->agent.uplinks[B]->machine);
	agent_step(&f->agent, B);
	assert_int_equal(agent_usable_others(&f->agent, A), uplinkset_of(C));
	assert_int_equal(agent_usable_others(&f->agent, B), uplinkset_of(A) | uplinkset_of(C));
	link_is(f, C, &no_carrier);
	assert_int_equal(agent_usable_others(&f->agent, A), 0);
}

static void a_reset_forgets_all_but_the_drain(void **state)
{
	struct fixture *f = *state;

	use(f, a_and_b);
	all_up(f);
	uplink_drain(&f->agent.uplinks[B]->machine);
	f->agent.uplinks[A]->flows.n_known = 3;
	agent_reset_uplinks(&f->agent);
	assert_int_not_equal(uplink_state(&f->agent.uplinks[A]->machine), UPLINK_UP);
	assert_int_equal(f->agent.uplinks[A]->flows.n_known, 0);
	assert_true(f->agent.uplinks[B]->machine.drained);
}

static void active_uplinks_are_those_of_either_family(void **state)
{
	const struct agent agent = {
		.decision.active = {uplinkset_of(A), uplinkset_of(C)},
	};

	(void)state;
	assert_int_equal(agent_active(&agent), uplinkset_of(A) | uplinkset_of(C));
}

/* ---- invariants ---- */

static void ask_for_a_stranger(void)
{
	struct site site = {.n_uplinks = 2};
	const struct agent agent = {.site = &site};
	const struct agent_uplink stranger = {0};

	agent_index(&agent, &stranger);
}

static void an_uplink_of_no_place_ends_the_process(void **state)
{
	char said[512];

	(void)state;
	assert_int_equal(death_of(ask_for_a_stranger, said, sizeof(said)), SIGABRT);
	assert_non_null(strstr(said, "an uplink is not among the 2 of the site"));
}

int main(int argc, char **argv)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(the_same_name_and_interface_go_on),
		test(another_interface_makes_a_new_uplink_with_the_flows_of_the_old_one),
		test(an_uplink_that_is_kept_takes_its_new_settings),
		test(a_reload_that_is_given_up_changes_nothing),
		test(a_new_uplink_begins_with_the_saved_state),
		test(all_that_a_restart_needs_is_saved),
		test(a_step_says_what_has_changed),
		test(only_uplinks_that_are_up_or_degraded_are_usable),
		test(a_reset_forgets_all_but_the_drain),
		cmocka_unit_test(active_uplinks_are_those_of_either_family),
		cmocka_unit_test(an_uplink_of_no_place_ends_the_process),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
