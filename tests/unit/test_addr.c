/* test_addr.c - addresses and prefixes as values */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static struct addr addr(const char *text)
{
	struct addr parsed;

	if (addr_parse(text, &parsed) < 0)
		fail_msg("'%s' is not an address", text);
	return parsed;
}

static void text_is_an_address_or_an_error(void **state)
{
	static const struct {
		const char *text;
		const char *shown; /* NULL: refused */
	} cases[] = {
		{"192.168.2.1", "192.168.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"2001:db8::1", "2001:db8::1"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"::", "::"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"", NULL},
		{"192.168.2", NULL},
		{"192.168.2.256", NULL},
		{"192.168.02.1", NULL}, /* octal to some, decimal to others */
		{"0x7f.0.0.1", NULL},
		{" 192.0.2.1", NULL},
		{"192.0.2.1 ", NULL},
		{"192.0.2.1/24", NULL},
		{"fe80::1%lo", NULL},
		{"2001:db8::1::2", NULL},
		{"www.example.com", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct addr parsed = addr("198.51.100.1");
		int r = addr_parse(cases[i].text, &parsed);

		print_message("  '%s'\n", cases[i].text);
		assert_int_equal(r, cases[i].shown ? 0 : -EINVAL);
		assert_string_equal(
			addr_str(&parsed), cases[i].shown ? cases[i].shown : "198.51.100.1");
	}
}

static void a_prefix_has_no_bits_beyond_its_length(void **state)
{
	static const struct {
		const char *text;
		int result;
		const char *shown;
	} cases[] = {
		{"10.0.0.0/24", 0, "10.0.0.0/24"},
		{"10.0.0.10", 0, "10.0.0.10/32"},
		{"0.0.0.0/0", 0, "0.0.0.0/0"},
		{"192.168.2.1/32", 0, "192.168.2.1/32"},
		{"2001:db8::/32", 0, "2001:db8::/32"},
		{"2001:db8::1", 0, "2001:db8::1/128"},
		{"::/0", 0, "::/0"},
		{"10.0.0.1/24", -ERANGE, NULL},
		{"2001:db8::1/64", -ERANGE, NULL},
		{"128.0.0.0/0", -ERANGE, NULL},
		{"10.0.0.0/33", -EINVAL, NULL},
		{"2001:db8::/129", -EINVAL, NULL},
		{"10.0.0.0/", -EINVAL, NULL},
		{"10.0.0.0/08", -EINVAL, NULL},
		{"10.0.0.0/+8", -EINVAL, NULL},
		{"10.0.0.0/-1", -EINVAL, NULL},
		{"10.0.0.0/8/8", -EINVAL, NULL},
		{"10.0.0.0/4294967304", -EINVAL, NULL},
		{"/8", -EINVAL, NULL},
		{"2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/32",
			-EINVAL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct prefix prefix;

		print_message("  '%s'\n", cases[i].text);
		assert_int_equal(prefix_parse(cases[i].text, &prefix), cases[i].result);
		if (cases[i].shown)
			assert_string_equal(prefix_str(&prefix), cases[i].shown);
	}
}

static void a_prefix_contains_what_shares_its_bits(void **state)
{
	static const struct {
		const char *prefix;
		const char *addr;
		bool contained;
	} cases[] = {
		{"10.0.0.0/24", "10.0.0.255", true},
		{"10.0.0.0/24", "10.0.1.0", false},
		{"192.168.2.0/29", "192.168.2.7", true},
		{"192.168.2.0/29", "192.168.2.8", false},
		{"0.0.0.0/0", "203.0.113.1", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "2001:db8::1", true},
		{"::/0", "203.0.113.1", false},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct prefix prefix;
		struct addr a = addr(cases[i].addr);

		print_message("  %s in %s\n", cases[i].addr, cases[i].prefix);
		assert_int_equal(prefix_parse(cases[i].prefix, &prefix), 0);
		assert_int_equal(prefix_contains(&prefix, &a), cases[i].contained);
	}
}

static void the_prefix_of_an_address_has_its_first_bits(void **state)
{
	static const struct {
		const char *addr;
		unsigned int len;
		const char *prefix;
	} cases[] = {
		{"192.168.2.13", 24, "192.168.2.0/24"},
		{"192.168.2.13", 30, "192.168.2.12/30"},
		{"255.255.255.255", 1, "128.0.0.0/1"},
		{"192.168.2.13", 0, "0.0.0.0/0"},
		{"192.168.2.13", 32, "192.168.2.13/32"},
		{"192.168.2.13", 64, "192.168.2.13/32"},
		{"2001:db8:ffff:ffff::1", 49, "2001:db8:ffff:8000::/49"},
		{"2001:db8::1", 128, "2001:db8::1/128"},
		{"2001:db8::1", 200, "2001:db8::1/128"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct addr of = addr(cases[i].addr);
		struct prefix prefix = prefix_of(&of, cases[i].len);

		assert_string_equal(prefix_str(&prefix), cases[i].prefix);
		assert_true(prefix_contains(&prefix, &of));
	}
}

static void an_address_goes_through_a_sockaddr_and_back(void **state)
{
	static const char *const texts[] = {
		"192.168.2.1", "2001:db8::1", "fe80::1", "0.0.0.0"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct addr a = addr(texts[i]);
		struct sockaddr_storage sa;
		socklen_t len = addr_to_sockaddr(&a, 5353, 7, &sa);
		struct addr back = addr_from_sockaddr((struct sockaddr *)&sa);

		assert_int_equal(len, a.family == AF_INET ? sizeof(struct sockaddr_in)
							  : sizeof(struct sockaddr_in6));
		assert_true(addr_eq(&a, &back));
		assert_int_equal(sockaddr_port((struct sockaddr *)&sa), 5353);
		if (a.family == AF_INET6) /* only a link-local address has a scope */
			assert_int_equal(((struct sockaddr_in6 *)&sa)->sin6_scope_id,
				addr_is_link_local(&a) ? 7 : 0);
	}

	struct sockaddr unix_address = {.sa_family = AF_UNIX};
	struct addr none = addr_from_sockaddr(&unix_address);
	assert_false(addr_is_set(&none));
	assert_int_equal(sockaddr_port(&unix_address), 0);
}

static void kinds_of_addresses_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		bool link_local, loopback, unspecified, multicast, cgnat;
	} cases[] = {
		{"192.0.2.1", false, false, false, false, false},
		{"169.254.0.1", true, false, false, false, false},
		{"169.255.0.1", false, false, false, false, false},
		{"fe80::1", true, false, false, false, false},
		{"febf::1", true, false, false, false, false},
		{"fec0::1", false, false, false, false, false},
		{"127.0.0.53", false, true, false, false, false},
		{"128.0.0.1", false, false, false, false, false},
		{"::1", false, true, false, false, false},
		{"::2", false, false, false, false, false},
		{"0.0.0.0", false, false, true, false, false},
		{"::", false, false, true, false, false},
		{"224.0.0.1", false, false, false, true, false},
		{"223.255.255.255", false, false, false, false, false},
		{"ff02::1", false, false, false, true, false},
		{"100.64.0.0", false, false, false, false, true},
		{"100.127.255.255", false, false, false, false, true},
		{"100.63.255.255", false, false, false, false, false},
		{"100.128.0.0", false, false, false, false, false},
		{"6440::", false, false, false, false, false}, /* 100.64 in IPv6's octets */
		{"7f00::1", false, false, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct addr a = addr(cases[i].text);

		print_message("  %s\n", cases[i].text);
		assert_int_equal(addr_is_link_local(&a), cases[i].link_local);
		assert_int_equal(addr_is_loopback(&a), cases[i].loopback);
		assert_int_equal(addr_is_unspecified(&a), cases[i].unspecified);
		assert_int_equal(addr_is_multicast(&a), cases[i].multicast);
		assert_int_equal(addr_is_cgnat(&a), cases[i].cgnat);
	}
}

static void no_address_is_none_of_all(void **state)
{
	struct addr none = {0};
	struct addr any = addr("0.0.0.0");

	(void)state;
	assert_false(addr_is_set(&none));
	assert_int_equal(addr_len(&none), 0);
	assert_string_equal(addr_str(&none), "none");
	assert_false(addr_eq(&none, &any));
	assert_false(addr_is_unspecified(&none));
	assert_false(addr_is_loopback(&none));
}

static void equality_asks_family_and_octets(void **state)
{
	struct addr a = addr("192.0.2.1");
	struct addr same = addr_from_bytes(AF_INET, (const uint8_t[]){192, 0, 2, 1});
	struct addr mapped = addr("::ffff:192.0.2.1");

	(void)state;
	assert_true(addr_eq(&a, &same));
	assert_false(addr_eq(&a, &mapped));
	assert_int_equal(memcmp(&a, &same, sizeof(a)), 0);
}

static void one_line_can_name_eight_addresses(void **state)
{
	const char *texts[8];

	(void)state;
	for (uint8_t i = 0; i < 8; i++) {
		struct addr a = addr_from_bytes(AF_INET, (const uint8_t[]){192, 0, 2, i});

		texts[i] = addr_str(&a);
	}
	assert_string_equal(texts[0], "192.0.2.0");
	assert_string_equal(texts[7], "192.0.2.7");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_an_address_or_an_error),
		cmocka_unit_test(a_prefix_has_no_bits_beyond_its_length),
		cmocka_unit_test(a_prefix_contains_what_shares_its_bits),
		cmocka_unit_test(the_prefix_of_an_address_has_its_first_bits),
		cmocka_unit_test(an_address_goes_through_a_sockaddr_and_back),
		cmocka_unit_test(kinds_of_addresses_are_told_apart),
		cmocka_unit_test(no_address_is_none_of_all),
		cmocka_unit_test(equality_asks_family_and_octets),
		cmocka_unit_test(one_line_can_name_eight_addresses),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
