/* follow.c - makes the server follow the links and the configuration
 *
 * A link change, another report of routed and a reload all end in the same two steps:
 *
 *     plan_make   links + routed's report + configuration -> facts -> tables for all views;
 *                 addresses to listen on
 *     plan_apply  publish the tables, then open and close sockets
 *
 * plan_make may fail and leaves all as it was; plan_apply cannot. Answers are published before
 * sockets are opened, so that no query meets a view without answers. UDP workers run beside
 * all of this and see nothing but their view's pointer (view.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/net/links.h"
#include "common/site/uplinkset.h"
#include "common/timer.h"
#include "dnsd/dnsd.h"
#include "dnsd/parent/parent.h"
#include "dnsd/serve/sockets.h"
#include "dnsd/serve/tcp.h"
#include "dnsd/state/factslinks.h"
#include "dnsd/state/routedclient.h"
#include "dnsd/state/routedreport.h"

enum { MAX_AUTO_THREADS = 4 };

/* The next state of the server; complete before anything changes. */
struct plan {
	struct config *config; /* borrowed */
	struct site_links links;
	struct facts facts;
	struct listen_spec *listen;
	size_t n_listen;
	struct socket_spec *sockets; /* room for as many; filled by apply_sockets */
	struct view *views[DNSD_MAX_VIEWS];
	bool is_new[DNSD_MAX_VIEWS];
	struct answers *answers[DNSD_MAX_VIEWS]; /* NULL: stay as they are */
	size_t n_views;
};

/* ---- plan: everything that may fail ---- */

static struct view *dnsd_find_view(const struct dnsd *dnsd, const char *name, bool inside)
{
	for (size_t i = 0; i < dnsd->n_views; i++)
		if (strcmp(dnsd->views[i]->name, name) == 0 &&
			(dnsd->views[i]->index == FACTS_VIEW_INSIDE) == inside)
			return dnsd->views[i];
	return NULL;
}

static int plan_views(const struct dnsd *dnsd, struct plan *plan)
{
	int indices[DNSD_MAX_VIEWS];
	size_t n = config_views(plan->config, indices);

	for (size_t i = 0; i < n; i++) {
		const char *name = config_view_name(plan->config, indices[i]);
		struct view *view = dnsd_find_view(
			dnsd, name, indices[i] == FACTS_VIEW_INSIDE);

		plan->is_new[i] = !view;
		plan->views[i] = view ? view : view_new(name, indices[i]);
		if (!plan->views[i])
			return -ENOMEM;
		plan->n_views = i + 1;
	}
	return 0;
}

static void respond_conf_init(
	struct dnsd *dnsd, const struct site *site, struct respond_conf *ret_conf)
{
	size_t len = site->dns.nsid ? strlen(site->dns.nsid) : 0;

	*ret_conf = (struct respond_conf){
		.cookies = dnsd->cookies,
		.keepalive_100ms = (uint16_t)(tcp_limits_default.idle_ms / 100),
		.inbound_tokens = &dnsd->inbound_tokens,
	};
	ret_conf->nsid_len = len < sizeof(ret_conf->nsid) ? len : sizeof(ret_conf->nsid);
	if (len > 0)
		memcpy(ret_conf->nsid, site->dns.nsid, ret_conf->nsid_len);
}

static int plan_answers(struct dnsd *dnsd, struct plan *plan)
{
	int indices[DNSD_MAX_VIEWS];
	struct respond_conf conf;

	config_views(plan->config, indices);
	respond_conf_init(dnsd, plan->config->site, &conf);
	if (plan->config->site->dns.serial_unixtime) {
		/* all views together, and never backwards (RFC 1982) */
		uint32_t now_s = (uint32_t)time(NULL);

		dnsd->serial = (int32_t)(now_s - dnsd->serial) > 0 || dnsd->serial == 0
				       ? now_s
				       : dnsd->serial + 1;
		config_set_serial(plan->config, dnsd->serial);
	}
	for (size_t i = 0; i < plan->n_views; i++) {
		conf.view = indices[i];
		conf.view_name = plan->views[i]->name;
		plan->answers[i] = answers_new(
			config_table(plan->config, &plan->facts, indices[i]), &conf);
		if (!plan->answers[i])
			return -ENOMEM;
	}
	return 0;
}

/* Frees what plan_apply did not take, or all of it. */
static void plan_fini(struct plan *plan)
{
	site_links_fini(&plan->links);
	facts_fini(&plan->facts);
	free(plan->listen);
	free(plan->sockets);
	for (size_t i = 0; i < plan->n_views; i++) {
		answers_free(plan->answers[i]);
		if (plan->is_new[i])
			view_free(plan->views[i]);
	}
}

static int plan_make(struct dnsd *dnsd, struct config *config, struct plan *plan)
{
	int err;

	*plan = (struct plan){.config = config};
	if ((err = site_links_find(config->site, dnsd->links, &plan->links)) < 0 ||
		(err = facts_from_links(config->site, &plan->links, &plan->facts)) < 0 ||
		(err = listen_specs(
			 config->site, &plan->links, &plan->listen, &plan->n_listen)) < 0 ||
		(err = plan_views(dnsd, plan)) < 0)
		return err;
	routed_report_apply(
		routed_client_report(dnsd->routed), config->site, &plan->links, &plan->facts);
	plan->sockets = calloc(plan->n_listen + 1, sizeof(*plan->sockets));
	if (!plan->sockets)
		return -ENOMEM;
	if (config == dnsd->config && dnsd->n_views > 0 &&
		facts_eq(&plan->facts, &dnsd->facts))
		return 0;
	return plan_answers(dnsd, plan);
}

/* ---- apply: what cannot fail ---- */

/* The former facts of the uplink of that name, or NULL. */
static const struct uplink_facts *dnsd_uplink_before(const struct dnsd *dnsd, const char *name)
{
	int i = dnsd->config ? site_find_uplink(dnsd->config->site, name) : -1;

	return i >= 0 && (size_t)i < dnsd->facts.n_uplinks ? &dnsd->facts.uplinks[i] : NULL;
}

/* RFC 6598. `check` warns of such an address in site.yaml; a learned one shows up here. */
static void warn_of_cgnat(const struct site_uplink *uplink, const struct addr *addr)
{
	if (uplink->inbound && addr_is_cgnat(addr) &&
		!addr_is_set(&uplink->public_addrs[SITE_IPV4]))
		log_warning("uplink",
			"%s: %s is behind the ISP's NAT (100.64.0.0/10), so nothing comes in, "
			"but answers contain it: set 'inbound: no', or 'public' if "
			"the ISP forwards an address to it",
			uplink->name, addr_str(addr));
}

static void log_uplinks(const struct dnsd *dnsd, const struct plan *plan)
{
	const struct site *site = plan->config->site;

	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct uplink_facts *now = &plan->facts.uplinks[i];
		const struct uplink_facts *before = dnsd_uplink_before(
			dnsd, site->uplinks[i].name);
		struct routed_report_verdict verdict;

		if (before && before->state == now->state &&
			addr_eq(&before->public_addrs[SITE_IPV4],
				&now->public_addrs[SITE_IPV4]) &&
			addr_eq(&before->public_addrs[SITE_IPV6],
				&now->public_addrs[SITE_IPV6]))
			continue;
		routed_report_weigh(routed_client_report(dnsd->routed), &site->uplinks[i],
			plan->links.uplinks[i], &verdict);
		log_notice("uplink", "%s is %s (%s%s), its addresses in answers: %s, %s",
			site->uplinks[i].name, uplink_state_str(now->state),
			verdict.by_routed ? "routed: " : "", verdict.why,
			addr_str(&now->public_addrs[SITE_IPV4]),
			addr_str(&now->public_addrs[SITE_IPV6]));
		if (!before || !addr_eq(&before->public_addrs[SITE_IPV4],
				       &now->public_addrs[SITE_IPV4]))
			warn_of_cgnat(&site->uplinks[i], &now->public_addrs[SITE_IPV4]);
	}
}

/* On which uplinks of `site` the server of that name was dead before. */
static uint32_t dnsd_dead_before(
	const struct dnsd *dnsd, const struct site *site, const char *name)
{
	const struct site *old = dnsd->config ? dnsd->config->site : NULL;
	int server = old ? site_find_server(old, name) : -1;
	uint32_t dead = 0;

	if (server < 0 || (size_t)server >= dnsd->facts.n_servers ||
		dnsd->facts.servers[server].dead == 0)
		return 0;
	for (size_t i = 0; i < site->n_uplinks; i++) {
		int uplink = site_find_uplink(old, site->uplinks[i].name);

		if (uplink >= 0 &&
			uplinkset_has(dnsd->facts.servers[server].dead, (size_t)uplink))
			uplinkset_add(&dead, i);
	}
	return dead;
}

static void log_server(
	const struct dnsd *dnsd, const char *server, const char *uplink, bool is_dead)
{
	const char *why = routed_report_dead_why(
		routed_client_report(dnsd->routed), server, uplink);

	if (is_dead)
		log_notice("server", "%s is not offered on %s: routed found it dead there%s%s",
			server, uplink, why && *why ? ": " : "", why ? why : "");
	else
		log_notice("server", "%s may be offered on %s again", server, uplink);
}

static void log_servers(const struct dnsd *dnsd, const struct plan *plan)
{
	const struct site *site = plan->config->site;

	for (size_t s = 0; s < site->n_servers; s++) {
		const char *name = site->servers[s].name;
		uint32_t dead = plan->facts.servers[s].dead;
		uint32_t news = dead ^ dnsd_dead_before(dnsd, site, name);

		for (size_t i = 0; news && i < site->n_uplinks; i++)
			if (uplinkset_has(news, i))
				log_server(dnsd, name, site->uplinks[i].name,
					uplinkset_has(dead, i));
	}
}

/* When addresses have changed: names in the zones that have one of them as a literal. */
static void log_advice(const struct dnsd *dnsd, const struct plan *plan)
{
	bool is_news = plan->config != dnsd->config;
	struct report report;

	for (size_t i = 0; i < plan->facts.n_uplinks && !is_news; i++)
		for (int family = 0; family < SITE_FAMILIES; family++)
			is_news |= !addr_eq(&plan->facts.uplinks[i].public_addrs[family],
				&dnsd->facts.uplinks[i].public_addrs[family]);
	if (!is_news)
		return;
	report_init(&report);
	config_advise(plan->config, &plan->facts, &report);
	report_log(&report, "zone");
	report_fini(&report);
}

static bool listen_spec_eq(const struct listen_spec *a, const struct listen_spec *b)
{
	return a->view == b->view && a->port == b->port && a->taken_by == b->taken_by &&
	       addr_eq(&a->addr, &b->addr);
}

static void log_taken_addrs(const struct dnsd *dnsd, const struct plan *plan)
{
	bool same = plan->n_listen == dnsd->n_listen;

	for (size_t i = 0; i < plan->n_listen && same; i++)
		same = listen_spec_eq(&plan->listen[i], &dnsd->listen[i]);
	for (size_t i = 0; i < plan->n_listen && !same; i++) {
		const struct listen_spec *spec = &plan->listen[i];

		if (spec->taken_by >= 0)
			log_warning("listen",
				"%s: %s is an address of %s too, which answers on it",
				config_view_name(plan->config, spec->view),
				addr_str(&spec->addr),
				config_view_name(
					plan->config, plan->listen[spec->taken_by].view));
	}
}

static unsigned int udp_threads(const struct site *site)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (site->dns.threads != SITE_THREADS_AUTO)
		return site->dns.threads;
	return n < 1 ? 1 : n > MAX_AUTO_THREADS ? MAX_AUTO_THREADS : (unsigned int)n;
}

static struct view *plan_view_of(const struct plan *plan, int index)
{
	for (size_t i = 0; i < plan->n_views; i++)
		if (plan->views[i]->index == index)
			return plan->views[i];
	return NULL;
}

static void plan_apply_sockets(struct dnsd *dnsd, struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_listen; i++)
		if (plan->listen[i].taken_by == LISTEN_FREE)
			plan->sockets[n++] = (struct socket_spec){
				.view = plan_view_of(plan, plan->listen[i].view),
				.addr = plan->listen[i].addr,
				.port = plan->listen[i].port,
				.scope_id = (uint32_t)plan->listen[i].ifindex,
				.n_threads = udp_threads(plan->config->site),
			};
	sockets_apply(dnsd->sockets, plan->sockets, n);
}

/* Closes the inside view to all uplinks, those with `inbound: no` too, as the links are now. */
static void plan_close_inside(const struct plan *plan)
{
	struct view *inside = plan_view_of(plan, FACTS_VIEW_INSIDE);
	int ifindices[SITE_MAX_UPLINKS];
	size_t n = 0;

	for (size_t i = 0; i < plan->config->site->n_uplinks; i++)
		if (plan->links.uplinks[i])
			ifindices[n++] = plan->links.uplinks[i]->ifindex;
	if (inside)
		view_close_to(inside, ifindices, n);
}

static bool plan_has(const struct plan *plan, const struct view *view)
{
	for (size_t i = 0; i < plan->n_views; i++)
		if (plan->views[i] == view)
			return true;
	return false;
}

/* Takes the new list of views. Views that are not in it have no sockets any more. */
static void plan_take_views(struct dnsd *dnsd, struct plan *plan)
{
	for (size_t i = 0; i < dnsd->n_views; i++)
		if (!plan_has(plan, dnsd->views[i]))
			view_free(dnsd->views[i]);
	memcpy(dnsd->views, plan->views, sizeof(dnsd->views));
	dnsd->n_views = plan->n_views;
	plan->n_views = 0;
}

static void notify_manager(const struct dnsd *dnsd)
{
	size_t n_up = 0;

	for (size_t i = 0; i < dnsd->facts.n_uplinks; i++)
		n_up += dnsd->facts.uplinks[i].state == UPLINK_UP;
	sd_notifyf(0, "STATUS=%zu of %zu uplinks up, %zu of %zu sockets open, %zu zones", n_up,
		dnsd->facts.n_uplinks, sockets_n_open(dnsd->sockets), sockets_n(dnsd->sockets),
		dnsd->config->n_zones);
}

static void plan_apply(struct dnsd *dnsd, struct plan *plan)
{
	int indices[DNSD_MAX_VIEWS];
	bool held = false;

	log_uplinks(dnsd, plan);
	log_servers(dnsd, plan);
	log_taken_addrs(dnsd, plan);
	log_advice(dnsd, plan);
	config_views(plan->config, indices);
	for (size_t i = 0; i < plan->n_views; i++) {
		plan->views[i]->index = indices[i];
		if (plan->answers[i])
			view_publish(plan->views[i], TAKE(plan->answers[i]));
		held = view_reclaim(plan->views[i]) || held;
	}
	if (held)
		timer_arm_ms(dnsd->reclaim, DNSD_RECLAIM_MS);
	plan_close_inside(plan);
	plan_apply_sockets(dnsd, plan);
	plan_take_views(dnsd, plan);

	facts_fini(&dnsd->facts);
	dnsd->facts = plan->facts;
	plan->facts = (struct facts){0};
	free(dnsd->listen);
	dnsd->listen = TAKE(plan->listen);
	dnsd->n_listen = plan->n_listen;
	if (plan->config != dnsd->config) {
		config_free(dnsd->config);
		dnsd->config = plan->config;
		inbound_token_close_all(&dnsd->inbound_tokens); /* views may be others now */
	}
	timer_arm_ms(dnsd->routing, DNSD_ROUTING_MS);
	const struct parent_input input = {
		dnsd->config->site, dnsd->config->zones, dnsd->config->keys, &dnsd->facts};
	parent_follow(dnsd->parent, &input);
	notify_manager(dnsd);
}

int dnsd_follow(struct dnsd *dnsd, struct config *config)
{
	struct plan plan;
	int err = plan_make(dnsd, config, &plan);

	if (err == 0)
		plan_apply(dnsd, &plan);
	plan_fini(&plan);
	return err;
}
