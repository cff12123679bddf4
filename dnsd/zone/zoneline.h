/* zoneline.h - joins the physical lines of a master file into one record's worth of words
 *
 * Quotes, escapes, parentheses and comments end here (RFC 1035 section 5.1): who calls sees
 * words, and the line on which the first of them stands.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "dnsd/zone/zonetoken.h"

struct zoneline_source {
	const char *text; /* borrowed, needs no NUL */
	size_t len;
	size_t pos;
	int line; /* physical lines that were read */
};

struct zoneline {
	int start;	    /* the physical line of its begin */
	bool leading_blank; /* the owner is the previous one */
	struct zonetoken *tokens;
	size_t n_tokens;
	const char *error; /* what is wrong with the line as such, or NULL */

	char *buf; /* what the tokens point into */
	size_t len;
	unsigned int depth; /* of parentheses */
};

int zoneline_init(struct zoneline *line); /* -ENOMEM */
void zoneline_fini(struct zoneline *line);

/* The next logical line, empty ones and mere comments included (no token then). False at the
 * end of the text. With `error` set the tokens are not to be used; reading can go on. */
bool zoneline_read(struct zoneline *line, struct zoneline_source *source);
