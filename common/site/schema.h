/* schema.h - reads YAML mappings into structs by tables of their keys
 *
 * One table per mapping. Each key names the reader of its value and the member it fills.
 * Readers report a mistake at its place and go on, so that one run finds every mistake.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/site/doc.h"

enum {
	SCHEMA_REQUIRED = 1 << 0,
	SCHEMA_IDLE = 1 << 1, /* read and checked, but without effect yet: warns */
};

struct schema_key;

/* Fills what `out` points to, or reports a mistake and leaves it as it was. */
typedef void schema_read(const struct doc_place *at, const struct schema_key *key, void *out);

/* One key: a row of a table that ends with {0}, written with the names of the fields. Values
 * are read in the order of the table, not of the file: a value that others refer to comes
 * first. */
struct schema_key {
	const char *name;
	schema_read *read;
	size_t offset; /* of the member in the struct being filled */
	unsigned int flags;
	int family;  /* of addresses and prefixes: the only one allowed; 0: both */
	int64_t min; /* of numbers; of times in ms */
	int64_t max;
	size_t n_max;		  /* of lists: items at most; 0: as many as the reader takes */
	const char *const *words; /* for schema_word and schema_choice; NULL at the end */
	const struct schema_key *keys; /* for schema_object */
};

/* Reads the mapping at `at`: unknown, double and missing keys are mistakes. */
void schema_map(const struct doc_place *at, const struct schema_key *keys, void *object);

/* Reads the list at `at` into a new array (`item_read` fills one item of `item_size`, zeroed
 * before). The array is the caller's, also when items had mistakes. No item: NULL. */
void schema_list(const struct doc_place *at, size_t max, size_t item_size,
	schema_read *item_read, void **ret_items, size_t *ret_n);

/* Like schema_list, but a single value stands for a list of one. */
void schema_one_or_list(const struct doc_place *at, size_t max, size_t item_size,
	schema_read *item_read, void **ret_items, size_t *ret_n);

schema_read schema_object;  /* a struct at `offset`, by `keys` */
schema_read schema_bool;    /* bool */
schema_read schema_uint;    /* unsigned int */
schema_read schema_uint32;  /* uint32_t */
schema_read schema_port;    /* uint16_t */
schema_read schema_time;    /* int64_t, ms */
schema_read schema_percent; /* double, 0 to 1 */
schema_read schema_text;    /* char *, replaced */
schema_read schema_word;    /* int or enum: index among `words` */
schema_read schema_choice;  /* bool: is it the second of two `words`? */

/* The time in `text`, between the bounds of the key; -EINVAL after reporting a mistake. */
int schema_time_of(const struct doc_place *at, const struct schema_key *key, const char *text,
	int64_t *ret_ms);

/* "200ms", "10s", "5m": the largest unit that is exact. In a buffer of the thread's own,
 * valid until the 4th call after. */
const char *schema_time_str(int64_t ms);
