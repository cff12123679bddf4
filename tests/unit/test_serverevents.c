/* test_serverevents.c - the last report on servers, across a reload */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/report/serverevents.h"

#include <stdlib.h>
#include <string.h>

#include "common/site/uplinkset.h"
#include "tests/lib/situations.h"

enum { A, B, C };

static const char before[] = "uplinks:\n"
			     "  - {name: isp-a, interface: wan-a}\n"
			     "  - {name: isp-b, interface: wan-b}\n"
			     "  - {name: isp-c, interface: wan-c}\n"
			     "servers:\n"
			     "  - {name: web, address: 10.0.0.10, check: tcp 80}\n"
			     "  - {name: mail, address: 10.0.0.11, check: tcp 25}\n";
static const char reordered[] = "uplinks:\n"
				"  - {name: isp-c, interface: wan-c}\n"
				"  - {name: isp-a, interface: wan-a}\n"
				"  - {name: isp-b, interface: wan-b}\n"
				"servers:\n"
				"  - {name: mail, address: 10.0.0.11, check: tcp 25}\n"
				"  - {name: web, address: 10.0.0.10, check: tcp 80}\n";
static const char without_b[] = "uplinks:\n"
				"  - {name: isp-a, interface: wan-a}\n"
				"  - {name: isp-c, interface: wan-c}\n"
				"servers:\n"
				"  - {name: web, address: 10.0.0.10, check: tcp 80}\n"
				"  - {name: news, address: 10.0.0.12, check: tcp 119}\n";
static const char unchecked[] = "uplinks:\n"
				"  - {name: isp-a, interface: wan-a}\n"
				"  - {name: isp-b, interface: wan-b}\n"
				"  - {name: isp-c, interface: wan-c}\n"
				"servers:\n"
				"  - {name: web, address: 10.0.0.10}\n"
				"  - {name: mail, address: 10.0.0.11, check: tcp 25}\n";

/* The report on `before` says: web is dead on isp-b and partly on isp-c, mail is dead on isp-a.
 * Then `after` takes its place. */
static void reload(const char *after, struct serverevents *ret_events)
{
	struct site *old = situations_site(before);
	struct site *site = situations_site(after);

	*ret_events = (struct serverevents){0};
	ret_events->servers[0].dead = uplinkset_of(B);
	ret_events->servers[0].partly = uplinkset_of(C);
	ret_events->servers[1].dead = uplinkset_of(A);
	serverevents_follow(ret_events, old, site);
	site_free(old);
	site_free(site);
}

static void the_same_site_keeps_the_report(void **state)
{
	struct serverevents events;

	(void)state;
	reload(before, &events);
	assert_int_equal(events.servers[0].dead, uplinkset_of(B));
	assert_int_equal(events.servers[0].partly, uplinkset_of(C));
	assert_int_equal(events.servers[1].dead, uplinkset_of(A));
}

static void servers_and_uplinks_are_followed_by_name(void **state)
{
	struct serverevents events;

	(void)state;
	reload(reordered, &events);
	assert_int_equal(events.servers[0].dead, uplinkset_of(1));
	assert_int_equal(events.servers[0].partly, 0);
	assert_int_equal(events.servers[1].dead, uplinkset_of(2));
	assert_int_equal(events.servers[1].partly, uplinkset_of(0));
}

static void an_uplink_that_is_gone_is_forgotten(void **state)
{
	struct serverevents events;

	(void)state;
	reload(without_b, &events);
	assert_int_equal(events.servers[0].dead, 0);
	assert_int_equal(events.servers[0].partly, uplinkset_of(1));
	assert_int_equal(events.servers[1].dead, 0);
}

static void a_server_without_a_check_is_forgotten(void **state)
{
	struct serverevents events;

	(void)state;
	reload(unchecked, &events);
	assert_int_equal(events.servers[0].dead, 0);
	assert_int_equal(events.servers[0].partly, 0);
	assert_int_equal(events.servers[1].dead, uplinkset_of(A));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_site_keeps_the_report),
		cmocka_unit_test(servers_and_uplinks_are_followed_by_name),
		cmocka_unit_test(an_uplink_that_is_gone_is_forgotten),
		cmocka_unit_test(a_server_without_a_check_is_forgotten),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("serverevents", tests, NULL, NULL);
}
