/* doc.h - one YAML document in memory, and places in it that messages can point at
 *
 * The loader refuses what no configuration needs and what would keep a parser busy: more than
 * 1 MiB, deep nesting, aliases, tags, several documents, text that is not UTF-8.
 *
 * (libyaml exports a yaml_free and a yaml_strdup of its own: no function here may have such a
 * name.)
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include "common/site/report.h"

enum {
	DOC_MAX_LEN = 1 << 20,
	DOC_MAX_DEPTH = 32,
	DOC_MAX_TEXT = 1024, /* of one value */
};

struct doc {
	const char *file; /* for messages */
	struct report *report;
	yaml_document_t document;
	void *owner; /* the object being read, for readers that need other parts of it */
	bool out_of_memory; /* some reader could not go on */
};

/* A node and the path to it. Lives on the stack of the walk; keys are borrowed from the
 * document. */
struct doc_place {
	struct doc *doc;
	yaml_node_t *node;
	const struct doc_place *parent; /* NULL: the root */
	const char *key;		/* NULL: an item of a list */
	size_t index;
};

/* Loads `text`. Mistakes go to `report`, which also takes those of the later walk. -EINVAL if
 * there was one; then there is nothing to free. `file` and `report` are borrowed until
 * doc_free. There always is a root, a mapping or another node. */
int doc_load(struct doc *doc, const char *file, const char *text, size_t len,
	struct report *report);
void doc_free(struct doc *doc);

struct doc_place doc_root(struct doc *doc);

/* Value of `key` in the mapping at `at`; false if there is none. */
bool doc_child(const struct doc_place *at, const char *key, struct doc_place *ret_child);

/* Items of the list at `at`, 0 if it is no list; `i` is below doc_n_items(). */
size_t doc_n_items(const struct doc_place *at);
struct doc_place doc_item(const struct doc_place *at, size_t i);

bool doc_is_map(const struct doc_place *at);
bool doc_is_list(const struct doc_place *at);

/* The text at `at`, or NULL after reporting why it cannot be used (a list, nothing, control
 * characters). Valid as long as the document. */
const char *doc_text(const struct doc_place *at);
bool doc_is_quoted(const struct doc_place *at);

/* Adds "PATH: what" with the place's line to the report. */
void doc_error(const struct doc_place *at, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void doc_warn(const struct doc_place *at, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Line of a path such as "uplinks[1].interface", or of its nearest ancestor in the document.
 */
int doc_line_of(const struct doc *doc, const char *path);

/* `text` made fit for a message: shortened, control characters replaced. In a buffer of the
 * thread's own, valid until the 4th call after. */
const char *doc_printable(const char *text);

/* Zeroed memory for the object being read. Without memory NULL, and the document remembers
 * it. */
void *doc_calloc(const struct doc_place *at, size_t n, size_t size);
char *doc_strdup(const struct doc_place *at, const char *text);
