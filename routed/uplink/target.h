/* target.h - one probe target of one uplink: its probes, their answers, and the verdict
 *
 * Pure: the caller reports when a probe was sent, answered or failed, and asks when the next
 * step is due. Times are monotonic microseconds. A sequence number identifies a probe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/site/site.h"

enum {
	TARGET_FLIGHTS = 32, /* probes remembered; more than the greatest `fall` */
	TARGET_MINUTE_SLOTS = 12,
	TARGET_HOUR_SLOTS = 60,
	TARGET_FALL_MAX = 30,
};

enum target_verdict { TARGET_UNKNOWN, TARGET_ALIVE, TARGET_SUSPECT, TARGET_DEAD };

enum target_fate { TARGET_NO_PROBE, TARGET_WAITING, TARGET_OVERDUE, TARGET_ANSWERED };

struct target_flight {
	uint32_t seq;
	enum target_fate fate;
	int64_t sent_us;
};

/* The probes that ended within one span of time. */
struct target_slot {
	int64_t index; /* which span since the epoch of the clock */
	uint32_t n_settled;
	uint32_t n_lost;
	uint32_t n_rtts;
	uint32_t rtt_min_us;
	uint64_t rtt_sum_us;
};

struct target {
	struct site_probing probing;
	enum target_verdict verdict;
	bool late;	   /* a probe after the last answer waits longer than usual */
	bool fast_probing; /* the interval is that of `suspect` */
	bool one_way;	   /* the uplink's own traffic gets no replies either: decide sooner */

	struct target_flight flights[TARGET_FLIGHTS]; /* by seq modulo */
	uint32_t next_seq;			      /* the first is 1 */
	uint32_t answered_seq;			      /* the latest one answered; 0: none */
	int64_t answered_sent_us;		      /* when it was sent */
	int64_t last_sent_us;
	int64_t next_send_us;

	unsigned int lost_in_row; /* since the last answer */
	unsigned int answered_in_row;
	int64_t first_lost_us; /* when the first of the lost in a row was sent */

	int64_t srtt_us; /* RFC 6298 section 2, without its floor */
	int64_t rttvar_us;
	uint32_t n_rtts;

	uint32_t run_lost; /* timed out in the present run: random loss, or an outage? */
	uint32_t recent;   /* fates of the latest 20 probes, 1: lost; without outages */
	struct target_slot minute[TARGET_MINUTE_SLOTS]; /* all probes */
	struct target_slot hour[TARGET_HOUR_SLOTS];	/* without outages */

	uint64_t n_sent;
	uint64_t n_answered;
	uint64_t n_lost;
};

/* The last minute, as operators see it and the verdict uses it. */
struct target_stats {
	uint32_t n_settled;
	int64_t span_us;    /* since the oldest probe, to the nearest five seconds */
	double loss;	    /* 0..1 */
	int64_t rtt_us;	    /* mean; -1: no answer */
	int64_t rtt_min_us; /* -1: no answer */
};

/* The first probe is due at `first_us`: several targets can take turns. */
void target_init(struct target *target, const struct site_probing *probing, int64_t first_us);

/* Takes new settings and keeps the state. */
void target_configure(struct target *target, const struct site_probing *probing);

/* True if a probe is due and there is room to wait for its answer. */
bool target_wants_send(const struct target *target, int64_t now_us);

/* Records that a probe is sent now. Returns its sequence number. */
uint32_t target_sent(struct target *target, int64_t now_us);

/* An answer to probe `seq`. `rtt_us` < 0: measure from the sending until now. False if no probe
 * waits for it (unknown number, answered before, or after `timeout`). */
bool target_answered(struct target *target, uint32_t seq, int64_t rtt_us, int64_t now_us);

/* Probe `seq` gets no answer (it could not be sent, or an error came back). */
void target_failed(struct target *target, uint32_t seq, int64_t now_us);

/* Something else made the path suspect: the next probe is due as soon as the suspect interval
 * allows. */
void target_suspect(struct target *target, int64_t now_us);

/* Gives up on probes that are too old, and updates the verdict. */
void target_step(struct target *target, int64_t now_us);

/* When the next probe or step is due. */
int64_t target_next_us(const struct target *target);

/* How many probes lost in a row make it dead at present. */
unsigned int target_fall_now(const struct target *target, int64_t now_us);
struct target_stats target_stats(const struct target *target, int64_t now_us);

/* The least n >= fall with loss^n x (probes a month) <= 1, at most TARGET_FALL_MAX. */
unsigned int target_fall(double loss, int64_t interval_ms, unsigned int fall);

const char *target_verdict_str(enum target_verdict verdict);
