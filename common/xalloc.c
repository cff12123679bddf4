/* xalloc.c - memory, or the end of the process
 *
 * abort() rather than exit(): nothing that is registered for an orderly end may run without
 * memory, and the core shows who asked for how much.
 */
#include "common/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

static void *xalloc_check(void *memory)
{
	if (!memory) {
		log_error(0, "memory", "out of memory: this process ends");
		abort();
	}
	return memory;
}

void *xmalloc(size_t size)
{
	return xalloc_check(malloc(size ? size : 1)); /* malloc(0) may return NULL */
}

void *xcalloc(size_t n, size_t size)
{
	return xalloc_check(n && size ? calloc(n, size) : calloc(1, 1));
}

void *xreallocarray(void *items, size_t n, size_t size)
{
	return xalloc_check(
		n && size ? reallocarray(items, n, size) : reallocarray(items, 1, 1));
}

void *xgrow(void *items, size_t n, size_t size)
{
	if (n & (n - 1))
		return items; /* between two powers of two there is room */
	return xreallocarray(items, n ? 2 * n : 1, size);
}

char *xstrdup(const char *text)
{
	return xalloc_check(strdup(text));
}

char *xvasprintf(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	return xalloc_check(text);
}

char *xasprintf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	return text;
}
