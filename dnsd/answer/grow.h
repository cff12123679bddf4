/* grow.h - arrays that grow while a table is built
 *
 * Without memory the process ends here (xalloc.h): a view is rebuilt whole, and half a view
 * answers wrongly.
 */
#pragma once
#include <stdint.h>
#include <string.h>

#include "common/invariant.h"
#include "common/xalloc.h"

struct grow {
	void *items;
	size_t n;
	size_t cap;
	size_t item_size;
};

#define GROW_INIT(type)                   \
	{                                 \
		.item_size = sizeof(type) \
	}

static inline uint32_t grow_n(const struct grow *grow)
{
	return (uint32_t)grow->n;
}

/* Valid until the next addition. */
static inline void *grow_at(const struct grow *grow, uint32_t index)
{
	return (char *)grow->items + index * grow->item_size;
}

/* Appends `n` items; returns the index of the first. Offsets have 32 bits: the process ends
 * rather than go beyond them. */
static inline uint32_t grow_add(struct grow *grow, const void *items, size_t n)
{
	size_t first = grow->n;

	invariant(n <= UINT32_MAX - first, "the answers of one view exceed 4 GiB");
	if (grow->n + n > grow->cap) {
		grow->cap = 2 * (grow->n + n) + 8;
		grow->items = xreallocarray(grow->items, grow->cap, grow->item_size);
	}
	if (n > 0)
		memcpy((char *)grow->items + first * grow->item_size, items,
			n * grow->item_size);
	grow->n += n;
	return (uint32_t)first;
}

/* For an array of octets: pads to where any struct may begin, and returns that offset. */
static inline uint32_t grow_align(struct grow *grow)
{
	static const uint8_t zeroes[16];

	grow_add(grow, zeroes, (16 - grow->n % 16) % 16);
	return (uint32_t)grow->n;
}

/* Appends a whole array to a block of octets; returns where it begins and its number of items. */
static inline void grow_append(
	struct grow *block, uint32_t *ret_at, uint32_t *ret_n, const struct grow *part)
{
	*ret_n = grow_n(part);
	*ret_at = grow_align(block);
	grow_add(block, part->items, part->n * part->item_size);
}
