/* test_routedreport.c - routed's word: what is read, what is refused, and what follows for the facts
 *
 * Two uplinks of the reference site, with links that the test makes by hand.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/site/uplinkset.h"

#include "common/site/siteload.h"
#include "dnsd/state/routedreport.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { A, B };
enum { OPER_DOWN = 2, OPER_UP = 6 }; /* RFC 2863, as the kernel numbers them */

static const char yaml[] = "uplinks:\n"
			   "  - {name: isp-a, interface: wan-a}\n"
			   "  - {name: isp-b, interface: wan-b}\n"
			   "servers:\n"
			   "  - {name: web, address: 10.0.0.10, ports: [80/tcp]}\n"
			   "  - {name: mail, address: 10.0.0.11, ports: [25/tcp]}\n";

struct fixture {
	struct site *site;
	struct link links[2];
	struct link_addr addrs[2][3];
	struct site_links site_links;
	struct facts facts;
	struct routed_report *report;
	char error[ROUTED_REPORT_ERROR_MAX];
};

static struct link_addr link_addr(const char *text)
{
	struct link_addr addr = {.scope = RT_SCOPE_UNIVERSE, .prefix_len = 29};

	assert_int_equal(addr_parse(text, &addr.addr), 0);
	return addr;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct report report;

	report_init(&report);
	assert_int_equal(
		site_parse("site.yaml", yaml, sizeof(yaml) - 1, &report, &f->site), 0);
	report_fini(&report);
	for (size_t i = 0; i < 2; i++) {
		f->links[i] = (struct link){
			.ifindex = (int)i + 2,
			.flags = IFF_UP,
			.operstate = OPER_UP,
			.carrier = true,
			.addrs = f->addrs[i],
			.n_addrs = 1,
		};
		snprintf(f->links[i].name, sizeof(f->links[i].name), "wan-%c", "ab"[i]);
		f->site_links.uplinks[i] = &f->links[i];
	}
	f->addrs[A][0] = link_addr("192.168.2.1");
	f->addrs[B][0] = link_addr("172.16.1.1");
	f->site_links.lan = calloc(1, sizeof(*f->site_links.lan));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	routed_report_free(f->report);
	facts_fini(&f->facts);
	site_links_fini(&f->site_links);
	site_free(f->site);
	free(f);
	return 0;
}

static int parse(struct fixture *f, const char *line)
{
	routed_report_free(f->report);
	f->report = NULL;
	f->error[0] = '\0';
	return routed_report_parse(line, strlen(line), &f->report, f->error);
}

static void take(struct fixture *f, const char *line)
{
	if (parse(f, line) < 0)
		fail_msg("%s: %s", line, f->error);
}

/* The facts that the links and the word make together. */
static void gather(struct fixture *f)
{
	facts_fini(&f->facts);
	assert_int_equal(facts_from_links(f->site, &f->site_links, &f->facts), 0);
	routed_report_apply(f->report, f->site, &f->site_links, &f->facts);
}

/* ---- reading ---- */

#define UPLINK_A "{\"name\":\"isp-a\",\"interface\":\"wan-a\",\"state\":\"down\"}"
#define UPLINK_B "{\"name\":\"isp-b\",\"interface\":\"wan-b\",\"state\":\"up\"}"

static void a_whole_line_is_read(void **state)
{
	struct fixture *f = *state;

	take(f, "{\"version\":1,\"seq\":42,\"time\":\"2026-11-22T10:00:00.000000Z\","
		"\"uplinks\":["
		"{\"name\":\"isp-a\",\"interface\":\"wan-a\",\"state\":\"degraded\","
		"\"why\":\"12.0 % loss\",\"active\":true,"
		"\"public\":[\"192.168.2.1\",\"2001:db8:a::1\"],\"since\":\"2026-11-22T09:00:"
		"00Z\"}," UPLINK_B
		"],\"servers\":[{\"name\":\"web\",\"dead\":[{\"uplink\":\"isp-b\","
		"\"why\":\"refused\"}]},{\"name\":\"mail\",\"dead\":[]}]}");

	const struct routed_report_uplink *a = routed_report_find(
		f->report, &f->site->uplinks[A]);
	assert_int_equal(f->report->seq, 42);
	assert_int_equal(f->report->n_uplinks, 2);
	assert_int_equal(a->state, UPLINK_DEGRADED);
	assert_true(a->active);
	assert_string_equal(a->why, "12.0 % loss");
	assert_string_equal(a->since, "2026-11-22T09:00:00Z");
	assert_string_equal(addr_str(&a->public_addrs[SITE_IPV4]), "192.168.2.1");
	assert_string_equal(addr_str(&a->public_addrs[SITE_IPV6]), "2001:db8:a::1");
	assert_int_equal(f->report->n_dead, 1);
	assert_string_equal(routed_report_dead_why(f->report, "web", "isp-b"), "refused");
	assert_null(routed_report_dead_why(f->report, "web", "isp-a"));
	assert_null(routed_report_dead_why(f->report, "mail", "isp-b"));
}

/* Additions of a later routed, in any order. */
static void what_is_not_known_is_passed_by(void **state)
{
	struct fixture *f = *state;

	take(f, "{\"weather\":{\"now\":[1,2]},\"uplinks\":[{\"mood\":5,\"state\":\"down\","
		"\"interface\":\"wan-a\",\"name\":\"isp-a\",\"colour\":null}],\"version\":1,"
		"\"servers\":[{\"dead\":[{\"uplink\":\"isp-a\",\"since\":1}],\"name\":\"web\","
		"\"x\":{}}]}");
	assert_int_equal(
		routed_report_find(f->report, &f->site->uplinks[A])->state, UPLINK_DOWN);
	assert_string_equal(routed_report_dead_why(f->report, "web", "isp-a"), "");

	/* a state that is not known is neither good nor bad */
	take(f, "{\"version\":1,\"uplinks\":[{\"name\":\"isp-a\",\"interface\":\"wan-a\","
		"\"state\":\"testing\"}," UPLINK_B "]}");
	assert_null(routed_report_find(f->report, &f->site->uplinks[A]));
	assert_non_null(routed_report_find(f->report, &f->site->uplinks[B]));
	take(f, "{\"version\":1,\"uplinks\":[{\"name\":\"isp-a\",\"interface\":\"wan-a\"}]}");
	assert_null(routed_report_find(f->report, &f->site->uplinks[A]));
	take(f, "{\"version\":1,\"uplinks\":[]}");
	assert_null(routed_report_find(f->report, &f->site->uplinks[A]));
}

static void what_is_no_word_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *line;
		const char *reason;
	} cases[] = {
		{"", "no JSON object"},
		{"hello", "no JSON object"},
		{"[]", "no JSON object"},
		{"{\"version\":1,", "no JSON object"},
		{"{\"version\":1,\"version\":1,\"uplinks\":[]}", "no JSON object"},
		{"{\"version\":1,\"uplinks\":[{\"name\":\"\xff\"}]}", "no JSON object"},
		{"{}", "no version"},
		{"{\"version\":\"1\",\"uplinks\":[]}", "no version"},
		{"{\"version\":1.0,\"uplinks\":[]}", "no version"},
		{"{\"error\":\"unknown verb 'links'\"}", "it says: unknown verb 'links'"},
		{"{\"error\":\"a\\u001b[2J\\nb\"}", "it says: a?[2J?b"},
		{"{\"version\":1}", "no list of uplinks"},
		{"{\"version\":1,\"uplinks\":{}}", "no list of uplinks"},
		{"{\"version\":1,\"uplinks\":[5]}", "no name"},
		{"{\"version\":1,\"uplinks\":[{\"name\":\"isp-a\"}]}", "no interface"},
		{"{\"version\":1,\"uplinks\":[{\"interface\":\"wan-a\"}]}", "no name"},
		{"{\"version\":1,\"uplinks\":[{\"name\":\"\",\"interface\":\"wan-a\"}]}",
			"no name"},
		{"{\"version\":1,\"uplinks\":[{\"name\":\"isp-a\",\"interface\":"
		 "\"wan-a-and-much-more\"}]}",
			"no interface"},
		{"{\"version\":1,\"uplinks\":[" UPLINK_A "," UPLINK_A "]}", "isp-a twice"},
		{"{\"version\":1,\"uplinks\":[{\"name\":\"isp-a\",\"interface\":\"wan-a\","
		 "\"public\":[\"192.168.2\"]}]}",
			"an address of uplink isp-a"},
		{"{\"version\":1,\"uplinks\":[{\"name\":\"isp-a\",\"interface\":\"wan-a\","
		 "\"public\":[7]}]}",
			"an address of uplink isp-a"},
		{"{\"version\":1,\"uplinks\":[],\"servers\":[{}]}", "a server has no name"},
		{"{\"version\":1,\"uplinks\":[],\"servers\":[{\"name\":\"web\",\"dead\":[{}]}]}",
			"server web is dead on an uplink without a name"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("  %s\n", cases[i].reason);
		assert_int_equal(parse(f, cases[i].line), -EBADMSG);
		if (!strstr(f->error, cases[i].reason))
			fail_msg("%s: '%s'", cases[i].line, f->error);
	}
	assert_int_equal(routed_report_parse(
				 "{\"version\":1,\"uplinks\":[\0]}", 27, &f->report, f->error),
		-EBADMSG);
}

static void another_version_is_told_apart(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, "{\"version\":2,\"links\":[]}"), -EPROTONOSUPPORT);
	assert_non_null(strstr(f->error, "version 2"));
	assert_int_equal(parse(f, "{\"version\":0}"), -EPROTONOSUPPORT);
}

/* `n` times "part", with commas, between head and tail. */
static char *repeated(const char *head, const char *part, size_t n, const char *tail)
{
	size_t cap = strlen(head) + n * (strlen(part) + 24) + strlen(tail) + 1;
	char *text = malloc(cap);
	size_t len = (size_t)snprintf(text, cap, "%s", head);

	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, cap - len, "%s", i ? "," : "");
		for (const char *p = part; *p; p++)
			if (*p == '#')
				len += (size_t)snprintf(text + len, cap - len, "%zu", i);
			else
				text[len++] = *p;
	}
	snprintf(text + len, cap - len, "%s", tail);
	return text;
}

static void numbers_are_bounded(void **state)
{
	static const char uplink[] = "{\"name\":\"u#\",\"interface\":\"w#\",\"state\":\"up\"}";
	struct fixture *f = *state;
	char *text = repeated("{\"version\":1,\"uplinks\":[", uplink, SITE_MAX_UPLINKS, "]}");

	assert_int_equal(parse(f, text), 0);
	free(text);
	text = repeated("{\"version\":1,\"uplinks\":[", uplink, SITE_MAX_UPLINKS + 1, "]}");
	assert_int_equal(parse(f, text), -EBADMSG);
	free(text);
	text = repeated("{\"version\":1,\"uplinks\":[],\"servers\":[",
		"{\"name\":\"s#\",\"dead\":[]}", SITE_MAX_SERVERS + 1, "]}");
	assert_int_equal(parse(f, text), -EBADMSG);
	free(text);
	text = repeated(
		"{\"version\":1,\"uplinks\":[],\"servers\":[{\"name\":\"s\",\"dead\":[",
		"{\"uplink\":\"u#\"}", SITE_MAX_SERVERS * SITE_MAX_UPLINKS + 1, "]}]}");
	assert_int_equal(parse(f, text), -EBADMSG);
	free(text);
	text = repeated("{\"version\":1,\"uplinks\":[],\"x\":", "[", 100000, "");
	assert_int_equal(parse(f, text), -EBADMSG);
	free(text);
}

/* It goes to logs and terminals. */
static void text_is_made_printable_and_short(void **state)
{
	struct fixture *f = *state;
	char line[4096];
	char why[2 * ROUTED_REPORT_WHY_MAX];

	memset(why, 'y', sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	snprintf(line, sizeof(line),
		"{\"version\":1,\"uplinks\":[{\"name\":\"isp-a\",\"interface\":\"wan-a\","
		"\"state\":\"up\",\"why\":\"\\u001b[31m\\r\xc3\xa4%s\"}]}",
		why);
	take(f, line);
	const struct routed_report_uplink *a = routed_report_find(
		f->report, &f->site->uplinks[A]);
	assert_memory_equal(a->why, "?[31m???yyy", 11);
	assert_int_equal(strlen(a->why), ROUTED_REPORT_WHY_MAX - 1);
}

/* ---- what follows ---- */

/* The word on isp-a, its carrier, and what counts. */
static void the_worse_of_word_and_mirror_counts(void **state)
{
	static const struct {
		const char *said; /* NULL: nothing */
		bool carrier;
		enum uplink_state state;
		bool by_routed;
	} rows[] = {
		{"up", true, UPLINK_UP, true},
		{"up", false, UPLINK_DOWN, false},
		{"degraded", true, UPLINK_DEGRADED, true},
		{"degraded", false, UPLINK_DOWN, false},
		{"down", true, UPLINK_DOWN, true},
		{"down", false, UPLINK_DOWN, true},
		{"drained", true, UPLINK_DRAINED, true},
		{"drained", false, UPLINK_DRAINED, true},
		{"unheard-of", true, UPLINK_UP, false},
		{"unheard-of", false, UPLINK_DOWN, false},
		{NULL, true, UPLINK_UP, false},
		{NULL, false, UPLINK_DOWN, false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct routed_report_verdict verdict;
		char line[256];

		print_message("  %s, %s\n", rows[i].said ? rows[i].said : "nothing",
			rows[i].carrier ? "carrier" : "no carrier");
		snprintf(line, sizeof(line),
			"{\"version\":1,\"uplinks\":[{\"name\":\"%s\",\"interface\":\"wan-a\","
			"\"state\":\"%s\",\"why\":\"said so\"}]}",
			rows[i].said ? "isp-a" : "isp-x", rows[i].said ? rows[i].said : "up");
		take(f, line);
		f->links[A].carrier = rows[i].carrier;
		f->links[A].operstate = rows[i].carrier ? OPER_UP : OPER_DOWN;

		gather(f);
		assert_int_equal(f->facts.uplinks[A].state, rows[i].state);
		assert_int_equal(f->facts.uplinks[B].state, UPLINK_UP);
		routed_report_weigh(f->report, &f->site->uplinks[A], &f->links[A], &verdict);
		assert_int_equal(verdict.state, rows[i].state);
		assert_int_equal(verdict.by_routed, rows[i].by_routed);
		if (rows[i].by_routed)
			assert_string_equal(verdict.why, "said so");
		else
			assert_non_null(strstr(verdict.why, "wan-a"));
	}
}

/* It may be of another configuration, on the way from one to the next. */
static void a_word_on_another_interface_is_not_about_ours(void **state)
{
	struct fixture *f = *state;

	take(f, "{\"version\":1,\"uplinks\":[{\"name\":\"isp-a\",\"interface\":\"ppp0\","
		"\"state\":\"down\"}]}");
	gather(f);
	assert_int_equal(f->facts.uplinks[A].state, UPLINK_UP);
}

static void no_word_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct facts alone;

	gather(f);
	assert_int_equal(facts_from_links(f->site, &f->site_links, &alone), 0);
	assert_true(facts_eq(&f->facts, &alone));
	facts_fini(&alone);
	assert_null(routed_report_find(NULL, &f->site->uplinks[A]));
	assert_null(routed_report_dead_why(NULL, "web", "isp-a"));
}

static void dead_servers_are_found_by_name(void **state)
{
	struct fixture *f = *state;

	take(f, "{\"version\":1,\"uplinks\":[" UPLINK_B "," UPLINK_A "],\"servers\":["
		"{\"name\":\"ftp\",\"dead\":[{\"uplink\":\"isp-a\"}]},"
		"{\"name\":\"mail\",\"dead\":[{\"uplink\":\"isp-b\"},{\"uplink\":\"isp-x\"}]}]"
		"}");
	gather(f);
	assert_int_equal(f->facts.servers[0].dead, 0);
	assert_int_equal(f->facts.servers[1].dead, uplinkset_of(B));
}

/* routed speaks of the old address until the forwards of the new one are in. */
static void the_old_address_is_answered_until_routed_speaks_of_the_new(void **state)
{
	static const char old_word[] =
		"{\"version\":1,\"uplinks\":[{\"name\":\"isp-a\",\"interface\":\"wan-a\","
		"\"state\":\"up\",\"public\":[\"192.168.2.1\"]}]}";
	struct fixture *f = *state;
	struct addr *answered = &f->facts.uplinks[A].public_addrs[SITE_IPV4];

	f->addrs[A][0].flags = IFA_F_DEPRECATED;
	f->addrs[A][1] = link_addr("192.168.2.3");
	f->links[A].n_addrs = 2;
	gather(f);
	assert_string_equal(addr_str(answered), "192.168.2.3");
	take(f, old_word);
	gather(f);
	assert_string_equal(addr_str(answered), "192.168.2.1");

	/* an address that the kernel has no more is nobody's choice */
	f->addrs[A][0] = f->addrs[A][1];
	f->links[A].n_addrs = 1;
	gather(f);
	assert_string_equal(addr_str(answered), "192.168.2.3");
}

static void what_site_yaml_names_is_not_routeds_to_choose(void **state)
{
	struct fixture *f = *state;
	struct addr *answered = &f->facts.uplinks[A].public_addrs[SITE_IPV4];

	f->addrs[A][1] = link_addr("192.168.2.3");
	f->links[A].n_addrs = 2;
	take(f, "{\"version\":1,\"uplinks\":[{\"name\":\"isp-a\",\"interface\":\"wan-a\","
		"\"state\":\"up\",\"public\":[\"192.168.2.1\"]}]}");
	prefix_parse("192.168.2.3", &f->site->uplinks[A].address[SITE_IPV4]);
	gather(f);
	assert_string_equal(addr_str(answered), "192.168.2.3");
	addr_parse("203.0.113.7", &f->site->uplinks[A].public_addrs[SITE_IPV4]);
	gather(f);
	assert_string_equal(addr_str(answered), "203.0.113.7");
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(a_whole_line_is_read),
		test(what_is_not_known_is_passed_by),
		test(what_is_no_word_is_refused_with_the_reason),
		test(another_version_is_told_apart),
		test(numbers_are_bounded),
		test(text_is_made_printable_and_short),
		test(the_worse_of_word_and_mirror_counts),
		test(a_word_on_another_interface_is_not_about_ours),
		test(no_word_changes_nothing),
		test(dead_servers_are_found_by_name),
		test(the_old_address_is_answered_until_routed_speaks_of_the_new),
		test(what_site_yaml_names_is_not_routeds_to_choose),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("word", tests, NULL, NULL);
}
