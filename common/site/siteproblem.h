/* siteproblem.h - how the checks of site.yaml report a problem: by the path of a key */
#pragma once
#include "common/site/doc.h"
#include "common/site/site.h"

/* What the parts of the check share. */
struct check {
	struct doc *doc;
	const struct site *site;
};

/* The path of a problem: check_path("uplinks[%zu].name", i). In a buffer of the thread's own,
 * valid until the 4th call after. */
const char *check_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Adds "WHERE: what" to the report, with the line of that path. */
void check_say(const struct check *check, enum report_severity severity, const char *where,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

#define check_error(check, where, ...) check_say(check, REPORT_ERROR, where, __VA_ARGS__)
#define check_warn(check, where, ...)  check_say(check, REPORT_WARNING, where, __VA_ARGS__)
