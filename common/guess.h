/* guess.h - what may have been meant by a misspelt word */
#pragma once
#include <stddef.h>

/* Offer the candidates one by one, then look at `best`: NULL if none is near. */
struct guess {
	const char *text;
	const char *best;
	size_t distance; /* of the best so far */
};

struct guess guess_of(const char *text);
void guess_offer(struct guess *guess, const char *word);
