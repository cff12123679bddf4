/* test_edns.c - the OPT record and its options: RFC 6891, 3225, 5001 (NSID), 7828 (keepalive),
 * 7830 (padding), 7871 (client subnet), 7873 and 9018 (cookies) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fixture.h"
#include "tests/lib/invariant.h"

#define HOST "www.example.com."

static int setup(void **state)
{
	*state = fixture_new(&fixture_host_zone, 1);
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

/* Asks with one option (or none, code 0) over UDP or TCP. */
static void ask_option(
	struct fixture *f, bool tcp, uint16_t code, const void *data, size_t len)
{
	struct packet options = {0};
	const char *broken;

	if (code)
		packet_option(&options, code, data, len);
	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .edns = true, .tcp = tcp,
		.options = options.bytes, .options_len = options.len);
	broken = invariant_broken(f->query.bytes, f->query.len, tcp, &f->reply);
	reply_assert(&f->reply, !broken, broken, __FILE__, __LINE__);
}

static void send_packet(struct fixture *f, const struct packet *packet)
{
	const char *broken;

	ask_packet(f, "isp-a", packet, false);
	broken = invariant_broken(packet->bytes, packet->len, false, &f->reply);
	reply_assert(&f->reply, !broken, broken, __FILE__, __LINE__);
}

static bool has_option(const struct fixture *f, uint16_t code)
{
	size_t len;

	return reply_option(&f->reply, code, &len) != NULL;
}

/* The record itself */

static void opt_comes_only_if_asked_for(void **state)
{
	static const char *const names[] = {
		HOST, "none." HOST, "self." HOST, "example.org.", "mail." HOST};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (int tcp = 0; tcp < 2; tcp++) {
			ask_with(f, "isp-a", names[i], LDNS_RR_TYPE_A, .tcp = tcp);
			assert_reply(f, !f->reply.opt);
			ask_with(f, "isp-a", names[i], LDNS_RR_TYPE_A, .tcp = tcp,
				.edns = true);
			assert_reply(f, f->reply.n_opts == 1);
			assert_reply(f, f->reply.edns_version == 0);
			assert_reply(f, f->reply.edns_size == 1232);
			assert_reply(f, f->reply.edns_flags == 0);
			assert_reply(f, f->reply.options_len == 0);
		}
	}
}

static void the_answer_is_the_same_with_edns(void **state)
{
	struct fixture *f = *state;

	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .edns = true);

	assert_status(f, "NOERROR aa");
	assert_answer(f, HOST " 10 A 192.168.2.1");
	assert_authority(f, HOST " NS www-ns1.example.com.", HOST " NS www-ns2.example.com.");
	assert_additional(
		f, "www-ns1.example.com. A 192.168.2.1", "www-ns2.example.com. A 172.16.1.1");
}

/* RFC 3225; the zones are not signed, so no signature follows from it */
static void do_is_copied_and_other_flags_are_cleared(void **state)
{
	struct fixture *f = *state;

	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .edns = true, .edns_flags = PACKET_DO);
	assert_status(f, "NOERROR aa");
	assert_reply(f, f->reply.edns_flags == PACKET_DO);
	assert_answer(f, HOST " 10 A 192.168.2.1");

	for (unsigned int bit = 0; bit < 15; bit++) {
		ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .edns = true,
			.edns_flags = (uint16_t)(1u << bit));
		assert_status(f, "NOERROR aa");
		assert_reply(f, f->reply.edns_flags == 0);
	}
}

/* RFC 6891 section 6.1.3 */
static void other_versions_are_badvers_without_an_answer(void **state)
{
	static const uint8_t versions[] = {1, 2, 100, 255};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(versions); i++) {
		for (int tcp = 0; tcp < 2; tcp++) {
			ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .edns = true, .tcp = tcp,
				.version = versions[i], .edns_flags = PACKET_DO);
			assert_reply(f, f->reply.rcode == 16);
			assert_reply(f, f->reply.n_opts == 1 && f->reply.edns_version == 0);
			for (unsigned int s = LDNS_SECTION_ANSWER; s < REPLY_N_SECTIONS; s++)
				assert_section_empty(f, s);
		}
	}
}

/* An option that only version 1 knows must not make it a format error. */
static void badvers_comes_before_the_options_are_read(void **state)
{
	struct fixture *f = *state;

	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .edns = true, .version = 1,
		.options = (const uint8_t *)"\0\12\0\3abc", .options_len = 7);
	assert_reply(f, f->reply.rcode == 16);
}

static void upper_rcode_bits_of_a_query_do_not_matter(void **state)
{
	struct fixture *f = *state;
	struct packet packet;

	packet_query(&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
	packet_rr(&packet, PACKET_ARCOUNT, ".", LDNS_RR_TYPE_OPT, 1232, 0xff000000, NULL, 0);
	send_packet(f, &packet);
	assert_status(f, "NOERROR aa");
}

static void two_opt_records_are_a_format_error(void **state)
{
	struct fixture *f = *state;
	struct packet packet;

	packet_query(&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){.edns = true});
	packet_opt(&packet, &(const struct asking){0});
	send_packet(f, &packet);
	assert_status(f, "FORMERR");
}

static void opt_must_belong_to_the_root(void **state)
{
	struct fixture *f = *state;
	struct packet packet;

	packet_query(&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
	packet_rr(&packet, PACKET_ARCOUNT, "example.com.", LDNS_RR_TYPE_OPT, 1232, 0, NULL, 0);
	send_packet(f, &packet);
	assert_status(f, "FORMERR");
}

/* Its place among the additional records is free: RFC 6891 section 6.1.1 */
static void opt_may_follow_other_records(void **state)
{
	struct fixture *f = *state;
	struct packet packet;

	packet_query(&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
	packet_rr(&packet, PACKET_ARCOUNT, "x.example.", LDNS_RR_TYPE_A, LDNS_RR_CLASS_IN, 0,
		"\300\0\2\1", 4);
	packet_opt(&packet, &(const struct asking){.size = 1000});
	send_packet(f, &packet);
	assert_reply(f, f->reply.rcode == 0 || f->reply.rcode == LDNS_RCODE_FORMERR);
	if (f->reply.rcode == 0)
		assert_reply(f, f->reply.n_opts == 1);
}

static void opt_outside_the_additional_section_is_none(void **state)
{
	static const size_t sections[] = {PACKET_ANCOUNT, PACKET_NSCOUNT};
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		struct packet packet;

		packet_query(&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
		packet_rr(&packet, sections[i], ".", LDNS_RR_TYPE_OPT, 1232, 0, NULL, 0);
		send_packet(f, &packet);
		assert_reply(f, f->reply.rcode == 0 || f->reply.rcode == LDNS_RCODE_FORMERR);
		assert_reply(f, !f->reply.opt);
	}
}

static void options_beyond_their_record_are_a_format_error(void **state)
{
	static const struct {
		const char *octets;
		size_t len;
	} rows[] = {
		{"\0\3\0\1", 4}, /* one octet missing */
		{"\0\3\0\377"
		 "abc",
			7},			      /* far beyond */
		{"\0\3\377\377", 4},		      /* as far as can be */
		{"\0\3\0", 3},			      /* half a length */
		{"\0", 1},			      /* half a code */
		{"\377\376\0\2xx\0\3\0\4", 10},	      /* the second of two */
		{"\0\14\0\4\0\0\0\0\0\12\0\20x", 13}, /* a cookie behind padding */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .edns = true,
			.options = (const uint8_t *)rows[i].octets,
			.options_len = rows[i].len);
		assert_reply(f, f->reply.rcode == LDNS_RCODE_FORMERR);
		assert_section_empty(f, LDNS_SECTION_ANSWER);
	}
}

static void a_record_beyond_the_message_is_a_format_error(void **state)
{
	struct fixture *f = *state;
	struct packet whole;
	size_t start;

	packet_query(&whole, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
	start = whole.len;
	packet_opt(&whole, &(const struct asking){
				   .options = (const uint8_t *)"\0\3\0\0", .options_len = 4});
	for (size_t len = start; len < whole.len; len++) {
		struct packet cut = whole;

		cut.len = len;
		send_packet(f, &cut);
		assert_reply(f, f->reply.rcode == LDNS_RCODE_FORMERR);
	}
}

static void unknown_options_are_ignored(void **state)
{
	static const uint16_t codes[] = {0, 1, 2, 4, 14, 20, 100, 65001, 65535};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct packet options = {0};

		packet_option(&options, codes[i], "some data", 9);
		ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .edns = true,
			.options = options.bytes, .options_len = options.len);
		assert_status(f, "NOERROR aa");
		assert_reply(f, f->reply.options_len == 0);
		assert_answer(f, HOST " 10 A 192.168.2.1");
	}
}

static void many_options_are_read_to_their_end(void **state)
{
	struct fixture *f = *state;
	struct packet options = {0};

	for (unsigned int i = 0; i < 200; i++)
		packet_option(&options, (uint16_t)(40000 + i), "x", i & 1);
	packet_option(&options, PACKET_COOKIE, "client01", 8);
	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .edns = true, .options = options.bytes,
		.options_len = options.len);
	assert_status(f, "NOERROR aa");
	assert_true(has_option(f, PACKET_COOKIE));
}

/* NSID: RFC 5001 */

static void nsid_comes_when_configured_and_asked_for(void **state)
{
	struct fixture *f = fixture_new(&fixture_host_zone, 1);
	const uint8_t *nsid;
	size_t len;
	(void)state;

	ask_option(f, false, PACKET_NSID, NULL, 0);
	assert_status(f, "NOERROR aa");
	assert_false(has_option(f, PACKET_NSID));

	memcpy(f->conf.nsid, "router-1", 8);
	f->conf.nsid_len = 8;
	for (int tcp = 0; tcp < 2; tcp++) {
		ask_option(f, tcp, PACKET_NSID, NULL, 0);
		nsid = reply_option(&f->reply, PACKET_NSID, &len);
		assert_reply(f, nsid && len == 8 && memcmp(nsid, "router-1", 8) == 0);
		ask_option(f, tcp, 0, NULL, 0);
		assert_false(has_option(f, PACKET_NSID));
	}

	memset(f->conf.nsid, 'n', sizeof(f->conf.nsid));
	f->conf.nsid_len = sizeof(f->conf.nsid);
	ask_option(f, false, PACKET_NSID, NULL, 0);
	assert_reply(f, reply_option(&f->reply, PACKET_NSID, &len) && len == 128);
	fixture_free(f);
}

/* Keepalive: RFC 7828 section 3.3.2 */

static void keepalive_is_told_over_tcp_only(void **state)
{
	struct fixture *f = *state;
	const uint8_t *timeout;
	size_t len;

	ask_option(f, true, PACKET_KEEPALIVE, NULL, 0);
	assert_status(f, "NOERROR aa");
	timeout = reply_option(&f->reply, PACKET_KEEPALIVE, &len);
	assert_reply(f, timeout && len == 2);
	assert_int_equal(timeout[0] << 8 | timeout[1], 300);

	ask_option(f, false, PACKET_KEEPALIVE, NULL, 0);
	assert_status(f, "NOERROR aa");
	assert_false(has_option(f, PACKET_KEEPALIVE));
	ask_option(f, true, 0, NULL, 0);
	assert_false(has_option(f, PACKET_KEEPALIVE));

	/* section 3.3.1: ignored over UDP, whatever it holds */
	ask_option(f, false, PACKET_KEEPALIVE, "\1\54", 2);
	assert_status(f, "NOERROR aa");
	assert_false(has_option(f, PACKET_KEEPALIVE));
}

/* Padding: RFC 7830 section 6 wants it over encrypted transports only */

static void padding_is_not_given_in_clear(void **state)
{
	struct fixture *f = *state;

	for (int tcp = 0; tcp < 2; tcp++) {
		ask_option(f, tcp, PACKET_PADDING, "\0\0\0\0\0\0\0\0", 8);
		assert_status(f, "NOERROR aa");
		assert_false(has_option(f, PACKET_PADDING));
	}
}

/* Client subnet: RFC 7871 section 7.2.1: ignored, or echoed with scope 0 */

static void client_subnet_changes_nothing(void **state)
{
	struct fixture *f = *state;
	const uint8_t *echo;
	size_t len;

	ask_option(f, false, PACKET_ECS, "\0\1\30\0\12\0\0", 7);
	assert_status(f, "NOERROR aa");
	assert_answer(f, HOST " 10 A 192.168.2.1");
	echo = reply_option(&f->reply, PACKET_ECS, &len);
	if (echo)
		assert_reply(f, len == 7 && echo[2] == 24 && echo[3] == 0);
}

/* Cookies: RFC 7873, RFC 9018 */

static void copy_cookie(const struct fixture *f, uint8_t *ret_cookie)
{
	size_t len = 0;
	const uint8_t *cookie = reply_option(&f->reply, PACKET_COOKIE, &len);

	assert_reply(f, cookie && len == 24);
	memcpy(ret_cookie, cookie, 24);
}

static void client_cookie_gets_a_server_cookie(void **state)
{
	struct fixture *f = *state;
	uint8_t cookie[24];

	for (int tcp = 0; tcp < 2; tcp++) {
		ask_option(f, tcp, PACKET_COOKIE, "client01", 8);
		assert_status(f, "NOERROR aa");
		copy_cookie(f, cookie);
		assert_memory_equal(cookie, "client01", 8);
		/* version 1, three reserved octets of 0, the time */
		assert_memory_equal(cookie + 8, "\1\0\0\0", 4);
		assert_int_equal((uint32_t)cookie[12] << 24 | (uint32_t)cookie[13] << 16 |
					 (uint32_t)cookie[14] << 8 | cookie[15],
			f->now_s);
	}
}

/* RFC 9018 appendix A.1 */
static void server_cookie_is_that_of_the_standard(void **state)
{
	static const uint8_t secret[] = {0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f, 0x48,
		0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf};
	static const uint8_t expected[] = {0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57,
		0x01, 0x00, 0x00, 0x00, 0x5c, 0xf7, 0x9f, 0x11, 0x1f, 0x81, 0x30, 0xc3, 0xee,
		0xe2, 0x94, 0x80};
	struct fixture *f = fixture_new(&fixture_host_zone, 1);
	uint8_t cookie[24];
	(void)state;

	memcpy(f->conf.cookies.secrets[0], secret, 16);
	f->now_s = 1559731985;
	assert_int_equal(addr_parse("198.51.100.100", &f->client), 0);
	ask_option(f, false, PACKET_COOKIE, expected, 8);
	copy_cookie(f, cookie);
	assert_memory_equal(cookie, expected, 24);
	fixture_free(f);
}

/* How often the counter of valid cookies moves when `cookie` is sent. */
static uint64_t n_valid(struct fixture *f, const uint8_t *cookie, size_t len)
{
	uint64_t before = stats_get(&f->stats, STATS_COOKIES_VALID);
	uint8_t fresh[24];

	ask_option(f, false, PACKET_COOKIE, cookie, len);
	assert_status(f, "NOERROR aa");
	assert_answer(f, HOST " 10 A 192.168.2.1");
	copy_cookie(f, fresh);
	assert_memory_equal(fresh, cookie, 8);
	return stats_get(&f->stats, STATS_COOKIES_VALID) - before;
}

static void own_cookie_is_known_again(void **state)
{
	struct fixture *f = fixture_new(&fixture_host_zone, 1);
	const uint32_t now = f->now_s;
	uint8_t cookie[24];
	(void)state;

	ask_option(f, false, PACKET_COOKIE, "client01", 8);
	copy_cookie(f, cookie);
	assert_int_equal(n_valid(f, cookie, 24), 1);
	assert_int_equal(n_valid(f, cookie, 8), 0);

	/* RFC 9018 section 4.3: an hour old, five minutes ahead */
	f->now_s = now + 3600;
	assert_int_equal(n_valid(f, cookie, 24), 1);
	f->now_s = now + 3601;
	assert_int_equal(n_valid(f, cookie, 24), 0);
	f->now_s = now - 300;
	assert_int_equal(n_valid(f, cookie, 24), 1);
	f->now_s = now - 301;
	assert_int_equal(n_valid(f, cookie, 24), 0);
	fixture_free(f);
}

static void cookie_is_bound_to_client_and_secret_but_not_to_the_uplink(void **state)
{
	struct fixture *f = fixture_new(&fixture_host_zone, 1);
	struct packet options = {0};
	uint8_t cookie[24];
	uint64_t before;
	(void)state;

	ask_option(f, false, PACKET_COOKIE, "client01", 8);
	copy_cookie(f, cookie);

	packet_option(&options, PACKET_COOKIE, cookie, 24);
	before = stats_get(&f->stats, STATS_COOKIES_VALID);
	ask_with(f, "isp-b", HOST, LDNS_RR_TYPE_A, .edns = true, .options = options.bytes,
		.options_len = options.len);
	assert_int_equal(stats_get(&f->stats, STATS_COOKIES_VALID) - before, 1);

	assert_int_equal(addr_parse("192.0.2.54", &f->client), 0);
	assert_int_equal(n_valid(f, cookie, 24), 0);
	assert_int_equal(addr_parse("192.0.2.53", &f->client), 0);

	/* a new secret in front, the former one still accepted, then gone */
	memcpy(f->conf.cookies.secrets[1], f->conf.cookies.secrets[0], COOKIE_SECRET_LEN);
	memset(f->conf.cookies.secrets[0], 0x5a, COOKIE_SECRET_LEN);
	f->conf.cookies.n_secrets = 2;
	assert_int_equal(n_valid(f, cookie, 24), 1);
	f->conf.cookies.n_secrets = 1;
	assert_int_equal(n_valid(f, cookie, 24), 0);
	fixture_free(f);
}

static void wrong_server_cookie_gets_a_fresh_one(void **state)
{
	struct fixture *f = *state;
	uint8_t cookie[40];

	memset(cookie, 0xa5, sizeof(cookie));
	for (size_t len = 16; len <= 40; len++)
		assert_int_equal(n_valid(f, cookie, len), 0);

	ask_option(f, false, PACKET_COOKIE, "client01", 8);
	copy_cookie(f, cookie);
	for (size_t at = 8; at < 24; at++) {
		cookie[at] ^= 1;
		/* the three reserved octets are in the hash as well */
		assert_int_equal(n_valid(f, cookie, 24), 0);
		cookie[at] ^= 1;
	}
}

/* RFC 7873 section 5.2.2 */
static void cookie_of_bad_length_is_a_format_error(void **state)
{
	static const size_t lens[] = {0, 1, 7, 9, 10, 11, 12, 13, 14, 15, 41, 64};
	struct fixture *f = *state;
	uint8_t cookie[64] = {0};

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		ask_option(f, false, PACKET_COOKIE, cookie, lens[i]);
		assert_reply(f, f->reply.rcode == LDNS_RCODE_FORMERR);
		assert_section_empty(f, LDNS_SECTION_ANSWER);
	}
}

/* RFC 7873 section 5.4: a question about the cookie alone */
static void cookie_without_a_question(void **state)
{
	struct fixture *f = *state;
	struct packet options = {0};
	struct packet packet;

	packet_option(&options, PACKET_COOKIE, "client01", 8);
	packet_begin(&packet, 9, 0);
	packet_opt(&packet,
		&(const struct asking){.options = options.bytes, .options_len = options.len});
	send_packet(f, &packet);
	assert_reply(f, f->reply.rcode == 0 || f->reply.rcode == LDNS_RCODE_FORMERR);
	if (f->reply.rcode == 0) {
		uint8_t cookie[24];

		copy_cookie(f, cookie);
		assert_memory_equal(cookie, "client01", 8);
	}
}

static void cookie_comes_with_every_kind_of_answer(void **state)
{
	static const char *const names[] = {HOST, "none." HOST, "all." HOST, "example.org."};
	struct fixture *f = *state;
	struct packet options = {0};
	uint8_t cookie[24];

	packet_option(&options, PACKET_COOKIE, "client01", 8);
	for (size_t i = 0; i < 4; i++) {
		ask_with(f, "isp-a", names[i], LDNS_RR_TYPE_A, .edns = true,
			.options = options.bytes, .options_len = options.len);
		copy_cookie(f, cookie);
	}
}

static void options_come_together(void **state)
{
	struct fixture *f = fixture_new(&fixture_host_zone, 1);
	struct packet options = {0};
	(void)state;

	memcpy(f->conf.nsid, "r1", 2);
	f->conf.nsid_len = 2;
	packet_option(&options, PACKET_KEEPALIVE, NULL, 0);
	packet_option(&options, PACKET_COOKIE, "client01", 8);
	packet_option(&options, 65001, "junk", 4);
	packet_option(&options, PACKET_NSID, NULL, 0);
	ask_with(f, "isp-a", HOST, LDNS_RR_TYPE_A, .edns = true, .edns_flags = PACKET_DO,
		.tcp = true, .options = options.bytes, .options_len = options.len);
	assert_status(f, "NOERROR aa");
	assert_true(has_option(f, PACKET_NSID));
	assert_true(has_option(f, PACKET_COOKIE));
	assert_true(has_option(f, PACKET_KEEPALIVE));
	assert_false(has_option(f, 65001));
	assert_reply(f, f->reply.edns_flags == PACKET_DO);
	fixture_free(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opt_comes_only_if_asked_for),
		cmocka_unit_test(the_answer_is_the_same_with_edns),
		cmocka_unit_test(do_is_copied_and_other_flags_are_cleared),
		cmocka_unit_test(other_versions_are_badvers_without_an_answer),
		cmocka_unit_test(badvers_comes_before_the_options_are_read),
		cmocka_unit_test(upper_rcode_bits_of_a_query_do_not_matter),
		cmocka_unit_test(two_opt_records_are_a_format_error),
		cmocka_unit_test(opt_must_belong_to_the_root),
		cmocka_unit_test(opt_may_follow_other_records),
		cmocka_unit_test(opt_outside_the_additional_section_is_none),
		cmocka_unit_test(options_beyond_their_record_are_a_format_error),
		cmocka_unit_test(a_record_beyond_the_message_is_a_format_error),
		cmocka_unit_test(unknown_options_are_ignored),
		cmocka_unit_test(many_options_are_read_to_their_end),
		cmocka_unit_test(nsid_comes_when_configured_and_asked_for),
		cmocka_unit_test(keepalive_is_told_over_tcp_only),
		cmocka_unit_test(padding_is_not_given_in_clear),
		cmocka_unit_test(client_subnet_changes_nothing),
		cmocka_unit_test(client_cookie_gets_a_server_cookie),
		cmocka_unit_test(server_cookie_is_that_of_the_standard),
		cmocka_unit_test(own_cookie_is_known_again),
		cmocka_unit_test(cookie_is_bound_to_client_and_secret_but_not_to_the_uplink),
		cmocka_unit_test(wrong_server_cookie_gets_a_fresh_one),
		cmocka_unit_test(cookie_of_bad_length_is_a_format_error),
		cmocka_unit_test(cookie_without_a_question),
		cmocka_unit_test(cookie_comes_with_every_kind_of_answer),
		cmocka_unit_test(options_come_together),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("edns", tests, setup, teardown);
}
