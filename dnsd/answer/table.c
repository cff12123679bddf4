/* table.c - lays out one view: names, their place in the zones, and their records
 *
 * This is the first half of building a view; compile.c does the second and adds the finished
 * answers. A zone is sorted in canonical order (RFC 4034 section 6.1), in which a name directly
 * follows its ancestors. So one pass is enough, with the path from the apex to the last name:
 * it adds the empty non-terminals, and finds the wildcards (RFC 4592) and the zone cut or DNAME
 * that hides each name. The topmost one counts: RFC 1034 section 4.3.2 walks down from the apex.
 *
 * Where one zone is nested in another, names belong to the inner one. The outer zone's node at
 * the inner apex stays outside the hash, for its DS records (RFC 4035 section 3.1.4.1).
 */
#include "dnsd/answer/table.h"

#include <stdlib.h>

#include "common/bigendian.h"
#include "common/xalloc.h"
#include "dnsd/answer/builder.h"
#include "dnsd/answer/compile.h"
#include "dnsd/wire/dns.h"

struct outside {
	const struct zone_node *node;
	uint32_t zone;
};

/* The path from the apex down to the last name added, by label count below the apex. */
struct path {
	uint32_t nodes[NAME_MAX_LABELS + 1];
	size_t depth;  /* entries in use */
	bool shadowed; /* the last entry is the apex of an inner zone: skip the names below */
};

/* Adds the name with zeroes behind it, as table_hash() needs it. */
static uint32_t table_add_name(struct builder *b, const uint8_t *name, size_t len)
{
	static const uint8_t zeroes[8];
	uint32_t at = grow_add(&b->bytes, name, len);

	grow_add(&b->bytes, zeroes, sizeof(zeroes));
	return at;
}

static uint32_t table_add_node(struct builder *b, uint32_t zone, const uint8_t *name)
{
	uint8_t padded[NAME_MAX_LEN + 9] = {0};
	size_t len = name_len(name);
	struct table_node node = {
		.zone = zone,
		.name_len = (uint8_t)len,
		.n_labels = (uint8_t)name_n_labels(name),
		.first_rrset = grow_n(&b->rrsets),
		.negative_ttl_s = UINT32_MAX,
	};

	memcpy(padded, name, len);
	node.hash = table_hash(padded, len);
	node.name_at = table_add_name(b, name, len);
	if (node.n_labels > b->max_labels)
		b->max_labels = node.n_labels;
	return grow_add(&b->nodes, &node, 1);
}

static bool slot_is(struct builder *b, const struct table_slot *slot, uint32_t node_index)
{
	const struct table_node *node = builder_node(b, node_index);
	const struct table_node *other = builder_node(b, slot->node_plus1 - 1);

	return slot->hash == node->hash && other->name_len == node->name_len &&
	       memcmp(builder_name(b, slot->node_plus1 - 1), builder_name(b, node_index),
		       node->name_len) == 0;
}

/* The slot of the node's name: empty, or taken by a node of the same name. */
static struct table_slot *find_slot(struct builder *b, uint32_t node_index)
{
	uint32_t mask = b->n_slots - 1;
	uint32_t i = builder_node(b, node_index)->hash & mask;

	while (b->slots[i].node_plus1 && !slot_is(b, &b->slots[i], node_index))
		i = (i + 1) & mask;
	return &b->slots[i];
}

static void rehash(struct builder *b)
{
	struct table_slot *old = b->slots;
	uint32_t n_old = b->n_slots;

	b->n_slots = n_old ? 2 * n_old : 64;
	b->slots = xcalloc(b->n_slots, sizeof(*b->slots));
	for (uint32_t i = 0; i < n_old; i++)
		if (old[i].node_plus1)
			*find_slot(b, old[i].node_plus1 - 1) = old[i];
	free(old);
}

/* False if the name is taken. Slots stay at most half full: a miss ends soon. */
static bool hash_node(struct builder *b, uint32_t node_index)
{
	if (2 * (grow_n(&b->nodes) + 1) > b->n_slots)
		rehash(b);

	struct table_slot *slot = find_slot(b, node_index);
	if (slot->node_plus1)
		return false;
	*slot = (struct table_slot){
		.hash = builder_node(b, node_index)->hash, .node_plus1 = node_index + 1};
	return true;
}

/* Records what hides the last node of the path, or that this node hides others. */
static void place_node(struct builder *b, struct path *path)
{
	uint32_t index = path->nodes[path->depth - 1];
	uint32_t parent_index = path->nodes[path->depth - 2];
	struct table_node *node = builder_node(b, index);
	struct table_node *parent = builder_node(b, parent_index);

	node->cut_plus1 = parent->cut_plus1;
	node->dname_plus1 = parent->dname_plus1;
	if (!node->cut_plus1 && !node->dname_plus1 &&
		builder_has(b, parent_index, DNS_TYPE_DNAME, NULL))
		node->dname_plus1 = parent_index + 1;
	if (!node->cut_plus1 && !node->dname_plus1 && builder_has(b, index, DNS_TYPE_NS, NULL))
		node->cut_plus1 = index + 1;

	const uint8_t *name = builder_name(b, index);
	if (name[0] == 1 && name[1] == '*')
		parent->wildcard_plus1 = index + 1;
}

/* The zone whose apex this name is, other than `self`; -1 if none. */
static int zone_of_apex(struct builder *b, const uint8_t *name, size_t len, size_t self)
{
	for (size_t i = 0; i < b->n_zones; i++)
		if (i != self && b->zones[i]->apex_len == len &&
			memcmp(b->zones[i]->apex, name, len) == 0)
			return (int)i;
	return -1;
}

/* How many entries of the path are ancestors of the name. */
static size_t common_depth(struct builder *b, const struct path *path, const uint8_t *name)
{
	size_t depth = path->depth;

	while (depth > 0 && !name_is_within(name, builder_name(b, path->nodes[depth - 1])))
		depth--;
	return depth;
}

static void path_push(struct builder *b, struct path *path, uint32_t zone, const uint8_t *name,
	const struct zone_node *node)
{
	uint32_t index = table_add_node(b, zone, name);

	path->nodes[path->depth++] = index;
	if (node)
		builder_add_rrsets(b, index, node);
	if (path->depth > 1)
		place_node(b, path);
	else
		builder_node(b, index)->flags |= NODE_APEX;

	/* at the apex of another zone of ours: the name belongs to that zone */
	path->shadowed = zone_of_apex(b, name, name_len(name), zone) >= 0;
	if (!path->shadowed)
		hash_node(b, index);
}

static void table_add_zone_node(
	struct builder *b, struct path *path, uint32_t zone, const struct zone_node *node)
{
	size_t depth = common_depth(b, path, node->name);

	if (path->shadowed && depth == path->depth)
		return; /* below the apex of an inner zone */
	path->depth = depth;

	unsigned int apex_labels = name_n_labels(b->zones[zone]->apex);
	unsigned int n_labels = name_n_labels(node->name);
	while (path->depth + apex_labels <= n_labels) {
		const uint8_t *name = node->name;

		for (size_t skip = n_labels - apex_labels - path->depth; skip > 0; skip--)
			name += 1 + *name;
		path_push(b, path, zone, name, name == node->name ? node : NULL);
		if (path->shadowed)
			return;
	}
}

static void table_add_zone(struct builder *b, uint32_t index)
{
	const struct zone *zone = b->zones[index];
	struct path path = {.depth = 0};
	struct table_zone table_zone = {.apex = grow_n(&b->nodes)};

	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->nodes[i];

		if (!node->outside) {
			table_add_zone_node(b, &path, index, node);
			continue;
		}
		grow_add(&b->outside, &(struct outside){.node = node, .zone = index}, 1);
	}

	/* every loaded zone has both: zonecheck.c */
	builder_has(b, table_zone.apex, DNS_TYPE_SOA, &table_zone.soa);
	builder_has(b, table_zone.apex, DNS_TYPE_NS, &table_zone.ns);

	const struct table_rrset *soa = grow_at(&b->rrsets, table_zone.soa);
	const uint8_t *rdata = grow_at(&b->bytes, soa->data_at);
	uint16_t len;
	memcpy(&len, rdata, sizeof(len));
	uint32_t minimum = be32_read(rdata + sizeof(len) + len - 4);
	table_zone.negative_ttl_s = minimum < soa->ttl_s ? minimum : soa->ttl_s;
	grow_add(&b->table_zones, &table_zone, 1);
}

/* Adds additional data, unless a zone of ours or an earlier zone has the name. */
static void table_add_outside(struct builder *b)
{
	for (uint32_t i = 0; i < grow_n(&b->outside); i++) {
		const struct outside *outside = grow_at(&b->outside, i);
		uint32_t index = table_add_node(b, outside->zone, outside->node->name);

		builder_node(b, index)->flags |= NODE_OUTSIDE;
		if (hash_node(b, index))
			builder_add_rrsets(b, index, outside->node);
	}
}

static void link_parent_sides(struct builder *b)
{
	for (uint32_t i = 0; i < grow_n(&b->nodes); i++) {
		const struct table_node *node = builder_node(b, i);
		int inner = node->flags & (NODE_APEX | NODE_OUTSIDE)
				    ? -1
				    : zone_of_apex(b, builder_name(b, i), node->name_len,
					      node->zone);

		if (inner < 0)
			continue;
		const struct table_zone *zone = grow_at(&b->table_zones, (uint32_t)inner);
		builder_node(b, zone->apex)->parent_side_plus1 = i + 1;
	}
}

static struct table *table_pack(struct builder *b)
{
	struct grow block = GROW_INIT(uint8_t);
	struct grow slots = {
		.items = b->slots, .n = b->n_slots, .item_size = sizeof(struct table_slot)};
	struct table header = {.max_labels = b->max_labels};

	grow_add(&block, &header, sizeof(header));
	grow_append(&block, &header.slots_at, &header.n_slots, &slots);
	grow_append(&block, &header.nodes_at, &header.n_nodes, &b->nodes);
	grow_append(&block, &header.rrsets_at, &header.n_rrsets, &b->rrsets);
	grow_append(&block, &header.zones_at, &header.n_zones, &b->table_zones);
	grow_append(&block, &header.bytes_at, &header.n_bytes, &b->bytes);
	header.size = grow_n(&block);
	memcpy(block.items, &header, sizeof(header));
	return block.items;
}

struct table *table_new(
	const struct zone *const *zones, size_t n_zones, const struct facts *facts, int view)
{
	struct builder b = {
		.zones = zones,
		.n_zones = n_zones,
		.facts = facts,
		.view = view,
		.nodes = GROW_INIT(struct table_node),
		.rrsets = GROW_INIT(struct table_rrset),
		.table_zones = GROW_INIT(struct table_zone),
		.bytes = GROW_INIT(uint8_t),
		.outside = GROW_INIT(struct outside),
	};

	rehash(&b);
	for (uint32_t i = 0; i < n_zones; i++)
		table_add_zone(&b, i);
	link_parent_sides(&b);
	table_add_outside(&b);
	builder_link_targets(&b);

	struct table *table = compile(table_pack(&b));
	free(b.nodes.items);
	free(b.rrsets.items);
	free(b.table_zones.items);
	free(b.bytes.items);
	free(b.outside.items);
	free(b.slots);
	return table;
}

void table_free(struct table *table)
{
	free(table);
}

size_t table_size(const struct table *table)
{
	return table->size;
}

size_t table_n_answers(const struct table *table)
{
	return table->n_answers;
}

static void keep_larger(struct table_largest *largest, const struct table *table,
	const struct table_node *node, const struct table_answer *answer)
{
	size_t len = DNS_HEADER_LEN + answer->for_name_len + DNS_QUESTION_FIXED + answer->len;

	if (len > largest->len)
		*largest = (struct table_largest){
			.len = len, .name = node_name(table, node), .type = answer->type};
}

struct table_largest table_largest_answer(const struct table *table, const uint8_t *apex)
{
	struct table_largest largest = {0};

	for (uint32_t i = 0; i < table->n_nodes; i++) {
		const struct table_node *node = table_node(table, i);
		const struct table_zone *zone = table_zone(table, node->zone);

		if (node->flags & NODE_OUTSIDE ||
			!name_eq(node_name(table, table_node(table, zone->apex)), apex))
			continue;
		for (uint32_t k = 0; k < node->n_answers; k++)
			keep_larger(&largest, table, node,
				table_answer(table, node->first_answer + k));
		if (node->other_plus1)
			keep_larger(&largest, table, node,
				table_answer(table, node->other_plus1 - 1));
	}
	return largest;
}
