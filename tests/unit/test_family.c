/* test_family.c - the two address families: as array indices, and as the kernel's numbers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/net/family.h"

#include <netinet/in.h>

static void an_index_and_its_number_lead_to_each_other(void **state)
{
	(void)state;
	assert_int_equal(family_af(SITE_IPV4), AF_INET);
	assert_int_equal(family_af(SITE_IPV6), AF_INET6);
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		assert_int_equal(family_of(family_af(family)), family);
}

static void an_address_is_as_long_as_the_kernel_says(void **state)
{
	(void)state;
	assert_int_equal(family_addr_len(AF_INET), sizeof(struct in_addr));
	assert_int_equal(family_addr_len(AF_INET6), sizeof(struct in6_addr));
	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		assert_int_equal(family_addr_bits(family_af(family)),
			8 * family_addr_len(family_af(family)));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_index_and_its_number_lead_to_each_other),
		cmocka_unit_test(an_address_is_as_long_as_the_kernel_says),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
