/* test_nlcmd.c - one request to the kernel over netlink, and its answer
 *
 * Asks the kernel of this machine for links, which needs no privilege and changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/net/nlcmd.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>

#include "common/cleanup.h"

enum { LOOPBACK = 1, NOT_THERE = 0x7ffffff0 };

struct seen {
	int n;
	int ifindex; /* of the last one */
	int fail;    /* what the callback returns */
};

static int setup(void **state)
{
	static struct nlcmd *cmd;

	assert_int_equal(nlcmd_new(NETLINK_ROUTE, &cmd), 0);
	*state = cmd;
	return 0;
}

static int teardown(void **state)
{
	nlcmd_free(*state);
	return 0;
}

static struct nl_msg *link_request(int flags, int ifindex)
{
	struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = ifindex};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETLINK, flags);

	assert_non_null(msg);
	assert_int_equal(nlmsg_append(msg, &link, sizeof(link), NLMSG_ALIGNTO), 0);
	return msg;
}

static int on_link(struct nlmsghdr *msg, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(msg->nlmsg_type, RTM_NEWLINK);
	seen->n++;
	seen->ifindex = ((const struct ifinfomsg *)nlmsg_data(msg))->ifi_index;
	return seen->fail;
}

static void a_question_is_answered_with_one_message(void **state)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = link_request(0, LOOPBACK);
	struct seen seen = {0};

	assert_int_equal(nlcmd_run(*state, msg, on_link, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.ifindex, LOOPBACK);
}

static void a_refusal_is_the_kernels_own_errno(void **state)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = link_request(0, NOT_THERE);
	struct seen seen = {0};

	assert_int_equal(nlcmd_run(*state, msg, on_link, &seen), -ENODEV);
	assert_int_equal(seen.n, 0);
}

static void a_refusal_has_the_kernels_words(void **state)
{
	AUTO(nlmsg_freep) struct nl_msg *bad = link_request(0, LOOPBACK);
	AUTO(nlmsg_freep) struct nl_msg *good = link_request(0, LOOPBACK);
	struct seen seen = {0};

	/* strict checks: a question takes no type */
	((struct ifinfomsg *)nlmsg_data(nlmsg_hdr(bad)))->ifi_type = 1;
	assert_int_equal(nlcmd_run(*state, bad, on_link, &seen), -EINVAL);
	assert_string_not_equal(nlcmd_why(*state), "");

	assert_int_equal(nlcmd_run(*state, good, on_link, &seen), 0);
	assert_string_equal(nlcmd_why(*state), "");
}

static void a_dump_calls_for_each_message(void **state)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = link_request(NLM_F_DUMP, 0);
	struct if_nameindex *names = if_nameindex();
	struct seen seen = {0};
	int n = 0;

	assert_non_null(names);
	while (names[n].if_index)
		n++;
	if_freenameindex(names);
	assert_int_equal(nlcmd_dump(*state, msg, on_link, &seen), 0);
	assert_int_equal(seen.n, n);
}

static void a_callback_that_fails_ends_its_request_and_no_other(void **state)
{
	AUTO(nlmsg_freep) struct nl_msg *all = link_request(NLM_F_DUMP, 0);
	AUTO(nlmsg_freep) struct nl_msg *one = link_request(0, LOOPBACK);
	struct seen seen = {.fail = -ENOSPC};

	assert_int_equal(nlcmd_dump(*state, all, on_link, &seen), -ENOSPC);
	assert_int_equal(seen.n, 1);

	seen = (struct seen){0};
	assert_int_equal(nlcmd_run(*state, one, on_link, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.ifindex, LOOPBACK);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_answered_with_one_message),
		cmocka_unit_test(a_refusal_is_the_kernels_own_errno),
		cmocka_unit_test(a_refusal_has_the_kernels_words),
		cmocka_unit_test(a_dump_calls_for_each_message),
		cmocka_unit_test(a_callback_that_fails_ends_its_request_and_no_other),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, setup, teardown);
}
