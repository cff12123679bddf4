/* test_uplink.c - the state machine of an uplink: each state and event, and simulated links */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/uplink/uplink.h"

#include "common/site/siteload.h"

#include <stdlib.h>
#include <string.h>

enum { MS = 1000, SEC = 1000 * MS, MINUTE = 60 * SEC, WALL_S = 1795341600 };

static const char two_targets[] = "uplinks:\n"
				  "  - name: isp-a\n"
				  "    interface: wan-a\n"
				  "    probes: [icmp 192.0.2.53, tcp 192.0.2.80 443]\n";
static const char one_target[] = "uplinks:\n"
				 "  - name: isp-a\n"
				 "    interface: wan-a\n"
				 "    probes: [icmp 192.0.2.53]\n";
static const char two_of_three[] =
	"uplinks:\n"
	"  - name: isp-a\n"
	"    interface: wan-a\n"
	"    quorum: 2\n"
	"    probes: [icmp gateway, tcp 192.0.2.80 443, dns 192.0.2.53]\n";
static const char dns_lower[] =
	"uplinks:\n"
	"  - name: isp-a\n"
	"    interface: wan-a\n"
	"    probes: [icmp 192.0.2.53, dns 192.0.2.53 www.example.com]\n";
static const char dns_mixed[] =
	"uplinks:\n"
	"  - name: isp-a\n"
	"    interface: wan-a\n"
	"    probes: [icmp 192.0.2.53, dns 192.0.2.53 www.Example.COM.]\n";
static const char no_target[] = "uplinks:\n"
				"  - name: isp-a\n"
				"    interface: wan-a\n";
static const char by_hand[] = "uplinks:\n"
			      "  - name: isp-a\n"
			      "    interface: wan-a\n"
			      "    failback: manual\n"
			      "    probes: [icmp 192.0.2.53]\n";

static const char fast_return[] = "uplinks:\n"
				  "  - name: isp-a\n"
				  "    interface: wan-a\n"
				  "    failback: 100ms\n"
				  "    probes: [icmp 192.0.2.53, icmp 192.0.2.54]\n";
static const char seldom[] = "uplinks:\n"
			     "  - name: isp-a\n"
			     "    interface: wan-a\n"
			     "    probes: [icmp 192.0.2.53]\n"
			     "    probing: {interval: 5s}\n";
static const char other_targets[] = "uplinks:\n"
				    "  - name: isp-a\n"
				    "    interface: wan-a\n"
				    "    probes: [icmp 192.0.2.54, icmp 192.0.2.55]\n";

static const struct uplink_facts good_link = {
	.present = true,
	.carrier = true,
	.address = {true, false},
	.gateway = {true, false},
};

enum { MAX_ANSWERS = 32 };

/* A link with an ISP behind it: packets are lost at random, or all of them. */
struct lab {
	struct uplink uplink;
	struct site *site;
	int64_t now_us;
	int64_t poll_us; /* next look at the traffic */

	int64_t rtt_us;
	double loss;	       /* each way */
	bool cut;	       /* all packets are lost */
	uint32_t dead_targets; /* set: these do not answer */
	int64_t traffic_us;    /* a request leaves that often; 0: none */
	int64_t request_us;    /* next one */
	struct uplink_traffic counters;

	struct {
		int64_t at_us; /* 0: free */
		size_t target; /* n_targets: a reply to other traffic */
		uint32_t seq;
	} answers[MAX_ANSWERS];

	uint64_t random;
	unsigned int n_changes;
	unsigned int n_downs;
	int64_t down_us; /* the latest one */
	uint64_t n_wakeups;
};

static struct site *site_of(const char *text)
{
	struct report report = {0};
	struct site *site = NULL;

	if (site_parse("site.yaml", text, strlen(text), &report, &site) < 0)
		fail_msg("site.yaml is refused");
	report_fini(&report);
	return site;
}

static double random_share(struct lab *lab)
{
	lab->random ^= lab->random << 13; /* xorshift64 */
	lab->random ^= lab->random >> 7;
	lab->random ^= lab->random << 17;
	return (double)(lab->random >> 11) / (double)(1ULL << 53);
}

static void lab_open(struct lab *lab, const char *text, uint64_t seed)
{
	*lab = (struct lab){
		.now_us = 1000LL * SEC,
		.rtt_us = 200,
		.random = seed * 0x9e3779b97f4a7c15 + 1,
		.site = site_of(text),
	};
	lab->poll_us = lab->request_us = lab->now_us;
	assert_int_equal(uplink_init(&lab->uplink, lab->site, 0, lab->now_us), 0);
	uplink_on_link(&lab->uplink, &good_link);
}

static void lab_close(struct lab *lab)
{
	uplink_fini(&lab->uplink);
	site_free(lab->site);
}

static void send_packet(struct lab *lab, size_t target, uint32_t seq)
{
	if (lab->cut || (lab->dead_targets >> target & 1))
		return;
	if (random_share(lab) < lab->loss || random_share(lab) < lab->loss)
		return;
	for (size_t i = 0; i < MAX_ANSWERS; i++) {
		if (lab->answers[i].at_us)
			continue;
		lab->answers[i].at_us = lab->now_us + lab->rtt_us;
		lab->answers[i].target = target;
		lab->answers[i].seq = seq;
		return;
	}
	fail_msg("too many answers on their way");
}

static int64_t next_answer_us(const struct lab *lab)
{
	int64_t next_us = INT64_MAX;

	for (size_t i = 0; i < MAX_ANSWERS; i++)
		if (lab->answers[i].at_us && lab->answers[i].at_us < next_us)
			next_us = lab->answers[i].at_us;
	return next_us;
}

static void deliver(struct lab *lab)
{
	for (size_t i = 0; i < MAX_ANSWERS; i++) {
		if (!lab->answers[i].at_us || lab->answers[i].at_us > lab->now_us)
			continue;
		lab->answers[i].at_us = 0;
		if (lab->cut)
			continue;
		if (lab->answers[i].target >= lab->uplink.n_targets)
			lab->counters.replies++;
		else
			target_answered(&lab->uplink.targets[lab->answers[i].target].target,
				lab->answers[i].seq, -1, lab->now_us);
	}
}

static void step(struct lab *lab)
{
	if (uplink_step(&lab->uplink, lab->now_us)) {
		lab->n_changes++;
		if (uplink_state(&lab->uplink) == UPLINK_DOWN) {
			lab->n_downs++;
			lab->down_us = lab->now_us;
		}
	}
	for (size_t i = 0; i < lab->uplink.n_targets; i++) {
		struct target *target = &lab->uplink.targets[i].target;

		if (target_wants_send(target, lab->now_us))
			send_packet(lab, i, target_sent(target, lab->now_us));
	}
}

static int64_t next_us(const struct lab *lab)
{
	int64_t next = uplink_next_us(&lab->uplink);
	int64_t answer = next_answer_us(lab);

	next = answer < next ? answer : next;
	next = lab->poll_us < next ? lab->poll_us : next;
	if (lab->traffic_us && lab->request_us < next)
		next = lab->request_us;
	return next;
}

static void run(struct lab *lab, int64_t us)
{
	int64_t until_us = lab->now_us + us;
	int stuck = 0;

	for (;;) {
		int64_t next = next_us(lab);

		if (next > until_us)
			break;
		stuck = next > lab->now_us ? 0 : stuck + 1;
		assert_true(stuck < 100); /* a timer that is always due */
		lab->now_us = next > lab->now_us ? next : lab->now_us;
		lab->n_wakeups++;
		deliver(lab);
		if (lab->traffic_us && lab->now_us >= lab->request_us) {
			lab->request_us += lab->traffic_us;
			lab->counters.out++;
			send_packet(lab, lab->uplink.n_targets, 0);
		}
		if (lab->now_us >= lab->poll_us) {
			lab->poll_us += UPLINK_POLL_MS * MS;
			uplink_on_traffic(&lab->uplink, &lab->counters, lab->now_us);
		}
		step(lab);
	}
	lab->now_us = until_us;
}

static void set_link(struct lab *lab, const struct uplink_facts *facts)
{
	uplink_on_link(&lab->uplink, facts);
	step(lab);
}

static const char *why(struct lab *lab)
{
	static char text[UPLINK_WHY_MAX];
	int64_t wall_us = (int64_t)WALL_S * SEC + lab->now_us - 1000LL * SEC;

	return uplink_why(&lab->uplink, lab->now_us, wall_us, text, sizeof(text));
}

#define assert_state(lab, state) \
	assert_string_equal(uplink_state_str(uplink_state(&(lab)->uplink)), #state)

static int setup(void **state)
{
	static struct lab lab;

	lab_open(&lab, two_targets, 1);
	*state = &lab;
	return 0;
}

static int teardown(void **state)
{
	lab_close(*state);
	return 0;
}

static void restart(struct lab *lab, const char *text)
{
	lab_close(lab);
	lab_open(lab, text, 1);
}

/* link */

static void it_is_usable_at_once_and_answers_confirm_it(void **state)
{
	struct lab *lab = *state;

	step(lab);
	assert_state(lab, up);
	assert_string_equal(why(lab), "0 of 2 targets answer, 2 without an answer yet");
	run(lab, 1 * SEC);
	assert_string_equal(why(lab), "2 of 2 targets answer");
	assert_int_equal(lab->n_changes, 1);
}

static void each_fault_of_the_link_takes_it_down_with_a_reason(void **state)
{
	static const struct {
		struct uplink_facts facts;
		const char *why;
	} cases[] = {
		{{.present = false}, "no interface wan-a"},
		{{.present = true}, "no carrier"},
		{{.present = true, .port = true, .address = {true, true}},
			"wan-a is a port of another device (`ip link show wan-a` names it): "
			"remove it from that device, or name the device in site.yaml"},
		{{.present = true, .carrier = true}, "no address on wan-a"},
		{{.present = true, .carrier = true, .gateway = {true, true}},
			"no address on wan-a"},
		{{.present = true, .carrier = true, .address = {true, true}},
			"no gateway known: set `gateway:` or check the DHCP client"},
		{{.present = true,
			 .carrier = true,
			 .address = {true, false},
			 .gateway = {false, true}},
			"no IPv6 address on wan-a"},
		{{.present = true,
			 .carrier = true,
			 .address = {false, true},
			 .gateway = {true, false}},
			"no IPv4 address on wan-a"},
	};
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		restart(lab, two_targets);
		run(lab, 10 * SEC);
		assert_state(lab, up);
		set_link(lab, &cases[i].facts);
		assert_state(lab, down);
		assert_string_equal(why(lab), cases[i].why);
		assert_int_equal(lab->uplink.cause_us, lab->now_us);
		assert_int_equal(lab->uplink.since_us, lab->now_us);
	}
}

static void one_family_is_enough(void **state)
{
	static const struct uplink_facts ipv6 = {.present = true,
		.carrier = true,
		.address = {true, true},
		.gateway = {false, true}};
	struct lab *lab = *state;

	set_link(lab, &ipv6);
	assert_state(lab, up);
}

static void without_probes_the_link_decides(void **state)
{
	struct lab *lab = *state;

	restart(lab, no_target);
	run(lab, 1 * SEC);
	assert_state(lab, up);
	assert_string_equal(why(lab), "has carrier, address and gateway");
	lab->cut = true;
	run(lab, 60 * SEC);
	assert_state(lab, up);
	set_link(lab, &(struct uplink_facts){.present = true});
	assert_state(lab, down);
}

static void a_link_that_appears_after_the_start_is_usable_at_once(void **state)
{
	struct lab *lab = *state;

	uplink_on_link(&lab->uplink, &(struct uplink_facts){0});
	lab->cut = true;
	run(lab, 60 * SEC);
	assert_state(lab, down);
	assert_string_equal(why(lab), "no interface wan-a");
	assert_int_equal(lab->n_changes, 0);

	lab->cut = false;
	set_link(lab, &good_link);
	run(lab, 5 * SEC);
	assert_state(lab, up);
}

/* hold */

static void a_recovered_link_is_held_back(void **state)
{
	struct lab *lab = *state;

	run(lab, 10 * SEC);
	set_link(lab, &(struct uplink_facts){.present = true});
	run(lab, 100 * MS);
	set_link(lab, &good_link);
	assert_state(lab, down);
	assert_string_equal(why(lab), "good again since 10:00:10, used again at 10:00:20");
	run(lab, 9900 * MS);
	assert_state(lab, down);
	run(lab, 200 * MS);
	assert_state(lab, up);
	assert_int_equal(lab->uplink.since_us - lab->uplink.cause_us, 10 * SEC);
}

/* The carrier is back before five probes are lost, but the ISP is not back. */
static void suspect_targets_have_to_answer_first(void **state)
{
	const struct uplink_facts no_carrier = {.present = true};
	struct lab *lab = *state;

	restart(lab, fast_return);
	run(lab, 10 * SEC);
	lab->cut = true;
	run(lab, 300 * MS);
	set_link(lab, &no_carrier);
	run(lab, 100 * MS);
	set_link(lab, &good_link);
	lab->n_changes = 0;
	assert_non_null(strstr(why(lab), "0 of 2 targets answer: "));
	assert_non_null(strstr(why(lab), "192.0.2.54 lost since "));
	run(lab, 10 * SEC);
	assert_state(lab, down);
	assert_int_equal(lab->n_changes, 0);

	lab->cut = false;
	run(lab, 10 * SEC);
	assert_state(lab, up);
	assert_int_equal(lab->uplink.relapses, 0);
}

static void a_fault_during_the_hold_restarts_the_hold(void **state)
{
	struct lab *lab = *state;

	run(lab, 10 * SEC);
	set_link(lab, &(struct uplink_facts){.present = true});
	set_link(lab, &good_link);
	run(lab, 8 * SEC);
	set_link(lab, &(struct uplink_facts){.present = true});
	set_link(lab, &good_link);
	run(lab, 8 * SEC);
	assert_state(lab, down);
	run(lab, 2 * SEC);
	assert_state(lab, up);
	assert_int_equal(lab->n_downs, 1);
	assert_int_equal(lab->uplink.relapses, 0);
}

static void the_hold_doubles_with_each_relapse_to_ten_minutes(void **state)
{
	static const int holds_s[] = {10, 20, 40, 80, 160, 320, 600, 600};
	struct lab *lab = *state;

	run(lab, 10 * SEC);
	for (size_t i = 0; i < sizeof(holds_s) / sizeof(*holds_s); i++) {
		set_link(lab, &(struct uplink_facts){.present = true});
		set_link(lab, &good_link);
		print_message("  relapse %zu: %d s\n", i, holds_s[i]);
		assert_int_equal(uplink_hold_us(&lab->uplink), (int64_t)holds_s[i] * SEC);
		run(lab, (int64_t)holds_s[i] * SEC - 1 * MS);
		assert_state(lab, down);
		run(lab, 2 * MS);
		assert_state(lab, up);
	}
	set_link(lab, &(struct uplink_facts){.present = true});
	set_link(lab, &good_link);
	assert_non_null(strstr(why(lab), "(8 relapses within an hour)"));
}

static void an_hour_without_relapse_is_forgiven(void **state)
{
	struct lab *lab = *state;

	for (int i = 0; i < 3; i++) {
		run(lab, 45 * SEC);
		set_link(lab, &(struct uplink_facts){.present = true});
		set_link(lab, &good_link);
	}
	assert_int_equal(uplink_hold_us(&lab->uplink), 40 * SEC);
	run(lab, 41 * SEC + 3600LL * SEC);
	assert_state(lab, up);
	set_link(lab, &(struct uplink_facts){.present = true});
	assert_int_equal(uplink_hold_us(&lab->uplink), 10 * SEC);
}

static void the_last_usable_uplink_has_no_hold(void **state)
{
	struct lab *lab = *state;

	run(lab, 10 * SEC);
	set_link(lab, &(struct uplink_facts){.present = true});
	uplink_set_last_usable(&lab->uplink, true);
	set_link(lab, &good_link);
	assert_state(lab, up);
}

static void a_manual_hold_waits_for_the_operator(void **state)
{
	struct lab *lab = *state;

	restart(lab, by_hand);
	run(lab, 10 * SEC);
	assert_state(lab, up);
	set_link(lab, &(struct uplink_facts){.present = true});
	set_link(lab, &good_link);
	run(lab, 7200LL * SEC);
	assert_state(lab, down);
	assert_string_equal(why(lab), "good again since 10:00:10; failback is manual: "
				      "`routed undrain isp-a` brings it back");
	uplink_undrain(&lab->uplink);
	step(lab);
	assert_state(lab, up);

	set_link(lab, &(struct uplink_facts){.present = true});
	set_link(lab, &good_link);
	run(lab, 60 * SEC);
	assert_state(lab, down); /* one undrain is for one return */
}

static void the_operator_ends_a_hold(void **state)
{
	struct lab *lab = *state;

	restart(lab, one_target);
	run(lab, 10 * SEC);
	lab->cut = true;
	run(lab, 2 * SEC);
	lab->cut = false;
	run(lab, 5 * SEC);
	assert_state(lab, down);
	uplink_undrain(&lab->uplink);
	step(lab);
	assert_state(lab, up);

	lab->cut = true;
	run(lab, 2 * SEC);
	lab->cut = false;
	run(lab, 5 * SEC);
	assert_state(lab, down); /* one undrain is for one return */
}

/* probes */

static void a_silent_link_goes_down_with_cause_and_reason(void **state)
{
	struct lab *lab = *state;

	restart(lab, one_target);
	run(lab, 10 * SEC + 100 * MS);
	lab->cut = true;
	run(lab, 2 * SEC);
	assert_state(lab, down);
	assert_int_equal(lab->n_downs, 1);
	assert_int_equal(lab->uplink.cause_us, 1010LL * SEC + 500 * MS);
	assert_string_equal(why(lab), "7 of 7 probes to 192.0.2.53 lost since 10:00:10");
}

static void all_targets_must_die(void **state)
{
	struct lab *lab = *state;

	run(lab, 10 * SEC);
	lab->dead_targets = 1;
	run(lab, 60 * SEC);
	assert_state(lab, up);
	assert_non_null(strstr(why(lab), "1 of 2 targets answer; "));
	assert_non_null(strstr(why(lab), " probes to 192.0.2.53 lost since 10:00:10"));
	lab->dead_targets = 3;
	run(lab, 2 * SEC);
	assert_state(lab, down);
	assert_true(lab->uplink.cause_us >= 1069LL * SEC);
	assert_non_null(strstr(why(lab), "0 of 2 targets answer: "));
	assert_non_null(strstr(why(lab), " probes to 192.0.2.80:443 lost since 10:01:10"));
}

static void a_quorum_of_two_needs_two(void **state)
{
	struct lab *lab = *state;

	restart(lab, two_of_three);
	run(lab, 10 * SEC);
	lab->dead_targets = 1;
	run(lab, 10 * SEC);
	assert_state(lab, up);
	lab->dead_targets = 5;
	run(lab, 10 * SEC);
	assert_state(lab, down);
	assert_non_null(strstr(why(lab), "1 of 3 targets answer, 2 must: "));
	assert_non_null(strstr(why(lab), " probes to the gateway lost since "));
	assert_non_null(strstr(why(lab), " probes to 192.0.2.53 (dns) lost since "));
	lab->dead_targets = 1;
	run(lab, 3 * SEC);
	assert_state(lab, down);
	run(lab, 10 * SEC);
	assert_state(lab, up);
}

static void probes_that_answer_again_are_held_too(void **state)
{
	struct lab *lab = *state;

	run(lab, 10 * SEC);
	lab->cut = true;
	run(lab, 60 * SEC);
	assert_state(lab, down);
	lab->cut = false;
	run(lab, 1500 * MS);
	assert_non_null(strstr(why(lab), "192.0.2.53 answers again, "));
	run(lab, 1500 * MS);
	assert_non_null(strstr(why(lab), "good again since 10:01:1"));
	assert_state(lab, down);
	run(lab, 10 * SEC);
	assert_state(lab, up);
	assert_string_equal(why(lab), "2 of 2 targets answer");
}

/* the operator */

static void drained_stays_drained_and_undraining_shows_the_state(void **state)
{
	struct lab *lab = *state;

	run(lab, 10 * SEC);
	uplink_drain(&lab->uplink);
	step(lab);
	assert_state(lab, drained);
	assert_string_equal(why(lab), "drained by the operator; 2 of 2 targets answer");
	set_link(lab, &(struct uplink_facts){.present = true});
	assert_state(lab, drained);
	assert_string_equal(why(lab), "drained by the operator; no carrier");
	uplink_undrain(&lab->uplink);
	step(lab);
	assert_state(lab, down);

	set_link(lab, &good_link);
	uplink_drain(&lab->uplink);
	run(lab, 20 * SEC);
	assert_state(lab, drained);
	uplink_undrain(&lab->uplink);
	step(lab);
	assert_state(lab, up);
	assert_int_equal(lab->uplink.cause_us, lab->now_us);
}

/* one of two routers */

static void a_reset_keeps_only_drained(void **state)
{
	struct lab *lab = *state;

	run(lab, 10 * SEC);
	lab->cut = true;
	run(lab, 20 * SEC);
	assert_state(lab, down);
	uplink_drain(&lab->uplink);

	uplink_reset(&lab->uplink, lab->now_us);
	assert_true(lab->uplink.drained);
	assert_int_equal(uplink_count(&lab->uplink, TARGET_UNKNOWN), 2);
	assert_int_equal(lab->uplink.relapses, 0);
	assert_string_equal(lab->uplink.name, "isp-a");
	uplink_undrain(&lab->uplink);
	set_link(lab, &good_link);
	assert_state(lab, up); /* at once, since the link is good */

	run(lab, 20 * SEC);
	assert_state(lab, down); /* until the probes say otherwise */
}

static void without_probing_link_and_address_decide(void **state)
{
	struct lab *lab = *state;

	uplink_reset(&lab->uplink, lab->now_us);
	for (int i = 0; i < 3; i++) {
		set_link(lab, &(struct uplink_facts){.present = true, .carrier = true});
		assert_state(lab, down);
		uplink_assume_up(&lab->uplink);
		set_link(lab, &good_link);
		assert_state(lab, up);
		uplink_assume_up(&lab->uplink); /* at any time */
	}
}

/* degraded */

static void loss_over_a_minute_degrades(void **state)
{
	struct lab *lab = *state;

	run(lab, 60 * SEC);
	lab->loss = 0.08; /* 15 % of the probes */
	run(lab, 120 * SEC);
	assert_state(lab, degraded);
	assert_non_null(strstr(why(lab), " % loss over the last minute (limit 10 %, "));
	lab->loss = 0;
	run(lab, 90 * SEC);
	assert_state(lab, up);
	assert_int_equal(lab->n_downs, 0);
}

static void one_lossy_target_of_two_does_not_degrade(void **state)
{
	struct lab *lab = *state;

	run(lab, 10 * SEC);
	lab->dead_targets = 2;
	run(lab, 120 * SEC);
	assert_state(lab, up);
	assert_true(lab->uplink.loss == 0);
}

static void a_long_round_trip_degrades(void **state)
{
	struct lab *lab = *state;

	run(lab, 60 * SEC);
	for (; lab->rtt_us < 600 * MS; lab->rtt_us += 50 * MS)
		run(lab, 5 * SEC); /* as a queue fills */
	run(lab, 60 * SEC);
	assert_state(lab, degraded);
	assert_non_null(strstr(why(lab), "round-trip time 6"));
	lab->rtt_us = 300 * MS; /* not yet half */
	run(lab, 90 * SEC);
	assert_state(lab, degraded);
	lab->rtt_us = 20 * MS;
	run(lab, 90 * SEC);
	assert_state(lab, up);
	assert_int_equal(lab->n_downs, 0);
}

/* Too few probes for a share of loss, once they go at the normal interval again. */
static void a_link_with_few_probes_does_not_stay_degraded(void **state)
{
	struct lab *lab = *state;

	restart(lab, seldom);
	lab->loss = 0.3;
	for (int i = 0; i < 600 && uplink_state(&lab->uplink) != UPLINK_DEGRADED; i++)
		run(lab, SEC);
	assert_state(lab, degraded);
	lab->loss = 0;
	run(lab, 180 * SEC);
	assert_state(lab, up);
}

static void a_link_without_probes_does_not_stay_degraded(void **state)
{
	struct lab *lab = *state;

	lab->loss = 0.08;
	run(lab, 120 * SEC);
	assert_state(lab, degraded);
	struct site *other = site_of(no_target);
	assert_int_equal(uplink_configure(&lab->uplink, other, 0, lab->now_us), 0);
	site_free(lab->site);
	lab->site = other;
	run(lab, 15 * SEC);
	assert_state(lab, up);
}

/* A reload brings new targets: for half a minute nothing is known of them. */
static void targets_without_verdict_cause_no_wakeups(void **state)
{
	struct lab *lab = *state;

	lab->loss = 0.08;
	run(lab, 120 * SEC);
	assert_state(lab, degraded);
	lab->loss = 0;
	while (!lab->uplink.below_limit_since_us)
		run(lab, SEC);
	struct site *other = site_of(other_targets);
	assert_int_equal(uplink_configure(&lab->uplink, other, 0, lab->now_us), 0);
	site_free(lab->site);
	lab->site = other;
	lab->n_wakeups = 0;
	run(lab, 20 * SEC);
	assert_true(lab->n_wakeups < 2000);
	run(lab, 60 * SEC);
	assert_state(lab, up);
}

static void a_degraded_link_can_die(void **state)
{
	struct lab *lab = *state;

	lab->loss = 0.08;
	run(lab, 120 * SEC);
	assert_state(lab, degraded);
	lab->cut = true;
	run(lab, 3 * SEC);
	assert_state(lab, down);
}

/* start, reload, restart */

static void the_next_process_continues_the_state(void **state)
{
	struct lab *lab = *state;
	struct uplink_saved saved;

	run(lab, 10 * SEC);
	lab->cut = true;
	run(lab, 5 * SEC);
	uplink_save(&lab->uplink, &saved);
	uplink_fini(&lab->uplink);
	assert_int_equal(uplink_init(&lab->uplink, lab->site, 0, lab->now_us), 0);
	assert_true(uplink_restore(&lab->uplink, &saved, lab->now_us));
	uplink_on_link(&lab->uplink, &good_link);
	lab->n_changes = 0;
	run(lab, 30 * SEC);
	assert_state(lab, down);
	assert_int_equal(lab->n_changes, 0);
	assert_int_equal(lab->uplink.since_us, saved.since_us);

	lab->cut = false;
	run(lab, 15 * SEC);
	assert_state(lab, up);
}

static void a_state_from_before_a_boot_is_not_restored(void **state)
{
	struct lab *lab = *state;
	struct uplink_saved saved = {.health = UPLINK_DOWN, .since_us = lab->now_us + 1};

	assert_false(uplink_restore(&lab->uplink, &saved, lab->now_us));
	saved.since_us = 0;
	assert_false(uplink_restore(&lab->uplink, &saved, lab->now_us));
	saved.since_us = lab->now_us;
	saved.health = UPLINK_DRAINED;
	assert_false(uplink_restore(&lab->uplink, &saved, lab->now_us));
	assert_true(lab->uplink.never_judged);
}

static void a_reload_keeps_state_and_known_targets(void **state)
{
	struct lab *lab = *state;

	run(lab, 10 * SEC);
	uint64_t n_sent = lab->uplink.targets[1].target.n_sent;
	struct site *other = site_of(two_of_three);
	assert_int_equal(uplink_configure(&lab->uplink, other, 0, lab->now_us), 0);
	site_free(lab->site);
	lab->site = other;
	assert_int_equal(lab->uplink.n_targets, 3);
	assert_int_equal(lab->uplink.targets[0].target.n_sent, 0);
	assert_int_equal(lab->uplink.targets[1].target.n_sent, n_sent);
	assert_int_equal(lab->uplink.targets[1].target.verdict, TARGET_ALIVE);
	lab->n_changes = 0;
	run(lab, 5 * SEC);
	assert_int_equal(lab->n_changes, 0);
	assert_string_equal(why(lab), "3 of 3 targets answer");
}

/* RFC 4343: it is the same name. */
static void a_name_in_other_letters_is_a_known_target(void **state)
{
	struct lab *lab = *state;
	struct site *sites[] = {site_of(dns_lower), site_of(dns_mixed)};

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(uplink_configure(&lab->uplink, sites[i], 0, lab->now_us), 0);
		site_free(lab->site);
		lab->site = sites[i];
		if (i == 0)
			run(lab, 10 * SEC);
	}
	assert_true(lab->uplink.targets[1].target.n_sent > 0);
	assert_string_equal(lab->uplink.targets[1].probe.name, "www.Example.COM.");
}

/* traffic */

static void replies_defer_a_verdict_for_a_while(void **state)
{
	struct lab *lab = *state;

	lab->traffic_us = 10 * MS;
	run(lab, 70 * SEC + 100 * MS);
	lab->dead_targets = 3;
	int64_t cut_us = lab->now_us;
	run(lab, 1400 * MS);
	assert_state(lab, up);
	assert_non_null(strstr(why(lab), "; but replies to other traffic still arrive"));
	run(lab, 3 * SEC);
	assert_state(lab, down);
	print_message("  down after %lld ms\n", (long long)(lab->down_us - cut_us) / MS);
	assert_true(lab->down_us - cut_us > 1400 * MS);
	assert_true(lab->down_us - lab->uplink.cause_us < 3 * 700 * MS);
}

static void replies_that_stop_end_it(void **state)
{
	struct lab *lab = *state;

	lab->traffic_us = 10 * MS;
	run(lab, 70 * SEC + 100 * MS);
	lab->dead_targets = 3;
	run(lab, 1000 * MS);
	assert_state(lab, up);
	lab->cut = true;
	run(lab, 400 * MS);
	assert_state(lab, down);
}

static void a_lost_carrier_ends_it_too(void **state)
{
	struct lab *lab = *state;
	const struct uplink_facts no_carrier = {.present = true};

	lab->traffic_us = 10 * MS;
	run(lab, 70 * SEC + 100 * MS);
	lab->dead_targets = 3;
	run(lab, 1400 * MS);
	assert_non_null(strstr(why(lab), "; but replies to other traffic still arrive"));
	set_link(lab, &no_carrier);
	assert_state(lab, down);
	lab->traffic_us = 0;
	lab->n_wakeups = 0;
	run(lab, 10 * SEC);
	assert_true(lab->n_wakeups < 1000); /* and the process may sleep */
}

static void one_sided_traffic_costs_one_probe_not_a_verdict(void **state)
{
	struct lab *lab = *state;

	lab->traffic_us = 10 * MS;
	run(lab, 10 * SEC);
	uint64_t n_sent = lab->uplink.targets[0].target.n_sent;
	lab->dead_targets = 1U << 2; /* "target" 2 stands for the peers of other traffic */
	run(lab, 60 * SEC);
	assert_state(lab, up);
	assert_in_range(lab->uplink.targets[0].target.n_sent - n_sent, 119, 122);
	assert_int_equal(lab->uplink.one_way_since_us, 0);
}

static void a_new_table_is_no_evidence(void **state)
{
	struct lab *lab = *state;

	lab->traffic_us = 10 * MS;
	run(lab, 10 * SEC);
	lab->counters = (struct uplink_traffic){0};
	run(lab, 10 * SEC);
	assert_state(lab, up);
	assert_int_equal(lab->n_changes, 1);
}

/* simulations: the documented figures */

struct spread {
	int64_t worst_us;
	int64_t sum_us;
	int n;
};

static struct spread cut_at_many_moments(const char *text, int64_t traffic_us, int64_t rtt_us)
{
	struct spread spread = {0};
	struct lab lab;

	for (int i = 0; i < 100; i++) {
		lab_open(&lab, text, (uint64_t)i + 1);
		lab.traffic_us = traffic_us;
		lab.rtt_us = rtt_us;
		run(&lab, 20 * SEC + (int64_t)i * 5 * MS);
		assert_state(&lab, up);
		lab.cut = true;
		int64_t cut_us = lab.now_us;
		run(&lab, 5 * SEC);
		assert_state(&lab, down);
		int64_t took_us = lab.down_us - cut_us;
		spread.worst_us = took_us > spread.worst_us ? took_us : spread.worst_us;
		spread.sum_us += took_us;
		spread.n++;
		lab_close(&lab);
	}
	return spread;
}

static void a_silent_loss_is_found_in_time(void **state)
{
	static const struct {
		const char *text;
		const char *what;
		int64_t traffic_us;
		int64_t rtt_us;
		int64_t limit_us;
	} cases[] = {
		{one_target, "one target, no traffic", 0, 200, 1100 * MS},
		{two_targets, "two targets, no traffic", 0, 200, 1100 * MS},
		{one_target, "one target, no traffic, rtt 60 ms", 0, 60 * MS, 1200 * MS},
		{one_target, "one target, traffic", 10 * MS, 200, 560 * MS},
		{two_targets, "two targets, traffic", 10 * MS, 200, 560 * MS},
		{two_targets, "two targets, traffic, rtt 30 ms", 10 * MS, 30 * MS, 600 * MS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct spread spread = cut_at_many_moments(
			cases[i].text, cases[i].traffic_us, cases[i].rtt_us);

		print_message("  %s: mean %lld ms, worst %lld ms\n", cases[i].what,
			(long long)(spread.sum_us / spread.n / MS),
			(long long)spread.worst_us / MS);
		assert_true(spread.worst_us <= cases[i].limit_us);
	}
}

static void random_loss_takes_nothing_down(void **state)
{
	static const struct {
		const char *text;
		int64_t traffic_us;
		int runs;
	} cases[] = {
		{two_targets, 0, 20},
		{two_targets, 10 * MS, 5},
		{one_target, 10 * MS, 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (int seed = 1; seed <= cases[i].runs; seed++) {
			struct lab lab;

			lab_open(&lab, cases[i].text, (uint64_t)seed);
			lab.traffic_us = cases[i].traffic_us;
			lab.loss = 0.1;
			run(&lab, 10LL * MINUTE);
			if (lab.n_downs)
				print_message("  case %zu seed %d: %u downs\n", i, seed,
					lab.n_downs);
			assert_int_equal(lab.n_downs, 0);
			lab_close(&lab);
		}
	}
}

/* One target, no other traffic: only the usual loss protects it. */
static void random_loss_seldom_kills_a_single_target(void **state)
{
	unsigned int n_downs = 0;

	(void)state;
	for (int seed = 1; seed <= 50; seed++) {
		struct lab lab;

		lab_open(&lab, one_target, (uint64_t)seed);
		lab.loss = 0.1;
		run(&lab, 10LL * MINUTE);
		n_downs += lab.n_downs;
		lab_close(&lab);
	}
	print_message("  %u false downs in 50 x 10 minutes\n", n_downs);
	assert_true(n_downs <= 1);
}

static void all_is_quiet_on_a_good_link(void **state)
{
	struct lab *lab = *state;

	restart(lab, two_targets);
	run(lab, 600 * SEC);
	assert_int_equal(lab->n_changes, 1);
	assert_in_range(lab->uplink.targets[0].target.n_sent, 1199, 1202);
	/* polls, sends and answers; nothing spins */
	assert_true(lab->n_wakeups < 600 * (20 + 2 * 4 + 2));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		LAB_TEST(it_is_usable_at_once_and_answers_confirm_it),
		LAB_TEST(each_fault_of_the_link_takes_it_down_with_a_reason),
		LAB_TEST(one_family_is_enough),
		LAB_TEST(without_probes_the_link_decides),
		LAB_TEST(a_link_that_appears_after_the_start_is_usable_at_once),
		LAB_TEST(a_recovered_link_is_held_back),
		LAB_TEST(suspect_targets_have_to_answer_first),
		LAB_TEST(a_fault_during_the_hold_restarts_the_hold),
		LAB_TEST(the_hold_doubles_with_each_relapse_to_ten_minutes),
		LAB_TEST(an_hour_without_relapse_is_forgiven),
		LAB_TEST(the_last_usable_uplink_has_no_hold),
		LAB_TEST(a_manual_hold_waits_for_the_operator),
		LAB_TEST(the_operator_ends_a_hold),
		LAB_TEST(a_silent_link_goes_down_with_cause_and_reason),
		LAB_TEST(all_targets_must_die),
		LAB_TEST(a_quorum_of_two_needs_two),
		LAB_TEST(probes_that_answer_again_are_held_too),
		LAB_TEST(drained_stays_drained_and_undraining_shows_the_state),
		LAB_TEST(a_reset_keeps_only_drained),
		LAB_TEST(without_probing_link_and_address_decide),
		LAB_TEST(loss_over_a_minute_degrades),
		LAB_TEST(one_lossy_target_of_two_does_not_degrade),
		LAB_TEST(a_long_round_trip_degrades),
		LAB_TEST(a_link_with_few_probes_does_not_stay_degraded),
		LAB_TEST(a_link_without_probes_does_not_stay_degraded),
		LAB_TEST(targets_without_verdict_cause_no_wakeups),
		LAB_TEST(a_degraded_link_can_die),
		LAB_TEST(the_next_process_continues_the_state),
		LAB_TEST(a_state_from_before_a_boot_is_not_restored),
		LAB_TEST(a_reload_keeps_state_and_known_targets),
		LAB_TEST(a_name_in_other_letters_is_a_known_target),
		LAB_TEST(replies_defer_a_verdict_for_a_while),
		LAB_TEST(replies_that_stop_end_it),
		LAB_TEST(a_lost_carrier_ends_it_too),
		LAB_TEST(one_sided_traffic_costs_one_probe_not_a_verdict),
		LAB_TEST(a_new_table_is_no_evidence),
		LAB_TEST(a_silent_loss_is_found_in_time),
		LAB_TEST(random_loss_takes_nothing_down),
		LAB_TEST(random_loss_seldom_kills_a_single_target),
		LAB_TEST(all_is_quiet_on_a_good_link),
	};

	setenv("TZ", "UTC", 1);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("uplink", tests, NULL, NULL);
}
