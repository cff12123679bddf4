/* parentmemory.h - the addresses that are known to be ours in parents' zones, kept over
 * restarts
 *
 * What the kernel gives an uplink today says nothing of what the primary may still have from
 * before a restart: without this file the old address would look like a stranger's.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "dnsd/parent/parentplan.h"

struct parentmemory; /* opaque, see parentmemory.c */

/* Reads `path`; a file that is not there is an empty memory, one that cannot be used too,
 * after a warning. Takes a copy of the path. -ENOMEM. */
int parentmemory_new(const char *path, struct parentmemory **ret_memory);
void parentmemory_free(struct parentmemory *memory);

/* What is remembered of a name in one family. */
void parentmemory_get(const struct parentmemory *memory, const uint8_t *name,
	enum site_family family, struct parent_memory *ret_known);

/* Remembers that `addr` is ours: about to be put there, or `is_seen` there. */
void parentmemory_put(struct parentmemory *memory, const uint8_t *name,
	const struct parent_addr *addr, bool is_seen);

/* Writes what changed; what fails is logged, and tried again with the next change. */
void parentmemory_write(struct parentmemory *memory);

/* The same, and forgets all but the names that `is_used` says yes to. */
typedef bool parentmemory_used_fn(const uint8_t *name, void *arg);
void parentmemory_save(struct parentmemory *memory, parentmemory_used_fn *is_used, void *arg);
