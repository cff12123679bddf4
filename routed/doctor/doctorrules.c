/* doctorrules.c - judges routing rules of others beside ours
 *
 * Rules are asked in the order of their priority, and the first whose table has a route ends
 * the search. Two things go wrong:
 *
 *   before ours    a rule that matches packets which must leave by a certain uplink, and leads
 *                  to a table with a default route (or drops them), takes them away from us
 *   behind ours    a rule that leads to a table with a default route of its own, as a VPN
 *                  makes that is to take everything, is never asked: our default comes first
 *
 * Rules for marks of others, for single users or for destinations are left alone: they are
 * meant to be narrow.
 */
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "routed/doctor/doctorjudge.h"
#include "routed/wanted/wanted.h"

enum { RULE_MAX = 256 };

static bool suppresses(const struct kernel_rule *rule, uint8_t prefix_len)
{
	return rule->suppress_prefixlen != KERNEL_NO_SUPPRESS &&
	       prefix_len <= rule->suppress_prefixlen;
}

static bool leads_anywhere(const struct judge *judge, const struct kernel_rule *rule)
{
	if (rule->blackhole)
		return true;
	for (size_t i = 0; i < judge->facts->n_defaults; i++) {
		const struct doctor_default *found = &judge->facts->defaults[i];

		if (found->family == rule->family && found->table == rule->table &&
			!suppresses(rule, found->prefix_len))
			return true;
	}
	return false;
}

static bool covers_device(const struct prefix *from, const struct doctor_device *device)
{
	for (size_t i = 0; i < device->n_addrs; i++)
		if (device->addrs[i].addr.family == from->addr.family &&
			prefix_contains(from, &device->addrs[i].addr))
			return true;
	return false;
}

static bool covers_loopback(
	const struct prefix *from, const struct site_server *server, size_t n_uplinks)
{
	for (size_t i = 0; i < n_uplinks && server->has_loopbacks; i++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
			const struct addr *addr = &server->loopbacks[i][family];

			if (addr_is_set(addr) && addr->family == from->addr.family &&
				prefix_contains(from, addr))
				return true;
		}
	return false;
}

/* Are there sources of ours, addresses of the router or loopbacks, among those it selects? */
static bool covers_ours(const struct judge *judge, const struct prefix *from)
{
	if (!addr_is_set(&from->addr) || from->len == 0)
		return true;
	for (size_t i = 0; i < judge->site->n_uplinks; i++)
		if (covers_device(from, &judge->facts->uplinks[i]))
			return true;
	for (size_t i = 0; i < judge->site->n_servers; i++)
		if (covers_loopback(from, &judge->site->servers[i], judge->site->n_uplinks))
			return true;
	return false;
}

static bool is_lan(const struct judge *judge, const char *interface)
{
	for (size_t i = 0; i < judge->site->n_lan; i++)
		if (strcmp(judge->site->lan[i], interface) == 0)
			return true;
	return false;
}

/* "not fwmark 51820" selects all but a few. */
static bool is_broad(const struct judge *judge, const struct doctor_rule *found)
{
	const struct kernel_rule *rule = &found->rule;

	if (found->inverted)
		return true;
	if (rule->to.len > 0 || rule->fwmask || *rule->oif || rule->ipproto ||
		rule->dport_first)
		return false;
	return covers_ours(judge, &rule->from) && (!*rule->iif || is_lan(judge, rule->iif));
}

static char *describe(const struct doctor_rule *found, char out[RULE_MAX])
{
	const struct kernel_rule *rule = &found->rule;
	char does[32];
	char mark[40] = "";

	if (rule->blackhole)
		snprintf(does, sizeof(does), "drop");
	else
		snprintf(does, sizeof(does), "lookup %u", rule->table);
	if (rule->fwmask)
		snprintf(mark, sizeof(mark), " fwmark 0x%x", rule->fwmark);
	snprintf(out, RULE_MAX, "priority %u, IPv%d: %sfrom %s%s%s%s %s", rule->priority,
		rule->family == AF_INET ? 4 : 6, found->inverted ? "not " : "",
		rule->from.len ? prefix_str(&rule->from) : "all", mark,
		*rule->iif ? " iif " : "", rule->iif, does);
	return out;
}

static void judge_before(struct judge *judge, const struct doctor_rule *found)
{
	char rule[RULE_MAX];

	judge_problem(judge,
		"a rule of another program comes before ours (%s): answers of the servers "
		"and of this router go its way, and not back over the uplink that the "
		"question came in on",
		describe(found, rule));
	judge_remedy(judge, "rule-before",
		"give it a priority between %u and %u, or set `routing.priority` below %u",
		judge->site->routing.priority + WANTED_PRIO_POLICY + 100,
		judge->site->routing.default_priority - 1, found->rule.priority);
}

static void judge_behind(struct judge *judge, const struct doctor_rule *found)
{
	char rule[RULE_MAX];

	judge_problem(judge,
		"a rule of another program (%s) comes after ours and is never asked while "
		"an uplink is up: the VPN that it is for, most likely, gets nothing",
		describe(found, rule));
	judge_remedy(judge, "rule-behind",
		"give it a priority below %u; "
		"or leave it if the VPN is not to take everything",
		judge->site->routing.default_priority);
}

static bool is_standard(uint32_t table)
{
	return table == RT_TABLE_MAIN || table == RT_TABLE_DEFAULT || table == RT_TABLE_LOCAL;
}

void judge_rules(struct judge *judge)
{
	const struct site_routing *routing = &judge->site->routing;

	for (size_t i = 0; i < judge->facts->n_rules; i++) {
		const struct doctor_rule *found = &judge->facts->rules[i];
		const struct kernel_rule *rule = &found->rule;

		if (!is_broad(judge, found) || !leads_anywhere(judge, rule))
			continue;
		if (rule->priority < routing->priority + WANTED_PRIO_POLICY)
			judge_before(judge, found);
		else if (rule->priority > routing->default_priority + 1 && !rule->blackhole &&
			 !is_standard(rule->table))
			judge_behind(judge, found);
	}
}
