/* json.h - times and addresses in JSON, written by both daemons in the same way
 *
 * New references; NULL without memory.
 */
#pragma once
#include <jansson.h>
#include <stdint.h>
#include <time.h>

#include "common/site/site.h"

/* "2026-11-22T10:00:00Z"; null for 0. */
json_t *json_time(time_t when);

/* "2026-11-22T10:00:00.000000Z", from microseconds of the time of day. */
json_t *json_time_us(int64_t wall_us);

/* A list of the addresses that are set, of both families. */
json_t *json_addrs(const struct addr addrs[SITE_FAMILIES]);

/* null for NULL and "". */
json_t *json_string_or_null(const char *text);
