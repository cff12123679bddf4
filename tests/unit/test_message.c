/* test_message.c - messages that a client writes and reads: names, records, hostile octets */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/wire/message.h"

#include <string.h>

#include "common/bigendian.h"
#include "dnsd/wire/response.h"
#include "tests/lib/hex.h"
#include "tests/lib/prng.h"
#include "tests/lib/reply.h"

static const uint8_t www[] = "\3www\7example\3com";

/* A question for www.example.com A and the beginning of its response. */
#define HEADER(counts) "4d48 8400 0001 " counts " "
#define QUESTION       "03777777 076578616d706c65 03636f6d 00 0001 0001 "

struct bytes {
	uint8_t at[1024];
	size_t len;
};

static struct bytes bytes_of(const char *hex)
{
	struct bytes bytes;

	bytes.len = hex_read(hex, bytes.at, sizeof(bytes.at));
	return bytes;
}

/* ---- writing ---- */

static void a_question_is_what_ldns_reads(void **state)
{
	uint8_t bytes[MESSAGE_QUERY_CAP];
	struct reply reply = {0};

	(void)state;
	size_t len = message_write_query(bytes, 0x4d48, www, DNS_TYPE_AAAA, true);
	bytes[2] |= 0x80; /* ldns's reader in the tests wants a response */
	reply_decode(&reply, bytes, len);
	assert_null(reply.defect);
	assert_int_equal(reply.id, 0x4d48);
	assert_true(reply.rd);
	assert_int_equal(reply.edns_size, 1232);
	assert_true(reply_has(&reply, LDNS_SECTION_QUESTION, "www.example.com. AAAA"));
	reply_fini(&reply);
}

static void what_does_not_fit_is_not_half_written(void **state)
{
	uint8_t bytes[40];
	struct message_writer writer;

	(void)state;
	message_begin(&writer, bytes, sizeof(bytes), 1, 0);
	message_put_question(&writer, www, DNS_TYPE_A, DNS_CLASS_IN);
	assert_false(writer.is_full);
	message_put_opt(&writer, false);
	assert_true(writer.is_full);
	assert_int_equal(be16_read(bytes + 10), 0);
	assert_true(writer.len <= sizeof(bytes));
}

/* ---- reading ---- */

static void names_are_uncompressed_and_lower_case(void **state)
{
	struct bytes in = bytes_of(
		HEADER("0001 0001 0000") QUESTION "c00c 0005 0001 0000000a 0006 034E5331 c010 "
						  "c010 0002 0001 00000e10 0002 c02d");
	struct message_walk walk = {0};
	struct message_record record;
	struct message message;
	uint8_t name[NAME_MAX_LEN];
	char text[NAME_STR_LEN];
	size_t behind;

	(void)state;
	assert_true(message_read(in.at, in.len, &message));
	assert_string_equal(name_str(message.qname, text), "www.example.com.");

	assert_true(message_next(&message, &walk, &record));
	assert_int_equal(record.section, MESSAGE_ANSWER);
	assert_int_equal(record.ttl_s, 10);
	assert_string_equal(name_str(record.owner, text), "www.example.com.");
	assert_true(message_rdata_name(&message, &record, 0, name, &behind));
	assert_string_equal(name_str(name, text), "ns1.example.com.");
	assert_int_equal(behind, record.rdata_len);

	assert_true(message_next(&message, &walk, &record));
	assert_int_equal(record.section, MESSAGE_AUTHORITY);
	assert_string_equal(name_str(record.owner, text), "example.com.");
	assert_true(message_rdata_name(&message, &record, 0, name, &behind));
	assert_string_equal(name_str(name, text), "ns1.example.com.");
	assert_false(message_next(&message, &walk, &record));
}

static void what_is_no_message_is_refused(void **state)
{
	static const struct {
		const char *what;
		const char *hex;
	} cases[] = {
		{"eleven octets", "4d48 8400 0000 0000 0000 00"},
		{"a question that is not there", HEADER("0000 0000 0000")},
		{"two questions", "4d48 8400 0002 0000 0000 0000 " QUESTION QUESTION},
		{"half a question", HEADER("0000 0000 0000") "03777777 00 0001"},
		{"a record that is not there", HEADER("0001 0000 0000") QUESTION},
		{"octets behind", HEADER("0000 0000 0000") QUESTION "00"},
		{"a pointer to itself",
			HEADER("0001 0000 0000") QUESTION "c021 0001 0001 00000000 0000"},
		{"a pointer forwards",
			HEADER("0001 0000 0000") QUESTION "c030 0001 0001 00000000 0000"},
		{"a pointer into the header",
			HEADER("0001 0000 0000") QUESTION "c004 0001 0001 00000000 0000"},
		{"a loop of two", HEADER("0002 0000 0000") QUESTION
			"0161 c02d 0001 0001 00000000 0000 c021 0001 0001 00000000 0000"},
		{"label type 0x40",
			HEADER("0001 0000 0000") QUESTION "4100 0001 0001 00000000 0000"},
		{"RDATA beyond the end", HEADER("0001 0000 0000") QUESTION
			"c00c 0001 0001 00000000 0004 c0a802"},
		{"a record without its numbers",
			HEADER("0001 0000 0000") QUESTION "c00c 0001"},
	};
	struct message message;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes in = bytes_of(cases[i].hex);

		if (message_read(in.at, in.len, &message))
			fail_msg("taken: %s", cases[i].what);
	}
}

static void a_name_has_255_octets_at_most(void **state)
{
	struct bytes in = bytes_of(HEADER("0000 0000 0000"));
	struct message message;

	(void)state;
	for (int i = 0; i < 4; i++) {
		in.at[in.len++] = 63;
		memset(in.at + in.len, 'a', 63);
		in.len += 63;
	}
	memcpy(in.at + in.len, "\0\0\1\0\1", 5); /* 257 octets */
	assert_false(message_read(in.at, in.len + 5, &message));
	in.at[DNS_HEADER_LEN + 3 * 64] = 61; /* and now 255 */
	memcpy(in.at + in.len - 2, "\0\0\1\0\1", 5);
	assert_true(message_read(in.at, in.len + 3, &message));
}

static void a_name_must_end_within_its_rdata(void **state)
{
	struct bytes in = bytes_of(HEADER("0002 0000 0000") QUESTION
		"c00c 0002 0001 0000000a 0002 0361 c00c 0001 0001 00000000 0000");
	struct message_walk walk = {0};
	struct message_record record;
	struct message message;
	uint8_t name[NAME_MAX_LEN];
	size_t behind;

	(void)state;
	assert_true(message_read(in.at, in.len, &message));
	assert_true(message_next(&message, &walk, &record));
	assert_false(message_rdata_name(&message, &record, 0, name, &behind));
	assert_false(message_rdata_name(&message, &record, 2, name, &behind));
}

/* Whatever is changed in a message, it is refused or can be walked to its end. */
static void changed_messages_are_refused_or_whole(void **state)
{
	struct bytes in = bytes_of(HEADER("0001 0001 0001") QUESTION
		"c00c 0005 0001 0000000a 0006 034e5331 c010 "
		"c010 0002 0001 00000e10 0002 c02d c02d 0001 0001 00000e10 0004 c0a80201");
	struct prng prng = {.state = 7};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct bytes bad = in;
		struct message_walk walk = {0};
		struct message_record record;
		struct message message;

		for (int k = 0; k < 3; k++)
			bad.at[prng_below(&prng, (uint32_t)bad.len)] = (uint8_t)prng_below(
				&prng, 256);
		if (!message_read(bad.at, bad.len, &message))
			continue;
		while (message_next(&message, &walk, &record))
			assert_true(record.rdata + record.rdata_len <= bad.at + bad.len);
		assert_int_equal(walk.at, bad.len);
	}
}

/* ---- what belongs to what ---- */

static void only_the_same_question_is_answered(void **state)
{
	static const struct {
		const char *hex;
		bool is_response;
	} cases[] = {
		{HEADER("0000 0000 0000") QUESTION, true},
		{"4d48 8400 0001 0000 0000 0000 03575777 076578616d706c65 03636f6d 00 0001 "
		 "0001",
			true}, /* another case of the letters */
		{"4d49 8400 0001 0000 0000 0000 " QUESTION, false}, /* another ID */
		{"4d48 0400 0001 0000 0000 0000 " QUESTION, false}, /* no response */
		{"4d48 a400 0001 0000 0000 0000 " QUESTION, false}, /* another opcode */
		{"4d48 8400 0001 0000 0000 0000 03777777 03636f6d 00 0001 0001", false},
		{"4d48 8400 0001 0000 0000 0000 03777777 076578616d706c65 03636f6d 00 001c "
		 "0001",
			false},
		{"4d48 8400 0000 0000 0000 0000", false}, /* no question, no error */
		{"4d48 8401 0000 0000 0000 0000", true},  /* FORMERR without one */
	};
	uint8_t query[MESSAGE_QUERY_CAP];
	size_t len = message_write_query(query, 0x4d48, www, DNS_TYPE_A, false);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes in = bytes_of(cases[i].hex);
		struct message message;

		assert_true(message_read(in.at, in.len, &message));
		if (message_is_response(&message, query, len) != cases[i].is_response)
			fail_msg("case %zu", i);
	}
}

static void the_rcode_has_its_upper_bits_from_opt(void **state)
{
	struct bytes in = bytes_of(HEADER("0000 0000 0001") QUESTION
		"00 0029 04d0 01000000 0000"); /* extended RCODE 1: 16 in all */
	struct message message;

	(void)state;
	assert_true(message_read(in.at, in.len, &message));
	assert_int_equal(message.rcode, DNS_RCODE_BADVERS);
}

/* ---- what a response says ---- */

#define SOA_RDATA "026e73 c010 c010 00000007 00000708 00000384 00093a80 0000003c"

static void kinds_of_response_are_told_apart(void **state)
{
	static const struct {
		const char *hex;
		enum response_kind kind;
	} cases[] = {
		{HEADER("0001 0000 0000") QUESTION "c00c 0001 0001 0000000a 0004 c0a80201",
			RESPONSE_ANSWER},
		{HEADER("0000 0001 0000") QUESTION "c010 0006 0001 0000003c 001b " SOA_RDATA,
			RESPONSE_NODATA},
		{"4d48 8403 0001 0000 0001 0000 " QUESTION
		 "c010 0006 0001 0000003c 001b " SOA_RDATA,
			RESPONSE_NXDOMAIN},
		{"4d48 8000 0001 0000 0001 0000 " QUESTION
		 "c00c 0002 0001 00000e10 0006 036e7331 c010",
			RESPONSE_REFERRAL},
		/* an answer without records, and its NS beside it */
		{HEADER("0000 0001 0000") QUESTION
			"c00c 0002 0001 00000e10 0006 036e7331 c010",
			RESPONSE_NODATA},
		{"4d48 8005 0001 0000 0000 0000 " QUESTION, RESPONSE_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes in = bytes_of(cases[i].hex);
		struct message message;

		assert_true(message_read(in.at, in.len, &message));
		if (response_kind(&message) != cases[i].kind)
			fail_msg("case %zu", i);
	}
}

static void a_soa_tells_zone_and_serial(void **state)
{
	struct bytes in = bytes_of(
		HEADER("0000 0001 0000") QUESTION "c010 0006 0001 0000003c 001b " SOA_RDATA);
	struct message message;
	uint8_t apex[NAME_MAX_LEN];
	char text[NAME_STR_LEN];
	uint32_t serial;

	(void)state;
	assert_true(message_read(in.at, in.len, &message));
	assert_true(response_soa(&message, apex, &serial));
	assert_string_equal(name_str(apex, text), "example.com.");
	assert_int_equal(serial, 7);
}

static void addresses_and_names_are_collected(void **state)
{
	struct bytes in = bytes_of("4d48 8000 0001 0000 0002 0004 " QUESTION
				   "c00c 0002 0001 00000e10 0006 036e7331 c010 "
				   "c00c 0002 0001 00000e10 0006 036e7332 c010 "
				   "c02d 0001 0001 0000012c 0004 c0a80201 "
				   "c02d 0001 0001 0000003c 0004 c0a80209 "
				   "c02d 0001 0001 0000003c 0004 c0a80209 " /* twice */
				   "c02d 0001 0001 0000003c 0003 c0a802");  /* too short */
	static const uint8_t ns1[] = "\3ns1\7example\3com";
	uint8_t names[4][NAME_MAX_LEN];
	struct addr addrs[4];
	struct message message;
	uint32_t ttl_s;

	(void)state;
	assert_true(message_read(in.at, in.len, &message));
	assert_int_equal(response_ns(&message, MESSAGE_AUTHORITY, www, names, 4), 2);
	assert_true(name_eq(names[0], ns1));
	assert_int_equal(
		response_addrs(&message, MESSAGE_ADDITIONAL, ns1, SITE_IPV4, addrs, 4, &ttl_s),
		2);
	assert_string_equal(addr_str(&addrs[1]), "192.168.2.9");
	assert_int_equal(ttl_s, 60);
	assert_int_equal(
		response_addrs(&message, MESSAGE_ADDITIONAL, ns1, SITE_IPV4, addrs, 1, NULL),
		1);
	assert_int_equal(
		response_addrs(&message, MESSAGE_ADDITIONAL, ns1, SITE_IPV6, addrs, 4, NULL),
		0);
	assert_int_equal(
		response_addrs(&message, MESSAGE_ADDITIONAL, www, SITE_IPV4, addrs, 4, NULL),
		0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_what_ldns_reads),
		cmocka_unit_test(what_does_not_fit_is_not_half_written),
		cmocka_unit_test(names_are_uncompressed_and_lower_case),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(a_name_has_255_octets_at_most),
		cmocka_unit_test(a_name_must_end_within_its_rdata),
		cmocka_unit_test(changed_messages_are_refused_or_whole),
		cmocka_unit_test(only_the_same_question_is_answered),
		cmocka_unit_test(the_rcode_has_its_upper_bits_from_opt),
		cmocka_unit_test(kinds_of_response_are_told_apart),
		cmocka_unit_test(a_soa_tells_zone_and_serial),
		cmocka_unit_test(addresses_and_names_are_collected),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
