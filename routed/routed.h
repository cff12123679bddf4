/* routed.h - the agent's life: start, reload, what wakes it, end
 *
 * One struct routed holds everything; each callback gets it through its argument. What follows
 * from a change is in reconcile.c, who is told of it in events.c.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/cli.h"
#include "routed/agent/savedstate.h"
#include "routed/kernel/apply.h"
#include "routed/kernel/gateways.h"
#include "routed/kernel/nft.h"
#include "routed/report/linkadvert.h"
#include "routed/uplink/uplink.h"
#include "routed/wanted/flows.h"
#include "routed/wanted/situation.h"

struct conntrack;
struct ctl_server;
struct event;
struct event_base;
struct flowcount;
struct health;
struct links;
struct hook;
struct passive;
struct prober;
struct routed;
struct rtnlwatch;

enum {
	ROUTED_SOCKET_TIMEOUT_MS = 5000, /* how long the verbs wait for a running routed */
	ROUTED_BURST_MS = 3,	/* messages that come in a row are looked at as one change */
	ROUTED_FIGHT_MS = 500,	/* the same while another program undoes all repairs */
	ROUTED_LOOK_MS = 10000, /* everything is compared, whether anything was heard or not */
	ROUTED_RETRY_MS = 1000, /* after a step that failed */
};
#define ROUTED_SOCKET	   "routed.sock" /* in the runtime folder */

/* In the state folder. */
#define ROUTED_SAVED_STATE "uplinks.json"
#define ROUTED_TABLE	   "nftables"
#define ROUTED_SYSCTLS	   "sysctls"

/* One uplink, for as long as a configuration names it. */
struct routed_uplink {
	struct routed *routed;
	struct uplink machine;
	struct prober *prober;
	struct flows flows;
	enum flows_which deleted; /* and not told yet */
	int64_t deletion_us;	  /* that it took the kernel */
	struct situation_learned learned;
	int numbered_ifindex; /* the device that was last seen with a global IPv6 address */
	bool overfull[SITE_FAMILIES]; /* more routes than its table takes, and told so */

	/* as last told: events.c */
	bool was_told;
	enum uplink_state state;
	bool active;
	struct addr own[SITE_FAMILIES];
	struct addr gateway[SITE_FAMILIES];
};

struct routed_counters {
	uint64_t looks;	     /* comparisons of wanted and actual state */
	uint64_t changes;    /* steps performed because something else was wanted */
	uint64_t repairs;    /* steps performed though nothing else was wanted */
	uint64_t table_lost; /* times that others had changed our nftables table */
	uint64_t deletions;  /* of flows of an uplink */
	uint64_t switches;   /* changes of the set of active uplinks */
};

/* What was told last of the paths to a server: sets of uplinks. */
struct routed_server {
	uint32_t dead;
	uint32_t partly; /* one family is, another works */
};

/* Who made a repair necessary; pid 0: not known, often the kernel itself. */
struct routed_culprit {
	pid_t pid;
	char name[16];
	time_t at_s; /* 0: there was none yet */
};

struct routed {
	const struct cli *cli;
	struct site *site;
	struct routed_uplink *uplinks[SITE_MAX_UPLINKS]; /* as site->uplinks */
	struct routed_server *servers;			 /* as site->servers */
	struct savedstate saved; /* as it was at start, or before the last reload */

	/* what the kernel was last made to hold, and from what it follows */
	struct situation situation;
	struct decision decision;
	struct kernel wanted;
	char *table; /* text of the nftables table; NULL: none yet */
	struct gateways gateways;

	/* as dnsd was last told: linkfeed.c */
	struct linkadvert said;
	uint64_t said_seq;
	int64_t said_us;       /* of the time of day */
	uint32_t said_held;    /* uplinks that the kernel was not ready for last time */
	uint32_t said_waiting; /* those that are better than they are said to be */

	struct event_base *base;
	struct links *links;
	struct rtnl *rtnl;
	struct nft *nft;
	struct sysctl_store *sysctls;
	struct conntrack *conntrack;
	struct flowcount *flowcount;
	struct passive *passive;
	struct health *health;
	struct rtnlwatch *watch;
	struct hook *hook;
	struct ctl_server *ctl;
	struct apply apply;
	struct event *on_hup, *on_term, *on_int;
	struct event *burst;  /* to look at what changed */
	struct event *look;   /* to look although nothing was heard; also a retry */
	struct event *poll;   /* carrier and traffic */
	struct event *later;  /* flows that are to be deleted then */
	struct event *reread; /* routes of main, put off while they change all the time */
	struct event *watchdog;

	bool standby;	     /* the other router is at work: standby.h */
	bool gateways_dirty; /* default routes of others may have changed */
	bool table_dirty;    /* ours may not be as we wrote it */
	bool in_reconcile;
	int64_t cause_us; /* the latest of what the present change goes back to; 0: nothing */
	int64_t applied_us;
	int64_t routes_due_us; /* routes of main are not read again before */

	int64_t fight_us; /* since when repairs are counted in n_fights */
	unsigned int n_fights;

	struct routed_counters counters;
	struct routed_culprit suspect; /* who was seen to touch ours since the last look */
	struct routed_culprit culprit; /* of the last repair */
	time_t started_s;
	time_t loaded_s;
	time_t load_failed_s; /* of the last reload, if it failed; else 0 */
};

/* The verb `run`: returns when the agent was told to end. */
int routed_run(const struct cli *cli);

/* The name of a link for messages; `arg` is a struct links. */
const char *routed_ifname(int ifindex, void *arg);

/* Index in site->uplinks. */
size_t routed_index(const struct routed *routed, const struct routed_uplink *uplink);

/* Writes down who is drained and how all stand. */
int routed_save(const struct routed *routed, bool durable);

/* Makes the state folder, if it is not there. A logged negative errno. */
int routed_make_folder(const char *path);

/* Drains or undrains, and does what follows. NULL, or why not: a sentence. Borrowed. */
const char *routed_drain(struct routed *routed, const char *name, bool drain, bool force);
