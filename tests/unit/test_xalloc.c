/* test_xalloc.c - memory, or the end of the process */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/xalloc.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "lib/death.h"

/* Linked with --wrap: a sanitizer's own allocator ends the process before it returns NULL. */
static bool no_memory;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *items, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *items, size_t n, size_t size);

void *__wrap_malloc(size_t size)
{
	return no_memory ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *items, size_t n, size_t size)
{
	return no_memory ? NULL : __real_reallocarray(items, n, size);
}

/* In a child of death_of() only. */
static void malloc_fails(void)
{
	no_memory = true;
	free(xmalloc(1));
}

static void calloc_fails(void)
{
	no_memory = true;
	free(xcalloc(1, 1));
}

static void realloc_fails(void)
{
	no_memory = true;
	free(xreallocarray(NULL, 1, 1));
}

static void without_memory_the_process_ends_with_a_message(void **state)
{
	static void (*const calls[])(void) = {malloc_fails, calloc_fails, realloc_fails};

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		char said[1024];

		assert_int_equal(death_of(calls[i], said, sizeof(said)), SIGABRT);
		assert_non_null(strstr(said, "out of memory"));
	}
}

static void nothing_is_memory_too(void **state)
{
	AUTO(freep) void *a = xmalloc(0);
	AUTO(freep) void *b = xcalloc(0, 8);
	AUTO(freep) void *c = xreallocarray(NULL, 0, 8);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
}

static void an_array_grows_by_one_and_keeps_its_items(void **state)
{
	AUTO(freep) size_t *items = NULL;

	(void)state;
	for (size_t n = 0; n < 1000; n++) {
		items = xgrow(items, n, sizeof(*items));
		items[n] = n;
	}
	for (size_t n = 0; n < 1000; n++)
		assert_int_equal(items[n], n);
}

static void texts_are_copied_and_made(void **state)
{
	AUTO(freep) char *copy = xstrdup("isp-a");
	AUTO(freep) char *made = xasprintf("%s:%d", "isp-b", 53);

	(void)state;
	assert_string_equal(copy, "isp-a");
	assert_string_equal(made, "isp-b:53");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory_the_process_ends_with_a_message),
		cmocka_unit_test(nothing_is_memory_too),
		cmocka_unit_test(an_array_grows_by_one_and_keeps_its_items),
		cmocka_unit_test(texts_are_copied_and_made),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
