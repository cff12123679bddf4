/* doctorjudge.h - what the parts of the doctor's judgement share; doctor.c calls the others */
#pragma once
#include "routed/doctor/doctor.h"

struct judge {
	const struct site *site;
	const struct doctor_facts *facts;
	struct doctor_findings *findings;
	char *problem; /* of the finding that is being put down */
};

/* A finding takes two sentences: first the problem, then the remedy. */
void judge_problem(struct judge *judge, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void judge_remedy(struct judge *judge, const char *check, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* doctorfilter.c: chains of others that drop what we forward, and questions to dnsd */
void judge_filters(struct judge *judge);

/* doctorrules.c: rules of others before ours, and such as ours keep from being reached */
void judge_rules(struct judge *judge);
