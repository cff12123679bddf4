/* invariant.h - what our own code guarantees, checked in release builds too
 *
 * For what can only be wrong through a mistake of ours, never for input: an index that must
 * exist, a state that cannot follow another. Going on would answer or route wrongly; the
 * service manager starts the daemon again.
 *
 *     invariant(i < site->n_uplinks, "uplink %s is not in the site", name);
 */
#pragma once

#define invariant(truth, ...)                                                     \
	do {                                                                      \
		if (__builtin_expect(!(truth), 0))                                \
			invariant_abort(__FILE__, __LINE__, #truth, __VA_ARGS__); \
	} while (0)

/* Logs the words with the place and aborts. */
_Noreturn void invariant_abort(const char *file, int line, const char *truth,
	const char *format, ...) __attribute__((cold, format(printf, 4, 5)));
