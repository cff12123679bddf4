/* builder.h - a table that is being built: table.c and builder.c share it
 *
 * table.c finds the names and what hides them. builder.c gives a name its records in this view,
 * and finds the names whose addresses accompany them.
 */
#pragma once
#include "dnsd/answer/grow.h"
#include "dnsd/answer/layout.h"
#include "dnsd/answer/table.h"

struct builder {
	const struct zone *const *zones;
	size_t n_zones;
	const struct facts *facts;
	int view;
	struct grow nodes;
	struct grow rrsets;
	struct grow table_zones;
	struct grow bytes;
	struct grow outside; /* struct outside: names to add when all zones are in */
	struct table_slot *slots;
	uint32_t n_slots;
	uint32_t max_labels;
};

/* Valid until the next addition. */
static inline struct table_node *builder_node(const struct builder *b, uint32_t index)
{
	return grow_at(&b->nodes, index);
}

static inline const uint8_t *builder_name(const struct builder *b, uint32_t index)
{
	return grow_at(&b->bytes, builder_node(b, index)->name_at);
}

/* Adds all records of a node in this view, sorted by type; pseudo records become addresses. */
void builder_add_rrsets(struct builder *b, uint32_t index, const struct zone_node *node);

/* Does the node have such an RRset? Its index goes to `ret_rrset`, which may be NULL. */
bool builder_has(const struct builder *b, uint32_t index, uint16_t type, uint32_t *ret_rrset);

/* Finds the names whose addresses go into the additional section with each RRset. */
void builder_link_targets(struct builder *b);
