/* flows.c - when the connections bound to an uplink are to be deleted
 *
 * Called by agent/flowsweep.c, which does the deleting (conntrack.h).
 */
#include "routed/wanted/flows.h"

#include <string.h>
#include <sys/socket.h>

#include "common/net/family.h"
#include "routed/wanted/situation.h"

enum { MS = 1000 };

static enum flows_which cost_of(const struct uplink *uplink)
{
	switch (uplink->fault) {
	case UPLINK_NO_FAULT:
		return FLOWS_NONE;
	case UPLINK_NO_ANSWERS:
		return uplink->health == UPLINK_DOWN ? FLOWS_OUTBOUND : FLOWS_NONE;
	default:
		return FLOWS_ALL;
	}
}

/* Both together: more rather than less. */
static struct flows_part part_join(const struct flows_part *a, const struct flows_part *b)
{
	struct flows_part joined = {.which = a->which > b->which ? a->which : b->which};

	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		joined.family[family] = (a->which != FLOWS_NONE && a->family[family]) ||
					(b->which != FLOWS_NONE && b->family[family]);
	return joined;
}

static void owe(struct flows *flows, const struct flows_part *part, int64_t due_us)
{
	if (part->which >= flows->owed.which)
		flows->due_us = due_us;
	flows->owed = part_join(&flows->owed, part);
}

/* ---- addresses ---- */

struct addrs {
	struct addr items[FLOWS_MAX_ADDRS];
	size_t n;
};

static bool has(const struct addr *addrs, size_t n, const struct addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (addr_eq(&addrs[i], addr))
			return true;
	return false;
}

static bool has_family(const struct addr *addrs, size_t n, int family)
{
	for (size_t i = 0; i < n; i++)
		if (addrs[i].family == family)
			return true;
	return false;
}

static void flows_add_part(struct addrs *addrs, const struct addr *addr)
{
	if (addr_is_set(addr) && addrs->n < FLOWS_MAX_ADDRS &&
		!has(addrs->items, addrs->n, addr))
		addrs->items[addrs->n++] = *addr;
}

/* The chosen one may be of a scope that the others are not taken from. */
static struct addrs present_addrs(const struct situation_uplink *situation)
{
	struct addrs present = {.n = 0};

	for (size_t i = 0; i < situation->n_addrs; i++)
		flows_add_part(&present, &situation->addrs[i].addr);
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		flows_add_part(&present, &situation->chosen[family]);
	return present;
}

/* Has the family a new address only, and none of those from before? */
static bool all_are_gone(const struct flows *flows, const struct addrs *present, int family)
{
	for (size_t i = 0; i < present->n; i++)
		if (present->items[i].family == family &&
			has(flows->known, flows->n_known, &present->items[i]))
			return false;
	return true;
}

static void owe_family(struct flows *flows, int family, int64_t now_us)
{
	struct flows_part part = {.which = FLOWS_ALL};

	part.family[family_of(family)] = true;
	owe(flows, &part, now_us);
	flows->anyway = true;
}

static void owe_address(struct flows *flows, const struct addr *addr, int64_t now_us)
{
	if (flows->n_gone == FLOWS_MAX_ADDRS)
		owe_family(flows, addr->family, now_us);
	else
		flows->gone[flows->n_gone++] = (struct flows_gone){
			.addr = *addr,
			.due_us = now_us,
		};
}

/* An address that came back needs no deletion. */
static void forgive_returned(struct flows *flows, const struct addrs *present)
{
	size_t n = 0;

	for (size_t i = 0; i < flows->n_gone; i++)
		if (!has(present->items, present->n, &flows->gone[i].addr))
			flows->gone[n++] = flows->gone[i];
	flows->n_gone = n;
}

/* Of a family that has no address at all now, nothing is known to be gone: that is a fault, or
 * the other family goes on; and the same address may come back. */
static void observe_addresses(
	struct flows *flows, const struct situation_uplink *situation, int64_t now_us)
{
	struct addrs present = present_addrs(situation);
	struct addrs known = present;

	forgive_returned(flows, &present);
	for (size_t i = 0; i < flows->n_known; i++) {
		const struct addr *addr = &flows->known[i];

		if (!has_family(present.items, present.n, addr->family))
			flows_add_part(&known, addr);
		else if (has(present.items, present.n, addr))
			continue;
		else if (all_are_gone(flows, &present, addr->family))
			owe_family(flows, addr->family, now_us);
		else
			owe_address(flows, addr, now_us);
	}
	memcpy(flows->known, known.items, sizeof(flows->known));
	flows->n_known = known.n;
}

size_t flows_take_gone(
	struct flows *flows, int64_t now_us, struct addr ret_addrs[FLOWS_MAX_ADDRS])
{
	size_t n_taken = 0;
	size_t n = 0;

	for (size_t i = 0; i < flows->n_gone; i++) {
		struct flows_gone gone = flows->gone[i];
		bool due = now_us >= gone.due_us;

		if (due)
			ret_addrs[n_taken++] = gone.addr;
		if (due && gone.repeated)
			continue;
		if (due) {
			gone.repeated = true;
			gone.due_us = now_us + FLOWS_REPEAT_MS * MS;
		}
		flows->gone[n++] = gone;
	}
	flows->n_gone = n;
	return n_taken;
}

/* ---- faults ---- */

void flows_observe(struct flows *flows, const struct uplink *uplink,
	const struct situation_uplink *situation, int64_t flush_after_ms, int64_t now_us)
{
	enum flows_which lost = cost_of(uplink);
	struct flows_part part = {.which = lost, .family = {true, true}};

	if (lost == FLOWS_NONE && !flows->anyway) {
		flows->owed = (struct flows_part){0};
		flows->repeat = (struct flows_part){0};
	}
	if (lost > flows->lost)
		owe(flows, &part,
			lost == FLOWS_OUTBOUND ? now_us + flush_after_ms * MS : now_us);
	flows->lost = lost;
	observe_addresses(flows, situation, now_us);
}

/* Takes out of what is owed the families that have a way to go on by. */
static struct flows_part take_owed(
	struct flows *flows, const bool other_is_up[SITE_FAMILIES], int64_t now_us)
{
	struct flows_part *owed = &flows->owed;
	struct flows_part part = {0};
	bool rest = false;

	if (owed->which == FLOWS_NONE || now_us < flows->due_us)
		return part;
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		part.family[family] = owed->family[family] &&
				      (other_is_up[family] || flows->anyway);
		owed->family[family] = owed->family[family] && !part.family[family];
		rest = rest || owed->family[family];
	}
	if (part.family[SITE_IPV4] || part.family[SITE_IPV6])
		part.which = owed->which;
	if (!rest)
		owed->which = FLOWS_NONE;
	return part;
}

struct flows_part flows_take(
	struct flows *flows, const bool other_is_up[SITE_FAMILIES], int64_t now_us)
{
	struct flows_part part = {0};

	if (flows->repeat.which != FLOWS_NONE && now_us >= flows->repeat_us) {
		part = flows->repeat;
		flows->repeat = (struct flows_part){0};
		flows->anyway = false;
	}

	struct flows_part owed = take_owed(flows, other_is_up, now_us);
	if (owed.which == FLOWS_NONE)
		return part;
	flows->repeat = part_join(&flows->repeat, &owed);
	flows->repeat_us = now_us + FLOWS_REPEAT_MS * MS;
	return part_join(&part, &owed);
}

int64_t flows_next_us(const struct flows *flows, int64_t now_us)
{
	int64_t next_us = INT64_MAX;

	if (flows->repeat.which != FLOWS_NONE && flows->repeat_us > now_us)
		next_us = flows->repeat_us;
	if (flows->owed.which != FLOWS_NONE && flows->due_us > now_us &&
		flows->due_us < next_us)
		next_us = flows->due_us;
	for (size_t i = 0; i < flows->n_gone; i++)
		if (flows->gone[i].due_us > now_us && flows->gone[i].due_us < next_us)
			next_us = flows->gone[i].due_us;
	return next_us;
}
