/* nfttable.c - our nftables table as values: counters, sets, maps of port forwards, chains
 *
 * As text a table is a list of blocks, each known by its kind and name:
 *
 *     <tab>map forward4 {            block
 *     <tab><tab>type ...             declaration
 *     <tab><tab>elements = {
 *     <tab><tab><tab>K : V,          one element per line
 *     <tab><tab>}
 *     <tab>}
 *
 * The text is what libnftables reads and what is kept in a file for the next start. It is read back
 * from that file only, and believed only if it gives the same text again.
 */
#include "routed/kernel/nfttable.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/invariant.h"
#include "common/xalloc.h"
#include "routed/kernel/nftdigest.h"

static const char table_head[] = "table inet " NFT_TABLE " {\n";

/* ---- writing ---- */

struct nfttable *nfttable_new(void)
{
	struct nfttable *table = xcalloc(1, sizeof(*table));

	table->n_refs = 1;
	return table;
}

struct nfttable *nfttable_ref(struct nfttable *table)
{
	table->n_refs++;
	return table;
}

void nfttable_unref(struct nfttable *table)
{
	if (!table || --table->n_refs > 0)
		return;
	for (size_t i = 0; i < table->n; i++) {
		text_fini(&table->blocks[i].declaration);
		text_fini(&table->blocks[i].rules);
		free(table->blocks[i].prefixes);
		free(table->blocks[i].forwards);
	}
	free(table->blocks);
	free(table);
}

void nfttable_unrefp(struct nfttable **table)
{
	nfttable_unref(*table);
}

struct nftblock *nfttable_add(
	struct nfttable *table, enum nftblock_kind kind, const char *name)
{
	invariant(strlen(name) < NFTTABLE_NAME_MAX, "'%s' is too long for nftables", name);
	table->blocks = xgrow(table->blocks, table->n, sizeof(*table->blocks));

	struct nftblock *block = &table->blocks[table->n++];
	*block = (struct nftblock){.kind = kind};
	memcpy(block->name, name, strlen(name));
	return block;
}

void nftblock_add_prefix(struct nftblock *block, const struct prefix *prefix)
{
	block->prefixes = xgrow(block->prefixes, block->n_prefixes, sizeof(*prefix));
	block->prefixes[block->n_prefixes++] = *prefix;
}

void nftblock_add_forward(struct nftblock *block, const struct nftforward *forward)
{
	block->forwards = xgrow(block->forwards, block->n_forwards, sizeof(*forward));
	block->forwards[block->n_forwards++] = *forward;
}

/* ---- comparing ---- */

static bool text_eq(const struct text *a, const struct text *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool prefixes_eq(const struct nftblock *a, const struct nftblock *b)
{
	if (a->n_prefixes != b->n_prefixes)
		return false;
	for (size_t i = 0; i < a->n_prefixes; i++)
		if (a->prefixes[i].len != b->prefixes[i].len ||
			!addr_eq(&a->prefixes[i].addr, &b->prefixes[i].addr))
			return false;
	return true;
}

static bool forwards_eq(const struct nftblock *a, const struct nftblock *b)
{
	return a->n_forwards == b->n_forwards &&
	       (a->n_forwards == 0 || memcmp(a->forwards, b->forwards,
					      a->n_forwards * sizeof(*a->forwards)) == 0);
}

bool nftblock_declares_same(const struct nftblock *a, const struct nftblock *b)
{
	return a->af == b->af && text_eq(&a->declaration, &b->declaration);
}

bool nftblock_holds_same(const struct nftblock *a, const struct nftblock *b)
{
	return text_eq(&a->rules, &b->rules) && prefixes_eq(a, b) && forwards_eq(a, b);
}

bool nfttable_eq(const struct nfttable *a, const struct nfttable *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->blocks[i].kind != b->blocks[i].kind ||
			strcmp(a->blocks[i].name, b->blocks[i].name) != 0 ||
			strcmp(a->blocks[i].note, b->blocks[i].note) != 0 ||
			!nftblock_declares_same(&a->blocks[i], &b->blocks[i]) ||
			!nftblock_holds_same(&a->blocks[i], &b->blocks[i]))
			return false;
	return true;
}

size_t nfttable_n_forwards(const struct nfttable *table)
{
	size_t n = 0;

	for (size_t i = 0; i < table->n; i++)
		n += table->blocks[i].n_forwards;
	return n;
}

/* ---- as text ---- */

const char *nftblock_kind_str(enum nftblock_kind kind)
{
	static const char *const words[] = {
		[NFTBLOCK_COUNTER] = "counter",
		[NFTBLOCK_SET] = "set",
		[NFTBLOCK_MAP] = "map",
		[NFTBLOCK_CHAIN] = "chain",
	};

	return words[kind];
}

/* Returns `out`. */
static const char *addr_word(const uint8_t *octets, int af, char out[INET6_ADDRSTRLEN])
{
	invariant(inet_ntop(af, octets, out, INET6_ADDRSTRLEN) != NULL, "no family %d", af);
	return out;
}

/* `target` NULL: the key alone. Large sites have ten thousand of these, hence no formats. */
static void write_forward(const struct nftforward *forward, const char *asked,
	const char *target, struct text *text)
{
	text_str(text, asked);
	text_str(text, forward->protocol == IPPROTO_TCP ? " . tcp . " : " . udp . ");
	text_uint(text, forward->port);
	if (!target)
		return;
	text_str(text, " : ");
	text_str(text, target);
	text_str(text, " . ");
	text_uint(text, forward->target_port);
}

void nftforward_write(
	const struct nftforward *forward, int af, bool key_only, struct text *text)
{
	char asked[INET6_ADDRSTRLEN];
	char target[INET6_ADDRSTRLEN];

	write_forward(forward, addr_word(forward->asked, af, asked),
		key_only ? NULL : addr_word(forward->target, af, target), text);
}

/* Neighbours mostly share their addresses. To print both of each forward would cost ten times
 * as much as all else. */
static void write_forwards(const struct nftblock *block, struct text *text)
{
	char asked[INET6_ADDRSTRLEN];
	char target[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < block->n_forwards; i++) {
		const struct nftforward *forward = &block->forwards[i];

		if (i == 0 ||
			memcmp(forward->asked, forward[-1].asked, sizeof(forward->asked)) != 0)
			addr_word(forward->asked, block->af, asked);
		if (i == 0 || memcmp(forward->target, forward[-1].target,
				      sizeof(forward->target)) != 0)
			addr_word(forward->target, block->af, target);
		text_str(text, "\t\t\t");
		write_forward(forward, asked, target, text);
		text_str(text, ",\n");
	}
}

static void write_elements(const struct nftblock *block, struct text *text)
{
	text_str(text, "\t\telements = {\n");
	for (size_t i = 0; i < block->n_prefixes; i++)
		text_add(text, "\t\t\t%s,\n", prefix_str(&block->prefixes[i]));
	write_forwards(block, text);
	text_str(text, "\t\t}\n");
}

static void write_text(const struct text *from, struct text *to)
{
	if (from->len > 0)
		text_bytes(to, from->data, from->len);
}

void nftblock_write(const struct nftblock *block, bool empty, struct text *text)
{
	text_add(text, "\t%s %s {", nftblock_kind_str(block->kind), block->name);
	if (block->kind == NFTBLOCK_COUNTER) {
		text_str(text, " }\n");
		return;
	}
	if (*block->note)
		text_add(text, " # %s", block->note);
	text_str(text, "\n");
	write_text(&block->declaration, text);
	write_text(&block->rules, text);
	if (block->n_prefixes > 0 || (block->n_forwards > 0 && !empty))
		write_elements(block, text);
	text_str(text, "\t}\n");
}

char *nfttable_text(const struct nfttable *table, bool empty)
{
	struct text text = {0};

	text_str(&text, table_head);
	for (size_t i = 0; i < table->n; i++)
		nftblock_write(&table->blocks[i], empty, &text);
	text_str(&text, "}\n");
	return text_take(&text);
}

/* ---- from text ---- */

/* The next line, which it ends with a NUL instead of a newline; NULL at the end. */
static char *next_line(char **rest)
{
	char *line = *rest;
	char *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*rest = end + 1;
	return line;
}

/* "\tchain mark_in_0 { # isp-a" */
static struct nftblock *read_head(struct nfttable *table, const char *line)
{
	char kind[16];
	char name[NFTTABLE_NAME_MAX];
	char note[NFTTABLE_NAME_MAX] = "";

	if (sscanf(line, "\t%15s %63s { # %63s", kind, name, note) < 2)
		return NULL;
	for (enum nftblock_kind k = NFTBLOCK_COUNTER; k <= NFTBLOCK_CHAIN; k++)
		if (strcmp(kind, nftblock_kind_str(k)) == 0) {
			struct nftblock *block = nfttable_add(table, k, name);

			memcpy(block->note, note, sizeof(note));
			if (k == NFTBLOCK_MAP) /* nftforwards.c names it so */
				block->af = name[strlen(name) - 1] == '6' ? AF_INET6 : AF_INET;
			return block;
		}
	return NULL;
}

static bool read_forward(struct nftblock *block, const char *line)
{
	char asked[INET6_ADDRSTRLEN];
	char protocol[4];
	char target[INET6_ADDRSTRLEN];
	struct nftforward forward = {0};

	if (sscanf(line, "%45s . %3s . %hu : %45s . %hu", asked, protocol, &forward.port,
		    target, &forward.target_port) != 5 ||
		inet_pton(block->af, asked, forward.asked) != 1 ||
		inet_pton(block->af, target, forward.target) != 1)
		return false;
	forward.protocol = strcmp(protocol, "tcp") == 0 ? IPPROTO_TCP : IPPROTO_UDP;
	nftblock_add_forward(block, &forward);
	return true;
}

static bool read_element(struct nftblock *block, char *line)
{
	struct prefix prefix;

	line += strspn(line, "\t");
	line[strcspn(line, ",")] = '\0';
	if (block->kind == NFTBLOCK_MAP)
		return read_forward(block, line);
	if (prefix_parse(line, &prefix) < 0)
		return false;
	nftblock_add_prefix(block, &prefix);
	return true;
}

static bool read_body(struct nftblock *block, char **rest)
{
	bool in_elements = false;
	char *line;

	while ((line = next_line(rest)) && strcmp(line, "\t}") != 0) {
		bool is_declaration = block->kind != NFTBLOCK_CHAIN ||
				      strncmp(line, "\t\ttype ", strlen("\t\ttype ")) == 0;

		if (strcmp(line, "\t\telements = {") == 0)
			in_elements = true;
		else if (in_elements && strcmp(line, "\t\t}") == 0)
			in_elements = false;
		else if (in_elements && !read_element(block, line))
			return false;
		else if (!in_elements)
			text_add(is_declaration ? &block->declaration : &block->rules, "%s\n",
				line);
	}
	return line != NULL;
}

static bool read_blocks(struct nfttable *table, char *rest)
{
	char *line;

	while ((line = next_line(&rest)) && strcmp(line, "}") != 0) {
		struct nftblock *block = read_head(table, line);

		if (!block || (block->kind != NFTBLOCK_COUNTER && !read_body(block, &rest)))
			return false;
	}
	return true;
}

/* Whatever is lost in reading shows in the text that comes out. */
struct nfttable *nfttable_read(const char *text)
{
	struct nfttable *table = nfttable_new();
	char *copy = xstrdup(text);
	char *again = NULL;
	bool is_ours = strncmp(text, table_head, strlen(table_head)) == 0 &&
		       read_blocks(table, copy + strlen(table_head));

	if (is_ours) {
		again = nfttable_text(table, false);
		is_ours = strcmp(again, text) == 0;
	}
	free(again);
	free(copy);
	if (is_ours)
		return table;
	nfttable_unref(table);
	return NULL;
}
