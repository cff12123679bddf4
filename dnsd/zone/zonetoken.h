/* zonetoken.h - one word of a master file, and the values that it may stand for
 *
 * Pure. A token keeps its escapes as written; the functions below undo them. They return NULL
 * for success or say what is wrong, as a clause for "'x' ...": "is not a number".
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsd/wire/name.h"

enum {
	ZONETOKEN_SHOW_LEN = 80, /* room for a token in a message */
};

static const uint32_t ZONETOKEN_TTL_MAX = 0x7fffffff; /* RFC 2181 section 8 */

struct zonetoken {
	const char *text; /* ends with a NUL; without the quotes if `quoted` */
	size_t len;
	bool quoted;
};

/* A mnemonic, any case; a quoted word never is one. */
bool zonetoken_is(const struct zonetoken *token, const char *word);

/* A domain name, in the case as written. `@` is `origin`, which is also appended to a name
 * without a final dot. `ret_name` has NAME_MAX_LEN octets. */
const char *zonetoken_name(const struct zonetoken *token, const uint8_t *origin,
	uint8_t *ret_name, size_t *ret_len);

/* Decimal digits only. */
const char *zonetoken_number(const struct zonetoken *token, uint32_t max, uint32_t *ret_value);

/* Seconds, or the units w, d, h, m, s as in "1h30m". */
const char *zonetoken_period(const struct zonetoken *token, uint32_t *ret_seconds);

/* Octets with the escapes undone. `out` has token->len of them. */
const char *zonetoken_octets(const struct zonetoken *token, uint8_t *out, size_t *ret_len);

/* For messages: shortened, and octets that are not printable as \DDD. `out` has
 * ZONETOKEN_SHOW_LEN. */
const char *zonetoken_show(const struct zonetoken *token, char *out);
