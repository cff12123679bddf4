/* flows.c - when the connections bound to an uplink are to be deleted
 *
 * Called by reconcile.c, which does the deleting (conntrack.h).
 */
#include "routed/flows.h"

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

static struct flows_part part_of(enum flows_which which)
{
	return (struct flows_part){.which = which, .family = {true, true}};
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

/* An address that is merely gone is a fault, or the other family goes on. */
static bool has_changed(const struct addr *before, const struct addr *now)
{
	return addr_is_set(before) && addr_is_set(now) && !addr_eq(before, now);
}

static void observe_addresses(
	struct flows *flows, const struct addr chosen[SITE_FAMILIES], int64_t now_us)
{
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		if (has_changed(&flows->chosen[family], &chosen[family])) {
			struct flows_part part = {.which = FLOWS_ALL};

			part.family[family] = true;
			owe(flows, &part, now_us);
			flows->anyway = true;
		}
		if (addr_is_set(&chosen[family]))
			flows->chosen[family] = chosen[family];
	}
}

void flows_observe(struct flows *flows, const struct uplink *uplink,
	const struct addr chosen[SITE_FAMILIES], int64_t flush_after_ms, int64_t now_us)
{
	enum flows_which lost = cost_of(uplink);
	struct flows_part part = part_of(lost);

	if (lost == FLOWS_NONE && !flows->anyway) {
		flows->owed = (struct flows_part){0};
		flows->repeat = (struct flows_part){0};
	}
	if (lost > flows->lost)
		owe(flows, &part,
			lost == FLOWS_OUTBOUND ? now_us + flush_after_ms * MS : now_us);
	flows->lost = lost;
	observe_addresses(flows, chosen, now_us);
}

struct flows_part flows_take(struct flows *flows, bool other_is_up, int64_t now_us)
{
	struct flows_part part = {0};

	if (flows->repeat.which != FLOWS_NONE && now_us >= flows->repeat_us) {
		part = flows->repeat;
		flows->repeat = (struct flows_part){0};
		flows->anyway = false;
	}
	if (flows->owed.which == FLOWS_NONE || now_us < flows->due_us ||
		(!other_is_up && !flows->anyway))
		return part;

	part = part_join(&part, &flows->owed);
	flows->repeat = flows->owed;
	flows->repeat_us = now_us + FLOWS_REPEAT_MS * MS;
	flows->owed = (struct flows_part){0};
	return part;
}

int64_t flows_next_us(const struct flows *flows, int64_t now_us)
{
	int64_t next_us = INT64_MAX;

	if (flows->repeat.which != FLOWS_NONE && flows->repeat_us > now_us)
		next_us = flows->repeat_us;
	if (flows->owed.which != FLOWS_NONE && flows->due_us > now_us &&
		flows->due_us < next_us)
		next_us = flows->due_us;
	return next_us;
}
