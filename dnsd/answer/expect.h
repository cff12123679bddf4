/* expect.h - names that `verify --inbound` asks resolvers for, and by which uplink they came
 *
 * The verb tells the running server a random token over the control socket; for a minute the
 * server then answers names TOKEN-uN and TOKEN-tN directly below a zone itself, and counts on
 * which view, by which protocol and family they arrived. Over UDP the latter kind is
 * truncated, so that a resolver must come back by TCP.
 *
 * The main thread opens and reads, the workers count: atomics alone, no lock, no allocation.
 */
#pragma once
#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/site/site.h"

struct config;

enum {
	EXPECT_MAX = 8,	       /* tokens at a time */
	EXPECT_OPEN_S = 60,    /* after the last time that the verb spoke of it */
	EXPECT_TOKEN_LEN = 32, /* hexadecimal digits: 128 bits that nobody guesses */
	EXPECT_VIEWS = SITE_MAX_UPLINKS + 1, /* by view + 1: the inside first */
};

enum expect_count {
	EXPECT_BY_UDP,
	EXPECT_BY_TCP,
	EXPECT_CUT, /* of those by UDP: how many were truncated, and should come back */
	EXPECT_N_COUNTS,
};

struct expect_token {
	_Atomic bool is_open;
	_Atomic uint32_t until_s; /* wall clock, modulo 2^32 */
	_Atomic uint64_t high;
	_Atomic uint64_t low;
	_Atomic uint32_t n_arrived[EXPECT_VIEWS][SITE_FAMILIES][EXPECT_N_COUNTS];
};

struct expect {
	_Atomic bool is_open; /* any token was told since the last look that found none */
	struct expect_token tokens[EXPECT_MAX];
};

/* One query for a name that does not exist. */
struct expect_query {
	const uint8_t *label; /* the first of the name, in lower case */
	int view;
	bool ipv6;
	bool tcp;
	uint32_t now_s; /* wall clock, modulo 2^32 */
};

enum expect_way {
	EXPECT_NOT,	  /* nobody waits for it */
	EXPECT_PLAIN,	  /* to be answered */
	EXPECT_TRUNCATED, /* to be answered over TCP, and truncated over UDP */
};

/* Whether to look closer: what ordinary queries for missing names pay. */
static inline bool expect_is_open(const struct expect *expect)
{
	return expect && atomic_load_explicit(&expect->is_open, memory_order_relaxed);
}

/* Counts the query if its name is one that is waited for. */
enum expect_way expect_arrived(struct expect *expect, const struct expect_query *query);

/* ---- for the main thread ---- */

/* From now on, or for another minute. -EINVAL: not a token; -EBUSY: there are too many. */
int expect_open(struct expect *expect, const char *token, uint32_t now_s);

/* The token that is open, or NULL. */
const struct expect_token *expect_find(
	const struct expect *expect, const char *token, uint32_t now_s);

void expect_close(struct expect *expect, const char *token);
void expect_clear(struct expect *expect); /* of all tokens: views may have other numbers now */

/* The control verb {"verb": "expect", "token": HEX}, with "done": true to end it: the arrivals
 * so far, {"seconds": , "fresh": , "arrived": [{"view": , "family": , "udp": , "tcp": ,
 * "truncated": }]}.
 * "fresh" says that it was not known before: never told, over, or forgotten by a reload. A new
 * reference; NULL without memory. */
json_t *expect_json(struct expect *expect, const json_t *request, const struct config *config,
	uint32_t now_s);
