/* test_parenterror.c - what an operator is told of the primary's refusals */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dnsd/parent/parenterror.h"

#include <stdio.h>
#include <string.h>

static const struct tsig_key key = {.name = "\12multihomed"};
static const struct parent_target target = {.name = "\7www-ns1\7example\3com"};

struct row {
	bool is_update;
	unsigned int rcode;
	enum tsig_verdict verdict;
	unsigned int error;
	const char *said; /* a part; NULL: all is fine */
};

static const struct row rows[] = {
	{true, DNS_RCODE_NOERROR, TSIG_GOOD, 0, NULL},
	{false, DNS_RCODE_NOERROR, TSIG_GOOD, 0, NULL},
	{false, DNS_RCODE_NXDOMAIN, TSIG_GOOD, 0, NULL},
	{true, DNS_RCODE_NOERROR, TSIG_MISSING, 0, "is not signed, so it is not believed"},
	{true, DNS_RCODE_NOERROR, TSIG_FORGED, 0, "has a wrong signature"},
	{true, DNS_RCODE_NOERROR, TSIG_OTHER_KEY, 0, "is signed with another key"},
	{true, DNS_RCODE_NXDOMAIN, TSIG_GOOD, 0, "was changed by another program meanwhile"},
	{true, DNS_RCODE_NXRRSET, TSIG_GOOD, 0,
		"www-ns1.example.com. A was changed by another program meanwhile (NXRRSET)"},
	{true, DNS_RCODE_YXRRSET, TSIG_GOOD, 0, "(YXRRSET): it is looked up again"},
	{true, DNS_RCODE_REFUSED, TSIG_GOOD, 0,
		"its update-policy (BIND) or acl (Knot) for example.com. must let the key "
		"multihomed. change A of www-ns1.example.com."},
	{true, DNS_RCODE_NOTAUTH, TSIG_GOOD, 0, "not authoritative for example.com."},
	{true, DNS_RCODE_NOTZONE, TSIG_GOOD, 0, "is not in example.com. (NOTZONE)"},
	{true, DNS_RCODE_NOTIMP, TSIG_MISSING, 0, "offers no DNS UPDATE"},
	{true, DNS_RCODE_SERVFAIL, TSIG_GOOD, 0, "cannot write the zone's journal"},
	{true, DNS_RCODE_FORMERR, TSIG_MISSING, 0, "does not accept the change: FORMERR"},
	{false, DNS_RCODE_SERVFAIL, TSIG_GOOD, 0,
		"does not answer the question for www-ns1.example.com.: SERVFAIL"},
	{true, DNS_RCODE_NOTAUTH, TSIG_MISSING, DNS_RCODE_BADKEY,
		"does not know the key multihomed. with hmac-sha256 (BADKEY)"},
	{true, DNS_RCODE_NOTAUTH, TSIG_MISSING, DNS_RCODE_BADSIG,
		"has another secret for the key multihomed. (BADSIG)"},
	{true, DNS_RCODE_NOTAUTH, TSIG_GOOD, DNS_RCODE_BADTIME,
		"the primary's clock is 3600 s ahead of ours, of which 300 are allowed: "
		"there it is 2026-11-22T11:00:00Z, here 2026-11-22T10:00:00Z"},
	{true, DNS_RCODE_NOERROR, TSIG_STALE, 0,
		"the primary's clock is 3600 s ahead of ours"},
};

enum { NOW_S = 1795341600 };

static void each_outcome_has_its_words(void **state)
{
	size_t n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct message response = {.rcode = rows[i].rcode};
		const struct parent_response told = {
			.is_update = rows[i].is_update,
			.key = &key,
			.target = &target,
			.apex = (const uint8_t *)"\7example\3com",
			.response = &response,
			.check = {rows[i].verdict, rows[i].error, NOW_S + 3600},
			.now_s = NOW_S,
		};
		char said[4096] = "";
		bool is_fine = parenterror_check(&told, said, sizeof(said));

		if (rows[i].said ? !is_fine && strstr(said, rows[i].said) : is_fine)
			continue;
		fprintf(stderr, "row %zu: %s, '%s'\n", i, is_fine ? "fine" : "not fine", said);
		n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_outcome_has_its_words),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("parenterror", tests, NULL, NULL);
}
