/* zonebuild.c - collects records in any order into a zone
 *
 * Called by zonefile.c and zonerecord.c. Nodes are found by a hash of their name while reading
 * and sorted once at the end, so that the time grows with the size of the zone and with
 * nothing else. The table of slots is then filled again, and stays with the zone.
 */
#include "dnsd/zone/zonebuild.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/bigendian.h"
#include "common/cleanup.h"

struct zone_builder {
	struct zone *zone;
	size_t last; /* the node of the previous record: many records share its owner */
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
	free(builder);
}

/* Room for one more of `n` items in an array that doubles at each power of two. Returns the
 * array, which may have moved, or NULL without memory: the old one is untouched then. */
static void *items_grow(void *items, size_t n, size_t item_size)
{
	if (items && (n & (n - 1)) != 0)
		return items;
	return reallocarray(items, n ? 2 * n : 1, item_size);
}

const char *zone_builder_file(struct zone_builder *builder, const char *name)
{
	struct zone *zone = builder->zone;

	for (size_t i = 0; i < zone->n_files; i++)
		if (strcmp(zone->files[i], name) == 0)
			return zone->files[i];
	char **files = items_grow(zone->files, zone->n_files, sizeof(*files));
	if (!files)
		return NULL;
	zone->files = files;
	files[zone->n_files] = strdup(name);
	return files[zone->n_files] ? files[zone->n_files++] : NULL;
}

size_t zone_builder_n_files(const struct zone_builder *builder)
{
	return builder->zone->n_files;
}

/* Puts all nodes into a fresh table of `n` slots. */
static int slots_fill(struct zone *zone, size_t n)
{
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(zone->slots);
	zone->slots = slots;
	zone->n_slots = n;
	for (size_t i = 0; i < zone->n_nodes; i++)
		*zone_slot(zone, zone->nodes[i].name, zone->nodes[i].len) = (uint32_t)i + 1;
	return 0;
}

/* The node of that name, made if it is new; NULL without memory. */
static struct zone_node *node_get(
	struct zone_builder *builder, const uint8_t *name, size_t len)
{
	struct zone *zone = builder->zone;

	struct zone_node *last = zone->n_nodes > 0 ? &zone->nodes[builder->last] : NULL;

	if (last && last->len == len && memcmp(last->name, name, len) == 0)
		return last;
	if (2 * (zone->n_nodes + 1) > zone->n_slots &&
		slots_fill(zone, zone->n_slots ? 2 * zone->n_slots : 64) < 0)
		return NULL;

	uint32_t *slot = zone_slot(zone, name, len);
	if (!*slot) {
		struct zone_node *nodes = items_grow(
			zone->nodes, zone->n_nodes, sizeof(*nodes));

		if (!nodes)
			return NULL;
		zone->nodes = nodes;
		nodes[zone->n_nodes] = (struct zone_node){
			.len = (uint8_t)len, .outside = !name_is_within(name, zone->apex)};
		memcpy(nodes[zone->n_nodes].name, name, len);
		*slot = (uint32_t)++zone->n_nodes;
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
	struct zone_rrset *rrsets = items_grow(node->rrsets, node->n_rrsets, sizeof(*rrsets));
	if (!rrsets)
		return NULL;
	node->rrsets = rrsets;
	rrsets[node->n_rrsets] = (struct zone_rrset){.type = type, .ttl_s = ttl_s};
	return &rrsets[node->n_rrsets++];
}

int zone_builder_add(struct zone_builder *builder, const struct zone_entry *entry,
	const struct zone_record *record)
{
	struct zone_node *node = node_get(builder, entry->owner, entry->owner_len);
	if (!node)
		return -ENOMEM;
	struct zone_rrset *rrset = rrset_get(node, record->type, record->ttl_s);
	if (!rrset)
		return -ENOMEM;
	struct zone_rdata *rdatas = items_grow(
		rrset->rdatas, rrset->n_rdatas, sizeof(*rdatas));
	if (!rdatas)
		return -ENOMEM;
	rrset->rdatas = rdatas;
	uint8_t *bytes = malloc(record->len ? record->len : 1);
	if (!bytes)
		return -ENOMEM;

	memcpy(bytes, record->rdata, record->len);
	rdatas[rrset->n_rdatas++] = (struct zone_rdata){
		.bytes = bytes,
		.len = (uint16_t)record->len,
		.ttl_s = record->ttl_s,
		.file = entry->file,
		.line = entry->line,
	};
	if (record->ttl_s < rrset->ttl_s)
		rrset->ttl_s = record->ttl_s;
	builder->zone->n_records++;
	return 0;
}

int zone_builder_add_pseudo(struct zone_builder *builder, const struct zone_entry *entry,
	const struct pseudo *pseudo)
{
	struct zone_node *node = node_get(builder, entry->owner, entry->owner_len);

	if (!node)
		return -ENOMEM;
	struct pseudo *pseudos = items_grow(node->pseudos, node->n_pseudos, sizeof(*pseudos));
	if (!pseudos)
		return -ENOMEM;
	node->pseudos = pseudos;
	pseudos[node->n_pseudos] = *pseudo;
	pseudos[node->n_pseudos].file = entry->file;
	pseudos[node->n_pseudos].line = entry->line;
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

/* A key for sorting: memcmp() of two keys gives the canonical order of their names (RFC 4034
 * section 6.1). It holds the labels from the root on, each with a 0 behind it; octets 0 and 1
 * become two octets. */
static size_t name_sort_key(const uint8_t *name, uint8_t *key)
{
	const uint8_t *labels[NAME_MAX_LABELS + 1];
	size_t n = 0;
	size_t len = 0;

	for (; *name; name += 1 + *name)
		labels[n++] = name;
	while (n > 0) {
		const uint8_t *label = labels[--n];

		for (unsigned int i = 1; i <= label[0]; i++) {
			uint8_t c = label[i];

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
		size_t len = name_sort_key(zone->nodes[i].name, key);

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

int zone_builder_finish(struct zone_builder *builder, struct zone **ret_zone)
{
	struct zone *zone = builder->zone;
	int err = nodes_sort(zone);

	if (!err)
		err = slots_fill(zone, zone->n_slots ? zone->n_slots : 64);
	if (err)
		return err;
	for (size_t i = 0; i < zone->n_nodes; i++)
		if (zone->nodes[i].n_rrsets > 1)
			qsort(zone->nodes[i].rrsets, zone->nodes[i].n_rrsets,
				sizeof(*zone->nodes[i].rrsets), rrset_cmp);
	const struct zone_rrset *soa = zone_soa(zone);
	if (soa && soa->rdatas[0].len >= 20) /* five numbers are the tail, SERIAL the first */
		zone->serial = be32_read(soa->rdatas[0].bytes + soa->rdatas[0].len - 20);

	*ret_zone = TAKE(builder->zone);
	return 0;
}
