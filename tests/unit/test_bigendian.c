/* test_bigendian.c - numbers in network byte order, at any place in a buffer */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/bigendian.h"

static void the_first_octet_is_the_highest(void **state)
{
	static const uint8_t bytes[] = {0xff, 0x12, 0x34, 0x56, 0x78};

	(void)state;
	assert_int_equal(be16_read(bytes + 1), 0x1234);
	assert_int_equal(be32_read(bytes + 1), 0x12345678);
	assert_int_equal(be32_read(bytes), 0xff123456);
}

static void what_is_written_is_read_and_nothing_beside_it(void **state)
{
	(void)state;
	for (size_t at = 1; at <= 4; at++) { /* aligned or not */
		uint8_t bytes[10] = {0};
		uint8_t expected16[10] = {0};
		uint8_t expected32[10] = {0};

		memcpy(expected16 + at, "\xab\xcd", 2);
		memcpy(expected32 + at, "\x89\xab\xcd\xef", 4);
		be16_write(bytes + at, 0xabcd);
		assert_memory_equal(bytes, expected16, sizeof(bytes));
		assert_int_equal(be16_read(bytes + at), 0xabcd);
		be32_write(bytes + at, 0x89abcdef);
		assert_memory_equal(bytes, expected32, sizeof(bytes));
		assert_int_equal(be32_read(bytes + at), 0x89abcdef);
	}
}

static void a_16_bit_number_is_the_lowest_bits(void **state)
{
	uint8_t bytes[2];

	(void)state;
	be16_write(bytes, 0x12345);
	assert_int_equal(be16_read(bytes), 0x2345);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_octet_is_the_highest),
		cmocka_unit_test(what_is_written_is_read_and_nothing_beside_it),
		cmocka_unit_test(a_16_bit_number_is_the_lowest_bits),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
