/* dnsd.c - the server's life: start, reload, changes of links, end
 *
 * dnsd_run() builds the one struct dnsd and stays in its event loop. The callbacks here wake
 * it, and so do TCP (tcp.c), retries of sockets (sockets.c) and the control socket. follow.c
 * does what a change of links or configuration requires.
 */
#include "dnsd/dnsd.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
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
#include "dnsd/delegation.h"
#include "dnsd/inboundjson.h"
#include "dnsd/parent/parent.h"
#include "dnsd/serve/sockets.h"
#include "dnsd/serve/tcp.h"
#include "dnsd/state/factslinks.h"
#include "dnsd/state/routedclient.h"
#include "dnsd/status.h"

enum {
	CHANGE_MS = 5,	 /* a burst of messages about links is one change */
	GRACE_MS = 1000, /* for queries on TCP connections; UDP goes on meanwhile */
};

/* ---- what happens ---- */

static void on_links_changed(void *arg)
{
	struct dnsd *dnsd = arg;

	/* later messages do not move the timer: an endless burst must not delay it */
	timer_arm_ms_if_idle(dnsd->change, CHANGE_MS);
}

static void on_change(evutil_socket_t fd, short what, void *arg)
{
	struct dnsd *dnsd = arg;
	int err = dnsd_follow(dnsd, dnsd->config);

	(void)fd;
	(void)what;
	if (err < 0) {
		log_error(err, "links", "cannot follow a change; dnsd tries again");
		timer_arm_ms(dnsd->change, DNSD_ROUTING_MS);
	}
}

/* Acts in this round of the event loop, since routed is about to change the kernel. If several
 * reports are queued, only the newest counts. */
static void on_report(void *arg)
{
	struct dnsd *dnsd = arg;

	if (dnsd->config)
		event_active(dnsd->change, EV_TIMEOUT, 0);
}

static void on_reclaim(evutil_socket_t fd, short what, void *arg)
{
	struct dnsd *dnsd = arg;
	bool held = false;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < dnsd->n_views; i++)
		held = view_reclaim(dnsd->views[i]) || held;
	if (held)
		timer_arm_ms(dnsd->reclaim, DNSD_RECLAIM_MS);
}

void dnsd_check_egress(struct dnsd *dnsd)
{
	egress_update(
		&dnsd->egress, dnsd->config->site, dnsd->links, dnsd->listen, dnsd->n_listen);
}

static void on_routing(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dnsd_check_egress(arg);
}

/* Without the file the secret lives as long as the process; clients learn the next one. */
static void dnsd_load_cookies(struct dnsd *dnsd)
{
	AUTO(freep) char *path = cli_path(dnsd->cli->state_dir, "cookie-secrets");
	struct cookie_keys keys;

	if (mkdir(dnsd->cli->state_dir, 0755) < 0 && errno != EEXIST)
		log_error(-errno, "cookie", "cannot make %s", dnsd->cli->state_dir);
	if (path && cookie_keys_load(path, &keys) == 0) {
		dnsd->cookies = keys;
		return;
	}
	if (dnsd->cookies.n_secrets > 0)
		return; /* a reload: the former secrets are good */
	log_warning("cookie",
		"DNS cookies will not outlive this process (their secrets cannot be stored); "
		"clients learn new ones after a restart");
	dnsd->cookies.n_secrets = 1;
	/* getrandom(2): cannot fail for so few octets */
	invariant(
		getrandom(dnsd->cookies.secrets[0], COOKIE_SECRET_LEN, 0) == COOKIE_SECRET_LEN,
		"the kernel gives no random octets");
}

/* Reads and checks all files. Mistakes are logged, and are in the report. */
static int dnsd_read_config(
	const struct cli *cli, struct report *report, struct config **ret_config)
{
	int err = site_check_rereadable(cli->config, report);

	if (err >= 0)
		err = config_load(cli->config, report, ret_config);
	report_log(report, "config");
	return err;
}

/* Takes the configuration over, also on failure. */
static int dnsd_use_config(struct dnsd *dnsd, struct config *config)
{
	dnsd_load_cookies(dnsd);
	int err = dnsd_follow(dnsd, config);

	if (err < 0) {
		config_free(config);
		return log_error(err, "config", "cannot use the configuration");
	}
	dnsd->loaded_s = time(NULL);
	return 0;
}

static int dnsd_reload(struct report *report, void *arg)
{
	struct dnsd *dnsd = arg;
	struct config *config;
	int err;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_now_us());
	if ((err = dnsd_read_config(dnsd->cli, report, &config)) < 0 ||
		(err = dnsd_use_config(dnsd, config)) < 0) {
		dnsd->load_failed_s = time(NULL);
		log_error(0, "config", RELOAD_REFUSED);
	} else {
		dnsd->load_failed_s = 0;
		log_notice("config", "reloaded; zones: %zu, views: %zu", dnsd->config->n_zones,
			dnsd->n_views);
	}
	malloc_trim(0); /* there were two configurations for a moment */
	sd_notify(0, "READY=1");
	return err;
}

static void on_hup(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	json_decref(reload_answer(dnsd_reload, arg));
}

static void on_served(void *arg)
{
	struct dnsd *dnsd = arg;

	event_base_loopbreak(dnsd->base);
}

/* A second signal ends at once. */
static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct dnsd *dnsd = arg;

	(void)what;
	if (dnsd->is_ending) {
		event_base_loopbreak(dnsd->base);
		return;
	}
	log_notice("dnsd", "ending on %s", strsignal((int)fd));
	dnsd->is_ending = true;
	sd_notify(0, "STOPPING=1");
	tcp_server_finish(dnsd->tcp, GRACE_MS, on_served, dnsd);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	sd_notify(0, "WATCHDOG=1");
}

/* ---- control verbs ---- */

static json_t *reply_status(struct dnsd *dnsd, const json_t *request)
{
	(void)request;
	return status_json(dnsd);
}

static json_t *reply_delegation(struct dnsd *dnsd, const json_t *request)
{
	(void)request;
	return delegation_json(dnsd->config, &dnsd->facts, "as dnsd has them now");
}

static json_t *reply_inbound_token(struct dnsd *dnsd, const json_t *request)
{
	return inbound_json(
		&dnsd->inbound_tokens, request, dnsd->config, (uint32_t)time(NULL));
}

static json_t *reply_reload(struct dnsd *dnsd, const json_t *request)
{
	(void)request;
	return reload_answer(dnsd_reload, dnsd);
}

static const struct control_verb {
	const char *name;
	json_t *(*reply)(struct dnsd *dnsd, const json_t *request);
} control_verbs[] = {
	{"status", reply_status},
	{"delegation", reply_delegation},
	{"inbound-token", reply_inbound_token},
	{"reload", reply_reload},
};

/* Members of the group may ask these. They change nothing. */
static const char *const public_verbs[] = {"status", "delegation", NULL};

static json_t *on_request(const char *verb, const json_t *request, void *arg)
{
	for (size_t i = 0; i < sizeof(control_verbs) / sizeof(control_verbs[0]); i++)
		if (strcmp(control_verbs[i].name, verb) == 0)
			return control_verbs[i].reply(arg, request);
	return NULL;
}

/* ---- start and end ---- */

/* Comes before anything else is in the event loop: the first answers should follow routed's
 * report. */
static int dnsd_init_routed_client(struct dnsd *dnsd)
{
	AUTO(freep) char *path = cli_path(dnsd->cli->runtime_dir, ROUTED_CLIENT_SOCKET);

	dnsd->base = event_base_new();
	int err = path && dnsd->base
			  ? routed_client_new(dnsd->base, path, on_report, dnsd, &dnsd->routed)
			  : -ENOMEM;
	if (err < 0)
		return log_error(
			err, "routed", "cannot follow routed at %s", path ? path : "");
	routed_client_wait(dnsd->routed);
	return 0;
}

static int dnsd_init_events(struct dnsd *dnsd)
{
	uint64_t watchdog_us;

	dnsd->on_hup = evsignal_new(dnsd->base, SIGHUP, on_hup, dnsd);
	dnsd->on_term = evsignal_new(dnsd->base, SIGTERM, on_end, dnsd);
	dnsd->on_int = evsignal_new(dnsd->base, SIGINT, on_end, dnsd);
	dnsd->change = evtimer_new(dnsd->base, on_change, dnsd);
	dnsd->reclaim = evtimer_new(dnsd->base, on_reclaim, dnsd);
	dnsd->routing = evtimer_new(dnsd->base, on_routing, dnsd);
	dnsd->watchdog = event_new(dnsd->base, -1, EV_PERSIST, on_watchdog, dnsd);
	if (!dnsd->on_hup || !dnsd->on_term || !dnsd->on_int || !dnsd->change ||
		!dnsd->reclaim || !dnsd->routing || !dnsd->watchdog)
		return -ENOMEM;

	event_add(dnsd->on_hup, NULL);
	reload_hold_signal(false);
	event_add(dnsd->on_term, NULL);
	event_add(dnsd->on_int, NULL);
	if (sd_watchdog_enabled(0, &watchdog_us) > 0) {
		const struct timeval half = timer_span_us((int64_t)(watchdog_us / 2));
		event_add(dnsd->watchdog, &half);
	}
	return 0;
}

static int dnsd_init_parts(struct dnsd *dnsd)
{
	AUTO(freep) char *path = cli_path(dnsd->cli->runtime_dir, DNSD_SOCKET);
	int err;

	if (!path)
		return -ENOMEM;
	if ((err = dnsd_init_routed_client(dnsd)) < 0 || (err = dnsd_init_events(dnsd)) < 0 ||
		(err = ctl_server_new(dnsd->base, path, on_request, dnsd, &dnsd->ctl)) < 0 ||
		(err = links_new(dnsd->base, on_links_changed, dnsd, &dnsd->links)) < 0 ||
		(err = parent_new(dnsd->base, dnsd->cli->state_dir, &dnsd->parent)) < 0 ||
		(err = tcp_server_new(dnsd->base, &tcp_limits_default, &dnsd->tcp)) < 0)
		return err;
	ctl_server_admit_group(dnsd->ctl, CTL_GROUP, public_verbs);
	return sockets_new(dnsd->base, dnsd->tcp, &dnsd->sockets);
}

static void dnsd_fini(struct dnsd *dnsd)
{
	sockets_free(dnsd->sockets);
	tcp_server_free(dnsd->tcp);
	for (size_t i = 0; i < dnsd->n_views; i++)
		view_free(dnsd->views[i]);
	ctl_server_free(dnsd->ctl);
	routed_client_free(dnsd->routed);
	parent_free(dnsd->parent);
	links_free(dnsd->links);
	egress_fini(&dnsd->egress);
	free(dnsd->listen);
	facts_fini(&dnsd->facts);
	config_free(dnsd->config);
	event_freep(&dnsd->on_hup);
	event_freep(&dnsd->on_term);
	event_freep(&dnsd->on_int);
	event_freep(&dnsd->change);
	event_freep(&dnsd->reclaim);
	event_freep(&dnsd->routing);
	event_freep(&dnsd->watchdog);
	if (dnsd->base)
		event_base_free(dnsd->base);
}

int dnsd_run(const struct cli *cli)
{
	struct dnsd dnsd = {.cli = cli, .started_s = time(NULL)};
	struct config *config;
	struct report report;
	int status = EXIT_FAILED;

	reload_hold_signal(true);
	report_init(&report);
	int err = dnsd_read_config(cli, &report, &config);
	report_fini(&report);
	if (err < 0)
		return EXIT_BAD_CONFIG;
	signal(SIGPIPE, SIG_IGN);
	if (dnsd_init_parts(&dnsd) < 0) {
		config_free(config);
	} else if (dnsd_use_config(&dnsd, config) == 0) {
		log_notice("dnsd", "version %s is ready; zones: %zu, views: %zu", MH_VERSION,
			dnsd.config->n_zones, dnsd.n_views);
		sd_notify(0, "READY=1");
		if (event_base_dispatch(dnsd.base) == 0)
			status = EXIT_DONE;
		else
			log_error(-EIO, "dnsd", "the event loop ended by itself");
	}
	dnsd_fini(&dnsd);
	return status;
}
