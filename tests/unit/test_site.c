/* test_site.c - site.yaml: what is read, and what is said about mistakes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/site.h"
#include "tests/lib/reports.h"

static const char reference[] = "uplinks:\n"
				"  - name: isp-a\n"
				"    interface: wan-a\n"
				"    gateway: 192.168.2.6\n"
				"    probes:\n"
				"      - icmp 192.0.2.53\n"
				"      - tcp 192.0.2.80 443\n"
				"  - name: isp-b\n"
				"    interface: wan-b\n"
				"    gateway: 172.16.1.2\n"
				"    probes: [icmp 192.0.2.54, dns 192.0.2.53]\n"
				"lan: [lan0]\n"
				"servers:\n"
				"  - name: web\n"
				"    address: 10.0.0.10\n"
				"    loopbacks:\n"
				"      isp-a: 10.0.1.1\n"
				"      isp-b: 10.0.1.5\n"
				"    ports: [80/tcp, 443/tcp+udp, \"8443:443/tcp\", 5060-5070/udp]\n"
				"dns:\n"
				"  inside: 53\n"
				"  zones:\n"
				"    - name: www.example.com\n"
				"      file: www.example.com.zone\n";

static void reference_site_is_read(void **state)
{
	struct report report;
	struct site *site = NULL;

	(void)state;
	report_init(&report);
	assert_int_equal(
		site_parse("site.yaml", reference, strlen(reference), &report, &site), 0);
	assert_int_equal(report.n_errors, 0);
	assert_int_equal(site->n_uplinks, 2);
	assert_int_equal(site->servers[0].n_ports, 4);
	assert_int_equal(site->dns.inside, 53);
	site_free(site);
	report_fini(&report);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_site_is_read),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("site", tests, NULL, NULL);
}
