/* zonetoken.c - one word of a master file, and the values that it may stand for
 *
 * Called by zonefile.c, zonerecord.c, pseudo.c and rdatatext.c. Nothing here knows of lines or
 * reports. Escapes are those of RFC 1035 section 5.1; the units of time are those that BIND
 * and NSD take.
 */
#include "dnsd/zone/zonetoken.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_decimal(char c)
{
	return c >= '0' && c <= '9';
}

bool zonetoken_is(const struct zonetoken *token, const char *word)
{
	return !token->quoted && strcasecmp(token->text, word) == 0;
}

/* One label, up to its dot or the end of the text. */
static const char *label_read(const char **text, uint8_t *name, size_t *len)
{
	size_t start = (*len)++;

	while (**text && **text != '.') {
		int c = name_text_octet(text);

		if (c < 0)
			return "has a bad escape: \\ is followed by three digits up to 255, "
			       "or by the character that is meant";
		if (*len - start > 63)
			return "has a label of more than 63 octets";
		if (*len >= NAME_MAX_LEN)
			return "is longer than 255 octets";
		name[(*len)++] = (uint8_t)c;
	}
	name[start] = (uint8_t)(*len - start - 1);
	return name[start] ? NULL : "has an empty label (two dots in a row, or one in front)";
}

const char *zonetoken_name(const struct zonetoken *token, const uint8_t *origin,
	uint8_t *ret_name, size_t *ret_len)
{
	const char *text = token->text;
	const uint8_t *tail = origin;
	uint8_t name[NAME_MAX_LEN + 1];
	size_t len = 0;

	if (strcmp(text, "@") == 0)
		text = "";
	else if (!*text)
		return "is not a name";
	else if (strcmp(text, ".") == 0) {
		text = "";
		tail = (const uint8_t *)"";
	}

	while (*text) {
		const char *problem = label_read(&text, name, &len);

		if (problem)
			return problem;
		if (*text == '.') {
			text++;
			if (!*text)
				tail = (const uint8_t *)"";
		}
		if (*text && len >= NAME_MAX_LEN)
			return "is longer than 255 octets";
	}

	size_t tail_len = name_len(tail);
	if (len + tail_len > NAME_MAX_LEN)
		return *tail ? "is longer than 255 octets with the origin"
			     : "is longer than 255 octets";
	memcpy(ret_name, name, len);
	memcpy(ret_name + len, tail, tail_len);
	*ret_len = len + tail_len;
	return NULL;
}

const char *zonetoken_number(const struct zonetoken *token, uint32_t max, uint32_t *ret_value)
{
	uint64_t value = 0;

	if (!token->len)
		return "is not a number";
	for (const char *p = token->text; *p; p++) {
		if (!is_decimal(*p))
			return "is not a number";
		if (value <= max)
			value = value * 10 + (uint64_t)(*p - '0');
	}
	if (value > max)
		return max == 255	   ? "is more than 255"
		       : max == UINT16_MAX ? "is more than 65535"
		       : max == UINT32_MAX ? "is more than 4294967295"
					   : "is more than 2147483647";

	*ret_value = (uint32_t)value;
	return NULL;
}

static uint32_t unit_seconds(char c)
{
	switch (c | 0x20) {
	case 'w':
		return 7 * 24 * 3600;
	case 'd':
		return 24 * 3600;
	case 'h':
		return 3600;
	case 'm':
		return 60;
	case 's':
		return 1;
	default:
		return 0;
	}
}

const char *zonetoken_period(const struct zonetoken *token, uint32_t *ret_seconds)
{
	const char *p = token->text;
	uint64_t total = 0;

	if (token->quoted || !is_decimal(*p))
		return "is not a time in seconds, nor one like 1h30m";
	while (*p) {
		uint64_t value = 0;

		if (!is_decimal(*p))
			return "is not a time in seconds, nor one like 1h30m";
		for (; is_decimal(*p); p++)
			if (value <= ZONETOKEN_TTL_MAX)
				value = value * 10 + (uint64_t)(*p - '0');
		if (*p) {
			if (!unit_seconds(*p))
				return "is not a time in seconds, nor one like 1h30m";
			value *= unit_seconds(*p++);
		}
		/* the sum of two bounded values cannot wrap 64 bits */
		total += value;
		if (total > ZONETOKEN_TTL_MAX)
			total = (uint64_t)ZONETOKEN_TTL_MAX + 1;
	}
	if (total > ZONETOKEN_TTL_MAX)
		return "is more than 2147483647 seconds (RFC 2181 section 8)";

	*ret_seconds = (uint32_t)total;
	return NULL;
}

const char *zonetoken_octets(const struct zonetoken *token, uint8_t *out, size_t *ret_len)
{
	const char *text = token->text;
	size_t len = 0;

	while (*text) {
		int c = name_text_octet(&text);

		if (c < 0)
			return "has a bad escape: \\ is followed by three digits up to 255, "
			       "or by the character that is meant";
		out[len++] = (uint8_t)c;
	}
	*ret_len = len;
	return NULL;
}

const char *zonetoken_show(const struct zonetoken *token, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < token->len; i++) {
		uint8_t c = (uint8_t)token->text[i];

		if (len + 8 > ZONETOKEN_SHOW_LEN) {
			memcpy(out + len, "...", 3);
			len += 3;
			break;
		}
		if (c < ' ' || c > '~')
			len += (size_t)sprintf(out + len, "\\%03u", c);
		else
			out[len++] = (char)c;
	}
	out[len] = '\0';
	return out;
}
