/* invariant.h - what must hold for the response to any octets */
#pragma once
#include "tests/lib/reply.h"

/* What is wrong in `reply` to the `len` octets of `query`, or NULL. It knows the header of the
 * query and, if they are well formed, the question and the OPT record. It knows no zone. */
const char *invariant_broken(
	const uint8_t *query, size_t len, bool tcp, const struct reply *reply);
