/* routed.c - the agent's life: start, reload, what wakes it, end
 *
 * routed_run() builds the one struct routed and stays in its event loop. What can wake it:
 *
 *     links_new's mirror    a link or an address    -> reconcile_soon, at once if it matters
 *     rtnlwatch, nft        somebody touched ours   -> reconcile_soon
 *     prober (one each)     an answer, or none      -> reconcile_step, and now if it matters
 *     poll                  carrier and traffic     -> the same
 *     health                a server died, or lives -> linkfeed_servers, events_changes
 *     look                  ten seconds are over    -> reconcile_now
 *     SIGHUP, control socket
 *
 * It ends by forgetting everything but what is in the state folder: the kernel stays as it is,
 * and the next one finds it so.
 */
#include "routed/routed.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/ctl/ctl.h"
#include "common/ctl/reload.h"
#include "common/invariant.h"
#include "common/log.h"
#include "common/net/links.h"
#include "common/site/siteload.h"
#include "common/timer.h"
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
#include "routed/report/status.h"
#include "routed/standby.h"
#include "routed/uplink/probe.h"
#include "routed/wanted/flowcount.h"
#include "routed/wanted/passive.h"

enum { SEC_US = 1000000 };

const char *routed_ifname(int ifindex, void *arg)
{
	const struct link *link = links_find_index(arg, ifindex);

	return link ? link->name : NULL;
}

size_t routed_index(const struct routed *routed, const struct routed_uplink *uplink)
{
	for (size_t i = 0; i < routed->site->n_uplinks; i++)
		if (routed->uplinks[i] == uplink)
			return i;
	invariant(
		false, "an uplink is not among the %zu of the site", routed->site->n_uplinks);
}

static void note_all(const struct routed *routed, struct savedstate *ret_saved)
{
	*ret_saved = (struct savedstate){
		.n_uplinks = routed->site->n_uplinks,
		.mark = routed->site->routing.mark,
		.role = routed->saved.role,
	};
	for (size_t i = 0; i < ret_saved->n_uplinks; i++) {
		const struct uplink *machine = &routed->uplinks[i]->machine;
		struct savedstate_uplink *note = &ret_saved->uplinks[i];

		memcpy(note->name, machine->name, sizeof(note->name));
		note->drained = machine->drained;
		uplink_save(machine, &note->saved);
	}
}

int routed_save(const struct routed *routed, bool durable)
{
	AUTO(freep) char *path = cli_path(routed->cli->state_dir, ROUTED_SAVED_STATE);
	struct savedstate saved;

	note_all(routed, &saved);
	return path ? savedstate_store(path, &saved, durable) : -ENOMEM;
}

/* ---- what happens ---- */

/* A state that changed is acted upon now; all else with what else comes in this burst. */
static void on_links_changed(void *arg)
{
	struct routed *routed = arg;

	routed->gateways_dirty = true;
	if (reconcile_observe(routed))
		reconcile_now(routed);
	else
		reconcile_soon(routed);
}

static void on_probed(void *arg)
{
	struct routed_uplink *uplink = arg;

	if (reconcile_step(uplink))
		reconcile_now(uplink->routed);
}

/* The kernel stays as it is: what a dead server costs is not to be offered. */
static void on_health(void *arg)
{
	linkfeed_servers(arg);
	events_changes(arg);
}

/* A routing daemon may change routes without an end, and each look reads all of them. */
static void reread_routes(struct routed *routed)
{
	int64_t wait_us = routed->routes_due_us - clock_now_us();

	if (wait_us > 0) {
		timer_arm_ms_if_idle(routed->reread, (wait_us + 999) / 1000);
		return;
	}
	routed->gateways_dirty = true;
	reconcile_soon(routed);
}

static void on_routes(const struct rtnlwatch_news *news, void *arg)
{
	struct routed *routed = arg;

	if (news->pid) {
		routed->suspect.pid = news->pid;
		memcpy(routed->suspect.name, news->name, sizeof(routed->suspect.name));
	}
	if (news->defaults || news->lost)
		routed->gateways_dirty = true;
	if (news->routes)
		reread_routes(routed);
	if (news->ours || news->defaults || news->lost)
		reconcile_soon(routed);
}

static void on_reread(evutil_socket_t fd, short what, void *arg)
{
	struct routed *routed = arg;

	(void)fd;
	(void)what;
	routed->gateways_dirty = true;
	reconcile_soon(routed);
}

static void on_table(const struct nft_author *author, void *arg)
{
	struct routed *routed = arg;

	if (author->pid)
		log_notice("nft", "process %d (%s) changed our table: it is written anew",
			(int)author->pid, author->name);
	else
		log_notice("nft", "somebody changed our table: it is written anew");
	routed->counters.table_lost++;
	routed->suspect.pid = author->pid;
	memcpy(routed->suspect.name, author->name, sizeof(routed->suspect.name));
	routed->culprit = routed->suspect;
	routed->culprit.at_s = time(NULL);
	routed->table_dirty = true;
	reconcile_note_repair(routed);
	reconcile_soon(routed);
}

static void on_burst(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reconcile_now(arg);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct routed *routed = arg;

	(void)fd;
	(void)what;
	routed->gateways_dirty = true;
	routed->table_dirty = true;
	reconcile_now(routed);
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	reconcile_flows(arg);
	events_changes(arg);
}

/* The kernel tells of a lost carrier up to a second late (common/net/links.h). */
static bool poll_carriers(struct routed *routed)
{
	bool changed = false;

	for (size_t i = 0; i < routed->site->n_uplinks; i++) {
		struct situation_learned *learned = &routed->uplinks[i]->learned;
		int ifindex = routed->situation.uplinks[i].ifindex;
		bool carrier;

		if (ifindex == 0 || rtnl_carrier(routed->rtnl, ifindex, &carrier) < 0)
			continue;
		changed = changed || learned->no_carrier == carrier;
		learned->no_carrier = !carrier;
	}
	return changed;
}

static bool poll_traffic(struct routed *routed)
{
	struct uplink_traffic traffic[SITE_MAX_UPLINKS];
	bool changed = false;

	if (routed->standby ||
		passive_read(routed->passive, traffic, routed->site->n_uplinks) < 0)
		return false;
	for (size_t i = 0; i < routed->site->n_uplinks; i++) {
		struct routed_uplink *uplink = routed->uplinks[i];

		prober_collect(uplink->prober);
		uplink_on_traffic(&uplink->machine, &traffic[i], clock_now_us());
		changed = reconcile_step(uplink) || changed;
		prober_rearm(uplink->prober);
	}
	return changed;
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct routed *routed = arg;
	bool changed = poll_carriers(routed) && reconcile_observe(routed);

	(void)fd;
	(void)what;
	changed = poll_traffic(routed) || changed;
	if (changed)
		reconcile_now(routed);
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct routed *routed = arg;

	(void)what;
	log_notice("routed", "ending on %s; routes, rules and nftables stay as they are",
		strsignal((int)fd));
	sd_notify(0, "STOPPING=1");
	event_base_loopbreak(routed->base);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	sd_notify(0, "WATCHDOG=1");
}

/* ---- the configuration ---- */

static void uplink_free(struct routed_uplink *uplink)
{
	if (!uplink)
		return;
	prober_free(uplink->prober);
	uplink_fini(&uplink->machine);
	free(uplink);
}

/* One that is new to us: it goes on from what an earlier run knew of that name. */
static struct routed_uplink *uplink_new(
	struct routed *routed, const struct site *site, size_t i)
{
	const struct savedstate_uplink *kept = savedstate_find(
		&routed->saved, site->uplinks[i].name);
	struct routed_uplink *uplink = calloc(1, sizeof(*uplink));
	int64_t now_us = clock_now_us();

	if (!uplink)
		return NULL;
	uplink->routed = routed;
	if (uplink_init(&uplink->machine, site, i, now_us) < 0) {
		free(uplink);
		return NULL;
	}
	if (kept && kept->drained)
		uplink_drain(&uplink->machine);
	if (kept)
		uplink_restore(&uplink->machine, &kept->saved, now_us);
	if (prober_new(routed->base, &uplink->machine, on_probed, uplink, &uplink->prober) <
		0) {
		uplink_free(uplink);
		return NULL;
	}
	return uplink;
}

/* The same name on the same interface. */
static struct routed_uplink *uplink_of(
	const struct routed *routed, const struct site *site, size_t i)
{
	int k = routed->site ? site_find_uplink(routed->site, site->uplinks[i].name) : -1;

	if (k < 0 ||
		strcmp(routed->site->uplinks[k].interface, site->uplinks[i].interface) != 0)
		return NULL;
	return routed->uplinks[k];
}

struct uplinks {
	struct routed_uplink *items[SITE_MAX_UPLINKS];
	bool is_new[SITE_MAX_UPLINKS];
};

static void free_new(struct uplinks *uplinks)
{
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++)
		if (uplinks->is_new[i])
			uplink_free(uplinks->items[i]);
}

/* On failure those that were made are the caller's to free. */
static int make_uplinks(
	struct routed *routed, const struct site *site, struct uplinks *uplinks)
{
	for (size_t i = 0; i < site->n_uplinks; i++) {
		uplinks->items[i] = uplink_of(routed, site, i);
		if (uplinks->items[i])
			continue;
		uplinks->items[i] = uplink_new(routed, site, i);
		uplinks->is_new[i] = true;
		if (!uplinks->items[i])
			return -ENOMEM;
	}
	return 0;
}

static bool has(const struct uplinks *uplinks, const struct routed_uplink *uplink)
{
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++)
		if (uplinks->items[i] == uplink)
			return true;
	return false;
}

/* Marks count by the place in the list: what a mark stands for may be another uplink now, or
 * none, and flows that bear it would be led astray. `kept` is of before this reload, or of the
 * run before this one. */
static void forget_moved_flows(struct routed *routed)
{
	const struct savedstate *kept = &routed->saved;
	const struct site *site = routed->site;
	const struct site old = {.n_uplinks = kept->n_uplinks, .routing.mark = kept->mark};

	for (size_t i = 0; kept->mark && i < kept->n_uplinks; i++) {
		bool stays = i < site->n_uplinks &&
			     strcmp(kept->uplinks[i].name, site->uplinks[i].name) == 0 &&
			     kept->mark == site->routing.mark &&
			     wanted_mark_answered(&old) == wanted_mark_answered(site);

		if (!stays && conntrack_delete(routed->conntrack, wanted_mark_out(&old, i),
				      wanted_mark_uplink_mask(&old)) == 0)
			log_notice("flows",
				"%s: its connections are forgotten: it has another place in "
				"the configuration, or none",
				kept->uplinks[i].name);
	}
}

/* The same name on another interface: what is bound to its former addresses is to go. */
static void hand_flows_on(
	const struct routed *routed, const struct site *site, const struct uplinks *uplinks)
{
	for (size_t i = 0; routed->site && i < site->n_uplinks; i++) {
		int k = site_find_uplink(routed->site, site->uplinks[i].name);

		if (uplinks->is_new[i] && k >= 0)
			uplinks->items[i]->flows = routed->uplinks[k]->flows;
	}
}

/* Takes the site over on success; else all is as it was. */
static int use_site(struct routed *routed, struct site *site)
{
	struct site *old = routed->site;
	struct uplinks uplinks = {0};
	struct routed_server *servers = events_servers_of(routed, site);

	if (old)
		note_all(routed, &routed->saved);
	int err = servers ? make_uplinks(routed, site, &uplinks) : -ENOMEM;
	for (size_t i = 0; i < site->n_uplinks && err == 0; i++)
		if (!uplinks.is_new[i])
			err = uplink_configure(
				&uplinks.items[i]->machine, site, i, clock_now_us());
	if (err == 0)
		err = health_configure(routed->health, site);
	if (err < 0) {
		for (size_t i = 0; old && i < old->n_uplinks; i++) {
			uplink_configure(&routed->uplinks[i]->machine, old, i, clock_now_us());
			prober_reload(routed->uplinks[i]->prober);
		}
		free_new(&uplinks);
		free(servers);
		return log_error(err, "config", "cannot use the configuration");
	}

	hand_flows_on(routed, site, &uplinks);
	for (size_t i = 0; old && i < old->n_uplinks; i++)
		if (!has(&uplinks, routed->uplinks[i]))
			uplink_free(routed->uplinks[i]);
	memcpy(routed->uplinks, uplinks.items, sizeof(routed->uplinks));
	free(routed->servers);
	routed->servers = servers;
	routed->site = site;
	for (size_t i = 0; i < site->n_uplinks; i++)
		if (!uplinks.is_new[i])
			prober_reload(routed->uplinks[i]->prober);
	routed->loaded_s = time(NULL);
	routed->gateways_dirty = true;
	reconcile_now(routed);
	forget_moved_flows(routed);
	if (old)
		routed_save(routed, false);
	flowcount_forget(routed->flowcount);
	site_free(old);
	return 0;
}

static int read_site(const struct cli *cli, const struct links *links, struct report *report,
	struct site **ret_site)
{
	int err = site_check_rereadable(cli->config, report);

	if (err == 0)
		err = load_site(cli->config, links, report, ret_site);

	report_log(report, "config");
	return err;
}

static int reload(struct report *report, void *arg)
{
	struct routed *routed = arg;
	struct site *site = NULL;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_now_us());
	int err = read_site(routed->cli, routed->links, report, &site);
	if (err == 0) {
		err = use_site(routed, site);
		if (err < 0)
			site_free(site);
	}
	if (err < 0) {
		routed->load_failed_s = time(NULL);
		log_error(0, "config",
			"not reloaded: the configuration of before stays in force");
	} else {
		routed->load_failed_s = 0;
		log_notice("config", "reloaded; uplinks: %zu, servers: %zu",
			routed->site->n_uplinks, routed->site->n_servers);
	}
	events_reload(routed, err);
	sd_notify(0, "READY=1");
	return err;
}

static void on_hup(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	json_decref(reload_answer(reload, arg));
}

/* ---- requests ---- */

const char *routed_drain(struct routed *routed, const char *name, bool drain, bool force)
{
	int i = name ? site_find_uplink(routed->site, name) : -1;

	if (i < 0)
		return "there is no uplink of that name";

	struct uplink *machine = &routed->uplinks[i]->machine;
	bool was_drained = machine->drained;
	if (drain && !was_drained && !force && !reconcile_has_other(routed, (size_t)i))
		return "no other uplink is of use at present: new connections would have "
		       "nowhere to go; --force does it all the same";
	if (drain)
		uplink_drain(machine);
	else
		uplink_undrain(machine);
	bool kept = routed_save(routed, true) == 0;
	if (!kept && drain) {
		machine->drained = was_drained;
		return "it cannot be remembered over a restart (see the log), and is not done";
	}
	reconcile_now(routed);
	flowcount_forget(routed->flowcount); /* new ones go elsewhere from now on */
	if (!kept) /* an uplink may be needed now, whatever the disk says */
		return "it may be used again, but that cannot be remembered (see the log): a "
		       "restart of routed drains it once more";
	return NULL;
}

static json_t *answer_drain(struct routed *routed, const json_t *request, bool drain)
{
	const char *name = json_string_value(json_object_get(request, "uplink"));
	bool force = json_is_true(json_object_get(request, "force"));
	const char *error = routed_drain(routed, name, drain, force);

	if (error)
		return json_pack("{s:s}", "error", error);
	return json_pack("{s:b}", "drained", (int)drain);
}

static json_t *on_request(const char *verb, const json_t *request, void *arg)
{
	struct routed *routed = arg;

	if (strcmp(verb, "status") == 0)
		return status_json(routed);
	if (strcmp(verb, "drain") == 0 || strcmp(verb, "undrain") == 0)
		return answer_drain(routed, request, strcmp(verb, "drain") == 0);
	if (strcmp(verb, "reload") == 0)
		return reload_answer(reload, routed);
	if (strcmp(verb, "takeover") == 0 || strcmp(verb, "standby") == 0)
		return standby_answer(routed, strcmp(verb, "standby") == 0);
	if (strcmp(verb, "flows") == 0)
		return status_flows(
			routed, json_string_value(json_object_get(request, "uplink")));
	if (strcmp(verb, EVENTS_VERB) == 0)
		return json_pack("{s:o}", "uplinks", status_uplinks(routed));
	if (strcmp(verb, LINKFEED_VERB) == 0)
		return linkfeed_reply(routed);
	return NULL;
}

/* Those that the members of the group may ask for: they change nothing. */
static const char *const public_verbs[] = {"status", EVENTS_VERB, LINKFEED_VERB, NULL};

/* ---- start and end ---- */

static int init_events(struct routed *routed)
{
	struct event_base *base = routed->base;
	uint64_t watchdog_us;

	routed->on_hup = evsignal_new(base, SIGHUP, on_hup, routed);
	routed->on_term = evsignal_new(base, SIGTERM, on_end, routed);
	routed->on_int = evsignal_new(base, SIGINT, on_end, routed);
	routed->burst = evtimer_new(base, on_burst, routed);
	routed->look = evtimer_new(base, on_look, routed);
	routed->later = evtimer_new(base, on_later, routed);
	routed->reread = evtimer_new(base, on_reread, routed);
	routed->poll = event_new(base, -1, EV_PERSIST, on_poll, routed);
	routed->watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, routed);
	if (!routed->on_hup || !routed->on_term || !routed->on_int || !routed->burst ||
		!routed->look || !routed->later || !routed->reread || !routed->poll ||
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

int routed_make_folder(const char *path)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	return log_error(-errno, "state", "cannot make %s", path);
}

/* What reads and writes the kernel. */
static int init_writers(struct routed *routed)
{
	AUTO(freep) char *table = cli_path(routed->cli->state_dir, ROUTED_TABLE);
	AUTO(freep) char *sysctls = cli_path(routed->cli->state_dir, ROUTED_SYSCTLS);
	int err;

	if (!table || !sysctls)
		return -ENOMEM;
	if ((err = rtnl_new(&routed->rtnl)) < 0 ||
		(err = conntrack_new(&routed->conntrack)) < 0 ||
		(err = flowcount_new(&routed->flowcount)) < 0 ||
		(err = passive_new(&routed->passive)) < 0 ||
		(err = sysctl_store_new(sysctls, &routed->sysctls)) < 0 ||
		(err = nft_new(routed->base, table, on_table, routed, &routed->nft)) < 0)
		return err;
	routed->apply = (struct apply){
		.rtnl = routed->rtnl,
		.nft = routed->nft,
		.sysctls = routed->sysctls,
		.ifname = routed_ifname,
		.ifname_arg = routed->links,
	};
	return 0;
}

/* The control socket comes first: it keeps two from running at the same time. */
static int init_parts(struct routed *routed)
{
	AUTO(freep) char *path = cli_path(routed->cli->runtime_dir, ROUTED_SOCKET);
	AUTO(freep) char *kept = cli_path(routed->cli->state_dir, ROUTED_SAVED_STATE);
	int err;

	routed->base = event_base_new();
	if (!path || !kept || !routed->base)
		return -ENOMEM;
	if ((err = init_events(routed)) < 0 ||
		(err = ctl_server_new(routed->base, path, on_request, routed, &routed->ctl)) <
			0 ||
		(err = routed_make_folder(routed->cli->state_dir)) < 0 ||
		(err = links_new(routed->base, on_links_changed, routed, &routed->links)) <
			0 ||
		(err = init_writers(routed)) < 0 ||
		(err = rtnlwatch_new(routed->base, rtnl_port(routed->rtnl), on_routes, routed,
			 &routed->watch)) < 0 ||
		(err = health_new(routed->base, &routed->situation, on_health, routed,
			 &routed->health)) < 0 ||
		(err = hook_new(routed->base, &routed->hook)) < 0)
		return err;
	ctl_server_add_stream(routed->ctl, EVENTS_VERB);
	ctl_server_add_stream(routed->ctl, LINKFEED_VERB);
	ctl_server_admit_group(routed->ctl, CTL_GROUP, public_verbs);
	savedstate_load(kept, &routed->saved);
	routed->standby = standby_at_start(routed);
	return 0;
}

static void routed_fini(struct routed *routed)
{
	for (size_t i = 0; routed->site && i < routed->site->n_uplinks; i++)
		uplink_free(routed->uplinks[i]);
	ctl_server_free(routed->ctl);
	hook_free(routed->hook);
	rtnlwatch_free(routed->watch);
	health_free(routed->health);
	apply_fini(&routed->apply);
	nft_free(routed->nft);
	sysctl_store_free(routed->sysctls);
	passive_free(routed->passive);
	conntrack_free(routed->conntrack);
	flowcount_free(routed->flowcount);
	gateways_fini(&routed->gateways);
	rtnl_free(routed->rtnl);
	links_free(routed->links);
	kernel_fini(&routed->wanted);
	free(routed->table);
	free(routed->servers);
	site_free(routed->site);
	event_freep(&routed->on_hup);
	event_freep(&routed->on_term);
	event_freep(&routed->on_int);
	event_freep(&routed->burst);
	event_freep(&routed->look);
	event_freep(&routed->later);
	event_freep(&routed->reread);
	event_freep(&routed->poll);
	event_freep(&routed->watchdog);
	if (routed->base)
		event_base_free(routed->base);
}

static int serve(struct routed *routed)
{
	const struct timeval poll = timer_span_us(UPLINK_POLL_MS * 1000);

	event_add(routed->poll, &poll);
	log_notice("routed", "version %s is ready%s; uplinks: %zu, servers: %zu", MH_VERSION,
		routed->standby ? " and stands by" : "", routed->site->n_uplinks,
		routed->site->n_servers);
	sd_notify(0, "READY=1");
	doctor_log(routed->site);
	malloc_trim(0); /* the start needs a megabyte more than the years that follow */
	int r = event_base_dispatch(routed->base);
	routed_save(routed, false);
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
	int err = read_site(cli, NULL, &report, &site);
	report_fini(&report);
	if (err < 0) {
		status = EXIT_BAD_CONFIG;
	} else if (load_privilege() < 0 || init_parts(routed) < 0 ||
		   use_site(routed, site) < 0) {
		site_free(site);
	} else {
		status = serve(routed) == 0 ? EXIT_DONE : EXIT_FAILED;
	}
	routed_fini(routed);
	free(routed);
	return status;
}
