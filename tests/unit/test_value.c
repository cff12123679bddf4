/* test_value.c - the small texts of a configuration */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "common/site/value.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void numbers_are_strict_decimals(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint64_t value;
	} cases[] = {
		{"0", 0, 0},
		{"10", 0, 10},
		{"99", 0, 99},
		{"100", -ERANGE, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"99999999999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"01", -EINVAL, 0},
		{"00", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"1e1", -EINVAL, 0},
		{"1_0", -EINVAL, 0},
		{"0x1", -EINVAL, 0},
		{"1.0", -EINVAL, 0},
		{"100x", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		uint64_t value = 0;

		assert_int_equal(value_uint(cases[i].text, 99, &value), cases[i].err);
		assert_int_equal(value, cases[i].value);
	}
}

static void full_range_of_numbers_is_read(void **state)
{
	uint64_t value = 0;

	(void)state;
	assert_int_equal(value_uint("18446744073709551615", UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(value_uint("18446744073709551616", UINT64_MAX, &value), -ERANGE);
	assert_int_equal(value_uint("7", 5, &value), -ERANGE);
}

static void masks_are_decimal_or_hexadecimal(void **state)
{
	static const struct {
		const char *text;
		int err;
		uint32_t value;
	} cases[] = {
		{"0xff00", 0, 0xff00},
		{"0xFfFfFfFf", 0, UINT32_MAX},
		{"0x0000000001", -ERANGE, 0},
		{"0x100000000", -ERANGE, 0},
		{"4294967295", 0, UINT32_MAX},
		{"4294967296", -ERANGE, 0},
		{"0x", -EINVAL, 0},
		{"0xg", -EINVAL, 0},
		{"0Xff", -EINVAL, 0},
		{"ff", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		uint32_t value = 0;

		assert_int_equal(value_mask(cases[i].text, &value), cases[i].err);
		assert_int_equal(value, cases[i].value);
	}
}

static void times_carry_a_unit(void **state)
{
	static const struct {
		const char *text;
		int err;
		int64_t ms;
	} cases[] = {
		{"0ms", 0, 0},
		{"200ms", 0, 200},
		{"10s", 0, 10000},
		{"5m", 0, 300000},
		{"2h", 0, 7200000},
		{"1d", 0, 86400000},
		{"10", -ENODATA, 0},
		{"0", -ENODATA, 0},
		{"1.5s", -EINVAL, 0},
		{"10 s", -EINVAL, 0},
		{"10S", -EINVAL, 0},
		{"10sec", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"99999999999999999999d", -ERANGE, 0},
		{"9223372036854775807ms", -ERANGE, 0},
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		int64_t ms = 0;

		assert_int_equal(value_duration(cases[i].text, &ms), cases[i].err);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void shares_are_per_cent(void **state)
{
	static const struct {
		const char *text;
		int err;
		int per_mille;
	} cases[] = {
		{"0%", 0, 0},
		{"10%", 0, 100},
		{"2.5%", 0, 25},
		{"100%", 0, 1000},
		{"100.0%", 0, 1000},
		{"100.1%", -ERANGE, 0},
		{"101%", -ERANGE, 0},
		{"99999999999%", -ERANGE, 0},
		{"10", -EINVAL, 0},
		{"0.1", -EINVAL, 0},
		{".5%", -EINVAL, 0},
		{"5.%", -EINVAL, 0},
		{"10 %", -EINVAL, 0},
		{"%", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		double share = 0;

		assert_int_equal(value_percent(cases[i].text, &share), cases[i].err);
		assert_int_equal((int)(share * 1000 + 0.5), cases[i].per_mille);
	}
}

static void addresses_with_a_port_are_read(void **state)
{
	static const struct {
		const char *text;
		const char *addr;
		int err;
		uint16_t port;
	} cases[] = {
		{"127.0.0.1:9153", "127.0.0.1", 0, 9153},
		{"[::1]:9153", "::1", 0, 9153},
		{"[2001:db8::1]:1", "2001:db8::1", 0, 1},
		{"::1:9153", "none", -EINVAL, 0},
		{"[127.0.0.1]:9153", "none", -EINVAL, 0},
		{"[::1:9153", "none", -EINVAL, 0},
		{"127.0.0.1", "none", -EINVAL, 0},
		{"127.0.0.1:", "none", -EINVAL, 0},
		{"127.0.0.1:0", "none", -ERANGE, 0},
		{":53", "none", -EINVAL, 0},
		{"]:53", "none", -EINVAL, 0},
		{"[]:53", "none", -EINVAL, 0},
		{"localhost:53", "none", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct addr addr = {0};
		uint16_t port = 0;

		assert_int_equal(value_addr_port(cases[i].text, &addr, &port), cases[i].err);
		assert_string_equal(addr_str(&addr), cases[i].addr);
		assert_int_equal(port, cases[i].port);
	}
}

static void interface_names_follow_the_pattern(void **state)
{
	static const char *const good[] = {
		"wan-a", "eth0.100", "ppp0", "a@b", "eth0:1", "_", "123456789012345"};
	static const char *const bad[] = {"", ".", "..", "eth0/1", "eth 0", "1234567890123456",
		"w\xc3\xa4n", "a;b", "a\"b"};

	(void)state;
	for (size_t i = 0; i < N(good); i++)
		assert_true(value_is_interface(good[i]));
	for (size_t i = 0; i < N(bad); i++)
		assert_false(value_is_interface(bad[i]));
}

static void domain_names_have_whole_labels(void **state)
{
	static const char *const good[] = {"www.example.com", "www.example.com.", "a",
		"_dmarc.example", "0/25.2.0.192.in-addr.arpa",
		"a23456789012345678901234567890123456789012345678901234567890123.example"};
	static const char *const bad[] = {"", ".", "..", "a..b", ".a", "a..", "a b", "a\\.b",
		"a234567890123456789012345678901234567890123456789012345678901234.example"};

	(void)state;
	for (size_t i = 0; i < N(good); i++)
		assert_true(value_is_domain(good[i]));
	for (size_t i = 0; i < N(bad); i++)
		assert_false(value_is_domain(bad[i]));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_strict_decimals),
		cmocka_unit_test(full_range_of_numbers_is_read),
		cmocka_unit_test(masks_are_decimal_or_hexadecimal),
		cmocka_unit_test(times_carry_a_unit),
		cmocka_unit_test(shares_are_per_cent),
		cmocka_unit_test(addresses_with_a_port_are_read),
		cmocka_unit_test(interface_names_follow_the_pattern),
		cmocka_unit_test(domain_names_have_whole_labels),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
