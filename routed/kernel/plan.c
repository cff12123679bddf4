/* plan.c - the difference between what the kernel holds and what it should hold
 *
 * Pure. Both sides are sorted and walked side by side; what one side lacks becomes a step. The
 * steps are then ordered so that no state on the way leaks a packet to the wrong uplink or
 * cuts one off:
 *
 *   1  groups: the first rule needs to know which devices are uplinks
 *   2  rules that go because their table gets another use (a reload that changes the order of
 *      uplinks): their blackhole stays, and drops packets that have no route for a moment
 *   3  routes that come or change: connected prefixes, then by gateway, then defaults; and
 *      stale routes go from tables that get new rules
 *   4  rules that come: look-ups of main (the LAN must not be caught by what follows), then
 *      the others by priority, but each blackhole before its look-up
 *   5  sysctls, in the order wanted: forwarding is the last of them
 *   6  the other rules that go, in the opposite order of 4
 *   7  the other routes that go, in the opposite order of 3
 *   8  groups of devices that are no uplinks any more
 *
 * A step is one message to the kernel, and a changed route is one step, so that there is no
 * moment without it.
 */
#include "routed/kernel/plan.h"

#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

static struct plan_step *plan_add(struct plan *plan, enum plan_op op)
{
	size_t n = plan->n_steps;

	plan->steps = xgrow(plan->steps, n, sizeof(*plan->steps));
	plan->n_steps++;
	plan->steps[n] = (struct plan_step){.op = op};
	return &plan->steps[n];
}

static void plan_sort(struct plan *plan, int (*cmp)(const void *, const void *))
{
	if (plan->n_steps > 0)
		qsort(plan->steps, plan->n_steps, sizeof(*plan->steps), cmp);
}

/* Appends the steps of a partial plan and frees it. */
static void plan_append(struct plan *plan, struct plan *part)
{
	for (size_t i = 0; i < part->n_steps; i++)
		*plan_add(plan, part->steps[i].op) = part->steps[i];
	plan_fini(part);
}

void plan_fini(struct plan *plan)
{
	free(plan->steps);
	*plan = (struct plan){0};
}

/* --- routes --- */

/* Routes by reference, sorted; `used` tells which of them stay. */
struct route_list {
	const struct kernel_route **items;
	bool *used;
	size_t n;
};

static int route_ref_cmp(const void *a, const void *b)
{
	const struct kernel_route *route_a = *(const struct kernel_route *const *)a;
	const struct kernel_route *route_b = *(const struct kernel_route *const *)b;
	int order = kernel_route_cmp(route_a, route_b);

	/* in an array, so that equal ones keep their order */
	return order ? order : (route_a > route_b) - (route_a < route_b);
}

static struct route_list route_list(const struct kernel *kernel)
{
	struct route_list list = {
		.items = xcalloc(kernel->n_routes + 1, sizeof(struct kernel_route *)),
		.used = xcalloc(kernel->n_routes + 1, sizeof(bool)),
		.n = kernel->n_routes,
	};

	for (size_t i = 0; i < list.n; i++)
		list.items[i] = &kernel->routes[i];
	qsort(list.items, list.n, sizeof(struct kernel_route *), route_ref_cmp);
	return list;
}

static void route_list_fini(struct route_list *list)
{
	free(list->items);
	free(list->used);
}

/* 0: on-link; 1: by way of a gateway; 2: a default, which may need one of 1. */
static int route_rank(const struct kernel_route *route)
{
	if (route->dst.len == 0)
		return 2;
	return route->n_nexthops > 0 && addr_is_set(&route->nexthops[0].gateway) ? 1 : 0;
}

static int route_step_cmp(const void *a, const void *b)
{
	const struct kernel_route *route_a = &((const struct plan_step *)a)->route;
	const struct kernel_route *route_b = &((const struct plan_step *)b)->route;
	int order = route_rank(route_a) - route_rank(route_b);

	return order ? order : kernel_route_cmp(route_a, route_b);
}

static const struct kernel_group *find_kernel_group(const struct kernel *kernel, int ifindex)
{
	for (size_t i = 0; i < kernel->n_groups; i++)
		if (kernel->groups[i].ifindex == ifindex)
			return &kernel->groups[i];
	return NULL;
}

/* Is it in a subnet of that uplink? */
static bool is_neighbour(const struct kernel *wanted, int ifindex, const struct addr *addr)
{
	for (size_t i = 0; i < wanted->n_routes; i++) {
		const struct kernel_route *route = &wanted->routes[i];

		if (route->dst.len > 1 && route->n_nexthops == 1 &&
			route->nexthops[0].ifindex == ifindex &&
			prefix_contains(&route->dst, addr))
			return true;
	}
	return false;
}

/* A route whose device is left to the kernel leads into the LAN. The kernel may have chosen an
 * uplink at a time when the LAN's device was missing (rtnl.c). */
static bool left_via_uplink(const struct kernel_route *actual,
	const struct kernel_route *route, const struct kernel *wanted)
{
	const struct kernel_nexthop *hop = &actual->nexthops[0];

	return route->n_nexthops == 1 && route->nexthops[0].ifindex == 0 &&
	       actual->n_nexthops == 1 && find_kernel_group(wanted, hop->ifindex) &&
	       !is_neighbour(wanted, hop->ifindex, &hop->gateway);
}

/* Of the actual routes from `first` on that have the key of `wanted`: one that is equal, else
 * any; `actual->n` if there is none. */
static size_t route_match(
	const struct route_list *actual, size_t first, const struct kernel_route *wanted)
{
	size_t any = actual->n;

	for (size_t i = first;
		i < actual->n && kernel_route_cmp(actual->items[i], wanted) == 0; i++) {
		if (kernel_route_eq(actual->items[i], wanted))
			return i;
		if (any == actual->n)
			any = i;
	}
	return any;
}

/* The routes that come or change; marks in `actual` those that stay. */
static void routes_added(struct plan *plan, struct route_list *actual,
	const struct route_list *wanted, const struct kernel *kernel)
{
	size_t at = 0;

	for (size_t i = 0; i < wanted->n; i++) {
		const struct kernel_route *route = wanted->items[i];

		if (i > 0 && kernel_route_cmp(wanted->items[i - 1], route) == 0)
			continue; /* the kernel takes one of a kind */
		while (at < actual->n && kernel_route_cmp(actual->items[at], route) < 0)
			at++;

		size_t match = route_match(actual, at, route);
		if (match == actual->n)
			plan_add(plan, PLAN_ADD_ROUTE)->route = *route;
		else if (!kernel_route_eq(actual->items[match], route) ||
			 left_via_uplink(actual->items[match], route, kernel))
			plan_add(plan, PLAN_REPLACE_ROUTE)->route = *route;
		if (match < actual->n)
			actual->used[match] = true;
	}
	plan_sort(plan, route_step_cmp);
}

static int route_step_cmp_back(const void *a, const void *b)
{
	return route_step_cmp(b, a);
}

static void routes_removed(struct plan *plan, const struct route_list *actual)
{
	for (size_t i = 0; i < actual->n; i++)
		if (!actual->used[i])
			plan_add(plan, PLAN_DEL_ROUTE)->route = *actual->items[i];
	plan_sort(plan, route_step_cmp_back);
}

/* --- rules --- */

static int rule_ref_cmp(const void *a, const void *b)
{
	return kernel_rule_cmp(
		*(const struct kernel_rule *const *)a, *(const struct kernel_rule *const *)b);
}

static const struct kernel_rule **rule_list(const struct kernel *kernel)
{
	const struct kernel_rule **list = xcalloc(
		kernel->n_rules + 1, sizeof(struct kernel_rule *));

	for (size_t i = 0; i < kernel->n_rules; i++)
		list[i] = &kernel->rules[i];
	qsort(list, kernel->n_rules, sizeof(struct kernel_rule *), rule_ref_cmp);
	return list;
}

/* Which packets the rule takes, with all else alike: pairs up look-up and blackhole. */
static struct kernel_rule rule_selector(const struct kernel_rule *rule)
{
	struct kernel_rule selector = *rule;

	selector.priority = 0;
	selector.blackhole = true; /* leaves the table out */
	return selector;
}

static bool rule_is_main(const struct kernel_rule *rule)
{
	return !rule->blackhole && rule->table == RT_TABLE_MAIN;
}

/* Where a rule belongs: a blackhole stands one after the look-up that it backs up (wanted.h).
 */
static uint32_t rule_place(const struct kernel_rule *rule)
{
	return rule->priority - (rule->blackhole && rule->priority > 0);
}

/* The order in which rules may come: those of main first, then as the kernel goes through them
 * (so that no policy takes a packet before the rules that come before it are there), but each
 * blackhole before its look-up. */
static int rule_step_cmp(const void *a, const void *b)
{
	const struct kernel_rule *rule_a = &((const struct plan_step *)a)->rule;
	const struct kernel_rule *rule_b = &((const struct plan_step *)b)->rule;
	struct kernel_rule selector_a = rule_selector(rule_a);
	struct kernel_rule selector_b = rule_selector(rule_b);
	uint32_t place_a = rule_place(rule_a);
	uint32_t place_b = rule_place(rule_b);
	int order = rule_is_main(rule_b) - rule_is_main(rule_a);

	if (order == 0)
		order = (place_a > place_b) - (place_a < place_b);
	if (order == 0)
		order = kernel_rule_cmp(&selector_a, &selector_b);
	if (order == 0)
		order = rule_b->blackhole - rule_a->blackhole;
	return order ? order : kernel_rule_cmp(rule_a, rule_b);
}

static int rule_step_cmp_back(const void *a, const void *b)
{
	return rule_step_cmp(b, a);
}

/* Appends a step for each rule of `one` that `other` lacks; of equal ones in `one` a single
 * step if they are to come, one each (but for the one that stays) if they are to go. */
static void rules_missing(struct plan *plan, enum plan_op op, const struct kernel *one,
	const struct kernel *other)
{
	const struct kernel_rule **list = rule_list(one);
	const struct kernel_rule **others = rule_list(other);
	size_t at = 0;

	for (size_t i = 0; i < one->n_rules; i++) {
		bool again = i > 0 && kernel_rule_eq(list[i - 1], list[i]);

		while (at < other->n_rules && kernel_rule_cmp(others[at], list[i]) < 0)
			at++;
		bool found = at < other->n_rules && kernel_rule_eq(others[at], list[i]);
		if (again ? op == PLAN_DEL_RULE : !found)
			plan_add(plan, op)->rule = *list[i];
	}
	plan_sort(plan, op == PLAN_ADD_RULE ? rule_step_cmp : rule_step_cmp_back);
	free(list);
	free(others);
}

/* Moves the routes from `going` to `plan` that must go before `rules` come: a former use left
 * them in the tables that these rules lead to. */
static void routes_removed_first(
	struct plan *plan, struct plan *going, const struct plan *rules)
{
	size_t n_left = 0;

	for (size_t i = 0; i < going->n_steps; i++) {
		const struct kernel_route *route = &going->steps[i].route;
		size_t j = 0;

		while (j < rules->n_steps &&
			(rules->steps[j].rule.blackhole ||
				rules->steps[j].rule.table != route->table))
			j++;
		if (j < rules->n_steps && route->table != RT_TABLE_MAIN)
			plan_add(plan, PLAN_DEL_ROUTE)->route = *route;
		else
			going->steps[n_left++] = going->steps[i];
	}
	going->n_steps = n_left;
}

static bool table_gets_routes(const struct plan *routes, const struct kernel_rule *rule)
{
	for (size_t i = 0; i < routes->n_steps; i++)
		if (routes->steps[i].route.table == rule->table &&
			routes->steps[i].route.family == rule->family)
			return true;
	return false;
}

/* Whether `kernel` has a rule for the same packets that looks into the same table, or, with
 * `blackhole`, one that drops them. */
static bool has_rule_for(
	const struct kernel *kernel, const struct kernel_rule *rule, bool blackhole)
{
	struct kernel_rule selector = rule_selector(rule);

	for (size_t i = 0; i < kernel->n_rules; i++) {
		const struct kernel_rule *other = &kernel->rules[i];
		struct kernel_rule other_selector = rule_selector(other);

		if (other->blackhole == blackhole &&
			(blackhole || other->table == rule->table) &&
			kernel_rule_eq(&other_selector, &selector))
			return true;
	}
	return false;
}

/* Moves the rules from `going` to `plan` that must go before `routes` come: they lead to tables
 * which these routes make another uplink's, and a blackhole takes over. */
static void rules_removed_first(struct plan *plan, struct plan *going,
	const struct plan *routes, const struct kernel *actual, const struct kernel *wanted)
{
	size_t n_left = 0;

	for (size_t i = 0; i < going->n_steps; i++) {
		const struct kernel_rule *rule = &going->steps[i].rule;

		if (!rule->blackhole && table_gets_routes(routes, rule) &&
			has_rule_for(actual, rule, true) && !has_rule_for(wanted, rule, false))
			plan_add(plan, PLAN_DEL_RULE)->rule = *rule;
		else
			going->steps[n_left++] = going->steps[i];
	}
	going->n_steps = n_left;
}

/* --- groups and sysctls --- */

static void groups_added(
	struct plan *plan, const struct kernel *actual, const struct kernel *wanted)
{
	for (size_t i = 0; i < wanted->n_groups; i++) {
		const struct kernel_group *group = &wanted->groups[i];
		const struct kernel_group *now = find_kernel_group(actual, group->ifindex);

		if (!now || now->group != group->group)
			plan_add(plan, PLAN_SET_GROUP)->group = *group;
	}
}

static void groups_removed(
	struct plan *plan, const struct kernel *actual, const struct kernel *wanted)
{
	for (size_t i = 0; i < actual->n_groups; i++) {
		struct kernel_group group = actual->groups[i];

		if (group.group != KERNEL_UPLINK_GROUP ||
			find_kernel_group(wanted, group.ifindex))
			continue;
		group.group = 0;
		plan_add(plan, PLAN_SET_GROUP)->group = group;
	}
}

static const struct kernel_sysctl *find_sysctl(const struct kernel *kernel, const char *path)
{
	for (size_t i = 0; i < kernel->n_sysctls; i++)
		if (strcmp(kernel->sysctls[i].path, path) == 0)
			return &kernel->sysctls[i];
	return NULL;
}

static bool sysctl_differs(const struct kernel_sysctl *wanted, long now)
{
	if (wanted->kind == KERNEL_SYSCTL_AT_LEAST)
		return now < wanted->value;
	if (wanted->kind == KERNEL_SYSCTL_AT_MOST)
		return now > wanted->value;
	if (wanted->kind == KERNEL_SYSCTL_NOT_STRICT)
		return now == 1;
	return now != wanted->value;
}

/* One that the kernel does not have (IPv6 switched off, a device that went) is left alone. */
static void sysctls_changed(
	struct plan *plan, const struct kernel *actual, const struct kernel *wanted)
{
	for (size_t i = 0; i < wanted->n_sysctls; i++) {
		const struct kernel_sysctl *sysctl = &wanted->sysctls[i];
		const struct kernel_sysctl *now = find_sysctl(actual, sysctl->path);

		if (now && (now->value == LONG_MIN || !sysctl_differs(sysctl, now->value)))
			continue;
		plan_add(plan, PLAN_SET_SYSCTL)->sysctl = *sysctl;
	}
}

/* --- the whole --- */

void plan_diff(const struct kernel *actual, const struct kernel *wanted, struct plan *ret_plan)
{
	struct plan plan = {0};
	struct plan routes = {0};
	struct plan rules = {0};
	struct plan rules_old = {0};
	struct plan routes_old = {0};
	struct route_list actual_routes = route_list(actual);
	struct route_list wanted_routes = route_list(wanted);

	routes_added(&routes, &actual_routes, &wanted_routes, wanted);
	rules_missing(&rules, PLAN_ADD_RULE, wanted, actual);
	rules_missing(&rules_old, PLAN_DEL_RULE, actual, wanted);
	routes_removed(&routes_old, &actual_routes);

	groups_added(&plan, actual, wanted);
	rules_removed_first(&plan, &rules_old, &routes, actual, wanted);
	plan_append(&plan, &routes);
	routes_removed_first(&plan, &routes_old, &rules);
	plan_append(&plan, &rules);
	sysctls_changed(&plan, actual, wanted);
	plan_append(&plan, &rules_old);
	plan_append(&plan, &routes_old);
	groups_removed(&plan, actual, wanted);

	route_list_fini(&actual_routes);
	route_list_fini(&wanted_routes);
	*ret_plan = plan;
}

/* `ip` guesses the family from an address only, so IPv6 is always said. */
static const char *ip_command(int family)
{
	return family == AF_INET6 ? "ip -6" : "ip";
}

char *plan_step_str(const struct plan_step *step, kernel_ifname_fn *ifname, void *arg,
	char *out, size_t cap)
{
	static const char *const verbs[] = {
		[PLAN_ADD_ROUTE] = "add",
		[PLAN_REPLACE_ROUTE] = "replace",
		[PLAN_DEL_ROUTE] = "del",
		[PLAN_ADD_RULE] = "add",
		[PLAN_DEL_RULE] = "del",
	};
	bool goes = step->op == PLAN_DEL_ROUTE || step->op == PLAN_DEL_RULE;
	char sign = goes ? '-' : '+';
	char what[4096];

	switch (step->op) {
	case PLAN_ADD_ROUTE:
	case PLAN_REPLACE_ROUTE:
	case PLAN_DEL_ROUTE:
		snprintf(out, cap, "%c %s route %s %s", sign, ip_command(step->route.family),
			verbs[step->op],
			kernel_route_str(&step->route, ifname, arg, what, sizeof(what)));
		break;
	case PLAN_ADD_RULE:
	case PLAN_DEL_RULE:
		snprintf(out, cap, "%c %s rule %s %s", sign, ip_command(step->rule.family),
			verbs[step->op], kernel_rule_str(&step->rule, what, sizeof(what)));
		break;
	case PLAN_SET_GROUP:
		snprintf(out, cap, "%c ip link set dev %s group %u",
			step->group.group ? '+' : '-', step->group.interface,
			step->group.group);
		break;
	case PLAN_SET_SYSCTL:
		snprintf(
			out, cap, "+ sysctl -w %s=%ld", step->sysctl.path, step->sysctl.value);
		break;
	}
	return out;
}
