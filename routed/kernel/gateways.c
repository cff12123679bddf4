/* gateways.c - the gateways that other programs' default routes tell us
 *
 * A look goes through all routes. Per interface and family the best live default counts, as
 * main would choose: those of main first, then the smaller metric, then the router's
 * preference (RFC 4191), then what was seen first. Where there is none, what was known stays,
 * marked as not live. A default for packets from one prefix only, as RFC 8028 has it, names a
 * gateway too, where no other does.
 *
 * Our own default routes count only where nothing else is known: after a restart they are
 * what is left of the gateway that a former run had learned.
 */
#include "routed/kernel/gateways.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "routed/kernel/kernel.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/rtnlmsg.h"

void gateways_fini(struct gateways *gateways)
{
	free(gateways->items);
	mainroutes_fini(&gateways->main);
	*gateways = (struct gateways){0};
}

static struct gateway *find_gateway(const struct gateways *gateways, int ifindex, int family)
{
	for (size_t i = 0; i < gateways->n; i++)
		if (gateways->items[i].ifindex == ifindex &&
			gateways->items[i].family == family)
			return &gateways->items[i];
	return NULL;
}

const struct gateway *gateways_find(const struct gateways *gateways, int ifindex, int family)
{
	return find_gateway(gateways, ifindex, family);
}

bool gateways_uses_ra(const struct gateways *gateways, int ifindex)
{
	const struct gateway *gateway = find_gateway(gateways, ifindex, AF_INET6);

	return gateway && gateway->protocol == RTPROT_RA;
}

static void append_gateway(struct gateways *gateways, const struct gateway *gateway)
{
	gateways->items = xgrow(gateways->items, gateways->n, sizeof(*gateways->items));
	gateways->items[gateways->n++] = *gateway;
}

/* ICMPV6_ROUTER_PREF_*: 0 medium, 1 high, 3 low, 2 reserved and to be taken as medium. */
static int pref_rank(uint8_t pref)
{
	if (pref == 1)
		return 0;
	return pref == 3 ? 2 : 1;
}

static bool is_better(const struct gateway *a, const struct gateway *than)
{
	if (a->elsewhere != than->elsewhere)
		return than->elsewhere;
	if (a->narrow != than->narrow)
		return than->narrow;
	if (a->metric != than->metric)
		return a->metric < than->metric;
	return pref_rank(a->pref) < pref_rank(than->pref);
}

void gateways_begin(struct gateways *gateways)
{
	for (size_t i = 0; i < gateways->n; i++)
		gateways->items[i].live = false;
}

static void learn(struct gateways *gateways, const struct gateway *gateway)
{
	struct gateway *known = find_gateway(gateways, gateway->ifindex, gateway->family);
	bool ours = gateway->protocol == KERNEL_PROTOCOL;

	if (!known) {
		append_gateway(gateways, gateway);
		return;
	}
	if (ours || (known->live && !is_better(gateway, known)))
		return;
	*known = *gateway;
}

void gateways_see(struct gateways *gateways, const struct rtnlmsg_route *route)
{
	const struct kernel_route *r = &route->route;
	bool ours = route->protocol == KERNEL_PROTOCOL;

	mainroutes_see(&gateways->main, route);
	if (r->dst.len > 0 || r->type != KERNEL_UNICAST || route->tos || route->has_encap ||
		(route->has_from && ours))
		return;
	for (size_t i = 0; i < r->n_nexthops; i++) {
		const struct kernel_nexthop *hop = &r->nexthops[i];
		struct gateway gateway = {
			.ifindex = hop->ifindex,
			.family = r->family,
			.addr = hop->gateway,
			.protocol = route->protocol,
			.live = !ours,
			.metrics = r->metrics,
			.elsewhere = r->table != RT_TABLE_MAIN,
			.narrow = route->has_from,
			.pref = route->pref,
			.metric = r->metric,
		};

		/* the gateway may be of the other family (RFC 8950) */
		if (hop->ifindex > 0)
			learn(gateways, &gateway);
	}
}

void gateways_end(struct gateways *gateways, gateways_exists_fn *exists)
{
	size_t n = 0;

	for (size_t i = 0; i < gateways->n; i++)
		if (gateways->items[i].live || !exists || exists(gateways->items[i].ifindex))
			gateways->items[n++] = gateways->items[i];
	gateways->n = n;
}

static bool gateway_eq(const struct gateway *a, const struct gateway *b)
{
	return a->ifindex == b->ifindex && a->family == b->family &&
	       addr_eq(&a->addr, &b->addr) && a->protocol == b->protocol &&
	       a->live == b->live && a->elsewhere == b->elsewhere && a->narrow == b->narrow &&
	       a->pref == b->pref && a->metric == b->metric &&
	       kernel_metrics_eq(&a->metrics, &b->metrics);
}

static bool gateways_eq(const struct gateways *a, const struct gateways *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!gateway_eq(&a->items[i], &b->items[i]))
			return false;
	return mainroutes_eq(&a->main, &b->main);
}

static bool device_exists(int ifindex)
{
	char name[IFNAMSIZ];

	return if_indextoname((unsigned int)ifindex, name) != NULL;
}

static void see_route(const struct rtnlmsg_route *route, void *arg)
{
	gateways_see(arg, route);
}

int gateways_read(struct gateways *gateways, struct rtnl *rtnl)
{
	struct gateways fresh = {0};

	for (size_t i = 0; i < gateways->n; i++)
		append_gateway(&fresh, &gateways->items[i]);
	mainroutes_begin(&fresh.main, &gateways->main);
	gateways_begin(&fresh);
	int r = rtnl_each_route(rtnl, see_route, &fresh);
	if (r < 0) {
		gateways_fini(&fresh);
		return r;
	}
	gateways_end(&fresh, device_exists);

	bool changed = !gateways_eq(gateways, &fresh);
	gateways_fini(gateways);
	*gateways = fresh;
	return changed ? 1 : 0;
}
