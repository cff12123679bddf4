/* siteproblem.c - how the checks of site.yaml report a problem: by the path of a key
 *
 * The line is looked up in the document, so that a check names the path only.
 */
#include "common/site/siteproblem.h"

#include <stdarg.h>
#include <stdio.h>

const char *check_path(const char *format, ...)
{
	static _Thread_local char ring[4][256];
	static _Thread_local unsigned int next;
	char *out = ring[next++ % 4];
	va_list args;

	va_start(args, format);
	vsnprintf(out, sizeof(ring[0]), format, args);
	va_end(args);
	return out;
}

void check_say(const struct check *check, enum report_severity severity, const char *where,
	const char *format, ...)
{
	char what[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	report_add(check->doc->report, severity, check->doc->file,
		doc_line_of(check->doc, where), "%s: %s", where, what);
}
