/* reconcile.c - makes the kernel hold what it should: look, decide, compare, change, report
 *
 * Whatever happens (a link, a verdict, a reload, an `ip route flush` of another program) comes
 * to the same few steps, so that there is one way from the present to what should be, and a
 * restart, a repair and a switch differ in nothing but what they find:
 *
 *     observer_look      links, gateways -> situation -> machines -> states
 *     linkfeed_worse     dnsd stops offering what is lost
 *     decide, wanted_*   situation -> what the kernel should hold          (pure)
 *     rtnl_read ...      what the kernel does hold of ours
 *     plan_diff          the difference, in a safe order                   (pure)
 *     apply_plan         the nftables table first, then the steps
 *     linkfeed_rest      dnsd may offer what is good again, and new addresses
 *     flowsweep_run      connections that are bound to a lost uplink, now that the new
 *                        path is in
 *     events_changes     log, subscribers, the operator's program
 *
 * It never believes a copy of its own about what is there: it reads the kernel each time. It
 * does not even see what is not ours (rtnl.h).
 */
#include "routed/reconcile.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/timer.h"
#include "routed/agent/flowsweep.h"
#include "routed/kernel/plan.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/sysctl.h"
#include "routed/report/events.h"
#include "routed/report/linkfeed.h"
#include "routed/routed.h"
#include "routed/standby.h"
#include "routed/wanted/decide.h"
#include "routed/wanted/nfttext.h"
#include "routed/wanted/wanted.h"

enum {
	BURST_MS = 3,	 /* messages that come in a row are looked at as one change */
	LOOK_MS = 10000, /* everything is compared, with or without a message */
	RETRY_MS = 1000, /* after a step that failed */
	STEP_TEXT_MAX = 512,
	STEPS_LOGGED = 8,
};

/* ---- flows ---- */

static void on_address_gone(size_t i, const struct addr *addr, int64_t took_us, void *arg)
{
	struct routed *routed = arg;

	events_address_gone(
		routed->events, routed->agent.site->uplinks[i].name, addr, took_us);
}

void reconcile_flows(struct routed *routed)
{
	struct flowsweep sweep;

	flowsweep_run(&routed->agent, routed->conntrack, on_address_gone, routed, &sweep);
	routed->counters.deletions += sweep.n_deletions;
	if (sweep.next_us == INT64_MAX)
		event_del(routed->sweep);
	else
		timer_arm_ms(routed->sweep, (sweep.next_us - clock_now_us() + 999) / 1000);
	if (events_changes(routed->events, &routed->agent, &sweep))
		agent_save(&routed->agent, false);
}

/* ---- compare ---- */

struct change {
	struct decision decision;
	struct kernel wanted;
	struct kernel actual;
	struct nfttable *table;
	bool same; /* as wanted last time: what differs, others have changed */
	struct plan plan;
};

static bool kernel_is_same(const struct kernel *a, const struct kernel *b)
{
	struct plan plan;

	plan_diff(a, b, &plan);
	bool same = plan.n_steps == 0;
	plan_fini(&plan);
	return same;
}

static int change_make(struct change *change, const struct agent *agent,
	const struct applied *applied, struct sysctl_store *sysctls, struct rtnl *rtnl)
{
	const struct site *site = agent->site;

	*change = (struct change){0};
	if (agent->standby) {
		change->table = standby_table(site, sysctls);
	} else {
		change->decision = decide(site, &agent->situation);
		wanted_kernel(site, &agent->situation, &change->decision, &change->wanted);
		change->table = wanted_nft(site, &agent->situation);
	}
	change->same = applied->table && nfttable_eq(applied->table, change->table) &&
		       kernel_is_same(&applied->wanted, &change->wanted);

	int err = rtnl_read(rtnl, &change->actual);
	if (err < 0)
		return err;
	sysctl_read_all(&change->wanted, &change->actual);
	plan_diff(&change->actual, &change->wanted, &change->plan);
	return 0;
}

static void change_fini(struct change *change)
{
	kernel_fini(&change->wanted);
	kernel_fini(&change->actual);
	nfttable_unref(change->table);
	plan_fini(&change->plan);
}

/* ---- repairs ---- */

static void log_repairs(
	const struct last_writer *writer, const struct plan *plan, struct links *links)
{
	const char *plural = plan->n_steps == 1 ? "" : "s";
	char line[STEP_TEXT_MAX];

	if (writer->pid)
		log_notice("reconcile",
			"process %d (%s) changed routes or rules of ours: %zu step%s to "
			"repair them",
			(int)writer->pid, writer->name[0] ? writer->name : "ended since",
			plan->n_steps, plural);
	else
		log_notice("reconcile",
			"the kernel held other routes or rules than wanted: %zu step%s to "
			"repair them",
			plan->n_steps, plural);
	for (size_t i = 0; i < plan->n_steps && i < STEPS_LOGGED; i++)
		log_info("reconcile", "%s",
			plan_step_str(
				&plan->steps[i], agent_ifname, links, line, sizeof(line)));
}

void reconcile_note_repair(struct routed *routed)
{
	if (repair_loop_add(&routed->repair_loop, clock_now_us()))
		log_warning("reconcile",
			"another program undoes each repair of routes, rules or the nftables "
			"table; repairs come every %d ms from now on; stop that program, or "
			"have it leave them alone",
			REPAIR_LOOP_BACKOFF_MS);
}

/* Nothing else was wanted than last time, and steps were done all the same. */
static void note_repairs(struct routed *routed, const struct plan *plan)
{
	reconcile_note_repair(routed);
	routed->repaired = routed->writer;
	routed->repaired.at_s = time(NULL);
	log_repairs(&routed->repaired, plan, routed->links);
	events_repair(routed->events, plan, routed->links, &routed->repaired);
}

/* ---- change ---- */

/* Takes what is wanted now out of `change`. */
static void applied_take(struct applied *applied, struct change *change)
{
	kernel_fini(&applied->wanted);
	applied->wanted = change->wanted;
	change->wanted = (struct kernel){0};
	nfttable_unref(applied->table);
	applied->table = change->table;
	change->table = NULL;
}

static void change_apply(
	struct routed *routed, struct change *change, struct apply_result *ret_result)
{
	struct agent *agent = &routed->agent;
	struct applied *applied = &routed->applied;
	/* another table is wanted, or the kernel may hold another one than we wrote */
	bool writes_table = applied->table_dirty || !applied->table ||
			    !nfttable_eq(applied->table, change->table);

	routed->apply.withdraws = agent->standby;
	apply_plan(&routed->apply, &change->plan, writes_table ? change->table : NULL,
		ret_result);
	agent->applied_us = clock_now_us();
	applied->table_dirty = ret_result->nft_failed;

	routed->counters.looks++;
	if (!change->same) {
		routed->counters.changes += ret_result->n_done;
	} else if (ret_result->n_done > 0) {
		routed->counters.repairs += ret_result->n_done;
		note_repairs(routed, &change->plan);
	}
	if (memcmp(&agent->decision, &change->decision, sizeof(agent->decision)) != 0)
		routed->counters.switches++;
	agent->decision = change->decision;
	applied_take(applied, change);
}

void reconcile_now(struct routed *routed)
{
	struct agent *agent = &routed->agent;
	struct apply_result result = {.n_failed = 1};
	struct change change;

	if (routed->in_reconcile) {
		reconcile_soon(routed);
		return;
	}
	routed->in_reconcile = true;
	event_del(routed->burst);
	if (observer_look(&routed->observer, agent) & AGENT_NEW_FAULT)
		reconcile_soon(routed);
	linkfeed_worse(routed->linkfeed, agent);
	if (change_make(&change, agent, &routed->applied, routed->sysctls, routed->rtnl) ==
		0) {
		change_apply(routed, &change, &result);
		linkfeed_rest(routed->linkfeed, agent, &change.plan, result.nft_failed);
		reconcile_flows(routed);
	}
	change_fini(&change);
	routed->writer = (struct last_writer){0};
	agent->cause_us = 0;
	timer_arm_ms(routed->look, result.n_failed ? RETRY_MS : LOOK_MS);
	routed->in_reconcile = false;
}

void reconcile_soon(struct routed *routed)
{
	bool in_loop = repair_loop_is_on(&routed->repair_loop, clock_now_us());

	timer_arm_ms_if_idle(routed->burst, in_loop ? REPAIR_LOOP_BACKOFF_MS : BURST_MS);
}

void reconcile_after(struct routed *routed, unsigned int changes)
{
	if (changes & AGENT_NEW_STATE)
		reconcile_now(routed);
	else if (changes & AGENT_NEW_FAULT)
		reconcile_soon(routed);
}
