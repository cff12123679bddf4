/* zoneline.h - joins the physical lines of a master file into the words of one record
 *
 * Quotes, escapes, parentheses and comments end here (RFC 1035 section 5.1): the caller sees
 * words, and the line of the first one.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "dnsd/zone/zonetoken.h"

struct zoneline_source {
	const char *text; /* borrowed, needs no NUL */
	size_t len;
	size_t pos;
	int line; /* number of physical lines read so far */
};

struct zoneline {
	int start;	    /* the physical line where it begins */
	bool leading_blank; /* the owner is that of the previous record */
	struct zonetoken *tokens;
	size_t n_tokens;
	const char *error; /* NULL, or the mistake of the line as a whole */

	char *buf; /* what the tokens point into */
	size_t len;
	unsigned int depth; /* of parentheses */
};

int zoneline_init(struct zoneline *line); /* -ENOMEM */
void zoneline_fini(struct zoneline *line);

/* The next logical line; an empty line, or one with a comment alone, has no token. False at
 * the end of the text. With `error` set the tokens must not be used; the caller may go on
 * reading. */
bool zoneline_read(struct zoneline *line, struct zoneline_source *source);
