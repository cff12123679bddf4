/* uplink.c - whether an uplink works: the state machine of one uplink
 *
 *          | no usable device,   | too few        | loss or RTT | both within    | link and
 *          | no carrier, address | targets        | over its    | half the limit | probes good
 * state    | or gateway          | answer         | limit       | for `failback` | for a hold
 * ---------+---------------------+----------------+-------------+----------------+------------
 * up       | down                | down, or later | degraded    |                |
 * degraded | down                | down, or later |             | up             |
 * down     |                     |                |             |                | up
 * drained  | The state beneath it goes on by the rows above; undraining shows that state.
 *
 * "Or later": while replies still arrive on connections of the uplink, a verdict of the probes
 * is deferred, for up to three times the time that the verdict took.
 *
 * The hold (`failback`) doubles with each relapse within an hour of the last return, up to ten
 * minutes. There is no hold for an uplink that was never judged (at the start), and none where
 * no other uplink is usable. uplink_undrain ends it, also with `failback: manual`.
 *
 * To leave "down", `quorum` targets must answer; to stay up, it is enough that not too many are
 * dead. At a start, a restart or a reload nothing is known of the targets, and so the state
 * does not change.
 *
 * How fast, with the defaults and a short path (target.c has the figures for probes alone:
 * 1.05 s). Under traffic: the reading after the cut (50 ms) may still see replies from before
 * it. The next one (100 ms) sees packets out and none in: the traffic is one-way, and all
 * targets are probed at once and at the suspect interval: 100, 200, 300, 400, 500 ms. Since the
 * probes agree with the traffic, the last one counts as lost as soon as it is late: at 525 ms +
 * one round trip. One-way traffic has no other effect. It ends with an answered probe, or after
 * three seconds.
 */
#include "routed/uplink/uplink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/invariant.h"
#include "common/site/siteprobe.h"

enum {
	MS = 1000, /* us */
	SEC = 1000 * MS,
	MINUTE_US = 60 * SEC,
	ENOUGH_US = 30 * SEC,	   /* a share of loss needs half of the minute ... */
	ENOUGH_SETTLED = 20,	   /* ... and that many probes */
	UNANSWERED_PACKETS = 3,	   /* fewer may be a last ACK, or a keepalive */
	CONVERSATION_US = 1 * SEC, /* with replies that recent, the silence is new */
	ONE_WAY_US = 3 * SEC,
	REPLIES_FRESH_US = 300 * MS,
	DEFER_TIMES = 3,
	DEFAULT_FAILBACK_MS = 10 * 1000, /* for leaving "degraded" with `failback: manual` */
};

static const int64_t longest_hold_us = 600LL * SEC;
static const int64_t relapse_us = 3600LL * SEC;

/* configuration */

static const struct uplink_target *uplink_find_target(
	const struct uplink *uplink, const struct site_probe *probe)
{
	for (size_t i = 0; i < uplink->n_targets; i++)
		if (site_probe_eq(&uplink->targets[i].probe, probe))
			return &uplink->targets[i];
	return NULL;
}

static void targets_free(struct uplink_target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		site_probe_fini(&targets[i].probe);
	free(targets);
}

/* New targets take turns within the interval. */
static int targets_new(const struct uplink *uplink, const struct site_uplink *config,
	int64_t now_us, struct uplink_target **ret_targets)
{
	size_t n = config->n_probes;
	struct uplink_target *targets = n ? calloc(n, sizeof(*targets)) : NULL;
	int64_t turn_us = n ? config->probing.interval_ms * MS / (int64_t)n : 0;

	if (n && !targets)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct site_probe *probe = &config->probes[i];
		const struct uplink_target *old = uplink_find_target(uplink, probe);

		if (site_probe_copy(probe, &targets[i].probe) < 0) {
			targets_free(targets, i);
			return -ENOMEM;
		}
		if (old)
			targets[i].target = old->target;
		else
			target_init(&targets[i].target, &config->probing,
				now_us + (int64_t)i * turn_us);
		target_configure(&targets[i].target, &config->probing);
	}
	*ret_targets = targets;
	return 0;
}

int uplink_configure(
	struct uplink *uplink, const struct site *site, size_t index, int64_t now_us)
{
	const struct site_uplink *config = &site->uplinks[index];
	struct uplink_target *targets;

	int err = targets_new(uplink, config, now_us, &targets);
	if (err < 0)
		return err;

	targets_free(uplink->targets, uplink->n_targets);
	uplink->targets = targets;
	uplink->n_targets = config->n_probes;
	memcpy(uplink->name, config->name, sizeof(uplink->name));
	memcpy(uplink->interface, config->interface, sizeof(uplink->interface));
	uplink->probing = config->probing;
	uplink->quorum = config->quorum;
	uplink->failback_ms = config->failback_ms == SITE_INHERIT ? site->routing.failback_ms
								  : config->failback_ms;
	return 0;
}

/* An uplink of which nothing is known. */
static struct uplink uplink_blank(int64_t now_us)
{
	return (struct uplink){
		.health = UPLINK_DOWN,
		.reported = UPLINK_DOWN,
		.fault = UPLINK_NO_INTERFACE,
		.never_judged = true,
		.rtt_us = -1,
		.since_us = now_us,
		.cause_us = now_us,
	};
}

int uplink_init(struct uplink *uplink, const struct site *site, size_t index, int64_t now_us)
{
	*uplink = uplink_blank(now_us);
	return uplink_configure(uplink, site, index, now_us);
}

void uplink_reset(struct uplink *uplink, int64_t now_us)
{
	struct uplink before = *uplink;
	size_t n = before.n_targets;
	int64_t turn_us = n ? before.probing.interval_ms * MS / (int64_t)n : 0;

	*uplink = uplink_blank(now_us);
	memcpy(uplink->name, before.name, sizeof(uplink->name));
	memcpy(uplink->interface, before.interface, sizeof(uplink->interface));
	uplink->probing = before.probing;
	uplink->quorum = before.quorum;
	uplink->failback_ms = before.failback_ms;
	uplink->drained = before.drained;
	uplink->targets = before.targets;
	uplink->n_targets = n;
	for (size_t i = 0; i < n; i++)
		target_init(&uplink->targets[i].target, &uplink->probing,
			now_us + (int64_t)i * turn_us);
}

void uplink_assume_up(struct uplink *uplink)
{
	if (uplink->health == UPLINK_DOWN)
		uplink->never_judged = true;
}

void uplink_fini(struct uplink *uplink)
{
	targets_free(uplink->targets, uplink->n_targets);
	uplink->targets = NULL;
	uplink->n_targets = 0;
}

void uplink_save(const struct uplink *uplink, struct uplink_saved *ret_saved)
{
	*ret_saved = (struct uplink_saved){
		.health = uplink->health,
		.relapses = uplink->relapses,
		.since_us = uplink->since_us,
		.returned_us = uplink->returned_us,
	};
}

bool uplink_restore(struct uplink *uplink, const struct uplink_saved *saved, int64_t now_us)
{
	if (saved->since_us <= 0 || saved->since_us > now_us || saved->returned_us > now_us ||
		saved->health > UPLINK_DOWN)
		return false;

	uplink->never_judged = false;
	uplink->health = saved->health;
	uplink->reported = uplink_state(uplink);
	uplink->fault = saved->health == UPLINK_DOWN ? UPLINK_NO_ANSWERS : UPLINK_NO_FAULT;
	uplink->relapses = saved->relapses;
	uplink->since_us = saved->since_us;
	uplink->cause_us = saved->since_us;
	uplink->returned_us = saved->returned_us;
	return true;
}

/* events */

void uplink_on_link(struct uplink *uplink, const struct uplink_facts *facts)
{
	uplink->facts = *facts;
}

static void suspect_all(struct uplink *uplink, int64_t now_us)
{
	for (size_t i = 0; i < uplink->n_targets; i++)
		target_suspect(&uplink->targets[i].target, now_us);
}

void uplink_on_traffic(
	struct uplink *uplink, const struct uplink_traffic *traffic, int64_t now_us)
{
	struct uplink_traffic before = uplink->traffic;
	/* a new nftables table counts from 0 again */
	bool first = !uplink->counted || traffic->out < before.out ||
		     traffic->replies < before.replies;

	uplink->traffic = *traffic;
	uplink->counted = true;
	if (first)
		return;

	if (traffic->replies > before.replies) {
		uplink->reply_us = now_us;
		uplink->n_unanswered = 0;
		uplink->reply_seen = true;
		uplink->one_way_since_us = 0;
		return;
	}
	uplink->n_unanswered += traffic->out - before.out;
	if (!uplink->reply_seen || uplink->n_unanswered < UNANSWERED_PACKETS)
		return;

	uplink->reply_seen = false; /* once: it may last for hours */
	if (now_us - uplink->reply_us <= CONVERSATION_US)
		uplink->one_way_since_us = now_us;
	suspect_all(uplink, now_us);
}

void uplink_drain(struct uplink *uplink)
{
	uplink->drained = true;
}

void uplink_undrain(struct uplink *uplink)
{
	uplink->drained = false;
	uplink->hold_overridden = true;
}

void uplink_set_last_usable(struct uplink *uplink, bool last_usable)
{
	uplink->last_usable = last_usable;
}

/* the result */

size_t uplink_needed(const struct uplink *uplink)
{
	return uplink->quorum < uplink->n_targets ? uplink->quorum : uplink->n_targets;
}

size_t uplink_count(const struct uplink *uplink, enum target_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < uplink->n_targets; i++)
		n += uplink->targets[i].target.verdict == verdict;
	return n;
}

static bool one_way_is_over(const struct uplink *uplink, int64_t now_us)
{
	if (now_us - uplink->one_way_since_us >= ONE_WAY_US)
		return true;
	for (size_t i = 0; i < uplink->n_targets; i++)
		if (uplink->targets[i].target.answered_sent_us > uplink->one_way_since_us)
			return true;
	return false;
}

/* When one target becomes suspect, the others are probed too, once. */
static void targets_step(struct uplink *uplink, int64_t now_us)
{
	bool suspect = false;

	if (uplink->one_way_since_us && one_way_is_over(uplink, now_us))
		uplink->one_way_since_us = 0;
	for (size_t i = 0; i < uplink->n_targets; i++) {
		struct target *target = &uplink->targets[i].target;

		target->one_way = uplink->one_way_since_us != 0;
		target_step(target, now_us);
		suspect |= target->fast_probing;
	}
	if (suspect && !uplink->suspect)
		suspect_all(uplink, now_us);
	uplink->suspect = suspect;
}

/* A family that has a gateway, or needs none, lacks its address. */
static enum uplink_fault link_fault(const struct uplink_facts *facts)
{
	bool lacks_address = true;

	if (!facts->present)
		return UPLINK_NO_INTERFACE;
	if (facts->port)
		return UPLINK_IS_PORT;
	if (!facts->carrier)
		return UPLINK_NO_CARRIER;
	for (int family = 0; family < SITE_FAMILIES; family++) {
		if (facts->address[family] && facts->gateway[family])
			return UPLINK_NO_FAULT;
		if (facts->address[family])
			lacks_address = false;
	}
	for (int family = 0; family < SITE_FAMILIES; family++)
		if (facts->gateway[family] && !facts->address[family])
			lacks_address = true;
	return lacks_address ? UPLINK_NO_ADDRESS : UPLINK_NO_GATEWAY;
}

static bool answers_suffice(const struct uplink *uplink)
{
	size_t n_dead = uplink_count(uplink, TARGET_DEAD);
	size_t n_unknown = uplink_count(uplink, TARGET_UNKNOWN);
	size_t n = uplink->n_targets - n_dead;

	if (uplink->health == UPLINK_DOWN && !uplink->never_judged) {
		n -= n_unknown;
		/* after an outage too short to make them dead they must answer first */
		if (!uplink->healthy_since_us)
			n -= uplink_count(uplink, TARGET_SUSPECT);
	}
	return n >= uplink_needed(uplink);
}

/* When the first lost probe of the latest outage was sent. */
static int64_t answers_cause_us(const struct uplink *uplink, int64_t now_us)
{
	int64_t cause_us = 0;

	for (size_t i = 0; i < uplink->n_targets; i++) {
		const struct target *target = &uplink->targets[i].target;

		if (target->verdict == TARGET_DEAD && target->first_lost_us > cause_us)
			cause_us = target->first_lost_us;
	}
	return cause_us ? cause_us : now_us;
}

/* The probes say "dead" and the traffic says "alive": the traffic wins for a while. */
static bool is_deferred(struct uplink *uplink, int64_t now_us)
{
	int64_t cause_us = answers_cause_us(uplink, now_us);

	if (!uplink->deferred_until_us)
		uplink->deferred_until_us = cause_us + DEFER_TIMES * (now_us - cause_us);
	return now_us < uplink->deferred_until_us && uplink->reply_us > cause_us &&
	       now_us - uplink->reply_us < REPLIES_FRESH_US;
}

static enum uplink_fault fault_now(struct uplink *uplink, int64_t now_us)
{
	enum uplink_fault fault = link_fault(&uplink->facts);

	if (fault != UPLINK_NO_FAULT) {
		uplink->deferred_until_us = 0; /* the next outage has its own deferral */
		return fault;
	}
	if (answers_suffice(uplink)) {
		uplink->deferred_until_us = 0;
		return UPLINK_NO_FAULT;
	}
	if (uplink->health != UPLINK_DOWN && is_deferred(uplink, now_us))
		return UPLINK_NO_FAULT;
	uplink->deferred_until_us = 0;
	return UPLINK_NO_ANSWERS;
}

static int by_loss(const void *a, const void *b)
{
	double x = ((const struct target_stats *)a)->loss;
	double y = ((const struct target_stats *)b)->loss;

	return (x > y) - (x < y);
}

static int by_rtt(const void *a, const void *b)
{
	int64_t x = ((const struct target_stats *)a)->rtt_us;
	int64_t y = ((const struct target_stats *)b)->rtt_us;

	return (x > y) - (x < y);
}

/* Loss and round-trip time that `quorum` targets do not exceed: one bad target of several says
 * little about the uplink. Returns how many targets had enough probes to count. */
static size_t uplink_measure(struct uplink *uplink, int64_t now_us)
{
	struct target_stats stats[UPLINK_MAX_TARGETS];
	size_t needed = uplink_needed(uplink);
	size_t n_telling = 0;
	size_t n = uplink->n_targets;

	invariant(n <= UPLINK_MAX_TARGETS, "uplink %s has %zu targets", uplink->name, n);
	for (size_t i = 0; i < n; i++) {
		stats[i] = target_stats(&uplink->targets[i].target, now_us);
		n_telling += stats[i].n_settled >= ENOUGH_SETTLED &&
			     stats[i].span_us >= ENOUGH_US;
		if (stats[i].rtt_us < 0)
			stats[i].rtt_us = INT64_MAX;
	}
	if (needed == 0) {
		uplink->loss = 0;
		uplink->rtt_us = -1;
		return 0;
	}

	qsort(stats, n, sizeof(*stats), by_loss);
	uplink->loss = stats[needed - 1].loss;
	qsort(stats, n, sizeof(*stats), by_rtt);
	uplink->rtt_us = stats[needed - 1].rtt_us == INT64_MAX ? -1 : stats[needed - 1].rtt_us;
	return n_telling;
}

static bool is_within_limits(const struct uplink *uplink, double share)
{
	const struct site_probing *limit = &uplink->probing;

	return uplink->loss <= limit->degraded_loss * share &&
	       (double)uplink->rtt_us <= (double)(limit->degraded_rtt_ms * MS) * share;
}

static int64_t failback_us(const struct uplink *uplink)
{
	int64_t ms = uplink->failback_ms < 0 ? DEFAULT_FAILBACK_MS : uplink->failback_ms;

	return ms * MS;
}

int64_t uplink_hold_us(const struct uplink *uplink)
{
	int64_t hold_us = failback_us(uplink);

	for (unsigned int i = 0; i < uplink->relapses && hold_us < longest_hold_us; i++)
		hold_us = clock_min_us(2 * hold_us, longest_hold_us);
	return hold_us;
}

static bool may_return(const struct uplink *uplink, int64_t now_us)
{
	if (uplink->never_judged || uplink->last_usable || uplink->hold_overridden)
		return true;
	if (uplink->failback_ms == SITE_FAILBACK_MANUAL)
		return false;
	return now_us - uplink->healthy_since_us >= uplink_hold_us(uplink);
}

static void uplink_fall(struct uplink *uplink, int64_t now_us)
{
	bool relapse = uplink->returned_us && now_us - uplink->returned_us < relapse_us;

	uplink->relapses = relapse ? uplink->relapses + 1 : 0;
	uplink->health = UPLINK_DOWN;
	uplink->hold_overridden = false;
	uplink->cause_us = uplink->fault == UPLINK_NO_ANSWERS
				   ? answers_cause_us(uplink, now_us)
				   : now_us;
}

static void uplink_recover(struct uplink *uplink, int64_t now_us)
{
	if (!uplink->healthy_since_us)
		uplink->healthy_since_us = now_us;
	if (!may_return(uplink, now_us))
		return;

	uplink->health = UPLINK_UP;
	uplink->cause_us = uplink->healthy_since_us;
	uplink->returned_us = uplink->never_judged ? 0 : now_us;
	uplink->never_judged = false;
	uplink->below_limit_since_us = 0;
}

/* Does a minute at the normal interval have enough probes for a share of loss? Where it has not,
 * few probes must do for leaving "degraded", or the uplink would stay in it for ever. */
static bool is_asked_often(const struct uplink *uplink)
{
	return uplink->n_targets > 0 &&
	       uplink->probing.interval_ms * MS * ENOUGH_SETTLED <= MINUTE_US;
}

static void uplink_grade(struct uplink *uplink, size_t n_telling, int64_t now_us)
{
	bool tells = uplink->n_targets > 0 && n_telling >= uplink_needed(uplink);

	if (uplink->deferred_until_us || (!tells && is_asked_often(uplink))) {
		uplink->below_limit_since_us = 0;
		return;
	}
	if (uplink->health == UPLINK_UP && tells && !is_within_limits(uplink, 1)) {
		uplink->health = UPLINK_DEGRADED;
		uplink->cause_us = now_us;
		uplink->below_limit_since_us = 0;
	}
	if (uplink->health != UPLINK_DEGRADED)
		return;

	if (!is_within_limits(uplink, 0.5))
		uplink->below_limit_since_us = 0;
	else if (!uplink->below_limit_since_us)
		uplink->below_limit_since_us = now_us;
	else if (now_us - uplink->below_limit_since_us >= failback_us(uplink)) {
		uplink->health = UPLINK_UP;
		uplink->cause_us = uplink->below_limit_since_us;
	}
}

enum uplink_state uplink_state(const struct uplink *uplink)
{
	return uplink->drained ? UPLINK_DRAINED : uplink->health;
}

bool uplink_step(struct uplink *uplink, int64_t now_us)
{
	targets_step(uplink, now_us);
	size_t n_telling = uplink_measure(uplink, now_us);

	uplink->fault = fault_now(uplink, now_us);
	if (uplink->fault != UPLINK_NO_FAULT) {
		uplink->healthy_since_us = 0;
		if (uplink->health != UPLINK_DOWN)
			uplink_fall(uplink, now_us);
	} else if (uplink->health == UPLINK_DOWN) {
		uplink_recover(uplink, now_us);
	} else {
		uplink_grade(uplink, n_telling, now_us);
	}

	enum uplink_state state = uplink_state(uplink);
	if (state == uplink->reported)
		return false;
	if (state == UPLINK_DRAINED || uplink->reported == UPLINK_DRAINED)
		uplink->cause_us = now_us; /* the operator is the cause */
	uplink->reported = state;
	uplink->since_us = now_us;
	return true;
}

int64_t uplink_next_us(const struct uplink *uplink)
{
	int64_t next_us = INT64_MAX;

	for (size_t i = 0; i < uplink->n_targets; i++)
		next_us = clock_min_us(next_us, target_next_us(&uplink->targets[i].target));
	if (uplink->one_way_since_us)
		next_us = clock_min_us(next_us, uplink->one_way_since_us + ONE_WAY_US);
	if (uplink->deferred_until_us) {
		next_us = clock_min_us(next_us, uplink->deferred_until_us);
		next_us = clock_min_us(next_us, uplink->reply_us + REPLIES_FRESH_US);
	}
	if (uplink->health == UPLINK_DOWN && uplink->healthy_since_us &&
		uplink->failback_ms != SITE_FAILBACK_MANUAL)
		next_us = clock_min_us(
			next_us, uplink->healthy_since_us + uplink_hold_us(uplink));
	if (uplink->health == UPLINK_DEGRADED && uplink->below_limit_since_us)
		next_us = clock_min_us(
			next_us, uplink->below_limit_since_us + failback_us(uplink));
	return next_us;
}
