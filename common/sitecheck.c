/* sitecheck.c - what no single value of site.yaml can tell: contradictions, and traps
 *
 * Runs after everything was read, also if some values were refused: those are unset then, and
 * no check may stumble over them or complain about them once more. Each complaint names its
 * path; the line is looked up in the document. Pure: what needs the live system is checked by
 * the daemons.
 *
 * Errors are what cannot work as written; warnings are what works and is hardly meant.
 */
#include "common/sitecheck.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct check {
	const struct doc *doc;
	const struct site *site;
};

/* The path of a complaint, made by a format: path("uplinks[%zu].name", i). In one of two
 * buffers, since a message may name another place. */
static const char *path(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *path(const char *format, ...)
{
	static _Thread_local char ring[2][256];
	static _Thread_local unsigned int next;
	char *out = ring[next++ % 2];
	va_list args;

	va_start(args, format);
	vsnprintf(out, sizeof(ring[0]), format, args);
	va_end(args);
	return out;
}

#define check_error(check, where, ...) check_say(check, REPORT_ERROR, where, __VA_ARGS__)
#define check_warn(check, where, ...)  check_say(check, REPORT_WARNING, where, __VA_ARGS__)

static void check_say(const struct check *check, enum report_severity severity,
	const char *where, const char *format, ...) __attribute__((format(printf, 4, 5)));

static void check_say(const struct check *check, enum report_severity severity,
	const char *where, const char *format, ...)
{
	char what[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	report_add(check->doc->report, severity, check->doc->file,
		doc_line_of(check->doc, where), "%s: %s", where, what);
}

/* Zone files use some words in the place of a name. */
static bool is_reserved(const char *name)
{
	return strcasecmp(name, "all") == 0 || strcasecmp(name, "receiving") == 0;
}

static void check_uplink_names(const struct check *check)
{
	const struct site *site = check->site;

	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct site_uplink *uplink = &site->uplinks[i];

		if (is_reserved(uplink->name))
			check_error(check, path("uplinks[%zu].name", i),
				"'%s' has a meaning of its own in zone files: choose another "
				"name",
				uplink->name);
		for (size_t j = 0; j < i; j++)
			if (uplink->name[0] &&
				strcasecmp(site->uplinks[j].name, uplink->name) == 0)
				check_error(check, path("uplinks[%zu].name", i),
					"'%s' is already the name of uplinks[%zu]",
					uplink->name, j);
	}
}

void site_check(const struct doc *doc, const struct site *site)
{
	const struct check check = {.doc = doc, .site = site};

	check_uplink_names(&check);
}
