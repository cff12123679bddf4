/* sitecheck.c - mistakes that only several values of site.yaml show together: contradictions,
 * traps
 *
 * Runs after everything was read, also if some values were refused. Those are unset, and no
 * check may crash on them or report them again. Each message names its path; the line is
 * looked up in the document. Pure: the daemons check what needs the live system.
 *
 * An error cannot work as written; a warning works, but is hardly what was meant. Lists may
 * be as long as the reader allows, so pairs are compared only where lists are short.
 */
#include "common/site/sitecheck.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "common/site/sitecheck_servers.h"
#include "common/site/siteprobe.h"
#include "common/site/siteproblem.h"

/* uplinks and lan */

static void check_uplink_name(const struct check *check, size_t i)
{
	const struct site_uplink *uplinks = check->site->uplinks;
	const char *where = check_path("uplinks[%zu].name", i);

	if (strcasecmp(uplinks[i].name, "all") == 0 ||
		strcasecmp(uplinks[i].name, "receiving") == 0)
		check_error(check, where,
			"'%s' has a meaning of its own in zone files: choose another name",
			uplinks[i].name);
	for (size_t j = 0; j < i && uplinks[i].name[0]; j++)
		if (strcasecmp(uplinks[j].name, uplinks[i].name) == 0)
			check_error(check, where, "'%s' is already the name of uplinks[%zu]",
				uplinks[i].name, j);
}

static void check_uplink_interface(const struct check *check, size_t i)
{
	const struct site_uplink *uplinks = check->site->uplinks;

	for (size_t j = 0; j < i && uplinks[i].interface[0]; j++)
		if (strcmp(uplinks[j].interface, uplinks[i].interface) == 0)
			check_error(check, check_path("uplinks[%zu].interface", i),
				"'%s' is already the interface of uplinks[%zu]: "
				"each uplink needs its own",
				uplinks[i].interface, j);
}

static bool same_addr(const struct addr *a, const struct addr *b)
{
	return addr_is_set(a) && addr_eq(a, b);
}

static bool same_prefix(const struct prefix *a, const struct prefix *b)
{
	return same_addr(&a->addr, &b->addr) && a->len == b->len;
}

static void check_uplink_addresses(const struct check *check, size_t i)
{
	const struct site_uplink *uplinks = check->site->uplinks;
	const struct site_uplink *uplink = &uplinks[i];

	for (int family = 0; family < SITE_FAMILIES; family++) {
		const struct addr *address = &uplink->address[family].addr;
		const struct addr *public_addr = &uplink->public_addrs[family];

		if (same_addr(address, &uplink->gateway[family]))
			check_error(check,
				check_path("uplinks[%zu].%s", i,
					family == SITE_IPV4 ? "gateway" : "gateway6"),
				"%s is the uplink's own address", addr_str(address));
		for (size_t j = 0; j < i; j++) {
			if (same_prefix(&uplink->address[family], &uplinks[j].address[family]))
				check_error(check, check_path("uplinks[%zu].address", i),
					"%s is already the address of uplinks[%zu]",
					prefix_str_bare(&uplink->address[family]), j);
			if (same_addr(public_addr, &uplinks[j].public_addrs[family]))
				check_warn(check, check_path("uplinks[%zu].public", i),
					"%s is also the public address of uplinks[%zu]: "
					"if they share one line, they fail together",
					addr_str(public_addr), j);
		}
	}
}

/* RFC 6598: the Internet cannot reach an address behind a carrier's NAT. */
static void check_cgnat(const struct check *check, size_t i)
{
	const struct site_uplink *uplink = &check->site->uplinks[i];
	const struct prefix *address = &uplink->address[SITE_IPV4];
	const struct addr *public_addr = &uplink->public_addrs[SITE_IPV4];

	if (!uplink->inbound)
		return;
	if (addr_is_cgnat(public_addr))
		check_warn(check, check_path("uplinks[%zu].public", i),
			"%s is an address within the ISP's own NAT (100.64.0.0/10), which the "
			"Internet does not reach: set 'inbound: no'",
			addr_str(public_addr));
	else if (addr_is_cgnat(&address->addr) && address->len >= 10 &&
		 !addr_is_set(public_addr))
		check_warn(check, check_path("uplinks[%zu].address", i),
			"%s is behind the ISP's NAT (100.64.0.0/10), so nothing comes in: set "
			"'inbound: no', or 'public' if the ISP forwards an address to it",
			prefix_str_bare(address));
}

static void check_probes(const struct check *check, size_t i)
{
	const struct site_uplink *uplink = &check->site->uplinks[i];
	const struct site_probe *probes = uplink->probes;

	if (uplink->quorum > 1 && uplink->quorum > uplink->n_probes)
		check_error(check, check_path("uplinks[%zu].quorum", i),
			"%u targets cannot live where there are %zu probes: "
			"the uplink would never be up",
			uplink->quorum, uplink->n_probes);
	for (size_t p = 0; p < uplink->n_probes; p++)
		for (size_t q = 0; q < p; q++)
			if ((probes[p].gateway || addr_is_set(&probes[p].addr)) &&
				site_probe_eq(&probes[p], &probes[q]))
				check_error(check,
					check_path("uplinks[%zu].probes[%zu]", i, p),
					"is the same as probes[%zu]: it would count twice", q);
}

static void check_prefixes6(const struct check *check, size_t i)
{
	const struct site_uplink *uplinks = check->site->uplinks;
	const struct site_prefixes *own = &uplinks[i].prefixes6;

	for (size_t p = 0; p < own->n; p++) {
		const struct prefix *prefix = &own->items[p];

		for (size_t j = 0; j < i; j++) {
			for (size_t q = 0; q < uplinks[j].prefixes6.n; q++) {
				const struct prefix *other = &uplinks[j].prefixes6.items[q];

				if (!addr_is_set(&prefix->addr) || !addr_is_set(&other->addr))
					continue;
				if (!prefix_contains(prefix, &other->addr) &&
					!prefix_contains(other, &prefix->addr))
					continue;
				check_error(check, check_path("uplinks[%zu].prefixes6", i),
					"%s overlaps %s of uplinks[%zu]: "
					"one source, two ways out",
					prefix_str(prefix), prefix_str(other), j);
			}
		}
	}
}

/* Would this uplink go down if only that host died? */
static bool hangs_on(const struct site_uplink *uplink, const struct addr *target)
{
	size_t n_others = 0;

	for (size_t i = 0; i < uplink->n_probes; i++)
		n_others += !addr_eq(&uplink->probes[i].addr, target);
	return uplink->n_probes > 0 && n_others < uplink->quorum;
}

static void check_common_target(const struct check *check)
{
	const struct site *site = check->site;

	if (site->n_uplinks < 2)
		return;
	for (size_t p = 0; p < site->uplinks[0].n_probes; p++) {
		const struct addr *target = &site->uplinks[0].probes[p].addr;
		size_t n_hanging = 0;

		for (size_t i = 0; i < site->n_uplinks; i++)
			n_hanging += addr_is_set(target) &&
				     hangs_on(&site->uplinks[i], target);
		if (n_hanging < site->n_uplinks)
			continue;
		check_warn(check, check_path("uplinks[0].probes[%zu]", p),
			"all uplinks hang on %s: when that host fails, "
			"all of them count as down. Probe several hosts",
			addr_str(target));
		return;
	}
}

static void check_lan(const struct check *check)
{
	const struct site *site = check->site;

	for (size_t i = 0; i < site->n_lan; i++) {
		const char *name = site->lan[i];

		for (size_t j = 0; j < i && name[0]; j++)
			if (strcmp(site->lan[j], name) == 0)
				check_error(check, check_path("lan[%zu]", i),
					"'%s' is listed twice", name);
		for (size_t j = 0; j < site->n_uplinks && name[0]; j++)
			if (strcmp(site->uplinks[j].interface, name) == 0)
				check_error(check, check_path("lan[%zu]", i),
					"'%s' is the interface of uplinks[%zu]: "
					"it cannot be both inside and outside",
					name, j);
	}
}

/* routing */

static void check_mark(const struct check *check)
{
	uint32_t mark = check->site->routing.mark;
	uint64_t n_needed = 2 * (uint64_t)check->site->n_uplinks + 1;
	uint64_t n_values = 1ull << __builtin_popcount(mark);

	if (site_mark_has_room(mark, check->site->n_uplinks))
		return;
	if (mark == 0)
		check_error(check, "routing.mark", "has no bit set: connections need a mark");
	else if (!site_mark_has_room(mark, 0))
		check_error(check, "routing.mark",
			"0x%" PRIx32 " has gaps: its bits must follow one another", mark);
	else
		check_error(check, "routing.mark",
			"0x%" PRIx32 " has room for %" PRIu64
			" values, and %zu uplinks need %" PRIu64,
			mark, n_values, check->site->n_uplinks, n_needed);
}

/* One table per uplink, and one for the tracked default. */
static void check_tables(const struct check *check)
{
	enum { RESERVED_FIRST = 253, RESERVED_LAST = 255 }; /* default, main, local */
	uint64_t first = check->site->routing.tables;
	uint64_t last = first + check->site->n_uplinks;

	if (last > UINT32_MAX)
		check_error(check, "routing.tables",
			"%" PRIu64 " leaves no room for %zu tables below 2^32", first,
			check->site->n_uplinks + 1);
	else if (first <= RESERVED_LAST && last >= RESERVED_FIRST)
		check_error(check, "routing.tables",
			"%" PRIu64 " to %" PRIu64
			" would take tables of the kernel (253 default, 254 main, 255 local)",
			first, last);
}

/* The rules at `priority` come in five blocks of a hundred. Policies are the last block and
 * may take more: two rules each, so that one can be followed by its fallback. */
static void check_priorities(const struct check *check)
{
	enum { BEFORE_POLICIES = 400 };
	const struct site_routing *routing = &check->site->routing;
	uint64_t last = (uint64_t)routing->priority + BEFORE_POLICIES +
			2 * (uint64_t)routing->n_policies - 1;

	if (last >= routing->default_priority)
		check_error(check, "routing.priority",
			"our rules at %" PRIu32 " to %" PRIu64
			" must end before default-priority (%" PRIu32 ")",
			routing->priority, last, routing->default_priority);
}

static bool prefixes_have_family(const struct site_prefixes *prefixes, int family)
{
	for (size_t i = 0; i < prefixes->n; i++)
		if (prefixes->items[i].addr.family == family ||
			!prefixes->items[i].addr.family)
			return true;
	return prefixes->n == 0;
}

static void check_policies(const struct check *check)
{
	const struct site_routing *routing = &check->site->routing;
	size_t n_unreached_from = routing->n_policies;

	for (size_t i = 0; i < routing->n_policies; i++) {
		const struct site_policy *policy = &routing->policies[i];
		bool v4 = prefixes_have_family(&policy->from, AF_INET) &&
			  prefixes_have_family(&policy->to, AF_INET);
		bool v6 = prefixes_have_family(&policy->from, AF_INET6) &&
			  prefixes_have_family(&policy->to, AF_INET6);

		if (!v4 && !v6)
			check_error(check, check_path("routing.policies[%zu]", i),
				"never matches: 'from' and 'to' are of different families");
		if (i > n_unreached_from)
			check_warn(check, check_path("routing.policies[%zu]", i),
				"is never reached: policies[%zu] takes every connection",
				n_unreached_from);
		else if (policy->from.n == 0 && policy->to.n == 0 && policy->port.first == 0 &&
			 policy->n_via > 0)
			n_unreached_from = i;
	}
}

static void check_weights(const struct check *check)
{
	const struct site *site = check->site;

	if (site->routing.mode != SITE_MODE_BALANCE)
		return;
	for (size_t i = 0; i < site->n_uplinks; i++)
		if (site->uplinks[i].weight > 0)
			return;
	check_warn(check, "routing.mode",
		"there is nothing to balance: every uplink has weight 0");
}

static void check_failback(const struct check *check, int64_t failback_ms, const char *where)
{
	enum { CAP_MS = 600000 };

	if (failback_ms > CAP_MS)
		check_warn(check, where,
			"is longer than 10m, where the doubling ends: it will not grow");
}

static void check_routing(const struct check *check)
{
	const struct site *site = check->site;

	check_mark(check);
	check_tables(check);
	check_priorities(check);
	check_policies(check);
	check_weights(check);
	check_failback(check, site->routing.failback_ms, "routing.failback");
	for (size_t i = 0; i < site->n_uplinks; i++)
		check_failback(check, site->uplinks[i].failback_ms,
			check_path("uplinks[%zu].failback", i));
}

/* dns */

static void check_zones(const struct check *check)
{
	const struct site_dns *dns = &check->site->dns;

	for (size_t i = 0; i < dns->n_zones; i++)
		for (size_t j = 0; j < i && dns->zones[i].name; j++)
			if (dns->zones[j].name &&
				strcmp(dns->zones[i].name, dns->zones[j].name) == 0)
				check_error(check, check_path("dns.zones[%zu].name", i),
					"%s is already dns.zones[%zu]", dns->zones[i].name, j);
}

static void check_dns(const struct check *check)
{
	const struct site *site = check->site;
	bool any_inbound = false;

	if (site->dns.inside && site->n_lan == 0)
		check_error(check, "dns.inside",
			"there is no LAN address to listen on: "
			"name the interfaces under 'lan'");

	for (size_t i = 0; i < site->n_uplinks; i++)
		any_inbound |= site->uplinks[i].inbound;
	if (site->dns.n_zones > 0 && site->n_uplinks > 0 && !any_inbound && !site->dns.inside)
		check_warn(check, "dns.zones",
			"nobody can ask: every uplink has 'inbound: no', "
			"and 'inside' is not set");
	check_zones(check);
}

void site_check(struct doc *doc, const struct site *site)
{
	const struct check check = {.doc = doc, .site = site};

	for (size_t i = 0; i < site->n_uplinks; i++) {
		check_uplink_name(&check, i);
		check_uplink_interface(&check, i);
		check_uplink_addresses(&check, i);
		check_cgnat(&check, i);
		check_probes(&check, i);
		check_prefixes6(&check, i);
	}
	check_common_target(&check);
	check_lan(&check);
	check_servers(&check);
	check_routing(&check);
	check_dns(&check);
}
