/* target.c - one probe target of one uplink: its probes, their answers, and the verdict
 *
 *            answer                 an answer is late, or a probe was lost
 *   unknown --------> alive <=====================================> suspect
 *      |                ^     a probe sent after the late one is answered  |
 *      | fall lost      | rise answered in a row                           | fall lost
 *      +------------> dead <-----------------------------------------------+ in a row
 *
 * A probe has two deadlines. Both follow from the round-trip time measured so far (RFC 6298:
 * the smoothed time plus four times its variation, with a floor under the latter):
 *   late   smoothed + 25 ms at least: the target is suspect, and probes go at `suspect`;
 *   lost   smoothed + 150 ms at least, `timeout` at most: the probe counts as lost.
 * An answer is accepted until `timeout`, even for a probe that counted as lost: a path whose
 * delay has jumped is alive.
 *
 * `fall` adapts to the usual loss of the path. Outages are not part of the usual loss, and
 * neither is what may still become one: losses count once a later probe is answered, and are
 * forgotten when the target is found dead. The usual loss is the greatest of three: the last
 * hour, the last two minutes, the last 20 probes. So a link that became lossy ten seconds ago
 * is not declared dead because it was good before.
 *
 * What the floors cost, with interval 500 ms, suspect 100 ms, fall 5, round-trip time r, and no
 * traffic: the cut comes just after an answer. The next probe goes at 500 and is late at
 * 525 + r; four more go at 600, 700, 800, 900 (for r < 75); the last of them is lost at
 * 1050 + r. So 1.05 s at worst on a short path, and below 1.2 s up to r = 100 ms.
 */
#include "routed/uplink/target.h"

#include <string.h>

#include "common/clock.h"

enum {
	MS = 1000, /* us */
	SEC = 1000 * MS,
	MINUTE_SLOT_US = 5 * SEC,
	LATE_FLOOR_US = 25 * MS,
	LOST_FLOOR_US = 150 * MS,
	ENOUGH_RTTS = 3, /* with fewer, only `timeout` says that a probe is lost */
	RECENT = 20,
};

static const int64_t hour_slot_us = 60LL * SEC;

void target_init(struct target *target, const struct site_probing *probing, int64_t first_us)
{
	*target = (struct target){
		.probing = *probing,
		.next_seq = 1,
		.last_sent_us = INT64_MIN / 2,
		.next_send_us = first_us,
	};
}

static bool is_suspect(const struct target *target)
{
	return target->verdict != TARGET_DEAD && (target->late || target->lost_in_row > 0);
}

static int64_t probe_interval_us(const struct target *target)
{
	return MS *
	       (is_suspect(target) ? target->probing.suspect_ms : target->probing.interval_ms);
}

static int64_t timeout_us(const struct target *target)
{
	return target->probing.timeout_ms * MS;
}

static int64_t patience_us(const struct target *target, int64_t floor_us)
{
	int64_t us = target->srtt_us + clock_max_us(4 * target->rttvar_us, floor_us);

	return clock_min_us(us, timeout_us(target));
}

/* The age at which an unanswered probe makes the target suspect. */
static int64_t late_after_us(const struct target *target)
{
	if (target->n_rtts == 0)
		return timeout_us(target) / 4;
	return patience_us(target, LATE_FLOOR_US);
}

/* The age at which an unanswered probe counts as lost. */
static int64_t lost_after_us(const struct target *target)
{
	if (target->n_rtts < ENOUGH_RTTS)
		return timeout_us(target);
	return patience_us(target, target->one_way ? LATE_FLOOR_US : LOST_FLOOR_US);
}

void target_configure(struct target *target, const struct site_probing *probing)
{
	target->probing = *probing;
	if (target->n_sent > 0)
		target->next_send_us = target->last_sent_us + probe_interval_us(target);
}

/* Sequence numbers wrap after some years of probing. */
static bool seq_is_later(uint32_t seq, uint32_t than)
{
	return (int32_t)(seq - than) > 0;
}

static struct target_flight *flight_of(struct target *target, uint32_t seq)
{
	struct target_flight *flight = &target->flights[seq % TARGET_FLIGHTS];

	return flight->seq == seq ? flight : NULL;
}

static struct target_slot *slot_of(
	struct target_slot *slots, int64_t n_slots, int64_t slot_us, int64_t now_us)
{
	int64_t index = now_us / slot_us;
	struct target_slot *slot = &slots[index % n_slots];

	if (slot->index != index)
		*slot = (struct target_slot){.index = index};
	return slot;
}

static struct target_slot *minute_slot(struct target *target, int64_t now_us)
{
	return slot_of(target->minute, TARGET_MINUTE_SLOTS, MINUTE_SLOT_US, now_us);
}

/* Counts the fate of one probe into the usual loss. */
static void usual_loss_add(struct target *target, bool lost, int64_t now_us)
{
	struct target_slot *slot = slot_of(
		target->hour, TARGET_HOUR_SLOTS, hour_slot_us, now_us);

	slot->n_settled++;
	slot->n_lost += lost;
	target->recent = (target->recent << 1 | lost) & ((1U << RECENT) - 1);
}

/* The probe has timed out. Losses of a run that has not ended are kept apart. */
static void flight_expire(struct target *target, struct target_flight *flight, int64_t now_us)
{
	struct target_slot *slot = minute_slot(target, now_us);

	flight->fate = TARGET_NO_PROBE;
	slot->n_settled++;
	slot->n_lost++;
	target->n_lost++;
	if (target->verdict == TARGET_DEAD)
		return;
	if (seq_is_later(target->answered_seq, flight->seq))
		usual_loss_add(target, true, now_us);
	else
		target->run_lost++;
}

bool target_wants_send(const struct target *target, int64_t now_us)
{
	return now_us >= target->next_send_us &&
	       target->flights[target->next_seq % TARGET_FLIGHTS].fate != TARGET_WAITING;
}

uint32_t target_sent(struct target *target, int64_t now_us)
{
	uint32_t seq = target->next_seq++;
	struct target_flight *flight = &target->flights[seq % TARGET_FLIGHTS];

	if (flight->fate == TARGET_OVERDUE)
		flight_expire(target, flight, now_us);
	*flight = (struct target_flight){seq, TARGET_WAITING, now_us};
	target->n_sent++;
	target->last_sent_us = now_us;
	target->next_send_us = now_us + probe_interval_us(target);
	return seq;
}

/* Is this the first measurement? For a target that comes back it is the shortest of the first
 * answers: the very first one waits for neighbour discovery, up to a second, and would delay
 * the detection of the next outage by as much. */
static bool rtt_begins(const struct target *target, int64_t rtt_us)
{
	if (target->verdict == TARGET_DEAD)
		return target->answered_in_row == 1 || rtt_us < target->srtt_us;
	return target->n_rtts == 0;
}

/* RFC 6298 sections 2.2 and 2.3. */
static void rtt_add(struct target *target, int64_t rtt_us, int64_t now_us)
{
	struct target_slot *slot = minute_slot(target, now_us);

	if (rtt_begins(target, rtt_us)) {
		target->srtt_us = rtt_us;
		target->rttvar_us = rtt_us / 2;
	} else if (target->verdict != TARGET_DEAD) {
		int64_t off = rtt_us - target->srtt_us;
		target->rttvar_us += ((off < 0 ? -off : off) - target->rttvar_us) / 4;
		target->srtt_us += off / 8;
	}
	target->n_rtts++;

	if (slot->n_rtts == 0 || rtt_us < slot->rtt_min_us)
		slot->rtt_min_us = (uint32_t)rtt_us;
	slot->n_rtts++;
	slot->rtt_sum_us += (uint64_t)rtt_us;
}

/* Probe `seq` was answered and ended the run of losses; later probes may have begun another. */
static void loss_run_end(struct target *target, uint32_t seq, int64_t sent_us, int64_t now_us)
{
	target->answered_seq = seq;
	target->answered_sent_us = sent_us;
	for (; target->run_lost > 0; target->run_lost--)
		usual_loss_add(target, true, now_us);

	target->lost_in_row = 0;
	for (uint32_t s = seq + 1; s != target->next_seq; s++) {
		const struct target_flight *flight = flight_of(target, s);

		if (!flight || flight->fate != TARGET_OVERDUE)
			continue;
		if (target->lost_in_row++ == 0)
			target->first_lost_us = flight->sent_us;
	}
}

bool target_answered(struct target *target, uint32_t seq, int64_t rtt_us, int64_t now_us)
{
	struct target_flight *flight = flight_of(target, seq);

	if (!flight || (flight->fate != TARGET_WAITING && flight->fate != TARGET_OVERDUE))
		return false;
	if (now_us - flight->sent_us > timeout_us(target))
		return false;

	if (rtt_us < 0)
		rtt_us = clock_max_us(now_us - flight->sent_us, 0);
	flight->fate = TARGET_ANSWERED;
	target->n_answered++;
	target->answered_in_row++;
	minute_slot(target, now_us)->n_settled++;
	rtt_add(target, clock_min_us(rtt_us, timeout_us(target)), now_us);

	if (seq_is_later(seq, target->answered_seq))
		loss_run_end(target, seq, flight->sent_us, now_us);
	if (target->verdict != TARGET_DEAD)
		usual_loss_add(target, false, now_us);
	target_step(target, now_us);
	return true;
}

static void flight_lose(struct target *target, struct target_flight *flight)
{
	flight->fate = TARGET_OVERDUE;
	target->answered_in_row = 0;
	if (!seq_is_later(flight->seq, target->answered_seq))
		return;
	if (target->lost_in_row++ == 0)
		target->first_lost_us = flight->sent_us;
}

void target_failed(struct target *target, uint32_t seq, int64_t now_us)
{
	struct target_flight *flight = flight_of(target, seq);

	if (!flight || flight->fate != TARGET_WAITING)
		return;
	flight_lose(target, flight);
	target_step(target, now_us);
}

void target_suspect(struct target *target, int64_t now_us)
{
	int64_t soon_us = target->last_sent_us + target->probing.suspect_ms * MS;

	if (target->verdict != TARGET_DEAD)
		target->next_send_us = clock_min_us(
			target->next_send_us, clock_max_us(now_us, soon_us));
}

/* True if a probe is late that was sent after the last answered one. */
static bool flights_step(struct target *target, int64_t now_us)
{
	int64_t lost_us = lost_after_us(target);
	int64_t late_us = late_after_us(target);
	bool late = false;

	for (uint32_t s = target->next_seq - TARGET_FLIGHTS; s != target->next_seq; s++) {
		struct target_flight *flight = flight_of(target, s);
		int64_t age_us = flight ? now_us - flight->sent_us : 0;

		if (!flight)
			continue;
		if (flight->fate == TARGET_WAITING && age_us >= lost_us)
			flight_lose(target, flight);
		if (flight->fate == TARGET_WAITING && age_us >= late_us &&
			seq_is_later(s, target->answered_seq))
			late = true;
		if (flight->fate == TARGET_OVERDUE && age_us >= timeout_us(target))
			flight_expire(target, flight, now_us);
	}
	return late;
}

static enum target_verdict verdict_now(const struct target *target, int64_t now_us)
{
	if (target->verdict == TARGET_DEAD)
		return target->answered_in_row >= target->probing.rise ? TARGET_ALIVE
								       : TARGET_DEAD;
	if (target->lost_in_row > 0 && target->lost_in_row >= target_fall_now(target, now_us))
		return TARGET_DEAD;
	if (target->n_answered == 0)
		return TARGET_UNKNOWN;
	return is_suspect(target) ? TARGET_SUSPECT : TARGET_ALIVE;
}

void target_step(struct target *target, int64_t now_us)
{
	target->late = flights_step(target, now_us);
	enum target_verdict verdict = verdict_now(target, now_us);
	if (verdict == TARGET_DEAD)
		target->run_lost = 0;
	if (target->verdict == TARGET_DEAD && verdict != TARGET_DEAD)
		memset(target->minute, 0, sizeof(target->minute)); /* the outage is over */
	target->verdict = verdict;

	if (is_suspect(target) == target->fast_probing)
		return;
	target->fast_probing = !target->fast_probing;
	target->next_send_us = clock_max_us(
		now_us, target->last_sent_us + probe_interval_us(target));
}

int64_t target_next_us(const struct target *target)
{
	int64_t lost_us = lost_after_us(target);
	int64_t late_us = late_after_us(target);
	int64_t next_us = INT64_MAX;

	if (target->flights[target->next_seq % TARGET_FLIGHTS].fate != TARGET_WAITING)
		next_us = target->next_send_us;
	for (size_t i = 0; i < TARGET_FLIGHTS; i++) {
		const struct target_flight *flight = &target->flights[i];

		if (flight->fate == TARGET_OVERDUE)
			next_us = clock_min_us(next_us, flight->sent_us + timeout_us(target));
		if (flight->fate != TARGET_WAITING)
			continue;
		next_us = clock_min_us(next_us, flight->sent_us + lost_us);
		if (!target->late && seq_is_later(flight->seq, target->answered_seq))
			next_us = clock_min_us(next_us, flight->sent_us + late_us);
	}
	return next_us;
}

unsigned int target_fall(double loss, int64_t interval_ms, unsigned int fall)
{
	double month_ms = 30.0 * 24 * 3600 * 1000;
	double expected = month_ms / (double)interval_ms;
	unsigned int n = 0;

	for (; n < TARGET_FALL_MAX && (n < fall || expected > 1); n++)
		expected *= loss;
	return n;
}

/* Loss over the last `n_slots` of the hour. A few probes are not enough for a share: the divisor
 * is RECENT at least. */
static double usual_loss(const struct target *target, int64_t n_slots, int64_t now_us)
{
	int64_t oldest = now_us / hour_slot_us - n_slots + 1;
	uint32_t n_settled = 0;
	uint32_t n_lost = 0;

	for (size_t i = 0; i < TARGET_HOUR_SLOTS; i++) {
		if (target->hour[i].index < oldest)
			continue;
		n_settled += target->hour[i].n_settled;
		n_lost += target->hour[i].n_lost;
	}
	return (double)n_lost / (n_settled > RECENT ? n_settled : RECENT);
}

unsigned int target_fall_now(const struct target *target, int64_t now_us)
{
	double hour = usual_loss(target, TARGET_HOUR_SLOTS, now_us);
	double lately = usual_loss(target, 2, now_us);
	double latest = __builtin_popcount(target->recent) / (double)RECENT;
	double loss = hour > lately ? hour : lately;

	return target_fall(loss > latest ? loss : latest, target->probing.interval_ms,
		target->probing.fall);
}

struct target_stats target_stats(const struct target *target, int64_t now_us)
{
	int64_t oldest = now_us / MINUTE_SLOT_US - TARGET_MINUTE_SLOTS + 1;
	struct target_stats stats = {.rtt_us = -1, .rtt_min_us = -1};
	uint64_t sum_us = 0;
	uint32_t n_rtts = 0;
	uint32_t n_lost = 0;

	for (size_t i = 0; i < TARGET_MINUTE_SLOTS; i++) {
		const struct target_slot *slot = &target->minute[i];

		if (slot->index < oldest || slot->n_settled == 0)
			continue;
		stats.span_us = clock_max_us(
			stats.span_us, now_us - slot->index * MINUTE_SLOT_US);
		stats.n_settled += slot->n_settled;
		n_lost += slot->n_lost;
		sum_us += slot->rtt_sum_us;
		n_rtts += slot->n_rtts;
		if (slot->n_rtts &&
			(stats.rtt_min_us < 0 || slot->rtt_min_us < stats.rtt_min_us))
			stats.rtt_min_us = slot->rtt_min_us;
	}
	if (stats.n_settled)
		stats.loss = (double)n_lost / stats.n_settled;
	if (n_rtts)
		stats.rtt_us = (int64_t)(sum_us / n_rtts);
	return stats;
}

const char *target_verdict_str(enum target_verdict verdict)
{
	static const char *const names[] = {
		[TARGET_UNKNOWN] = "unknown",
		[TARGET_ALIVE] = "alive",
		[TARGET_SUSPECT] = "suspect",
		[TARGET_DEAD] = "dead",
	};

	return names[verdict];
}
