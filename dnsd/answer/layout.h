/* layout.h - how a view's answers lie in memory: one block, offsets only
 *
 *     struct table | slots | nodes | rrsets | zones | answers | cuts | bytes
 *
 * `slots` is an open-addressing hash from owner name to node. A node is an owner name (or an
 * empty non-terminal) with its place in the zone: the cut or DNAME that hides it, the wildcard
 * below it. `rrsets` are the node's records in this view, for the general algorithm
 * (answer.c). `answers` are finished responses: the octets that follow the question. Both
 * refer to `bytes`.
 *
 * Where "none" is possible, a field holds the index plus one: its name ends in _plus1, 0 is none.
 * Numbers are in host order, `bytes` in wire order. table.c and compile.c fill it, answer.c and
 * respond.c read it, and so may a program that copies the answers elsewhere.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dnsd/wire/name.h"

struct table {
	uint32_t size;	  /* octets of the whole block */
	uint32_t n_slots; /* a power of two */
	uint32_t slots_at;
	uint32_t n_nodes;
	uint32_t nodes_at;
	uint32_t n_rrsets;
	uint32_t rrsets_at;
	uint32_t n_zones;
	uint32_t zones_at;
	uint32_t n_answers;
	uint32_t answers_at;
	uint32_t n_cuts;
	uint32_t cuts_at;
	uint32_t n_bytes;
	uint32_t bytes_at;
	uint32_t max_labels; /* of any name: a longer name cannot be found */
};

struct table_slot {
	uint32_t hash;
	uint32_t node_plus1; /* 0: empty */
};

enum table_node_flag {
	NODE_APEX = 1,
	NODE_OUTSIDE = 2, /* additional data only: queries do not find it */
};

/* What to answer at or below a node; anything else is the index of an answer, plus one. */
enum { ANSWER_GENERAL = 0 /* by the general algorithm */ };

struct table_node {
	uint32_t hash;
	uint32_t name_at; /* in bytes: wire form, lower case */
	uint8_t name_len;
	uint8_t n_labels;
	uint16_t flags;
	uint32_t zone;
	uint32_t first_rrset;
	uint32_t first_answer;
	uint16_t n_rrsets;
	uint16_t n_answers; /* for the types that have one of their own, sorted by type */
	uint32_t
		cut_plus1; /* the zone cut at or above, which makes this a delegation or glue */
	uint32_t dname_plus1;	 /* the DNAME above, which hides this */
	uint32_t wildcard_plus1; /* its child "*" */
	uint32_t
		parent_side_plus1; /* an apex: the same name in the zone above, which owns DS */
	uint32_t negative_ttl_s;   /* upper bound where a pseudo record is, else UINT32_MAX */
	uint32_t other_plus1; /* answer for every other type: NODATA, a referral, or general */
	uint32_t
		below_plus1; /* for names below that do not exist: NXDOMAIN, a referral, ... */
};

struct table_rrset {
	uint16_t type;
	uint16_t n_rrs;
	uint32_t ttl_s;
	uint32_t data_at;    /* in bytes: n_rrs times 16 bits of length and RDATA */
	uint32_t targets_at; /* in bytes: n_targets nodes whose addresses go with the RRset */
	uint32_t n_targets;
	uint32_t node;
};

struct table_zone {
	uint32_t apex;		 /* node */
	uint32_t soa;		 /* rrset */
	uint32_t ns;		 /* rrset */
	uint32_t negative_ttl_s; /* RFC 2308 section 5: min(TTL of SOA, MINIMUM) */
};

/* A finished response. Many names share one (NXDOMAIN, NODATA, referrals). `relocate` lists its
 * compression pointers (16-bit offsets into the tail) that move if the question's name is longer
 * than the name that it was laid out for. */
struct table_answer {
	uint16_t type;	    /* the QTYPE that it answers; 0 for shared ones */
	uint16_t flags;	    /* AA and TC as in the header, RCODE */
	uint16_t counts[3]; /* answer, authority, additional */
	uint16_t len;	    /* octets of the tail */
	uint32_t tail_at;   /* in bytes */
	uint32_t cuts_at;   /* first cut */
	uint16_t n_cuts;
	uint16_t n_relocate;
	uint32_t relocate_at;  /* in bytes: n_relocate times 16 bits in host order */
	uint32_t for_name_len; /* length of the QNAME that it was laid out for */
};

/* A shorter version of an answer: its first octets, at the end of an RRset, longest first. */
struct table_cut {
	uint16_t len;
	uint16_t flags; /* TC if a missing RRset was required */
	uint16_t counts[3];
};

#define TABLE_ARRAY(name, type)                                                           \
	static inline const type *table_##name(const struct table *table, uint32_t index) \
	{                                                                                 \
		const char *base = (const char *)table + table->name##s_at;               \
		return (const type *)(const void *)base + index;                          \
	}

TABLE_ARRAY(slot, struct table_slot)
TABLE_ARRAY(node, struct table_node)
TABLE_ARRAY(rrset, struct table_rrset)
TABLE_ARRAY(zone, struct table_zone)
TABLE_ARRAY(answer, struct table_answer)
TABLE_ARRAY(cut, struct table_cut)
TABLE_ARRAY(byte, uint8_t)

static inline const uint8_t *node_name(
	const struct table *table, const struct table_node *node)
{
	return table_byte(table, node->name_at);
}

/* Hash of a lower-case name; up to 7 octets beyond `len` are read, and must be 0. */
static inline uint32_t table_hash(const uint8_t *name, size_t len)
{
	uint64_t hash = len;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word;

		memcpy(&word, name + i, 8);
		hash = name_hash_step(hash, word);
	}
	return (uint32_t)hash;
}

/* Both are lower case and padded with zeroes. */
static inline bool name_eq_padded(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t x, y;

		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		if (x != y)
			return false;
	}
	return true;
}

/* The node of exactly this lower-case name (padded as for table_hash), or NULL. */
static inline const struct table_node *table_find_hash(
	const struct table *table, const uint8_t *name, size_t len, uint32_t hash)
{
	uint32_t mask = table->n_slots - 1;

	for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
		const struct table_slot *slot = table_slot(table, i);

		if (!slot->node_plus1)
			return NULL;
		if (slot->hash != hash)
			continue;

		const struct table_node *node = table_node(table, slot->node_plus1 - 1);
		if (node->name_len == len && name_eq_padded(node_name(table, node), name, len))
			return node;
	}
}

static inline const struct table_node *table_find(
	const struct table *table, const uint8_t *name, size_t len)
{
	return table_find_hash(table, name, len, table_hash(name, len));
}
