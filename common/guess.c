/* guess.c - what may have been meant by a misspelt word */
#include "common/guess.h"

#include <stdbool.h>
#include <string.h>

enum { GUESS_MAX_LEN = 31, GUESS_MAX_DISTANCE = 2 };

static size_t guess_min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

static char guess_fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Edits from one word to the other, a swap of neighbours counting as one. Both are at most
 * GUESS_MAX_LEN long. */
static size_t guess_distance(const char *a, const char *b)
{
	size_t rows[3][GUESS_MAX_LEN + 1] = {{0}};
	size_t *before = rows[0];
	size_t *above = rows[1];
	size_t *row = rows[2];
	size_t len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *free_row = before;

		before = above;
		above = row;
		row = free_row;
		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			bool same = guess_fold(a[i - 1]) == guess_fold(b[j - 1]);

			row[j] = guess_min3(
				above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
			if (i > 1 && j > 1 && guess_fold(a[i - 1]) == guess_fold(b[j - 2]) &&
				guess_fold(a[i - 2]) == guess_fold(b[j - 1]))
				row[j] = guess_min3(row[j], row[j], before[j - 2] + 1);
		}
	}
	return row[len];
}

struct guess guess_of(const char *text)
{
	return (struct guess){.text = text, .distance = GUESS_MAX_DISTANCE + 1};
}

void guess_offer(struct guess *guess, const char *word)
{
	size_t text_len = strlen(guess->text);
	size_t word_len = strlen(word);

	if (text_len > GUESS_MAX_LEN || word_len > GUESS_MAX_LEN)
		return;

	/* two edits turn any short word into any other: allow them in longer ones only */
	size_t distance = guess_distance(guess->text, word);
	if (distance > (word_len < 4 ? 1 : GUESS_MAX_DISTANCE) || distance >= text_len)
		return;
	if (distance < guess->distance) {
		guess->distance = distance;
		guess->best = word;
	}
}
