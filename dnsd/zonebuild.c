/* zonebuild.c - collects records in any order into a zone
 *
 * Called by zonefile.c. Nodes are found by a hash of their name while reading and sorted once
 * at the end, so the time grows with the size of the zone and with nothing else. The hash
 * table lives no longer than the builder.
 */
#include "dnsd/zonebuild.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

struct zone_builder {
	struct zone *zone;
	uint32_t *slots; /* node index + 1; 0 is free */
	size_t n_slots;	 /* a power of two */
	size_t last;	 /* the node of the record before; most records follow their like */
};

struct zone_builder *zone_builder_new(const uint8_t *apex, size_t apex_len)
{
	struct zone_builder *builder = calloc(1, sizeof(*builder));

	if (!builder)
		return NULL;
	builder->zone = calloc(1, sizeof(*builder->zone));
	if (!builder->zone) {
		free(builder);
		return NULL;
	}
	memcpy(builder->zone->apex, apex, apex_len);
	builder->zone->apex_len = (uint8_t)apex_len;
	return builder;
}

void zone_builder_free(struct zone_builder *builder)
{
	if (!builder)
		return;
	zone_free(builder->zone);
	free(builder->slots);
	free(builder);
}

/* Room for one more of `n` items, in an array that doubles at each power of two. */
static int grow(void *array_of_items, size_t n, size_t item_size)
{
	void **array = array_of_items;

	if ((n & (n - 1)) != 0)
		return 0;
	void *bigger = reallocarray(*array, n ? 2 * n : 1, item_size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	return 0;
}

const char *zone_builder_file(struct zone_builder *builder, const char *name)
{
	struct zone *zone = builder->zone;

	for (size_t i = 0; i < zone->n_files; i++)
		if (strcmp(zone->files[i], name) == 0)
			return zone->files[i];
	char *copy = strdup(name);
	if (!copy)
		return NULL;
	if (grow(&zone->files, zone->n_files, sizeof(*zone->files)) < 0) {
		free(copy);
		return NULL;
	}
	zone->files[zone->n_files++] = copy;
	return copy;
}

size_t zone_builder_n_files(const struct zone_builder *builder)
{
	return builder->zone->n_files;
}

/* FNV-1a; the names come from the operator, not from the net. */
static size_t name_hash(const uint8_t *name, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ name[i]) * 0x100000001b3u;
	return (size_t)(hash ^ (hash >> 29));
}

static bool node_has_name(const struct zone_node *node, const uint8_t *name, size_t len)
{
	return node->len == len && memcmp(node->name, name, len) == 0;
}

/* The slot of the node, or the free one where it would be. */
static uint32_t *slot_find(struct zone_builder *builder, const uint8_t *name, size_t len)
{
	size_t mask = builder->n_slots - 1;
	size_t i = name_hash(name, len) & mask;

	while (builder->slots[i] &&
		!node_has_name(&builder->zone->nodes[builder->slots[i] - 1], name, len))
		i = (i + 1) & mask;
	return &builder->slots[i];
}

static int slots_grow(struct zone_builder *builder)
{
	struct zone *zone = builder->zone;
	size_t n = builder->n_slots ? 2 * builder->n_slots : 64;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(builder->slots);
	builder->slots = slots;
	builder->n_slots = n;
	for (size_t i = 0; i < zone->n_nodes; i++)
		*slot_find(builder, zone->nodes[i].name, zone->nodes[i].len) = (uint32_t)i + 1;
	return 0;
}

/* The node of that name, made if it is new; NULL without memory. */
static struct zone_node *node_get(
	struct zone_builder *builder, const uint8_t *name, size_t len)
{
	struct zone *zone = builder->zone;

	if (zone->n_nodes > 0 && node_has_name(&zone->nodes[builder->last], name, len))
		return &zone->nodes[builder->last];
	if (2 * (zone->n_nodes + 1) > builder->n_slots && slots_grow(builder) < 0)
		return NULL;

	uint32_t *slot = slot_find(builder, name, len);
	if (!*slot) {
		if (grow(&zone->nodes, zone->n_nodes, sizeof(*zone->nodes)) < 0)
			return NULL;
		struct zone_node *node = &zone->nodes[zone->n_nodes++];
		*node = (struct zone_node){
			.len = (uint8_t)len, .outside = !name_is_within(name, zone->apex)};
		memcpy(node->name, name, len);
		*slot = (uint32_t)zone->n_nodes;
	}
	builder->last = *slot - 1;
	return &zone->nodes[builder->last];
}

static struct zone_rrset *rrset_get(struct zone_node *node, uint16_t type, uint32_t ttl_s)
{
	/* from the end: the records of a set mostly stand together */
	for (size_t i = node->n_rrsets; i-- > 0;)
		if (node->rrsets[i].type == type)
			return &node->rrsets[i];
	if (grow(&node->rrsets, node->n_rrsets, sizeof(*node->rrsets)) < 0)
		return NULL;
	node->rrsets[node->n_rrsets] = (struct zone_rrset){.type = type, .ttl_s = ttl_s};
	return &node->rrsets[node->n_rrsets++];
}

int zone_builder_add(struct zone_builder *builder, const struct zone_place *place,
	const struct zone_record *record)
{
	struct zone_node *node = node_get(builder, place->owner, place->owner_len);
	if (!node)
		return -ENOMEM;
	struct zone_rrset *rrset = rrset_get(node, record->type, record->ttl_s);
	if (!rrset || grow(&rrset->rdatas, rrset->n_rdatas, sizeof(*rrset->rdatas)) < 0)
		return -ENOMEM;
	uint8_t *bytes = malloc(record->len ? record->len : 1);
	if (!bytes)
		return -ENOMEM;

	memcpy(bytes, record->rdata, record->len);
	rrset->rdatas[rrset->n_rdatas++] = (struct zone_rdata){
		.bytes = bytes,
		.len = (uint16_t)record->len,
		.ttl_s = record->ttl_s,
		.file = place->file,
		.line = place->line,
	};
	if (record->ttl_s < rrset->ttl_s)
		rrset->ttl_s = record->ttl_s;
	builder->zone->n_records++;
	return 0;
}

int zone_builder_add_pseudo(struct zone_builder *builder, const struct zone_place *place,
	const struct pseudo *pseudo)
{
	struct zone_node *node = node_get(builder, place->owner, place->owner_len);

	if (!node || grow(&node->pseudos, node->n_pseudos, sizeof(*node->pseudos)) < 0)
		return -ENOMEM;
	node->pseudos[node->n_pseudos] = *pseudo;
	node->pseudos[node->n_pseudos].file = place->file;
	node->pseudos[node->n_pseudos].line = place->line;
	node->n_pseudos++;
	builder->zone->n_records++;
	return 0;
}

int zone_builder_note_unread(
	struct zone_builder *builder, const uint8_t *owner, size_t owner_len)
{
	if (!owner) {
		builder->zone->has_unread = true;
		return 0;
	}
	struct zone_node *node = node_get(builder, owner, owner_len);
	if (!node)
		return -ENOMEM;
	node->has_unread = true;
	return 0;
}

/* A name turned round, so that memcmp of two gives the canonical order: labels from the root
 * on, each octet 0 and 1 as two octets, and a 0 behind each label. */
static size_t sort_key(const uint8_t *name, uint8_t *key)
{
	const uint8_t *labels[NAME_MAX_LABELS + 1];
	size_t n = 0;
	size_t len = 0;

	for (; *name; name += 1 + *name)
		labels[n++] = name;
	while (n-- > 0) {
		for (unsigned int i = 1; i <= labels[n][0]; i++) {
			uint8_t c = labels[n][i];

			if (c <= 1)
				key[len++] = 1;
			key[len++] = c <= 1 ? (uint8_t)(c + 1) : c;
		}
		key[len++] = 0;
	}
	return len;
}

struct sort_item {
	const uint8_t *key;
	uint32_t len;
	uint32_t node;
};

static int sort_item_cmp(const void *a, const void *b)
{
	const struct sort_item *x = a;
	const struct sort_item *y = b;
	int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static int nodes_sort(struct zone *zone)
{
	size_t n = zone->n_nodes;
	size_t keys_len = 1;

	for (size_t i = 0; i < n; i++)
		keys_len += 2u * zone->nodes[i].len;
	AUTO(freep) uint8_t *keys = malloc(keys_len);
	AUTO(freep) struct sort_item *items = calloc(n + 1, sizeof(*items));
	struct zone_node *sorted = calloc(n + 1, sizeof(*sorted));
	if (!keys || !items || !sorted) {
		free(sorted);
		return -ENOMEM;
	}

	uint8_t *key = keys;
	for (size_t i = 0; i < n; i++) {
		size_t len = sort_key(zone->nodes[i].name, key);

		items[i] = (struct sort_item){
			.key = key, .len = (uint32_t)len, .node = (uint32_t)i};
		key += len;
	}
	qsort(items, n, sizeof(*items), sort_item_cmp);
	for (size_t i = 0; i < n; i++)
		sorted[i] = zone->nodes[items[i].node];
	free(zone->nodes);
	zone->nodes = sorted;
	return 0;
}

static int rrset_cmp(const void *a, const void *b)
{
	const struct zone_rrset *x = a;
	const struct zone_rrset *y = b;

	return (int)x->type - (int)y->type;
}

static uint32_t soa_serial(const struct zone_rdata *soa)
{
	const uint8_t *p = soa->bytes + soa->len - 20; /* the five numbers are the tail */

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int zone_builder_finish(struct zone_builder *builder, struct zone **ret_zone)
{
	struct zone *zone = builder->zone;
	int err = nodes_sort(zone);

	if (err)
		return err;
	for (size_t i = 0; i < zone->n_nodes; i++)
		if (zone->nodes[i].n_rrsets > 1)
			qsort(zone->nodes[i].rrsets, zone->nodes[i].n_rrsets,
				sizeof(*zone->nodes[i].rrsets), rrset_cmp);
	const struct zone_rrset *soa = zone_soa(zone);
	if (soa && soa->rdatas[0].len >= 20)
		zone->serial = soa_serial(&soa->rdatas[0]);

	*ret_zone = TAKE(builder->zone);
	return 0;
}
