/* cookie.h - DNS cookies: server cookies of RFC 9018, their secrets and their file
 *
 * Two routers that share the file (anycast, a standby) accept each other's cookies.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

enum {
	COOKIE_CLIENT_LEN = 8,
	COOKIE_SERVER_LEN = 16, /* those that we make; others have 8 to 32 octets */
	COOKIE_SECRET_LEN = 16,
	COOKIE_MAX_AGE_S = 3600, /* RFC 9018 section 4.3 */
	COOKIE_MAX_AHEAD_S = 300,
};

/* The first secret makes cookies; the second, if there is one, is still accepted. */
struct cookie_keys {
	uint8_t secrets[2][COOKIE_SECRET_LEN];
	size_t n_secrets;
};

/* SipHash-2-4 of `data` with a 16-octet key; the result as 8 octets, little endian. */
void siphash24(const uint8_t key[16], const uint8_t *data, size_t len, uint8_t ret_hash[8]);

/* Makes the server cookie for a client: version 1, reserved 0, time, hash. */
void cookie_make(const struct cookie_keys *keys,
	const uint8_t client_cookie[COOKIE_CLIENT_LEN], const struct addr *client,
	uint32_t now_s, uint8_t ret_server[COOKIE_SERVER_LEN]);

/* Is this a server cookie of ours, for this client, and not too old? Constant in time. */
bool cookie_is_valid(const struct cookie_keys *keys,
	const uint8_t client_cookie[COOKIE_CLIENT_LEN], const uint8_t *server,
	size_t server_len, const struct addr *client, uint32_t now_s);

/* Reads the secrets (lines of 32 hexadecimal digits, newest first) from the file, or makes the
 * file, mode 0600, with a new one. Negative errno after a logged message. */
int cookie_keys_load(const char *path, struct cookie_keys *ret_keys);
