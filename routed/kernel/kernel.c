/* kernel.c - the parts of the kernel's state that routed owns, as plain values
 *
 * Growing, comparing and printing of routes, rules, groups and sysctls. Both sides of the
 * comparison (wanted.c, and the readers of the kernel) make them, plan.c compares them, the
 * writers and `routed plan` print them. Pure.
 *
 * Text is what ip-route(8) and ip-rule(8) take after `add` or `del`.
 */
#include "routed/kernel/kernel.h"

#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

/* --- growing --- */

void kernel_fini(struct kernel *kernel)
{
	free(kernel->routes);
	free(kernel->rules);
	free(kernel->groups);
	free(kernel->sysctls);
	*kernel = (struct kernel){0};
}

void kernel_add_route(struct kernel *kernel, const struct kernel_route *route)
{
	kernel->routes = xgrow(kernel->routes, kernel->n_routes, sizeof(*route));
	kernel->routes[kernel->n_routes++] = *route;
}

void kernel_add_rule(struct kernel *kernel, const struct kernel_rule *rule)
{
	kernel->rules = xgrow(kernel->rules, kernel->n_rules, sizeof(*rule));
	kernel->rules[kernel->n_rules++] = *rule;
}

void kernel_add_group(struct kernel *kernel, const struct kernel_group *group)
{
	kernel->groups = xgrow(kernel->groups, kernel->n_groups, sizeof(*group));
	kernel->groups[kernel->n_groups++] = *group;
}

void kernel_add_sysctl(struct kernel *kernel, const struct kernel_sysctl *sysctl)
{
	kernel->sysctls = xgrow(kernel->sysctls, kernel->n_sysctls, sizeof(*sysctl));
	kernel->sysctls[kernel->n_sysctls++] = *sysctl;
}

/* --- comparing --- */

static int number_cmp(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int prefix_cmp(const struct prefix *a, const struct prefix *b)
{
	/* a prefix of no length says nothing but its family, if that */
	int order = number_cmp(a->len, b->len);

	if (order == 0 && a->len > 0)
		order = number_cmp(a->addr.family, b->addr.family);
	if (order == 0 && a->len > 0)
		order = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));
	return order;
}

int kernel_route_cmp(const struct kernel_route *a, const struct kernel_route *b)
{
	int order = number_cmp((uint64_t)a->family, (uint64_t)b->family);

	if (order == 0)
		order = number_cmp(a->table, b->table);
	if (order == 0)
		order = prefix_cmp(&a->dst, &b->dst);
	if (order == 0)
		order = number_cmp(a->metric, b->metric);
	return order;
}

static bool nexthop_eq(
	const struct kernel_nexthop *a, const struct kernel_nexthop *b, bool alone)
{
	bool open = addr_is_set(&a->gateway) && (a->ifindex == 0 || b->ifindex == 0);

	return (a->ifindex == b->ifindex || open) && addr_eq(&a->gateway, &b->gateway) &&
	       a->onlink == b->onlink && (alone || a->weight == b->weight);
}

/* Every next hop of `a` is one of `b`; the same one may not serve twice. */
static bool nexthops_eq(const struct kernel_route *a, const struct kernel_route *b)
{
	uint32_t used = 0;

	if (a->n_nexthops != b->n_nexthops)
		return false;
	for (size_t i = 0; i < a->n_nexthops; i++) {
		size_t j = 0;

		while (j < b->n_nexthops &&
			((used & (1u << j)) || !nexthop_eq(&a->nexthops[i], &b->nexthops[j],
						       a->n_nexthops == 1)))
			j++;
		if (j == b->n_nexthops)
			return false;
		used |= 1u << j;
	}
	return true;
}

bool kernel_metrics_eq(const struct kernel_metrics *a, const struct kernel_metrics *b)
{
	return memcmp(a->values, b->values, sizeof(a->values)) == 0 &&
	       strncmp(a->congctl, b->congctl, sizeof(a->congctl)) == 0;
}

bool kernel_route_eq(const struct kernel_route *a, const struct kernel_route *b)
{
	return kernel_route_cmp(a, b) == 0 && a->type == b->type && a->scope == b->scope &&
	       addr_eq(&a->prefsrc, &b->prefsrc) &&
	       kernel_metrics_eq(&a->metrics, &b->metrics) && nexthops_eq(a, b);
}

enum { N_RULE_NUMBERS = 11 };

/* All of a rule that is a number, in the order that a sorted list shows. What has no effect
 * (the table of a blackhole) is left out. */
static void rule_numbers(const struct kernel_rule *rule, uint64_t out[N_RULE_NUMBERS])
{
	bool lookup = !rule->blackhole;
	const uint64_t numbers[N_RULE_NUMBERS] = {
		(uint64_t)rule->family,
		rule->priority,
		rule->fwmask ? rule->fwmark : 0,
		rule->fwmask,
		rule->ipproto,
		rule->dport_first,
		rule->dport_last,
		rule->blackhole,
		lookup ? rule->table : 0,
		lookup ? (uint32_t)rule->suppress_prefixlen : 0,
		lookup ? (uint32_t)rule->suppress_ifgroup : 0,
	};

	memcpy(out, numbers, sizeof(numbers));
}

int kernel_rule_cmp(const struct kernel_rule *a, const struct kernel_rule *b)
{
	uint64_t numbers_a[N_RULE_NUMBERS];
	uint64_t numbers_b[N_RULE_NUMBERS];
	int order = 0;

	rule_numbers(a, numbers_a);
	rule_numbers(b, numbers_b);
	for (size_t i = 0; i < N_RULE_NUMBERS && order == 0; i++)
		order = number_cmp(numbers_a[i], numbers_b[i]);
	if (order == 0)
		order = prefix_cmp(&a->from, &b->from);
	if (order == 0)
		order = prefix_cmp(&a->to, &b->to);
	if (order == 0)
		order = strcmp(a->iif, b->iif);
	if (order == 0)
		order = strcmp(a->oif, b->oif);
	return order;
}

bool kernel_rule_eq(const struct kernel_rule *a, const struct kernel_rule *b)
{
	return kernel_rule_cmp(a, b) == 0;
}

/* --- printing --- */

/* What does not fit is cut off: a line for people. */
struct line {
	char *out;
	size_t cap;
	size_t len;
};

static void line_add(struct line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void line_add(struct line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(line->out + line->len, line->cap - line->len, format, args);
	va_end(args);
	if (n > 0)
		line->len += (size_t)n < line->cap - line->len ? (size_t)n
							       : line->cap - line->len - 1;
}

/* ip-route(8) prints a host prefix without its length. */
static const char *short_prefix_str(const struct prefix *prefix)
{
	bool host = prefix->len == 8 * addr_len(&prefix->addr);

	return host ? addr_str(&prefix->addr) : prefix_str(prefix);
}

static void line_table(struct line *line, uint32_t table)
{
	if (table == RT_TABLE_MAIN)
		line_add(line, "main");
	else
		line_add(line, "%" PRIu32, table);
}

static void line_nexthop(struct line *line, int family, const struct kernel_nexthop *nexthop,
	kernel_ifname_fn *ifname, void *arg)
{
	const char *name = ifname && nexthop->ifindex ? ifname(nexthop->ifindex, arg) : NULL;

	if (addr_is_set(&nexthop->gateway))
		line_add(line, " via %s%s",
			family == AF_INET && nexthop->gateway.family == AF_INET6 ? "inet6 "
										 : "",
			addr_str(&nexthop->gateway));
	if (name)
		line_add(line, " dev %s", name);
	else if (nexthop->ifindex)
		line_add(line, " dev if%d", nexthop->ifindex);
}

static void line_metrics(struct line *line, const struct kernel_metrics *metrics)
{
	static const char *const names[KERNEL_N_METRICS] = {
		[RTAX_MTU] = "mtu",
		[RTAX_WINDOW] = "window",
		[RTAX_RTT] = "rtt",
		[RTAX_RTTVAR] = "rttvar",
		[RTAX_SSTHRESH] = "ssthresh",
		[RTAX_CWND] = "cwnd",
		[RTAX_ADVMSS] = "advmss",
		[RTAX_REORDERING] = "reordering",
		[RTAX_HOPLIMIT] = "hoplimit",
		[RTAX_INITCWND] = "initcwnd",
		[RTAX_FEATURES] = "features",
		[RTAX_RTO_MIN] = "rto_min",
		[RTAX_INITRWND] = "initrwnd",
		[RTAX_QUICKACK] = "quickack",
		[RTAX_FASTOPEN_NO_COOKIE] = "fastopen_no_cookie",
	};

	for (unsigned int i = 0; i < KERNEL_N_METRICS; i++) {
		bool locked = metrics->values[RTAX_LOCK] >> i & 1;

		if (!names[i] || (metrics->values[i] == 0 && !locked))
			continue;
		line_add(line, " %s %s", names[i], locked ? "lock " : "");
		if (i == RTAX_FEATURES && metrics->values[i] == RTAX_FEATURE_ECN)
			line_add(line, "ecn");
		else
			line_add(line, "%" PRIu32, metrics->values[i]);
	}
	if (metrics->congctl[0])
		line_add(line, " congctl %.*s", KERNEL_CONGCTL_MAX, metrics->congctl);
}

char *kernel_route_str(const struct kernel_route *route, kernel_ifname_fn *ifname, void *arg,
	char *out, size_t cap)
{
	static const char *const types[] = {
		[KERNEL_UNICAST] = "",
		[KERNEL_BLACKHOLE] = "blackhole ",
		[KERNEL_UNREACHABLE] = "unreachable ",
	};
	struct line line = {.out = out, .cap = cap};
	bool one = route->n_nexthops == 1;

	line_add(&line, "%s%s", types[route->type],
		route->dst.len ? short_prefix_str(&route->dst) : "default");
	if (one)
		line_nexthop(&line, route->family, &route->nexthops[0], ifname, arg);
	if (route->table != RT_TABLE_MAIN)
		line_add(&line, " table %" PRIu32, route->table);
	line_add(&line, " proto %d", KERNEL_PROTOCOL);
	if (route->metric)
		line_add(&line, " metric %" PRIu32, route->metric);
	if (addr_is_set(&route->prefsrc))
		line_add(&line, " src %s", addr_str(&route->prefsrc));
	if (route->scope)
		line_add(&line, " scope %u", route->scope - 1);
	line_metrics(&line, &route->metrics);
	if (one && route->nexthops[0].onlink)
		line_add(&line, " onlink");
	for (size_t i = 0; i < route->n_nexthops && !one; i++) {
		line_add(&line, " nexthop");
		line_nexthop(&line, route->family, &route->nexthops[i], ifname, arg);
		line_add(&line, " weight %u", route->nexthops[i].weight);
		if (route->nexthops[i].onlink)
			line_add(&line, " onlink");
	}
	return out;
}

static const char *proto_str(uint8_t ipproto)
{
	return ipproto == IPPROTO_TCP ? "tcp" : ipproto == IPPROTO_UDP ? "udp" : NULL;
}

/* What a rule looks at in a packet. */
static void line_selector(struct line *line, const struct kernel_rule *rule)
{
	const char *proto = proto_str(rule->ipproto);

	line_add(line, " from %s", rule->from.len ? short_prefix_str(&rule->from) : "all");
	if (rule->to.len)
		line_add(line, " to %s", short_prefix_str(&rule->to));
	if (rule->fwmask)
		line_add(line, " fwmark 0x%" PRIx32 "/0x%" PRIx32, rule->fwmark, rule->fwmask);
	if (rule->iif[0])
		line_add(line, " iif %s", rule->iif);
	if (rule->oif[0])
		line_add(line, " oif %s", rule->oif);
	if (proto)
		line_add(line, " ipproto %s", proto);
	else if (rule->ipproto)
		line_add(line, " ipproto %u", rule->ipproto);
	if (rule->dport_first && rule->dport_first == rule->dport_last)
		line_add(line, " dport %u", rule->dport_first);
	else if (rule->dport_first)
		line_add(line, " dport %u-%u", rule->dport_first, rule->dport_last);
}

char *kernel_rule_str(const struct kernel_rule *rule, char *out, size_t cap)
{
	struct line line = {.out = out, .cap = cap};

	line_add(&line, "priority %" PRIu32, rule->priority);
	line_selector(&line, rule);
	if (rule->blackhole) {
		line_add(&line, " blackhole");
	} else {
		line_add(&line, " lookup ");
		line_table(&line, rule->table);
		if (rule->suppress_prefixlen >= 0)
			line_add(&line, " suppress_prefixlength %d", rule->suppress_prefixlen);
		if (rule->suppress_ifgroup >= 0)
			line_add(&line, " suppress_ifgroup %d", rule->suppress_ifgroup);
	}
	line_add(&line, " protocol %d", KERNEL_PROTOCOL);
	return out;
}
