/* routed.c - the agent's life: start, reload, wake-ups, end
 *
 * routed_run() builds the one struct routed and stays in its event loop. What can wake it:
 *
 *     mirror of links      a link or an address       -> reconcile_soon, or now (new state)
 *     rtnlwatch, nft       another program's writing  -> reconcile_soon
 *     prober (per uplink)  an answer, or none         -> agent_step, reconcile_after
 *     poll                 carrier and traffic        -> the same
 *     health               a server died, or lives    -> linkfeed_servers, events_changes
 *     look                 ten seconds are over       -> reconcile_now
 *     SIGHUP                                          -> routed_reload
 *     control socket       a verb                     -> requests.c
 *
 * At the end it forgets everything but the state folder: the kernel stays as it is, and the
 * next agent finds it so.
 */
#include "routed/routed.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "common/cleanup.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/ctl/ctl.h"
#include "common/ctl/reload.h"
#include "common/log.h"
#include "common/net/links.h"
#include "common/site/siteload.h"
#include "common/timer.h"
#include "routed/agent/agentuplinks.h"
#include "routed/agent/paths.h"
#include "routed/doctor/doctor.h"
#include "routed/health/health.h"
#include "routed/kernel/conntrack.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/rtnlwatch.h"
#include "routed/kernel/sysctl.h"
#include "routed/load.h"
#include "routed/reconcile.h"
#include "routed/report/events.h"
#include "routed/report/hook.h"
#include "routed/report/linkfeed.h"
#include "routed/requests.h"
#include "routed/standby.h"
#include "routed/uplink/probe.h"
#include "routed/wanted/flowcount.h"
#include "routed/wanted/passive.h"
#include "routed/wanted/wantednumbers.h"

/* ---- wake-ups ---- */

/* A state that changed is acted upon now; all else with the rest of this burst. */
static void routed_on_links_changed(void *arg)
{
	struct routed *routed = arg;

	routed->observer.gateways_dirty = true;
	if (observer_look(&routed->observer, &routed->agent) & AGENT_NEW_STATE)
		reconcile_now(routed);
	else
		reconcile_soon(routed);
}

static void routed_on_probed(struct agent_uplink *uplink, void *arg)
{
	struct routed *routed = arg;
	struct agent *agent = &routed->agent;

	reconcile_after(routed, agent_step(agent, agent_index(agent, uplink)));
}

/* The kernel stays as it is: only dnsd stops offering a dead server. */
static void routed_on_health(void *arg)
{
	struct routed *routed = arg;

	linkfeed_servers(routed->linkfeed, &routed->agent);
	if (events_changes(routed->events, &routed->agent, NULL))
		agent_save(&routed->agent, false);
}

/* A routing daemon may change routes without an end, and each look reads all of them. */
static void reread_routes(struct routed *routed)
{
	int64_t wait_us = observer_routes_wait_us(&routed->observer);

	if (wait_us > 0) {
		timer_arm_ms_if_idle(routed->reread, (wait_us + 999) / 1000);
		return;
	}
	routed->observer.gateways_dirty = true;
	reconcile_soon(routed);
}

static void routed_on_reread(evutil_socket_t fd, short what, void *arg)
{
	struct routed *routed = arg;

	(void)fd;
	(void)what;
	routed->observer.gateways_dirty = true;
	reconcile_soon(routed);
}

static void routed_on_routes(const struct rtnlwatch_news *news, void *arg)
{
	struct routed *routed = arg;

	if (news->pid) {
		routed->writer.pid = news->pid;
		memcpy(routed->writer.name, news->name, sizeof(routed->writer.name));
	}
	if (news->defaults || news->lost)
		routed->observer.gateways_dirty = true;
	if (news->routes)
		reread_routes(routed);
	if (news->ours || news->defaults || news->lost)
		reconcile_soon(routed);
}

static void routed_on_table(const struct nft_author *author, void *arg)
{
	struct routed *routed = arg;

	if (author->pid)
		log_notice("nft", "process %d (%s) changed our table; it is written again",
			(int)author->pid, author->name);
	else
		log_notice("nft", "another program changed our table; it is written again");
	routed->counters.table_lost++;
	routed->writer.pid = author->pid;
	memcpy(routed->writer.name, author->name, sizeof(routed->writer.name));
	routed->repaired = routed->writer;
	routed->repaired.at_s = time(NULL);
	routed->applied.table_dirty = true;
	reconcile_note_repair(routed);
	reconcile_soon(routed);
}

static void routed_on_burst(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reconcile_now(arg);
}

static void routed_on_look(evutil_socket_t fd, short what, void *arg)
{
	struct routed *routed = arg;

	(void)fd;
	(void)what;
	routed->observer.gateways_dirty = true;
	routed->applied.table_dirty = true;
	reconcile_now(routed);
}

static void routed_on_sweep(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reconcile_flows(arg);
}

static unsigned int poll_traffic(struct agent *agent, struct passive *passive)
{
	struct uplink_traffic traffic[SITE_MAX_UPLINKS];
	unsigned int changes = 0;

	if (agent->standby || passive_read(passive, traffic, agent->site->n_uplinks) < 0)
		return 0;
	for (size_t i = 0; i < agent->site->n_uplinks; i++) {
		struct agent_uplink *uplink = agent->uplinks[i];

		prober_collect(uplink->prober);
		uplink_on_traffic(&uplink->machine, &traffic[i], clock_now_us());
		changes |= agent_step(agent, i);
		prober_rearm(uplink->prober);
	}
	return changes;
}

static void routed_on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct routed *routed = arg;
	struct agent *agent = &routed->agent;
	unsigned int changes = 0;

	(void)fd;
	(void)what;
	if (observer_poll_carriers(&routed->observer, agent))
		changes |= observer_look(&routed->observer, agent);
	changes |= poll_traffic(agent, routed->passive);
	reconcile_after(routed, changes);
}

static void routed_on_end(evutil_socket_t fd, short what, void *arg)
{
	struct routed *routed = arg;

	(void)what;
	log_notice("routed", "ending on %s; routes, rules and nftables stay as they are",
		strsignal((int)fd));
	sd_notify(0, "STOPPING=1");
	event_base_loopbreak(routed->base);
}

static void routed_on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	sd_notify(0, "WATCHDOG=1");
}

/* ---- the configuration ---- */

/* A mark stands for a place in the list of uplinks. Another uplink may have that place now, or
 * none, and connections that bear the mark would leave by the wrong one. `before` is from
 * before this reload, or from the run before this one. */
static void forget_moved_flows(
	struct conntrack *conntrack, const struct savedstate *before, const struct site *site)
{
	const struct site old = {.n_uplinks = before->n_uplinks, .routing.mark = before->mark};
	uint32_t mask = wanted_mark_uplink_mask(&old);

	for (size_t i = 0; i < before->n_uplinks; i++) {
		uint32_t mark = wanted_mark_out(&old, i);
		const char *name = before->uplinks[i].name;
		bool stays = i < site->n_uplinks && strcmp(name, site->uplinks[i].name) == 0 &&
			     before->mark == site->routing.mark &&
			     wanted_mark_answered(&old) == wanted_mark_answered(site);

		/* the mask is 0 where no mark was saved */
		if (!stays && mask && conntrack_delete(conntrack, mark, mask) == 0)
			log_notice("flows",
				"%s: its tracked connections are deleted: it has another place "
				"in the configuration, or none",
				name);
	}
}

/* Takes the site over on success; else all is as it was. */
static int routed_use_site(struct routed *routed, struct site *site)
{
	struct agent *agent = &routed->agent;
	struct site *old = agent->site;
	struct agentuplinks uplinks;

	if (old)
		agent_to_save(agent, &routed->saved);
	int err = agentuplinks_make(agent, site, &routed->saved, &uplinks);
	if (err == 0)
		err = health_configure(routed->health, site);
	if (err < 0) {
		agentuplinks_give_up(agent, &uplinks);
		return log_error(err, "config", "cannot use the configuration");
	}

	agentuplinks_take(agent, site, &uplinks);
	if (old)
		events_follow(routed->events, old, site);
	routed->loaded_s = time(NULL);
	routed->observer.gateways_dirty = true;
	reconcile_now(routed);
	forget_moved_flows(routed->conntrack, &routed->saved, site);
	if (old)
		agent_save(agent, false);
	flowcount_forget(routed->flowcount);
	site_free(old);
	return 0;
}

static int routed_read_site(const struct cli *cli, const struct links *links,
	struct report *report, struct site **ret_site)
{
	int err = site_check_rereadable(cli->config, report);

	if (err >= 0)
		err = load_site(cli->config, links, report, ret_site);
	report_log(report, "config");
	return err;
}

int routed_reload(struct report *report, void *arg)
{
	struct routed *routed = arg;
	struct site *site = NULL;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_now_us());
	int err = routed_read_site(routed->cli, routed->links, report, &site);
	if (err == 0) {
		err = routed_use_site(routed, site);
		if (err < 0)
			site_free(site);
	}
	if (err < 0) {
		routed->load_failed_s = time(NULL);
		log_error(0, "config", RELOAD_REFUSED);
	} else {
		routed->load_failed_s = 0;
		log_notice("config", "reloaded; uplinks: %zu, servers: %zu", site->n_uplinks,
			site->n_servers);
	}
	events_reload(routed->events, err);
	sd_notify(0, "READY=1");
	return err;
}

static void routed_on_hup(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	json_decref(reload_answer(routed_reload, arg));
}

/* ---- start and end ---- */

static int routed_init_events(struct routed *routed)
{
	struct event_base *base = routed->base;
	uint64_t watchdog_us;

	routed->on_hup = evsignal_new(base, SIGHUP, routed_on_hup, routed);
	routed->on_term = evsignal_new(base, SIGTERM, routed_on_end, routed);
	routed->on_int = evsignal_new(base, SIGINT, routed_on_end, routed);
	routed->burst = evtimer_new(base, routed_on_burst, routed);
	routed->look = evtimer_new(base, routed_on_look, routed);
	routed->sweep = evtimer_new(base, routed_on_sweep, routed);
	routed->reread = evtimer_new(base, routed_on_reread, routed);
	routed->poll = event_new(base, -1, EV_PERSIST, routed_on_poll, routed);
	routed->watchdog = event_new(base, -1, EV_PERSIST, routed_on_watchdog, routed);
	if (!routed->on_hup || !routed->on_term || !routed->on_int || !routed->burst ||
		!routed->look || !routed->sweep || !routed->reread || !routed->poll ||
		!routed->watchdog)
		return -ENOMEM;

	event_add(routed->on_hup, NULL);
	reload_hold_signal(false);
	event_add(routed->on_term, NULL);
	event_add(routed->on_int, NULL);
	if (sd_watchdog_enabled(0, &watchdog_us) > 0) {
		const struct timeval half = timer_span_us((int64_t)(watchdog_us / 2));
		event_add(routed->watchdog, &half);
	}
	return 0;
}

/* The parts that read and write the kernel. */
static int routed_init_kernel(struct routed *routed)
{
	AUTO(freep) char *table = cli_path(routed->cli->state_dir, ROUTED_TABLE);
	AUTO(freep) char *sysctls = cli_path(routed->cli->state_dir, ROUTED_SYSCTLS);
	struct event_base *base = routed->base;
	int err;

	if (!table || !sysctls)
		return -ENOMEM;
	if ((err = links_new(base, routed_on_links_changed, routed, &routed->links)) < 0 ||
		(err = rtnl_new(&routed->rtnl)) < 0 ||
		(err = conntrack_new(&routed->conntrack)) < 0 ||
		(err = flowcount_new(&routed->flowcount)) < 0 ||
		(err = passive_new(&routed->passive)) < 0 ||
		(err = sysctl_store_new(sysctls, &routed->sysctls)) < 0 ||
		(err = nft_new(base, table, routed_on_table, routed, &routed->nft)) < 0 ||
		(err = rtnlwatch_new(base, rtnl_port(routed->rtnl), routed_on_routes, routed,
			 &routed->watch)) < 0)
		return err;
	routed->observer = (struct observer){
		.links = routed->links,
		.rtnl = routed->rtnl,
		.watch = routed->watch,
	};
	routed->apply = (struct apply){
		.rtnl = routed->rtnl,
		.nft = routed->nft,
		.sysctls = routed->sysctls,
		.ifname = agent_ifname,
		.ifname_arg = routed->links,
	};
	return 0;
}

static int routed_init_reports(struct routed *routed)
{
	int err = hook_new(routed->base, &routed->hook);

	if (err < 0)
		return err;

	const struct eventsink sink = {.ctl = routed->ctl, .hook = routed->hook};
	err = events_new(&sink, routed->health, &routed->events);
	if (err < 0)
		return err;
	return linkfeed_new(routed->ctl, routed->health, &routed->linkfeed);
}

static int routed_init_agent(struct routed *routed)
{
	struct agent *agent = &routed->agent;

	agent->base = routed->base;
	agent->probed = routed_on_probed;
	agent->probed_arg = routed;
	agent->saved_path = cli_path(routed->cli->state_dir, ROUTED_SAVED_STATE);
	if (!agent->saved_path)
		return -ENOMEM;
	savedstate_load(agent->saved_path, &routed->saved);
	agent->role = routed->saved.role;
	agent->standby = standby_at_start(routed->cli, agent->role);
	return 0;
}

/* The control socket comes first: it keeps two agents from running at the same time. */
static int routed_init_parts(struct routed *routed)
{
	int err;

	routed->base = event_base_new();
	if (!routed->base)
		return -ENOMEM;
	if ((err = routed_init_events(routed)) < 0 ||
		(err = requests_listen(routed, &routed->ctl)) < 0 ||
		(err = savedstate_make_folder(routed->cli->state_dir)) < 0 ||
		(err = routed_init_kernel(routed)) < 0 ||
		(err = health_new(routed->base, &routed->agent.situation, routed_on_health,
			 routed, &routed->health)) < 0 ||
		(err = routed_init_reports(routed)) < 0)
		return err;
	return routed_init_agent(routed);
}

static void routed_fini(struct routed *routed)
{
	agentuplinks_free(&routed->agent);
	ctl_server_free(routed->ctl);
	events_free(routed->events);
	linkfeed_free(routed->linkfeed);
	hook_free(routed->hook);
	rtnlwatch_free(routed->watch);
	health_free(routed->health);
	apply_fini(&routed->apply);
	nft_free(routed->nft);
	sysctl_store_free(routed->sysctls);
	passive_free(routed->passive);
	conntrack_free(routed->conntrack);
	flowcount_free(routed->flowcount);
	observer_fini(&routed->observer);
	rtnl_free(routed->rtnl);
	links_free(routed->links);
	kernel_fini(&routed->applied.wanted);
	nfttable_unref(routed->applied.table);
	free(routed->agent.saved_path);
	site_free(routed->agent.site);
	event_freep(&routed->on_hup);
	event_freep(&routed->on_term);
	event_freep(&routed->on_int);
	event_freep(&routed->burst);
	event_freep(&routed->look);
	event_freep(&routed->sweep);
	event_freep(&routed->reread);
	event_freep(&routed->poll);
	event_freep(&routed->watchdog);
	if (routed->base)
		event_base_free(routed->base);
}

static int routed_serve(struct routed *routed)
{
	const struct timeval poll = timer_span_us(UPLINK_POLL_MS * 1000);
	const struct site *site = routed->agent.site;

	event_add(routed->poll, &poll);
	log_notice("routed", "version %s is ready%s; uplinks: %zu, servers: %zu", MH_VERSION,
		routed->agent.standby ? " and stands by" : "", site->n_uplinks,
		site->n_servers);
	sd_notify(0, "READY=1");
	doctor_log(site);
	malloc_trim(0); /* the start needs a megabyte more than the years that follow */
	int r = event_base_dispatch(routed->base);
	agent_save(&routed->agent, false);
	return r == 0 ? 0 : log_error(-EIO, "routed", "the event loop ended by itself");
}

int routed_run(const struct cli *cli)
{
	struct routed *routed = calloc(1, sizeof(*routed));
	struct site *site = NULL;
	struct report report;
	int status = EXIT_FAILED;

	if (!routed)
		return EXIT_FAILED;
	reload_hold_signal(true);
	routed->cli = cli;
	routed->started_s = time(NULL);
	signal(SIGPIPE, SIG_IGN);
	report_init(&report);
	int err = routed_read_site(cli, NULL, &report, &site);
	report_fini(&report);
	if (err < 0) {
		status = EXIT_BAD_CONFIG;
	} else if (load_require_net_admin() < 0 || routed_init_parts(routed) < 0 ||
		   routed_use_site(routed, site) < 0) {
		site_free(site);
	} else {
		status = routed_serve(routed) == 0 ? EXIT_DONE : EXIT_FAILED;
	}
	routed_fini(routed);
	free(routed);
	return status;
}
