/* zonerecord.c - one logical line of a master file becomes one record of the zone
 *
 *     [owner] [TTL] [class] type RDATA
 *     [owner] [TTL] [class] SERVER name [all]
 *     [owner] [TTL] [class] UPLINK name | all | receiving
 *
 * TTL and class stand in either order (RFC 1035 section 5.1).
 *
 * Called by zonefile.c. A pseudo record (pseudo.c) has no type number, so no other record can
 * be mistaken for one: TYPE65280 is just that type, and a TXT of "UPLINK" or a host called
 * uplink is safe. Only the word in the place of the type counts.
 */
#include "dnsd/zone/zonerecord.h"

#include <ctype.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/bigendian.h"
#include "common/guess.h"
#include "common/site/value.h"
#include "dnsd/zone/rdatamnemonic.h"
#include "dnsd/zone/rdatatext.h"

enum {
	PROBLEMS_MAX = 1000, /* errors, and warnings, of one zone */
	/* so many equal labels at the end of owner and origin are no coincidence */
	REPEATED_LABELS = 2,
};

static void reader_report(struct zone_reader *reader, enum report_severity severity,
	const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	report_add(reader->report, severity, reader->file, reader->line.start, "%s", text);
}

int zone_reader_error(struct zone_reader *reader, const char *format, ...)
{
	va_list args;

	if (reader->gave_up)
		return -EINVAL;
	va_start(args, format);
	reader_report(reader, REPORT_ERROR, format, args);
	va_end(args);
	if (++reader->n_errors == PROBLEMS_MAX) {
		report_add(reader->report, REPORT_ERROR, reader->file, reader->line.start,
			"more than %d mistakes, the rest is not read", PROBLEMS_MAX);
		reader->gave_up = true;
	}
	return -EINVAL;
}

static void reader_warn(struct zone_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* However many they are, the zone is read to its end: warnings refuse nothing. */
static void reader_warn(struct zone_reader *reader, const char *format, ...)
{
	va_list args;

	if (reader->n_warnings > PROBLEMS_MAX)
		return;
	if (reader->n_warnings++ == PROBLEMS_MAX) {
		report_add(reader->report, REPORT_WARNING, reader->file, reader->line.start,
			"more than %d warnings, the rest is not shown", PROBLEMS_MAX);
		return;
	}
	va_start(args, format);
	reader_report(reader, REPORT_WARNING, format, args);
	va_end(args);
}

/* The words of a line in front of its data. */
struct head {
	uint32_t ttl_s;
	bool has_ttl;
	bool has_class;
	size_t type_at; /* index of the type's token */
};

static bool looks_like_class(const struct zonetoken *token)
{
	return zonetoken_is(token, "CH") || zonetoken_is(token, "HS") ||
	       zonetoken_is(token, "CS") || zonetoken_is(token, "NONE") ||
	       (!token->quoted && strncasecmp(token->text, "CLASS", 5) == 0);
}

/* "www.example.com" without its final dot, read as www.example.com.www.example.com. */
static bool repeats_origin(const struct zone_scope *scope)
{
	unsigned int n_origin = name_n_labels(scope->origin);
	unsigned int n_owner = name_n_labels(scope->owner);
	uint8_t end[NAME_MAX_LEN];

	if (n_origin < REPEATED_LABELS || n_owner < n_origin + REPEATED_LABELS)
		return false;
	name_lower(end, scope->origin, scope->origin_len);

	const uint8_t *wanted = end;
	for (; n_origin > REPEATED_LABELS; n_origin--)
		wanted += 1 + *wanted;
	const uint8_t *tail = scope->owner + scope->owner_len - scope->origin_len;
	const uint8_t *at = scope->owner;
	for (unsigned int skip = n_owner - name_n_labels(tail) - REPEATED_LABELS; skip > 0;
		skip--)
		at += 1 + *at;

	size_t len = name_len(wanted) - 1;
	return (size_t)(tail - at) == len && memcmp(at, wanted, len) == 0 &&
	       memcmp(tail, end, scope->origin_len) == 0;
}

/* Warns of names that can be served and are probably mistakes. */
static void owner_advise(struct zone_reader *reader, const struct zonetoken *token)
{
	char show[ZONETOKEN_SHOW_LEN];
	char name[NAME_STR_LEN];

	for (size_t i = 0; i < token->len; i++)
		if ((unsigned char)token->text[i] > 127) {
			reader_warn(reader,
				"owner '%s' has letters beyond ASCII, which no client asks "
				"for: write the xn-- form",
				zonetoken_show(token, show));
			break;
		}
	if (token->len > 0 && token->text[token->len - 1] != '.' &&
		repeats_origin(&reader->scope))
		reader_warn(reader, "owner '%s' means %s (is a final dot missing?)",
			zonetoken_show(token, show), name_str(reader->scope.owner, name));
}

static int owner_read(struct zone_reader *reader)
{
	struct zone_scope *scope = &reader->scope;
	const struct zonetoken *token = &reader->line.tokens[0];
	char show[ZONETOKEN_SHOW_LEN];

	if (reader->line.leading_blank) {
		if (scope->owner_len > 0)
			return 0;
		return zone_reader_error(reader,
			"the line begins with a blank, which stands for the owner "
			"of the previous record, but there is none: write @ for the origin");
	}

	const char *problem = zonetoken_name(
		token, scope->origin, scope->owner, &scope->owner_len);
	if (problem) {
		scope->owner_len = 0;
		return zone_reader_error(
			reader, "owner '%s' %s", zonetoken_show(token, show), problem);
	}
	name_lower(scope->owner, scope->owner, scope->owner_len);
	owner_advise(reader, token);
	return 0;
}

static int ttl_read(
	struct zone_reader *reader, const struct zonetoken *token, struct head *head)
{
	char show[ZONETOKEN_SHOW_LEN];

	if (head->has_ttl)
		return zone_reader_error(
			reader, "a second TTL, '%s'", zonetoken_show(token, show));
	const char *problem = zonetoken_period(token, &head->ttl_s);
	if (problem && strpbrk(token->text, ".:"))
		return zone_reader_error(reader,
			"'%s' stands where TTL, class or type are expected: "
			"is the type missing, as %s?",
			zonetoken_show(token, show), strchr(token->text, ':') ? "AAAA" : "A");
	if (problem)
		return zone_reader_error(
			reader, "TTL '%s' %s", zonetoken_show(token, show), problem);
	head->has_ttl = true;
	return 0;
}

static int class_read(
	struct zone_reader *reader, const struct zonetoken *token, struct head *head)
{
	char show[ZONETOKEN_SHOW_LEN];

	if (head->has_class)
		return zone_reader_error(
			reader, "a second class, '%s'", zonetoken_show(token, show));
	if (!zonetoken_is(token, "IN") && !zonetoken_is(token, "CLASS1"))
		return zone_reader_error(
			reader, "class %s: only IN is served", zonetoken_show(token, show));
	head->has_class = true;
	return 0;
}

static int head_read(struct zone_reader *reader, struct head *head)
{
	const struct zoneline *line = &reader->line;
	size_t i = line->leading_blank ? 0 : 1;

	for (; i < line->n_tokens; i++) {
		const struct zonetoken *token = &line->tokens[i];
		int err = 0;

		if (!token->quoted && *token->text >= '0' && *token->text <= '9')
			err = ttl_read(reader, token, head);
		else if (zonetoken_is(token, "IN") || looks_like_class(token))
			err = class_read(reader, token, head);
		else
			break;
		if (err)
			return err;
	}
	if (i == line->n_tokens)
		return zone_reader_error(reader, "the record has no type");
	head->type_at = i;
	return 0;
}

/* No TTL is on the line. RFC 2308 section 4: $TTL counts. Without one RFC 1035: the last TTL
 * that was given; a SOA that comes first takes its MINIMUM, as BIND does. */
static int ttl_default(
	struct zone_reader *reader, const struct zone_record *record, uint32_t *ret_ttl_s)
{
	if (reader->has_default_ttl) {
		*ret_ttl_s = reader->default_ttl_s;
		return 0;
	}
	if (!reader->has_last_ttl && record->type != LDNS_RR_TYPE_SOA)
		return zone_reader_error(reader,
			"the record has no TTL, and neither a $TTL nor a TTL came before: put "
			"\"$TTL 1h\" at the top of the file");

	if (!reader->has_last_ttl) {
		uint32_t ttl_s = be32_read(record->rdata + record->len - 4); /* MINIMUM */

		reader->last_ttl_s = ttl_s > ZONETOKEN_TTL_MAX ? ZONETOKEN_TTL_MAX : ttl_s;
		reader->last_ttl_line = reader->line.start;
		reader->has_last_ttl = true;
	}
	*ret_ttl_s = reader->last_ttl_s;
	if (!reader->ttl_was_warned)
		reader_warn(reader,
			"no $TTL came before, so records without a TTL take the last one that "
			"was given: here %u s, of line %d",
			reader->last_ttl_s, reader->last_ttl_line);
	reader->ttl_was_warned = true;
	return 0;
}

static struct zone_entry entry_here(const struct zone_reader *reader)
{
	return (struct zone_entry){
		.owner = reader->scope.owner,
		.owner_len = reader->scope.owner_len,
		.file = reader->file,
		.line = reader->line.start,
	};
}

static int pseudo_read(struct zone_reader *reader, const struct head *head)
{
	const struct zonetoken *tokens = &reader->line.tokens[head->type_at];
	size_t n = reader->line.n_tokens - head->type_at;
	const struct zone_record none = {.rdata = NULL};
	struct zone_entry entry = entry_here(reader);
	struct pseudo pseudo = {.ttl_s = head->ttl_s};
	char why[PSEUDO_WHY_LEN];

	int err = pseudo_parse(tokens, n, reader->site, &pseudo, why);
	if (err)
		return zone_reader_error(reader, "%s", why);
	if (!head->has_ttl)
		err = ttl_default(reader, &none, &pseudo.ttl_s);
	return err ? err : zone_builder_add_pseudo(reader->builder, &entry, &pseudo);
}

static int type_unknown(struct zone_reader *reader, const struct zonetoken *token)
{
	static const char *const types[] = {"A", "AAAA", "NS", "SOA", "MX", "TXT", "CNAME",
		"SRV", "PTR", "CAA", "DNAME", "TLSA", "SSHFP", "NAPTR", "HTTPS", "SVCB", "DS",
		"HINFO", "SPF", "URI", "LOC", "RP", "OPENPGPKEY"};
	char show[ZONETOKEN_SHOW_LEN];
	char upper[ZONETOKEN_SHOW_LEN];

	zonetoken_show(token, show);
	if (token->quoted)
		return zone_reader_error(
			reader, "'%s' is not a record type: it is quoted", show);
	for (size_t i = 0; i <= strlen(show); i++)
		upper[i] = (char)toupper((unsigned char)show[i]);
	struct guess guess = guess_of(upper);
	pseudo_offer_words(&guess);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		guess_offer(&guess, types[i]);
	return zone_reader_error(reader, "'%s' is not a record type%s%s%s", show,
		guess.best ? " (did you mean " : "", guess.best ? guess.best : "",
		guess.best ? "?)" : "");
}

/* Types for questions or parts of messages (RFC 6895 section 3.1), and those that a reader of
 * master files must reject (RFC 1035 section 3.3.4). */
static int type_refuse(
	struct zone_reader *reader, const struct zonetoken *token, uint16_t type)
{
	char show[ZONETOKEN_SHOW_LEN];
	const char *why = NULL;

	if (type == 0 || type == LDNS_RR_TYPE_OPT || (type >= 128 && type <= 255))
		why = "is for questions or messages, it cannot be in a zone";
	else if (type == LDNS_RR_TYPE_MD || type == LDNS_RR_TYPE_MF)
		why = "is obsolete, write MX (RFC 1035 section 3.3.4)";
	if (!why)
		return 0;
	return zone_reader_error(reader, "type %s %s", zonetoken_show(token, show), why);
}

static int data_read(struct zone_reader *reader, const struct head *head)
{
	const struct zoneline *line = &reader->line;
	struct zone_entry entry = entry_here(reader);
	char why[RDATATEXT_WHY_LEN];
	struct zone_record record = {.ttl_s = head->ttl_s, .rdata = reader->rdata};

	int type = rdatamnemonic_type(&line->tokens[head->type_at]);
	if (type < 0)
		return type_unknown(reader, &line->tokens[head->type_at]);
	int err = type_refuse(reader, &line->tokens[head->type_at], (uint16_t)type);
	if (err)
		return err;

	record.type = (uint16_t)type;
	const struct rdatatext text = {
		.type = record.type,
		.origin = reader->scope.origin,
		.tokens = line->tokens + head->type_at + 1,
		.n_tokens = line->n_tokens - head->type_at - 1,
	};
	err = rdatatext_parse(&text, reader->rdata, &record.len, why);
	if (err == -EINVAL)
		return zone_reader_error(reader, "%s", why);
	if (!err && !head->has_ttl)
		err = ttl_default(reader, &record, &record.ttl_s);
	return err ? err : zone_builder_add(reader->builder, &entry, &record);
}

int zonerecord_read(struct zone_reader *reader)
{
	struct head head = {0};

	int err = owner_read(reader);
	if (!err)
		err = head_read(reader, &head);
	if (!err && head.has_ttl) {
		reader->has_last_ttl = true;
		reader->last_ttl_s = head.ttl_s;
		reader->last_ttl_line = reader->line.start;
	}
	if (!err) {
		const struct zonetoken *type = &reader->line.tokens[head.type_at];

		err = pseudo_is_word(type) ? pseudo_read(reader, &head)
					   : data_read(reader, &head);
	}
	if (err == -EINVAL && zone_builder_note_unread(reader->builder,
				      reader->scope.owner_len > 0 ? reader->scope.owner : NULL,
				      reader->scope.owner_len) < 0)
		return -ENOMEM;
	return err;
}
