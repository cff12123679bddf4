/* parentowned.h - the addresses in parents' zones that dnsd knows to be ours, kept over restarts
 *
 * The addresses that uplinks have today do not tell what the primary may still have from before
 * a restart. Without this file an old address of ours would look foreign.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "dnsd/parent/parentplan.h"

struct parentowned; /* opaque, see parentowned.c */

/* Reads `path` and copies the path. A file that does not exist is an empty list; so is a file
 * that cannot be used, after a warning. -ENOMEM. */
int parentowned_new(const char *path, struct parentowned **ret_owned);
void parentowned_free(struct parentowned *owned);

/* The addresses of a name in one family. */
void parentowned_get(const struct parentowned *owned, const uint8_t *name,
	enum site_family family, struct parent_owned *ret_known);

/* Records that `addr` is ours: it is about to be added there, or it `is_seen` there. */
void parentowned_add(struct parentowned *owned, const uint8_t *name,
	const struct parent_addr *addr, bool is_seen);

/* Writes the file if something changed. A failure is logged; the next change tries again. */
void parentowned_write(struct parentowned *owned);

/* The same, and drops the names for which `is_used` is false. */
typedef bool parentowned_used_fn(const uint8_t *name, void *arg);
void parentowned_save(struct parentowned *owned, parentowned_used_fn *is_used, void *arg);
