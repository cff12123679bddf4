/* tsig.h - signs messages to a server that shares a key with us, and checks its responses
 *
 * RFC 8945, with HMAC-SHA256 and HMAC-SHA512. Pure: the time is given.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsd/wire/message.h"

enum {
	TSIG_MAC_MAX = 64,
	TSIG_SECRET_MAX = 512,
	TSIG_FUDGE_S = 300, /* RFC 8945 section 10: the recommended value */
};

enum tsig_algorithm { TSIG_HMAC_SHA256, TSIG_HMAC_SHA512, TSIG_N_ALGORITHMS };

struct tsig_key {
	uint8_t name[NAME_MAX_LEN]; /* lower case */
	enum tsig_algorithm algorithm;
	uint8_t secret[TSIG_SECRET_MAX];
	size_t secret_len;
};

struct tsig_mac {
	uint8_t bytes[TSIG_MAC_MAX];
	size_t len;
};

/* "hmac-sha256" with or without the final dot, of any case. -EINVAL. */
int tsig_algorithm_parse(const char *text, enum tsig_algorithm *ret_algorithm);
const char *tsig_algorithm_str(enum tsig_algorithm algorithm);

/* Appends a TSIG record to the message. The MAC of the response covers `ret_mac`. -ENOSPC if
 * the record does not fit, -EIO if libcrypto fails. */
int tsig_sign(const struct tsig_key *key, uint64_t now_s, struct message_writer *writer,
	struct tsig_mac *ret_mac);

enum tsig_verdict {
	TSIG_GOOD,	/* made with the key, for our message, in time */
	TSIG_MISSING,	/* not signed, or with an empty MAC: RFC 8945 section 5.3.2 */
	TSIG_OTHER_KEY, /* signed with another key or algorithm */
	TSIG_FORGED,	/* the MAC is wrong, or the record is not well-formed */
	TSIG_STALE,	/* the MAC is right, the time is not near ours */
};

struct tsig_check {
	enum tsig_verdict verdict;
	/* the TSIG record's: DNS_RCODE_BADKEY, ... or 0; may be forged if the MAC is wrong */
	unsigned int error;
	uint64_t server_s; /* the server's clock, if the record has it; else 0 */
};

/* Checks a response that message_read() accepted. `request` is the MAC of our message, which
 * was signed with `key`. */
struct tsig_check tsig_verify(const struct tsig_key *key, uint64_t now_s,
	const struct tsig_mac *request, const struct message *response);
