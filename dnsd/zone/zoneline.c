/* zoneline.c - joins the physical lines of a master file into the words of one record
 *
 * Called by zonefile.c. One pass, one buffer, reused for each line. ldns's own reader swallows
 * the text behind an unclosed parenthesis or quote without a message. Here both are errors,
 * and reading goes on behind them, so that one run shows every mistake of a file.
 */
#include "dnsd/zone/zoneline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/zone/zonefile.h"

enum {
	BUF_LEN = 2 * ZONEFILE_LINE_MAX + 2, /* each octet may be a word with its NUL */
	TOKENS_MAX = ZONEFILE_LINE_MAX,
};

int zoneline_init(struct zoneline *line)
{
	*line = (struct zoneline){
		.tokens = malloc(TOKENS_MAX * sizeof(*line->tokens)),
		.buf = malloc(BUF_LEN),
	};
	if (line->tokens && line->buf)
		return 0;
	zoneline_fini(line);
	return -ENOMEM;
}

void zoneline_fini(struct zoneline *line)
{
	free(line->tokens);
	free(line->buf);
	*line = (struct zoneline){0};
}

static int source_peek(const struct zoneline_source *source)
{
	return source->pos < source->len ? (unsigned char)source->text[source->pos] : -1;
}

/* Only the first mistake of a line is reported. */
static void line_fail(struct zoneline *line, const char *error)
{
	if (!line->error)
		line->error = error;
}

/* A word needs one more octet for its NUL; the limit counts octets of the file. */
static void line_put(struct zoneline *line, int c)
{
	if (line->len - line->n_tokens >= ZONEFILE_LINE_MAX) {
		line_fail(line, "the record is longer than 65536 octets");
		return;
	}
	if (c == '\0') {
		line_fail(line, "there is a NUL octet in the line; is this a text file?");
		c = '?';
	}
	line->buf[line->len++] = (char)c;
}

/* A backslash and the octet that it escapes; zonetoken.c decodes them. */
static void escape_read(struct zoneline *line, struct zoneline_source *source)
{
	source->pos++;
	int c = source_peek(source);

	if (c < 0 || c == '\n' || c == '\r') {
		line_fail(line, "a backslash at the end of the line escapes nothing");
		return;
	}
	line_put(line, '\\');
	line_put(line, c);
	source->pos++;
}

/* Reads up to the closing quote and over it; with `keep` the quotes stay in the word. */
static void quoted_read(struct zoneline *line, struct zoneline_source *source, bool keep)
{
	if (keep)
		line_put(line, '"');
	source->pos++;

	for (;;) {
		int c = source_peek(source);

		if (c < 0 || c == '\n') {
			line_fail(line, "a quote (\") is not closed on its line");
			return;
		}
		if (c == '\\') {
			escape_read(line, source);
			continue;
		}
		source->pos++;
		if (c == '"')
			break;
		line_put(line, c);
	}
	if (keep)
		line_put(line, '"');
}

static bool octet_ends_word(int c)
{
	return c < 0 || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ';' ||
	       c == '(' || c == ')';
}

static void word_read(struct zoneline *line, struct zoneline_source *source)
{
	int c;

	while (!octet_ends_word(c = source_peek(source))) {
		if (c == '\\')
			escape_read(line, source);
		else if (c == '"')
			quoted_read(line, source, true); /* alpn="h2,h3" */
		else {
			line_put(line, c);
			source->pos++;
		}
	}
}

static void token_read(struct zoneline *line, struct zoneline_source *source)
{
	char *text = line->buf + line->len;
	bool quoted = source_peek(source) == '"';

	if (quoted)
		quoted_read(line, source, false);
	else
		word_read(line, source);

	/* an empty string ("") takes no octet of the limit, so words are counted too */
	if (line->n_tokens == TOKENS_MAX) {
		line_fail(line, "the record has more than 65536 words");
		return;
	}
	size_t len = (size_t)(line->buf + line->len - text);
	line->tokens[line->n_tokens++] = (struct zonetoken){
		.text = text, .len = len, .quoted = quoted};
	line->buf[line->len++] = '\0';
}

static void comment_skip(struct zoneline_source *source)
{
	const char *from = source->text + source->pos;
	const char *end = memchr(from, '\n', source->len - source->pos);

	source->pos = end ? (size_t)(end - source->text) : source->len;
}

static void newline_skip(struct zoneline_source *source)
{
	comment_skip(source);
	if (source->pos < source->len)
		source->pos++;
	source->line++;
}

/* Goes on after an unclosed parenthesis, with the first line behind `start_pos` that looks
 * like the begin of a record: so the mistakes behind it are found as well. A digit does not
 * look so: it is more often a number of a SOA than an owner. */
static void unclosed_recover(
	struct zoneline *line, struct zoneline_source *source, size_t start_pos)
{
	line_fail(line, "a parenthesis is opened and not closed");
	source->pos = start_pos;
	source->line = line->start - 1;
	do
		newline_skip(source);
	while (source->pos < source->len &&
		strchr(" \t\r\n;)\"0123456789", source_peek(source)));
}

/* Reads one word or one delimiter. False at the end of the logical line. */
static bool line_step(struct zoneline *line, struct zoneline_source *source)
{
	switch (source_peek(source)) {
	case -1:
		source->line++;
		return false;
	case '\n':
		source->pos++;
		source->line++;
		return line->depth > 0;
	case ' ':
	case '\t':
	case '\r':
		source->pos++;
		return true;
	case ';':
		comment_skip(source);
		return true;
	case '(':
		source->pos++;
		line->depth++;
		return true;
	case ')':
		source->pos++;
		if (line->depth > 0)
			line->depth--;
		else
			line_fail(line, "a parenthesis is closed that was not opened");
		return true;
	default:
		token_read(line, source);
		return true;
	}
}

bool zoneline_read(struct zoneline *line, struct zoneline_source *source)
{
	size_t start_pos = source->pos;

	if (source->pos >= source->len)
		return false;
	line->start = source->line + 1;
	line->leading_blank = source_peek(source) == ' ' || source_peek(source) == '\t';
	line->n_tokens = 0;
	line->error = NULL;
	line->len = 0;
	line->depth = 0;

	/* without the second bound, a file of many '(' would be read once for each of them */
	while (line_step(line, source))
		if (line->depth > 0 && source->pos - start_pos > ZONEFILE_LINE_MAX)
			break;
	if (line->depth > 0)
		unclosed_recover(line, source, start_pos);
	return true;
}
