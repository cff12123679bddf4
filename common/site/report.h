/* report.h - every mistake found in what the operator wrote, collected in one run
 *
 * The readers of site.yaml and of zone files add to one report; `check` prints it whole, `run`
 * logs it and refuses if there is an error in it. A line reads
 *
 *     site.yaml:12: uplinks[1].interface: 'eth0/1' is not an interface name
 *     www.example.com.zone:7: warning: ...
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum report_severity {
	REPORT_ERROR,
	REPORT_WARNING,
};

struct report_entry {
	enum report_severity severity;
	char *file; /* as the operator names it */
	int line;   /* from 1; 0: the file as a whole */
	char *text; /* "path: what", without file and line */
};

struct report {
	struct report_entry *entries;
	size_t n_entries;
	size_t n_errors;
	size_t n_warnings;
};

void report_init(struct report *report);
void report_fini(struct report *report);

/* Copies `file` and the text. */
void report_add(struct report *report, enum report_severity severity, const char *file,
	int line, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Sorted by file (in order of appearance) and line, warnings with "warning: " before them. */
typedef void report_each_fn(enum report_severity severity, const char *line, void *arg);
void report_each(struct report *report, report_each_fn *each, void *arg);

/* Those lines to `out`. */
void report_print(struct report *report, FILE *out);

/* The same lines through the log, errors at error, warnings at warning. */
void report_log(struct report *report, const char *area);
