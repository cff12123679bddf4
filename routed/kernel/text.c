/* text.c - a text that grows
 *
 * Used by nfttext.c, whose port forwards may be tens of thousands of lines: the plain
 * additions cost some nanoseconds each.
 */
#include "routed/kernel/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/invariant.h"
#include "common/xalloc.h"

/* Room for `n` octets and the NUL. */
static void text_reserve(struct text *text, size_t n)
{
	if (text->len + n < text->cap)
		return;

	text->cap = 2 * (text->len + n) + 256;
	text->data = xreallocarray(text->data, text->cap, 1);
}

void text_add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	invariant(n >= 0, "the format '%s' cannot be printed", format);

	text_reserve(text, (size_t)n);
	va_start(args, format);
	vsnprintf(text->data + text->len, (size_t)n + 1, format, args);
	va_end(args);
	text->len += (size_t)n;
}

void text_bytes(struct text *text, const char *bytes, size_t len)
{
	text_reserve(text, len);
	memcpy(text->data + text->len, bytes, len);
	text->len += len;
	text->data[text->len] = '\0';
}

void text_str(struct text *text, const char *str)
{
	text_bytes(text, str, strlen(str));
}

void text_uint(struct text *text, uint32_t number)
{
	char digits[11];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	text_str(text, at);
}

char *text_take(struct text *text)
{
	text_reserve(text, 0);
	text->data[text->len] = '\0';

	char *data = text->data;
	*text = (struct text){0};
	return data;
}

void text_fini(struct text *text)
{
	free(text->data);
	*text = (struct text){0};
}
