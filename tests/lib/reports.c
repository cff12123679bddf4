/* reports.c - the lines of a report as one text, to compare with */
#include "tests/lib/reports.h"

#include <stdlib.h>

char *report_lines(struct report *report)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	report_print(report, out);
	fclose(out);
	return text;
}
