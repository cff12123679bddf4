/* siteprobe.c - the kinds of probes: their text in site.yaml, and which two are the same
 *
 * Pure. Each kind is one row of `kinds`, made of the list in site.h. routed has a table over
 * the same list for sending and reading.
 */
#include "common/site/siteprobe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/invariant.h"
#include "common/site/sitevalue.h"
#include "common/site/value.h"

enum { WORD_LEN = 256, MAX_WORDS = 3 };

struct words {
	char items[MAX_WORDS][WORD_LEN]; /* the first is the kind's name */
	int n;
};

struct kind {
	const char *name;
	const char *form; /* what an operator writes */
	/* NULL, or what is wrong; `probe` holds its kind and line */
	const char *(*parse)(const struct words *words, struct site_probe *probe);
	void (*str)(
		const struct site_probe *probe, char *out, size_t cap); /* behind the name */
	void (*target_str)(const struct site_probe *probe, char *out, size_t cap);
	/* of two that agree in kind and address */
	bool (*eq)(const struct site_probe *a, const struct site_probe *b);
};

static const char *target_parse(const char *text, struct site_probe *probe)
{
	if (addr_parse(text, &probe->addr) < 0)
		return "does not name its target by address";
	return site_addr_fault(&probe->addr) ? "has a target that cannot answer" : NULL;
}

/* ---- icmp ---- */

static const char icmp_form[] = "icmp ADDR";

static const char *icmp_parse(const struct words *words, struct site_probe *probe)
{
	if (words->n != 2)
		return "should read 'icmp ADDR' or 'icmp gateway'";
	probe->gateway = strcmp(words->items[1], "gateway") == 0;
	return probe->gateway ? NULL : target_parse(words->items[1], probe);
}

static void icmp_str(const struct site_probe *probe, char *out, size_t cap)
{
	snprintf(out, cap, "%s", probe->gateway ? "gateway" : addr_str(&probe->addr));
}

static void icmp_target_str(const struct site_probe *probe, char *out, size_t cap)
{
	snprintf(out, cap, "%s", probe->gateway ? "the gateway" : addr_str(&probe->addr));
}

static bool icmp_eq(const struct site_probe *a, const struct site_probe *b)
{
	return a->gateway == b->gateway;
}

/* ---- tcp ---- */

static const char tcp_form[] = "tcp ADDR PORT";

static const char *tcp_parse(const struct words *words, struct site_probe *probe)
{
	if (words->n != 3)
		return "should read 'tcp ADDR PORT'";
	if (value_port(words->items[2], &probe->port) < 0)
		return "does not end in a port from 1 to 65535";
	return target_parse(words->items[1], probe);
}

static void tcp_str(const struct site_probe *probe, char *out, size_t cap)
{
	snprintf(out, cap, "%s %u", addr_str(&probe->addr), probe->port);
}

static void tcp_target_str(const struct site_probe *probe, char *out, size_t cap)
{
	snprintf(out, cap, probe->addr.family == AF_INET6 ? "[%s]:%u" : "%s:%u",
		addr_str(&probe->addr), probe->port);
}

static bool tcp_eq(const struct site_probe *a, const struct site_probe *b)
{
	return a->port == b->port;
}

/* ---- dns ---- */

static const char dns_form[] = "dns ADDR [NAME]";

static const char *dns_parse(const struct words *words, struct site_probe *probe)
{
	const char *name = words->n == 3 ? words->items[2] : NULL;

	if (words->n < 2)
		return "should read 'dns ADDR' or 'dns ADDR NAME'";
	if (name && strcmp(name, ".") != 0 && !value_is_domain(name))
		return "does not ask for a domain name";

	const char *fault = target_parse(words->items[1], probe);
	if (!fault && name && !(probe->name = strdup(name)))
		return "cannot be kept: out of memory";
	return fault;
}

static void dns_str(const struct site_probe *probe, char *out, size_t cap)
{
	snprintf(out, cap, "%s%s%s", addr_str(&probe->addr), probe->name ? " " : "",
		probe->name ? probe->name : "");
}

static void dns_target_str(const struct site_probe *probe, char *out, size_t cap)
{
	snprintf(out, cap, "%s (dns)", addr_str(&probe->addr));
}

/* Without the final dot: the root is the empty name, however it was written. */
static size_t dns_name_len(const struct site_probe *probe)
{
	size_t len = probe->name ? strlen(probe->name) : 0;

	return len > 0 && probe->name[len - 1] == '.' ? len - 1 : len;
}

/* RFC 4343: names are compared without regard to case. */
static bool dns_eq(const struct site_probe *a, const struct site_probe *b)
{
	size_t len = dns_name_len(a);

	return len == dns_name_len(b) && (len == 0 || strncasecmp(a->name, b->name, len) == 0);
}

/* ---- all kinds ---- */

#define ROW(NAME, kind)                          \
	[SITE_PROBE_##NAME] = {                  \
		.name = #kind,                   \
		.form = kind##_form,             \
		.parse = kind##_parse,           \
		.str = kind##_str,               \
		.target_str = kind##_target_str, \
		.eq = kind##_eq,                 \
	},

static const struct kind kinds[] = {SITE_PROBE_KINDS(ROW)};

_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == SITE_PROBE_N_KINDS, "one row per kind");

static const struct kind *kind_of(const struct site_probe *probe)
{
	invariant(probe->kind < SITE_PROBE_N_KINDS, "a probe is of kind %d", (int)probe->kind);
	return &kinds[probe->kind];
}

/* "should read 'icmp ADDR', 'tcp ADDR PORT' or 'dns ADDR [NAME]'" */
static const char *any_form_fault(void)
{
	static _Thread_local char fault[256];
	size_t len = (size_t)snprintf(fault, sizeof(fault), "should read");

	for (size_t i = 0; i < SITE_PROBE_N_KINDS && len < sizeof(fault); i++)
		len += (size_t)snprintf(fault + len, sizeof(fault) - len, "%s '%s'",
			i == 0			      ? ""
			: i == SITE_PROBE_N_KINDS - 1 ? " or"
						      : ",",
			kinds[i].form);
	return fault;
}

/* Splits at blanks; false if there are more words, or longer ones, than any kind takes. */
static bool split(const char *text, struct words *ret_words)
{
	ret_words->n = 0;
	for (const char *p = text + strspn(text, " "); *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (ret_words->n == MAX_WORDS || len >= WORD_LEN)
			return false;
		memcpy(ret_words->items[ret_words->n], p, len);
		ret_words->items[ret_words->n++][len] = '\0';
		p += len;
	}
	return ret_words->n > 0;
}

const char *site_probe_parse(const char *text, struct site_probe *ret_probe)
{
	struct words words;
	struct site_probe probe = {.line = ret_probe->line};
	size_t kind = 0;

	if (!split(text, &words))
		return any_form_fault();
	while (kind < SITE_PROBE_N_KINDS && strcmp(words.items[0], kinds[kind].name) != 0)
		kind++;
	if (kind == SITE_PROBE_N_KINDS)
		return any_form_fault();

	probe.kind = (enum site_probe_kind)kind;
	const char *fault = kinds[kind].parse(&words, &probe);
	if (fault) {
		site_probe_fini(&probe);
		/* cppcheck-suppress returnDanglingLifetime ; a fault is a literal, no word */
		return fault;
	}
	*ret_probe = probe;
	return NULL;
}

const char *site_probe_str(const struct site_probe *probe, char out[SITE_PROBE_STR_LEN])
{
	const struct kind *kind = kind_of(probe);
	int len = snprintf(out, SITE_PROBE_STR_LEN, "%s ", kind->name);

	kind->str(probe, out + len, SITE_PROBE_STR_LEN - (size_t)len);
	return out;
}

const char *site_probe_target_str(const struct site_probe *probe, char out[SITE_PROBE_STR_LEN])
{
	kind_of(probe)->target_str(probe, out, SITE_PROBE_STR_LEN);
	return out;
}

bool site_probe_eq(const struct site_probe *a, const struct site_probe *b)
{
	return a->kind == b->kind && addr_eq(&a->addr, &b->addr) && kind_of(a)->eq(a, b);
}

int site_probe_copy(const struct site_probe *probe, struct site_probe *ret_copy)
{
	struct site_probe copy = *probe;

	if (probe->name && !(copy.name = strdup(probe->name)))
		return -ENOMEM;
	*ret_copy = copy;
	return 0;
}

void site_probe_fini(struct site_probe *probe)
{
	free(probe->name);
	probe->name = NULL;
}
