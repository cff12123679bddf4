/* test_probewire.c - the packets of probes, and which answers match */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/uplink/probewire.h"

#include <string.h>
#include <sys/socket.h>

static const uint64_t cookie = 0x0123456789abcdef;

/* The reply of the other side to our request. */
static void echo_reply(int family, uint8_t packet[PROBEWIRE_ECHO_LEN])
{
	const struct probewire_echo echo = {family, 0x4d48, 0x10002, cookie};

	probewire_echo_write(&echo, packet);
	packet[0] = family == AF_INET6 ? 129 : 0;
}

static void echo_is_written_with_a_checksum(void **state)
{
	const struct probewire_echo echo = {AF_INET, 0x4d48, 0x10002, cookie};
	uint8_t packet[PROBEWIRE_ECHO_LEN];
	uint32_t sum = 0;

	(void)state;
	probewire_echo_write(&echo, packet);
	assert_int_equal(packet[0], 8);
	for (size_t i = 0; i < sizeof(packet); i += 2)
		sum += (uint32_t)packet[i] << 8 | packet[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
}

static void an_echo_reply_gives_number_and_cookie_back(void **state)
{
	static const int families[] = {AF_INET, AF_INET6};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t packet[PROBEWIRE_ECHO_LEN];
		uint32_t seq;
		uint64_t got;

		echo_reply(families[i], packet);
		assert_true(probewire_echo_read(
			families[i], false, 0, packet, sizeof(packet), &seq, &got));
		assert_int_equal(seq, 0x10002);
		assert_true(got == cookie);
	}
}

static void other_icmp_messages_are_not_replies(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		size_t len;
		bool raw;
	} cases[] = {
		{0, 8, PROBEWIRE_ECHO_LEN, false}, /* our own request */
		{0, 3, PROBEWIRE_ECHO_LEN, false}, /* unreachable */
		{1, 1, PROBEWIRE_ECHO_LEN, false}, /* a code */
		{7, 9, PROBEWIRE_ECHO_LEN, false}, /* two numbers that differ */
		{0, 0, PROBEWIRE_ECHO_LEN - 1, false}, {0, 0, 0, false},
		{0, 0, PROBEWIRE_ECHO_LEN, true}, /* no IPv4 header */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t packet[PROBEWIRE_ECHO_LEN];
		uint32_t seq;
		uint64_t got;

		print_message("  case %zu\n", i);
		echo_reply(AF_INET, packet);
		packet[cases[i].at] = cases[i].value;
		assert_false(probewire_echo_read(
			AF_INET, cases[i].raw, 0x4d48, packet, cases[i].len, &seq, &got));
	}
}

static void a_raw_socket_shows_replies_to_others(void **state)
{
	uint8_t packet[24 + PROBEWIRE_ECHO_LEN] = {0x46}; /* 24 octets of IPv4 header */
	uint32_t seq;
	uint64_t got;

	(void)state;
	echo_reply(AF_INET, packet + 24);
	assert_true(probewire_echo_read(
		AF_INET, true, 0x4d48, packet, sizeof(packet), &seq, &got));
	assert_false(probewire_echo_read(
		AF_INET, true, 0x4d49, packet, sizeof(packet), &seq, &got));
	packet[0] = 0x4f; /* options beyond the end of the packet */
	assert_false(probewire_echo_read(AF_INET, true, 0x4d48, packet, 30, &seq, &got));
}

static void queries_are_well_formed(void **state)
{
	static const uint8_t root[] = {
		0xcd, 0xef, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1};
	uint8_t query[PROBEWIRE_DNS_MAX];

	(void)state;
	assert_int_equal(probewire_dns_write(NULL, cookie, query), sizeof(root));
	assert_memory_equal(query, root, sizeof(root));
	assert_int_equal(probewire_dns_write(".", cookie, query), sizeof(root));
	assert_int_equal(probewire_dns_write("www.example.com", cookie, query), 12 + 17 + 4);
	assert_int_equal(probewire_dns_write("www.example.com.", cookie, query), 12 + 17 + 4);
	assert_int_equal(query[12], 3);
	assert_int_equal(query[12 + 4], 7);
	assert_int_equal(query[12 + 17 + 1], 1); /* A */
}

static void letters_change_case_with_the_cookie(void **state)
{
	uint8_t a[PROBEWIRE_DNS_MAX];
	uint8_t b[PROBEWIRE_DNS_MAX];

	(void)state;
	size_t len = probewire_dns_write("www.example.com", 0, a);
	assert_int_equal(probewire_dns_write("www.example.com", ~0ULL, b), len);
	assert_memory_equal(a + 13, "www", 3);
	assert_memory_equal(b + 13, "WWW", 3);
	a[2] |= 0x80;
	assert_false(probewire_dns_is_answer(b, len, a, len));
}

static void names_that_are_not_valid_give_no_query(void **state)
{
	char label[70];
	char name[300] = "";
	uint8_t query[PROBEWIRE_DNS_MAX];

	(void)state;
	memset(label, 'a', 64);
	label[64] = '\0';
	assert_int_equal(probewire_dns_write(label, 0, query), 0);
	assert_int_equal(probewire_dns_write("a..b", 0, query), 0);
	for (int i = 0; i < 127; i++)
		strcat(name, "a.");
	assert_int_equal(probewire_dns_write(name, 0, query), 12 + 255 + 4);
	strcat(name, "a.");
	assert_int_equal(probewire_dns_write(name, 0, query), 0);
}

static void any_response_to_our_question_counts(void **state)
{
	uint8_t query[PROBEWIRE_DNS_MAX];
	uint8_t answer[512] = {0};

	(void)state;
	size_t len = probewire_dns_write("www.example.com", cookie, query);
	memcpy(answer, query, len);
	answer[2] |= 0x80;
	for (uint8_t rcode = 0; rcode < 16; rcode++) {
		answer[3] = rcode;
		assert_true(probewire_dns_is_answer(query, len, answer, len));
		assert_true(probewire_dns_is_answer(query, len, answer, sizeof(answer)));
	}
}

static void anything_else_is_ignored(void **state)
{
	static const struct {
		size_t at;
		uint8_t flip;
	} cases[] = {
		{0, 1}, {1, 1},	  /* id */
		{2, 0x80},	  /* a query */
		{2, 0x08},	  /* another opcode */
		{5, 1},		  /* no question */
		{13, 0x20},	  /* case of a letter */
		{14, 1},	  /* another name */
		{30, 1}, {32, 2}, /* type, class */
	};
	uint8_t query[PROBEWIRE_DNS_MAX];
	uint8_t answer[PROBEWIRE_DNS_MAX];

	(void)state;
	size_t len = probewire_dns_write("www.example.com", cookie, query);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("  case %zu\n", i);
		memcpy(answer, query, len);
		answer[2] |= 0x80;
		answer[cases[i].at] ^= cases[i].flip;
		assert_false(probewire_dns_is_answer(query, len, answer, len));
	}
	memcpy(answer, query, len);
	answer[2] |= 0x80;
	for (size_t cut = 0; cut < len; cut++)
		assert_false(probewire_dns_is_answer(query, len, answer, cut));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_is_written_with_a_checksum),
		cmocka_unit_test(an_echo_reply_gives_number_and_cookie_back),
		cmocka_unit_test(other_icmp_messages_are_not_replies),
		cmocka_unit_test(a_raw_socket_shows_replies_to_others),
		cmocka_unit_test(queries_are_well_formed),
		cmocka_unit_test(letters_change_case_with_the_cookie),
		cmocka_unit_test(names_that_are_not_valid_give_no_query),
		cmocka_unit_test(any_response_to_our_question_counts),
		cmocka_unit_test(anything_else_is_ignored),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("probewire", tests, NULL, NULL);
}
