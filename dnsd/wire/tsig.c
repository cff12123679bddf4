/* tsig.c - signs messages to a server that shares a key with us, and checks its responses
 *
 * RFC 8945. The MAC covers, in this order: for a response the MAC of the request; the message
 * without its TSIG record, with the ID that it was signed with; the "TSIG variables".
 * libcrypto makes the digest. The record is hostile, and is read here.
 *
 * Truncated MACs (section 5.2.2.1) are not accepted: no server sends them without being asked.
 */
#include "dnsd/wire/tsig.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/bigendian.h"

enum {
	TIMERS_LEN = 8, /* 48 bits of time and 16 of fudge */
	BEHIND_MAC = 6, /* original ID, error, other length */
	OTHER_TIME_LEN = 6,
	VARIABLES_MAX = 2 * NAME_MAX_LEN + 64,
};

static const struct {
	const char *name;
	const char *digest; /* as libcrypto calls it */
	size_t mac_len;
} algorithms[TSIG_N_ALGORITHMS] = {
	[TSIG_HMAC_SHA256] = {"hmac-sha256", "SHA2-256", 32},
	[TSIG_HMAC_SHA512] = {"hmac-sha512", "SHA2-512", 64},
};

int tsig_algorithm_parse(const char *text, enum tsig_algorithm *ret_algorithm)
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '.')
		len--;
	for (enum tsig_algorithm i = 0; i < TSIG_N_ALGORITHMS; i++)
		if (len == strlen(algorithms[i].name) &&
			strncasecmp(text, algorithms[i].name, len) == 0) {
			*ret_algorithm = i;
			return 0;
		}
	return -EINVAL;
}

const char *tsig_algorithm_str(enum tsig_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

static void algorithm_wire(enum tsig_algorithm algorithm, uint8_t ret_name[NAME_MAX_LEN])
{
	size_t len;

	/* a constant of ours, always valid */
	(void)name_from_str(algorithms[algorithm].name, ret_name, &len);
}

/* ---- the digest ---- */

/* Pieces that are digested one after the other. */
struct piece {
	const uint8_t *bytes;
	size_t len;
};

static bool mac_digest(
	EVP_MAC_CTX *context, const struct piece *pieces, size_t n, struct tsig_mac *ret_mac)
{
	for (size_t i = 0; i < n; i++)
		if (pieces[i].len > 0 &&
			!EVP_MAC_update(context, pieces[i].bytes, pieces[i].len))
			return false;
	return EVP_MAC_final(context, ret_mac->bytes, &ret_mac->len, sizeof(ret_mac->bytes));
}

static int mac_hmac(const struct tsig_key *key, const struct piece *pieces, size_t n,
	struct tsig_mac *ret_mac)
{
	char name[16];
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
	bool ok = false;

	snprintf(name, sizeof(name), "%s", algorithms[key->algorithm].digest);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};
	if (context && EVP_MAC_init(context, key->secret, key->secret_len, params))
		ok = mac_digest(context, pieces, n, ret_mac);
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(mac);
	return ok ? 0 : -EIO;
}

/* ---- the record ---- */

/* The fields of a TSIG record. The pointers are into the message or the key. */
struct tsig {
	const uint8_t *key_name;
	uint8_t algorithm[NAME_MAX_LEN];
	const uint8_t *timers; /* time signed and fudge, in wire order */
	const uint8_t *mac;
	size_t mac_len;
	uint16_t original_id;
	uint16_t error;
	const uint8_t *other;
	uint16_t other_len;
};

static void be48_write(uint8_t *at, uint64_t value)
{
	be16_write(at, (unsigned int)(value >> 32));
	be32_write(at + 2, (uint32_t)value);
}

static uint64_t be48_read(const uint8_t *at)
{
	return (uint64_t)be16_read(at) << 32 | be32_read(at + 2);
}

static uint8_t *bytes_append(uint8_t *at, const uint8_t *bytes, size_t len)
{
	if (len > 0)
		memcpy(at, bytes, len);
	return at + len;
}

/* RFC 8945 section 4.3.3. `out` has VARIABLES_MAX octets besides the other data. */
static size_t variables_write(const struct tsig *tsig, uint8_t *out)
{
	uint8_t *at = bytes_append(out, tsig->key_name, name_len(tsig->key_name));

	be16_write(at, DNS_CLASS_ANY);
	be32_write(at + 2, 0); /* TTL */
	at = bytes_append(at + 6, tsig->algorithm, name_len(tsig->algorithm));
	at = bytes_append(at, tsig->timers, TIMERS_LEN);
	be16_write(at, tsig->error);
	be16_write(at + 2, tsig->other_len);
	at = bytes_append(at + 4, tsig->other, tsig->other_len);
	return (size_t)(at - out);
}

/* The MAC over the `len` octets at `body`, with `header` in place of their own header. */
static int mac_compute(const struct tsig_key *key, const struct tsig_mac *request,
	const uint8_t header[DNS_HEADER_LEN], const uint8_t *body, size_t len,
	const struct tsig *tsig, struct tsig_mac *ret_mac)
{
	uint8_t variables[VARIABLES_MAX + OTHER_TIME_LEN];
	uint8_t request_len[2];
	size_t n = variables_write(tsig, variables);

	be16_write(request_len, request ? (unsigned int)request->len : 0);
	const struct piece pieces[] = {
		{request_len, request ? sizeof(request_len) : 0},
		{request ? request->bytes : NULL, request ? request->len : 0},
		{header, DNS_HEADER_LEN},
		{body + DNS_HEADER_LEN, len - DNS_HEADER_LEN},
		{variables, n},
	};
	return mac_hmac(key, pieces, sizeof(pieces) / sizeof(pieces[0]), ret_mac);
}

/* ---- signing ---- */

static uint16_t tsig_write_rdata(
	const struct tsig *tsig, const struct tsig_mac *mac, uint8_t *out)
{
	uint8_t *at = bytes_append(out, tsig->algorithm, name_len(tsig->algorithm));

	at = bytes_append(at, tsig->timers, TIMERS_LEN);
	be16_write(at, (unsigned int)mac->len);
	at = bytes_append(at + 2, mac->bytes, mac->len);
	be16_write(at, tsig->original_id);
	be16_write(at + 2, 0); /* error */
	be16_write(at + 4, 0); /* other length */
	return (uint16_t)(at + BEHIND_MAC - out);
}

int tsig_sign(const struct tsig_key *key, uint64_t now_s, struct message_writer *writer,
	struct tsig_mac *ret_mac)
{
	uint8_t rdata[NAME_MAX_LEN + TIMERS_LEN + 2 + TSIG_MAC_MAX + BEHIND_MAC];
	uint8_t timers[TIMERS_LEN];
	struct tsig tsig = {.key_name = key->name, .timers = timers};
	struct tsig_mac mac;

	if (writer->is_full)
		return -ENOSPC;
	algorithm_wire(key->algorithm, tsig.algorithm);
	be48_write(timers, now_s);
	be16_write(timers + 6, TSIG_FUDGE_S);
	tsig.original_id = be16_read(writer->bytes);
	int err = mac_compute(
		key, NULL, writer->bytes, writer->bytes, writer->len, &tsig, &mac);
	if (err < 0)
		return err;

	const struct message_rr rr = {
		.name = key->name,
		.type = DNS_TYPE_TSIG,
		.class = DNS_CLASS_ANY,
		.rdata = rdata,
		.rdata_len = tsig_write_rdata(&tsig, &mac, rdata),
	};
	message_put(writer, MESSAGE_ADDITIONAL, &rr);
	if (writer->is_full)
		return -ENOSPC;
	*ret_mac = mac;
	return 0;
}

/* ---- checking ---- */

/* The TSIG record must be the last one of the message, and the only one. */
static bool tsig_find(
	const struct message *message, struct message_record *ret_record, bool *ret_misplaced)
{
	struct message_walk walk = {0};
	struct message_record record;
	bool found = false;

	*ret_misplaced = false;
	while (message_next(message, &walk, &record)) {
		*ret_misplaced |= found; /* something stands behind it */
		if (record.type != DNS_TYPE_TSIG)
			continue;
		*ret_misplaced |= record.section != MESSAGE_ADDITIONAL ||
				  record.class != DNS_CLASS_ANY || record.ttl_s != 0;
		*ret_record = record;
		found = true;
	}
	return found;
}

static bool tsig_read(const struct message *message, const struct message_record *record,
	struct tsig *ret_tsig)
{
	struct tsig tsig = {.key_name = record->owner};
	size_t left;
	size_t at;

	if (!message_rdata_name(message, record, 0, tsig.algorithm, &at) ||
		record->rdata_len - at < TIMERS_LEN + 2)
		return false;
	tsig.timers = record->rdata + at;
	tsig.mac_len = be16_read(tsig.timers + TIMERS_LEN);
	tsig.mac = tsig.timers + TIMERS_LEN + 2;
	left = record->rdata_len - at - TIMERS_LEN - 2;
	if (left < tsig.mac_len + BEHIND_MAC)
		return false;

	const uint8_t *behind = tsig.mac + tsig.mac_len;
	tsig.original_id = be16_read(behind);
	tsig.error = be16_read(behind + 2);
	tsig.other_len = be16_read(behind + 4);
	tsig.other = behind + BEHIND_MAC;
	if (left - tsig.mac_len - BEHIND_MAC != tsig.other_len ||
		tsig.other_len > OTHER_TIME_LEN)
		return false;
	*ret_tsig = tsig;
	return true;
}

static bool tsig_has_right_mac(const struct tsig_key *key, const struct tsig_mac *request,
	const struct message *response, const struct message_record *record,
	const struct tsig *tsig)
{
	uint8_t header[DNS_HEADER_LEN];
	struct tsig_mac mac;

	memcpy(header, response->bytes, DNS_HEADER_LEN);
	be16_write(header, tsig->original_id);
	be16_write(header + 10, response->counts[MESSAGE_ADDITIONAL] - 1u);
	return mac_compute(key, request, header, response->bytes, record->at, tsig, &mac) ==
		       0 &&
	       tsig->mac_len == mac.len && CRYPTO_memcmp(tsig->mac, mac.bytes, mac.len) == 0;
}

static bool tsig_is_in_time(const struct tsig *tsig, uint64_t now_s)
{
	uint64_t signed_s = be48_read(tsig->timers);
	uint64_t apart_s = signed_s > now_s ? signed_s - now_s : now_s - signed_s;

	return apart_s <= be16_read(tsig->timers + 6);
}

/* RFC 8945 section 5.2.3: with BADTIME the server's clock is in the other data, and the time
 * signed is ours. */
static uint64_t tsig_server_s(const struct tsig *tsig)
{
	if (tsig->error == DNS_RCODE_BADTIME)
		return tsig->other_len == OTHER_TIME_LEN ? be48_read(tsig->other) : 0;
	return be48_read(tsig->timers);
}

static enum tsig_verdict tsig_judge(const struct tsig_key *key, uint64_t now_s,
	const struct tsig_mac *request, const struct message *response,
	const struct message_record *record, const struct tsig *tsig)
{
	uint8_t algorithm[NAME_MAX_LEN];

	algorithm_wire(key->algorithm, algorithm);
	if (tsig->mac_len == 0)
		return TSIG_MISSING;
	if (!name_eq(tsig->key_name, key->name) || !name_eq(tsig->algorithm, algorithm))
		return TSIG_OTHER_KEY;
	if (!tsig_has_right_mac(key, request, response, record, tsig))
		return TSIG_FORGED;
	return tsig_is_in_time(tsig, now_s) ? TSIG_GOOD : TSIG_STALE;
}

struct tsig_check tsig_verify(const struct tsig_key *key, uint64_t now_s,
	const struct tsig_mac *request, const struct message *response)
{
	struct tsig_check check = {.verdict = TSIG_MISSING};
	struct message_record record;
	bool misplaced;
	struct tsig tsig;

	if (!tsig_find(response, &record, &misplaced))
		return check;
	check.verdict = TSIG_FORGED;
	if (misplaced || !tsig_read(response, &record, &tsig))
		return check;
	check.error = tsig.error;
	check.server_s = tsig_server_s(&tsig);
	check.verdict = tsig_judge(key, now_s, request, response, &record, &tsig);
	return check;
}
