/* uplink.h - whether an uplink works: the state machine of one uplink
 *
 * Pure: the caller reports links, probes, traffic and the operator's commands, with the time.
 * `uplink_step` computes the state, `uplink_next_us` says when the next step is due. Times are
 * monotonic microseconds, greater than 0.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/site/site.h"
#include "common/site/uplinkstate.h"
#include "routed/uplink/target.h"

enum {
	/* How often the caller reads carrier and traffic besides the kernel's messages. The
	 * figures in uplink.c depend on it. */
	UPLINK_POLL_MS = 50,
	UPLINK_WHY_MAX = 512,
	UPLINK_MAX_TARGETS = 64, /* site.yaml takes no more */
};

/* The link as the kernel shows it. */
struct uplink_facts {
	bool present; /* the interface exists */
	bool port;    /* it is a port of a bridge or the like, which takes its packets */
	bool carrier; /* it can pass packets */
	bool address[SITE_FAMILIES];
	bool gateway[SITE_FAMILIES]; /* known, or not needed */
};

/* Packet counters of our nftables table. They grow, and start at 0 in a new table. */
struct uplink_traffic {
	uint64_t out;	  /* left over the uplink */
	uint64_t replies; /* came in over it, on connections that this side opened */
};

enum uplink_fault {
	UPLINK_NO_FAULT,
	UPLINK_NO_INTERFACE,
	UPLINK_IS_PORT,
	UPLINK_NO_CARRIER,
	UPLINK_NO_ADDRESS,
	UPLINK_NO_GATEWAY,
	UPLINK_NO_ANSWERS, /* fewer targets answer than `quorum` asks for */
};

struct uplink_target {
	struct site_probe probe; /* `name` is a copy of the uplink's own */
	struct target target;
};

struct uplink {
	char name[SITE_NAME_MAX + 1];
	char interface[IFNAMSIZ];
	struct site_probing probing;
	unsigned int quorum;
	int64_t failback_ms; /* or SITE_FAILBACK_MANUAL */
	struct uplink_target *targets;
	size_t n_targets;

	struct uplink_facts facts;
	bool drained;	  /* by the operator */
	bool suspect;	  /* some target is suspect: the others were asked too */
	bool last_usable; /* no other uplink is usable, or none with IPv4: there is no hold */

	enum uplink_state health;   /* up, degraded or down, drained or not */
	enum uplink_state reported; /* what the last step returned */
	enum uplink_fault fault;
	bool never_judged;	      /* link and address are enough to begin with */
	bool hold_overridden;	      /* the operator ended the hold */
	int64_t healthy_since_us;     /* down: without fault since; 0: there is one */
	int64_t below_limit_since_us; /* degraded: below half of the limits since; 0: above */
	int64_t deferred_until_us;    /* a verdict of the probes waits; 0: none does */
	int64_t returned_us;	      /* when it was last used again after a fault; 0: never */
	unsigned int relapses;

	double loss;	/* over the last minute, of the best targets up to the quorum */
	int64_t rtt_us; /* likewise; -1: unknown */

	int64_t since_us; /* the reported state */
	int64_t cause_us; /* the earliest known time of its cause */

	bool counted;	 /* `traffic` holds a first reading */
	bool reply_seen; /* since traffic was found one-way the last time */
	struct uplink_traffic traffic;
	uint64_t n_unanswered;	  /* packets out since the last reply */
	int64_t reply_us;	  /* last reading that found replies */
	int64_t one_way_since_us; /* a conversation gets no replies since; 0: it does */
};

/* What the next process needs to keep the state of the uplink. Plain values: the monotonic
 * clock outlives a process, but not a boot. */
struct uplink_saved {
	enum uplink_state health;
	unsigned int relapses;
	int64_t since_us;
	int64_t returned_us;
};

/* For site->uplinks[index]. 0 or -ENOMEM. The caller calls uplink_fini. */
int uplink_init(struct uplink *uplink, const struct site *site, size_t index, int64_t now_us);
void uplink_fini(struct uplink *uplink);

/* Takes another configuration. The state stays, and so do targets that are in both. -ENOMEM:
 * nothing has changed. */
int uplink_configure(
	struct uplink *uplink, const struct site *site, size_t index, int64_t now_us);

/* Resets all state except `drained`, as uplink_init does. */
void uplink_reset(struct uplink *uplink, int64_t now_us);

/* For an uplink that is down: from now on link and address are enough for up, as at the start,
 * until the probes say otherwise. */
void uplink_assume_up(struct uplink *uplink);

void uplink_save(const struct uplink *uplink, struct uplink_saved *ret_saved);

/* Continues from the state of an earlier process. False, and nothing changes, if that is from
 * before the last boot or not a valid state. */
bool uplink_restore(struct uplink *uplink, const struct uplink_saved *saved, int64_t now_us);

/* --- events; call uplink_step afterwards --- */

void uplink_on_link(struct uplink *uplink, const struct uplink_facts *facts);
void uplink_on_traffic(
	struct uplink *uplink, const struct uplink_traffic *traffic, int64_t now_us);
void uplink_drain(struct uplink *uplink);
void uplink_undrain(struct uplink *uplink); /* also ends a manual hold */
void uplink_set_last_usable(struct uplink *uplink, bool last_usable);

/* --- the result --- */

/* True if the state has changed since the last step. */
bool uplink_step(struct uplink *uplink, int64_t now_us);
enum uplink_state uplink_state(const struct uplink *uplink);

/* When the next probe (target_wants_send) or step is due; INT64_MAX: only after an event. */
int64_t uplink_next_us(const struct uplink *uplink);

/* The reason of the state, for an operator. `wall_us` is the time of day at `now_us`. Returns
 * `out`. */
const char *uplink_why(
	const struct uplink *uplink, int64_t now_us, int64_t wall_us, char *out, size_t cap);

/* How long a recovered uplink must stay healthy at present, without regard to failback
 * `manual`. */
int64_t uplink_hold_us(const struct uplink *uplink);

/* How many targets must answer. */
size_t uplink_needed(const struct uplink *uplink);
size_t uplink_count(const struct uplink *uplink, enum target_verdict verdict);
