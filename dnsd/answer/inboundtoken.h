/* inboundtoken.h - the tokens of `verify --inbound`: on which view did a query for one arrive?
 *
 * The verb tells the running server a random token over the control socket. For a minute the
 * server then answers the names TOKEN-uN and TOKEN-tN directly below a zone itself, and counts
 * by view, protocol and family how many queries arrived. Over UDP it truncates the answer to
 * TOKEN-tN, so that the resolver must come back by TCP.
 *
 * The main thread opens and reads, the workers count: only atomics, no lock, no allocation.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/site/site.h"

enum {
	INBOUND_TOKEN_MAX = 8,		      /* open at the same time */
	INBOUND_TOKEN_OPEN_S = 60,	      /* after the verb's last request for it */
	INBOUND_TOKEN_LEN = 32,		      /* hexadecimal digits: 128 bits, not guessable */
	INBOUND_VIEWS = SITE_MAX_UPLINKS + 1, /* by view + 1: the inside view first */
};

enum inbound_count {
	INBOUND_BY_UDP,
	INBOUND_BY_TCP,
	INBOUND_TC, /* of those by UDP: truncated, the resolver should come back by TCP */
	INBOUND_N_COUNTS,
};

struct inbound_token {
	_Atomic bool is_open;
	_Atomic uint32_t until_s; /* wall clock, modulo 2^32 */
	_Atomic uint64_t high;
	_Atomic uint64_t low;
	_Atomic uint32_t n_arrived[INBOUND_VIEWS][SITE_FAMILIES][INBOUND_N_COUNTS];
};

struct inbound_tokens {
	_Atomic bool is_open; /* any token was open when the main thread last looked */
	struct inbound_token tokens[INBOUND_TOKEN_MAX];
};

/* One query for a name that does not exist. */
struct inbound_query {
	const uint8_t *label; /* the first of the name, in lower case */
	int view;
	bool ipv6;
	bool tcp;
	uint32_t now_s; /* wall clock, modulo 2^32 */
};

enum inbound_kind {
	INBOUND_NOT,	   /* the name has no open token */
	INBOUND_PLAIN,	   /* TOKEN-uN: answer it */
	INBOUND_TRUNCATED, /* TOKEN-tN: answer it over TCP, truncate over UDP */
};

/* The only cost for ordinary queries for names that do not exist. */
static inline bool inbound_tokens_are_open(const struct inbound_tokens *tokens)
{
	return tokens && atomic_load_explicit(&tokens->is_open, memory_order_relaxed);
}

/* Counts the query if its name has an open token. */
enum inbound_kind inbound_token_count(
	struct inbound_tokens *tokens, const struct inbound_query *query);

/* ---- for the main thread ---- */

/* Opens the token, or keeps it open for another minute. -EINVAL: not a token; -EBUSY: too many
 * are open. */
int inbound_token_open(struct inbound_tokens *tokens, const char *token, uint32_t now_s);

/* The open token, or NULL. */
const struct inbound_token *inbound_token_find(
	const struct inbound_tokens *tokens, const char *token, uint32_t now_s);

void inbound_token_close(struct inbound_tokens *tokens, const char *token);

/* After a reload: views may have other numbers now. */
void inbound_token_close_all(struct inbound_tokens *tokens);
