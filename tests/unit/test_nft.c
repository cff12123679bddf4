/* test_nft.c - the nftables table: the difference of two texts, then written to a real kernel
 * in a network namespace of the test's own, with others who change it
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/kernel/nft.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/net/nlcmd.h"
#include "lib/netns.h"
#include "routed/kernel/nftdiff.h"
#include "routed/kernel/text.h"

/* A small table of the shape that nfttext.c writes. */
struct table {
	const char *elements; /* lines of the map */
	const char
		*guard;	 /* rules of a chain; NULL: no such chain, and none that jumps to it */
	const char *nat; /* rules of another */
	const char *priority; /* of the base chain */
	const char *open;     /* elements of an interval set; NULL: no set */
};

static char *table_text(struct table t)
{
	struct text text = {0};

	text_str(&text, "table inet multihomed {\n\tcounter out_0 { }\n");
	if (t.open)
		text_add(&text,
			"\tset open4 {\n\t\ttype ipv4_addr\n\t\tflags interval\n"
			"\t\tauto-merge\n\t\telements = {\n%s\t\t}\n\t}\n",
			t.open);
	if (t.elements)
		text_add(&text,
			"\tmap forward4 {\n\t\ttype ipv4_addr . inet_proto . inet_service : "
			"ipv4_addr . inet_service\n\t\telements = {\n%s\t\t}\n\t}\n",
			t.elements);
	if (t.guard)
		text_add(&text, "\tchain guard { # isp-a\n%s\t}\n", t.guard);
	text_add(&text,
		"\tchain forward {\n"
		"\t\ttype filter hook forward priority %s; policy accept;\n"
		"\t\tcounter name \"out_0\"\n%s\t}\n",
		t.priority ? t.priority : "filter",
		t.guard ? "\t\tiifname vmap { \"wan-a\" : goto guard }\n" : "");
	text_add(&text,
		"\tchain nat {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
		"%s%s\t}\n",
		t.nat ? t.nat : "",
		t.elements ? "\t\tmeta nfproto ipv4 dnat ip to ip daddr . meta l4proto . th "
			     "dport map @forward4\n"
			   : "");
	text_str(&text, "}\n");
	return text_take(&text);
}

#define ELEMENT(port, inside) "\t\t\t192.168.2.1 . tcp . " #port " : 10.0.1.1 . " #inside ",\n"
#define TWO		      ELEMENT(80, 80) ELEMENT(443, 443)

static struct nfttable *table_of(struct table t)
{
	AUTO(freep) char *text = table_text(t);
	struct nfttable *table = nfttable_read(text);

	assert_non_null(table);
	return table;
}

static void assert_diff(struct table old, struct table new, const char *expected)
{
	AUTO(nfttable_unrefp) struct nfttable *before = table_of(old);
	AUTO(nfttable_unrefp) struct nfttable *after = table_of(new);
	struct nftchange change;

	if (!nftdiff(before, after, &change)) {
		if (expected)
			fail_msg("the whole is to be replaced instead of: %s", expected);
		return;
	}
	AUTO(freep) char *commands = nftchange_text(&change);
	assert_int_equal(nftchange_is_empty(&change), !*commands);
	nftchange_fini(&change);
	if (!expected)
		fail_msg("the whole should be replaced, not: %s", commands);
	else
		assert_string_equal(commands, expected);
}

static void equal_texts_need_nothing(void **state)
{
	struct table t = {.elements = TWO, .guard = "\t\taccept\n"};

	(void)state;
	assert_diff(t, t, "");
}

static void elements_are_changed_one_by_one(void **state)
{
	struct table old = {.elements = ELEMENT(80, 80) ELEMENT(443, 443) ELEMENT(8443, 443)};
	struct table new = {.elements = ELEMENT(25, 25) ELEMENT(80, 80) ELEMENT(443, 8443)
				    ELEMENT(9000, 1) ELEMENT(8443, 443)};

	(void)state;
	assert_diff(old, new,
		"delete element inet multihomed forward4 { 192.168.2.1 . tcp . 443 }\n"
		"add element inet multihomed forward4 { 192.168.2.1 . "
		"tcp . 25 : 10.0.1.1 . 25, 192.168.2.1 . tcp . 443 : 10.0.1.1 . 8443, "
		"192.168.2.1 . tcp . 9000 : 10.0.1.1 . 1 }\n");
	new = old;
	new.elements = ELEMENT(80, 80) ELEMENT(8443, 443);
	assert_diff(old, new,
		"delete element inet multihomed forward4 { 192.168.2.1 . tcp . 443 }\n");
	assert_diff(new, old,
		"add element inet multihomed forward4 { 192.168.2.1 . "
		"tcp . 443 : 10.0.1.1 . 443 }\n");
}

static void the_rules_of_a_chain_are_flushed_and_filled_again(void **state)
{
	struct table old = {.elements = TWO, .guard = "\t\taccept\n"};
	struct table new = {.elements = TWO, .guard = "\t\tdrop\n"};

	(void)state;
	assert_diff(old, new,
		"flush chain inet multihomed guard\n"
		"table inet multihomed {\n\tchain guard { # isp-a\n\t\tdrop\n\t}\n}\n");
}

static void what_goes_is_deleted_when_nothing_uses_it_any_more(void **state)
{
	struct table old = {.elements = TWO, .guard = "\t\taccept\n"};
	struct table new = {0};

	(void)state;
	assert_diff(old, new,
		"flush chain inet multihomed forward\nflush chain inet multihomed nat\n"
		"flush chain inet multihomed guard\n"
		"delete chain inet multihomed guard\ndelete map inet multihomed forward4\n"
		"table inet multihomed {\n\tchain forward {\n"
		"\t\ttype filter hook forward priority filter; policy accept;\n"
		"\t\tcounter name \"out_0\"\n\t}\n"
		"\tchain nat {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
		"\t}\n}\n");
}

static void what_cannot_be_changed_in_place_replaces_the_whole(void **state)
{
	const struct table filter = {.priority = "filter"};
	const struct table mangle = {.priority = "mangle"};
	const struct table wide = {.open = "\t\t\t192.0.2.0/24,\n"};
	const struct table narrow = {.open = "\t\t\t192.0.2.0/25,\n"};

	(void)state;
	assert_diff(filter, mangle, NULL);
	assert_diff(wide, narrow, NULL);
}

static void only_a_text_of_ours_is_read_back(void **state)
{
	static const char *const elements[] = {
		"\t\t\t192.168.2.1 . tcp . 80 : 10.0.1.1,\n",
		"\t\t\t192.168.2.1 . tcp . 80,\n",
		"\t\t\t192.168.2.1 . icmp . 80 : 10.0.1.1 . 80,\n",
		"\t\t\t192.168.2.1 . tcp . 65536 : 10.0.1.1 . 80,\n",
		"\t\t\t192.168.2.1 . tcp . 80-81 : 10.0.1.1 . 80,\n",
		"\t\t\t192.168.2.1 . tcp . 080 : 10.0.1.1 . 80,\n",
		"\t\t\t2001:db8::1 . tcp . 80 : 10.0.1.1 . 80,\n",
		"\t\t\t192.168.2.1 . tcp . 80 : 10.0.1.1 . 80\n",
		"\t\t\tnonsense,\n",
	};
	AUTO(freep) char *text = table_text((struct table){.elements = TWO});

	(void)state;
	assert_null(nfttable_read(""));
	assert_null(nfttable_read("nonsense"));
	assert_null(nfttable_read("table inet other {\n}\n"));
	text[strlen(text) - 2] = '\0';
	assert_null(nfttable_read(text));
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
		AUTO(freep) char *bad = table_text((struct table){.elements = elements[i]});

		if (nfttable_read(bad))
			fail_msg("read: %s", elements[i]);
	}
}

static void a_plan_shows_the_lines_that_differ(void **state)
{
	AUTO(nfttable_unrefp)
	struct nfttable *old = table_of(
		(struct table){.elements = TWO, .guard = "\t\taccept\n"});
	AUTO(nfttable_unrefp)
	struct nfttable *new = table_of(
		(struct table){.elements = ELEMENT(80, 80), .guard = "\t\tdrop\n"});
	AUTO(freep) char *lines = nftdiff_lines(old, new);
	AUTO(freep) char *none = nftdiff_lines(new, new);
	AUTO(freep) char *all = nftdiff_lines(NULL, new);

	(void)state;
	assert_string_equal(lines,
		"- nft delete element inet multihomed forward4 { 192.168.2.1 . tcp . 443 }\n"
		"- \tchain guard { # isp-a\n- \t\taccept\n- \t}\n"
		"+ \tchain guard { # isp-a\n+ \t\tdrop\n+ \t}\n");
	assert_string_equal(none, "");
	assert_non_null(strstr(all, "+ \tchain nat {\n"));
	assert_null(strstr(all, "- "));
}

/* ---- a real kernel ---- */

struct fixture {
	struct event_base *base;
	struct nft *nft;
	char state[64];
	int n_changed;
	struct nft_author author;
};

static void on_changed(const struct nft_author *author, void *arg)
{
	struct fixture *f = arg;

	f->n_changed++;
	f->author = *author;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->base = event_base_new();
	snprintf(f->state, sizeof(f->state), "/tmp/test_nft.%d", (int)getpid());
	assert_int_equal(nft_new(f->base, f->state, on_changed, f, &f->nft), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	nft_free(f->nft);
	event_base_free(f->base);
	netns_run("nft flush ruleset");
	unlink(f->state);
	free(f);
	return 0;
}

static void spin(struct fixture *f, int ms)
{
	struct timeval tv = {.tv_usec = ms * 1000};

	event_base_loopexit(f->base, &tv);
	event_base_dispatch(f->base);
}

static bool spin_until_changed(struct fixture *f, int n_changed)
{
	for (int i = 0; i < 200 && f->n_changed < n_changed; i++)
		spin(f, 10);
	return f->n_changed == n_changed;
}

static void apply(struct fixture *f, struct table table)
{
	AUTO(nfttable_unrefp) struct nfttable *wanted = table_of(table);

	if (nft_apply(f->nft, wanted) < 0)
		fail_msg("nft: %s", nft_why(f->nft));
}

static void a_table_goes_from_any_text_to_any_other(void **state)
{
	struct fixture *f = *state;
	const struct table tables[] = {
		{0},
		{.elements = TWO, .guard = "\t\taccept\n"},
		{.elements = TWO, .guard = "\t\tct state new drop\n"},
		{.elements = ELEMENT(443, 8443) ELEMENT(25, 25), .guard = "\t\taccept\n"},
		{.elements = ELEMENT(443, 8443), .nat = "\t\ttcp dport 1 accept\n"},
		{.open = "\t\t\t192.0.2.0/24,\n\t\t\t198.51.100.0/24,\n",
			.guard = "\t\tdrop\n"},
		{.priority = "mangle"},
	};
	size_t n = sizeof(tables) / sizeof(tables[0]);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			apply(f, tables[i]);
			apply(f, tables[k]);
			netns_run("nft -s list table inet multihomed | "
				  "sed 's/ # .*//' >/tmp/got.$PPID");
			netns_run("nft delete table inet multihomed");
			apply(f, tables[k]);
			netns_run("nft -s list table inet multihomed | "
				  "sed 's/ # .*//' >/tmp/whole.$PPID");
			/* chains that came later stand at the end */
			netns_run("sort /tmp/got.$PPID >/tmp/got2.$PPID; "
				  "sort /tmp/whole.$PPID | diff /tmp/got2.$PPID - >&2 && "
				  "rm /tmp/got.$PPID /tmp/got2.$PPID /tmp/whole.$PPID");
		}
}

static void keep_out_0(const char *name, uint64_t packets, uint64_t bytes, void *arg)
{
	(void)bytes;
	if (strcmp(name, "out_0") == 0)
		*(uint64_t *)arg = packets;
}

static void counters_outlive_a_change(void **state)
{
	struct fixture *f = *state;
	uint64_t packets = 99;

	apply(f, (struct table){.elements = TWO});
	assert_int_equal(nft_each_counter(f->nft, keep_out_0, &packets), 0);
	assert_int_equal(packets, 0);
	/* a rule of the table counts what loopback receives */
	apply(f, (struct table){.elements = TWO});
	netns_run(
		"nft add chain inet multihomed probe "
		"'{ type filter hook input priority 0; }';"
		"nft add rule inet multihomed probe counter name out_0;"
		"ping -c 1 -q 127.0.0.1 >/dev/null; nft delete chain inet multihomed probe || "
		"nft flush chain inet multihomed probe");
	assert_int_equal(nft_each_counter(f->nft, keep_out_0, &packets), 0);
	assert_true(packets > 0);
	assert_int_equal(nft_counters(f->nft)->replaced, 1);
}

static void a_refused_text_leaves_the_old_table(void **state)
{
	struct fixture *f = *state;
	AUTO(nfttable_unrefp)
	struct nfttable *bad = table_of((struct table){.nat = "\t\tjump nowhere\n"});
	char why[256];

	apply(f, (struct table){.elements = TWO});
	assert_true(nft_apply(f->nft, bad) < 0);
	assert_true(strlen(nft_why(f->nft)) > 0);
	assert_non_null(nft_current(f->nft));
	netns_run("nft list map inet multihomed forward4 | grep -q 443");

	assert_true(nft_check(bad, why, sizeof(why)) < 0);
	assert_true(strlen(why) > 0);
}

static void a_check_changes_nothing(void **state)
{
	AUTO(nfttable_unrefp)
	struct nfttable *table = table_of((struct table){.elements = TWO});
	char why[256];

	(void)state;
	assert_int_equal(nft_check(table, why, sizeof(why)), 0);
	netns_run("test -z \"$(nft list ruleset)\"");
}

static void changes_of_others_are_noticed_with_their_author(void **state)
{
	struct fixture *f = *state;
	static const char *const deeds[] = {
		"nft delete table inet multihomed",
		"nft flush ruleset",
		"nft flush chain inet multihomed nat",
		"nft add rule inet multihomed nat accept",
		"nft delete element inet multihomed forward4 '{ 192.168.2.1 . tcp . 443 }'",
		"nft add element inet multihomed forward4 "
		"'{ 1.2.3.4 . tcp . 1 : 1.1.1.1 . 1 }'",
		"nft add chain inet multihomed more",
		"nft add set inet multihomed more '{ type mark; }'",
		"nft chain inet multihomed nat '{ policy drop; }'",
		"nft add table inet multihomed '{ flags dormant; }'",
	};

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		apply(f, (struct table){.elements = TWO});
		spin(f, 60); /* the digest is taken */
		int before = f->n_changed;
		netns_run(deeds[i]);
		if (!spin_until_changed(f, before + 1))
			fail_msg("not noticed: %s", deeds[i]);
		assert_null(nft_current(f->nft));
		assert_string_equal(f->author.name, "nft");
		assert_true(f->author.pid > 0);
	}
}

static void a_change_before_the_digest_is_noticed_too(void **state)
{
	struct fixture *f = *state;

	apply(f, (struct table){.elements = TWO});
	netns_run("nft add rule inet multihomed nat accept");
	assert_null(nft_current(f->nft));
	assert_true(spin_until_changed(f, 1));
}

static void other_tables_do_not_concern_us(void **state)
{
	struct fixture *f = *state;

	apply(f, (struct table){.elements = TWO});
	spin(f, 60);
	netns_run("nft add table inet foreign; nft add chain inet foreign c;"
		  "nft add table ip multihomed; nft add chain ip multihomed nat");
	spin(f, 100);
	assert_int_equal(f->n_changed, 0);
	assert_non_null(nft_current(f->nft));

	apply(f, (struct table){.elements = ELEMENT(80, 80)});
	assert_int_equal(nft_counters(f->nft)->changed, 1);
	assert_int_equal(nft_counters(f->nft)->replaced, 1);
	netns_run("nft list table inet foreign | grep -q 'chain c'");
	netns_run("nft list table ip multihomed | grep -q 'chain nat'");
	assert_int_equal(nft_delete(f->nft), 0);
	netns_run("! nft list table inet multihomed 2>/dev/null");
	netns_run("nft list table ip multihomed | grep -q 'chain nat'");
}

/* Docker, or fail2ban at its start: one transaction after the other, none of them in ours. */
static void who_is_busy_elsewhere_is_not_suspected(void **state)
{
	struct fixture *f = *state;

	apply(f, (struct table){.elements = TWO});
	for (int i = 0; i < 10; i++) {
		netns_run("nft add table inet foreign; nft delete table inet foreign");
		spin(f, 10);
	}
	spin(f, 60);
	assert_int_equal(f->n_changed, 0);
	assert_non_null(nft_current(f->nft));
	assert_int_equal(nft_counters(f->nft)->replaced, 1);
}

static void a_new_start_finds_the_table_of_the_former(void **state)
{
	struct fixture *f = *state;
	struct table table = {.elements = TWO};
	struct nft *second;

	apply(f, table);
	nft_free(f->nft); /* within the time that it waits for its digest */
	assert_int_equal(nft_new(f->base, f->state, on_changed, f, &f->nft), 0);
	assert_non_null(nft_current(f->nft));
	apply(f, table);
	assert_int_equal(nft_counters(f->nft)->replaced, 0);
	apply(f, (struct table){.elements = ELEMENT(80, 80)});
	assert_int_equal(nft_counters(f->nft)->changed, 1);

	netns_run("nft delete table inet multihomed");
	assert_int_equal(nft_new(NULL, f->state, NULL, NULL, &second), 0);
	assert_null(nft_current(second));
	assert_int_equal(nft_delete(second), 0);
	assert_int_equal(access(f->state, F_OK), -1);
	nft_free(second);
}

static void a_damaged_file_is_as_good_as_none(void **state)
{
	struct fixture *f = *state;
	static const char *const files[] = {"", "# digest ", "# digest 0123456789abcdef",
		"# digest zzzzzzzzzzzzzzzz\n", "# digest 0123456789abcdef\n",
		"# digest 0000000000000000\n"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct nft *nft;
		FILE *file = fopen(f->state, "w");

		fputs(files[i], file);
		fclose(file);
		assert_int_equal(nft_new(NULL, f->state, NULL, NULL, &nft), 0);
		assert_null(nft_current(nft));
		nft_free(nft);
	}
}

static char *map_of(const char *name, int version, const char *before, uint32_t n)
{
	struct text text = {0};

	text_add(&text,
		"\tmap %s {\n\t\ttype ipv%d_addr . inet_proto . inet_service : ipv%d_addr . "
		"inet_service\n\t\telements = {\n",
		name, version, version);
	for (uint32_t i = 0; i < n; i++)
		text_add(&text, "\t\t\t%s . %s . %u : %s . %u,\n", before,
			i % 2 ? "udp" : "tcp", 1000 + i, before, 2000 + i);
	text_str(&text, "\t\t}\n\t}\n");
	return text_take(&text);
}

static struct nfttable *table_of_maps(const char *more)
{
	AUTO(freep) char *ipv4 = map_of("forward4", 4, "192.168.2.1", 1500);
	AUTO(freep) char *ipv6 = map_of("forward_0_6", 6, "2001:db8:a::1", 1500);
	struct text text = {0};

	text_str(&text, "table inet multihomed {\n\tcounter out_0 { }\n");
	text_str(&text, ipv4);
	text_str(&text, ipv6);
	text_str(&text, more);
	text_str(&text, "}\n");
	struct nfttable *table = nfttable_read(text.data);
	assert_non_null(table);
	text_fini(&text);
	return table;
}

/* From nothing it is written in two parts, one of them by us; in place of another table by
 * libnftables alone. The kernel must not see a difference. */
static void a_large_table_is_the_same_either_way(void **state)
{
	struct fixture *f = *state;
	AUTO(nfttable_unrefp) struct nfttable *table = table_of_maps("");

	assert_int_equal(nft_apply(f->nft, table), 0);
	spin(f, 100);
	assert_int_equal(f->n_changed, 0);
	netns_run("nft list table inet multihomed >/tmp/two.$PPID");

	netns_run("nft add counter inet multihomed somebodys");
	assert_true(spin_until_changed(f, 1));
	assert_int_equal(nft_apply(f->nft, table), 0);
	assert_int_equal(nft_counters(f->nft)->replaced, 2);
	netns_run("nft list table inet multihomed >/tmp/one.$PPID; sort /tmp/two.$PPID "
		  ">/tmp/two2.$PPID; sort /tmp/one.$PPID | diff /tmp/two2.$PPID - >&2 && "
		  "rm /tmp/two.$PPID /tmp/two2.$PPID /tmp/one.$PPID");
	netns_run("test \"$(nft list table inet multihomed | grep -oE '(tcp|udp) [.] ' | "
		  "wc -l)\" = 3000");
}

static void a_large_table_with_an_error_is_refused(void **state)
{
	struct fixture *f = *state;
	AUTO(nfttable_unrefp) struct nfttable *good = table_of_maps("");
	AUTO(nfttable_unrefp)
	struct nfttable *chain = table_of_maps("\tchain nat {\n\t\tjump nowhere\n\t}\n");
	AUTO(nfttable_unrefp)
	struct nfttable *twice = table_of_maps(
		"\tmap forward_1_4 {\n\t\ttype ipv4_addr . inet_proto . inet_service : "
		"ipv4_addr . inet_service\n\t\telements = {\n" ELEMENT(80, 80)
			ELEMENT(80, 81) "\t\t}\n\t}\n");
	char why[256];

	assert_int_equal(nft_check(good, why, sizeof(why)), 0);
	assert_true(nft_check(chain, why, sizeof(why)) < 0);
	assert_true(nft_check(twice, why, sizeof(why)) < 0);
	netns_run("test -z \"$(nft list ruleset)\"");

	assert_true(nft_apply(f->nft, chain) < 0);
	assert_true(nft_apply(f->nft, twice) < 0);
	netns_run("test -z \"$(nft list ruleset)\"");
	assert_int_equal(nft_apply(f->nft, good), 0);
	assert_true(nft_apply(f->nft, chain) < 0);
	netns_run("nft list map inet multihomed forward_0_6 | grep -q 'udp [.] 1001 '");
}

static void ten_thousand_forwards_change_by_one(void **state)
{
	struct fixture *f = *state;
	struct text elements = {0};

	for (unsigned int i = 0; i < 10000; i++)
		text_add(&elements, "\t\t\t192.168.2.%u . tcp . %u : 10.0.1.1 . 443,\n",
			i / 5000, 1000 + i % 5000);
	int64_t start_us = clock_now_us();
	apply(f, (struct table){.elements = elements.data});
	int64_t first_us = clock_now_us() - start_us;
	spin(f, 100);

	char *port = strstr(elements.data, " . tcp . 3456 : 10.0.1.1 . 443");
	port[sizeof(" . tcp . 3456 : 10.0.1.1 . ") - 1] = '8';
	start_us = clock_now_us();
	apply(f, (struct table){.elements = elements.data});
	print_message("             10,000 forwards: %" PRId64 " us, one changed: %" PRId64
		      " us\n",
		first_us, clock_now_us() - start_us);
	assert_int_equal(nft_counters(f->nft)->changed, 1);
	spin(f, 100);
	assert_int_equal(f->n_changed, 0);
	netns_run("nft list map inet multihomed forward4 | grep -q '3456 : 10.0.1.1 . 843'");
	text_fini(&elements);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_texts_need_nothing),
		cmocka_unit_test(elements_are_changed_one_by_one),
		cmocka_unit_test(the_rules_of_a_chain_are_flushed_and_filled_again),
		cmocka_unit_test(what_goes_is_deleted_when_nothing_uses_it_any_more),
		cmocka_unit_test(what_cannot_be_changed_in_place_replaces_the_whole),
		cmocka_unit_test(only_a_text_of_ours_is_read_back),
		cmocka_unit_test(a_plan_shows_the_lines_that_differ),
		cmocka_unit_test_setup_teardown(
			a_table_goes_from_any_text_to_any_other, setup, teardown),
		cmocka_unit_test_setup_teardown(counters_outlive_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_refused_text_leaves_the_old_table, setup, teardown),
		cmocka_unit_test_setup_teardown(a_check_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			changes_of_others_are_noticed_with_their_author, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_change_before_the_digest_is_noticed_too, setup, teardown),
		cmocka_unit_test_setup_teardown(
			other_tables_do_not_concern_us, setup, teardown),
		cmocka_unit_test_setup_teardown(
			who_is_busy_elsewhere_is_not_suspected, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_new_start_finds_the_table_of_the_former, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_damaged_file_is_as_good_as_none, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_large_table_is_the_same_either_way, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_large_table_with_an_error_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			ten_thousand_forwards_change_by_one, setup, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	netns_enter();
	return cmocka_run_group_tests_name("nft", tests, NULL, NULL);
}
