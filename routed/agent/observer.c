/* observer.c - what the links and the routes of other programs say about the uplinks
 *
 * Called by reconcile.c at each look and by routed.c after each message of the kernel:
 *
 *     links, gateways -> situation -> machines -> states
 */
#include "routed/agent/observer.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/net/links.h"
#include "routed/agent/agent.h"
#include "routed/kernel/mainroutes.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/rtnlwatch.h"
#include "routed/uplink/probe.h"
#include "routed/wanted/situation.h"

/* While routes change all the time, reading them takes one part in so many of the time. */
enum { READ_SHARE = 20 };

void observer_fini(struct observer *observer)
{
	gateways_fini(&observer->gateways);
}

/* ---- the kernel ---- */

/* Follows the uplinks' devices. True if there is another one than before. */
static bool observer_follow_devices(struct observer *observer, const struct site *site)
{
	int ifindexes[SITE_MAX_UPLINKS] = {0};

	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct link *link = links_find(
			observer->links, site->uplinks[i].interface);

		ifindexes[i] = link ? link->ifindex : 0;
	}
	rtnlwatch_follow(observer->watch, ifindexes, site->n_uplinks);
	return mainroutes_follow(&observer->gateways.main, ifindexes, site->n_uplinks);
}

static void observer_read_gateways(struct observer *observer, const struct site *site)
{
	int64_t start_us = clock_now_us();

	if (observer_follow_devices(observer, site))
		observer->gateways_dirty = true;
	if (!observer->gateways_dirty)
		return;
	if (gateways_read(&observer->gateways, observer->rtnl) >= 0)
		observer->gateways_dirty = false;

	int64_t now_us = clock_now_us();
	observer->routes_due_us = now_us + READ_SHARE * (now_us - start_us);
}

int64_t observer_routes_wait_us(const struct observer *observer)
{
	int64_t wait_us = observer->routes_due_us - clock_now_us();

	return wait_us > 0 ? wait_us : 0;
}

bool observer_poll_carriers(const struct observer *observer, struct agent *agent)
{
	bool changed = false;

	for (size_t i = 0; i < agent->site->n_uplinks; i++) {
		struct situation_learned *learned = &agent->uplinks[i]->learned;
		int ifindex = agent->situation.uplinks[i].ifindex;
		bool carrier;

		if (ifindex == 0 || rtnl_carrier(observer->rtnl, ifindex, &carrier) < 0)
			continue;
		changed = changed || learned->no_carrier == carrier;
		learned->no_carrier = !carrier;
	}
	return changed;
}

/* ---- the situation ---- */

static void observer_learn(
	const struct observer *observer, const char *interface, struct agent_uplink *uplink)
{
	struct situation_learned *learned = &uplink->learned;
	const struct link *link = links_find(observer->links, interface);

	situation_learn(&observer->gateways, link, learned);
	learned->lost_ipv6 = link && uplink->numbered_ifindex == link->ifindex;

	/* the mirror may lag behind, the poll does not: the next poll renews it */
	bool carrier = true;
	if (link && rtnl_carrier(observer->rtnl, link->ifindex, &carrier) == 0)
		learned->no_carrier = !carrier;
}

static void log_overfull(const struct site_uplink *config, struct agent_uplink *uplink,
	enum site_family family, const struct mainroutes_over *routes)
{
	bool overfull = routes && routes->n_seen > routes->n;

	if (overfull && !uplink->overfull[family])
		log_warning("routes",
			"%s: main has %zu IPv%d routes over %s, more than the %d that its own "
			"table takes; connections to the other destinations go on by its "
			"default; let the routing daemon bring fewer",
			config->name, routes->n_seen, family == SITE_IPV4 ? 4 : 6,
			config->interface, MAINROUTES_MAX);
	uplink->overfull[family] = overfull;
}

static void observer_make_situation(const struct observer *observer, struct agent *agent)
{
	struct situation_learned learned[SITE_MAX_UPLINKS];
	const struct site *site = agent->site;

	for (size_t i = 0; i < site->n_uplinks; i++) {
		observer_learn(observer, site->uplinks[i].interface, agent->uplinks[i]);
		learned[i] = agent->uplinks[i]->learned;
	}
	situation_make(site, observer->links, learned, &agent->situation);
	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct situation_uplink *situation = &agent->situation.uplinks[i];
		struct agent_uplink *uplink = agent->uplinks[i];

		if (addr_is_set(&situation->chosen[SITE_IPV6]))
			uplink->numbered_ifindex = situation->ifindex;
		for (enum site_family family = 0; family < SITE_FAMILIES; family++)
			log_overfull(&site->uplinks[i], uplink, family,
				situation->main_routes[family]);
	}
}

/* ---- machines and probers ---- */

static void prober_follow(struct prober *prober, const struct situation_uplink *situation,
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

unsigned int observer_look(struct observer *observer, struct agent *agent)
{
	struct uplink_facts facts;

	observer_read_gateways(observer, agent->site);
	observer_make_situation(observer, agent);
	for (size_t i = 0; i < agent->site->n_uplinks; i++) {
		const struct situation_uplink *situation = &agent->situation.uplinks[i];
		struct agent_uplink *uplink = agent->uplinks[i];

		situation_facts(situation, &facts);
		uplink_on_link(&uplink->machine, &facts);
		if (agent->standby) {
			prober_pause(uplink->prober);
			uplink_assume_up(&uplink->machine);
			continue;
		}
		prober_follow(
			uplink->prober, situation, situation_lan_global(&agent->situation));
		prober_collect(uplink->prober);
	}
	return agent_step_all(agent);
}
