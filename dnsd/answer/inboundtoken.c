/* inboundtoken.c - the tokens of `verify --inbound`: on which view did a query for one arrive?
 *
 *     verb                         control socket   main thread      workers, TCP
 *     makes a random token         -------------->  inbound_json
 *                                                   inbound_token_open
 *     asks a resolver for TOKEN-u7.ZONE TXT                          inbound_token_count
 *     reads the counts             -------------->  inbound_json
 *
 * A token has 128 bits. Only the verb, the resolvers that it asks and those who can read their
 * packets know it. Someone who learns a token can do no more than be counted for a minute.
 * Few tokens are open at a time, and answers are no larger than the query and a short string.
 *
 * respond.c looks here only for names that do not exist, directly below an apex, and only
 * while is_open. A worker may meet a token that is being replaced: it then compares halves of
 * two random numbers, which match nothing.
 */
#include "dnsd/answer/inboundtoken.h"

#include <errno.h>
#include <string.h>

enum { HALF_DIGITS = INBOUND_TOKEN_LEN / 2, NUMBER_MAX_DIGITS = 9 };

/* ---- the core: no allocation, no lock, no system call ---- */

/* 16 hexadecimal digits, lower case alone. */
static bool token_half_read(const uint8_t *digits, uint64_t *ret_half)
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

static bool token_digits_read(const uint8_t *digits, uint64_t *ret_high, uint64_t *ret_low)
{
	return token_half_read(digits, ret_high) &&
	       token_half_read(digits + HALF_DIGITS, ret_low);
}

/* TOKEN-uN or TOKEN-tN. */
static enum inbound_kind token_label_read(
	const uint8_t *label, uint64_t *ret_high, uint64_t *ret_low)
{
	const uint8_t *kind = label + 1 + INBOUND_TOKEN_LEN;
	size_t n_digits = (size_t)label[0] - INBOUND_TOKEN_LEN - 2;

	if (label[0] < INBOUND_TOKEN_LEN + 3 || n_digits > NUMBER_MAX_DIGITS ||
		kind[0] != '-' || (kind[1] != 'u' && kind[1] != 't') ||
		!token_digits_read(label + 1, ret_high, ret_low))
		return INBOUND_NOT;
	for (size_t i = 0; i < n_digits; i++)
		if (kind[2 + i] < '0' || kind[2 + i] > '9')
			return INBOUND_NOT;
	return kind[1] == 'u' ? INBOUND_PLAIN : INBOUND_TRUNCATED;
}

static bool token_matches(
	const struct inbound_token *token, uint64_t high, uint64_t low, uint32_t now_s)
{
	return atomic_load_explicit(&token->is_open, memory_order_acquire) &&
	       atomic_load_explicit(&token->high, memory_order_relaxed) == high &&
	       atomic_load_explicit(&token->low, memory_order_relaxed) == low &&
	       (int32_t)(atomic_load_explicit(&token->until_s, memory_order_relaxed) -
			 now_s) >= 0;
}

static void token_counter_add(_Atomic uint32_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

enum inbound_kind inbound_token_count(
	struct inbound_tokens *tokens, const struct inbound_query *query)
{
	uint64_t high;
	uint64_t low;
	enum inbound_kind kind = token_label_read(query->label, &high, &low);

	for (size_t i = 0; i < INBOUND_TOKEN_MAX && kind != INBOUND_NOT; i++) {
		struct inbound_token *token = &tokens->tokens[i];

		if (!token_matches(token, high, low, query->now_s))
			continue;
		_Atomic uint32_t *counts =
			token->n_arrived[query->view + 1][query->ipv6 ? SITE_IPV6 : SITE_IPV4];
		token_counter_add(&counts[query->tcp ? INBOUND_BY_TCP : INBOUND_BY_UDP]);
		if (kind == INBOUND_TRUNCATED && !query->tcp)
			token_counter_add(&counts[INBOUND_TC]);
		return kind;
	}
	return INBOUND_NOT;
}

/* ---- the main thread ---- */

static bool token_text_read(const char *text, uint64_t *ret_high, uint64_t *ret_low)
{
	return strlen(text) == INBOUND_TOKEN_LEN &&
	       token_digits_read((const uint8_t *)text, ret_high, ret_low);
}

/* Its index, or INBOUND_TOKEN_MAX. */
static size_t token_index(
	const struct inbound_tokens *tokens, const char *text, uint32_t now_s)
{
	uint64_t high;
	uint64_t low;
	size_t i = 0;

	if (!token_text_read(text, &high, &low))
		return INBOUND_TOKEN_MAX;
	while (i < INBOUND_TOKEN_MAX && !token_matches(&tokens->tokens[i], high, low, now_s))
		i++;
	return i;
}

const struct inbound_token *inbound_token_find(
	const struct inbound_tokens *tokens, const char *token, uint32_t now_s)
{
	size_t i = token_index(tokens, token, now_s);

	return i < INBOUND_TOKEN_MAX ? &tokens->tokens[i] : NULL;
}

static void tokens_close_expired(struct inbound_tokens *tokens, uint32_t now_s)
{
	bool any = false;

	for (size_t i = 0; i < INBOUND_TOKEN_MAX; i++) {
		struct inbound_token *token = &tokens->tokens[i];

		if ((int32_t)(atomic_load(&token->until_s) - now_s) < 0)
			atomic_store(&token->is_open, false);
		any = any || atomic_load(&token->is_open);
	}
	atomic_store(&tokens->is_open, any);
}

static void token_init(struct inbound_token *token, uint64_t high, uint64_t low)
{
	for (size_t view = 0; view < INBOUND_VIEWS; view++)
		for (size_t family = 0; family < SITE_FAMILIES; family++)
			for (size_t i = 0; i < INBOUND_N_COUNTS; i++)
				atomic_store(&token->n_arrived[view][family][i], 0);
	atomic_store(&token->high, high);
	atomic_store(&token->low, low);
}

int inbound_token_open(struct inbound_tokens *tokens, const char *text, uint32_t now_s)
{
	size_t i = token_index(tokens, text, now_s);
	uint64_t high;
	uint64_t low;

	tokens_close_expired(tokens, now_s);
	if (i == INBOUND_TOKEN_MAX) {
		if (!token_text_read(text, &high, &low))
			return -EINVAL;
		for (i = 0; i < INBOUND_TOKEN_MAX && atomic_load(&tokens->tokens[i].is_open);
			i++)
			;
		if (i == INBOUND_TOKEN_MAX)
			return -EBUSY;
		token_init(&tokens->tokens[i], high, low);
	}
	atomic_store(&tokens->tokens[i].until_s, now_s + INBOUND_TOKEN_OPEN_S);
	atomic_store(&tokens->tokens[i].is_open, true);
	atomic_store(&tokens->is_open, true);
	return 0;
}

void inbound_token_close(struct inbound_tokens *tokens, const char *text)
{
	uint64_t high;
	uint64_t low;

	if (!token_text_read(text, &high, &low))
		return;
	for (size_t i = 0; i < INBOUND_TOKEN_MAX; i++)
		if (atomic_load(&tokens->tokens[i].high) == high &&
			atomic_load(&tokens->tokens[i].low) == low)
			atomic_store(&tokens->tokens[i].is_open, false);
}

void inbound_token_close_all(struct inbound_tokens *tokens)
{
	for (size_t i = 0; i < INBOUND_TOKEN_MAX; i++)
		atomic_store(&tokens->tokens[i].is_open, false);
	atomic_store(&tokens->is_open, false);
}
