/* siteload.h - reads site.yaml whole and checks it
 *
 * site_read fills a new object and reports every mistake it finds; the caller swaps it in only if
 * there was none.
 */
#pragma once
#include <stddef.h>

#include "common/site/report.h"
#include "common/site/site.h"

/* Reads and checks `path`. All mistakes and warnings go to `report`. Returns 0 if there was
 * no error (`*ret_site` is the caller's then), -EINVAL if there was one, or another negative
 * errno if the file could not be read (reported as well). */
int site_read(const char *path, struct report *report, struct site **ret_site);

/* A daemon reads site.yaml more than once: -EINVAL and an error for a pipe, which only
 * `check` may read. site_read reports all other faults of the file. */
int site_check_rereadable(const char *path, struct report *report);

/* Like site_read, but with -EINVAL too `*ret_site` is set if the file could be parsed at all.
 * That site is incomplete (a name or file may be NULL, an address unset) and serves only to
 * find more mistakes in the files it names. Set it to NULL before. */
int site_read_any(const char *path, struct report *report, struct site **ret_site);

/* The same from memory, for tests and fuzzing; `path` only names it in messages. */
int site_parse(const char *path, const char *text, size_t len, struct report *report,
	struct site **ret_site);
