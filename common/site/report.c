/* report.c - every mistake found in what the operator wrote, collected in one run
 *
 * Called by the readers of site.yaml and of zone files, and printed by the verbs. It must
 * never lose an entry.
 */
#include "common/site/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/invariant.h"
#include "common/log.h"
#include "common/xalloc.h"

void report_init(struct report *report)
{
	*report = (struct report){0};
}

void report_fini(struct report *report)
{
	for (size_t i = 0; i < report->n_entries; i++) {
		free(report->entries[i].file);
		free(report->entries[i].text);
	}
	free(report->entries);
	report_init(report);
}

void report_add(struct report *report, enum report_severity severity, const char *file,
	int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);

	size_t n = report->n_entries;
	report->entries = xgrow(report->entries, n, sizeof(*report->entries));
	report->entries[report->n_entries++] = (struct report_entry){
		.severity = severity,
		.file = xstrdup(file),
		.line = line,
		.text = text,
	};
	if (severity == REPORT_ERROR)
		report->n_errors++;
	else
		report->n_warnings++;
}

/* Where a file first appears: files keep the order in which they were read. */
static size_t first_with_file(const struct report *report, const char *file)
{
	for (size_t i = 0; i < report->n_entries; i++)
		if (strcmp(report->entries[i].file, file) == 0)
			return i;
	invariant(false, "%s is the file of no entry", file);
}

/* Stable insertion sort into a copy of indices: reports are short. */
static size_t *sorted_order(const struct report *report)
{
	size_t n = report->n_entries;
	size_t *order = xcalloc(n + 1, 2 * sizeof(*order));
	size_t *group = order + n + 1;

	for (size_t i = 0; i < n; i++) {
		const struct report_entry *entry = &report->entries[i];
		size_t at = i;

		group[i] = first_with_file(report, entry->file);
		while (at > 0) {
			size_t before = order[at - 1];

			if (group[before] < group[i] ||
				(group[before] == group[i] &&
					report->entries[before].line <= entry->line))
				break;
			order[at] = before;
			at--;
		}
		order[at] = i;
	}
	return order;
}

static void entry_format(const struct report_entry *entry, char *line, size_t cap, bool label)
{
	const char *kind = label && entry->severity == REPORT_WARNING ? "warning: " : "";

	if (entry->line > 0)
		snprintf(
			line, cap, "%s:%d: %s%s", entry->file, entry->line, kind, entry->text);
	else
		snprintf(line, cap, "%s: %s%s", entry->file, kind, entry->text);
}

void report_each(struct report *report, report_each_fn *each, void *arg)
{
	size_t *order = sorted_order(report);

	for (size_t i = 0; i < report->n_entries; i++) {
		const struct report_entry *entry = &report->entries[order[i]];
		char line[2048];

		entry_format(entry, line, sizeof(line), true);
		each(entry->severity, line, arg);
	}
	free(order);
}

static void print_line(enum report_severity severity, const char *line, void *arg)
{
	(void)severity;
	fprintf(arg, "%s\n", line);
}

void report_print(struct report *report, FILE *out)
{
	report_each(report, print_line, out);
}

void report_log(struct report *report, const char *area)
{
	size_t *order = sorted_order(report);

	for (size_t i = 0; i < report->n_entries; i++) {
		const struct report_entry *entry = &report->entries[order[i]];
		char line[2048];

		entry_format(entry, line, sizeof(line), false);
		log_line(entry->severity == REPORT_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
			area, "%s", line);
	}
	free(order);
}
