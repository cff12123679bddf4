/* doctorfinding.c - what the doctor found: a list of problems, each with its remedy */
#include "routed/doctor/doctorfinding.h"

#include <stdarg.h>
#include <stdlib.h>

#include "common/invariant.h"
#include "common/xalloc.h"

void doctor_problem(struct doctor_checkup *checkup, const char *format, ...)
{
	va_list args;

	invariant(!checkup->problem, "check %s: a problem without a remedy", checkup->check);
	va_start(args, format);
	checkup->problem = xvasprintf(format, args);
	va_end(args);
}

void doctor_remedy(struct doctor_checkup *checkup, const char *format, ...)
{
	struct doctor_findings *findings = checkup->findings;
	va_list args;

	invariant(checkup->problem, "check %s: a remedy without a problem", checkup->check);
	findings->items = xgrow(findings->items, findings->n, sizeof(*findings->items));
	va_start(args, format);
	findings->items[findings->n++] = (struct doctor_finding){
		.check = checkup->check,
		.problem = checkup->problem,
		.remedy = xvasprintf(format, args),
	};
	va_end(args);
	checkup->problem = NULL;
}

void doctor_findings_fini(struct doctor_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		free(findings->items[i].problem);
		free(findings->items[i].remedy);
	}
	free(findings->items);
	*findings = (struct doctor_findings){0};
}
