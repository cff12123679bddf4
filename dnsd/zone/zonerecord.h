/* zonerecord.h - one logical line of a master file becomes one record of the zone
 *
 * The state between lines (origin, owner, TTLs) is here too, since each record depends on
 * those before it. Called by zonefile.c.
 */
#pragma once
#include "common/site/report.h"
#include "common/site/site.h"
#include "dnsd/zone/zonebuild.h"
#include "dnsd/zone/zoneline.h"

/* What $INCLUDE restores at its end. */
struct zone_scope {
	uint8_t origin[NAME_MAX_LEN];
	size_t origin_len;
	uint8_t owner[NAME_MAX_LEN]; /* of the previous record, lower case */
	size_t owner_len;	     /* 0: none yet */
};

struct zone_reader {
	const struct site *site; /* NULL: no uplink and no server is known */
	struct report *report;
	struct zone_builder *builder;
	struct zone_scope scope;
	const char *file; /* owned by the zone */
	bool has_default_ttl;
	uint32_t default_ttl_s; /* $TTL */
	bool has_last_ttl;
	uint32_t last_ttl_s; /* the last that was given, RFC 1035 section 5.1 */
	int last_ttl_line;
	bool ttl_was_warned;
	size_t n_errors; /* added to `report` */
	size_t n_warnings;
	bool gave_up;	/* after too many errors */
	uint8_t *rdata; /* RDATA_MAX_LEN octets */
	struct zoneline line;
};

/* Adds a mistake of the current line to the report. Returns -EINVAL. */
int zone_reader_error(struct zone_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Reads the current line, which has at least one token and is no directive. Returns 0, -EINVAL
 * (reported; the caller goes on) or -ENOMEM. */
int zonerecord_read(struct zone_reader *reader);
