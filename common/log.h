/* log.h - what the operator reads: one line per event on standard error
 *
 * Under systemd each line starts with its level as "<N>" (sd-daemon(3)), which the journal
 * removes; elsewhere it starts with the time. A line reads "AREA: what happened, to what,
 * what follows".
 */
#pragma once

enum log_level {
	LOG_LEVEL_ERROR = 3, /* syslog's numbers */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* `program` is a literal. Lines above `level` are not printed. */
void log_init(const char *program, enum log_level level);
enum log_level log_level(void);

void log_line(enum log_level level, const char *area, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints at error and returns `err`. The line ends with the words for the negative errno
 * `err`; with 0 it has none, and -EIO is returned. */
int log_error(int err, const char *area, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_warning(area, ...) log_line(LOG_LEVEL_WARNING, area, __VA_ARGS__)
#define log_notice(area, ...)  log_line(LOG_LEVEL_NOTICE, area, __VA_ARGS__)
#define log_info(area, ...)    log_line(LOG_LEVEL_INFO, area, __VA_ARGS__)
#define log_debug(area, ...)   log_line(LOG_LEVEL_DEBUG, area, __VA_ARGS__)
