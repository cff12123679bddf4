/* nftdiff.h - from one text of our nftables table to another, by the fewest changes
 *
 * Pure. A whole table is replaced in one transaction too, but that starts every counter anew,
 * forgets what packets taught (sticky clients), and with ten thousand forwards takes a tenth
 * of a second; one forward more or less should not.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* The commands that turn the table of `old` into that of `new`, both as wanted_nft writes
 * them: a block per line range, elements one per line. "" if nothing is to be done; NULL if
 * only replacing the whole will do. The caller's to free. */
char *nftdiff(const char *old, const char *new);

/* Cuts a table in two: `ret_table` is the same with the forward maps empty, `ret_elements` the
 * commands that fill them, "" if there are none. Both are the caller's to free. False if the
 * text is not as wanted_nft writes it. */
bool nftdiff_split(const char *text, char **ret_table, char **ret_elements);

/* The two texts as lines with + and - before those that differ, for `routed plan`; `old` is
 * NULL where there is no table. "" if they are equal. The caller's to free. */
char *nftdiff_lines(const char *old, const char *new);
