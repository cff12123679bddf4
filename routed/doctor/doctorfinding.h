/* doctorfinding.h - what the doctor found: a list of problems, each with its remedy
 *
 * Part of doctor.h.
 */
#pragma once
#include <stddef.h>

struct doctor_facts;
struct site;

struct doctor_finding {
	const char *check; /* the row of doctor.c's table: a stable word for programs */
	char *problem;
	char *remedy;
};

struct doctor_findings {
	struct doctor_finding *items;
	size_t n;
};

/* What a check looks at, and where it reports. */
struct doctor_checkup {
	const struct site *site;
	const struct doctor_facts *facts;
	const char *check; /* the one that runs */
	struct doctor_findings *findings;
	char *problem; /* of the finding that has no remedy yet; NULL: there is none */
};

/* A finding takes two calls: first the problem, then the remedy. Both are sentences without a
 * full stop. */
void doctor_problem(struct doctor_checkup *checkup, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void doctor_remedy(struct doctor_checkup *checkup, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void doctor_findings_fini(struct doctor_findings *findings);
