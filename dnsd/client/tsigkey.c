/* tsigkey.c - reads the file with the key that the parent's primary knows too
 *
 * Called by config.c for each `parent.key` of site.yaml. Two formats are understood, those of
 * the tools that make such keys. BIND's tsig-keygen prints a statement of named.conf:
 *
 *     key "multihomed" {
 *             algorithm hmac-sha256;
 *             secret "bWFkZSBvZiB0aGlydHktdHdvIG9jdGV0cyE=";
 *     };
 *
 * and Knot's keymgr -t a piece of knot.conf, which is YAML:
 *
 *     key:
 *       - id: multihomed.
 *         algorithm: hmac-sha256
 *         secret: bWFkZSBvZiB0aGlydHktdHdvIG9jdGV0cyE=
 *
 * A file holds one key. The secret is never in a message or a log.
 */
#include "dnsd/client/tsigkey.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/site/doc.h"
#include "common/site/schema.h"

enum {
	WORD_MAX = 1024, /* octets of a name, an algorithm or a secret */
	SECRET_SHORT = 16,
};

/* What a file says, before it is understood. */
struct key_text {
	char *name;
	char *algorithm;
	char *secret;
	int name_line;
	int algorithm_line;
	int secret_line;
};

struct source {
	const char *path;
	struct report *report;
};

static void key_text_fini(struct key_text *clauses)
{
	free(clauses->name);
	free(clauses->algorithm);
	if (clauses->secret)
		OPENSSL_cleanse(clauses->secret, strlen(clauses->secret));
	free(clauses->secret);
}

/* ---- BIND's statement ---- */

struct scanner {
	const struct source *source;
	const char *at;
	const char *end;
	int line;
	int word_line; /* where `word` stands */
	bool is_quoted;
	char word[WORD_MAX + 1]; /* a word, or one of { } ; or "" at the end */
};

static bool scan_error(const struct scanner *scanner, int line, const char *what)
{
	report_add(scanner->source->report, REPORT_ERROR, scanner->source->path, line, "%s",
		what);
	return false;
}

static bool starts(const struct scanner *scanner, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(scanner->end - scanner->at) >= len &&
	       memcmp(scanner->at, text, len) == 0;
}

static void step(struct scanner *scanner)
{
	if (*scanner->at++ == '\n')
		scanner->line++;
}

/* Blanks and comments in all three fashions. */
static bool skip_blanks(struct scanner *scanner)
{
	while (scanner->at < scanner->end) {
		if (starts(scanner, "#") || starts(scanner, "//")) {
			while (scanner->at < scanner->end && *scanner->at != '\n')
				step(scanner);
		} else if (starts(scanner, "/*")) {
			int line = scanner->line;

			scanner->at += 2;
			while (scanner->at < scanner->end && !starts(scanner, "*/"))
				step(scanner);
			if (scanner->at == scanner->end)
				return scan_error(scanner, line, "the comment does not end");
			scanner->at += 2;
		} else if (strchr(" \t\r\n", *scanner->at) && *scanner->at) {
			step(scanner);
		} else {
			break;
		}
	}
	return true;
}

static bool is_word_octet(const struct scanner *scanner)
{
	char c = *scanner->at;

	if (scanner->is_quoted)
		return c != '"' && c != '\n';
	return c > ' ' && c <= '~' && !strchr("{};\"", c);
}

/* Reads the next word into `word`. False after reporting a mistake. */
static bool scan(struct scanner *scanner)
{
	size_t len = 0;

	if (!skip_blanks(scanner))
		return false;
	scanner->word_line = scanner->line;
	scanner->is_quoted = starts(scanner, "\"");
	scanner->at += scanner->is_quoted;
	if (!scanner->is_quoted && scanner->at < scanner->end && *scanner->at &&
		strchr("{};", *scanner->at)) {
		scanner->word[len++] = *scanner->at++;
		scanner->word[len] = '\0';
		return true;
	}
	while (scanner->at < scanner->end && is_word_octet(scanner)) {
		if (len == WORD_MAX)
			return scan_error(scanner, scanner->line, "a word is too long");
		scanner->word[len++] = *scanner->at++;
	}
	scanner->word[len] = '\0';
	if (scanner->is_quoted && !starts(scanner, "\""))
		return scan_error(scanner, scanner->word_line, "a quote does not end");
	if (!scanner->is_quoted && len == 0 && scanner->at < scanner->end)
		return scan_error(scanner, scanner->line, "an octet that is no text");
	scanner->at += scanner->is_quoted;
	return memchr(scanner->word, '\0', len) == NULL ||
	       scan_error(scanner, scanner->line, "an octet that is no text");
}

/* The next word must be this one. */
static bool expect(struct scanner *scanner, const char *word)
{
	char what[64];

	if (!scan(scanner))
		return false;
	if (!scanner->is_quoted && strcmp(scanner->word, word) == 0)
		return true;
	snprintf(what, sizeof(what), "a '%s' is missing", word);
	return scan_error(scanner, scanner->word_line, what);
}

static bool take(struct scanner *scanner, char **ret_text, int *ret_line)
{
	if (*ret_text)
		return scan_error(scanner, scanner->word_line, "is there twice");
	if (!scan(scanner))
		return false;
	if (!scanner->is_quoted && strchr("{};", scanner->word[0]))
		return scan_error(scanner, scanner->word_line, "a value is missing");
	*ret_text = strdup(scanner->word);
	*ret_line = scanner->word_line;
	return *ret_text != NULL;
}

static bool read_clauses(struct scanner *scanner, struct key_text *clauses)
{
	while (scan(scanner)) {
		bool ok;

		if (strcmp(scanner->word, "}") == 0)
			return true;
		if (strcmp(scanner->word, "algorithm") == 0)
			ok = take(scanner, &clauses->algorithm, &clauses->algorithm_line);
		else if (strcmp(scanner->word, "secret") == 0)
			ok = take(scanner, &clauses->secret, &clauses->secret_line);
		else
			return scan_error(scanner, scanner->word_line,
				"neither 'algorithm', 'secret' nor '}' stands here");
		if (!ok || !expect(scanner, ";"))
			return false;
	}
	return false;
}

static bool read_statement(
	const struct source *source, const char *text, size_t len, struct key_text *clauses)
{
	struct scanner scanner = {source, text, text + len, 1, 1, false, ""};

	if (!expect(&scanner, "key") || !take(&scanner, &clauses->name, &clauses->name_line) ||
		!expect(&scanner, "{") || !read_clauses(&scanner, clauses) ||
		!expect(&scanner, ";") || !scan(&scanner))
		return false;
	return scanner.word[0] == '\0' ||
	       scan_error(&scanner, scanner.word_line,
		       "something follows the key: a file holds one key and nothing else");
}

/* ---- Knot's YAML ---- */

static void read_value(const struct doc_place *at, const struct schema_key *key, void *out)
{
	struct key_text *clauses = at->doc->owner;
	int line = (int)at->node->start_mark.line + 1;

	schema_text(at, key, out);
	if (out == &clauses->name)
		clauses->name_line = line;
	else if (out == &clauses->algorithm)
		clauses->algorithm_line = line;
	else
		clauses->secret_line = line;
}

static const struct schema_key knot_key_keys[] = {
	{.name = "id",
		.read = read_value,
		.offset = offsetof(struct key_text, name),
		.flags = SCHEMA_REQUIRED},
	{.name = "algorithm",
		.read = read_value,
		.offset = offsetof(struct key_text, algorithm),
		.flags = SCHEMA_REQUIRED},
	{.name = "secret",
		.read = read_value,
		.offset = offsetof(struct key_text, secret),
		.flags = SCHEMA_REQUIRED},
	{0},
};

static void read_knot_keys(const struct doc_place *at, const struct schema_key *key, void *out)
{
	(void)key;
	if (doc_is_list(at) && doc_n_items(at) == 1) {
		struct doc_place item = doc_item(at, 0);

		schema_map(&item, knot_key_keys, out);
	} else {
		doc_error(at, "must be a list with one key");
	}
}

static const struct schema_key knot_keys[] = {
	{.name = "key", .read = read_knot_keys, .flags = SCHEMA_REQUIRED},
	{0},
};

static bool read_yaml(
	const struct source *source, const char *text, size_t len, struct key_text *clauses)
{
	size_t n_before = source->report->n_errors;
	struct doc doc;

	if (doc_load(&doc, source->path, text, len, source->report) < 0)
		return false;
	doc.owner = clauses;
	struct doc_place root = doc_root(&doc);
	schema_map(&root, knot_keys, clauses);
	doc_free(&doc);
	return source->report->n_errors == n_before;
}

/* A YAML mapping has a colon behind its first word. */
static bool is_yaml(const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		if (*text == '#')
			while (text < end && *text != '\n')
				text++;
		else if (*text && strchr(" \t\r\n", *text))
			text++;
		else
			break;
	}
	return end - text > 4 && (memcmp(text, "key:", 4) == 0 || memcmp(text, "---", 3) == 0);
}

/* ---- what it means ---- */

static void check_name(
	const struct source *source, const struct key_text *clauses, struct tsig_key *key)
{
	size_t len;

	if (name_from_str(clauses->name, key->name, &len) < 0 || len == 1)
		report_add(source->report, REPORT_ERROR, source->path, clauses->name_line,
			"'%s' is not the name of a key", doc_printable(clauses->name));
}

static void check_algorithm(
	const struct source *source, const struct key_text *clauses, struct tsig_key *key)
{
	if (tsig_algorithm_parse(clauses->algorithm, &key->algorithm) < 0)
		report_add(source->report, REPORT_ERROR, source->path, clauses->algorithm_line,
			"algorithm '%s' is not offered: "
			"make a key with hmac-sha256 or hmac-sha512",
			doc_printable(clauses->algorithm));
}

/* Base64 as ldns reads it; the copy that it makes is wiped. */
static size_t decode(const char *text, uint8_t ret_secret[TSIG_SECRET_MAX])
{
	ldns_rdf *rdf = NULL;
	size_t len = 0;

	if (ldns_str2rdf_b64(&rdf, text) != LDNS_STATUS_OK)
		return 0;
	if (ldns_rdf_size(rdf) <= TSIG_SECRET_MAX) {
		len = ldns_rdf_size(rdf);
		memcpy(ret_secret, ldns_rdf_data(rdf), len);
	}
	OPENSSL_cleanse(ldns_rdf_data(rdf), ldns_rdf_size(rdf));
	ldns_rdf_deep_free(rdf);
	return len;
}

static void check_secret(
	const struct source *source, const struct key_text *clauses, struct tsig_key *key)
{
	key->secret_len = decode(clauses->secret, key->secret);
	if (key->secret_len == 0)
		report_add(source->report, REPORT_ERROR, source->path, clauses->secret_line,
			"the secret is not 1 to %d octets in base64", TSIG_SECRET_MAX);
	else if (key->secret_len < SECRET_SHORT)
		report_add(source->report, REPORT_WARNING, source->path, clauses->secret_line,
			"the secret has only %zu octets, which can be found by trying",
			key->secret_len);
}

static bool is_complete(const struct source *source, const struct key_text *clauses)
{
	if (clauses->name && clauses->algorithm && clauses->secret)
		return true;
	report_add(source->report, REPORT_ERROR, source->path, clauses->name_line,
		"the key has no %s", clauses->algorithm ? "secret" : "algorithm");
	return false;
}

int tsigkey_parse(const char *path, const char *text, size_t len, struct report *report,
	struct tsig_key *ret_key)
{
	const struct source source = {path, report};
	size_t n_before = report->n_errors;
	struct tsig_key key = {0};
	struct key_text clauses = {0};
	bool ok = is_yaml(text, len) ? read_yaml(&source, text, len, &clauses)
				     : read_statement(&source, text, len, &clauses);

	if (ok && is_complete(&source, &clauses)) {
		check_name(&source, &clauses, &key);
		check_algorithm(&source, &clauses, &key);
		check_secret(&source, &clauses, &key);
	}
	ok = ok && report->n_errors == n_before;
	key_text_fini(&clauses);
	if (ok)
		*ret_key = key;
	OPENSSL_cleanse(&key, sizeof(key));
	if (!ok && report->n_errors == n_before)
		return -ENOMEM;
	return ok ? 0 : -EINVAL;
}

/* ---- the file ---- */

static void check_mode(const char *path, mode_t mode, struct report *report)
{
	if (mode & S_IROTH)
		report_add(report, REPORT_WARNING, path, 0,
			"everybody on this machine may read the key: chmod o-rwx");
}

int tsigkey_read(const char *path, struct report *report, struct tsig_key *ret_key,
	const char **ret_problem)
{
	struct file file;
	int err = file_read(path, TSIGKEY_MAX_LEN, FILE_REGULAR, &file, ret_problem);

	if (err < 0)
		return err;
	check_mode(path, file.mode, report);
	*ret_problem = NULL;
	err = tsigkey_parse(path, file.text, file.len, report, ret_key);
	OPENSSL_cleanse(file.text, file.len);
	free(file.text);
	return err;
}
