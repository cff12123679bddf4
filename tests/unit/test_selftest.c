/* test_selftest.c - counts of the kernel's table, put to the forwards of site.yaml */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/wanted/selftest.h"
#include "routed/wanted/situation.h"

#include <netinet/in.h>

#include "lib/situations.h"

struct fixture {
	struct site *site;
	struct situation situation;
	struct selftest *selftest;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->site = situations_reference(NULL);
	f->situation = situations_both_up();
	f->selftest = selftest_new(f->site, &f->situation);
	assert_non_null(f->selftest);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	selftest_free(f->selftest);
	site_free(f->site);
	test_free(f);
	return 0;
}

static void add(struct fixture *f, enum selftest_kind kind, const char *asked, uint8_t proto,
	uint16_t port, uint64_t connections)
{
	struct addr addr;

	assert_int_equal(addr_parse(asked, &addr), 0);
	selftest_add(f->selftest, kind, &addr, proto, port, connections);
}

/* The row of that public port, which is one of site->servers[0]. */
static const struct selftest_row *row_of(
	const struct fixture *f, size_t uplink, uint16_t first)
{
	size_t n;
	const struct selftest_row *rows = selftest_rows(f->selftest, &n);

	for (size_t i = 0; i < n; i++)
		if (rows[i].uplink == uplink &&
			f->site->servers[rows[i].server].ports[rows[i].port].first == first)
			return &rows[i];
	fail_msg("no row of port %u on uplink %zu", first, uplink);
	return NULL;
}

static uint64_t sum(const struct fixture *f)
{
	uint64_t total = 0;
	size_t n;
	const struct selftest_row *rows = selftest_rows(f->selftest, &n);

	for (size_t i = 0; i < n; i++)
		for (size_t kind = 0; kind < SELFTEST_KINDS; kind++)
			total += rows[i].connections[kind];
	return total;
}

static void each_forward_has_a_row_for_each_uplink(void **state)
{
	struct fixture *f = *state;
	size_t n;

	selftest_rows(f->selftest, &n);
	assert_int_equal(n, 2 * f->site->servers[0].n_ports);
	f->site->servers[0].uplinks = 2; /* isp-b alone */
	struct selftest *other = selftest_new(f->site, &f->situation);
	selftest_rows(other, &n);
	assert_int_equal(n, f->site->servers[0].n_ports);
	selftest_free(other);
}

static void a_count_goes_to_the_uplink_of_the_address(void **state)
{
	struct fixture *f = *state;

	add(f, SELFTEST_ARRIVED, "192.168.2.1", IPPROTO_TCP, 80, 5);
	add(f, SELFTEST_ANSWERED, "192.168.2.1", IPPROTO_TCP, 80, 4);
	add(f, SELFTEST_ASTRAY, "192.168.2.1", IPPROTO_TCP, 80, 1);
	add(f, SELFTEST_ARRIVED, "172.16.1.1", IPPROTO_TCP, 80, 7);
	assert_int_equal(row_of(f, 0, 80)->connections[SELFTEST_ARRIVED], 5);
	assert_int_equal(row_of(f, 0, 80)->connections[SELFTEST_ANSWERED], 4);
	assert_int_equal(row_of(f, 0, 80)->connections[SELFTEST_ASTRAY], 1);
	assert_int_equal(row_of(f, 1, 80)->connections[SELFTEST_ARRIVED], 7);
	assert_int_equal(row_of(f, 1, 80)->connections[SELFTEST_ANSWERED], 0);
}

/* 443/tcp+udp is one line of site.yaml; 5060-5070/udp too. */
static void protocols_and_ranges_are_summed_up(void **state)
{
	struct fixture *f = *state;

	add(f, SELFTEST_ARRIVED, "172.16.1.1", IPPROTO_TCP, 443, 1);
	add(f, SELFTEST_ARRIVED, "172.16.1.1", IPPROTO_UDP, 443, 2);
	assert_int_equal(row_of(f, 1, 443)->connections[SELFTEST_ARRIVED], 3);
	add(f, SELFTEST_ARRIVED, "172.16.1.1", IPPROTO_UDP, 5060, 1);
	add(f, SELFTEST_ARRIVED, "172.16.1.1", IPPROTO_UDP, 5065, 1);
	add(f, SELFTEST_ARRIVED, "172.16.1.1", IPPROTO_UDP, 5070, 1);
	assert_int_equal(row_of(f, 1, 5060)->connections[SELFTEST_ARRIVED], 3);
}

static void what_is_no_forward_of_the_site_is_passed_over(void **state)
{
	struct fixture *f = *state;

	add(f, SELFTEST_ARRIVED, "192.0.2.1", IPPROTO_TCP, 80, 1);
	add(f, SELFTEST_ARRIVED, "192.168.2.1", IPPROTO_TCP, 81, 1);
	add(f, SELFTEST_ARRIVED, "192.168.2.1", IPPROTO_UDP, 80, 1);
	add(f, SELFTEST_ARRIVED, "192.168.2.1", IPPROTO_UDP, 5059, 1);
	add(f, SELFTEST_ARRIVED, "192.168.2.1", IPPROTO_UDP, 5071, 1);
	add(f, SELFTEST_ARRIVED, "2001:db8::1", IPPROTO_TCP, 80, 1);
	assert_int_equal(sum(f), 0);
}

static void the_public_address_counts_for_its_uplink(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		addr_parse("192.0.2.1", &f->site->uplinks[0].public_addrs[SITE_IPV4]), 0);
	add(f, SELFTEST_ARRIVED, "192.0.2.1", IPPROTO_TCP, 80, 1);
	assert_int_equal(row_of(f, 0, 80)->connections[SELFTEST_ARRIVED], 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_forward_has_a_row_for_each_uplink, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_count_goes_to_the_uplink_of_the_address, setup, teardown),
		cmocka_unit_test_setup_teardown(
			protocols_and_ranges_are_summed_up, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_no_forward_of_the_site_is_passed_over, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_public_address_counts_for_its_uplink, setup, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("selftest", tests, NULL, NULL);
}
