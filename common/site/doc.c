/* doc.c - one YAML document in memory, and places in it that messages can point at
 *
 * Two passes. The first reads libyaml's events and counts depth as they come: libyaml itself
 * takes minutes over some hundred thousand open brackets, and lets an alias point at its own
 * ancestor. Only text that passes is built into a document, whose nodes know their lines; the
 * walk over it (schema.c) can recurse without a limit of its own.
 *
 * The files are an operator's, but templates and editors write them: no octets may crash or
 * stall this file.
 */
#include "common/site/doc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

enum { PATH_LEN = 256, PRINTABLE_LEN = 64 };

/* The line of an offset, from 1. */
static int line_at(const char *text, size_t offset)
{
	int line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

/* Length of the UTF-8 sequence at `p`, 0 if it is not one (RFC 3629: no overlong form, no
 * surrogate, nothing above U+10FFFF). */
static size_t utf8_len(const uint8_t *p, size_t left)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (len == 0 || len > left || p[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

static int check_bytes(const struct doc *doc, const char *text, size_t len)
{
	if (len > DOC_MAX_LEN) {
		report_add(doc->report, REPORT_ERROR, doc->file, 0,
			"is larger than %d KiB: is it the right file?", DOC_MAX_LEN / 1024);
		return -EINVAL;
	}

	for (size_t i = 0; i < len;) {
		size_t n = utf8_len((const uint8_t *)text + i, len - i);

		if (n == 0 || text[i] == '\0') {
			report_add(doc->report, REPORT_ERROR, doc->file, line_at(text, i),
				n == 0 ? "octet 0x%02x is not UTF-8: "
					 "save the file in that encoding"
				       : "octet 0x%02x (NUL) cannot stand in a text file",
				(unsigned int)(uint8_t)text[i]);
			return -EINVAL;
		}
		i += n;
	}
	return 0;
}

/* Does the indentation of this line (from 0) hold a tab? */
static bool line_has_tab(const char *text, size_t len, size_t line)
{
	const char *end = text + len;
	const char *p = text;

	for (; line > 0 && p; line--) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	while (p && p < end && (*p == ' ' || *p == '-'))
		p++;
	return p && p < end && *p == '\t';
}

/* The words of libyaml, at the line where it stopped. */
static void report_syntax(
	const struct doc *doc, const yaml_parser_t *parser, const char *text, size_t len)
{
	const char *problem = parser->problem ? parser->problem : "cannot be read";
	size_t line = parser->problem_mark.line;
	char context[128] = "";

	if (parser->error == YAML_MEMORY_ERROR) {
		problem = "out of memory";
	} else if (parser->error == YAML_READER_ERROR) {
		size_t offset = parser->problem_offset < len ? parser->problem_offset : len;

		line = (size_t)line_at(text, offset) - 1;
	} else if (parser->context && parser->context_mark.line != line) {
		snprintf(context, sizeof(context), ", %s that begins in line %zu",
			parser->context, parser->context_mark.line + 1);
	} else if (parser->context) {
		snprintf(context, sizeof(context), ", %s", parser->context);
	}
	report_add(doc->report, REPORT_ERROR, doc->file, (int)line + 1, "YAML syntax: %s%s%s",
		problem, context,
		line_has_tab(text, len, line) ? " (the line is indented by a tab: use spaces)"
					      : "");
}

struct scan {
	struct doc *doc;
	int depth;
	int n_documents;
	bool has_root;
	bool failed;
};

static void scan_refuse(struct scan *scan, const yaml_event_t *event, const char *what)
{
	report_add(scan->doc->report, REPORT_ERROR, scan->doc->file,
		(int)event->start_mark.line + 1, "%s", what);
	scan->failed = true;
}

static void scan_node(struct scan *scan, const yaml_event_t *event, const yaml_char_t *tag)
{
	scan->has_root = true;
	if (tag)
		scan_refuse(scan, event,
			"tags (!...) have no meaning here: write the plain value");
}

/* One event; false ends the scan. */
static bool scan_event(struct scan *scan, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++scan->n_documents == 1)
			return true;
		scan_refuse(scan, event,
			"a second document begins here: everything belongs into one");
		return false;
	case YAML_ALIAS_EVENT:
		scan->has_root = true;
		scan_refuse(scan, event,
			"aliases (*name) are not supported: write the value again");
		return true;
	case YAML_SCALAR_EVENT:
		if (scan->depth == 0 && event->data.scalar.length == 0)
			return true; /* "---" and nothing behind it */
		scan_node(scan, event, event->data.scalar.tag);
		return true;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		scan_node(scan, event,
			event->type == YAML_MAPPING_START_EVENT
				? event->data.mapping_start.tag
				: event->data.sequence_start.tag);
		if (++scan->depth <= DOC_MAX_DEPTH)
			return true;
		scan_refuse(scan, event, "lists and mappings are nested too deeply");
		return false;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		scan->depth--;
		return true;
	case YAML_STREAM_END_EVENT:
		return false;
	default:
		return true;
	}
}

static void parser_start(yaml_parser_t *parser, const char *text, size_t len)
{
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)text, len);
}

/* First pass: all that is refused for its form. */
static int scan_text(struct doc *doc, const char *text, size_t len)
{
	AUTO(yaml_parser_delete) yaml_parser_t parser;
	struct scan scan = {.doc = doc};
	bool more = true;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	parser_start(&parser, text, len);

	while (more) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			report_syntax(doc, &parser, text, len);
			return -EINVAL;
		}
		more = scan_event(&scan, &event);
		yaml_event_delete(&event);
	}

	if (!scan.failed && !scan.has_root) {
		report_add(doc->report, REPORT_ERROR, doc->file, 1,
			"is empty: at least one uplink has to be described");
		return -EINVAL;
	}
	return scan.failed ? -EINVAL : 0;
}

int doc_load(
	struct doc *doc, const char *file, const char *text, size_t len, struct report *report)
{
	*doc = (struct doc){.file = file, .report = report};
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* an editor's BOM */
		text += 3;
		len -= 3;
	}

	int err = check_bytes(doc, text, len);
	if (err == 0)
		err = scan_text(doc, text, len);
	if (err < 0)
		return err;

	AUTO(yaml_parser_delete) yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	parser_start(&parser, text, len);
	if (!yaml_parser_load(&parser, &doc->document)) {
		report_syntax(doc, &parser, text, len);
		return -EINVAL;
	}
	return 0;
}

void doc_free(struct doc *doc)
{
	yaml_document_delete(&doc->document);
}

struct doc_place doc_root(struct doc *doc)
{
	return (struct doc_place){
		.doc = doc,
		.node = yaml_document_get_root_node(&doc->document),
	};
}

bool doc_is_map(const struct doc_place *at)
{
	return at->node->type == YAML_MAPPING_NODE;
}

bool doc_is_list(const struct doc_place *at)
{
	return at->node->type == YAML_SEQUENCE_NODE;
}

/* libyaml puts a NUL behind the octets of a scalar; they may hold another one. */
static bool scalar_is(const yaml_node_t *node, const char *text)
{
	size_t len = strlen(text);

	return node->type == YAML_SCALAR_NODE && node->data.scalar.length == len &&
	       memcmp(node->data.scalar.value, text, len) == 0;
}

bool doc_child(const struct doc_place *at, const char *key, struct doc_place *ret_child)
{
	yaml_document_t *document = &at->doc->document;

	if (!doc_is_map(at))
		return false;
	for (const yaml_node_pair_t *pair = at->node->data.mapping.pairs.start;
		pair < at->node->data.mapping.pairs.top; pair++) {
		if (!scalar_is(yaml_document_get_node(document, pair->key), key))
			continue;
		*ret_child = (struct doc_place){
			.doc = at->doc,
			.node = yaml_document_get_node(document, pair->value),
			.parent = at,
			.key = key,
		};
		return true;
	}
	return false;
}

size_t doc_n_items(const struct doc_place *at)
{
	if (!doc_is_list(at))
		return 0;
	return (size_t)(at->node->data.sequence.items.top -
			at->node->data.sequence.items.start);
}

struct doc_place doc_item(const struct doc_place *at, size_t i)
{
	return (struct doc_place){
		.doc = at->doc,
		.node = yaml_document_get_node(
			&at->doc->document, at->node->data.sequence.items.start[i]),
		.parent = at,
		.index = i,
	};
}

bool doc_is_quoted(const struct doc_place *at)
{
	return at->node->type == YAML_SCALAR_NODE &&
	       at->node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

const char *doc_text(const struct doc_place *at)
{
	if (at->node->type != YAML_SCALAR_NODE) {
		doc_error(at, "must be one value, not a %s",
			doc_is_map(at) ? "mapping" : "list");
		return NULL;
	}

	const char *text = (const char *)at->node->data.scalar.value;
	size_t len = at->node->data.scalar.length;

	if (len == 0 || (!doc_is_quoted(at) &&
				(scalar_is(at->node, "~") || scalar_is(at->node, "null")))) {
		doc_error(at, "has no value: give one, or leave the key out");
		return NULL;
	}
	if (len > DOC_MAX_TEXT) {
		doc_error(at, "is too long (%zu octets, at most %d)", len, DOC_MAX_TEXT);
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		if (is_control(text[i])) {
			doc_error(at, "holds a control character or a line break");
			return NULL;
		}
	}
	return text;
}

/* At most PRINTABLE_LEN octets of `text` and three dots; `out` holds PRINTABLE_LEN + 4. */
static void make_printable(const char *text, char *out)
{
	size_t len = strlen(text);
	size_t cut = len > PRINTABLE_LEN ? PRINTABLE_LEN : len;

	while (cut < len && cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--; /* not within a character */
	for (size_t i = 0; i < cut; i++)
		out[i] = is_control(text[i]) ? '?' : text[i];
	memcpy(out + cut, cut < len ? "..." : "\0\0\0", 4);
}

static void path_append(char *path, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void path_append(char *path, const char *format, ...)
{
	size_t len = strlen(path);
	va_list args;

	va_start(args, format);
	vsnprintf(path + len, PATH_LEN - len, format, args);
	va_end(args);
}

/* "uplinks[1].interface"; empty for the root. */
static void path_format(const struct doc_place *at, char *path)
{
	char key[PRINTABLE_LEN + 4];

	if (!at->parent) {
		path[0] = '\0';
		return;
	}
	path_format(at->parent, path);
	if (!at->key) {
		path_append(path, "[%zu]", at->index);
		return;
	}
	make_printable(at->key, key);
	path_append(path, "%s%s", path[0] ? "." : "", key);
}

static void doc_complain(const struct doc_place *at, enum report_severity severity,
	const char *format, va_list args) __attribute__((format(printf, 3, 0)));

static void doc_complain(const struct doc_place *at, enum report_severity severity,
	const char *format, va_list args)
{
	char path[PATH_LEN];
	char what[1024];

	path_format(at, path);
	vsnprintf(what, sizeof(what), format, args);
	report_add(at->doc->report, severity, at->doc->file,
		(int)at->node->start_mark.line + 1, "%s%s%s", path, path[0] ? ": " : "", what);
}

void doc_error(const struct doc_place *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	doc_complain(at, REPORT_ERROR, format, args);
	va_end(args);
}

void doc_warn(const struct doc_place *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	doc_complain(at, REPORT_WARNING, format, args);
	va_end(args);
}

/* One step of a path, "[3]" or "name"; false if there is none such. */
static bool path_step(struct doc_place *at, const char *step, size_t len)
{
	if (step[0] == '[') {
		size_t i = strtoul(step + 1, NULL, 10);

		if (i >= doc_n_items(at))
			return false;
		*at = doc_item(at, i);
		return true;
	}

	char key[PATH_LEN];
	struct doc_place child;
	snprintf(key, sizeof(key), "%.*s", (int)len, step);
	if (!doc_child(at, key, &child))
		return false;
	*at = child;
	return true;
}

int doc_line_of(const struct doc *doc, const char *path)
{
	/* the document is only read; the functions of libyaml want it writable */
	struct doc scratch = *doc;
	struct doc_place at = doc_root(&scratch);

	while (*path) {
		size_t len = path[0] == '[' ? strcspn(path, "]") + 1 : strcspn(path, ".[");

		if (!path_step(&at, path, len))
			break;
		path += len;
		path += *path == '.';
	}
	return (int)at.node->start_mark.line + 1;
}

const char *doc_printable(const char *text)
{
	static _Thread_local char ring[4][PRINTABLE_LEN + 4];
	static _Thread_local unsigned int next;
	char *out = ring[next++ % 4];

	make_printable(text, out);
	return out;
}

void *doc_calloc(const struct doc_place *at, size_t n, size_t size)
{
	void *memory = calloc(n ? n : 1, size);

	if (!memory)
		at->doc->out_of_memory = true;
	return memory;
}

char *doc_strdup(const struct doc_place *at, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		at->doc->out_of_memory = true;
	return copy;
}
