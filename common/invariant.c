/* invariant.c - what our own code guarantees, checked in release builds too */
#include "common/invariant.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"

void invariant_abort(const char *file, int line, const char *truth, const char *format, ...)
{
	char words[512];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	log_error(0, "bug",
		"%s (%s:%d: %s does not hold); this process ends: please report it", words,
		file, line, truth);
	abort();
}
