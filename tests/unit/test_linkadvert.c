/* test_linkadvert.c - what dnsd is told before the kernel is changed, and what after
 *
 * A situation is written in words, one per uplink: "up", "degraded", "down", "drained", with
 * "web-dead" behind it where the server is dead there. "-" stands for an uplink that was never
 * advertised.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/report/linkadvert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ctl/ctlsubscriber.h"
#include "common/site/uplinkset.h"
#include "routed/wanted/situation.h"

enum { A, B };

static void name_uplinks(struct linkadvert *advert)
{
	static const char *const names[] = {"isp-a", "isp-b"};
	static const char *const interfaces[] = {"wan-a", "wan-b"};

	*advert = (struct linkadvert){.n_uplinks = 2, .n_servers = 1};
	for (size_t i = 0; i < 2; i++) {
		strcpy(advert->uplinks[i].name, names[i]);
		strcpy(advert->uplinks[i].interface, interfaces[i]);
		advert->uplinks[i].since_us = 1795341600000000;
	}
	strcpy(advert->servers[0].name, "web");
}

static void set_state(struct uplink_advert *uplink, const char *word)
{
	static const enum uplink_state all[] = {
		UPLINK_UP, UPLINK_DEGRADED, UPLINK_DOWN, UPLINK_DRAINED};

	for (size_t i = 0; i < 4; i++)
		if (strcmp(word, uplink_state_str(all[i])) == 0) {
			uplink->state = all[i];
			uplink->is_known = true;
			snprintf(uplink->why, sizeof(uplink->why), "because it is %s", word);
			return;
		}
	assert_string_equal(word, "-");
}

/* "down web-dead | up" */
static void situation(struct linkadvert *advert, const char *text)
{
	char words[256];
	char *save = NULL;
	size_t i = 0;

	name_uplinks(advert);
	snprintf(words, sizeof(words), "%s", text);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (strcmp(w, "|") == 0)
			i++;
		else if (strcmp(w, "web-dead") == 0)
			advert->servers[0].dead |= uplinkset_of(i);
		else
			set_state(&advert->uplinks[i], w);
	}
}

static const char *text_of(const struct linkadvert *advert, char *out, size_t cap)
{
	out[0] = '\0';
	for (size_t i = 0; i < advert->n_uplinks; i++) {
		const struct uplink_advert *uplink = &advert->uplinks[i];
		size_t n = strlen(out);

		snprintf(out + n, cap - n, "%s%s%s", i ? " | " : "",
			uplink->is_known ? uplink_state_str(uplink->state) : "-",
			(advert->servers[0].dead >> i) & 1 ? " web-dead" : "");
	}
	return out;
}

static void assert_said(const struct linkadvert *advert, const char *expected)
{
	char text[256];

	assert_string_equal(text_of(advert, text, sizeof(text)), expected);
}

/* A state and its reason are one. */
static void assert_reasons(const struct linkadvert *advert)
{
	for (size_t i = 0; i < advert->n_uplinks; i++) {
		const struct uplink_advert *uplink = &advert->uplinks[i];
		char why[64];

		snprintf(
			why, sizeof(why), "because it is %s", uplink_state_str(uplink->state));
		if (uplink->is_known && strncmp(uplink->why, "not ready", 9) != 0)
			assert_string_equal(uplink->why, why);
	}
}

/* What was said, what is so, which uplinks the kernel is not ready for, and what follows. An
 * empty text: as before, there is no line. */
struct row {
	const char *said;
	const char *now;
	uint32_t held;
	const char *before;
	const char *after;
};

static const struct row rows[] = {
	/* worse news goes first, better news last */
	{"up | up", "up | up", 0, "", ""},
	{"up | up", "down | up", 0, "down | up", ""},
	{"up | up", "degraded | up", 0, "degraded | up", ""},
	{"degraded | up", "down | up", 0, "down | up", ""},
	{"up | up", "drained | up", 0, "drained | up", ""},
	{"down | up", "drained | up", 0, "drained | up", ""},
	{"down | up", "up | up", 0, "", "up | up"},
	{"down | up", "degraded | up", 0, "", "degraded | up"},
	{"degraded | up", "up | up", 0, "", "up | up"},
	{"drained | up", "up | up", 0, "", "up | up"},
	{"drained | up", "down | up", 0, "", "down | up"},
	/* one falls as the other comes back: in two lines, with none of them offered between
	 */
	{"up | down", "down | up", 0, "down | down", "down | up"},
	{"up | up", "down | down", 0, "down | down", ""},
	/* servers */
	{"up | up", "up web-dead | up", 0, "up web-dead | up", ""},
	{"up web-dead | up", "up | up", 0, "", "up | up"},
	{"up web-dead | up", "up | up web-dead", 0, "up web-dead | up web-dead",
		"up | up web-dead"},
	{"down | up", "up web-dead | up", 0, "down web-dead | up", "up web-dead | up"},
	/* what the kernel could not be made to hold is not offered; bad news waits for nothing
	 */
	{"down | up", "up | up", 1, "", ""},
	{"down | down", "up | up", 1, "", "down | up"},
	{"down | up", "degraded | up", 1, "", ""},
	{"up | up", "down | up", 1, "down | up", ""},
	{"drained | up", "up | up", UINT32_MAX, "", ""},
	{"up web-dead | up", "up | up", 1, "", ""},
	{"up web-dead | up web-dead", "up | up", 1, "", "up web-dead | up"},
	/* one that was never advertised says nothing before the kernel holds what it takes */
	{"- | up", "up | up", 0, "", "up | up"},
	{"- | up", "down | up", 0, "", "down | up"},
	{"- | up", "drained | up", 0, "", "drained | up"},
	{"- | up", "up | down", 0, "- | down", "up | down"},
	{"- | up", "up | up", 1, "", "down | up"},
	{"- | up", "drained | up", 1, "", "drained | up"},
	{"- | -", "up | up", 2, "", "up | down"},
};

static void check_row(const struct row *row)
{
	struct linkadvert said;
	struct linkadvert now;

	print_message("  %s -> %s%s\n", row->said, row->now, row->held ? " (held)" : "");
	situation(&said, row->said);
	situation(&now, row->now);
	assert_false(linkadvert_follow(&said, &now));

	assert_int_equal(linkadvert_worse(&said, &now), *row->before != '\0');
	assert_said(&said, *row->before ? row->before : row->said);
	assert_reasons(&said);

	const char *before = *row->before ? row->before : row->said;
	assert_int_equal(linkadvert_rest(&said, &now, row->held), *row->after != '\0');
	assert_said(&said, *row->after ? row->after : before);
	assert_reasons(&said);

	/* and nothing is said twice */
	assert_false(linkadvert_worse(&said, &now));
	assert_false(linkadvert_rest(&said, &now, row->held));

	/* what waited is said as soon as nothing holds it */
	linkadvert_rest(&said, &now, 0);
	assert_said(&said, row->now);
}

static void worse_goes_before_the_kernel_and_better_after(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

/* Whatever happens and fails: before the kernel is changed nothing becomes better, and in the
 * end, with nothing held, all is as it is. */
static void no_order_of_events_offers_too_early(void **state)
{
	static const char *const words[] = {"up", "degraded", "down", "drained"};
	struct linkadvert said;
	struct linkadvert now;
	uint32_t random = 1;

	(void)state;
	situation(&said, "- | -");
	for (int i = 0; i < 20000; i++) {
		char text[128];

		random = random * 1103515245 + 12345;
		uint32_t r = random >> 8;
		snprintf(text, sizeof(text), "%s%s | %s%s", words[r & 3],
			r & 4 ? " web-dead" : "", words[(r >> 3) & 3],
			r & 32 ? " web-dead" : "");
		situation(&now, text);

		struct linkadvert before = said;
		linkadvert_worse(&said, &now);
		for (size_t k = 0; k < 2; k++) {
			assert_true(said.uplinks[k].state >= before.uplinks[k].state);
			assert_true(!said.uplinks[k].is_known ||
				    said.uplinks[k].state >= now.uplinks[k].state);
		}
		assert_int_equal(before.servers[0].dead & ~said.servers[0].dead, 0);
		assert_int_equal(now.servers[0].dead & ~said.servers[0].dead, 0);

		uint32_t held = (r >> 6) & 3;
		before = said;
		linkadvert_rest(&said, &now, held);
		for (size_t k = 0; k < 2; k++)
			if ((held >> k) & 1 && before.uplinks[k].is_known)
				assert_true(said.uplinks[k].state >= before.uplinks[k].state);
	}
	linkadvert_rest(&said, &now, 0);
	assert_memory_equal(&said, &now, sizeof(said));
}

static void an_address_is_told_once_its_forwards_are_in(void **state)
{
	struct linkadvert said;
	struct linkadvert now;
	struct addr old;

	(void)state;
	situation(&said, "up | up");
	addr_parse("192.168.2.1", &said.uplinks[A].public_addrs[SITE_IPV4]);
	now = said;
	old = said.uplinks[A].public_addrs[SITE_IPV4];
	addr_parse("192.168.2.3", &now.uplinks[A].public_addrs[SITE_IPV4]);

	assert_false(linkadvert_worse(&said, &now));
	assert_true(addr_eq(&said.uplinks[A].public_addrs[SITE_IPV4], &old));
	assert_false(linkadvert_rest(&said, &now, 1));
	assert_true(addr_eq(&said.uplinks[A].public_addrs[SITE_IPV4], &old));
	assert_true(linkadvert_rest(&said, &now, 0));
	assert_true(addr_eq(&said.uplinks[A].public_addrs[SITE_IPV4],
		&now.uplinks[A].public_addrs[SITE_IPV4]));
}

static void another_reason_is_news_and_a_number_in_it_is_not(void **state)
{
	struct linkadvert said;
	struct linkadvert now;

	(void)state;
	situation(&said, "down | up");
	now = said;
	strcpy(now.uplinks[A].why, "6 of 6 probes to 192.0.2.53 lost since 10:00:00");
	assert_false(linkadvert_worse(&said, &now));
	assert_false(linkadvert_rest(&said, &now, 0));
	now.uplinks[A].fault = UPLINK_NO_CARRIER;
	assert_false(linkadvert_worse(&said, &now));
	assert_true(linkadvert_rest(&said, &now, 0));
	now.uplinks[B].active = true;
	assert_true(linkadvert_rest(&said, &now, 0));
}

/* ---- another configuration ---- */

static void a_reload_keeps_what_is_known_by_name(void **state)
{
	struct linkadvert said;
	struct linkadvert now;

	(void)state;
	situation(&said, "drained | up web-dead");
	situation(&now, "up | up");
	strcpy(now.uplinks[0].name, "isp-b");
	strcpy(now.uplinks[0].interface, "wan-b");
	strcpy(now.uplinks[1].name, "isp-a");
	strcpy(now.uplinks[1].interface, "wan-a");
	now.n_uplinks = 3;
	now.uplinks[2] = now.uplinks[0];
	strcpy(now.uplinks[2].name, "isp-c");
	now.n_servers = 2;
	now.servers[1] = now.servers[0];
	strcpy(now.servers[0].name, "mail");

	assert_true(linkadvert_follow(&said, &now));
	assert_int_equal(said.uplinks[0].state, UPLINK_UP);
	assert_int_equal(said.uplinks[1].state, UPLINK_DRAINED);
	assert_true(said.uplinks[0].is_known && said.uplinks[1].is_known);
	assert_false(said.uplinks[2].is_known);
	assert_int_equal(said.servers[0].dead, 0);
	assert_int_equal(said.servers[1].dead, 1); /* isp-b is the first now */
	assert_false(linkadvert_follow(&said, &now));
}

static void the_same_name_on_another_interface_is_another_uplink(void **state)
{
	struct linkadvert said;
	struct linkadvert now;

	(void)state;
	situation(&said, "drained | up");
	situation(&now, "up | up");
	strcpy(now.uplinks[A].interface, "ppp0");
	assert_true(linkadvert_follow(&said, &now));
	assert_false(said.uplinks[A].is_known);
	assert_true(said.uplinks[B].is_known);
}

/* ---- what the kernel lacks ---- */

static struct site_uplink site_uplinks[2] = {{.name = "isp-a"}, {.name = "isp-b"}};
static const struct site site = {
	.uplinks = site_uplinks,
	.n_uplinks = 2,
	.routing = {.tables = 5300, .mark = 0xff00},
};

static void can_route(struct situation_uplink *uplink, int ifindex, bool ipv4, bool ipv6)
{
	*uplink = (struct situation_uplink){.ifindex = ifindex};
	if (ipv4) {
		addr_parse("192.168.2.1", &uplink->chosen[SITE_IPV4]);
		addr_parse("192.168.2.6", &uplink->gateway[SITE_IPV4]);
	}
	if (ipv6) {
		addr_parse("2001:db8:a::1", &uplink->chosen[SITE_IPV6]);
		addr_parse("2001:db8:a::6", &uplink->gateway[SITE_IPV6]);
	}
}

static uint32_t held_by(struct plan_step step, bool ipv4, bool ipv6)
{
	struct situation now;
	struct plan plan = {.steps = &step, .n_steps = 1};

	memset(&now, 0, sizeof(now));
	can_route(&now.uplinks[A], 3, ipv4, ipv6);
	can_route(&now.uplinks[B], 4, ipv4, ipv6);
	step.failed = false;
	assert_int_equal(linkadvert_held(&site, &now, &plan, false), 0);
	assert_int_equal(linkadvert_held(&site, &now, &plan, true), UINT32_MAX);
	step.failed = true;
	return linkadvert_held(&site, &now, &plan, false);
}

static void a_failed_step_holds_the_uplinks_that_rest_on_it(void **state)
{
	struct plan_step own = {
		.op = PLAN_ADD_ROUTE, .route = {.family = AF_INET, .table = 5302}};
	struct plan_step main_route = {
		.op = PLAN_ADD_ROUTE, .route = {.family = AF_INET, .table = 254}};
	struct plan_step rule = {
		.op = PLAN_ADD_RULE, .rule = {.family = AF_INET, .table = 5301}};
	struct plan_step blackhole = {
		.op = PLAN_ADD_RULE, .rule = {.family = AF_INET, .blackhole = true}};
	struct plan_step group = {.op = PLAN_SET_GROUP, .group = {.ifindex = 4}};
	struct plan_step sysctl = {.op = PLAN_SET_SYSCTL};
	struct plan_step tracked = {.op = PLAN_REPLACE_ROUTE,
		.route = {.family = AF_INET, .table = 5300, .n_nexthops = 2}};

	(void)state;
	tracked.route.nexthops[0].ifindex = 3;
	tracked.route.nexthops[1].ifindex = 4;
	assert_int_equal(held_by(own, true, false), uplinkset_of(B));
	assert_int_equal(held_by(rule, true, false), uplinkset_of(A));
	assert_int_equal(held_by(tracked, true, false), uplinkset_of(A) | uplinkset_of(B));
	assert_int_equal(held_by(group, true, true), uplinkset_of(B));
	assert_int_equal(held_by(main_route, true, false), 0); /* to a loopback */
	assert_int_equal(held_by(blackhole, true, false), 0);
	assert_int_equal(held_by(sysctl, true, true), 0);
}

static void ipv6_that_fails_does_not_hold_ipv4(void **state)
{
	struct plan_step own = {
		.op = PLAN_ADD_ROUTE, .route = {.family = AF_INET6, .table = 5301}};

	(void)state;
	assert_int_equal(held_by(own, true, true), 0);
	assert_int_equal(held_by(own, true, false), 0);
	assert_int_equal(held_by(own, false, true), uplinkset_of(A));
	own.route.family = AF_INET;
	assert_int_equal(held_by(own, true, true), uplinkset_of(A));
	assert_int_equal(held_by(own, false, false), uplinkset_of(A));
}

/* ---- the line ---- */

static const char *why_dead(
	size_t server, size_t uplink, const void *arg, char *out, size_t cap)
{
	assert_null(arg);
	snprintf(out, cap, "no answer at port 80 (%zu on %zu)", server, uplink);
	return out;
}

static char *line_of(const struct linkadvert *advert, linkadvert_why_fn *why)
{
	json_t *line = linkadvert_json(advert, 7, 1795341600123456, why, NULL);
	char *text = json_dumps(line, JSON_COMPACT);

	json_decref(line);
	assert_non_null(text);
	return text;
}

static void a_line_says_all_of_it(void **state)
{
	struct linkadvert said;

	(void)state;
	situation(&said, "down web-dead | up");
	addr_parse("192.168.2.1", &said.uplinks[A].public_addrs[SITE_IPV4]);
	addr_parse("2001:db8:a::1", &said.uplinks[A].public_addrs[SITE_IPV6]);
	said.uplinks[B].active = true;
	char *text = line_of(&said, why_dead);
	assert_string_equal(text,
		"{\"version\":1,\"seq\":7,\"time\":\"2026-11-22T10:00:00.123456Z\","
		"\"uplinks\":["
		"{\"name\":\"isp-a\",\"interface\":\"wan-a\",\"state\":\"down\","
		"\"why\":\"because it is down\",\"active\":false,"
		"\"public\":[\"192.168.2.1\",\"2001:db8:a::1\"],"
		"\"since\":\"2026-11-22T10:00:00.000000Z\"},"
		"{\"name\":\"isp-b\",\"interface\":\"wan-b\",\"state\":\"up\","
		"\"why\":\"because it is up\",\"active\":true,\"public\":[],"
		"\"since\":\"2026-11-22T10:00:00.000000Z\"}],"
		"\"servers\":[{\"name\":\"web\",\"dead\":[{\"uplink\":\"isp-a\","
		"\"why\":\"no answer at port 80 (0 on 0)\"}]}]}");
	free(text);
}

static void what_was_never_announced_is_left_out(void **state)
{
	struct linkadvert said;

	(void)state;
	situation(&said, "- | up web-dead");
	char *text = line_of(&said, NULL);
	assert_null(strstr(text, "isp-a"));
	assert_non_null(strstr(text, "\"dead\":[{\"uplink\":\"isp-b\"}]"));
	free(text);
}

/* 32 uplinks with the longest reasons, 1024 servers, all dead everywhere. */
static void the_longest_line_is_one_that_dnsd_reads(void **state)
{
	struct linkadvert *said = calloc(1, sizeof(*said));

	(void)state;
	said->n_uplinks = SITE_MAX_UPLINKS;
	said->n_servers = SITE_MAX_SERVERS;
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++) {
		struct uplink_advert *uplink = &said->uplinks[i];

		uplink->is_known = true;
		uplink->state = UPLINK_DEGRADED;
		memset(uplink->name, 'n', SITE_NAME_MAX);
		memset(uplink->interface, 'i', IFNAMSIZ - 1);
		memset(uplink->why, '"', sizeof(uplink->why) - 1); /* two octets each */
		addr_parse("255.255.255.255", &uplink->public_addrs[SITE_IPV4]);
		addr_parse("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
			&uplink->public_addrs[SITE_IPV6]);
	}
	for (size_t i = 0; i < SITE_MAX_SERVERS; i++) {
		memset(said->servers[i].name, 's', SITE_NAME_MAX);
		said->servers[i].dead = UINT32_MAX;
	}
	char *text = line_of(said, why_dead);
	print_message("  %zu octets\n", strlen(text));
	assert_true(strlen(text) + 1 <= CTL_SUBSCRIBER_LINE_MAX);
	free(text);
	free(said);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worse_goes_before_the_kernel_and_better_after),
		cmocka_unit_test(no_order_of_events_offers_too_early),
		cmocka_unit_test(an_address_is_told_once_its_forwards_are_in),
		cmocka_unit_test(another_reason_is_news_and_a_number_in_it_is_not),
		cmocka_unit_test(a_reload_keeps_what_is_known_by_name),
		cmocka_unit_test(the_same_name_on_another_interface_is_another_uplink),
		cmocka_unit_test(a_failed_step_holds_the_uplinks_that_rest_on_it),
		cmocka_unit_test(ipv6_that_fails_does_not_hold_ipv4),
		cmocka_unit_test(a_line_says_all_of_it),
		cmocka_unit_test(what_was_never_announced_is_left_out),
		cmocka_unit_test(the_longest_line_is_one_that_dnsd_reads),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("linkadvert", tests, NULL, NULL);
}
