/* zonegen.h - random zones for comparisons, and queries that test their hard places
 *
 * A world is a zone, perhaps with a child zone on the same server. It has all that the answer
 * algorithm must decide: wildcards, empty non-terminals, aliases, DNAMEs, cuts with and without
 * glue, targets inside and outside of the zone. The same seed gives the same world. A strict
 * name server loads every zone.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "tests/lib/prng.h"

enum { ZONEGEN_MAX_NAMES = 64, ZONEGEN_NAME_LEN = 200, ZONEGEN_ZONES = 2 };

struct zonegen_zone {
	char origin[64]; /* without the final dot */
	char *text;	 /* the master file; owned */
};

struct zonegen {
	struct zonegen_zone zones[ZONEGEN_ZONES];
	size_t n_zones;
	char names[2 * ZONEGEN_MAX_NAMES][ZONEGEN_NAME_LEN]; /* all owners, with final dot */
	size_t n_names;
};

void zonegen_make(struct zonegen *world, uint64_t seed, const char *origin);
void zonegen_free(struct zonegen *world);

/* A query about the world: owners, and names above, beside and below them, in mixed case. */
struct zonegen_question {
	char name[2 * ZONEGEN_NAME_LEN];
	uint16_t type;
};
void zonegen_ask(
	const struct zonegen *world, struct prng *prng, struct zonegen_question *ret_question);
