/* expect.c - names that `verify --inbound` asks resolvers for, and by which uplink they came
 *
 *     verb                         control socket   main thread      workers, TCP
 *     makes a random token         -------------->  expect_open
 *     asks a resolver for TOKEN-u7.ZONE TXT                          expect_arrived: counts
 *     ...                          -------------->  expect_json
 *
 * A token is 128 bits that only the verb, the resolvers it asks and who can read their packets
 * know; who learns one can do no more than have itself counted for a minute. There are few
 * tokens at a time, and answers are no larger than their queries and a short string.
 *
 * respond.c looks here only for names that do not exist, just below an apex, and only while
 * is_open. A worker may meet a token that is being replaced: it then compares halves of two
 * random numbers, which match nothing.
 */
#include "dnsd/answer/expect.h"

#include <errno.h>
#include <string.h>

#include "dnsd/config.h"

enum { HALF_DIGITS = EXPECT_TOKEN_LEN / 2, NUMBER_MAX_DIGITS = 9 };

/* ---- the core: no allocation, no lock, no system call ---- */

/* 16 hexadecimal digits, lower case alone. */
static bool read_half(const uint8_t *digits, uint64_t *ret_half)
{
	uint64_t half = 0;

	for (unsigned int i = 0; i < HALF_DIGITS; i++) {
		uint8_t c = digits[i];

		if (c >= '0' && c <= '9')
			half = half << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			half = half << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret_half = half;
	return true;
}

static bool read_token(const uint8_t *digits, uint64_t *ret_high, uint64_t *ret_low)
{
	return read_half(digits, ret_high) && read_half(digits + HALF_DIGITS, ret_low);
}

/* TOKEN-uN or TOKEN-tN. */
static enum expect_way read_label(const uint8_t *label, uint64_t *ret_high, uint64_t *ret_low)
{
	const uint8_t *kind = label + 1 + EXPECT_TOKEN_LEN;
	size_t n_digits = (size_t)label[0] - EXPECT_TOKEN_LEN - 2;

	if (label[0] < EXPECT_TOKEN_LEN + 3 || n_digits > NUMBER_MAX_DIGITS ||
		kind[0] != '-' || (kind[1] != 'u' && kind[1] != 't') ||
		!read_token(label + 1, ret_high, ret_low))
		return EXPECT_NOT;
	for (size_t i = 0; i < n_digits; i++)
		if (kind[2 + i] < '0' || kind[2 + i] > '9')
			return EXPECT_NOT;
	return kind[1] == 'u' ? EXPECT_PLAIN : EXPECT_TRUNCATED;
}

static bool is_it(
	const struct expect_token *token, uint64_t high, uint64_t low, uint32_t now_s)
{
	return atomic_load_explicit(&token->is_open, memory_order_acquire) &&
	       atomic_load_explicit(&token->high, memory_order_relaxed) == high &&
	       atomic_load_explicit(&token->low, memory_order_relaxed) == low &&
	       (int32_t)(atomic_load_explicit(&token->until_s, memory_order_relaxed) -
			 now_s) >= 0;
}

static void count(_Atomic uint32_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

enum expect_way expect_arrived(struct expect *expect, const struct expect_query *query)
{
	uint64_t high;
	uint64_t low;
	enum expect_way way = read_label(query->label, &high, &low);

	for (size_t i = 0; i < EXPECT_MAX && way != EXPECT_NOT; i++) {
		struct expect_token *token = &expect->tokens[i];

		if (!is_it(token, high, low, query->now_s))
			continue;
		_Atomic uint32_t *counts =
			token->n_arrived[query->view + 1][query->ipv6 ? SITE_IPV6 : SITE_IPV4];
		count(&counts[query->tcp ? EXPECT_BY_TCP : EXPECT_BY_UDP]);
		if (way == EXPECT_TRUNCATED && !query->tcp)
			count(&counts[EXPECT_CUT]);
		return way;
	}
	return EXPECT_NOT;
}

/* ---- the main thread ---- */

static bool read_text(const char *text, uint64_t *ret_high, uint64_t *ret_low)
{
	return strlen(text) == EXPECT_TOKEN_LEN &&
	       read_token((const uint8_t *)text, ret_high, ret_low);
}

/* Its place, or EXPECT_MAX. */
static size_t find(const struct expect *expect, const char *text, uint32_t now_s)
{
	uint64_t high;
	uint64_t low;
	size_t i = 0;

	if (!read_text(text, &high, &low))
		return EXPECT_MAX;
	while (i < EXPECT_MAX && !is_it(&expect->tokens[i], high, low, now_s))
		i++;
	return i;
}

const struct expect_token *expect_find(
	const struct expect *expect, const char *token, uint32_t now_s)
{
	size_t i = find(expect, token, now_s);

	return i < EXPECT_MAX ? &expect->tokens[i] : NULL;
}

static bool is_over(const struct expect_token *token, uint32_t now_s)
{
	return !atomic_load(&token->is_open) ||
	       (int32_t)(atomic_load(&token->until_s) - now_s) < 0;
}

static void tidy(struct expect *expect, uint32_t now_s)
{
	bool any = false;

	for (size_t i = 0; i < EXPECT_MAX; i++) {
		if (is_over(&expect->tokens[i], now_s))
			atomic_store(&expect->tokens[i].is_open, false);
		else
			any = true;
	}
	atomic_store(&expect->is_open, any);
}

static void begin(struct expect_token *token, uint64_t high, uint64_t low)
{
	for (size_t view = 0; view < EXPECT_VIEWS; view++)
		for (size_t family = 0; family < SITE_FAMILIES; family++)
			for (size_t i = 0; i < EXPECT_N_COUNTS; i++)
				atomic_store(&token->n_arrived[view][family][i], 0);
	atomic_store(&token->high, high);
	atomic_store(&token->low, low);
}

int expect_open(struct expect *expect, const char *text, uint32_t now_s)
{
	size_t i = find(expect, text, now_s);
	uint64_t high;
	uint64_t low;

	tidy(expect, now_s);
	if (i == EXPECT_MAX) {
		if (!read_text(text, &high, &low))
			return -EINVAL;
		for (i = 0; i < EXPECT_MAX && atomic_load(&expect->tokens[i].is_open); i++)
			;
		if (i == EXPECT_MAX)
			return -EBUSY;
		begin(&expect->tokens[i], high, low);
	}
	atomic_store(&expect->tokens[i].until_s, now_s + EXPECT_OPEN_S);
	atomic_store(&expect->tokens[i].is_open, true);
	atomic_store(&expect->is_open, true);
	return 0;
}

void expect_close(struct expect *expect, const char *text)
{
	uint64_t high;
	uint64_t low;

	if (!read_text(text, &high, &low))
		return;
	for (size_t i = 0; i < EXPECT_MAX; i++)
		if (atomic_load(&expect->tokens[i].high) == high &&
			atomic_load(&expect->tokens[i].low) == low)
			atomic_store(&expect->tokens[i].is_open, false);
}

void expect_clear(struct expect *expect)
{
	for (size_t i = 0; i < EXPECT_MAX; i++)
		atomic_store(&expect->tokens[i].is_open, false);
	atomic_store(&expect->is_open, false);
}

/* ---- the control verb ---- */

static json_t *json_way(
	const char *view, enum site_family family, const _Atomic uint32_t *counts)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I}", "view", view, "family",
		family == SITE_IPV4 ? "ipv4" : "ipv6", "udp",
		(json_int_t)atomic_load(&counts[EXPECT_BY_UDP]), "tcp",
		(json_int_t)atomic_load(&counts[EXPECT_BY_TCP]), "truncated",
		(json_int_t)atomic_load(&counts[EXPECT_CUT]));
}

static json_t *json_arrived(const struct expect_token *token, const struct config *config)
{
	int views[SITE_MAX_UPLINKS + 1];
	size_t n = config_views(config, views);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++)
			json_array_append_new(
				list, json_way(config_view_name(config, views[i]), family,
					      token->n_arrived[views[i] + 1][family]));
	return json_pack("{s:i, s:o}", "seconds", EXPECT_OPEN_S, "arrived", list);
}

json_t *expect_json(struct expect *expect, const json_t *request, const struct config *config,
	uint32_t now_s)
{
	const char *text = json_string_value(json_object_get(request, "token"));
	bool is_fresh;

	if (!text)
		return json_pack("{s:s}", "error", "'expect' needs a token");
	is_fresh = expect_find(expect, text, now_s) == NULL;
	int err = expect_open(expect, text, now_s);
	if (err == -EBUSY)
		return json_pack("{s:s}", "error",
			"too many wait for queries already: try again in a minute");
	if (err < 0)
		return json_pack("{s:s}", "error", "a token is 32 hexadecimal digits, a to f");

	json_t *reply = json_arrived(expect_find(expect, text, now_s), config);
	json_object_set_new(reply, "fresh", json_boolean(is_fresh));
	if (json_is_true(json_object_get(request, "done")))
		expect_close(expect, text);
	return reply;
}
