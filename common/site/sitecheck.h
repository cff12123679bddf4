/* sitecheck.h - what no single value of site.yaml can tell: contradictions, and traps */
#pragma once
#include "common/site/doc.h"
#include "common/site/site.h"

/* Adds to the document's report. Values that were refused before are unset in `site` and not
 * complained about again. */
void site_check(struct doc *doc, const struct site *site);

/* What the parts of the check share. */
struct check {
	struct doc *doc;
	const struct site *site;
};

/* The part in siteforward.c: servers, their loopbacks and forwards. */
void check_servers(const struct check *check);

/* The path of a complaint: check_path("uplinks[%zu].name", i). In a buffer of the thread's
 * own, valid until the 4th call after. */
const char *check_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Adds "WHERE: what" with the line of that path. */
void check_say(const struct check *check, enum report_severity severity, const char *where,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

#define check_error(check, where, ...) check_say(check, REPORT_ERROR, where, __VA_ARGS__)
#define check_warn(check, where, ...)  check_say(check, REPORT_WARNING, where, __VA_ARGS__)
