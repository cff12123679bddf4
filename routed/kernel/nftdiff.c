/* nftdiff.c - from one text of our nftables table to another, by the fewest changes
 *
 * The text is a list of blocks (map, set, chain, counter), each known by its kind and name:
 *
 *     <tab>map forward4 {            block
 *     <tab><tab>type ...             declaration
 *     <tab><tab>elements = {
 *     <tab><tab><tab>K : V,          one element per line
 *     <tab><tab>}
 *     <tab>}
 *
 * What may happen to a block, and what becomes of it:
 *
 *     comes                  written as it is
 *     goes                   deleted, once no rule uses it any more
 *     elements differ        deleted and added one by one
 *     rules of a chain       the chain is flushed and filled again, in the same transaction
 *     declaration differs    the whole table is replaced: the kernel cannot change one
 *
 * Commands are ordered so that nothing is deleted while it is in use: flush, delete, then the
 * rest. The kernel takes them as one transaction, so no packet sees what is in between.
 */
#include "routed/kernel/nftdiff.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "routed/kernel/nftdigest.h"
#include "routed/kernel/text.h"

struct span {
	const char *at;
	size_t len;
};

struct block {
	struct span kind; /* "map" */
	struct span name;
	struct span whole;	 /* with its head and its closing line */
	struct span declaration; /* of a chain: its `type ... hook ...` line, if any */
	struct span elements;	 /* lines; of a chain: its rules */
	bool used;		 /* has a match in the other text */
};

struct blocks {
	struct block *items;
	size_t n;
};

static bool span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static bool span_starts(struct span span, const char *with)
{
	size_t len = strlen(with);

	return span.len >= len && memcmp(span.at, with, len) == 0;
}

static bool span_is(struct span span, const char *text)
{
	return span.len == strlen(text) && span_starts(span, text);
}

/* Takes a line, without its newline, off the front of `rest`. */
static bool take_line(struct span *rest, struct span *ret_line)
{
	if (rest->len == 0)
		return false;

	const char *end = memchr(rest->at, '\n', rest->len);
	size_t len = end ? (size_t)(end - rest->at) : rest->len;
	*ret_line = (struct span){rest->at, len};
	rest->at += end ? len + 1 : len;
	rest->len -= end ? len + 1 : len;
	return true;
}

static struct span take_word(struct span *line)
{
	size_t len = 0;

	while (len < line->len && line->at[len] != ' ')
		len++;
	struct span word = {line->at, len};
	line->at += len;
	line->len -= len;
	while (line->len > 0 && line->at[0] == ' ') {
		line->at++;
		line->len--;
	}
	return word;
}

/* ---- reading ---- */

/* Up to the line that closes the block. False if the text is not as we write it. */
static bool read_body(struct span *rest, struct block *block)
{
	bool is_chain = span_is(block->kind, "chain");
	bool in_elements = false;
	struct span line;

	block->declaration = (struct span){rest->at, 0};
	block->elements = (struct span){rest->at, 0};
	while (take_line(rest, &line)) {
		const char *end = rest->at;

		if (span_is(line, "\t}")) {
			block->whole.len = (size_t)(end - block->whole.at);
			return !in_elements;
		}
		if (is_chain && span_starts(line, "\t\ttype ")) {
			block->declaration.len = (size_t)(end - block->declaration.at);
			block->elements.at = end;
		} else if (is_chain) {
			block->elements.len = (size_t)(end - block->elements.at);
		} else if (span_is(line, "\t\telements = {")) {
			in_elements = true;
			block->elements.at = end;
		} else if (in_elements && span_is(line, "\t\t}")) {
			block->elements.len = (size_t)(line.at - block->elements.at);
			in_elements = false;
		} else if (!in_elements) {
			if (block->elements.len)
				return false; /* a declaration behind the elements */
			block->declaration.len = (size_t)(end - block->declaration.at);
		}
	}
	return false;
}

static bool read_block(struct span *rest, struct span line, struct block *ret_block)
{
	struct block block = {.whole = {line.at, line.len + 1}};

	if (!span_starts(line, "\t") || span_starts(line, "\t\t"))
		return false;
	line.at++;
	line.len--;
	block.kind = take_word(&line);
	block.name = take_word(&line);
	if (block.name.len == 0 || !span_starts(line, "{"))
		return false;

	if (memchr(line.at, '}', line.len)) /* all on one line */
		block.declaration = line;
	else if (!read_body(rest, &block))
		return false;
	*ret_block = block;
	return true;
}

static bool read_blocks(const char *text, struct blocks *blocks)
{
	struct span rest = {text, strlen(text)};
	struct span line;

	if (!take_line(&rest, &line) || !span_is(line, "table inet " NFT_TABLE " {"))
		return false;
	while (take_line(&rest, &line)) {
		struct block block;

		if (span_is(line, "}"))
			return rest.len == 0;
		if (!read_block(&rest, line, &block))
			return false;

		struct block *items = reallocarray(
			blocks->items, blocks->n + 1, sizeof(*items));
		if (!items)
			return false;
		blocks->items = items;
		items[blocks->n++] = block;
	}
	return false;
}

/* ---- elements ---- */

struct lines {
	struct span *items;
	size_t n;
};

static int line_cmp(const void *a, const void *b)
{
	const struct span *x = a;
	const struct span *y = b;
	int order = memcmp(x->at, y->at, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Leaves out the whole lines that both have at their start and at their end: mostly that is
 * all but a few. */
static void strip_common(struct span *a, struct span *b)
{
	size_t least = a->len < b->len ? a->len : b->len;
	size_t start = 0;
	size_t end = 0;

	for (size_t i = 0; i < least && a->at[i] == b->at[i]; i++)
		if (a->at[i] == '\n')
			start = i + 1;
	for (size_t i = 1; i <= least - start; i++) {
		if (a->at[a->len - i] != b->at[b->len - i])
			break;
		if (i < least - start && a->at[a->len - i - 1] == '\n' &&
			b->at[b->len - i - 1] == '\n')
			end = i;
	}
	*a = (struct span){a->at + start, a->len - start - end};
	*b = (struct span){b->at + start, b->len - start - end};
}

/* The lines of elements, sorted; without their indentation and commas. */
static bool split_elements(struct span elements, struct lines *lines)
{
	struct span line;

	while (take_line(&elements, &line)) {
		while (line.len > 0 && line.at[0] == '\t') {
			line.at++;
			line.len--;
		}
		if (line.len > 0 && line.at[line.len - 1] == ',')
			line.len--;
		if ((lines->n & (lines->n - 1)) == 0) {
			struct span *items = reallocarray(
				lines->items, lines->n ? 2 * lines->n : 1, sizeof(*items));

			if (!items)
				return false;
			lines->items = items;
		}
		lines->items[lines->n++] = line;
	}
	if (lines->n > 0)
		qsort(lines->items, lines->n, sizeof(struct span), line_cmp);
	return true;
}

/* The key is what stands before " : "; in a set all of it is. */
static struct span element_key(struct span element)
{
	const char *colon = memmem(element.at, element.len, " : ", 3);

	if (colon)
		element.len = (size_t)(colon - element.at);
	return element;
}

static void add_span(struct text *text, struct span span)
{
	text_bytes(text, span.at, span.len);
}

/* One command for all elements that `lines` has and `other` has not. */
static void add_elements(struct text *text, const char *verb, struct span name,
	const struct lines *lines, const struct lines *other, bool keys_only)
{
	bool any = false;
	size_t at = 0;

	for (size_t i = 0; i < lines->n; i++) {
		struct span element = lines->items[i];

		while (at < other->n && line_cmp(&other->items[at], &element) < 0)
			at++;
		if (at < other->n && span_eq(other->items[at], element))
			continue;
		if (!any) {
			text_add(text, "%s element inet " NFT_TABLE " ", verb);
			add_span(text, name);
		}
		text_str(text, any ? ", " : " { ");
		add_span(text, keys_only ? element_key(element) : element);
		any = true;
	}
	if (any)
		text_str(text, " }\n");
}

static bool diff_elements(struct text *text, const struct block *old, const struct block *new)
{
	struct span old_lines = old->elements;
	struct span new_lines = new->elements;
	struct lines gone = {0};
	struct lines come = {0};

	strip_common(&old_lines, &new_lines);
	bool ok = split_elements(old_lines, &gone) && split_elements(new_lines, &come);
	if (ok) {
		add_elements(text, "delete", new->name, &gone, &come, true);
		add_elements(text, "add", new->name, &come, &gone, false);
	}
	free(gone.items);
	free(come.items);
	return ok;
}

/* ---- blocks ---- */

struct diff {
	struct text flushes;
	struct text deletes;
	struct text elements;
	struct text blocks; /* new ones, and chains filled again */
};

static struct block *find_block(struct blocks *blocks, const struct block *like, size_t hint)
{
	for (size_t i = 0; i < blocks->n; i++) {
		struct block *block = &blocks->items[(hint + i) % blocks->n];

		if (span_eq(block->name, like->name) && span_eq(block->kind, like->kind))
			return block;
	}
	return NULL;
}

static void command(struct text *text, const char *verb, const struct block *block)
{
	text_add(text, "%s %.*s inet " NFT_TABLE " %.*s\n", verb, (int)block->kind.len,
		block->kind.at, (int)block->name.len, block->name.at);
}

/* A block that both texts have. False if it cannot be changed in place. */
static bool diff_block(struct diff *diff, const struct block *old, const struct block *new)
{
	if (!span_eq(old->declaration, new->declaration))
		return false;
	if (span_eq(old->elements, new->elements))
		return true;
	if (span_is(new->kind, "chain")) {
		command(&diff->flushes, "flush", new);
		add_span(&diff->blocks, new->whole);
		return true;
	}
	/* nft 1.0.6 merges intervals on its own, and loses its way in single changes of them
	 */
	if (memmem(new->declaration.at, new->declaration.len, "interval", 8))
		return false;
	return diff_elements(&diff->elements, old, new);
}

static bool diff_blocks(struct diff *diff, struct blocks *old, struct blocks *new)
{
	for (size_t i = 0; i < new->n; i++) {
		struct block *was = find_block(old, &new->items[i], i);

		if (was)
			was->used = true;
		else
			add_span(&diff->blocks, new->items[i].whole);
		if (was && !diff_block(diff, was, &new->items[i]))
			return false;
	}
	for (size_t i = 0; i < old->n; i++) {
		const struct block *gone = &old->items[i];

		if (gone->used)
			continue;
		if (span_is(gone->kind, "chain"))
			command(&diff->flushes, "flush", gone);
	}
	/* chains first: what their rules used is free then, the chains of a verdict too */
	for (int chains = 1; chains >= 0; chains--)
		for (size_t i = 0; i < old->n; i++)
			if (!old->items[i].used &&
				span_is(old->items[i].kind, "chain") == (chains == 1))
				command(&diff->deletes, "delete", &old->items[i]);
	return true;
}

static char *join(struct diff *diff)
{
	struct text all = {0};
	const struct text *parts[] = {&diff->flushes, &diff->deletes, &diff->elements};

	text_str(&all, "");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i]->len)
			text_str(&all, parts[i]->data);
	if (diff->blocks.len) {
		text_str(&all, "table inet " NFT_TABLE " {\n");
		text_str(&all, diff->blocks.data);
		text_str(&all, "}\n");
	}
	return text_take(&all);
}

char *nftdiff(const char *old, const char *new)
{
	struct blocks before = {0};
	struct blocks after = {0};
	struct diff diff = {0};
	char *commands = NULL;

	if (read_blocks(old, &before) && read_blocks(new, &after) &&
		diff_blocks(&diff, &before, &after))
		commands = join(&diff);

	text_fini(&diff.flushes);
	text_fini(&diff.deletes);
	text_fini(&diff.elements);
	text_fini(&diff.blocks);
	free(before.items);
	free(after.items);
	return commands;
}

/* ---- a table and what fills it ---- */

static bool is_forward_map(const struct block *block)
{
	return span_is(block->kind, "map") && span_starts(block->name, "forward");
}

/* Equal keys would be next to each other. */
static bool keys_differ(const struct lines *lines)
{
	for (size_t i = 1; i < lines->n; i++)
		if (span_eq(element_key(lines->items[i - 1]), element_key(lines->items[i])))
			return false;
	return true;
}

/* The block without its elements; what fills it goes to `elements`. */
static bool split_block(const struct block *block, struct text *table, struct text *elements)
{
	const struct lines none = {0};
	struct lines lines = {0};
	struct span head = {block->whole.at,
		(size_t)(block->declaration.at + block->declaration.len - block->whole.at)};

	bool ok = split_elements(block->elements, &lines) && keys_differ(&lines);
	if (ok)
		add_elements(elements, "add", block->name, &lines, &none, false);
	free(lines.items);
	add_span(table, head);
	text_str(table, "\t}\n");
	return ok;
}

bool nftdiff_split(const char *text, char **ret_table, char **ret_elements)
{
	struct blocks blocks = {0};
	struct text table = {0};
	struct text elements = {0};
	bool ok = read_blocks(text, &blocks);

	text_str(&table, "table inet " NFT_TABLE " {\n");
	text_str(&elements, "");
	for (size_t i = 0; i < blocks.n && ok; i++) {
		if (is_forward_map(&blocks.items[i]))
			ok = split_block(&blocks.items[i], &table, &elements);
		else
			add_span(&table, blocks.items[i].whole);
	}
	text_str(&table, "}\n");
	free(blocks.items);
	if (!ok) {
		text_fini(&table);
		text_fini(&elements);
		return false;
	}
	*ret_table = text_take(&table);
	*ret_elements = text_take(&elements);
	return true;
}

/* ---- lines, for people ---- */

static void add_lines(struct text *text, char sign, struct span lines)
{
	struct span line;

	while (take_line(&lines, &line))
		text_add(text, "%c %.*s\n", sign, (int)line.len, line.at);
}

/* A block that both texts have. */
static void lines_of_changed(
	struct text *text, const struct block *old, const struct block *new)
{
	bool in_place = span_eq(old->declaration, new->declaration);
	struct text changes = {0};

	if (in_place && span_eq(old->elements, new->elements))
		return;
	if (in_place && !span_is(new->kind, "chain") && diff_elements(&changes, old, new) &&
		changes.len) {
		struct span rest = {changes.data, changes.len};
		struct span line;

		while (take_line(&rest, &line))
			text_add(text, "%c nft %.*s\n", line.at[0] == 'd' ? '-' : '+',
				(int)line.len, line.at);
	} else {
		add_lines(text, '-', old->whole);
		add_lines(text, '+', new->whole);
	}
	text_fini(&changes);
}

char *nftdiff_lines(const char *old, const char *new)
{
	struct blocks before = {0};
	struct blocks after = {0};
	struct text text = {0};

	text_str(&text, "");
	if (old && !read_blocks(old, &before))
		before.n = 0;
	if (!read_blocks(new, &after))
		after.n = 0;

	for (size_t i = 0; i < after.n; i++) {
		struct block *was = before.n ? find_block(&before, &after.items[i], i) : NULL;

		if (was) {
			was->used = true;
			lines_of_changed(&text, was, &after.items[i]);
		} else {
			add_lines(&text, '+', after.items[i].whole);
		}
	}
	for (size_t i = 0; i < before.n; i++)
		if (!before.items[i].used)
			add_lines(&text, '-', before.items[i].whole);
	free(before.items);
	free(after.items);
	return text_take(&text);
}
