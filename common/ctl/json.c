/* json.c - times and addresses in JSON, written by both daemons in the same way
 *
 * Replies, events and streams use these, so that a program can read them with one parser
 * (docs/control.md).
 */
#include "common/ctl/json.h"

#include <stdio.h>

enum { SEC = 1000000 /* us */ };

json_t *json_time(time_t when)
{
	struct tm tm;
	char text[32];

	if (when == 0)
		return json_null();
	gmtime_r(&when, &tm);
	strftime(text, sizeof(text), "%FT%TZ", &tm);
	return json_string(text);
}

json_t *json_time_us(int64_t wall_us)
{
	time_t wall_s = (time_t)(wall_us / SEC);
	char whole[32];
	char text[48];
	struct tm tm;

	gmtime_r(&wall_s, &tm);
	strftime(whole, sizeof(whole), "%FT%T", &tm);
	snprintf(text, sizeof(text), "%s.%06dZ", whole, (int)(wall_us % SEC));
	return json_string(text);
}

json_t *json_addrs(const struct addr addrs[SITE_FAMILIES])
{
	json_t *list = json_array();

	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		if (addr_is_set(&addrs[family]))
			json_array_append_new(list, json_string(addr_str(&addrs[family])));
	return list;
}

json_t *json_string_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}
