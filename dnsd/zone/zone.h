/* zone.h - a zone as its file has it, before a view gives the pseudo records addresses
 *
 * Made by zonefile.c, checked by zonecheck.c, read by table.c. Names are wire form in lower
 * case; RDATA is wire form with uncompressed names, in the case in which it was written.
 * Immutable once loaded.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsd/wire/name.h"
#include "dnsd/zone/pseudo.h"

struct zone_rdata {
	uint8_t *bytes;
	uint16_t len;
	uint32_t ttl_s;	  /* as written; answers have the RRset's */
	const char *file; /* borrowed from the zone */
	int line;
};

struct zone_rrset {
	uint16_t type;
	uint32_t ttl_s; /* the least of its records; zonerules.c warns where they differ */
	struct zone_rdata *rdatas;
	size_t n_rdatas;
};

struct zone_node {
	uint8_t name[NAME_MAX_LEN];
	uint8_t len;		   /* octets of the name */
	bool outside;		   /* not within the apex: for additional data alone */
	bool has_unread;	   /* a record could not be read: never so in a good zone */
	struct zone_rrset *rrsets; /* sorted by type */
	size_t n_rrsets;
	struct pseudo *pseudos; /* in the order of the file; they add to A and AAAA */
	size_t n_pseudos;
};

struct zone {
	uint8_t apex[NAME_MAX_LEN];
	uint8_t apex_len;
	char *file;   /* the master file, as the operator names it */
	char **files; /* it and those it includes; owns the names that lines refer to */
	size_t n_files;
	/* in canonical order, those outside the apex too; empty non-terminals have no node */
	struct zone_node *nodes;
	size_t n_nodes;
	uint32_t *slots; /* nodes by the hash of their name, see zone.c */
	size_t n_slots;
	uint32_t serial;
	size_t n_records; /* as written, pseudo records included */
	bool has_unread;  /* a line could not be read: never so in a good zone */
};

void zone_free(struct zone *zone);

/* For zonebuild.c: the slot of the node of that name (lower case). It holds the node's index
 * plus 1, or 0 if there is no such node. The number of slots is a power of two, larger than
 * the number of nodes. */
uint32_t *zone_slot(const struct zone *zone, const uint8_t *name, size_t len);

/* Borrowed; NULL if there is none. `name` may be of any case. */
const struct zone_node *zone_find(const struct zone *zone, const uint8_t *name);
const struct zone_rrset *zone_node_find(const struct zone_node *node, uint16_t type);
size_t zone_node_index(const struct zone *zone, const struct zone_node *node);
bool zone_node_has_address(const struct zone_node *node); /* A, AAAA or a pseudo record */
const struct zone_rrset *zone_soa(const struct zone *zone);
