/* cookie.c - DNS cookies: server cookies of RFC 9018, their secrets and their file
 *
 * A server cookie is the version, three reserved octets, the time and a SipHash-2-4 of all
 * these with the client's cookie and address, keyed by a secret. Every server that has the
 * secret can check it, so no state per client is kept. respond.c makes and checks cookies for
 * each query that brings the option: this path neither allocates nor calls the kernel. Only
 * cookie_keys_load() touches files.
 */
#include "dnsd/wire/cookie.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/bigendian.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/statefile.h"

enum {
	COOKIE_VERSION = 1,
	COOKIE_HASH_AT = 8,
	/* client cookie, version and reserved, time, address */
	COOKIE_INPUT_MAX = COOKIE_CLIENT_LEN + COOKIE_HASH_AT + 16,
	COOKIE_FILE_MAX = 4096,
};

static uint64_t rotl(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t le64_read(const uint8_t *bytes)
{
	uint64_t le;

	memcpy(&le, bytes, sizeof(le));
	return le64toh(le);
}

/* SipRound of Aumasson and Bernstein's paper, section 2.2. */
static void sip_rounds(uint64_t v[4], unsigned int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotl(v[1], 13) ^ v[0];
		v[3] = rotl(v[3], 16) ^ v[2];
		v[0] = rotl(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotl(v[1], 17) ^ v[2];
		v[3] = rotl(v[3], 21) ^ v[0];
		v[2] = rotl(v[2], 32);
	}
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

void siphash24(const uint8_t key[16], const uint8_t *data, size_t len, uint8_t ret_hash[8])
{
	uint64_t k0 = le64_read(key);
	uint64_t k1 = le64_read(key + 8);
	uint64_t v[4] = {
		k0 ^ 0x736f6d6570736575,
		k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261,
		k1 ^ 0x7465646279746573,
	};
	size_t whole = len & ~(size_t)7;
	uint8_t tail[8] = {[7] = (uint8_t)len};

	for (size_t i = 0; i < whole; i += 8)
		sip_word(v, le64_read(data + i));
	for (size_t i = whole; i < len; i++)
		tail[i - whole] = data[i];
	sip_word(v, le64_read(tail));

	v[2] ^= 0xff;
	sip_rounds(v, 4);
	uint64_t hash = htole64(v[0] ^ v[1] ^ v[2] ^ v[3]);
	memcpy(ret_hash, &hash, sizeof(hash));
}

/* RFC 9018 section 4.4: client cookie | version | reserved | time | client's address.
 * `head` is the server cookie's first 8 octets. */
static void cookie_hash(const uint8_t *secret, const uint8_t *client_cookie,
	const uint8_t *head, const struct addr *client, uint8_t ret_hash[8])
{
	uint8_t input[COOKIE_INPUT_MAX];
	size_t n_addr = addr_len(client);

	memcpy(input, client_cookie, COOKIE_CLIENT_LEN);
	memcpy(input + COOKIE_CLIENT_LEN, head, COOKIE_HASH_AT);
	memcpy(input + COOKIE_CLIENT_LEN + COOKIE_HASH_AT, client->bytes, n_addr);
	siphash24(secret, input, COOKIE_CLIENT_LEN + COOKIE_HASH_AT + n_addr, ret_hash);
}

void cookie_make(const struct cookie_keys *keys,
	const uint8_t client_cookie[COOKIE_CLIENT_LEN], const struct addr *client,
	uint32_t now_s, uint8_t ret_server[COOKIE_SERVER_LEN])
{
	ret_server[0] = COOKIE_VERSION;
	memset(ret_server + 1, 0, 3);
	be32_write(ret_server + 4, now_s);
	cookie_hash(keys->secrets[0], client_cookie, ret_server, client,
		ret_server + COOKIE_HASH_AT);
}

bool cookie_is_valid(const struct cookie_keys *keys,
	const uint8_t client_cookie[COOKIE_CLIENT_LEN], const uint8_t *server,
	size_t server_len, const struct addr *client, uint32_t now_s)
{
	if (server_len != COOKIE_SERVER_LEN || server[0] != COOKIE_VERSION)
		return false;

	/* RFC 9018 section 4.3: serial number arithmetic, so that 2106 is no special year */
	int32_t age_s = (int32_t)(now_s - be32_read(server + 4));
	bool fresh = age_s <= COOKIE_MAX_AGE_S && age_s >= -COOKIE_MAX_AHEAD_S;
	unsigned int matches = 0;

	/* compare every octet of every secret's hash, so that the time taken tells nothing */
	for (size_t i = 0; i < keys->n_secrets; i++) {
		uint8_t hash[8];
		unsigned int differs = 0;

		cookie_hash(keys->secrets[i], client_cookie, server, client, hash);
		for (size_t j = 0; j < sizeof(hash); j++)
			differs |= hash[j] ^ server[COOKIE_HASH_AT + j];
		matches |= differs == 0;
	}
	return fresh && matches;
}

/* `line` ends with a line feed or NUL; blanks around the digits are allowed. */
static int secret_parse(const char *line, size_t len, uint8_t ret_secret[COOKIE_SECRET_LEN])
{
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		len--;
	while (len > 0 && isspace((unsigned char)*line))
		line++, len--;
	if (len != 2 * COOKIE_SECRET_LEN)
		return -EINVAL;

	for (size_t i = 0; i < COOKIE_SECRET_LEN; i++) {
		int high = OPENSSL_hexchar2int((unsigned char)line[2 * i]);
		int low = OPENSSL_hexchar2int((unsigned char)line[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		ret_secret[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static bool line_is_blank(const char *line, size_t len)
{
	while (len > 0 && isspace((unsigned char)*line))
		line++, len--;
	return len == 0 || *line == '#';
}

static int secrets_parse(const char *path, const char *text, struct cookie_keys *ret_keys)
{
	struct cookie_keys keys = {0};
	int number = 0;

	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		number++;
		if (!line_is_blank(line, len)) {
			if (keys.n_secrets == 2)
				return log_error(-EINVAL, "cookie",
					"%s:%d: more than two secrets", path, number);
			if (secret_parse(line, len, keys.secrets[keys.n_secrets]) < 0)
				return log_error(-EINVAL, "cookie",
					"%s:%d: not a secret of 32 hexadecimal digits", path,
					number);
			keys.n_secrets++;
		}
		line += len + (line[len] == '\n');
	}
	if (keys.n_secrets == 0)
		return log_error(-EINVAL, "cookie",
			"%s has no secret; remove the file, and dnsd makes a new one", path);
	*ret_keys = keys;
	return 0;
}

static int secrets_read(const char *path, struct cookie_keys *ret_keys)
{
	const char *problem = NULL;
	struct file file;
	int err = file_read(path, COOKIE_FILE_MAX, FILE_REGULAR, &file, &problem);

	if (err == -ENOENT)
		return err;
	if (err < 0) {
		log_error(0, "cookie", "cannot read %s: %s", path, problem);
		return err;
	}
	if (file.mode & 0077)
		log_warning("cookie",
			"%s can be read by other users than its owner; run chmod 600 %s", path,
			path);

	err = secrets_parse(path, file.text, ret_keys);
	OPENSSL_cleanse(file.text, file.len);
	free(file.text);
	return err;
}

/* If two programs start at the same time, one makes the secret and the other one reads it. */
static int secrets_write(const char *path, const struct cookie_keys *keys)
{
	char line[2 * COOKIE_SECRET_LEN + 2];

	for (size_t i = 0; i < COOKIE_SECRET_LEN; i++)
		snprintf(line + 2 * i, 3, "%02x", keys->secrets[0][i]);
	line[sizeof(line) - 2] = '\n';

	int err = statefile_write(path, line, sizeof(line) - 1,
		STATEFILE_DURABLE | STATEFILE_SECRET | STATEFILE_NEW);
	OPENSSL_cleanse(line, sizeof(line));
	if (err < 0 && err != -EEXIST)
		log_error(err, "cookie", "cannot write %s", path);
	return err;
}

int cookie_keys_load(const char *path, struct cookie_keys *ret_keys)
{
	struct cookie_keys keys = {.n_secrets = 1};
	int err = secrets_read(path, ret_keys);

	if (err != -ENOENT)
		return err;
	if (getrandom(keys.secrets[0], COOKIE_SECRET_LEN, 0) != COOKIE_SECRET_LEN)
		return log_error(-errno, "cookie", "no random octets for a secret");
	err = secrets_write(path, &keys);
	if (err == -EEXIST)
		return secrets_read(path, ret_keys);
	if (err < 0)
		return err;
	*ret_keys = keys;
	return 0;
}
