/* parentplan.c - which addresses to change at the parent's primary, and the UPDATE for it
 *
 * Called by parentzone.c for one target after the other. The parent's zone belongs to others,
 * so dnsd behaves as a guest:
 *
 *     W  the addresses that the uplinks have      S  the addresses that the primary has
 *     M  addresses that were ours before          K  the part of S that stays: it is in W, or
 *                                                    its uplink has no address at the moment
 *
 *     S                              action
 *     has all of W, nothing stale    none, except perhaps for the TTL
 *     is empty                       W is added
 *     only ours (M, W)               the stale ones are replaced
 *     ours and foreign ones          only ours are replaced, with the TTL that is there
 *     one foreign address, and ours  it is replaced: a manual entry that was stale before dnsd
 *       were never seen there          managed the name
 *     only foreign ones              none: an administrator changed the name on purpose
 *
 * A prerequisite binds each change to the RRset that was seen. If another program changes it
 * meanwhile, the primary refuses our change, and dnsd looks again. Where a wildcard answers for
 * the name, an RRset is seen that does not exist: then W is added with the prerequisite "RRset
 * does not exist".
 */
#include "dnsd/parent/parentplan.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/family.h"
#include "dnsd/wire/response.h"

/* ---- targets ---- */

static void target_add(
	struct parent_target *target, const struct addr *addr, const char *uplink)
{
	for (size_t i = 0; i < target->n_wanted; i++)
		if (addr_eq(&target->wanted[i].addr, addr))
			return;
	if (target->n_wanted == SITE_MAX_UPLINKS)
		return;
	struct parent_addr *wanted = &target->wanted[target->n_wanted++];
	wanted->addr = *addr;
	strncpy(wanted->uplink, uplink, SITE_NAME_MAX);
}

static void target_add_uplink(struct parent_target *target, const struct site *site,
	const struct facts *facts, size_t i)
{
	const struct addr *addr = &facts->uplinks[i].public_addrs[target->family];

	if (!facts->uplinks[i].inbound)
		return;
	if (addr_is_set(addr))
		target_add(target, addr, site->uplinks[i].name);
	else if (target->n_absent < SITE_MAX_UPLINKS)
		strncpy(target->absent[target->n_absent++], site->uplinks[i].name,
			SITE_NAME_MAX);
}

static void target_add_pseudo(struct parent_target *target, const struct site *site,
	const struct facts *facts, const struct pseudo *pseudo)
{
	switch (pseudo->kind) {
	case PSEUDO_UPLINK:
		target_add_uplink(target, site, facts, pseudo->index);
		break;
	case PSEUDO_UPLINK_ALL:
	case PSEUDO_UPLINK_RECEIVING:
		for (size_t i = 0; i < site->n_uplinks; i++)
			target_add_uplink(target, site, facts, i);
		break;
	case PSEUDO_SERVER:
	case PSEUDO_SERVER_ALL:
		break;
	}
}

/* Literal addresses beside an UPLINK record count as wanted too. */
static void target_add_literals(struct parent_target *target, const struct zone_node *node)
{
	const struct zone_rrset *rrset = zone_node_find(node, dns_addr_type(target->family));

	for (size_t i = 0; rrset && i < rrset->n_rdatas; i++) {
		struct addr addr = addr_from_bytes(
			family_af(target->family), rrset->rdatas[i].bytes);

		target_add(target, &addr, "");
	}
}

static bool has_uplink_record(const struct zone_node *node)
{
	for (size_t i = 0; node && i < node->n_pseudos; i++)
		if (!pseudo_is_server(&node->pseudos[i]))
			return true;
	return false;
}

static void target_make(const struct zone *zone, const struct site *site,
	const struct facts *facts, const struct zone_node *node, struct parent_target *target)
{
	memcpy(target->name, node->name, node->len);
	target->is_glue = name_is_within(node->name, zone->apex);
	for (size_t i = 0; i < node->n_pseudos; i++)
		target_add_pseudo(target, site, facts, &node->pseudos[i]);
	target_add_literals(target, node);
}

int parentplan_targets(const struct zone *zone, const struct site *site,
	const struct facts *facts, struct parent_target **ret_targets, size_t *ret_n)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct zone_rrset *ns = apex ? zone_node_find(apex, LDNS_RR_TYPE_NS) : NULL;
	size_t n_ns = ns ? ns->n_rdatas : 0;
	struct parent_target *targets = calloc(SITE_FAMILIES * n_ns + 1, sizeof(*targets));
	size_t n = 0;

	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; i < n_ns; i++) {
		const struct zone_node *node = zone_find(zone, ns->rdatas[i].bytes);

		for (enum site_family family = 0;
			has_uplink_record(node) && family < SITE_FAMILIES; family++) {
			targets[n].family = family;
			target_make(zone, site, facts, node, &targets[n++]);
		}
	}
	*ret_targets = targets;
	*ret_n = n;
	return 0;
}

bool parentplan_target_eq(const struct parent_target *a, const struct parent_target *b)
{
	if (a->family != b->family || a->is_glue != b->is_glue || a->n_wanted != b->n_wanted ||
		a->n_absent != b->n_absent || !name_eq(a->name, b->name))
		return false;
	for (size_t i = 0; i < a->n_wanted; i++)
		if (!addr_eq(&a->wanted[i].addr, &b->wanted[i].addr) ||
			strcmp(a->wanted[i].uplink, b->wanted[i].uplink) != 0)
			return false;
	for (size_t i = 0; i < a->n_absent; i++)
		if (strcmp(a->absent[i], b->absent[i]) != 0)
			return false;
	return true;
}

/* ---- the decision ---- */

static bool target_wants(const struct parent_target *target, const struct addr *addr)
{
	for (size_t i = 0; i < target->n_wanted; i++)
		if (addr_eq(&target->wanted[i].addr, addr))
			return true;
	return false;
}

static const struct parent_addr *owned_find(
	const struct parent_owned *owned, const struct addr *addr)
{
	for (size_t i = 0; i < owned->n; i++)
		if (addr_eq(&owned->items[i].addr, addr))
			return &owned->items[i];
	return NULL;
}

static bool target_lacks(const struct parent_target *target, const char *uplink)
{
	for (size_t i = 0; i < target->n_absent; i++)
		if (strcmp(target->absent[i], uplink) == 0)
			return true;
	return false;
}

static bool seen_has(const struct parent_seen *seen, const struct addr *addr)
{
	for (size_t i = 0; i < seen->n; i++)
		if (addr_eq(&seen->addrs[i], addr))
			return true;
	return false;
}

/* The addresses that were seen, by the classes of the table above. */
struct sorted {
	struct addr kept[PARENT_MAX_SEEN];
	size_t n_kept;
	struct addr stale[PARENT_MAX_SEEN];
	size_t n_stale;
	struct addr foreign[PARENT_MAX_SEEN];
	size_t n_foreign;
	size_t n_missing; /* wanted and not seen */
};

static struct sorted sort_seen(const struct parent_target *target,
	const struct parent_seen *seen, const struct parent_owned *owned)
{
	struct sorted sorted = {0};

	for (size_t i = 0; i < seen->n; i++) {
		const struct addr *addr = &seen->addrs[i];
		const struct parent_addr *before = owned_find(owned, addr);

		if (target_wants(target, addr) ||
			(before && target_lacks(target, before->uplink)))
			sorted.kept[sorted.n_kept++] = *addr;
		else if (before)
			sorted.stale[sorted.n_stale++] = *addr;
		else
			sorted.foreign[sorted.n_foreign++] = *addr;
	}
	for (size_t i = 0; i < target->n_wanted; i++)
		sorted.n_missing += !seen_has(seen, &target->wanted[i].addr);
	return sorted;
}

static void change_remove(struct parent_change *change, const struct addr *addrs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		change->remove[change->n_remove++] = addrs[i];
}

static void change_add_wanted(struct parent_change *change, const struct parent_target *target,
	const struct parent_seen *seen, bool all)
{
	for (size_t i = 0; i < target->n_wanted; i++)
		if (all || !seen_has(seen, &target->wanted[i].addr))
			change->add[change->n_add++] = target->wanted[i].addr;
}

/* Addresses that stay are written again, so that the RRset has one TTL (RFC 2181 section 5.2). */
static void change_rewrite_kept(struct parent_change *change,
	const struct parent_target *target, const struct sorted *sorted)
{
	change_remove(change, sorted->kept, sorted->n_kept);
	for (size_t i = 0; i < sorted->n_kept; i++)
		if (!target_wants(target, &sorted->kept[i]) &&
			change->n_add < SITE_MAX_UPLINKS)
			change->add[change->n_add++] = sorted->kept[i];
}

static void change_ours(struct parent_change *change, const struct parent_target *target,
	const struct parent_seen *seen, const struct sorted *sorted)
{
	bool is_shared = sorted->n_foreign > 0;

	change->action = PARENT_CHANGE;
	change_remove(change, sorted->stale, sorted->n_stale);
	change_add_wanted(change, target, seen, !is_shared);
	if (is_shared)
		change->ttl_s = seen->ttl_s; /* the RRset is not ours alone */
	else
		change_rewrite_kept(change, target, sorted);
}

struct parent_change parentplan_decide(const struct parent_target *target,
	const struct parent_seen *seen, const struct parent_owned *owned, uint32_t ttl_s,
	bool may_fix_ttl)
{
	struct sorted sorted = sort_seen(target, seen, owned);
	struct parent_change change = {.action = PARENT_FOREIGN, .ttl_s = ttl_s};

	if (sorted.n_foreign > 0)
		change.foreign = sorted.foreign[0];
	if (target->n_wanted == 0) {
		change.action = PARENT_KEEP;
	} else if (seen->has_more) {
		change.action = PARENT_FOREIGN;
	} else if (sorted.n_missing == 0 && sorted.n_stale == 0) {
		change.action = PARENT_CURRENT;
		if (may_fix_ttl && sorted.n_foreign == 0 && seen->ttl_s != ttl_s) {
			change.is_ttl_only = true;
			change_ours(&change, target, seen, &sorted);
		}
	} else if (sorted.n_foreign == 0 || sorted.n_stale > 0 || sorted.n_kept > 0) {
		change_ours(&change, target, seen, &sorted);
	} else if (seen->n == 1 && !owned->was_right) {
		change.takes_over = true;
		change.action = PARENT_CHANGE;
		change_remove(&change, sorted.foreign, 1);
		change_add_wanted(&change, target, seen, true);
	}
	return change;
}

/* ---- the message ---- */

static void put_target_addr(struct message_writer *writer, enum message_section section,
	const struct parent_target *target, const struct addr *addr, uint16_t class,
	uint32_t ttl_s)
{
	const struct message_rr rr = {
		.name = target->name,
		.type = dns_addr_type(target->family),
		.class = class,
		.ttl_s = ttl_s,
		.rdata = addr ? addr->bytes : NULL,
		.rdata_len = addr ? (uint16_t)addr_len(addr) : 0,
	};

	message_put(writer, section, &rr);
}

void parentplan_write(const struct parent_target *target, const uint8_t *apex,
	const struct parent_seen *seen, const struct parent_change *change,
	struct message_writer *writer)
{
	message_put_question(writer, apex, DNS_TYPE_SOA, DNS_CLASS_IN);

	/* RFC 2136 sections 2.4.2 and 2.4.3: the RRset is exactly this, or does not exist */
	for (size_t i = 0; i < seen->n; i++)
		put_target_addr(writer, MESSAGE_PREREQUISITE, target, &seen->addrs[i],
			DNS_CLASS_IN, 0);
	if (seen->n == 0)
		put_target_addr(writer, MESSAGE_PREREQUISITE, target, NULL, DNS_CLASS_NONE, 0);

	/* sections 2.5.4 and 2.5.1 */
	for (size_t i = 0; i < change->n_remove; i++)
		put_target_addr(
			writer, MESSAGE_UPDATE, target, &change->remove[i], DNS_CLASS_NONE, 0);
	for (size_t i = 0; i < change->n_add; i++)
		put_target_addr(writer, MESSAGE_UPDATE, target, &change->add[i], DNS_CLASS_IN,
			change->ttl_s);
}
