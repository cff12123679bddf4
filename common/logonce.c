/* logonce.c - a trouble that lasts is logged once, not at each try
 *
 * Texts are remembered by a hash (FNV-1a, 64 bits): two that collide cost a line in the log.
 */
#include "common/logonce.h"

#include <ctype.h>

static uint64_t hash_text(const char *text, bool with_digits)
{
	uint64_t hash = 14695981039346656037u;

	for (; *text; text++)
		if (with_digits || !isdigit((unsigned char)*text))
			hash = (hash ^ (uint8_t)*text) * 1099511628211u;
	return hash ? hash : 1;
}

uint64_t logonce_key(const char *text)
{
	return hash_text(text, true);
}

uint64_t logonce_key_but_digits(const char *text)
{
	return hash_text(text, false);
}

bool logonce_is_new(struct logonce *once, uint64_t key)
{
	bool is_new = once->key != key;

	once->key = key;
	return is_new;
}

bool logonce_is_due(struct logonce *once, int64_t now_ms, int64_t every_ms)
{
	if (once->key && now_ms - once->at_ms < every_ms)
		return false;
	once->key = 1;
	once->at_ms = now_ms;
	return true;
}

void logonce_clear(struct logonce *once)
{
	*once = (struct logonce){0};
}
