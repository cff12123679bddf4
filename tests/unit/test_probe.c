/* test_probe.c - probes on real devices: a veth pair whose far end is in a namespace of its
 * own
 *
 * The far end is a child process. Its kernel answers pings and refuses connections. It accepts
 * connections on port 443, and answers DNS in a different way on each address.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "lib/netns.h"
#include "routed/uplink/probe.h"

#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/site/site.h"
#include "common/site/siteload.h"
#include "routed/uplink/uplink.h"

enum { MS = 1000, SEC = 1000 * MS };

static pid_t far_pid;

/* --- the far end --- */

enum { GOOD, WRONG_ID, OTHER_QUESTION, REFUSED_RCODE, N_SERVERS };

static const char *const server_addrs[N_SERVERS] = {
	[GOOD] = "192.168.2.6",
	[WRONG_ID] = "192.168.2.5",
	[OTHER_QUESTION] = "192.168.2.4",
	[REFUSED_RCODE] = "192.168.2.3",
};

static struct addr addr(const char *text)
{
	struct addr parsed = {0};

	if (addr_parse(text, &parsed) < 0)
		abort();
	return parsed;
}

static int serve(int type, const char *at, uint16_t port)
{
	struct sockaddr_storage sa;
	struct addr local = addr(at);
	socklen_t len = addr_to_sockaddr(&local, port, 0, &sa);
	int on = 1;
	int fd = socket(local.family, type | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_IP, IP_FREEBIND, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0 ||
		(type == SOCK_STREAM && listen(fd, 16) < 0))
		_exit(3);
	return fd;
}

static void answer_dns(int fd, int server)
{
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	uint8_t data[512];
	ssize_t len = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &from_len);

	if (len < 12)
		return;
	data[2] |= 0x80;
	data[1] = (uint8_t)(data[1] + (server == WRONG_ID));
	data[len - 1] = (uint8_t)(data[len - 1] + (server == OTHER_QUESTION));
	data[3] = (uint8_t)(server == REFUSED_RCODE ? 5 : 0);
	sendto(fd, data, (size_t)len, 0, (struct sockaddr *)&from, from_len);
}

static void far_run(int ready_fd)
{
	struct pollfd fds[N_SERVERS + 1];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	netns_enter();
	for (int i = 0; i < N_SERVERS; i++)
		fds[i] = (struct pollfd){serve(SOCK_DGRAM, server_addrs[i], 53), POLLIN, 0};
	fds[N_SERVERS] = (struct pollfd){serve(SOCK_STREAM, "0.0.0.0", 443), POLLIN, 0};
	if (write(ready_fd, "r", 1) != 1)
		_exit(1);

	while (poll(fds, N_SERVERS + 1, -1) > 0) {
		for (int i = 0; i < N_SERVERS; i++)
			if (fds[i].revents)
				answer_dns(fds[i].fd, i);
		if (fds[N_SERVERS].revents)
			close(accept(fds[N_SERVERS].fd, NULL, NULL));
	}
	_exit(0);
}

static void sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void sh(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

#define far(format, ...) sh("nsenter -t %d -n sh -c '" format "'", (int)far_pid, ##__VA_ARGS__)

static void link_up(const char *near, const char *address, const char *far_name)
{
	sh("ip link add %s type veth peer name %s netns %d", near, far_name, (int)far_pid);
	sh("ip link set %s up && ip address add %s dev %s", near, address, near);
	far("ip link set %s up", far_name);
}

static void wan_a_up(void)
{
	link_up("wan-a", "192.168.2.1/29", "isp-a");
	sh("ip address add 2001:db8:a::1/64 dev wan-a nodad");
	far("ip address add 2001:db8:a::6/64 dev isp-a nodad");
	for (int i = 0; i < N_SERVERS; i++)
		far("ip address add %s/29 dev isp-a", server_addrs[i]);
	far("ip -6 address add fe80::6/64 dev isp-a nodad");
}

/* --- the near end --- */

struct fixture {
	struct event_base *base;
	struct site *site;
	struct uplink uplink;
	struct prober *prober;
	struct prober_link link;
};

static void on_wake(void *arg)
{
	struct fixture *f = arg;

	uplink_step(&f->uplink, clock_now_us());
}

static void look_at_link(struct fixture *f, const char *source)
{
	f->link = (struct prober_link){
		.ifindex = (int)if_nametoindex("wan-a"),
		.source = {addr(source), addr("2001:db8:a::1")},
		.gateway = {addr("192.168.2.6"), addr("fe80::6")},
	};
	prober_set_link(f->prober, &f->link);
}

static void start(struct fixture *f, const char *probe)
{
	static const struct uplink_facts good = {.present = true,
		.carrier = true,
		.address = {true, true},
		.gateway = {true, true}};
	struct report report = {0};
	char text[512];

	snprintf(text, sizeof(text),
		"uplinks:\n  - name: isp-a\n    interface: wan-a\n    probes: [%s]\n"
		"probing: {interval: 50ms, suspect: 20ms, timeout: 300ms, fall: 3, rise: 3,"
		" degraded: {loss: 10%%, rtt: 200ms}}\n",
		probe);
	assert_int_equal(site_parse("site.yaml", text, strlen(text), &report, &f->site), 0);
	report_fini(&report);
	f->base = event_base_new();
	assert_int_equal(uplink_init(&f->uplink, f->site, 0, clock_now_us()), 0);
	uplink_on_link(&f->uplink, &good);
	assert_int_equal(prober_new(f->base, &f->uplink, on_wake, f, &f->prober), 0);
	look_at_link(f, "192.168.2.1");
}

static void stop(struct fixture *f)
{
	prober_free(f->prober);
	uplink_fini(&f->uplink);
	site_free(f->site);
	event_base_free(f->base);
}

static struct target *target(struct fixture *f)
{
	return &f->uplink.targets[0].target;
}

static void run_for(struct fixture *f, int64_t us)
{
	struct timeval tv = {.tv_sec = us / SEC, .tv_usec = us % SEC};

	event_base_loopexit(f->base, &tv);
	event_base_dispatch(f->base);
}

static bool becomes(struct fixture *f, enum target_verdict verdict)
{
	int64_t until_us = clock_now_us() + 5LL * SEC;

	while (target(f)->verdict != verdict && clock_now_us() < until_us)
		run_for(f, 10 * MS);
	return target(f)->verdict == verdict;
}

static void assert_becomes(struct fixture *f, enum target_verdict verdict)
{
	if (!becomes(f, verdict))
		fail_msg("%s, not %s", target_verdict_str(target(f)->verdict),
			target_verdict_str(verdict));
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	wan_a_up();
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->prober)
		stop(f);
	sh("for d in wan-a wan-b; do ip link del $d 2>/dev/null; done; true");
	sh("ip route flush table main; sysctl -qw net.ipv4.ping_group_range=\"1 0\"");
	return 0;
}

static void each_kind_of_probe_is_answered(void **state)
{
	static const char *const probes[] = {
		"icmp 192.168.2.6", "icmp gateway", "icmp 2001:db8:a::6",
		"tcp 192.168.2.6 443", "tcp 192.168.2.6 444", /* refused: the path works */
		"tcp 2001:db8:a::6 444", "dns 192.168.2.6", "dns 192.168.2.6 www.example.com",
		"dns 192.168.2.3 www.example.com", /* RCODE refused */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
		print_message("  %s\n", probes[i]);
		start(f, probes[i]);
		run_for(f, 400 * MS);
		assert_int_equal(target(f)->verdict, TARGET_ALIVE);
		assert_int_equal(target(f)->n_lost, 0);
		assert_in_range(target(f)->n_answered, 3, 10);
		assert_in_range(target(f)->srtt_us, 0, 50 * MS);
		stop(f);
	}
	f->prober = NULL;
}

static void ping_sockets_are_used_where_the_kernel_allows(void **state)
{
	struct fixture *f = *state;

	sh("sysctl -qw net.ipv4.ping_group_range='0 0'");
	start(f, "icmp 192.168.2.6");
	assert_becomes(f, TARGET_ALIVE);
	stop(f);
	start(f, "icmp 2001:db8:a::6");
	assert_becomes(f, TARGET_ALIVE);
}

static void a_gateway_with_a_link_local_address_is_probed(void **state)
{
	struct fixture *f = *state;

	start(f, "icmp gateway");
	f->link.gateway[SITE_IPV4] = (struct addr){0};
	prober_set_link(f->prober, &f->link);
	assert_becomes(f, TARGET_ALIVE);
}

static void answers_that_do_not_match_are_not_taken(void **state)
{
	static const char *const probes[] = {
		"dns 192.168.2.5 www.example.com", /* wrong id */
		"dns 192.168.2.4 www.example.com", /* another question */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		start(f, probes[i]);
		assert_becomes(f, TARGET_DEAD);
		assert_int_equal(target(f)->n_answered, 0);
		stop(f);
	}
	f->prober = NULL;
}

static void a_silent_link_kills_and_comes_back(void **state)
{
	static const char *const probes[] = {
		"icmp 192.168.2.6", "tcp 192.168.2.6 443", "dns 192.168.2.6"};
	struct fixture *f = *state;

	for (size_t i = 0; i < 3; i++) {
		print_message("  %s\n", probes[i]);
		start(f, probes[i]);
		assert_becomes(f, TARGET_ALIVE);
		far("ip link set isp-a down");
		assert_becomes(f, TARGET_DEAD);
		far("ip link set isp-a up; "
		    "ip address replace 2001:db8:a::6/64 dev isp-a nodad");
		assert_becomes(f, TARGET_ALIVE);
		stop(f);
	}
	f->prober = NULL;
}

static void a_device_created_again_is_probed_again(void **state)
{
	static const char *const probes[] = {
		"icmp 192.168.2.6", "tcp 192.168.2.6 443", "dns 192.168.2.6"};
	struct fixture *f = *state;

	for (size_t i = 0; i < 3; i++) {
		print_message("  %s\n", probes[i]);
		start(f, probes[i]);
		assert_becomes(f, TARGET_ALIVE);
		sh("ip link del wan-a");
		assert_becomes(f, TARGET_DEAD);
		wan_a_up();
		run_for(f, 100 * MS);
		assert_int_equal(target(f)->verdict, TARGET_DEAD);
		look_at_link(f, "192.168.2.1");
		assert_becomes(f, TARGET_ALIVE);
		stop(f);
	}
	f->prober = NULL;
}

static void a_changed_address_is_probed_from(void **state)
{
	static const char *const probes[] = {
		"icmp 192.168.2.6", "tcp 192.168.2.6 443", "dns 192.168.2.6"};
	struct fixture *f = *state;

	for (size_t i = 0; i < 3; i++) {
		print_message("  %s\n", probes[i]);
		start(f, probes[i]);
		assert_becomes(f, TARGET_ALIVE);
		sh("ip address del 192.168.2.1/29 dev wan-a");
		assert_becomes(f, TARGET_DEAD);
		sh("ip address add 192.168.2.2/29 dev wan-a");
		look_at_link(f, "192.168.2.2");
		assert_becomes(f, TARGET_ALIVE);
		sh("ip address del 192.168.2.2/29 dev wan-a");
		sh("ip address add 192.168.2.1/29 dev wan-a");
		stop(f);
	}
	f->prober = NULL;
}

static void no_probe_succeeds_over_another_uplink(void **state)
{
	static const char *const probes[] = {
		"icmp 192.0.2.53", "tcp 192.0.2.53 443", "dns 192.0.2.53"};
	struct fixture *f = *state;

	link_up("wan-b", "172.16.1.1/30", "isp-b");
	/* only wan-b reaches 192.0.2.53: the far end does not answer ARP for it on isp-a */
	far("ip address add 172.16.1.2/30 dev isp-b; ip address add 192.0.2.53/32 dev lo;"
	    "sysctl -qw net.ipv4.conf.isp-a.arp_ignore=1");
	sh("ip route add default via 172.16.1.2 dev wan-b");
	sh("ping -c 1 -W 2 192.0.2.53 >/dev/null");

	for (size_t i = 0; i < 3; i++) {
		print_message("  %s\n", probes[i]);
		start(f, probes[i]);
		assert_becomes(f, TARGET_DEAD);
		assert_int_equal(target(f)->n_answered, 0);
		stop(f);
	}
	f->prober = NULL;
}

static void without_a_link_every_probe_is_lost_and_nothing_breaks(void **state)
{
	struct fixture *f = *state;

	start(f, "icmp gateway, tcp 192.168.2.6 443, dns 2001:db8:a::6");
	memset(&f->link, 0, sizeof(f->link));
	prober_set_link(f->prober, &f->link);
	assert_becomes(f, TARGET_DEAD);
	run_for(f, 200 * MS);
	assert_int_equal(uplink_count(&f->uplink, TARGET_DEAD), 3);

	f->link.ifindex = 99999;
	f->link.source[SITE_IPV4] = addr("192.168.2.1");
	f->link.gateway[SITE_IPV4] = addr("192.168.2.6");
	prober_set_link(f->prober, &f->link);
	run_for(f, 200 * MS);
	look_at_link(f, "192.168.2.1");
	assert_becomes(f, TARGET_ALIVE);
}

static void a_paused_prober_sends_nothing_until_it_is_reloaded(void **state)
{
	struct fixture *f = *state;

	start(f, "icmp 192.168.2.6, tcp 192.168.2.6 443");
	assert_becomes(f, TARGET_ALIVE);
	prober_pause(f->prober);
	uplink_reset(&f->uplink, clock_now_us());
	prober_rearm(f->prober);
	run_for(f, 300 * MS);
	assert_int_equal(f->uplink.targets[0].target.n_sent, 0);
	assert_int_equal(uplink_count(&f->uplink, TARGET_UNKNOWN), 2);

	assert_int_equal(prober_reload(f->prober), 0);
	assert_becomes(f, TARGET_ALIVE);
	run_for(f, 300 * MS);
	assert_int_equal(uplink_count(&f->uplink, TARGET_ALIVE), 2);
}

static void a_reload_goes_on_with_other_targets(void **state)
{
	struct fixture *f = *state;
	struct report report = {0};
	struct site *other;
	static const char text[] = "uplinks:\n  - name: isp-a\n    interface: wan-a\n"
				   "    probes: [dns 192.168.2.6, icmp 192.168.2.6]\n"
				   "probing: {interval: 50ms, suspect: 20ms}\n";

	start(f, "icmp 192.168.2.6");
	assert_becomes(f, TARGET_ALIVE);
	assert_int_equal(site_parse("site.yaml", text, sizeof(text) - 1, &report, &other), 0);
	report_fini(&report);
	assert_int_equal(uplink_configure(&f->uplink, other, 0, clock_now_us()), 0);
	assert_int_equal(prober_reload(f->prober), 0);
	site_free(f->site);
	f->site = other;
	assert_becomes(f, TARGET_ALIVE);
	run_for(f, 500 * MS);
	assert_int_equal(uplink_count(&f->uplink, TARGET_ALIVE), 2);
	assert_int_equal(f->uplink.health, UPLINK_UP);
}

/* The process was busy for longer than any time-out, and the answers had arrived. */
static void answers_are_read_before_anything_is_found_late(void **state)
{
	static const char *const probes[] = {
		"icmp 192.168.2.6", "tcp 192.168.2.6 443", "dns 192.168.2.6"};
	struct fixture *f = *state;

	for (size_t i = 0; i < 3; i++) {
		print_message("  %s\n", probes[i]);
		start(f, probes[i]);
		assert_becomes(f, TARGET_ALIVE);
		for (int k = 0; k < 5; k++) {
			while (uplink_next_us(&f->uplink) - clock_now_us() > 20 * MS)
				run_for(f, 1 * MS);
			usleep(250 * MS);
			prober_collect(f->prober);
			uplink_step(&f->uplink, clock_now_us());
			assert_int_equal(target(f)->lost_in_row, 0);
			prober_rearm(f->prober);
		}
		assert_int_equal(target(f)->verdict, TARGET_ALIVE);
		stop(f);
	}
	f->prober = NULL;
}

static void far_start(void)
{
	int ready[2];
	char c;

	if (pipe(ready) < 0)
		abort();
	far_pid = fork();
	if (far_pid == 0)
		far_run(ready[1]); /* does not return */
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		abort();
	close(ready[0]);
}

int main(int argc, char **argv)
{
#define PROBE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		PROBE_TEST(each_kind_of_probe_is_answered),
		PROBE_TEST(ping_sockets_are_used_where_the_kernel_allows),
		PROBE_TEST(a_gateway_with_a_link_local_address_is_probed),
		PROBE_TEST(answers_that_do_not_match_are_not_taken),
		PROBE_TEST(a_silent_link_kills_and_comes_back),
		PROBE_TEST(a_device_created_again_is_probed_again),
		PROBE_TEST(a_changed_address_is_probed_from),
		PROBE_TEST(no_probe_succeeds_over_another_uplink),
		PROBE_TEST(without_a_link_every_probe_is_lost_and_nothing_breaks),
		PROBE_TEST(a_reload_goes_on_with_other_targets),
		PROBE_TEST(a_paused_prober_sends_nothing_until_it_is_reloaded),
		PROBE_TEST(answers_are_read_before_anything_is_found_late),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	signal(SIGPIPE, SIG_IGN);
	netns_enter();
	far_start();
	int failed = cmocka_run_group_tests_name("probe", tests, NULL, NULL);
	kill(far_pid, SIGKILL);
	waitpid(far_pid, NULL, 0);
	return failed;
}
