/* doctorrules.c - checks of routing rules of other programs beside ours
 *
 * The kernel reads rules in the order of their priority, until one leads to a table that has a
 * route. Two things go wrong:
 *
 *   before ours    A rule matches packets that must leave by a certain uplink, and leads to a
 *                  table with a default route, or drops them: our rules never see them.
 *   behind ours    A rule leads to a table with a default route of its own, for a VPN that is to
 *                  take all traffic. The kernel never reaches it: our default route comes first.
 *
 * Rules for foreign marks, single users or destinations are not reported: they are meant to be
 * narrow.
 */
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "routed/doctor/doctorcheck.h"
#include "routed/wanted/wantednumbers.h"

enum { RULE_MAX = 256 };

static bool suppresses(const struct kernel_rule *rule, uint8_t prefix_len)
{
	return rule->suppress_prefixlen != KERNEL_NO_SUPPRESS &&
	       prefix_len <= rule->suppress_prefixlen;
}

static bool leads_anywhere(
	const struct doctor_checkup *checkup, const struct kernel_rule *rule)
{
	if (rule->blackhole)
		return true;
	for (size_t i = 0; i < checkup->facts->n_defaults; i++) {
		const struct doctor_default *found = &checkup->facts->defaults[i];

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

/* Does it select our sources: addresses of the router, or loopbacks of servers? */
static bool covers_ours(const struct doctor_checkup *checkup, const struct prefix *from)
{
	if (!addr_is_set(&from->addr) || from->len == 0)
		return true;
	for (size_t i = 0; i < checkup->site->n_uplinks; i++)
		if (covers_device(from, &checkup->facts->uplinks[i]))
			return true;
	for (size_t i = 0; i < checkup->site->n_servers; i++)
		if (covers_loopback(
			    from, &checkup->site->servers[i], checkup->site->n_uplinks))
			return true;
	return false;
}

static bool is_lan_interface(const struct doctor_checkup *checkup, const char *interface)
{
	for (size_t i = 0; i < checkup->site->n_lan; i++)
		if (strcmp(checkup->site->lan[i], interface) == 0)
			return true;
	return false;
}

/* "not fwmark 51820" selects nearly all packets. */
static bool is_broad(const struct doctor_checkup *checkup, const struct doctor_rule *found)
{
	const struct kernel_rule *rule = &found->rule;

	if (found->inverted)
		return true;
	if (rule->to.len > 0 || rule->fwmask || *rule->oif || rule->ipproto ||
		rule->dport_first)
		return false;
	return covers_ours(checkup, &rule->from) &&
	       (!*rule->iif || is_lan_interface(checkup, rule->iif));
}

static char *rule_str(const struct doctor_rule *found, char out[RULE_MAX])
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

static void report_before(struct doctor_checkup *checkup, const struct doctor_rule *found)
{
	char rule[RULE_MAX];

	doctor_problem(checkup,
		"a rule of another program comes before ours (%s): replies of the servers "
		"and of this router follow it, and do not leave by the uplink that the "
		"request came in on",
		rule_str(found, rule));
	doctor_remedy(checkup,
		"give it a priority between %u and %u, or set `routing.priority` below %u",
		checkup->site->routing.priority + WANTED_PRIO_POLICY + 100,
		checkup->site->routing.default_priority - 1, found->rule.priority);
}

static void report_behind(struct doctor_checkup *checkup, const struct doctor_rule *found)
{
	char rule[RULE_MAX];

	doctor_problem(checkup,
		"a rule of another program (%s) comes after ours and is never reached while "
		"an uplink is up: most likely it is for a VPN, which then gets no traffic",
		rule_str(found, rule));
	doctor_remedy(checkup,
		"give it a priority below %u; if the VPN is not meant to take all traffic, "
		"leave it",
		checkup->site->routing.default_priority);
}

/* Do many of our packets match it, and does the search for a route end there? */
static bool takes_all(const struct doctor_checkup *checkup, const struct doctor_rule *found)
{
	return is_broad(checkup, found) && leads_anywhere(checkup, &found->rule);
}

void check_rules_before(struct doctor_checkup *checkup)
{
	uint32_t ours = checkup->site->routing.priority + WANTED_PRIO_POLICY;

	for (size_t i = 0; i < checkup->facts->n_rules; i++) {
		const struct doctor_rule *found = &checkup->facts->rules[i];

		if (found->rule.priority < ours && takes_all(checkup, found))
			report_before(checkup, found);
	}
}

static bool is_standard_table(uint32_t table)
{
	return table == RT_TABLE_MAIN || table == RT_TABLE_DEFAULT || table == RT_TABLE_LOCAL;
}

void check_rules_behind(struct doctor_checkup *checkup)
{
	uint32_t ours = checkup->site->routing.default_priority + 1;

	for (size_t i = 0; i < checkup->facts->n_rules; i++) {
		const struct doctor_rule *found = &checkup->facts->rules[i];
		const struct kernel_rule *rule = &found->rule;

		if (rule->priority > ours && !rule->blackhole &&
			!is_standard_table(rule->table) && takes_all(checkup, found))
			report_behind(checkup, found);
	}
}
