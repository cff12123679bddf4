/* routed.h - the agent's life: start, reload, wake-ups, end
 *
 * One struct routed owns every part; each callback gets it through its argument. The parts do
 * not know it: agent/ has the uplinks and what follows from them, report/ has the reports,
 * reconcile.c makes the kernel follow.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/site/report.h"
#include "routed/agent/agent.h"
#include "routed/agent/observer.h"
#include "routed/agent/repairloop.h"
#include "routed/kernel/apply.h"
#include "routed/kernel/kernel.h"
#include "routed/kernel/nft.h"

struct cli;
struct conntrack;
struct ctl_server;
struct event;
struct event_base;
struct events;
struct flowcount;
struct health;
struct hook;
struct linkfeed;
struct nfttable;
struct passive;

/* The state that the kernel was last made to hold. */
struct applied {
	struct kernel wanted;
	struct nfttable *table; /* NULL: none yet */
	bool table_dirty;	/* the kernel's may be another one */
};

struct routed {
	const struct cli *cli;
	struct agent agent;
	struct savedstate saved; /* as it was at start, or before the last reload */

	/* edges to the kernel */
	struct links *links;
	struct rtnl *rtnl;
	struct nft *nft;
	struct sysctl_store *sysctls;
	struct conntrack *conntrack;
	struct flowcount *flowcount;
	struct passive *passive;
	struct rtnlwatch *watch;
	struct observer observer;
	struct apply apply;
	struct applied applied;

	struct health *health;

	/* reports */
	struct ctl_server *ctl;
	struct hook *hook;
	struct events *events;
	struct linkfeed *linkfeed;

	struct event_base *base;
	struct event *on_hup, *on_term, *on_int;
	struct event *burst;  /* to look at what changed */
	struct event *look;   /* to look although no message came; also a retry */
	struct event *poll;   /* carrier and traffic */
	struct event *sweep;  /* flows that have to be deleted then */
	struct event *reread; /* routes of main, postponed while they change all the time */
	struct event *watchdog;

	bool in_reconcile;
	struct repair_loop repair_loop;
	struct agent_counters counters;
	struct last_writer writer;   /* seen to touch ours since the last look */
	struct last_writer repaired; /* the one before the last repair */
	time_t started_s;
	time_t loaded_s;
	time_t load_failed_s; /* of the last reload, if it failed; else 0 */
};

/* The verb `run`: returns when the agent got a signal to end. */
int routed_run(const struct cli *cli);

/* Reads site.yaml again; `arg` is a struct routed. Every mistake goes to `report`. A logged
 * negative errno: all is as it was. For reload_answer. */
int routed_reload(struct report *report, void *arg);
