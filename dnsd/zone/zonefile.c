/* zonefile.c - reads RFC 1035 master files with the pseudo records SERVER and UPLINK
 *
 * Called by config.c for each zone of site.yaml: at start, at each reload and by `check`. A
 * file is read whole into memory. zoneline.c cuts it into logical lines, this file carries out
 * the directives, zonerecord.c reads the records, and zonecheck.c checks the whole zone. A
 * mistake is reported and the next line read, so that one run shows them all.
 *
 * $INCLUDE restores origin and owner at its end (RFC 1035 section 5.1). A $TTL of the included
 * file still counts behind it, as with BIND and NSD.
 */
#include "dnsd/zone/zonefile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "dnsd/zone/rdatatext.h"
#include "dnsd/zone/zonecheck.h"
#include "dnsd/zone/zonerecord.h"

enum {
	ZONEFILE_MAX = 256 * 1024 * 1024,
	FILES_MAX = 1000, /* of one zone */
};

struct stack {
	const struct stack *below; /* the file that includes this one */
	const char *file;
	unsigned int depth;
};

static int source_read(
	struct zone_reader *reader, const char *text, size_t len, const struct stack *stack);

static int ttl_directive(struct zone_reader *reader, const struct zonetoken *args, size_t n)
{
	char show[ZONETOKEN_SHOW_LEN];

	if (n != 1)
		return zone_reader_error(reader, "$TTL needs exactly one time");
	const char *problem = zonetoken_period(&args[0], &reader->default_ttl_s);
	if (problem)
		zone_reader_error(
			reader, "$TTL '%s' %s", zonetoken_show(&args[0], show), problem);
	/* also when it is wrong: else each record that relies on it would be reported too */
	reader->has_default_ttl = true;
	return problem ? -EINVAL : 0;
}

static int origin_directive(struct zone_reader *reader, const struct zonetoken *args, size_t n)
{
	struct zone_scope *scope = &reader->scope;
	uint8_t origin[NAME_MAX_LEN];
	char show[ZONETOKEN_SHOW_LEN];
	size_t len;

	if (n != 1)
		return zone_reader_error(reader, "$ORIGIN needs exactly one name");
	const char *problem = zonetoken_name(&args[0], scope->origin, origin, &len);
	if (problem)
		return zone_reader_error(
			reader, "$ORIGIN '%s' %s", zonetoken_show(&args[0], show), problem);
	memcpy(scope->origin, origin, len);
	scope->origin_len = len;
	return 0;
}

/* The path of the included file `name`: relative to the folder of the current file. */
static char *include_path(const struct zone_reader *reader, const char *name)
{
	const char *slash = strrchr(reader->file, '/');
	char *path = NULL;

	if (name[0] == '/' || !slash)
		return strdup(name);
	int dir_len = (int)(slash - reader->file) + 1;
	return asprintf(&path, "%.*s%s", dir_len, reader->file, name) < 0 ? NULL : path;
}

static bool includes_itself(const struct stack *stack, const char *path)
{
	for (; stack; stack = stack->below)
		if (strcmp(stack->file, path) == 0)
			return true;
	return false;
}

/* Reads `path` with the present scope of the reader. */
static int include_read(
	struct zone_reader *reader, const char *path, const struct stack *stack)
{
	const char *outer_file = reader->file;
	const char *problem = NULL;
	struct file file;

	int err = file_read(path, ZONEFILE_MAX, FILE_REGULAR, &file, &problem);
	if (err == -ENOMEM)
		return err;
	if (err < 0)
		return zone_reader_error(reader, "$INCLUDE %s: %s", path, problem);
	AUTO(freep) char *text = file.text;
	reader->file = zone_builder_file(reader->builder, path);
	if (reader->file) {
		const struct stack inner = {
			.below = stack, .file = reader->file, .depth = stack->depth + 1};
		err = source_read(reader, text, file.len, &inner);
	} else {
		err = -ENOMEM;
	}
	reader->file = outer_file;
	return err;
}

static int include_directive(struct zone_reader *reader, const struct zonetoken *args,
	size_t n, const struct stack *stack)
{
	struct zone_scope outer = reader->scope;
	size_t len;

	if (n != 1 && n != 2)
		return zone_reader_error(
			reader, "$INCLUDE needs a file, and may have an origin after it");
	if (!stack->file)
		return zone_reader_error(reader, "$INCLUDE: there is no file to start from");
	if (stack->depth >= ZONEFILE_INCLUDE_DEPTH)
		return zone_reader_error(reader,
			"$INCLUDE: files are included %d deep, no deeper",
			ZONEFILE_INCLUDE_DEPTH);
	if (zone_builder_n_files(reader->builder) >= FILES_MAX)
		return zone_reader_error(
			reader, "$INCLUDE: there are %d files already", FILES_MAX);

	AUTO(freep) uint8_t *name = calloc(1, args[0].len + 1);
	if (!name)
		return -ENOMEM;
	const char *problem = zonetoken_octets(&args[0], name, &len);
	if (problem || len == 0 || memchr(name, '\0', len))
		return zone_reader_error(reader, "$INCLUDE: that is not a file's name");
	if (n == 2 && origin_directive(reader, &args[1], 1) < 0)
		return -EINVAL;

	AUTO(freep) char *path = include_path(reader, (const char *)name);
	int err = !path ? -ENOMEM
		  : includes_itself(stack, path)
			  ? zone_reader_error(
				    reader, "$INCLUDE %s: the file includes itself", path)
			  : include_read(reader, path, stack);
	reader->scope = outer;
	return err;
}

static int directive_read(struct zone_reader *reader, const struct stack *stack)
{
	const struct zonetoken *word = &reader->line.tokens[0];
	const struct zonetoken *args = word + 1;
	size_t n = reader->line.n_tokens - 1;
	char show[ZONETOKEN_SHOW_LEN];

	if (zonetoken_is(word, "$TTL"))
		return ttl_directive(reader, args, n);
	if (zonetoken_is(word, "$ORIGIN"))
		return origin_directive(reader, args, n);
	if (zonetoken_is(word, "$INCLUDE"))
		return include_directive(reader, args, n, stack);
	if (zonetoken_is(word, "$GENERATE"))
		return zone_reader_error(reader,
			"$GENERATE is BIND's own and not supported: write the records out");
	return zone_reader_error(reader,
		"'%s' is none of the directives $ORIGIN, $TTL and $INCLUDE",
		zonetoken_show(word, show));
}

static int line_read(struct zone_reader *reader, const struct stack *stack)
{
	const struct zoneline *line = &reader->line;

	if (line->error) {
		zone_reader_error(reader, "%s", line->error);
		return zone_builder_note_unread(reader->builder, NULL, 0);
	}
	if (line->n_tokens == 0)
		return 0;
	if (!line->tokens[0].quoted && line->tokens[0].text[0] == '$')
		return directive_read(reader, stack);
	return zonerecord_read(reader);
}

static int source_read(
	struct zone_reader *reader, const char *text, size_t len, const struct stack *stack)
{
	struct zoneline_source source = {.text = text, .len = len};

	/* the byte order mark that some Windows editors put in front of UTF-8 */
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		source.pos = 3;
	while (!reader->gave_up && zoneline_read(&reader->line, &source)) {
		int err = line_read(reader, stack);

		if (err && err != -EINVAL)
			return err;
	}
	return 0;
}

static int reader_finish(struct zone_reader *reader, struct zone **ret_zone)
{
	struct zone *zone;

	int err = zone_builder_finish(reader->builder, &zone);
	if (err)
		return err;
	zone->file = strdup(zone->files[0]);
	if (!zone->file) {
		zone_free(zone);
		return -ENOMEM;
	}
	zonecheck(zone, reader->site, reader->report);
	*ret_zone = zone;
	return 0;
}

static int reader_run(struct zone_reader *reader, const char *path, const char *text,
	size_t len, struct zone **ret_zone)
{
	struct stack bottom = {.file = path};

	reader->file = zone_builder_file(reader->builder, path ? path : "zone");
	reader->rdata = malloc(RDATA_MAX_LEN);
	if (!reader->file || !reader->rdata || zoneline_init(&reader->line) < 0)
		return -ENOMEM;
	int err = source_read(reader, text, len, &bottom);
	if (err)
		return err;
	return reader->gave_up ? -EINVAL : reader_finish(reader, ret_zone);
}

int zonefile_parse_any(const struct site *site, const char *origin, const char *path,
	const char *text, size_t len, struct report *report, struct zone **ret_zone)
{
	struct zone_reader reader = {.site = site, .report = report};
	const char *file = path ? path : "zone";
	size_t n_errors = report->n_errors;

	*ret_zone = NULL;
	if (name_from_str(origin, reader.scope.origin, &reader.scope.origin_len) < 0) {
		report_add(report, REPORT_ERROR, file, 0, "'%s' is not a domain name", origin);
		return -EINVAL;
	}
	reader.builder = zone_builder_new(reader.scope.origin, reader.scope.origin_len);
	int err = reader.builder ? reader_run(&reader, path, text, len, ret_zone) : -ENOMEM;
	zone_builder_free(reader.builder);
	zoneline_fini(&reader.line);
	free(reader.rdata);

	if (err && err != -EINVAL)
		report_add(report, REPORT_ERROR, file, 0, "%s", strerror(-err));
	return !err && report->n_errors > n_errors ? -EINVAL : err;
}

int zonefile_parse(const struct site *site, const char *origin, const char *path,
	const char *text, size_t len, struct report *report, struct zone **ret_zone)
{
	struct zone *zone;

	int err = zonefile_parse_any(site, origin, path, text, len, report, &zone);
	if (err)
		zone_free(zone);
	else
		*ret_zone = zone;
	return err;
}

int zonefile_read_any(const struct site *site, const char *origin, const char *path,
	struct report *report, struct zone **ret_zone)
{
	const char *problem = NULL;
	struct file file;

	*ret_zone = NULL;
	int err = file_read(path, ZONEFILE_MAX, FILE_REGULAR, &file, &problem);
	if (err < 0) {
		report_add(report, REPORT_ERROR, path, 0, "cannot read the zone %s: %s",
			origin, problem);
		return err;
	}
	AUTO(freep) char *text = file.text;
	return zonefile_parse_any(site, origin, path, text, file.len, report, ret_zone);
}
