/* test_tsig.c - signatures as BIND makes and takes them
 *
 * The messages were recorded between dig and named of BIND 9.18, so that nothing here rests on
 * our own reading of RFC 8945 alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/wire/tsig.h"

#include <errno.h>
#include <string.h>

#include "tests/lib/hex.h"

#define QUESTION "0001 0000 0000 0001 07 6578616d706c65 03 636f6d 00 0006 0001 "
#define RECORDS                                                                          \
	"c00c 0006 0001 0000012c 0026 026e73 c00c 0a686f73746d6173746572 c00c 00000001 " \
	"00000708 00000384 00093a80 0000003c c00c 0002 0001 0000012c 0002 c029 "         \
	"c029 0001 0001 0000012c 0004 c6336435 "
#define KEY_256 "0a 6d756c7469686f6d6564 07 6578616d706c65 00 00fa 00ff 00000000 "
#define KEY_512 "0e 6d756c7469686f6d65642d353132 07 6578616d706c65 00 00fa 00ff 00000000 "
#define ALG_256 "0b 686d61632d736861323536 00 "
#define ALG_512 "0b 686d61632d736861353132 00 "

enum { SIGNED_S = 0x6b0a16c2 };

struct exchange {
	enum tsig_algorithm algorithm;
	const char *key;
	const char *secret;
	uint16_t id;
	const char *query;
	const char *response;
};

static const struct exchange exchanges[] = {
	{TSIG_HMAC_SHA256, "multihomed.example", "made of thirty-two octets!!!!!!", 0xe83d,
		"e83d 0020 " QUESTION KEY_256 "003d " ALG_256 "00006b0a16c2 012c 0020 "
		"6dc9470aa946133aa4731bc13adfc9a3b78f7886f26e7f1ddbe043acb13acc9d e83d 0000 "
		"0000",
		"e83d 8400 0001 0001 0001 0002 07 6578616d706c65 03 636f6d 00 0006 "
		"0001 " RECORDS KEY_256 "003d " ALG_256 "00006b0a16c2 012c 0020 "
		"26d1469ee726a9322570a583f3d59353079dfe4355dc5edff342122919d2e0aa e83d 0000 "
		"0000"},
	{TSIG_HMAC_SHA512, "multihomed-512.example",
		"sixty-four octets are what a key for HMAC-SHA512 should have, they say!",
		0xfd09,
		"fd09 0020 " QUESTION KEY_512 "005d " ALG_512 "00006b0a16c2 012c 0040 "
		"93502badee78b51d8d45bf2de44e3ad27c4199c2d7f16fdf496d85d215d6e494"
		"0b53e8fc84f87695bc932029f885ab0f2905e073d44aca270f40120bea091d69 fd09 0000 "
		"0000",
		"fd09 8400 0001 0001 0001 0002 07 6578616d706c65 03 636f6d 00 0006 "
		"0001 " RECORDS KEY_512 "005d " ALG_512 "00006b0a16c2 012c 0040 "
		"b4f46e93b5d1a6ce264a39e4781e278249d56dd3a528f18ac4870ddd54c17070"
		"0dcc6923376aa3f190f93b610ed785a43194d2bb14178ec702544266465c5c6a fd09 0000 "
		"0000"},
};

enum { N_EXCHANGES = sizeof(exchanges) / sizeof(exchanges[0]) };

static struct tsig_key key_of(const struct exchange *exchange)
{
	struct tsig_key key = {.algorithm = exchange->algorithm};
	size_t len;

	assert_int_equal(name_from_str(exchange->key, key.name, &len), 0);
	key.secret_len = strlen(exchange->secret);
	memcpy(key.secret, exchange->secret, key.secret_len);
	return key;
}

/* The same question, signed by us. */
static size_t sign(const struct exchange *exchange, const struct tsig_key *key, uint8_t *out,
	struct tsig_mac *ret_mac)
{
	static const uint8_t apex[] = "\7example\3com";
	struct message_writer writer;

	message_begin(&writer, out, MESSAGE_QUERY_CAP, exchange->id, 0x0020);
	message_put_question(&writer, apex, DNS_TYPE_SOA, DNS_CLASS_IN);
	assert_int_equal(tsig_sign(key, SIGNED_S, &writer, ret_mac), 0);
	return writer.len;
}

static void a_message_is_signed_as_dig_signs_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_EXCHANGES; i++) {
		struct tsig_key key = key_of(&exchanges[i]);
		uint8_t expected[1024];
		uint8_t out[MESSAGE_QUERY_CAP];
		struct tsig_mac mac;
		size_t len = sign(&exchanges[i], &key, out, &mac);

		assert_int_equal(
			len, hex_read(exchanges[i].query, expected, sizeof(expected)));
		/* dig sets AD, and so do we here */
		assert_memory_equal(out, expected, len);
	}
}

static struct tsig_check verify(const struct exchange *exchange, const uint8_t *bytes,
	size_t len, uint64_t now_s, const struct tsig_key *other)
{
	struct tsig_key key = key_of(exchange);
	uint8_t query[MESSAGE_QUERY_CAP];
	struct message message;
	struct tsig_mac mac;

	sign(exchange, &key, query, &mac);
	assert_true(message_read(bytes, len, &message));
	return tsig_verify(other ? other : &key, now_s, &mac, &message);
}

static void the_response_of_named_is_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_EXCHANGES; i++) {
		uint8_t bytes[1024];
		size_t len = hex_read(exchanges[i].response, bytes, sizeof(bytes));
		struct tsig_check check = verify(&exchanges[i], bytes, len, SIGNED_S, NULL);

		assert_int_equal(check.verdict, TSIG_GOOD);
		assert_int_equal(check.error, 0);
		assert_int_equal(check.server_s, SIGNED_S);
	}
}

/* Everything that is covered counts: each octet but those of names' case, and the ID, which
 * is on the record too. */
static void no_octet_may_be_changed(void **state)
{
	const struct exchange *exchange = &exchanges[0];
	uint8_t bytes[1024];
	size_t len = hex_read(exchange->response, bytes, sizeof(bytes));

	(void)state;
	for (size_t i = 2; i < len; i++) {
		struct message message;

		bytes[i] ^= 0x01;
		if (message_read(bytes, len, &message) &&
			verify(exchange, bytes, len, SIGNED_S, NULL).verdict == TSIG_GOOD)
			fail_msg("octet %zu", i);
		bytes[i] ^= 0x01;
	}
}

static void another_request_or_secret_is_forged(void **state)
{
	struct tsig_key key = key_of(&exchanges[0]);
	uint8_t bytes[1024];
	size_t len = hex_read(exchanges[0].response, bytes, sizeof(bytes));
	struct tsig_mac mac = {.len = 32};
	struct message message;

	(void)state;
	assert_true(message_read(bytes, len, &message));
	assert_int_equal(tsig_verify(&key, SIGNED_S, &mac, &message).verdict, TSIG_FORGED);
	key.secret[0] ^= 1;
	assert_int_equal(
		verify(&exchanges[0], bytes, len, SIGNED_S, &key).verdict, TSIG_FORGED);
}

static void another_key_or_algorithm_is_told(void **state)
{
	struct tsig_key key = key_of(&exchanges[0]);
	uint8_t bytes[1024];
	size_t len = hex_read(exchanges[0].response, bytes, sizeof(bytes));

	(void)state;
	key.algorithm = TSIG_HMAC_SHA512;
	assert_int_equal(
		verify(&exchanges[0], bytes, len, SIGNED_S, &key).verdict, TSIG_OTHER_KEY);
	key = key_of(&exchanges[0]);
	key.name[1] = 'x';
	assert_int_equal(
		verify(&exchanges[0], bytes, len, SIGNED_S, &key).verdict, TSIG_OTHER_KEY);
}

static void an_old_response_is_stale(void **state)
{
	static const struct {
		int64_t later_s;
		enum tsig_verdict verdict;
	} cases[] = {
		{300, TSIG_GOOD},
		{301, TSIG_STALE},
		{-300, TSIG_GOOD},
		{-301, TSIG_STALE},
	};
	uint8_t bytes[1024];
	size_t len = hex_read(exchanges[0].response, bytes, sizeof(bytes));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(verify(&exchanges[0], bytes, len,
					 (uint64_t)(SIGNED_S + cases[i].later_s), NULL)
					 .verdict,
			cases[i].verdict);
}

/* As named sent them: without a MAC, so that anyone may have written them. */
static void errors_without_a_mac_are_told_and_not_believed(void **state)
{
	static const struct {
		const char *hex;
		unsigned int error;
	} cases[] = {
		{"e83d 8009 " QUESTION KEY_256 "001d " ALG_256
		 "00006b0a16c3 012c 0000 e83d 0011 0000",
			DNS_RCODE_BADKEY},
		{"e83d 8009 " QUESTION KEY_256 "001d " ALG_256
		 "00006b0a16c3 012c 0000 e83d 0010 0000",
			DNS_RCODE_BADSIG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[1024];
		size_t len = hex_read(cases[i].hex, bytes, sizeof(bytes));
		struct tsig_check check = verify(&exchanges[0], bytes, len, SIGNED_S, NULL);

		assert_int_equal(check.verdict, TSIG_MISSING);
		assert_int_equal(check.error, cases[i].error);
	}
}

static void a_bad_time_tells_the_servers_clock(void **state)
{
	uint8_t bytes[1024];
	size_t len = hex_read(
		"e83d 8009 " QUESTION KEY_256 "0043 " ALG_256 "00006b0a16c2 012c 0020 "
		"0000000000000000000000000000000000000000000000000000000000000000"
		" e83d 0012 0006 00006b0a24d2",
		bytes, sizeof(bytes));
	struct tsig_check check = verify(&exchanges[0], bytes, len, SIGNED_S, NULL);

	(void)state;
	assert_int_equal(check.verdict, TSIG_FORGED); /* no key makes that MAC */
	assert_int_equal(check.error, DNS_RCODE_BADTIME);
	assert_int_equal(check.server_s, SIGNED_S + 3600);
}

static void a_record_in_the_wrong_place_or_shape_is_forged(void **state)
{
	static const char *const cases[] = {
		/* something behind it */
		"e83d 8400 0001 0000 0000 0002 07 6578616d706c65 03 636f6d 00 0006 "
		"0001 " KEY_256 "001d " ALG_256
		"00006b0a16c3 012c 0000 e83d 0000 0000 00 0001 0001 00000000 0000",
		/* twice */
		"e83d 8400 0001 0000 0000 0002 07 6578616d706c65 03 636f6d 00 0006 "
		"0001 " KEY_256 "001d " ALG_256
		"00006b0a16c3 012c 0000 e83d 0000 0000 " KEY_256 "001d " ALG_256
		"00006b0a16c3 012c 0000 e83d 0000 0000",
		/* in the answer section */
		"e83d 8400 0001 0001 0000 0000 07 6578616d706c65 03 636f6d 00 0006 "
		"0001 " KEY_256 "001d " ALG_256 "00006b0a16c3 012c 0000 e83d 0000 0000",
		/* a MAC that is longer than the record */
		"e83d 8400 " QUESTION KEY_256 "001d " ALG_256
		"00006b0a16c3 012c 0020 e83d 0000 0000",
		/* other data that is longer than the record */
		"e83d 8400 " QUESTION KEY_256 "001d " ALG_256
		"00006b0a16c3 012c 0000 e83d 0000 0006",
		/* no times */
		"e83d 8400 " QUESTION KEY_256 "000d " ALG_256,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[1024];
		size_t len = hex_read(cases[i], bytes, sizeof(bytes));

		assert_int_equal(verify(&exchanges[0], bytes, len, SIGNED_S, NULL).verdict,
			TSIG_FORGED);
	}
}

static void what_has_no_room_is_not_signed(void **state)
{
	static const uint8_t apex[] = "\7example\3com";
	struct tsig_key key = key_of(&exchanges[0]);
	uint8_t bytes[64];
	struct message_writer writer;
	struct tsig_mac mac;

	(void)state;
	message_begin(&writer, bytes, sizeof(bytes), 1, 0);
	message_put_question(&writer, apex, DNS_TYPE_SOA, DNS_CLASS_IN);
	assert_int_equal(tsig_sign(&key, SIGNED_S, &writer, &mac), -ENOSPC);
}

static void algorithms_have_names(void **state)
{
	enum tsig_algorithm algorithm;

	(void)state;
	assert_int_equal(tsig_algorithm_parse("HMAC-SHA512.", &algorithm), 0);
	assert_int_equal(algorithm, TSIG_HMAC_SHA512);
	assert_int_equal(tsig_algorithm_parse("hmac-sha256", &algorithm), 0);
	assert_int_equal(tsig_algorithm_parse("hmac-md5", &algorithm), -EINVAL);
	assert_int_equal(tsig_algorithm_parse("hmac-sha25", &algorithm), -EINVAL);
	assert_int_equal(tsig_algorithm_parse("", &algorithm), -EINVAL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_signed_as_dig_signs_it),
		cmocka_unit_test(the_response_of_named_is_good),
		cmocka_unit_test(no_octet_may_be_changed),
		cmocka_unit_test(another_request_or_secret_is_forged),
		cmocka_unit_test(another_key_or_algorithm_is_told),
		cmocka_unit_test(an_old_response_is_stale),
		cmocka_unit_test(errors_without_a_mac_are_told_and_not_believed),
		cmocka_unit_test(a_bad_time_tells_the_servers_clock),
		cmocka_unit_test(a_record_in_the_wrong_place_or_shape_is_forged),
		cmocka_unit_test(what_has_no_room_is_not_signed),
		cmocka_unit_test(algorithms_have_names),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("tsig", tests, NULL, NULL);
}
