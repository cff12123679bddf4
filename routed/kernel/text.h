/* text.h - a text that grows, for lines made out of numbers and checked names
 *
 * Out of memory ends the program: half a ruleset is worse than none.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct text {
	char *data; /* ends with a NUL once something was added; NULL before */
	size_t len;
	size_t cap;
};

void text_add(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same without a format, for what is written ten thousand times. */
void text_str(struct text *text, const char *str);
void text_bytes(struct text *text, const char *bytes, size_t len); /* no NUL among them */
void text_uint(struct text *text, uint32_t number);

/* The text, the caller's to free; `text` is empty again. */
char *text_take(struct text *text);
void text_fini(struct text *text);
