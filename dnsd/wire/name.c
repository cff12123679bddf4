/* name.c - domain names in wire form, uncompressed (RFC 1035 section 3.1)
 *
 * Pure. Used at load time and by the answer table; the reader of hostile queries has its own
 * bounds-checked walk in query.c and hands on only well-formed names.
 */
#include "dnsd/wire/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

size_t name_len(const uint8_t *name)
{
	size_t len = 0;

	while (name[len])
		len += 1u + name[len];
	return len + 1;
}

unsigned int name_n_labels(const uint8_t *name)
{
	unsigned int n = 0;

	for (; *name; name += 1 + *name)
		n++;
	return n;
}

void name_lower(uint8_t *out, const uint8_t *name, size_t len)
{
	/* length octets are at most 63, below 'A': no need to tell them apart */
	for (size_t i = 0; i < len; i++)
		out[i] = name_octet_lower(name[i]);
}

bool name_eq(const uint8_t *a, const uint8_t *b)
{
	size_t len = name_len(a);

	if (len != name_len(b))
		return false;
	for (size_t i = 0; i < len; i++)
		if (name_octet_lower(a[i]) != name_octet_lower(b[i]))
			return false;
	return true;
}

static int label_cmp(const uint8_t *a, const uint8_t *b)
{
	size_t n = a[0] < b[0] ? a[0] : b[0];

	for (size_t i = 1; i <= n; i++)
		if (name_octet_lower(a[i]) != name_octet_lower(b[i]))
			return name_octet_lower(a[i]) < name_octet_lower(b[i]) ? -1 : 1;
	return (int)a[0] - (int)b[0];
}

/* Offsets of the labels, leftmost first. */
static unsigned int labels_of(const uint8_t *name, const uint8_t *ret_labels[])
{
	unsigned int n = 0;

	for (; *name; name += 1 + *name)
		ret_labels[n++] = name;
	return n;
}

int name_cmp(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *la[NAME_MAX_LABELS + 1];
	const uint8_t *lb[NAME_MAX_LABELS + 1];
	unsigned int na = labels_of(a, la);
	unsigned int nb = labels_of(b, lb);

	while (na > 0 && nb > 0) {
		int order = label_cmp(la[--na], lb[--nb]);

		if (order)
			return order;
	}
	return (int)na - (int)nb;
}

bool name_is_within(const uint8_t *name, const uint8_t *apex)
{
	unsigned int n = name_n_labels(name);
	unsigned int n_apex = name_n_labels(apex);

	if (n < n_apex)
		return false;
	for (; n > n_apex; n--)
		name += 1 + *name;
	return name_eq(name, apex);
}

static char *label_str(const uint8_t *label, char *out)
{
	for (unsigned int i = 1; i <= label[0]; i++) {
		uint8_t c = label[i];

		if (c <= ' ' || c > '~') {
			out += sprintf(out, "\\%03u", c);
			continue;
		}
		if (strchr(".\\\"();@$", c))
			*out++ = '\\';
		*out++ = (char)c;
	}
	*out++ = '.';
	return out;
}

char *name_str(const uint8_t *name, char *out)
{
	char *end = out;

	for (; *name; name += 1 + *name)
		end = label_str(name, end);
	if (end == out)
		*end++ = '.';
	*end = '\0';
	return out;
}

static bool octet_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int name_text_octet(const char **text)
{
	const char *p = *text;

	if (*p != '\\') {
		*text = p + 1;
		return (uint8_t)*p;
	}
	if (octet_is_digit(p[1]) && octet_is_digit(p[2]) && octet_is_digit(p[3])) {
		int value = (p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0');

		*text = p + 4;
		return value > 255 ? -1 : value;
	}
	if (!p[1] || octet_is_digit(p[1]))
		return -1;
	*text = p + 2;
	return (uint8_t)p[1];
}

int name_from_str(const char *text, uint8_t *ret_name, size_t *ret_len)
{
	uint8_t name[NAME_MAX_LEN + 64 + 1];
	size_t len = 0;

	if (!*text)
		return -EINVAL;
	if (strcmp(text, ".") == 0)
		text = "";

	while (*text) {
		size_t label = len++;

		while (*text && *text != '.') {
			int c = name_text_octet(&text);

			if (c < 0 || len - label > 63 || len >= NAME_MAX_LEN)
				return -EINVAL;
			name[len++] = name_octet_lower((uint8_t)c);
		}
		if (len == label + 1)
			return -EINVAL; /* an empty label */
		name[label] = (uint8_t)(len - label - 1);
		if (*text == '.')
			text++;
	}
	name[len++] = 0;
	if (len > NAME_MAX_LEN)
		return -EINVAL;

	memcpy(ret_name, name, len);
	*ret_len = len;
	return 0;
}
