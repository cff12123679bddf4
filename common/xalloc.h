/* xalloc.h - memory, or the end of the process
 *
 * Out of memory is handled where a request from outside may cause it: a client, a packet, a
 * file named on the command line. Everywhere else half a view, ruleset or plan is worse than
 * none: these functions then end the process with a message, and the service manager starts
 * it again.
 *
 * They never return NULL. free() frees the result.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t size) __attribute__((returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((returns_nonnull));
void *xreallocarray(void *items, size_t n, size_t size) __attribute__((returns_nonnull));

/* Room for one more item behind `n` of them. The capacity is not kept: it is the next power of
 * two, so the array must have grown by this function alone. */
void *xgrow(void *items, size_t n, size_t size) __attribute__((returns_nonnull));

char *xstrdup(const char *text) __attribute__((returns_nonnull));

char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)))
__attribute__((returns_nonnull));
char *xvasprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)))
__attribute__((returns_nonnull));
