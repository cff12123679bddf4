/* invariant.h - what holds for every reply, to whatever octets */
#pragma once
#include "tests/lib/reply.h"

/* What `reply` to the `len` octets of `query` does wrong, or NULL. Knows the query's header
 * and, where it is well formed, its question and OPT record; nothing of the zones. */
const char *invariant_broken(
	const uint8_t *query, size_t len, bool tcp, const struct reply *reply);
