/* fib.c - what a kernel with given routes and rules would do with a packet */
#include "lib/fib.h"

#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAIN_PRIORITY = 32766 };

static void refuse(const char *what)
{
	fprintf(stderr, "the kernel would refuse it: %s\n", what);
	abort();
}

/* --- looking up --- */

static void best_route(const struct kernel *kernel, int family, uint32_t table,
	const struct addr *to, const struct kernel_route **best)
{
	for (size_t i = 0; i < kernel->n_routes; i++) {
		const struct kernel_route *route = &kernel->routes[i];

		if (route->family != family || route->table != table)
			continue;
		if (route->dst.len > 0 && !prefix_contains(&route->dst, to))
			continue;
		if (!*best || route->dst.len > (*best)->dst.len)
			*best = route;
	}
}

static uint32_t group_of(const struct kernel *kernel, int ifindex)
{
	for (size_t i = 0; i < kernel->n_groups; i++)
		if (kernel->groups[i].ifindex == ifindex)
			return kernel->groups[i].group;
	return 0;
}

static bool rule_matches(const struct kernel_rule *rule, const struct fib_packet *packet)
{
	if (rule->family != packet->to.family)
		return false;
	if (rule->from.len > 0 && !prefix_contains(&rule->from, &packet->from))
		return false;
	if (rule->to.len > 0 && !prefix_contains(&rule->to, &packet->to))
		return false;
	if ((packet->mark & rule->fwmask) != (rule->fwmark & rule->fwmask))
		return false;
	if (rule->ipproto && rule->ipproto != packet->ipproto)
		return false;
	return rule->dport_first == 0 ||
	       (packet->dport >= rule->dport_first && packet->dport <= rule->dport_last);
}

/* NULL: the rule's table has nothing, or what it has is suppressed. */
static const struct kernel_route *rule_route(
	const struct fib *fib, const struct kernel_rule *rule, const struct addr *to)
{
	const struct kernel_route *route = NULL;

	best_route(&fib->ours, rule->family, rule->table, to, &route);
	if (rule->table == RT_TABLE_MAIN)
		best_route(&fib->others, rule->family, rule->table, to, &route);
	if (!route || route->dst.len <= rule->suppress_prefixlen)
		return NULL;
	if (rule->suppress_ifgroup >= 0 && route->n_nexthops > 0 &&
		group_of(&fib->ours, route->nexthops[0].ifindex) ==
			(uint32_t)rule->suppress_ifgroup)
		return NULL;
	return route;
}

static int rule_cmp(const void *a, const void *b)
{
	const struct kernel_rule *rule_a = *(const struct kernel_rule *const *)a;
	const struct kernel_rule *rule_b = *(const struct kernel_rule *const *)b;

	if (rule_a->priority != rule_b->priority)
		return rule_a->priority < rule_b->priority ? -1 : 1;
	return rule_a < rule_b ? -1 : 1; /* of equal priority, the older one first */
}

struct fib_answer fib_lookup(const struct fib *fib, const struct fib_packet *packet)
{
	const struct kernel_rule main_rule = {
		.family = packet->to.family,
		.priority = MAIN_PRIORITY,
		.table = RT_TABLE_MAIN,
		.suppress_prefixlen = KERNEL_NO_SUPPRESS,
		.suppress_ifgroup = KERNEL_NO_SUPPRESS,
	};
	const struct kernel_rule *rules[512];
	size_t n = 0;

	for (size_t i = 0; i < fib->ours.n_rules; i++)
		rules[n++] = &fib->ours.rules[i];
	qsort(rules, n, sizeof(rules[0]), rule_cmp);
	rules[n++] = &main_rule;
	for (size_t i = 0; i < n; i++) {
		if (!rule_matches(rules[i], packet))
			continue;
		if (rules[i]->blackhole)
			return (struct fib_answer){.verdict = FIB_DROP};

		const struct kernel_route *route = rule_route(fib, rules[i], &packet->to);
		if (route && route->type != KERNEL_UNICAST)
			return (struct fib_answer){.verdict = FIB_DROP};
		if (route)
			return (struct fib_answer){FIB_FORWARD, route->nexthops[0].ifindex};
	}
	return (struct fib_answer){.verdict = FIB_NO_ROUTE};
}

/* --- applying --- */

static size_t find_route(const struct kernel *kernel, const struct kernel_route *route)
{
	size_t i = 0;

	while (i < kernel->n_routes && kernel_route_cmp(&kernel->routes[i], route) != 0)
		i++;
	return i;
}

static size_t find_rule(const struct kernel *kernel, const struct kernel_rule *rule)
{
	size_t i = 0;

	while (i < kernel->n_rules && !kernel_rule_eq(&kernel->rules[i], rule))
		i++;
	return i;
}

/* A gateway that is not marked on-link must lie in a subnet of its device. */
static void check_gateways(const struct fib *fib, const struct kernel_route *route)
{
	for (size_t i = 0; i < route->n_nexthops; i++) {
		const struct kernel_nexthop *nexthop = &route->nexthops[i];
		const struct kernel_route *way = NULL;

		if (!addr_is_set(&nexthop->gateway) || nexthop->onlink ||
			(nexthop->gateway.family == AF_INET6 &&
				addr_is_link_local(&nexthop->gateway)))
			continue;
		best_route(&fib->ours, route->family, route->table, &nexthop->gateway, &way);
		best_route(
			&fib->others, route->family, RT_TABLE_MAIN, &nexthop->gateway, &way);
		if (!way || way->n_nexthops != 1 || addr_is_set(&way->nexthops[0].gateway))
			refuse("no way to the gateway");
	}
}

static void apply_route(struct fib *fib, const struct plan_step *step)
{
	size_t at = find_route(&fib->ours, &step->route);
	bool there = at < fib->ours.n_routes;

	if (there != (step->op != PLAN_ADD_ROUTE))
		refuse(there ? "the route exists" : "no such route");
	if (step->op == PLAN_DEL_ROUTE) {
		fib->ours.routes[at] = fib->ours.routes[--fib->ours.n_routes];
		return;
	}
	check_gateways(fib, &step->route);
	if (there)
		fib->ours.routes[at] = step->route;
	else
		kernel_add_route(&fib->ours, &step->route);
}

static void apply_rule(struct fib *fib, const struct plan_step *step)
{
	size_t at = find_rule(&fib->ours, &step->rule);
	bool there = at < fib->ours.n_rules;

	if (there == (step->op == PLAN_ADD_RULE))
		refuse(there ? "the rule exists" : "no such rule");
	if (step->op == PLAN_ADD_RULE) {
		kernel_add_rule(&fib->ours, &step->rule);
		return;
	}
	memmove(&fib->ours.rules[at], &fib->ours.rules[at + 1],
		(--fib->ours.n_rules - at) * sizeof(step->rule));
}

static void apply_group(struct kernel *kernel, const struct kernel_group *group)
{
	for (size_t i = 0; i < kernel->n_groups; i++)
		if (kernel->groups[i].ifindex == group->ifindex) {
			kernel->groups[i] = *group;
			return;
		}
	kernel_add_group(kernel, group);
}

static void apply_sysctl(struct kernel *kernel, const struct kernel_sysctl *sysctl)
{
	for (size_t i = 0; i < kernel->n_sysctls; i++)
		if (strcmp(kernel->sysctls[i].path, sysctl->path) == 0) {
			kernel->sysctls[i] = *sysctl;
			return;
		}
	kernel_add_sysctl(kernel, sysctl);
}

void fib_apply(struct fib *fib, const struct plan_step *step)
{
	switch (step->op) {
	case PLAN_SET_GROUP:
		apply_group(&fib->ours, &step->group);
		break;
	case PLAN_ADD_ROUTE:
	case PLAN_REPLACE_ROUTE:
	case PLAN_DEL_ROUTE:
		apply_route(fib, step);
		break;
	case PLAN_ADD_RULE:
	case PLAN_DEL_RULE:
		apply_rule(fib, step);
		break;
	case PLAN_SET_SYSCTL:
		apply_sysctl(&fib->ours, &step->sysctl);
		break;
	}
}
