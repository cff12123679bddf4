/* zone.c - a zone as its file has it, before a view gives the pseudo records addresses
 *
 * Look-ups, and the end of a zone. A hash leads to the node of a name, a binary search to an
 * RRset of the node. Built by zonebuild.c; queries are answered from tables of their own
 * (table.c).
 */
#include "dnsd/zone/zone.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

static void node_fini(struct zone_node *node)
{
	for (size_t i = 0; i < node->n_rrsets; i++) {
		struct zone_rrset *rrset = &node->rrsets[i];

		for (size_t j = 0; j < rrset->n_rdatas; j++)
			free(rrset->rdatas[j].bytes);
		free(rrset->rdatas);
	}
	free(node->rrsets);
	free(node->pseudos);
}

void zone_free(struct zone *zone)
{
	if (!zone)
		return;
	for (size_t i = 0; i < zone->n_nodes; i++)
		node_fini(&zone->nodes[i]);
	for (size_t i = 0; i < zone->n_files; i++)
		free(zone->files[i]);
	free(zone->nodes);
	free(zone->slots);
	free(zone->files);
	free(zone->file);
	free(zone);
}

/* FNV-1a; the names come from the operator, not from clients. */
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

uint32_t *zone_slot(const struct zone *zone, const uint8_t *name, size_t len)
{
	size_t mask = zone->n_slots - 1;
	size_t i = name_hash(name, len) & mask;

	while (zone->slots[i] && !node_has_name(&zone->nodes[zone->slots[i] - 1], name, len))
		i = (i + 1) & mask;
	return &zone->slots[i];
}

const struct zone_node *zone_find(const struct zone *zone, const uint8_t *name)
{
	uint8_t low[NAME_MAX_LEN];
	size_t len = name_len(name);

	if (zone->n_slots == 0)
		return NULL;
	name_lower(low, name, len);
	uint32_t slot = *zone_slot(zone, low, len);
	return slot ? &zone->nodes[slot - 1] : NULL;
}

const struct zone_rrset *zone_node_find(const struct zone_node *node, uint16_t type)
{
	size_t low = 0;
	size_t high = node->n_rrsets;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (node->rrsets[middle].type == type)
			return &node->rrsets[middle];
		if (type < node->rrsets[middle].type)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

size_t zone_node_index(const struct zone *zone, const struct zone_node *node)
{
	return (size_t)(node - zone->nodes);
}

bool zone_node_has_address(const struct zone_node *node)
{
	return node->n_pseudos > 0 || zone_node_find(node, LDNS_RR_TYPE_A) ||
	       zone_node_find(node, LDNS_RR_TYPE_AAAA);
}

const struct zone_rrset *zone_soa(const struct zone *zone)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);

	return apex ? zone_node_find(apex, LDNS_RR_TYPE_SOA) : NULL;
}
