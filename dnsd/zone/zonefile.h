/* zonefile.h - reads RFC 1035 master files with the pseudo records SERVER and UPLINK */
#pragma once
#include "common/site/report.h"
#include "common/site/site.h"
#include "dnsd/zone/zone.h"

enum {
	ZONEFILE_LINE_MAX = 64 * 1024, /* octets of one logical line */
	ZONEFILE_INCLUDE_DEPTH = 8,
};

/* Reads the zone `origin` (text, as in site.yaml) from `path` and makes the checks of
 * zonecheck.h. Every mistake goes to `report` with file and line. Returns 0 if there was no
 * error (warnings do not count). `site` gives the names that pseudo records may use, and is
 * not kept; with NULL they may use none.
 *
 * `*ret_zone` is the caller's. With -EINVAL it is set too if the file could be read to its
 * end: that zone is for further checks alone, so that one run shows every mistake. Else it is
 * NULL. */
int zonefile_read_any(const struct site *site, const char *origin, const char *path,
	struct report *report, struct zone **ret_zone);

/* The same from memory, for tests and fuzzing; `path` names it in messages and is where
 * $INCLUDE looks (NULL: includes are an error). */
int zonefile_parse_any(const struct site *site, const char *origin, const char *path,
	const char *text, size_t len, struct report *report, struct zone **ret_zone);

/* Only a zone without an error; else `*ret_zone` is left alone. */
int zonefile_parse(const struct site *site, const char *origin, const char *path,
	const char *text, size_t len, struct report *report, struct zone **ret_zone);
