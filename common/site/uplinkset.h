/* uplinkset.h - a set of uplinks: bit i stands for the uplink of index i in struct site
 *
 * SITE_MAX_UPLINKS is 32, so that a set is a plain uint32_t: compared, joined (|), cut (&) and
 * stored as such.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPLINKSET_ALL UINT32_MAX

/* The set that holds only the uplink of index `i` (0..31). */
static inline uint32_t uplinkset_of(size_t i)
{
	return UINT32_C(1) << i;
}

static inline bool uplinkset_has(uint32_t set, size_t i)
{
	return (set >> i) & 1;
}

static inline void uplinkset_add(uint32_t *set, size_t i)
{
	*set |= uplinkset_of(i);
}

static inline size_t uplinkset_count(uint32_t set)
{
	return (size_t)__builtin_popcount(set);
}

/* The set that holds only the most preferred uplink of `set`; empty if that is. */
static inline uint32_t uplinkset_first(uint32_t set)
{
	return set & (~set + 1);
}
