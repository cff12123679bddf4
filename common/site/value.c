/* value.c - the small texts of a configuration, taken literally: numbers, times, names
 *
 * Pure functions below the readers of site.yaml. The C library's own conversions accept too
 * much ("010", " 5", "1e3", "0x1p3"), so the digits are read here.
 */
#include "common/site/value.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static bool value_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return value_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int value_bool(const char *text, bool *ret_value)
{
	bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
		return -EINVAL;

	*ret_value = yes;
	return 0;
}

/* Reads digits up to the first other character; *ret_end points to it. */
static int read_decimal(
	const char *text, uint64_t max, const char **ret_end, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool too_big = false;
	const char *p = text;

	if (!value_is_digit(*p) || (*p == '0' && value_is_digit(p[1])))
		return -EINVAL;
	for (; value_is_digit(*p); p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (value > (max - digit) / 10 || digit > max)
			too_big = true;
		else
			value = value * 10 + digit;
	}

	*ret_end = p;
	*ret_value = value;
	return too_big ? -ERANGE : 0;
}

int value_uint(const char *text, uint64_t max, uint64_t *ret_value)
{
	const char *end = text;
	uint64_t value = 0;
	int err = read_decimal(text, max, &end, &value);

	if (err == -EINVAL || *end)
		return -EINVAL;
	if (err == 0)
		*ret_value = value;
	return err;
}

int value_mask(const char *text, uint32_t *ret_value)
{
	if (strncmp(text, "0x", 2) != 0) {
		uint64_t value = 0;
		int err = value_uint(text, UINT32_MAX, &value);

		if (err == 0)
			*ret_value = (uint32_t)value;
		return err;
	}

	const char *digits = text + 2;
	size_t len = strspn(digits, "0123456789abcdefABCDEF");
	if (len == 0 || digits[len])
		return -EINVAL;
	if (len > 8)
		return -ERANGE;

	uint32_t value = 0;
	for (const char *p = digits; *p; p++)
		value = value << 4 |
			(uint32_t)(value_is_digit(*p) ? *p - '0' : (*p | 0x20) - 'a' + 10);
	*ret_value = value;
	return 0;
}

int value_port(const char *text, uint16_t *ret_port)
{
	uint64_t value = 0;
	int err = value_uint(text, UINT16_MAX, &value);

	if (err < 0)
		return err;
	if (value == 0)
		return -ERANGE;
	*ret_port = (uint16_t)value;
	return 0;
}

int value_duration(const char *text, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	const uint64_t max = INT64_MAX / 86400000;
	const char *unit = text;
	uint64_t value = 0;
	int err = read_decimal(text, max, &unit, &value);

	if (err == -EINVAL)
		return err;
	if (!*unit)
		return -ENODATA;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].unit) != 0)
			continue;
		if (err == 0)
			*ret_ms = (int64_t)value * units[i].ms;
		return err;
	}
	return -EINVAL;
}

int value_percent(const char *text, double *ret_share)
{
	const char *p = text;
	uint64_t whole = 0;
	double fraction = 0;
	double scale = 0.1;

	if (read_decimal(text, 1000, &p, &whole) == -EINVAL)
		return -EINVAL;
	if (*p == '.') {
		p++;
		if (!value_is_digit(*p))
			return -EINVAL;
		for (; value_is_digit(*p); p++, scale /= 10)
			fraction += (*p - '0') * scale;
	}
	if (strcmp(p, "%") != 0)
		return -EINVAL;
	if (whole > 100 || (whole == 100 && fraction > 0))
		return -ERANGE;

	*ret_share = ((double)whole + fraction) / 100;
	return 0;
}

int value_addr_port(const char *text, struct addr *ret_addr, uint16_t *ret_port)
{
	char host[ADDR_STR_LEN];
	const char *colon = strrchr(text, ':');
	struct addr addr = {0};
	uint16_t port = 0;

	if (!colon)
		return -EINVAL;

	bool brackets = text[0] == '[' && colon > text && colon[-1] == ']';
	const char *from = brackets ? text + 1 : text;
	size_t len = (size_t)(colon - from) - (brackets ? 1 : 0);
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, from, len);
	host[len] = '\0';

	if (addr_parse(host, &addr) < 0 || (addr.family == AF_INET6) != brackets)
		return -EINVAL;
	int err = value_port(colon + 1, &port);
	if (err < 0)
		return err;

	*ret_addr = addr;
	*ret_port = port;
	return 0;
}

int value_endpoint(const char *text, uint16_t port, struct addr *ret_addr, uint16_t *ret_port)
{
	if (addr_parse(text, ret_addr) < 0)
		return value_addr_port(text, ret_addr, ret_port);
	*ret_port = port;
	return 0;
}

bool value_is_interface(const char *text)
{
	size_t len = strlen(text);

	if (len < 1 || len > 15)
		return false;
	for (const char *p = text; *p; p++)
		if (!is_alnum(*p) && !strchr("._:@-", *p))
			return false;
	/* the kernel keeps a folder per device (dev_valid_name() in net/core/dev.c) */
	return strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

bool value_is_name(const char *text, size_t max)
{
	if (!is_alnum(text[0]) || strlen(text) > max)
		return false;
	for (const char *p = text; *p; p++)
		if (!is_alnum(*p) && *p != '-' && *p != '_')
			return false;
	return true;
}

/* RFC 1035 section 2.3.4: 63 octets a label, 255 a name, which is 253 as text. '_' is common
 * in owners, '/' in reverse zones by RFC 2317. */
bool value_is_domain(const char *text)
{
	size_t len = strlen(text);
	size_t label = 0;

	if (len > 1 && text[len - 1] == '.')
		len--;
	if (len < 1 || len > 253)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i == len || text[i] == '.') {
			if (label < 1 || label > 63)
				return false;
			label = 0;
			continue;
		}
		if (!is_alnum(text[i]) && !strchr("-_/", text[i]))
			return false;
		label++;
	}
	return true;
}
