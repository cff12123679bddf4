/* test_siteprobe.c - the kinds of probes: their text, and which two are the same */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/site/siteprobe.h"

#include <string.h>

static struct site_probe probe_of(const char *text)
{
	struct site_probe probe = {.line = 7};
	const char *fault = site_probe_parse(text, &probe);

	if (fault)
		fail_msg("'%s' %s", text, fault);
	assert_int_equal(probe.line, 7);
	return probe;
}

static void a_probe_is_shown_as_it_is_written(void **state)
{
	static const struct {
		const char *text;
		const char *shown; /* NULL: the same */
		const char *target;
		enum site_probe_kind kind;
	} rows[] = {
		{"icmp gateway", NULL, "the gateway", SITE_PROBE_ICMP},
		{"icmp 192.0.2.1", NULL, "192.0.2.1", SITE_PROBE_ICMP},
		{"  icmp   2001:DB8::1 ", "icmp 2001:db8::1", "2001:db8::1", SITE_PROBE_ICMP},
		{"tcp 192.0.2.1 443", NULL, "192.0.2.1:443", SITE_PROBE_TCP},
		{"tcp 2001:db8::1 443", NULL, "[2001:db8::1]:443", SITE_PROBE_TCP},
		{"dns 192.0.2.53", NULL, "192.0.2.53 (dns)", SITE_PROBE_DNS},
		{"dns 2001:db8::53 .", NULL, "2001:db8::53 (dns)", SITE_PROBE_DNS},
		{"dns 192.0.2.53 www.Example.com", NULL, "192.0.2.53 (dns)", SITE_PROBE_DNS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct site_probe probe = probe_of(rows[i].text);
		char text[SITE_PROBE_STR_LEN];

		assert_int_equal(probe.kind, rows[i].kind);
		assert_string_equal(site_probe_str(&probe, text),
			rows[i].shown ? rows[i].shown : rows[i].text);
		assert_string_equal(site_probe_target_str(&probe, text), rows[i].target);

		struct site_probe again = probe_of(site_probe_str(&probe, text));
		assert_true(site_probe_eq(&probe, &again));
		site_probe_fini(&again);
		site_probe_fini(&probe);
	}
}

static void what_is_no_probe_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *fault;
	} rows[] = {
		{"", "should read 'icmp ADDR', 'tcp ADDR PORT' or 'dns ADDR [NAME]'"},
		{"http 192.0.2.1",
			"should read 'icmp ADDR', 'tcp ADDR PORT' or 'dns ADDR [NAME]'"},
		{"tcp 192.0.2.1 443 x",
			"should read 'icmp ADDR', 'tcp ADDR PORT' or 'dns ADDR [NAME]'"},
		{"icmp", "should read 'icmp ADDR' or 'icmp gateway'"},
		{"icmp 192.0.2.1 1", "should read 'icmp ADDR' or 'icmp gateway'"},
		{"icmp www.example.com", "does not name its target by address"},
		{"icmp 0.0.0.0", "has a target that cannot answer"},
		{"tcp gateway 443", "does not name its target by address"},
		{"tcp 192.0.2.1 0", "does not end in a port from 1 to 65535"},
		{"tcp 192.0.2.1", "should read 'tcp ADDR PORT'"},
		{"dns", "should read 'dns ADDR' or 'dns ADDR NAME'"},
		{"dns ff02::1 example.com", "has a target that cannot answer"},
		{"dns 192.0.2.53 a..b", "does not ask for a domain name"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct site_probe probe = {.line = 7, .port = 9};

		assert_string_equal(site_probe_parse(rows[i].text, &probe), rows[i].fault);
		assert_int_equal(probe.port, 9); /* untouched */
	}
}

static void the_same_question_to_the_same_host_is_one_probe(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool same;
	} rows[] = {
		{"icmp 192.0.2.1", "icmp 192.0.2.1", true},
		{"icmp 192.0.2.1", "icmp 192.0.2.2", false},
		{"icmp gateway", "icmp gateway", true},
		{"icmp gateway", "icmp 192.0.2.1", false},
		{"icmp 2001:db8::1", "icmp 2001:db8:0::1", true},
		{"icmp 192.0.2.1", "tcp 192.0.2.1 53", false},
		{"tcp 192.0.2.1 53", "tcp 192.0.2.1 53", true},
		{"tcp 192.0.2.1 53", "tcp 192.0.2.1 443", false},
		{"tcp 192.0.2.1 53", "dns 192.0.2.1", false},
		{"dns 192.0.2.1", "dns 192.0.2.1", true},
		{"dns 192.0.2.1", "dns 192.0.2.1 .", true},
		{"dns 192.0.2.1", "dns 192.0.2.1 example.com", false},
		{"dns 192.0.2.1 Example.COM", "dns 192.0.2.1 example.com", true},
		{"dns 192.0.2.1 example.com.", "dns 192.0.2.1 example.com", true},
		{"dns 192.0.2.1 example.com", "dns 192.0.2.1 example.org", false},
		{"dns 192.0.2.1 example.com", "dns 192.0.2.2 example.com", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct site_probe a = probe_of(rows[i].a);
		struct site_probe b = probe_of(rows[i].b);

		b.line = 8;
		assert_int_equal(site_probe_eq(&a, &b), rows[i].same);
		assert_int_equal(site_probe_eq(&b, &a), rows[i].same);
		site_probe_fini(&a);
		site_probe_fini(&b);
	}
}

static void a_copy_is_its_own(void **state)
{
	struct site_probe probe = probe_of("dns 192.0.2.53 www.example.com");
	struct site_probe copy;

	(void)state;
	assert_int_equal(site_probe_copy(&probe, &copy), 0);
	assert_ptr_not_equal(copy.name, probe.name);
	site_probe_fini(&probe);
	assert_string_equal(copy.name, "www.example.com");
	site_probe_fini(&copy);
	assert_null(copy.name);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_probe_is_shown_as_it_is_written),
		cmocka_unit_test(what_is_no_probe_is_refused),
		cmocka_unit_test(the_same_question_to_the_same_host_is_one_probe),
		cmocka_unit_test(a_copy_is_its_own),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
