/* reports.h - the lines of a report as one text, to compare with */
#pragma once
#include "common/site/report.h"

/* The lines that `check` prints, each with its newline. The caller frees it. */
char *report_lines(struct report *report);
