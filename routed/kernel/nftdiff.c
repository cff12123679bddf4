/* nftdiff.c - from one state of our nftables table to another, by the fewest changes
 *
 * A block (counter, set, map, chain) is known by its kind and name. What may happen to it, and
 * what follows:
 *
 *     new                    written as it is
 *     removed                deleted, once no rule uses it any more
 *     forwards differ        deleted and added one by one
 *     rules of a chain       the chain is flushed and filled again, in the same transaction
 *     declaration differs    the whole table is replaced: the kernel cannot change one
 *
 * Commands are ordered so that nothing is deleted while it is in use: flush, delete, then the
 * rest. The kernel takes them as one transaction, so no packet sees a state in between.
 */
#include "routed/kernel/nftdiff.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "routed/kernel/nftdigest.h"

/* ---- elements ---- */

static bool forward_eq(const struct nftforward *a, const struct nftforward *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* By address, protocol and port, as people sort them. */
static int forward_cmp(const void *left, const void *right)
{
	const struct nftforward *a = left;
	const struct nftforward *b = right;
	int order = memcmp(a->asked, b->asked, sizeof(a->asked));

	if (order == 0)
		order = (int)a->protocol - (int)b->protocol;
	if (order == 0)
		order = (int)a->port - (int)b->port;
	if (order == 0)
		order = memcmp(a->target, b->target, sizeof(a->target));
	return order ? order : (int)a->target_port - (int)b->target_port;
}

static bool key_eq(const struct nftforward *a, const struct nftforward *b)
{
	return memcmp(a, b, NFTFORWARD_KEY_LEN) == 0;
}

static struct nftforward *sorted_copy(const struct nftforward *items, size_t n)
{
	struct nftforward *copy = xreallocarray(NULL, n ? n : 1, sizeof(*copy));

	if (n > 0) {
		memcpy(copy, items, n * sizeof(*copy));
		qsort(copy, n, sizeof(*copy), forward_cmp);
	}
	return copy;
}

/* Those of `a` that are not in `b`, both sorted. */
static void add_missing(struct nftelements *elements, const struct nftforward *a, size_t n_a,
	const struct nftforward *b, size_t n_b)
{
	size_t at = 0;

	for (size_t i = 0; i < n_a; i++) {
		while (at < n_b && forward_cmp(&b[at], &a[i]) < 0)
			at++;
		if (at < n_b && forward_cmp(&b[at], &a[i]) == 0)
			continue;
		elements->items = xgrow(
			elements->items, elements->n, sizeof(*elements->items));
		elements->items[elements->n++] = a[i];
	}
}

static void change_add(struct nftchange *change, struct nftelements *elements)
{
	if (elements->n == 0)
		return;
	change->elements = xgrow(change->elements, change->n_elements, sizeof(*elements));
	change->elements[change->n_elements++] = *elements;
}

static struct nftelements elements_of(const struct nftblock *map, bool adds)
{
	struct nftelements elements = {.af = map->af, .adds = adds};

	memcpy(elements.map, map->name, sizeof(elements.map));
	return elements;
}

/* Most of the forwards are the same at the start and at the end: only what lies between them
 * is sorted and compared. */
static void diff_forwards(
	struct nftchange *change, const struct nftblock *old, const struct nftblock *new)
{
	size_t least = old->n_forwards < new->n_forwards ? old->n_forwards : new->n_forwards;
	struct nftelements gone = elements_of(new, false);
	struct nftelements come = elements_of(new, true);
	size_t start = 0;
	size_t end = 0;

	while (start < least && forward_eq(&old->forwards[start], &new->forwards[start]))
		start++;
	while (end < least - start && forward_cmp(&old->forwards[old->n_forwards - 1 - end],
					      &new->forwards[new->n_forwards - 1 - end]) == 0)
		end++;

	size_t n_old = old->n_forwards - start - end;
	size_t n_new = new->n_forwards - start - end;
	struct nftforward *before = sorted_copy(n_old ? old->forwards + start : NULL, n_old);
	struct nftforward *after = sorted_copy(n_new ? new->forwards + start : NULL, n_new);
	add_missing(&gone, before, n_old, after, n_new);
	add_missing(&come, after, n_new, before, n_old);
	change_add(change, &gone);
	change_add(change, &come);
	free(before);
	free(after);
}

bool nftdiff_fill(const struct nfttable *table, struct nftchange *ret_change)
{
	struct nftchange change = {.before = xstrdup(""), .after = xstrdup("")};
	bool is_unique = true;

	for (size_t i = 0; i < table->n && is_unique; i++) {
		const struct nftblock *map = &table->blocks[i];
		struct nftelements elements = elements_of(map, true);

		elements.items = sorted_copy(map->forwards, map->n_forwards);
		elements.n = map->n_forwards;
		for (size_t k = 1; k < elements.n; k++)
			if (key_eq(&elements.items[k - 1], &elements.items[k]))
				is_unique = false;
		if (elements.n == 0)
			free(elements.items);
		change_add(&change, &elements);
	}
	if (!is_unique) {
		nftchange_fini(&change);
		return false;
	}
	*ret_change = change;
	return true;
}

/* ---- blocks ---- */

static const struct nftblock *find_block(
	const struct nfttable *table, const struct nftblock *like, size_t hint)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct nftblock *block = &table->blocks[(hint + i) % table->n];

		if (block->kind == like->kind && strcmp(block->name, like->name) == 0)
			return block;
	}
	return NULL;
}

struct diff {
	struct nftchange change;
	struct text flushes;
	struct text deletes;
	struct text blocks;
};

static void add_command(struct text *text, const char *verb, const struct nftblock *block)
{
	text_add(text, "%s %s inet " NFT_TABLE " %s\n", verb, nftblock_kind_str(block->kind),
		block->name);
}

/* A block that both tables have. False if it cannot be changed in place. */
static bool diff_block(
	struct diff *diff, const struct nftblock *old, const struct nftblock *new)
{
	if (!nftblock_declares_same(old, new))
		return false;
	if (nftblock_holds_same(old, new))
		return true;
	switch (new->kind) {
	case NFTBLOCK_CHAIN:
		add_command(&diff->flushes, "flush", new);
		nftblock_write(new, false, &diff->blocks);
		return true;
	case NFTBLOCK_MAP:
		diff_forwards(&diff->change, old, new);
		return true;
	case NFTBLOCK_SET: /* nft 1.0.6 merges intervals, and fails at single changes of them */
	case NFTBLOCK_COUNTER:
		return false;
	}
	return false;
}

static void delete_removed(
	struct diff *diff, const struct nfttable *old, const struct nfttable *new)
{
	/* chains first: what their rules used is free then, the chains of a verdict too */
	for (int chains = 1; chains >= 0; chains--)
		for (size_t i = 0; i < old->n; i++) {
			const struct nftblock *block = &old->blocks[i];
			bool is_chain = block->kind == NFTBLOCK_CHAIN;

			if (is_chain != (chains == 1) || find_block(new, block, i))
				continue;
			if (is_chain)
				add_command(&diff->flushes, "flush", block);
			add_command(&diff->deletes, "delete", block);
		}
}

bool nftdiff(
	const struct nfttable *old, const struct nfttable *new, struct nftchange *ret_change)
{
	struct diff diff = {0};
	bool is_possible = true;

	for (size_t i = 0; i < new->n &&is_possible; i++) {
		const struct nftblock *was = find_block(old, &new->blocks[i], i);

		if (was)
			is_possible = diff_block(&diff, was, &new->blocks[i]);
		else
			nftblock_write(&new->blocks[i], false, &diff.blocks);
	}
	delete_removed(&diff, old, new);
	if (diff.deletes.len > 0)
		text_str(&diff.flushes, diff.deletes.data);
	diff.change.before = text_take(&diff.flushes);
	diff.change.after = text_take(&diff.blocks);
	text_fini(&diff.deletes);
	if (!is_possible) {
		nftchange_fini(&diff.change);
		return false;
	}
	*ret_change = diff.change;
	return true;
}

/* ---- changes ---- */

void nftchange_fini(struct nftchange *change)
{
	for (size_t i = 0; i < change->n_elements; i++)
		free(change->elements[i].items);
	free(change->elements);
	free(change->before);
	free(change->after);
	*change = (struct nftchange){0};
}

bool nftchange_is_empty(const struct nftchange *change)
{
	return change->n_elements == 0 && !*change->before && !*change->after;
}

static void write_change(const struct nftelements *elements, struct text *text)
{
	text_add(text, "%s element inet " NFT_TABLE " %s { ",
		elements->adds ? "add" : "delete", elements->map);
	for (size_t i = 0; i < elements->n; i++) {
		text_str(text, i ? ", " : "");
		nftforward_write(&elements->items[i], elements->af, !elements->adds, text);
	}
	text_str(text, " }\n");
}

char *nftchange_text(const struct nftchange *change)
{
	struct text text = {0};

	text_str(&text, change->before);
	for (size_t i = 0; i < change->n_elements; i++)
		write_change(&change->elements[i], &text);
	if (*change->after)
		text_add(&text, "table inet " NFT_TABLE " {\n%s}\n", change->after);
	return text_take(&text);
}

/* ---- lines, for people ---- */

static void add_lines(struct text *text, const char *prefix, const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");

		text_add(text, "%s%.*s\n", prefix, (int)len, lines);
		lines += len + (lines[len] == '\n');
	}
}

static void add_block_lines(
	struct text *text, const char *prefix, const struct nftblock *block)
{
	struct text lines = {0};

	nftblock_write(block, false, &lines);
	add_lines(text, prefix, lines.data);
	text_fini(&lines);
}

static void add_element_lines(
	struct text *text, const struct nftblock *old, const struct nftblock *new)
{
	struct nftchange change = {0};

	diff_forwards(&change, old, new);
	for (size_t i = 0; i < change.n_elements; i++) {
		struct text command = {0};

		write_change(&change.elements[i], &command);
		add_lines(text, change.elements[i].adds ? "+ nft " : "- nft ", command.data);
		text_fini(&command);
	}
	nftchange_fini(&change);
}

char *nftdiff_lines(const struct nfttable *old, const struct nfttable *new)
{
	struct text text = {0};

	text_str(&text, "");
	for (size_t i = 0; i < new->n; i++) {
		const struct nftblock *block = &new->blocks[i];
		const struct nftblock *was = old ? find_block(old, block, i) : NULL;
		bool in_place = was && nftblock_declares_same(was, block);

		if (in_place && nftblock_holds_same(was, block))
			continue;
		if (in_place && block->kind == NFTBLOCK_MAP) {
			add_element_lines(&text, was, block);
			continue;
		}
		if (was)
			add_block_lines(&text, "- ", was);
		add_block_lines(&text, "+ ", block);
	}
	for (size_t i = 0; old && i < old->n; i++)
		if (!find_block(new, &old->blocks[i], i))
			add_block_lines(&text, "- ", &old->blocks[i]);
	return text_take(&text);
}
