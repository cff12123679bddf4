/* name.h - domain names in wire form, uncompressed (RFC 1035 section 3.1)
 *
 * A name is a pointer to its first length octet and ends with the root's zero octet; its
 * length in octets counts that zero. All functions expect well-formed names.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NAME_MAX_LEN = 255,
	NAME_MAX_LABELS = 127, /* without the root */
	NAME_STR_LEN = 1020,   /* the longest text, every octet as \DDD, and its NUL */
};

size_t name_len(const uint8_t *name);
unsigned int name_n_labels(const uint8_t *name); /* without the root */

/* DNS names are compared without the case of ASCII letters (RFC 4343). */
static inline uint8_t name_octet_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* ASCII lower case into `out` (may be `name` itself). */
void name_lower(uint8_t *out, const uint8_t *name, size_t len);

/* Equal, ASCII case ignored. */
bool name_eq(const uint8_t *a, const uint8_t *b);

/* Canonical order of RFC 4034 section 6.1: <0, 0, >0. */
int name_cmp(const uint8_t *a, const uint8_t *b);

/* `name` is `apex` or below it. */
bool name_is_within(const uint8_t *name, const uint8_t *apex);

/* Presentation form with the final dot, escaped as RFC 4343 section 2.1 has it.
 * `out` has NAME_STR_LEN octets; returns it. */
char *name_str(const uint8_t *name, char *out);

/* The next octet of a text that is not at its end, its escape undone (RFC 1035 section 5.1);
 * `*text` moves behind it. -1 if the escape is bad: it has three digits up to 255, or one
 * character. */
int name_text_octet(const char **text);

/* Presentation form to wire, lower case; a missing final dot is added. -EINVAL. */
int name_from_str(const char *text, uint8_t *ret_name, size_t *ret_len);

/* One step of the hash of a lower-case name: it starts as the name's length, and takes the
 * octets eight by eight, the last ones padded with zeroes. */
static inline uint64_t name_hash_step(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}
