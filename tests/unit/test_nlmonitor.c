/* test_nlmonitor.c - follows notifications of the kernel over netlink in the event loop */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/net/nlmonitor.h"

#include <event2/event.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "lib/netns.h"

struct fixture {
	struct event_base *base;
	struct nlmonitor *monitor;
	unsigned int n_messages;
	uint16_t last_type;
	unsigned int n_reads;
	struct nlmonitor_read last;
	unsigned int n_overruns;
};

static void on_message(struct nlmsghdr *msg, void *arg)
{
	struct fixture *f = arg;

	f->n_messages++;
	f->last_type = msg->nlmsg_type;
}

static void on_read(const struct nlmonitor_read *read, void *arg)
{
	struct fixture *f = arg;

	f->n_reads++;
	f->last = *read;
	f->n_overruns += read->n_overruns;
}

static int setup(void **state)
{
	static const struct nlmonitor_calls calls = {on_message, on_read};
	static const int links = RTNLGRP_LINK;
	static struct fixture f;

	f = (struct fixture){.base = event_base_new()};
	assert_non_null(f.base);
	assert_int_equal(nlmonitor_new(f.base, NETLINK_ROUTE, &calls, &f, &f.monitor), 0);
	assert_int_equal(nlmonitor_join(f.monitor, &links, 1), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	nlmonitor_free(f->monitor);
	event_base_free(f->base);
	return 0;
}

/* What is in the queue already: the kernel queues a notification before the change returns. */
static void read_queue(struct fixture *f)
{
	do
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	while (f->n_reads > 0 && !f->last.drained);
}

static void changes_of_the_group_are_handed_over(void **state)
{
	struct fixture *f = *state;

	netns_run("ip link add veth-a type veth peer name veth-b");
	read_queue(f);
	assert_true(f->n_messages > 0);
	assert_int_equal(f->last_type, RTM_NEWLINK);
	assert_true(f->last.drained);
	assert_null(f->last.why);

	f->n_messages = 0;
	netns_run("ip addr add 192.0.2.1/32 dev veth-a"); /* another group */
	read_queue(f);
	assert_int_equal(f->n_messages, 0);

	netns_run("ip link del veth-a");
	read_queue(f);
	assert_int_equal(f->last_type, RTM_DELLINK);
}

static void a_message_of_another_process_is_ignored(void **state)
{
	struct fixture *f = *state;
	AUTO(closep) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct sockaddr_nl to;
	socklen_t len = sizeof(to);
	const struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} forged = {
		.header = {.nlmsg_len = sizeof(forged), .nlmsg_type = RTM_DELLINK},
		.link = {.ifi_index = 1},
	};

	assert_int_equal(
		getsockname(nlmonitor_fd(f->monitor), (struct sockaddr *)&to, &len), 0);
	assert_true(to.nl_pid != 0);
	to.nl_groups = 0;
	assert_int_equal(sendto(fd, &forged, sizeof(forged), 0, (struct sockaddr *)&to, len),
		sizeof(forged));
	read_queue(f);
	assert_int_equal(f->n_reads, 1);
	assert_int_equal(f->n_messages, 0);
}

static void lost_messages_are_reported_and_the_queue_is_emptied(void **state)
{
	struct fixture *f = *state;
	int least = 1;

	assert_int_equal(setsockopt(nlmonitor_fd(f->monitor), SOL_SOCKET, SO_RCVBUF, &least,
				 sizeof(least)),
		0);
	netns_run("for i in $(seq 20); do ip link add veth-a type veth peer name veth-b; "
		  "ip link del veth-a; done");
	read_queue(f);
	assert_true(f->n_overruns > 0);
	assert_true(f->last.drained);
}

static void an_empty_queue_is_drained(void **state)
{
	struct fixture *f = *state;

	nlmonitor_read(f->monitor);
	assert_int_equal(f->n_reads, 1);
	assert_true(f->last.drained);
	assert_int_equal(f->last.n_overruns, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(changes_of_the_group_are_handed_over),
		TEST(a_message_of_another_process_is_ignored),
		TEST(lost_messages_are_reported_and_the_queue_is_emptied),
		TEST(an_empty_queue_is_drained),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	netns_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
