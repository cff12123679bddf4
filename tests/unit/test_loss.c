/* test_loss.c - reasons why a response did not leave, and what an operator reads of them */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/serve/loss.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

static void each_errno_has_its_reason(void **state)
{
	static const struct {
		int err;
		enum stats_counter reason;
	} table[] = {
		{EAGAIN, STATS_SEND_FULL},
		{EWOULDBLOCK, STATS_SEND_FULL},
		{EHOSTUNREACH, STATS_SEND_NO_ROUTE},
		{ENETUNREACH, STATS_SEND_NO_ROUTE},
		{ENETDOWN, STATS_SEND_NO_ROUTE},
		{EPERM, STATS_SEND_FORBIDDEN},
		{EACCES, STATS_SEND_FORBIDDEN},
		{EMSGSIZE, STATS_SEND_TOO_LARGE},
		{EINVAL, STATS_SEND_OTHER},
		{ENOBUFS, STATS_SEND_OTHER},
		{EINTR, STATS_SEND_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(loss_reason(table[i].err), table[i].reason);
}

/* What loss_log logs at that time; the caller frees it. */
static char *told(struct loss *loss, const uint64_t totals[STATS_N_COUNTERS], int64_t now_ms)
{
	struct loss_place place = {"isp-a", {0}, 53};
	FILE *file = tmpfile();
	char *text = calloc(1, 8192);
	int before = dup(STDERR_FILENO);

	assert_true(file && text && before >= 0);
	assert_int_equal(addr_parse("192.168.2.1", &place.addr), 0);
	fflush(stderr);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	loss_log(loss, &place, totals, now_ms);
	fflush(stderr);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	close(before);
	rewind(file);
	assert_true(fread(text, 1, 8191, file) < 8191);
	fclose(file);
	return text;
}

static void assert_told(struct loss *loss, const uint64_t totals[STATS_N_COUNTERS],
	int64_t now_ms, const char *part)
{
	char *text = told(loss, totals, now_ms);

	if (part && !strstr(text, part))
		print_error("no \"%s\" in: %s\n", part, text);
	if (part)
		assert_non_null(strstr(text, part));
	else
		assert_string_equal(text, "");
	free(text);
}

static void a_loss_is_told_at_once_and_then_once_a_minute(void **state)
{
	uint64_t totals[STATS_N_COUNTERS] = {0};
	struct loss loss = {0};

	(void)state;
	assert_told(&loss, totals, 1000, NULL);
	totals[STATS_SEND_FULL] = 7;
	assert_told(&loss, totals, 2000,
		"isp-a: 7 responses of 192.168.2.1 port 53 by UDP were lost (the send buffer");
	assert_told(&loss, totals, 3000, NULL);
	totals[STATS_SEND_FULL] = 10;
	assert_told(&loss, totals, 12000, NULL);
	assert_told(&loss, totals, 62000, "isp-a: 3 responses");
	assert_told(&loss, totals, 200000, NULL);
}

static void each_reason_has_words_and_a_time_of_its_own(void **state)
{
	static const struct {
		enum stats_counter reason;
		const char *part;
	} table[] = {
		{STATS_SEND_FULL, "unres_qlen_bytes=2048"},
		{STATS_SEND_NO_ROUTE, "ip route get"},
		{STATS_SEND_FORBIDDEN, "nft list ruleset"},
		{STATS_SEND_TOO_LARGE, "MTU of 1280"},
		{STATS_SEND_OTHER, "blackhole"},
	};
	uint64_t totals[STATS_N_COUNTERS] = {0};
	struct loss loss = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		totals[table[i].reason] = 1;
		assert_told(&loss, totals, 1000 + (int64_t)i, table[i].part);
	}
	assert_told(&loss, totals, 2000, NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_errno_has_its_reason),
		cmocka_unit_test(a_loss_is_told_at_once_and_then_once_a_minute),
		cmocka_unit_test(each_reason_has_words_and_a_time_of_its_own),
	};

	log_init("test_loss", LOG_LEVEL_NOTICE);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
