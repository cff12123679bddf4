/* test_delegation.c - the lines for the parent zone */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/delegation.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ctl/ctl.h"
#include "common/ctl/ctlrequest.h"
#include "dnsd/delegationask.h"
#include "tests/lib/fixture.h"

#define SOA "@ SOA www-ns1.example.com. hostmaster.example.com. 1 28800 7200 864000 10\n"

static struct fixture *fixture_of(const char *text)
{
	return fixture_new(&(const struct fixture_zone){"www.example.com", text}, 1);
}

static void assert_text(struct fixture *f, const char *expected)
{
	char *text = delegation_text(f->zones[0], &f->facts, "from the test");

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
	fixture_free(f);
}

#define HEAD \
	"; Delegation of www.example.com. for its parent zone.\n; Addresses from the test.\n"

static void names_beside_the_zone_are_address_records(void **state)
{
	(void)state;
	assert_text(fixture_new(&fixture_host_zone, 1),
		HEAD "www.example.com.\t86400\tIN\tNS\twww-ns1.example.com.\n"
		     "www.example.com.\t86400\tIN\tNS\twww-ns2.example.com.\n"
		     "; Address records, in the zone that holds these names:\n"
		     "www-ns1.example.com.\t86400\tIN\tA\t192.168.2.1\n"
		     "www-ns2.example.com.\t86400\tIN\tA\t172.16.1.1\n");
}

static void names_below_the_zone_are_glue_of_both_families(void **state)
{
	struct fixture *f = fixture_of("$TTL 3600\n" SOA "  NS ns1\n  NS ns2\n"
				       "ns1 60 UPLINK isp-a\nns2 60 UPLINK isp-b\n");

	(void)state;
	fixture_add_ipv6(f);
	assert_text(f, HEAD "www.example.com.\t3600\tIN\tNS\tns1.www.example.com.\n"
			    "www.example.com.\t3600\tIN\tNS\tns2.www.example.com.\n"
			    "; Glue, beside the NS records:\n"
			    "ns1.www.example.com.\t60\tIN\tA\t192.168.2.1\n"
			    "ns1.www.example.com.\t60\tIN\tAAAA\t2001:db8:a::1\n"
			    "ns2.www.example.com.\t60\tIN\tA\t172.16.1.1\n"
			    "ns2.www.example.com.\t60\tIN\tAAAA\t2001:db8:b::1\n");
}

static void literal_addresses_are_taken_too(void **state)
{
	(void)state;
	assert_text(fixture_of("$TTL 3600\n" SOA "  NS ns1\n  NS ns.example.net.\n"
			       "ns1 A 192.0.2.1\nns1 AAAA 2001:db8::1\n"),
		HEAD "www.example.com.\t3600\tIN\tNS\tns1.www.example.com.\n"
		     "www.example.com.\t3600\tIN\tNS\tns.example.net.\n"
		     "; Glue, beside the NS records:\n"
		     "ns1.www.example.com.\t3600\tIN\tA\t192.0.2.1\n"
		     "ns1.www.example.com.\t3600\tIN\tAAAA\t2001:db8::1\n"
		     "; Address records, in the zone that holds these names:\n"
		     "; ns.example.net.: the zone file does not say its address\n");
}

static void an_uplink_that_takes_nothing_in_is_left_out(void **state)
{
	struct fixture *f = fixture_new(&fixture_host_zone, 1);

	(void)state;
	fixture_set_inbound(f, "isp-b", false);
	assert_text(f, HEAD "www.example.com.\t86400\tIN\tNS\twww-ns1.example.com.\n"
			    "; www-ns2.example.com. is left out: its uplink has inbound: no\n"
			    "; Address records, in the zone that holds these names:\n"
			    "www-ns1.example.com.\t86400\tIN\tA\t192.168.2.1\n");
}

/* A delegation outlasts a bad hour. */
static void an_uplink_that_is_down_stays_in(void **state)
{
	struct fixture *f = fixture_of("$TTL 3600\n" SOA "  NS ns\nns 60 UPLINK all\n");

	(void)state;
	fixture_set_state(f, "isp-b", UPLINK_DOWN);
	assert_text(f, HEAD "www.example.com.\t3600\tIN\tNS\tns.www.example.com.\n"
			    "; Glue, beside the NS records:\n"
			    "ns.www.example.com.\t60\tIN\tA\t192.168.2.1\n"
			    "ns.www.example.com.\t60\tIN\tA\t172.16.1.1\n");
}

static void an_address_that_is_not_known_is_said_to_be_so(void **state)
{
	struct fixture *f = fixture_new(&fixture_host_zone, 1);

	(void)state;
	fixture_drop_address(f, "isp-b", SITE_IPV4);
	assert_text(f, HEAD "www.example.com.\t86400\tIN\tNS\twww-ns1.example.com.\n"
			    "www.example.com.\t86400\tIN\tNS\twww-ns2.example.com.\n"
			    "; Address records, in the zone that holds these names:\n"
			    "www-ns1.example.com.\t86400\tIN\tA\t192.168.2.1\n"
			    "; www-ns2.example.com.: its uplink has no address now\n");
}

static json_t *refuse(const char *verb, const json_t *request, void *arg)
{
	(void)verb;
	(void)request;
	(void)arg;
	return json_pack("{s:s}", "error", "you may not ask for that");
}

static void serve_refusals(const char *path)
{
	struct event_base *base = event_base_new();
	struct ctl_server *server;

	if (ctl_server_new(base, path, refuse, NULL, &server) == 0)
		event_base_dispatch(base);
	_exit(1);
}

/* "There is no such zone" would be said otherwise. */
static void a_refusal_is_no_delegation(void **state)
{
	char dir[] = "/tmp/test_delegation.XXXXXX";
	char path[64];
	json_t *reply = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/dnsd.sock", dir);
	const struct cli cli = {.config = "/dev/null", .runtime_dir = dir};
	pid_t pid = fork();
	if (pid == 0)
		serve_refusals(path);
	for (int i = 0; i < 500 && ctl_request(path, "any", 5000, &reply) < 0; i++)
		usleep(10000);
	assert_non_null(reply); /* it is there */
	json_decref(reply);
	assert_null(delegation_ask(&cli, &(bool){false}));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	strcat(path, ".lock");
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_beside_the_zone_are_address_records),
		cmocka_unit_test(names_below_the_zone_are_glue_of_both_families),
		cmocka_unit_test(literal_addresses_are_taken_too),
		cmocka_unit_test(an_uplink_that_takes_nothing_in_is_left_out),
		cmocka_unit_test(an_uplink_that_is_down_stays_in),
		cmocka_unit_test(an_address_that_is_not_known_is_said_to_be_so),
		cmocka_unit_test(a_refusal_is_no_delegation),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("delegation", tests, NULL, NULL);
}
