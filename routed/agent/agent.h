/* agent.h - the uplinks of the running agent, and what follows from their states
 *
 * The part of the running agent that the modules share: the site, one machine per uplink, the
 * situation of the links, and the decision that the kernel was last made to hold. Reports read
 * it as const; agent/ and reconcile.c change it. It knows no socket and no timer of its own
 * but the probers'.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/site/site.h"
#include "routed/agent/savedstate.h"
#include "routed/uplink/uplink.h"
#include "routed/wanted/decide.h"
#include "routed/wanted/flows.h"
#include "routed/wanted/situation.h"

struct agent;
struct event_base;
struct prober;

/* One uplink, for as long as a configuration names it on the same interface. */
struct agent_uplink {
	struct agent *agent;
	struct uplink machine;
	struct prober *prober;
	struct flows flows;
	struct situation_learned learned;
	int numbered_ifindex; /* the device that was last seen with a global IPv6 address */
	bool overfull[SITE_FAMILIES]; /* more routes than its table takes, and logged */
};

/* A probe was answered, or was not: to call agent_step and to draw the consequences. */
typedef void agent_probed_fn(struct agent_uplink *uplink, void *arg);

struct agent {
	struct site *site;
	struct agent_uplink *uplinks[SITE_MAX_UPLINKS]; /* as site->uplinks */

	struct situation situation; /* the links and states as last seen */
	struct decision decision;   /* that the kernel was last made to hold */
	int64_t cause_us; /* the latest event that the present change goes back to; 0: none */
	int64_t applied_us; /* when the kernel was last changed */

	bool standby; /* the other router is at work: standby.h */
	enum savedstate_role role;
	char *saved_path; /* of the saved state; borrowed */

	/* for new probers */
	struct event_base *base;
	agent_probed_fn *probed;
	void *probed_arg;
};

/* Counts since the start. */
struct agent_counters {
	uint64_t looks;	     /* comparisons of wanted and actual state */
	uint64_t changes;    /* steps performed because something else was wanted */
	uint64_t repairs;    /* steps performed though nothing else was wanted */
	uint64_t table_lost; /* times that others had changed our nftables table */
	uint64_t deletions;  /* of flows of an uplink */
	uint64_t switches;   /* changes of the set of active uplinks */
};

/* Who last wrote to routes, rules or the table that are ours; pid 0: not known, often the
 * kernel itself. */
struct last_writer {
	pid_t pid;
	char name[16];
	time_t at_s; /* 0: there was none yet */
};

/* The name of a link for messages; `arg` is a struct links. */
const char *agent_ifname(int ifindex, void *arg);

/* Index in site->uplinks. The uplink must be one of the agent's. */
size_t agent_index(const struct agent *agent, const struct agent_uplink *uplink);

/* The set of uplinks that new connections use, of either family. */
uint32_t agent_active(const struct agent *agent);

/* The set of uplinks other than `index` that can take new connections: up or degraded. */
uint32_t agent_usable_others(const struct agent *agent, size_t index);

/* What a step of the machines has changed: a set. */
enum agent_change {
	AGENT_NEW_FAULT = 1, /* down for another reason: subscribers get it */
	AGENT_NEW_STATE = 2, /* the kernel has to follow */
};

/* Lets one machine, or all of them, draw their conclusions. Returns a set of enum
 * agent_change. */
unsigned int agent_step(struct agent *agent, size_t index);
unsigned int agent_step_all(struct agent *agent);

/* Forgets all verdicts, as after a boot: nothing known says anything about the paths as they
 * are now. */
void agent_reset_uplinks(struct agent *agent);

/* What a restart, or a reload, has to know. */
void agent_to_save(const struct agent *agent, struct savedstate *ret_saved);

/* Writes that down; `durable` as in savedstate_store. A logged negative errno. */
int agent_save(const struct agent *agent, bool durable);
