/* test_parentplan.c - what is changed at the parent's primary, and what is left alone
 *
 * A row gives what the uplinks have, what the primary has, and what is known from before, each
 * as a list of last octets of 192.0.2.0/24; and the change that follows, "-9 +1".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/parent/parentplan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fixture.h"

enum { TTL_S = 60 };

static struct addr addr_of(int last)
{
	const uint8_t bytes[4] = {192, 0, 2, (uint8_t)last};

	return addr_from_bytes(AF_INET, bytes);
}

/* "1 2" into the last octets; returns their number. */
static size_t numbers(const char *text, int *ret_numbers)
{
	size_t n = 0;
	int used;

	while (sscanf(text, "%d%n", &ret_numbers[n], &used) == 1) {
		text += used;
		n++;
	}
	return n;
}

struct row {
	const char *what;
	const char *wanted; /* of isp-1, isp-2, ... in this order */
	const char *absent; /* uplinks by number, that have no address now */
	const char *seen;
	const char *memory; /* an address stands for the uplink of its tens: 11 is isp-1's */
	bool was_right;
	uint32_t seen_ttl_s;
	enum parent_action action;
	const char *change;
	uint32_t ttl_s;
};

static const struct row rows[] = {
	{"all is right", "1", "", "1", "1", true, 60, PARENT_CURRENT, "", 0},
	{"nothing is there", "1", "", "", "", false, 0, PARENT_CHANGE, "+1", 60},
	{"nothing is there any more", "1", "", "", "1", true, 0, PARENT_CHANGE, "+1", 60},
	{"the address changed", "2", "", "1", "1", true, 60, PARENT_CHANGE, "-1 +2", 60},
	{"a stale entry of before", "1", "", "9", "", false, 300, PARENT_CHANGE, "-9 +1", 60},
	{"the same, tried and refused before", "1", "", "9", "1", false, 300, PARENT_CHANGE,
		"-9 +1", 60},
	{"somebody else changed it", "1", "", "9", "1", true, 300, PARENT_FOREIGN, "", 0},
	{"... and then ours changed", "2", "", "9", "1", true, 300, PARENT_FOREIGN, "", 0},
	{"two of others", "1", "", "8 9", "", false, 300, PARENT_FOREIGN, "", 0},
	{"ours is there, with one of others", "1", "", "1 9", "", false, 300, PARENT_CURRENT,
		"", 0},
	{"only ours is replaced, others' TTL stays", "2", "", "1 9", "1", true, 300,
		PARENT_CHANGE, "-1 +2", 300},
	{"an old one of ours besides", "2", "", "1 2", "1", true, 60, PARENT_CHANGE,
		"-1 -2 +2", 60},
	{"two uplinks, one changed", "1 22", "", "1 21", "1 21", true, 60, PARENT_CHANGE,
		"-21 -1 +1 +22", 60},
	{"two uplinks, one is missing", "1 2", "", "1", "1", true, 60, PARENT_CHANGE,
		"-1 +1 +2", 60},
	{"no uplink has an address", "", "1", "1", "1", true, 60, PARENT_KEEP, "", 0},
	{"one has none: its last one stays", "1", "2", "1 21", "1 21", true, 60,
		PARENT_CURRENT, "", 0},
	{"one has none, the other changed", "3", "2", "1 21", "1 21", true, 60, PARENT_CHANGE,
		"-1 -21 +3 +21", 60},
	{"the TTL is another", "1", "", "1", "1", true, 86400, PARENT_CHANGE, "-1 +1", 60},
	{"the TTL is others' too", "1", "", "1 9", "1", true, 86400, PARENT_CURRENT, "", 0},
	{"too many", "1", "", "1 2 3 4 5 6 7 8 9", "1", true, 60, PARENT_FOREIGN, "", 0},
};

static void set_up(const struct row *row, struct parent_target *target,
	struct parent_seen *seen, struct parent_owned *memory)
{
	int list[16];
	size_t n = numbers(row->wanted, list);

	memset(target, 0, sizeof(*target));
	memcpy(target->name, "\7www-ns1\7example\3com", 21);
	for (size_t i = 0; i < n; i++) {
		target->wanted[i].addr = addr_of(list[i]);
		sprintf(target->wanted[i].uplink, "isp-%zu", i + 1);
	}
	target->n_wanted = n;
	target->n_absent = numbers(row->absent, list);
	for (size_t i = 0; i < target->n_absent; i++)
		sprintf(target->absent[i], "isp-%d", list[i]);

	*seen = (struct parent_seen){.ttl_s = row->seen_ttl_s};
	n = numbers(row->seen, list);
	seen->has_more = n > PARENT_MAX_SEEN;
	seen->n = n > PARENT_MAX_SEEN ? PARENT_MAX_SEEN : n;
	for (size_t i = 0; i < seen->n; i++)
		seen->addrs[i] = addr_of(list[i]);

	*memory = (struct parent_owned){.was_right = row->was_right};
	memory->n = numbers(row->memory, list);
	for (size_t i = 0; i < memory->n; i++) {
		memory->items[i].addr = addr_of(list[i]);
		sprintf(memory->items[i].uplink, "isp-%d", list[i] < 20 ? 1 : list[i] / 10);
	}
}

static const char *change_str(const struct parent_change *change, char *out)
{
	char *end = out;

	*out = '\0';
	for (size_t i = 0; i < change->n_remove; i++)
		end += sprintf(end, "%s-%d", end > out ? " " : "", change->remove[i].bytes[3]);
	for (size_t i = 0; i < change->n_add; i++)
		end += sprintf(end, "%s+%d", end > out ? " " : "", change->add[i].bytes[3]);
	return out;
}

static void each_case_has_its_change(void **state)
{
	size_t n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parent_target target;
		struct parent_seen seen;
		struct parent_owned memory;
		char text[256];

		set_up(&rows[i], &target, &seen, &memory);
		struct parent_change change = parentplan_decide(
			&target, &seen, &memory, TTL_S, true);
		change_str(&change, text);
		if (change.action == rows[i].action && strcmp(text, rows[i].change) == 0 &&
			(rows[i].action != PARENT_CHANGE || change.ttl_s == rows[i].ttl_s))
			continue;
		fprintf(stderr, "%s: action %d, change '%s', TTL %u\n", rows[i].what,
			change.action, text, change.ttl_s);
		n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
}

static void a_ttl_is_not_fought_over(void **state)
{
	static const struct row row = {"", "1", "", "1", "1", true, 300, 0, "", 0};
	struct parent_target target;
	struct parent_seen seen;
	struct parent_owned memory;

	(void)state;
	set_up(&row, &target, &seen, &memory);
	assert_int_equal(parentplan_decide(&target, &seen, &memory, TTL_S, false).action,
		PARENT_CURRENT);
}

/* ---- the message ---- */

static void assert_update(const struct row *row, const char *const *prerequisites,
	size_t n_pre, const char *const *updates, size_t n_up)
{
	static const uint8_t apex[] = "\7example\3com";
	uint8_t bytes[MESSAGE_QUERY_CAP];
	struct message_writer writer;
	struct parent_target target;
	struct parent_seen seen;
	struct parent_owned memory;

	set_up(row, &target, &seen, &memory);
	struct parent_change change = parentplan_decide(&target, &seen, &memory, TTL_S, true);
	message_begin(&writer, bytes, sizeof(bytes), 1, (unsigned int)DNS_OPCODE_UPDATE << 11);
	parentplan_write(&target, apex, &seen, &change, &writer);
	assert_false(writer.is_full);

	struct message message;
	assert_true(message_read(bytes, writer.len, &message));
	assert_int_equal(message.opcode, DNS_OPCODE_UPDATE);
	assert_int_equal(message.qtype, DNS_TYPE_SOA);
	assert_int_equal(message.counts[MESSAGE_PREREQUISITE], n_pre);
	assert_int_equal(message.counts[MESSAGE_UPDATE], n_up);
	assert_int_equal(message.counts[MESSAGE_ADDITIONAL], 0);

	struct message_walk walk = {0};
	struct message_record record;
	for (size_t i = 0; message_next(&message, &walk, &record); i++) {
		char text[128];
		char name[NAME_STR_LEN];

		snprintf(text, sizeof(text), "%s %u class%u type%u %s",
			name_str(record.owner, name), record.ttl_s, record.class, record.type,
			record.rdata_len == 4
				? addr_str(&(struct addr){.family = AF_INET,
					  .bytes = {record.rdata[0], record.rdata[1],
						  record.rdata[2], record.rdata[3]}})
				: "-");
		assert_string_equal(text, i < n_pre ? prerequisites[i] : updates[i - n_pre]);
	}
}

#define NS1 "www-ns1.example.com. "

static void a_change_needs_what_was_seen(void **state)
{
	static const char *const prerequisites[] = {NS1 "0 class1 type1 192.0.2.1"};
	static const char *const updates[] = {
		NS1 "0 class254 type1 192.0.2.1",
		NS1 "60 class1 type1 192.0.2.2",
	};

	(void)state;
	assert_update(&(const struct row){.wanted = "2",
			      .absent = "",
			      .seen = "1",
			      .memory = "1",
			      .was_right = true},
		prerequisites, 1, updates, 2);
}

static void an_addition_needs_that_nothing_is_there(void **state)
{
	static const char *const prerequisites[] = {NS1 "0 class254 type1 -"};
	static const char *const updates[] = {NS1 "60 class1 type1 192.0.2.1"};

	(void)state;
	assert_update(
		&(const struct row){.wanted = "1", .absent = "", .seen = "", .memory = ""},
		prerequisites, 1, updates, 1);
}

/* All of the RRset, also what is not ours. */
static void others_addresses_are_part_of_the_prerequisite(void **state)
{
	static const char *const prerequisites[] = {
		NS1 "0 class1 type1 192.0.2.1",
		NS1 "0 class1 type1 192.0.2.9",
	};
	static const char *const updates[] = {
		NS1 "0 class254 type1 192.0.2.1",
		NS1 "300 class1 type1 192.0.2.2",
	};

	(void)state;
	assert_update(&(const struct row){.wanted = "2",
			      .absent = "",
			      .seen = "1 9",
			      .memory = "1",
			      .was_right = true,
			      .seen_ttl_s = 300},
		prerequisites, 2, updates, 2);
}

/* ---- targets ---- */

static size_t targets_of(struct fixture *f, struct parent_target **ret_targets)
{
	size_t n;

	assert_int_equal(
		parentplan_targets(f->zones[0], f->site, &f->facts, ret_targets, &n), 0);
	return n;
}

static void names_of_uplinks_are_targets(void **state)
{
	struct fixture *f = fixture_new(&fixture_host_zone, 1);
	struct parent_target *targets;
	char name[NAME_STR_LEN];

	(void)state;
	assert_int_equal(targets_of(f, &targets), 4);
	assert_string_equal(name_str(targets[0].name, name), "www-ns1.example.com.");
	assert_false(targets[0].is_glue);
	assert_int_equal(targets[0].family, SITE_IPV4);
	assert_int_equal(targets[0].n_wanted, 1);
	assert_string_equal(addr_str(&targets[0].wanted[0].addr), "192.168.2.1");
	assert_string_equal(targets[0].wanted[0].uplink, "isp-a");
	assert_int_equal(targets[1].family, SITE_IPV6);
	assert_int_equal(targets[1].n_wanted, 0);
	assert_int_equal(targets[1].n_absent, 1);
	assert_string_equal(addr_str(&targets[2].wanted[0].addr), "172.16.1.1");
	free(targets);
	fixture_free(f);
}

/* What is about a link's state is no reason to change the parent's records. */
static void an_uplink_that_is_down_stays_wanted(void **state)
{
	struct fixture *f = fixture_new(&fixture_host_zone, 1);
	struct parent_target *before;
	struct parent_target *after;

	(void)state;
	targets_of(f, &before);
	fixture_set_state(f, "isp-a", UPLINK_DOWN);
	targets_of(f, &after);
	assert_true(parentplan_target_eq(&before[0], &after[0]));
	free(after);
	fixture_set_address(f, "isp-a", "192.168.2.3");
	targets_of(f, &after);
	assert_false(parentplan_target_eq(&before[0], &after[0]));
	free(after);
	fixture_drop_address(f, "isp-a", SITE_IPV4);
	targets_of(f, &after);
	assert_false(parentplan_target_eq(&before[0], &after[0]));
	free(after);
	free(before);
	fixture_free(f);
}

static void names_without_uplinks_are_none_of_ours(void **state)
{
	static const struct fixture_zone zone = {"www.example.com",
		"$TTL 60\n@ SOA a b 1 7200 900 1209600 300\n"
		"  NS literal\n  NS ns.example.net.\n  NS served\n  NS both\n  NS all\n"
		"literal A 192.0.2.7\nserved SERVER web\nboth UPLINK isp-a\nboth A 192.0.2.8\n"
		"all UPLINK all\n"};
	struct fixture *f = fixture_new(&zone, 1);
	struct parent_target *targets;
	size_t n = targets_of(f, &targets);

	(void)state;
	assert_int_equal(n, 4); /* both and all, in two families */
	for (size_t i = 0; i < n; i++) {
		assert_true(targets[i].is_glue);
		assert_int_equal(targets[i].n_wanted, targets[i].family == SITE_IPV4 ? 2 : 0);
	}
	free(targets);
	fixture_free(f);
}

static void an_uplink_that_takes_nothing_in_is_no_target(void **state)
{
	struct fixture *f = fixture_new(&fixture_host_zone, 1);
	struct parent_target *targets;

	(void)state;
	fixture_set_inbound(f, "isp-b", false);
	assert_int_equal(targets_of(f, &targets), 4);
	assert_int_equal(targets[2].n_wanted, 0);
	assert_int_equal(targets[2].n_absent, 0);
	free(targets);
	fixture_free(f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_has_its_change),
		cmocka_unit_test(a_ttl_is_not_fought_over),
		cmocka_unit_test(a_change_needs_what_was_seen),
		cmocka_unit_test(an_addition_needs_that_nothing_is_there),
		cmocka_unit_test(others_addresses_are_part_of_the_prerequisite),
		cmocka_unit_test(names_of_uplinks_are_targets),
		cmocka_unit_test(an_uplink_that_is_down_stays_wanted),
		cmocka_unit_test(names_without_uplinks_are_none_of_ours),
		cmocka_unit_test(an_uplink_that_takes_nothing_in_is_no_target),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("parentplan", tests, NULL, NULL);
}
