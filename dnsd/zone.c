/* zone.c - a zone as its file says it, before any view gives the pseudo records addresses
 *
 * Look-ups by binary search in the canonical order, and the end of a zone. Built by
 * zonebuild.c; the answering of queries has its own tables.
 */
#include "dnsd/zone.h"

#include <ldns/ldns.h>
#include <stdlib.h>

static void rrset_fini(struct zone_rrset *rrset)
{
	for (size_t i = 0; i < rrset->n_rdatas; i++)
		free(rrset->rdatas[i].bytes);
	free(rrset->rdatas);
}

static void node_fini(struct zone_node *node)
{
	for (size_t i = 0; i < node->n_rrsets; i++)
		rrset_fini(&node->rrsets[i]);
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
	free(zone->files);
	free(zone->file);
	free(zone);
}

const struct zone_node *zone_find(const struct zone *zone, const uint8_t *name)
{
	size_t low = 0;
	size_t high = zone->n_nodes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = name_cmp(name, zone->nodes[middle].name);

		if (order == 0)
			return &zone->nodes[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
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

const struct zone_rrset *zone_soa(const struct zone *zone)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);

	return apex ? zone_node_find(apex, LDNS_RR_TYPE_SOA) : NULL;
}
