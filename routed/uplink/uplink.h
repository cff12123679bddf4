/* uplink.h - whether an uplink works: the state machine of one uplink
 *
 * Pure: the caller tells what the links, the probes, the traffic and the operator say, and
 * when; `uplink_step` draws the conclusion, `uplink_next_us` says when to come back. Times are
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
	/* How often carrier and traffic are to be looked at besides the kernel's messages: the
	 * figures in uplink.c count on it. */
	UPLINK_POLL_MS = 50,
	UPLINK_WHY_MAX = 512,
	UPLINK_MAX_TARGETS = 64, /* site.yaml takes no more */
};

/* What the kernel says of the link. */
struct uplink_facts {
	bool present; /* the interface exists */
	bool port;    /* but belongs to a bridge or the like, which gets what comes in by it */
	bool carrier; /* and can pass packets */
	bool address[SITE_FAMILIES];
	bool gateway[SITE_FAMILIES]; /* known, or none is needed */
};

/* Packets since somewhere in the past, as our nftables table counts them. */
struct uplink_traffic {
	uint64_t out;	  /* left over the uplink */
	uint64_t replies; /* came in over it, on connections that began on this side */
};

enum uplink_fault {
	UPLINK_NO_FAULT,
	UPLINK_NO_INTERFACE,
	UPLINK_IS_PORT,
	UPLINK_NO_CARRIER,
	UPLINK_NO_ADDRESS,
	UPLINK_NO_GATEWAY,
	UPLINK_NO_ANSWERS, /* fewer targets live than `quorum` asks for */
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

	double loss;	/* last minute, of the quorum's best targets */
	int64_t rtt_us; /* likewise; -1: unknown */

	int64_t since_us; /* the reported state */
	int64_t cause_us; /* what led to it, at the earliest that we know of */

	bool counted;	 /* `traffic` holds a first reading */
	bool reply_seen; /* since traffic was found one-way the last time */
	struct uplink_traffic traffic;
	uint64_t n_unanswered;	  /* packets out since the last reply */
	int64_t reply_us;	  /* last reading that found replies */
	int64_t one_way_since_us; /* a conversation gets no replies since; 0: it does */
};

/* What a successor needs in order not to bounce the uplink. Plain values; the monotonic clock
 * outlives a process, though not a boot. */
struct uplink_saved {
	enum uplink_state health;
	unsigned int relapses;
	int64_t since_us;
	int64_t returned_us;
};

/* Of site->uplinks[index]. -ENOMEM, or 0; the caller's to uplink_fini. */
int uplink_init(struct uplink *uplink, const struct site *site, size_t index, int64_t now_us);
void uplink_fini(struct uplink *uplink);

/* Takes another configuration; state, and targets that are still there, stay. -ENOMEM: nothing
 * has changed. */
int uplink_configure(
	struct uplink *uplink, const struct site *site, size_t index, int64_t now_us);

/* Knows nothing any more, as after uplink_init, but that it is drained. */
void uplink_reset(struct uplink *uplink, int64_t now_us);

/* Link and address are enough again for an uplink that is down, as at the start. */
void uplink_assume_up(struct uplink *uplink);

void uplink_save(const struct uplink *uplink, struct uplink_saved *ret_saved);

/* Goes on from what an earlier run knew. False (and nothing is done) if that was before the
 * last boot or is no state at all. */
bool uplink_restore(struct uplink *uplink, const struct uplink_saved *saved, int64_t now_us);

/* --- what happened; uplink_step is to follow --- */

void uplink_on_link(struct uplink *uplink, const struct uplink_facts *facts);
void uplink_on_traffic(
	struct uplink *uplink, const struct uplink_traffic *traffic, int64_t now_us);
void uplink_drain(struct uplink *uplink);
void uplink_undrain(struct uplink *uplink); /* also ends a manual hold */
void uplink_set_last_usable(struct uplink *uplink, bool last_usable);

/* --- what follows --- */

/* True if the state is another than after the last step. */
bool uplink_step(struct uplink *uplink, int64_t now_us);
enum uplink_state uplink_state(const struct uplink *uplink);

/* When to send (target_wants_send) or to step next; INT64_MAX: only when something happens. */
int64_t uplink_next_us(const struct uplink *uplink);

/* The state's reason, for an operator. `wall_us` is the time of day at `now_us`. Returns
 * `out`. */
const char *uplink_why(
	const struct uplink *uplink, int64_t now_us, int64_t wall_us, char *out, size_t cap);

/* How long a recovered uplink must stay good at present; failback `manual` not considered. */
int64_t uplink_hold_us(const struct uplink *uplink);

/* How many targets must live. */
size_t uplink_needed(const struct uplink *uplink);
size_t uplink_count(const struct uplink *uplink, enum target_verdict verdict);
