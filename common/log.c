/* log.c - what the operator reads: one line per event on standard error
 *
 * The log is global: program, level and format are set once at the start. Each line is put
 * together first and written by one call, so that lines of several threads never mix.
 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 2048 };

static const char *log_program = "multihomed";
static enum log_level log_max = LOG_LEVEL_INFO;
static bool log_journal;

void log_init(const char *program, enum log_level level)
{
	log_program = program;
	log_max = level;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

enum log_level log_level(void)
{
	return log_max;
}

static size_t log_prefix(char *line, size_t cap, enum log_level level)
{
	if (log_journal)
		return (size_t)snprintf(line, cap, "<%d>", (int)level);

	struct timespec now;
	struct tm tm;
	char when[32];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%F %T", &tm);
	return (size_t)snprintf(
		line, cap, "%s.%03ld %s: ", when, now.tv_nsec / 1000000, log_program);
}

__attribute__((format(printf, 4, 0))) static void log_va(
	enum log_level level, const char *area, int err, const char *format, va_list args)
{
	char line[LOG_LINE_MAX];
	size_t cap = sizeof(line) - 1; /* one octet kept for the line feed */
	size_t n = log_prefix(line, cap, level);

	if (level <= LOG_LEVEL_WARNING)
		n += (size_t)snprintf(line + n, cap - n, "%s",
			level == LOG_LEVEL_ERROR ? "error: " : "warning: ");
	n += (size_t)snprintf(line + n, cap - n, "%s: ", area);

	int more = vsnprintf(line + n, cap - n, format, args);
	n = more < 0 ? n : n + (size_t)more;
	if (err && n < cap)
		n += (size_t)snprintf(line + n, cap - n, ": %s", strerror(-err));
	if (n >= cap)
		n = cap - 1;
	line[n++] = '\n';

	/* there is no other place to report that the log cannot be written */
	(void)!write(STDERR_FILENO, line, n);
}

void log_line(enum log_level level, const char *area, const char *format, ...)
{
	va_list args;

	if (level > log_max)
		return;
	va_start(args, format);
	log_va(level, area, 0, format, args);
	va_end(args);
}

int log_error(int err, const char *area, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_va(LOG_LEVEL_ERROR, area, err, format, args);
	va_end(args);
	return err ? err : -EIO;
}
