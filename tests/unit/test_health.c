/* test_health.c - servers checked over a real LAN: a veth pair whose far end is the server
 *
 * The server is a child process in a namespace of its own. It accepts connections on port 80
 * of all its addresses; nftables rules there make it refuse them or drop them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "lib/netns.h"
#include "lib/situations.h"
#include "routed/health/health.h"

#include <dirent.h>
#include <event2/event.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/site/uplinkset.h"
#include "routed/wanted/situation.h"

enum { A = 0, B = 1, WEB = 0 };

static pid_t far_pid;

/* ---- the server ---- */

static void far_run(int ready_fd)
{
	struct addr any = {.family = AF_INET6};
	struct sockaddr_storage sa;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	netns_enter();
	socklen_t len = addr_to_sockaddr(&any, 80, 0, &sa);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, 64) < 0 ||
		write(ready_fd, "r", 1) != 1)
		_exit(1);
	for (;;)
		close(accept(fd, NULL, NULL));
}

static void far_start(void)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	far_pid = fork();
	if (far_pid == 0)
		far_run(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
}

/* Runs lines of sh(1) there. */
static void far(const char *script)
{
	char line[1024];

	snprintf(line, sizeof(line), "nsenter -t %d -n sh -ec '%s'", (int)far_pid, script);
	netns_run(line);
}

static void far_filter(const char *rules)
{
	char script[512];

	snprintf(script, sizeof(script),
		"nft flush ruleset; nft add table inet t; nft add chain inet t c "
		"\\{ type filter hook input priority 0\\; \\}; %s",
		rules);
	far(script);
}

static void lan_up(void)
{
	char line[128];

	snprintf(line, sizeof(line), "ip link add lan0 type veth peer name eth0 netns %d",
		(int)far_pid);
	netns_run(line);
	netns_run("ip address add 10.0.0.1/24 dev lan0\n"
		  "ip address add 2001:db8:c::1/64 dev lan0 nodad\n"
		  "ip link set lan0 up");
	far("ip address add 10.0.0.10/24 dev eth0; ip link set eth0 up;"
	    "ip address add 2001:db8:c::10/64 dev eth0 nodad;"
	    "for i in 1 5; do ip address add 10.0.1.$i/32 dev lo;"
	    "ip address add 2001:db8:c1::$i/128 dev lo; done");
	netns_run("ip link add wan-a type veth peer name isp-a\n"
		  "ip address add 192.168.2.1/29 dev wan-a\n"
		  "ip link set wan-a up");
}

/* Routes as routed makes them. */
static void routes_to_loopbacks(const char *verb)
{
	char line[256];

	snprintf(line, sizeof(line),
		"for i in 1 5; do ip route %s 10.0.1.$i via 10.0.0.10;"
		"ip route %s 2001:db8:c1::$i via 2001:db8:c::10; done",
		verb, verb);
	netns_run(line);
}

/* ---- the router ---- */

struct fixture {
	struct event_base *base;
	struct situation situation;
	struct site *site;
	struct health *health;
	unsigned int n_changed;
};

static void on_changed(void *arg)
{
	struct fixture *f = arg;

	f->n_changed++;
}

static void use(struct fixture *f, const char *servers)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml),
		"uplinks:\n"
		"  - {name: isp-a, interface: wan-a}\n"
		"  - {name: isp-b, interface: wan-b}\n"
		"servers:\n%s",
		servers);
	struct site *site = situations_site(yaml);
	assert_int_equal(health_configure(f->health, site), 0);
	site_free(f->site);
	f->site = site;
}

static const char ipv4_loopbacks[] = "  - {name: web, address: 10.0.0.10, check: tcp 80,"
				     " loopbacks: {isp-a: 10.0.1.1, isp-b: 10.0.1.5}}\n";

static const char both_loopbacks[] = "  - name: web\n"
				     "    address: [10.0.0.10, \"2001:db8:c::10\"]\n"
				     "    loopbacks:\n"
				     "      isp-a: [10.0.1.1, \"2001:db8:c1::1\"]\n"
				     "      isp-b: [10.0.1.5, \"2001:db8:c1::5\"]\n"
				     "    check: tcp 80\n";

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	f->situation = situations_both_up();
	situations_device(&f->situation, A, (int)if_nametoindex("wan-a"));
	situations_device(&f->situation, B, 0);
	f->base = event_base_new();
	routes_to_loopbacks("replace");
	far_filter("");
	return health_new(f->base, &f->situation, on_changed, f, &f->health);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	health_free(f->health);
	site_free(f->site);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void run_for(struct fixture *f, int64_t ms)
{
	const struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(f->base, &time);
	event_base_dispatch(f->base);
}

/* Runs until that set of uplinks is dead; fails after `ms`. */
static void run_until_dead(struct fixture *f, uint32_t dead, int64_t ms)
{
	int64_t end_ms = clock_now_ms() + ms;

	while (health_dead(f->health, WEB) != dead && clock_now_ms() < end_ms)
		run_for(f, 20);
	assert_int_equal(health_dead(f->health, WEB), dead);
}

static void assert_why(struct fixture *f, size_t uplink, const char *part)
{
	char why[SITE_FAMILIES * HEALTH_WHY_MAX];

	health_why(f->health, WEB, uplink, why, sizeof(why));
	if (!strstr(why, part))
		fail_msg("\"%s\" does not say \"%s\"", why, part);
}

/* Sockets at both ends, without listeners. */
static void assert_no_sockets_left(void)
{
	netns_run("test -z \"$(ss -Htan state all exclude listening)\"");
	far("test -z \"$(ss -Htan state all exclude listening)\"");
}

/* ---- cases ---- */

static void a_server_that_accepts_is_alive(void **state)
{
	struct fixture *f = *state;
	struct health_path path;

	use(f, both_loopbacks);
	assert_int_equal(health_dead(f->health, WEB), 0);
	assert_true(health_path(f->health, WEB, A, SITE_IPV4, &path));
	assert_true(path.alive && path.rtt_us == -1 && path.since_us == 0);
	run_for(f, 1200);
	for (size_t uplink = A; uplink <= B; uplink++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
			assert_true(health_path(f->health, WEB, uplink, family, &path));
			assert_true(path.alive && path.since_us > 0);
			assert_in_range(path.rtt_us, 1, 500000);
			assert_int_equal(path.port, 80);
			assert_non_null(strstr(path.why, "accepts connections"));
		}
	assert_int_equal(f->n_changed, 0);
	assert_no_sockets_left();
}

static void one_that_refuses_on_one_loopback_is_dead_there(void **state)
{
	struct fixture *f = *state;

	use(f, ipv4_loopbacks);
	run_for(f, 1200);
	far_filter("nft add rule inet t c ip daddr 10.0.1.5 tcp dport 80 reject with tcp "
		   "reset");
	run_until_dead(f, uplinkset_of(B), 2500);
	assert_int_equal(f->n_changed, 1);
	assert_why(f, B, "3 of 3 connections to 10.0.1.5 port 80 refused since ");
	assert_why(f, A, "10.0.1.1 port 80 accepts connections");
	far_filter("");
	run_until_dead(f, 0, 3000);
	assert_int_equal(f->n_changed, 2);
	assert_no_sockets_left();
}

static void one_that_is_silent_is_dead(void **state)
{
	struct fixture *f = *state;

	far_filter("nft add rule inet t c ip daddr 10.0.1.1 drop");
	use(f, ipv4_loopbacks);
	run_until_dead(f, uplinkset_of(A), 4500);
	assert_why(f, A, "3 of 3 connections to 10.0.1.1 port 80 unanswered since ");
	far_filter("");
	run_until_dead(f, 0, 3500);
}

static void families_count_as_far_as_the_uplink_has_them(void **state)
{
	struct fixture *f = *state;

	far_filter("nft add rule inet t c ip daddr 10.0.1.5 tcp dport "
		   "80 reject with tcp reset");
	use(f, both_loopbacks);
	run_until_dead(f, uplinkset_of(B), 2000); /* isp-b has an IPv4 address only */
	situations_address(&f->situation, B, "2001:db8:b::1/64");
	run_for(f, 1000);
	assert_int_equal(health_dead(f->health, WEB), 0);
	assert_int_equal(health_partly(f->health, WEB), uplinkset_of(B));
	assert_why(f, B, "connections to 10.0.1.5 port 80 refused since ");
	assert_why(f, B, "; 2001:db8:c1::5 port 80 accepts connections");
}

static void without_a_route_the_host_is_unreachable(void **state)
{
	struct fixture *f = *state;

	use(f, ipv4_loopbacks);
	routes_to_loopbacks("del");
	run_until_dead(f, uplinkset_of(A) | uplinkset_of(B), 2500);
	assert_why(f, A, "found the host unreachable since ");
}

/* A host with 10.0.1.1 at the ISP is not our server: no packet may go there. */
static void no_connection_leaves_over_an_uplink(void **state)
{
	struct fixture *f = *state;

	use(f, ipv4_loopbacks);
	routes_to_loopbacks("del");
	netns_run("nft add table inet t; nft add chain inet t c "
		  "'{ type filter hook output priority 0; }'\n"
		  "nft add rule inet t c oifname wan-a tcp dport 80 counter\n"
		  "ip route add default via 192.168.2.6");
	run_until_dead(f, uplinkset_of(A) | uplinkset_of(B), 2500);
	netns_run("ip route del default\n"
		  "nft list chain inet t c | grep -q 'counter packets 0 '\n"
		  "nft delete table inet t");
	assert_why(f, B, "found no route but one over an uplink since ");
}

/* A firewall of our own says nothing about the server. */
static void failures_on_this_side_do_not_change_the_verdict(void **state)
{
	struct fixture *f = *state;
	struct health_path path;

	netns_run("nft add table inet t; nft add chain inet t c "
		  "'{ type filter hook output priority 0; }'\n"
		  "nft add rule inet t c tcp dport 80 drop");
	use(f, ipv4_loopbacks);
	run_for(f, 2500);
	netns_run("nft delete table inet t");
	assert_int_equal(health_dead(f->health, WEB), 0);
	assert_true(health_path(f->health, WEB, A, SITE_IPV4, &path));
	assert_int_equal(path.since_us, 0);
	run_for(f, 1500);
	assert_true(health_path(f->health, WEB, A, SITE_IPV4, &path));
	assert_true(path.since_us > 0);
}

static size_t n_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void a_reload_leaves_no_connection_behind(void **state)
{
	struct fixture *f = *state;

	far_filter("nft add rule inet t c tcp dport 80 drop");
	size_t before = n_descriptors();
	use(f, ipv4_loopbacks);
	run_for(f, 700);
	assert_int_equal(n_descriptors(), before + 2); /* both wait */
	use(f, "  - {name: web, address: 10.0.0.10, check: tcp 80, uplinks: [isp-a],"
	       " loopbacks: {isp-a: 10.0.1.1}}\n");
	assert_int_equal(n_descriptors(), before + 1);
	run_until_dead(f, uplinkset_of(A), 4500); /* its check continued */
	use(f, "  - {name: web, address: 10.0.0.10}\n");
	assert_int_equal(n_descriptors(), before);
	assert_int_equal(health_dead(f->health, WEB), 0);
	run_for(f, 300);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_server_that_accepts_is_alive),
		TEST(one_that_refuses_on_one_loopback_is_dead_there),
		TEST(one_that_is_silent_is_dead),
		TEST(families_count_as_far_as_the_uplink_has_them),
		TEST(without_a_route_the_host_is_unreachable),
		TEST(no_connection_leaves_over_an_uplink),
		TEST(failures_on_this_side_do_not_change_the_verdict),
		TEST(a_reload_leaves_no_connection_behind),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	netns_enter();
	far_start();
	lan_up();
	int failed = cmocka_run_group_tests_name("health", tests, NULL, NULL);
	kill(far_pid, SIGKILL);
	waitpid(far_pid, NULL, 0);
	return failed;
}
