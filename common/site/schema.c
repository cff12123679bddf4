/* schema.c - reads YAML mappings into structs by tables of their keys
 *
 * Knows nothing of sites: the tables in siteread.c and siteservices.c list the keys. A
 * mapping is matched against its table first (unknown, double and missing keys), then values
 * are read in the order of the table. The loader and the tables bound the depth.
 */
#include "common/site/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/guess.h"
#include "common/site/value.h"

enum { SCHEMA_MAX_KEYS = 32 };

static const char *kind_of(const struct doc_place *at)
{
	if (doc_is_map(at))
		return "a mapping";
	if (doc_is_list(at))
		return "a list";
	return at->node->data.scalar.length > 0 ? "one value" : "empty";
}

static void report_unknown_key(const struct doc_place *key_at, const struct schema_key *keys)
{
	struct guess guess = guess_of(key_at->key);

	for (const struct schema_key *key = keys; key->name; key++)
		guess_offer(&guess, key->name);
	if (guess.best)
		doc_error(key_at, "unknown key (did you mean '%s'?)", guess.best);
	else
		doc_error(key_at, "unknown key");
}

/* A key may hold a NUL, written "\\0": the length decides. */
static bool key_is(const yaml_node_t *node, const char *name)
{
	return node->data.scalar.length == strlen(name) &&
	       memcmp(node->data.scalar.value, name, node->data.scalar.length) == 0;
}

/* Matches the pairs of a mapping; ret_values[i] is the value of keys[i]. */
static void match_keys(const struct doc_place *at, const struct schema_key *keys,
	yaml_node_t *ret_values[SCHEMA_MAX_KEYS])
{
	yaml_document_t *document = &at->doc->document;

	for (const yaml_node_pair_t *pair = at->node->data.mapping.pairs.start;
		pair < at->node->data.mapping.pairs.top; pair++) {
		struct doc_place key_at = {
			.doc = at->doc,
			.node = yaml_document_get_node(document, pair->key),
			.parent = at,
			.key = "?",
		};
		if (key_at.node->type != YAML_SCALAR_NODE) {
			doc_error(&key_at, "a key must be one word");
			continue;
		}
		key_at.key = (const char *)key_at.node->data.scalar.value;

		size_t i = 0;
		while (keys[i].name && !key_is(key_at.node, keys[i].name))
			i++;
		if (!keys[i].name)
			report_unknown_key(&key_at, keys);
		else if (ret_values[i])
			doc_error(&key_at, "this key is given twice");
		else
			ret_values[i] = yaml_document_get_node(document, pair->value);
		if (keys[i].name && (keys[i].flags & SCHEMA_IDLE))
			doc_warn(&key_at, "nothing acts on this key yet");
	}
}

void schema_map(const struct doc_place *at, const struct schema_key *keys, void *object)
{
	yaml_node_t *values[SCHEMA_MAX_KEYS] = {NULL};

	if (!doc_is_map(at)) {
		doc_error(at, "must be a mapping (key: value), but is %s", kind_of(at));
		return;
	}

	match_keys(at, keys, values);
	for (size_t i = 0; keys[i].name; i++) {
		struct doc_place child = {
			.doc = at->doc,
			.node = values[i],
			.parent = at,
			.key = keys[i].name,
		};

		if (values[i])
			keys[i].read(&child, &keys[i], (char *)object + keys[i].offset);
		else if (keys[i].flags & SCHEMA_REQUIRED)
			doc_error(at, "the key '%s' is missing", keys[i].name);
	}
}

void schema_object(const struct doc_place *at, const struct schema_key *key, void *out)
{
	schema_map(at, key->keys, out);
}

static void read_items(const struct doc_place *at, size_t max, size_t item_size,
	schema_read *item_read, void **ret_items, size_t *ret_n)
{
	size_t n = doc_n_items(at);

	if (n > max) {
		doc_error(at, "has %zu items: %zu are the most", n, max);
		n = max;
	}
	char *items = n > 0 ? doc_calloc(at, n, item_size) : NULL;
	if (!items)
		return;

	*ret_items = items;
	*ret_n = n;
	for (size_t i = 0; i < n; i++) {
		struct doc_place item = doc_item(at, i);

		item_read(&item, NULL, items + i * item_size);
	}
}

void schema_list(const struct doc_place *at, size_t max, size_t item_size,
	schema_read *item_read, void **ret_items, size_t *ret_n)
{
	if (!doc_is_list(at)) {
		doc_error(at,
			"must be a list ([a, b], or lines that begin with '-'), but is %s",
			kind_of(at));
		return;
	}
	read_items(at, max, item_size, item_read, ret_items, ret_n);
}

void schema_one_or_list(const struct doc_place *at, size_t max, size_t item_size,
	schema_read *item_read, void **ret_items, size_t *ret_n)
{
	if (doc_is_list(at)) {
		read_items(at, max, item_size, item_read, ret_items, ret_n);
		return;
	}
	if (doc_is_map(at)) {
		doc_error(at, "must be one value or a list, but is a mapping");
		return;
	}

	void *item = doc_calloc(at, 1, item_size);
	if (!item)
		return;
	*ret_items = item;
	*ret_n = 1;
	item_read(at, NULL, item);
}

/* Text of a value that YAML itself would call a string if it were quoted. */
static const char *plain_text(const struct doc_place *at)
{
	const char *text = doc_text(at);

	if (text && doc_is_quoted(at)) {
		doc_error(at, "'%s' must stand without quotes", doc_printable(text));
		return NULL;
	}
	return text;
}

void schema_bool(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = plain_text(at);

	(void)key;
	if (text && value_bool(text, out) < 0)
		doc_error(at, "'%s' is neither yes nor no", doc_printable(text));
}

/* A number between the bounds of the key; false after reporting a mistake. */
static bool schema_read_number(
	const struct doc_place *at, const struct schema_key *key, uint64_t *ret_value)
{
	const char *text = plain_text(at);
	uint64_t value = 0;

	if (!text)
		return false;
	if (value_uint(text, (uint64_t)key->max, &value) < 0 || value < (uint64_t)key->min) {
		doc_error(at, "'%s' is not a number from %" PRId64 " to %" PRId64,
			doc_printable(text), key->min, key->max);
		return false;
	}
	*ret_value = value;
	return true;
}

void schema_uint(const struct doc_place *at, const struct schema_key *key, void *out)
{
	uint64_t value = 0;

	if (schema_read_number(at, key, &value))
		*(unsigned int *)out = (unsigned int)value;
}

void schema_uint32(const struct doc_place *at, const struct schema_key *key, void *out)
{
	uint64_t value = 0;

	if (schema_read_number(at, key, &value))
		*(uint32_t *)out = (uint32_t)value;
}

void schema_port(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = plain_text(at);

	(void)key;
	if (text && value_port(text, out) < 0)
		doc_error(at, "'%s' is not a port from 1 to 65535", doc_printable(text));
}

const char *schema_time_str(int64_t ms)
{
	static _Thread_local char ring[4][32];
	static _Thread_local unsigned int next;
	char *out = ring[next++ % 4];

	if (ms == 0 || ms % 1000)
		snprintf(out, sizeof(ring[0]), "%" PRId64 "ms", ms);
	else if (ms % 60000)
		snprintf(out, sizeof(ring[0]), "%" PRId64 "s", ms / 1000);
	else if (ms % 3600000)
		snprintf(out, sizeof(ring[0]), "%" PRId64 "m", ms / 60000);
	else
		snprintf(out, sizeof(ring[0]), "%" PRId64 "h", ms / 3600000);
	return out;
}

int schema_time_of(const struct doc_place *at, const struct schema_key *key, const char *text,
	int64_t *ret_ms)
{
	int64_t ms = 0;
	int err = value_duration(text, &ms);

	if (err == -ENODATA)
		doc_error(at, "'%s' lacks its unit, as in 200ms, 10s or 5m",
			doc_printable(text));
	else if (err == -EINVAL)
		doc_error(at, "'%s' is not a time such as 200ms, 10s or 5m",
			doc_printable(text));
	else if (err < 0 || ms < key->min || ms > key->max)
		doc_error(at, "'%s' is not between %s and %s", doc_printable(text),
			schema_time_str(key->min), schema_time_str(key->max));
	else {
		*ret_ms = ms;
		return 0;
	}
	return -EINVAL;
}

void schema_time(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = plain_text(at);

	if (text)
		(void)schema_time_of(at, key, text, out);
}

void schema_percent(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = plain_text(at);

	(void)key;
	if (text && value_percent(text, out) < 0)
		doc_error(at, "'%s' is not a share from 0%% to 100%%, such as 10%%",
			doc_printable(text));
}

void schema_text(const struct doc_place *at, const struct schema_key *key, void *out)
{
	const char *text = doc_text(at);
	char *copy = text ? doc_strdup(at, text) : NULL;

	(void)key;
	if (copy) {
		free(*(char **)out);
		*(char **)out = copy;
	}
}

static void report_unknown_word(
	const struct doc_place *at, const char *text, const char *const *words)
{
	struct guess guess = guess_of(text);
	char list[256] = "";

	for (size_t i = 0; words[i]; i++) {
		size_t len = strlen(list);

		snprintf(list + len, sizeof(list) - len, "%s%s", i ? "|" : "", words[i]);
		guess_offer(&guess, words[i]);
	}
	doc_error(at, "'%s' is not one of %s%s%s%s", doc_printable(text), list,
		guess.best ? " (did you mean '" : "", guess.best ? guess.best : "",
		guess.best ? "'?)" : "");
}

/* Index of the word, or -1 after reporting a mistake. */
static int read_word(const struct doc_place *at, const char *const *words)
{
	const char *text = doc_text(at);

	if (!text)
		return -1;
	for (int i = 0; words[i]; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	report_unknown_word(at, text, words);
	return -1;
}

void schema_word(const struct doc_place *at, const struct schema_key *key, void *out)
{
	int i = read_word(at, key->words);

	if (i >= 0)
		*(int *)out = i;
}

void schema_choice(const struct doc_place *at, const struct schema_key *key, void *out)
{
	int i = read_word(at, key->words);

	if (i >= 0)
		*(bool *)out = i == 1;
}
