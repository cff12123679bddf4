/* table.h - the answers of one view, laid out in wire form
 *
 * A table is one block of memory with offsets instead of pointers: it may be copied, mapped or
 * read by another program. It holds the nodes of all zones with the records that they have in
 * this view. For each name and type it has the finished response: the octets after the question,
 * with compression pointers in place. docs/architecture.md draws it.
 *
 * Immutable once built, so any number of threads may read it.
 */
#pragma once
#include "dnsd/state/facts.h"
#include "dnsd/zone/zone.h"

struct table; /* opaque, see table.c and layout.h */

/* Lays out `zones` for `view`. Returns the caller's table, or NULL without memory. */
struct table *table_new(
	const struct zone *const *zones, size_t n_zones, const struct facts *facts, int view);
void table_free(struct table *table);

size_t table_size(const struct table *table);	   /* octets */
size_t table_n_answers(const struct table *table); /* precompiled ones */

/* The largest precompiled answer of one zone over UDP without EDNS: its size, name and type, for
 * the warning about 512 octets. */
struct table_largest {
	size_t len; /* octets of the whole message, with question, without OPT */
	const uint8_t *name;
	uint16_t type;
};
struct table_largest table_largest_answer(const struct table *table, const uint8_t *apex);
