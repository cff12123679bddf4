/* logonce.h - a trouble that lasts is logged once, not at each try
 *
 * Embedded in the object that may have the trouble; all zero means that nothing was logged.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct logonce {
	uint64_t key; /* of the text that was logged last, 0: none */
	int64_t at_ms;
};

/* What makes a text the same as another one: all of it, or all but its digits, where seconds,
 * clocks and addresses that are tried in turn are no news. Never 0. */
uint64_t logonce_key(const char *text);
uint64_t logonce_key_but_digits(const char *text);

/* Is that another text than was logged last? It counts as logged then. */
bool logonce_is_new(struct logonce *once, uint64_t key);

/* Is it the first time, or has `every_ms` passed since it was logged? It counts as logged then. */
bool logonce_is_due(struct logonce *once, int64_t now_ms, int64_t every_ms);

/* The trouble is over: the next one is logged, whatever it is. */
void logonce_clear(struct logonce *once);
