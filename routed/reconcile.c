/* reconcile.c - keeps the kernel what it should be: look, decide, compare, change, tell
 *
 * Whatever happens (a link, a verdict, a reload, somebody's `ip route flush`) comes to the
 * same few steps, so that there is one way from the present to what should be, and a restart,
 * a repair and a switch differ in nothing but what they find:
 *
 *     reconcile_observe  links, gateways -> situation -> machines -> states
 *     linkfeed_worse      dnsd stops offering what is lost
 *     decide, wanted_*   situation -> what the kernel should hold          (pure)
 *     rtnl_read ...      what it does hold of ours
 *     plan_diff          the difference, in a safe order                   (pure)
 *     apply_plan         the nftables table first, then the steps
 *     linkfeed_rest       dnsd may offer what is good again, and new addresses
 *     reconcile_flows    what is bound to a lost uplink, now that the new path is in
 *     events_changes       log, subscribers, the operator's program
 *
 * It never holds a second opinion of its own about what is there: it asks. What is not ours it
 * does not even see (rtnl.h).
 */
#include "routed/reconcile.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/net/family.h"
#include "common/net/links.h"
#include "common/site/uplinkset.h"
#include "common/timer.h"
#include "routed/kernel/conntrack.h"
#include "routed/kernel/plan.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/rtnlwatch.h"
#include "routed/kernel/sysctl.h"
#include "routed/report/events.h"
#include "routed/report/linkfeed.h"
#include "routed/routed.h"
#include "routed/standby.h"
#include "routed/uplink/probe.h"

enum {
	READ_SHARE =
		20, /* of routes that change all the time, one part in so many of the time */
	STEP_TEXT_MAX = 512,
	STEPS_TOLD = 8,
	FIGHT_LIMIT = 20,	 /* repairs ... */
	FIGHT_US = 10 * 1000000, /* ... within that time */
};

/* ---- what is so ---- */

/* The uplinks' devices, as they are now. True if there is another one than before. */
static bool follow_devices(struct routed *routed)
{
	int ifindexes[SITE_MAX_UPLINKS] = {0};
	size_t n = routed->site->n_uplinks;

	for (size_t i = 0; i < n; i++) {
		const struct link *link = links_find(
			routed->links, routed->site->uplinks[i].interface);

		ifindexes[i] = link ? link->ifindex : 0;
	}
	rtnlwatch_follow(routed->watch, ifindexes, n);
	return mainroutes_follow(&routed->gateways.main, ifindexes, n);
}

static void look_at_gateways(struct routed *routed)
{
	int64_t start_us = clock_now_us();

	if (follow_devices(routed))
		routed->gateways_dirty = true;
	if (!routed->gateways_dirty)
		return;
	if (gateways_read(&routed->gateways, routed->rtnl) >= 0)
		routed->gateways_dirty = false;

	int64_t now_us = clock_now_us();
	routed->routes_due_us = now_us + READ_SHARE * (now_us - start_us);
}

static void learn(struct routed *routed, size_t i)
{
	struct situation_learned *learned = &routed->uplinks[i]->learned;
	const struct link *link = links_find(
		routed->links, routed->site->uplinks[i].interface);

	situation_learn(&routed->gateways, link, learned);
	learned->lost_ipv6 = link && routed->uplinks[i]->numbered_ifindex == link->ifindex;

	/* the mirror may lag behind, the poll not: it is renewed by the next one */
	bool carrier = true;
	if (link && rtnl_carrier(routed->rtnl, link->ifindex, &carrier) == 0)
		learned->no_carrier = !carrier;
}

static void tell_overfull(struct routed *routed, size_t i, enum site_family family)
{
	const struct mainroutes_over *routes = routed->situation.uplinks[i]
						       .main_routes[family];
	bool overfull = routes && routes->n_seen > routes->n;

	if (overfull && !routed->uplinks[i]->overfull[family])
		log_warning("routes",
			"%s: main has %zu IPv%d routes over %s, more than the %d that its own "
			"table takes; connections to the other destinations go on by its "
			"default; let the routing daemon bring fewer",
			routed->site->uplinks[i].name, routes->n_seen,
			family == SITE_IPV4 ? 4 : 6, routed->site->uplinks[i].interface,
			MAINROUTES_MAX);
	routed->uplinks[i]->overfull[family] = overfull;
}

static void observe_links(struct routed *routed)
{
	struct situation_learned learned[SITE_MAX_UPLINKS];

	for (size_t i = 0; i < routed->site->n_uplinks; i++) {
		learn(routed, i);
		learned[i] = routed->uplinks[i]->learned;
	}
	situation_make(routed->site, routed->links, learned, &routed->situation);
	for (size_t i = 0; i < routed->site->n_uplinks; i++) {
		const struct situation_uplink *situation = &routed->situation.uplinks[i];

		if (addr_is_set(&situation->chosen[SITE_IPV6]))
			routed->uplinks[i]->numbered_ifindex = situation->ifindex;
		for (enum site_family family = 0; family < SITE_FAMILIES; family++)
			tell_overfull(routed, i, family);
	}
}

static void tell_prober(struct prober *prober, const struct situation_uplink *situation,
	const struct addr *lan_global)
{
	struct prober_link link;

	memset(&link, 0, sizeof(link)); /* compared as a whole */
	link.ifindex = situation->ifindex;
	memcpy(link.source, situation->chosen, sizeof(link.source));
	if (situation->unnumbered)
		link.source[SITE_IPV6] = *lan_global;
	memcpy(link.gateway, situation->gateway, sizeof(link.gateway));
	prober_set_link(prober, &link);
}

static bool is_of_use(const struct routed_uplink *uplink)
{
	enum uplink_state state = uplink_state(&uplink->machine);

	return state == UPLINK_UP || state == UPLINK_DEGRADED;
}

static uint32_t others_of_use(const struct routed *routed, size_t index)
{
	uint32_t others = 0;

	for (size_t i = 0; i < routed->site->n_uplinks; i++)
		if (i != index && is_of_use(routed->uplinks[i]))
			uplinkset_add(&others, i);
	return others;
}

bool reconcile_has_other(const struct routed *routed, size_t index)
{
	return others_of_use(routed, index) != 0;
}

/* Is there nothing to be gained by a hold? Not if it is the only one with IPv4 either: IPv6
 * alone is no Internet yet, while IPv4 alone is one that clients can wait on. */
static bool is_alone(const struct routed *routed, size_t index)
{
	const struct situation_uplink *situations = routed->situation.uplinks;
	uint32_t others = others_of_use(routed, index);

	if (!situation_can_route(&situations[index], SITE_IPV4))
		return others == 0;
	for (size_t i = 0; i < routed->site->n_uplinks; i++)
		if (uplinkset_has(others, i) && situation_can_route(&situations[i], SITE_IPV4))
			return false;
	return true;
}

bool reconcile_step(struct routed_uplink *uplink)
{
	struct routed *routed = uplink->routed;
	size_t i = routed_index(routed, uplink);

	enum uplink_fault fault = uplink->machine.fault;

	uplink_set_last_usable(&uplink->machine, is_alone(routed, i));
	bool changed = uplink_step(&uplink->machine, clock_now_us());

	if (uplink->machine.fault != fault)
		reconcile_soon(
			routed); /* down for another reason: those who follow are told */

	if (changed && uplink->machine.cause_us > routed->cause_us)
		routed->cause_us = uplink->machine.cause_us;
	routed->situation.uplinks[i].state = uplink_state(&uplink->machine);
	return changed;
}

/* Twice, since one that falls may let another one off its hold. */
static bool step_all(struct routed *routed)
{
	bool changed = false;

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < routed->site->n_uplinks; i++)
			changed = reconcile_step(routed->uplinks[i]) || changed;
	for (size_t i = 0; i < routed->site->n_uplinks; i++)
		prober_rearm(routed->uplinks[i]->prober);
	return changed;
}

bool reconcile_observe(struct routed *routed)
{
	struct uplink_facts facts;

	look_at_gateways(routed);
	observe_links(routed);
	for (size_t i = 0; i < routed->site->n_uplinks; i++) {
		struct routed_uplink *uplink = routed->uplinks[i];

		situation_facts(&routed->situation.uplinks[i], &facts);
		uplink_on_link(&uplink->machine, &facts);
		if (routed->standby) {
			prober_pause(uplink->prober);
			uplink_assume_up(&uplink->machine);
			continue;
		}
		tell_prober(uplink->prober, &routed->situation.uplinks[i],
			situation_lan_global(&routed->situation));
		prober_collect(uplink->prober);
	}
	return step_all(routed);
}

/* ---- flows ---- */

static int flows_part_af(const struct flows_part *part)
{
	if (part->family[SITE_IPV4] == part->family[SITE_IPV6])
		return AF_UNSPEC;
	return part->family[SITE_IPV4] ? AF_INET : AF_INET6;
}

static void delete_flows(struct routed *routed, size_t i, const struct flows_part *part)
{
	const struct site *site = routed->site;
	uint32_t mark = wanted_mark_out(site, i);
	uint32_t mask = part->which == FLOWS_ALL ? wanted_mark_uplink_mask(site)
						 : wanted_mark_mask(site);
	int64_t start_us = clock_now_us();

	if (conntrack_delete_family(routed->conntrack, flows_part_af(part), mark, mask) < 0)
		return;
	routed->counters.deletions++;
	routed->uplinks[i]->deleted = part->which;
	routed->uplinks[i]->deletion_us = clock_now_us() - start_us;
}

/* What is bound to addresses that are gone, while the uplink goes on with others. */
static void delete_of_addresses(struct routed *routed, size_t i)
{
	const struct site *site = routed->site;
	struct addr gone[FLOWS_MAX_ADDRS];
	size_t n = flows_take_gone(&routed->uplinks[i]->flows, clock_now_us(), gone);

	for (size_t k = 0; k < n; k++) {
		int64_t start_us = clock_now_us();

		if (conntrack_delete_address(routed->conntrack, &gone[k],
			    wanted_mark_out(site, i), wanted_mark_uplink_mask(site)) < 0)
			continue;
		routed->counters.deletions++;
		events_address_gone(routed, i, &gone[k], clock_now_us() - start_us);
	}
}

/* One that new connections are given to, and not as a last resort. */
static bool has_way_out(const struct routed *routed, size_t index, enum site_family family)
{
	return (others_of_use(routed, index) & routed->decision.active[family]) != 0;
}

void reconcile_flows(struct routed *routed)
{
	int64_t now_us = clock_now_us();
	int64_t next_us = INT64_MAX;

	for (size_t i = 0; i < routed->site->n_uplinks && !routed->standby; i++) {
		struct routed_uplink *uplink = routed->uplinks[i];
		const bool other_is_up[SITE_FAMILIES] = {
			[SITE_IPV4] = has_way_out(routed, i, SITE_IPV4),
			[SITE_IPV6] = has_way_out(routed, i, SITE_IPV6),
		};
		struct flows_part part;

		flows_observe(&uplink->flows, &uplink->machine, &routed->situation.uplinks[i],
			routed->site->routing.flush_after_ms, now_us);
		part = flows_take(&uplink->flows, other_is_up, now_us);
		if (part.which != FLOWS_NONE)
			delete_flows(routed, i, &part);
		delete_of_addresses(routed, i);

		int64_t due_us = flows_next_us(&uplink->flows, now_us);
		next_us = due_us < next_us ? due_us : next_us;
	}
	if (next_us == INT64_MAX)
		event_del(routed->later);
	else
		timer_arm_ms(routed->later, (next_us - now_us + 999) / 1000);
}

/* ---- compare and change ---- */

struct change {
	struct decision decision;
	struct kernel wanted;
	struct kernel actual;
	char *table;
	bool same; /* nothing else is wanted than last time */
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

/* Of a router that stands by, no more than a table that translates nothing. */
static void want(const struct routed *routed, struct change *change)
{
	if (routed->standby) {
		change->table = standby_table(routed);
		return;
	}
	change->decision = decide(routed->site, &routed->situation);
	wanted_kernel(routed->site, &routed->situation, &change->decision, &change->wanted);
	change->table = wanted_nft(routed->site, &routed->situation);
}

static int change_make(struct routed *routed, struct change *change)
{
	*change = (struct change){0};
	want(routed, change);
	change->same = routed->table && strcmp(routed->table, change->table) == 0 &&
		       kernel_is_same(&routed->wanted, &change->wanted);

	int err = rtnl_read(routed->rtnl, &change->actual);
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
	free(change->table);
	plan_fini(&change->plan);
}

/* What others, or the kernel by itself, have done to ours. */
static void log_repairs(const struct routed *routed, const struct plan *plan)
{
	const struct routed_culprit *culprit = &routed->culprit;
	char line[STEP_TEXT_MAX];

	if (culprit->pid)
		log_notice("reconcile",
			"process %d (%s) changed what is ours: %zu step%s to repair it",
			(int)culprit->pid, culprit->name[0] ? culprit->name : "gone by now",
			plan->n_steps, plan->n_steps == 1 ? "" : "s");
	else
		log_notice("reconcile", "the kernel held something else: %zu step%s to repair",
			plan->n_steps, plan->n_steps == 1 ? "" : "s");
	for (size_t i = 0; i < plan->n_steps && i < STEPS_TOLD; i++)
		log_info("reconcile", "%s",
			plan_step_str(&plan->steps[i], routed_ifname, routed->links, line,
				sizeof(line)));
}

/* Another program may undo each repair at once, and so would we: then not at full speed. */
void reconcile_note_repair(struct routed *routed)
{
	int64_t now_us = clock_now_us();

	if (now_us - routed->fight_us > FIGHT_US) {
		routed->fight_us = now_us;
		routed->n_fights = 0;
	}
	if (++routed->n_fights == FIGHT_LIMIT)
		log_warning("reconcile",
			"what is ours is changed again and again by somebody; repairs come "
			"every %d ms from now on",
			ROUTED_FIGHT_MS);
}

static void count(
	struct routed *routed, const struct change *change, const struct apply_result *result)
{
	routed->counters.looks++;
	if (!change->same) {
		routed->counters.changes += result->n_done;
		return;
	}
	if (result->n_done == 0)
		return;
	routed->counters.repairs += result->n_done;
	reconcile_note_repair(routed);
	routed->culprit = routed->suspect;
	routed->culprit.at_s = time(NULL);
	log_repairs(routed, &change->plan);
	events_repair(routed, &change->plan);
}

/* The table is written when it is another one, or may be another one than we believe. */
static void change_apply(
	struct routed *routed, struct change *change, struct apply_result *ret_result)
{
	bool write_table = routed->table_dirty || !routed->table ||
			   strcmp(routed->table, change->table) != 0;

	routed->apply.withdraws = routed->standby;
	apply_plan(
		&routed->apply, &change->plan, write_table ? change->table : NULL, ret_result);
	routed->applied_us = clock_now_us();
	routed->table_dirty = ret_result->nft_failed;
	count(routed, change, ret_result);

	if (memcmp(&routed->decision, &change->decision, sizeof(routed->decision)) != 0)
		routed->counters.switches++;
	routed->decision = change->decision;
	kernel_fini(&routed->wanted);
	routed->wanted = change->wanted;
	change->wanted = (struct kernel){0};
	free(routed->table);
	routed->table = change->table;
	change->table = NULL;
}

void reconcile_now(struct routed *routed)
{
	struct apply_result result = {.n_failed = 1};
	struct change change;

	if (routed->in_reconcile) {
		reconcile_soon(routed);
		return;
	}
	routed->in_reconcile = true;
	event_del(routed->burst);
	reconcile_observe(routed);
	linkfeed_worse(routed);
	if (change_make(routed, &change) == 0) {
		change_apply(routed, &change, &result);
		linkfeed_rest(routed, &change.plan, result.nft_failed);
		reconcile_flows(routed);
		events_changes(routed);
	}
	change_fini(&change);
	routed->suspect = (struct routed_culprit){0};
	routed->cause_us = 0;
	timer_arm_ms(routed->look, result.n_failed ? ROUTED_RETRY_MS : ROUTED_LOOK_MS);
	routed->in_reconcile = false;
}

void reconcile_soon(struct routed *routed)
{
	bool fight = routed->n_fights >= FIGHT_LIMIT &&
		     clock_now_us() - routed->fight_us <= FIGHT_US;

	timer_arm_ms_if_idle(routed->burst, fight ? ROUTED_FIGHT_MS : ROUTED_BURST_MS);
}
