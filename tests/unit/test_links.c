/* test_links.c - the netlink mirror: its reader on crafted octets, then live in a network
 * namespace of the test's own
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/net/links.h" /* its <net/if.h> before <linux/if.h> */

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/net/mirror.h"
#include "common/net/pickaddr.h"

static struct addr addr(const char *text)
{
	struct addr parsed;

	assert_int_equal(addr_parse(text, &parsed), 0);
	return parsed;
}

/* ---- crafted messages ---- */

struct link_message {
	int type;
	int family;
	int ifindex;
	const char *name; /* NULL: left out, as wireless events do */
	unsigned int flags;
	unsigned int master; /* 0: left out */
	int carrier;
};

static struct nl_msg *link_msg(struct link_message m)
{
	struct nl_msg *msg = nlmsg_alloc_simple(m.type, 0);
	struct ifinfomsg info = {
		.ifi_family = (unsigned char)m.family,
		.ifi_index = m.ifindex,
		.ifi_flags = m.flags,
	};

	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	if (m.name) {
		nla_put_string(msg, IFLA_IFNAME, m.name);
		nla_put_u32(msg, IFLA_MTU, 1500);
		nla_put_u8(msg, IFLA_CARRIER, (uint8_t)m.carrier);
		nla_put_u8(msg, IFLA_OPERSTATE, m.carrier ? IF_OPER_UP : IF_OPER_DOWN);
	}
	if (m.master)
		nla_put_u32(msg, IFLA_MASTER, m.master);
	return msg;
}

struct addr_message {
	int type;
	int ifindex;
	const char *local;
	const char *peer;
	int prefix_len;
	int scope;
	uint32_t flags;
};

static struct nl_msg *addr_msg(struct addr_message m)
{
	struct nl_msg *msg = nlmsg_alloc_simple(m.type, 0);
	struct addr local = addr(m.local);
	struct addr peer = addr(m.peer ? m.peer : m.local);
	int len = (int)addr_len(&local);
	struct ifaddrmsg info = {
		.ifa_family = local.family,
		.ifa_prefixlen = (unsigned char)m.prefix_len,
		.ifa_scope = (unsigned char)m.scope,
		.ifa_flags = (unsigned char)m.flags,
		.ifa_index = (unsigned int)m.ifindex,
	};

	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	nla_put(msg, IFA_ADDRESS, len, peer.bytes);
	if (local.family == AF_INET || m.peer)
		nla_put(msg, IFA_LOCAL, len, local.bytes);
	nla_put_u32(msg, IFA_FLAGS, m.flags);
	return msg;
}

static int apply(struct mirror *mirror, struct nl_msg *msg)
{
	int r = mirror_apply(mirror, nlmsg_hdr(msg));

	nlmsg_free(msg);
	return r;
}

static int add_link(struct mirror *mirror, int ifindex, const char *name)
{
	return apply(mirror, link_msg((struct link_message){.type = RTM_NEWLINK,
				     .ifindex = ifindex,
				     .name = name,
				     .flags = IFF_UP,
				     .carrier = 1}));
}

static int add_addr(struct mirror *mirror, int ifindex, const char *local, int prefix_len)
{
	return apply(mirror, addr_msg((struct addr_message){.type = RTM_NEWADDR,
				     .ifindex = ifindex,
				     .local = local,
				     .prefix_len = prefix_len}));
}

struct reader {
	struct mirror mirror;
};

static int reader_setup(void **state)
{
	struct reader *r = calloc(1, sizeof(*r));

	mirror_init(&r->mirror);
	*state = r;
	return 0;
}

static int reader_teardown(void **state)
{
	struct reader *r = *state;

	mirror_fini(&r->mirror);
	free(r);
	return 0;
}

static void links_are_kept_by_ascending_ifindex(void **state)
{
	struct mirror *m = &((struct reader *)*state)->mirror;

	assert_int_equal(add_link(m, 7, "wan-b"), MIRROR_CHANGED);
	assert_int_equal(add_link(m, 1, "lo"), MIRROR_CHANGED);
	assert_int_equal(add_link(m, 4, "wan-a"), MIRROR_CHANGED);
	assert_int_equal(add_link(m, 4, "wan-a"), MIRROR_SAME);

	assert_int_equal(m->n_links, 3);
	assert_string_equal(m->links[0]->name, "lo");
	assert_string_equal(m->links[1]->name, "wan-a");
	assert_string_equal(m->links[2]->name, "wan-b");
	assert_int_equal(m->links[1]->mtu, 1500);
}

static void a_removed_link_takes_its_addresses_along(void **state)
{
	struct mirror *m = &((struct reader *)*state)->mirror;

	add_link(m, 4, "wan-a");
	assert_int_equal(add_addr(m, 4, "192.168.2.1", 29), MIRROR_CHANGED);
	assert_int_equal(
		apply(m, link_msg((struct link_message){
				 .type = RTM_DELLINK, .ifindex = 4, .name = "wan-a"})),
		MIRROR_CHANGED);
	assert_int_equal(m->n_links, 0);

	add_link(m, 9, "wan-a");
	assert_int_equal(m->links[0]->n_addrs, 0);
}

static void a_bridge_speaking_of_its_port_changes_nothing(void **state)
{
	struct mirror *m = &((struct reader *)*state)->mirror;
	struct link_message port = {.type = RTM_NEWLINK,
		.family = AF_BRIDGE,
		.ifindex = 4,
		.name = "wan-a",
		.master = 3};

	add_link(m, 4, "wan-a");
	add_addr(m, 4, "192.168.2.1", 29);
	assert_int_equal(apply(m, link_msg(port)), MIRROR_SAME);
	port.type = RTM_DELLINK;
	assert_int_equal(apply(m, link_msg(port)), MIRROR_SAME);

	assert_int_equal(m->n_links, 1);
	assert_int_equal(m->links[0]->n_addrs, 1);
	assert_int_equal(m->links[0]->master, 0);
}

static void a_wireless_event_without_name_keeps_name_and_master(void **state)
{
	struct mirror *m = &((struct reader *)*state)->mirror;
	struct link_message port = {
		.type = RTM_NEWLINK, .ifindex = 4, .name = "wan-a", .master = 3};
	struct link_message bare = {.type = RTM_NEWLINK, .ifindex = 4};

	assert_int_equal(apply(m, link_msg(bare)), MIRROR_SAME); /* not known yet */
	assert_int_equal(m->n_links, 0);
	apply(m, link_msg(port));
	assert_int_equal(apply(m, link_msg(bare)), MIRROR_SAME);
	assert_string_equal(m->links[0]->name, "wan-a");
	assert_int_equal(m->links[0]->master, 3);

	port.master = 0;
	assert_int_equal(apply(m, link_msg(port)), MIRROR_CHANGED);
	assert_int_equal(m->links[0]->master, 0);
}

static void a_point_to_point_address_has_its_far_end_as_peer(void **state)
{
	struct mirror *m = &((struct reader *)*state)->mirror;

	add_link(m, 5, "ppp0");
	apply(m, addr_msg((struct addr_message){.type = RTM_NEWADDR,
			 .ifindex = 5,
			 .local = "203.0.113.7",
			 .peer = "192.0.2.1",
			 .prefix_len = 32}));

	const struct link_addr *got = &m->links[0]->addrs[0];
	assert_string_equal(addr_str(&got->addr), "203.0.113.7");
	assert_string_equal(addr_str(&got->peer), "192.0.2.1");
}

static void ipv6_flags_change_in_place(void **state)
{
	struct mirror *m = &((struct reader *)*state)->mirror;
	struct addr_message v6 = {.type = RTM_NEWADDR,
		.ifindex = 4,
		.local = "2001:db8::1",
		.prefix_len = 64,
		.flags = IFA_F_TENTATIVE};

	add_link(m, 4, "wan-a");
	assert_int_equal(apply(m, addr_msg(v6)), MIRROR_CHANGED);
	assert_false(link_addr_is_ready(&m->links[0]->addrs[0]));
	assert_null(pickaddr(m->links[0], AF_INET6, NULL, NULL));

	v6.flags = IFA_F_PERMANENT;
	assert_int_equal(apply(m, addr_msg(v6)), MIRROR_CHANGED);
	assert_int_equal(apply(m, addr_msg(v6)), MIRROR_SAME);
	assert_int_equal(m->links[0]->n_addrs, 1);
	assert_non_null(pickaddr(m->links[0], AF_INET6, NULL, NULL));
}

static void an_address_of_an_unknown_link_is_passed_over(void **state)
{
	struct mirror *m = &((struct reader *)*state)->mirror;

	assert_int_equal(add_addr(m, 4, "192.168.2.1", 29), MIRROR_SAME);
	assert_int_equal(m->n_links, 0);
}

static void malformed_messages_change_nothing(void **state)
{
	struct mirror *m = &((struct reader *)*state)->mirror;
	struct mirror before = {0};
	struct link_message link = {.type = RTM_NEWLINK, .ifindex = 4, .name = "wan-a"};
	struct addr_message v4 = {
		.type = RTM_NEWADDR, .ifindex = 4, .local = "192.0.2.1", .prefix_len = 33};

	assert_int_equal(apply(m, addr_msg(v4)), -EBADMSG); /* prefix length */
	link.ifindex = 0;
	assert_int_equal(apply(m, link_msg(link)), -EBADMSG);
	link.ifindex = -5;
	assert_int_equal(apply(m, link_msg(link)), -EBADMSG);
	link.ifindex = 4;
	link.name = "a-name-of-more-than-15-octets";
	assert_int_equal(apply(m, link_msg(link)), -EBADMSG);
	link.name = "";
	assert_int_equal(apply(m, link_msg(link)), -EBADMSG);

	/* an IPv6 address in an IPv4 message */
	struct nl_msg *msg = addr_msg((struct addr_message){
		.type = RTM_NEWADDR, .ifindex = 4, .local = "2001:db8::1", .prefix_len = 24});
	((struct ifaddrmsg *)nlmsg_data(nlmsg_hdr(msg)))->ifa_family = AF_INET;
	assert_int_equal(apply(m, msg), -EBADMSG);

	/* a name that begins with its end */
	msg = link_msg(
		(struct link_message){.type = RTM_NEWLINK, .ifindex = 4, .name = "wan-a"});
	*nla_get_string(
		nlmsg_find_attr(nlmsg_hdr(msg), sizeof(struct ifinfomsg), IFLA_IFNAME)) = '\0';
	assert_int_equal(apply(m, msg), -EBADMSG);

	/* shorter than its fixed part */
	msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);
	assert_int_equal(apply(m, msg), -EBADMSG);
	assert_true(mirror_eq(m, &before));
}

static void a_datagram_is_read_up_to_the_message_that_does_not_fit(void **state)
{
	struct mirror *m = &((struct reader *)*state)->mirror;
	uint32_t bytes[256] = {0};
	size_t len = 0;

	for (int i = 1; i <= 2; i++) {
		struct nl_msg *msg = link_msg((struct link_message){
			.type = RTM_NEWLINK, .ifindex = i, .name = i == 1 ? "lo" : "wan-a"});
		struct nlmsghdr *hdr = nlmsg_hdr(msg);

		memcpy((uint8_t *)bytes + len, hdr, hdr->nlmsg_len);
		len += NLMSG_ALIGN(hdr->nlmsg_len);
		nlmsg_free(msg);
	}

	assert_int_equal(mirror_read(m, bytes, len - 4), MIRROR_CHANGED);
	assert_int_equal(m->n_links, 1);
	assert_int_equal(mirror_read(m, bytes, len), MIRROR_CHANGED);
	assert_int_equal(m->n_links, 2);
	assert_int_equal(mirror_read(m, bytes, len), MIRROR_SAME);
	assert_int_equal(mirror_read(m, bytes, 3), MIRROR_SAME);
}

/* Each address with its flags, and which of them stand for the link. */
static void the_picked_address_is_ready_and_lasting(void **state)
{
	static const struct {
		const char *local;
		int scope;
		uint32_t flags;
		bool ready;
		bool picked; /* if it were the only one */
	} cases[] = {
		{"192.0.2.1", RT_SCOPE_UNIVERSE, IFA_F_PERMANENT, true, true},
		{"192.0.2.1", RT_SCOPE_UNIVERSE, IFA_F_SECONDARY, true, false},
		{"192.0.2.1", RT_SCOPE_LINK, 0, false, false},
		{"127.0.0.1", RT_SCOPE_HOST, 0, false, false},
		{"2001:db8::1", RT_SCOPE_UNIVERSE, 0, true, true},
		{"2001:db8::1", RT_SCOPE_UNIVERSE, IFA_F_TEMPORARY, true, false},
		{"2001:db8::1", RT_SCOPE_UNIVERSE, IFA_F_DEPRECATED, true, false},
		{"2001:db8::1", RT_SCOPE_UNIVERSE, IFA_F_TENTATIVE, false, false},
		{"2001:db8::1", RT_SCOPE_UNIVERSE, IFA_F_TENTATIVE | IFA_F_OPTIMISTIC, true,
			true},
		{"2001:db8::1", RT_SCOPE_UNIVERSE, IFA_F_DADFAILED, false, false},
		{"fec0::1", RT_SCOPE_SITE, 0, true, true},
		{"fd00:10::1", RT_SCOPE_UNIVERSE, 0, true, true},
		{"fe80::1", RT_SCOPE_LINK, 0, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct link_addr one = {
			.addr = addr(cases[i].local),
			.scope = (uint8_t)cases[i].scope,
			.flags = cases[i].flags,
		};
		struct link link = {.addrs = &one, .n_addrs = 1};
		struct prefix other_whole = {addr("192.0.2.99"), 32};
		struct prefix whole = {one.addr, (uint8_t)(8 * addr_len(&one.addr))};
		int family = one.addr.family;
		bool settled = !(one.flags & IFA_F_DADFAILED) &&
			       (!(one.flags & IFA_F_TENTATIVE) ||
				       (one.flags & IFA_F_OPTIMISTIC));

		print_message("  case %zu: %s scope %d flags %#x\n", i, cases[i].local,
			cases[i].scope, cases[i].flags);
		assert_int_equal(link_addr_is_ready(&one), cases[i].ready);
		assert_int_equal(pickaddr(&link, family, NULL, NULL) != NULL, cases[i].picked);
		assert_null(pickaddr(&link, family, &other_whole, NULL));
		assert_null(
			pickaddr(&link, family == AF_INET ? AF_INET6 : AF_INET, NULL, NULL));
		assert_int_equal(pickaddr(&link, family, &whole, NULL) != NULL, settled);
	}
}

static void a_usable_link_is_up_with_carrier_and_not_dormant(void **state)
{
	static const struct {
		struct link link;
		bool usable;
	} cases[] = {
		{{.flags = IFF_UP, .carrier = true, .operstate = IF_OPER_UP}, true},
		{{.flags = IFF_UP, .carrier = true, .operstate = IF_OPER_UNKNOWN}, true},
		{{.flags = IFF_UP, .carrier = true, .operstate = IF_OPER_DORMANT}, false},
		{{.flags = IFF_UP, .carrier = false, .operstate = IF_OPER_UP}, false},
		{{.flags = 0, .carrier = true, .operstate = IF_OPER_DOWN}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(link_is_usable(&cases[i].link), cases[i].usable);
}

/* ---- live ---- */

struct live {
	struct event_base *base;
	struct links *links;
	unsigned int n_changed;
};

static void ip(const char *format, ...)
{
	char command[512] = "ip ";
	va_list args;

	va_start(args, format);
	vsnprintf(command + 3, sizeof(command) - 3, format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static void on_changed(void *arg)
{
	struct live *live = arg;

	live->n_changed++;
}

/* Each test has a namespace of its own; the one before goes with the process's move. */
static int live_setup(void **state)
{
	struct live *live = calloc(1, sizeof(*live));

	*state = live;
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	ip("link set lo up");
	ip("link add wan-a type veth peer name isp-a");
	ip("link set isp-a up");
	ip("link set wan-a up");
	live->base = event_base_new();
	return links_new(live->base, on_changed, live, &live->links);
}

static int live_teardown(void **state)
{
	struct live *live = *state;

	links_free(live->links);
	event_base_free(live->base);
	free(live);
	return 0;
}

static void settle(struct live *live)
{
	struct timeval wait = {.tv_usec = 100 * 1000};

	event_base_loopexit(live->base, &wait);
	event_base_dispatch(live->base);
}

static bool link_has(const struct link *link, const char *text)
{
	struct addr wanted = addr(text);

	for (size_t i = 0; link && i < link->n_addrs; i++)
		if (addr_eq(&link->addrs[i].addr, &wanted))
			return true;
	return false;
}

static bool same_link(const struct link *a, const struct link *b)
{
	if (a->ifindex != b->ifindex || strcmp(a->name, b->name) != 0 ||
		a->flags != b->flags || a->operstate != b->operstate ||
		a->carrier != b->carrier || a->mtu != b->mtu || a->group != b->group ||
		a->master != b->master || a->n_addrs != b->n_addrs)
		return false;
	for (size_t i = 0; i < a->n_addrs; i++) {
		const struct link_addr *x = &a->addrs[i];
		const struct link_addr *y = &b->addrs[i];

		if (!addr_eq(&x->addr, &y->addr) || !addr_eq(&x->peer, &y->peer) ||
			x->prefix_len != y->prefix_len || x->scope != y->scope ||
			x->flags != y->flags)
			return false;
	}
	return true;
}

static bool is_current(const struct live *live)
{
	const struct link *a = NULL;
	const struct link *b = NULL;
	struct links *fresh;
	bool same = true;

	assert_int_equal(links_new(NULL, NULL, NULL, &fresh), 0);
	do {
		a = links_next(live->links, a);
		b = links_next(fresh, b);
		same = a && b ? same_link(a, b) : !a && !b;
	} while (same && a);
	links_free(fresh);
	return same;
}

/* The mirror that followed must hold what a fresh one finds, also in the same order. A dump
 * shows IPv6 addresses that are not announced before duplicate detection is through, hence the
 * patience. */
static void assert_is_current(struct live *live)
{
	for (int i = 0; i < 40; i++) {
		settle(live);
		if (is_current(live))
			return;
	}
	fail_msg("the mirror is not what the kernel has");
}

static void addresses_come_and_go(void **state)
{
	struct live *live = *state;

	ip("address add 192.168.2.1/29 dev wan-a");
	settle(live);
	assert_true(link_has(links_find(live->links, "wan-a"), "192.168.2.1"));
	assert_true(live->n_changed >= 1);

	ip("address del 192.168.2.1/29 dev wan-a");
	settle(live);
	assert_false(link_has(links_find(live->links, "wan-a"), "192.168.2.1"));
	assert_is_current(live);
}

static void a_new_address_is_told_at_once(void **state)
{
	struct live *live = *state;

	settle(live);
	live->n_changed = 0;
	ip("address add 192.168.2.1/29 dev wan-a");
	int64_t start_us = clock_now_us();
	while (live->n_changed == 0 && clock_now_us() - start_us < 1000000)
		event_base_loop(live->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	int64_t took_us = clock_now_us() - start_us;

	print_message("  told %d us after `ip` ended\n", (int)took_us);
	assert_int_equal(live->n_changed, 1);
	assert_true(took_us < 50000);
}

static void a_burst_is_told_once(void **state)
{
	struct live *live = *state;

	settle(live);
	live->n_changed = 0;
	for (int i = 1; i < 20; i++)
		ip("address add 192.0.2.%d/24 dev wan-a", i);
	event_base_loop(live->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(live->n_changed, 1);
	assert_is_current(live);
}

static void a_link_comes_back_with_another_ifindex(void **state)
{
	struct live *live = *state;
	int before = links_find(live->links, "wan-a")->ifindex;

	ip("address add 192.168.2.1/29 dev wan-a");
	ip("link del wan-a");
	settle(live);
	assert_null(links_find(live->links, "wan-a"));
	assert_null(links_find_index(live->links, before));

	ip("link add wan-a index %d type veth peer name isp-a", before + 100);
	ip("address add 192.168.2.3/29 dev wan-a");
	settle(live);
	assert_int_equal(links_find(live->links, "wan-a")->ifindex, before + 100);
	assert_false(link_has(links_find(live->links, "wan-a"), "192.168.2.1"));
	assert_true(link_has(links_find(live->links, "wan-a"), "192.168.2.3"));
	assert_is_current(live);
}

static void a_link_that_was_exchanged_between_two_wake_ups_is_the_new_one(void **state)
{
	struct live *live = *state;

	ip("address add 192.168.2.1/29 dev wan-a");
	ip("link del wan-a");
	ip("link add wan-a type veth peer name isp-a");
	ip("address add 192.168.2.3/29 dev wan-a");
	assert_is_current(live);
	assert_true(link_has(links_find(live->links, "wan-a"), "192.168.2.3"));
}

static void a_renamed_link_is_found_by_its_new_name(void **state)
{
	struct live *live = *state;
	int ifindex = links_find(live->links, "wan-a")->ifindex;

	ip("address add 192.168.2.1/29 dev wan-a");
	ip("link set wan-a down");
	ip("link set wan-a name wan-b");
	ip("link set wan-b up");
	settle(live);
	assert_null(links_find(live->links, "wan-a"));
	assert_int_equal(links_find(live->links, "wan-b")->ifindex, ifindex);
	assert_true(link_has(links_find(live->links, "wan-b"), "192.168.2.1"));
	assert_is_current(live);
}

/* The kernel may hold the news back for a second (links.h). */
static void a_lost_carrier_is_told(void **state)
{
	struct live *live = *state;

	settle(live);
	assert_true(link_is_usable(links_find(live->links, "wan-a")));
	ip("link set isp-a down");
	for (int i = 0; i < 30 && link_is_usable(links_find(live->links, "wan-a")); i++)
		settle(live);
	assert_false(links_find(live->links, "wan-a")->carrier);
	assert_false(link_is_usable(links_find(live->links, "wan-a")));

	ip("link set isp-a up");
	for (int i = 0; i < 30 && !link_is_usable(links_find(live->links, "wan-a")); i++)
		settle(live);
	assert_true(link_is_usable(links_find(live->links, "wan-a")));
	assert_is_current(live);
}

static void a_bridge_port_keeps_its_addresses(void **state)
{
	struct live *live = *state;

	ip("address add 192.168.2.1/29 dev wan-a");
	ip("link add br0 type bridge");
	ip("link set wan-a master br0");
	settle(live);
	assert_int_equal(links_find(live->links, "wan-a")->master,
		links_find(live->links, "br0")->ifindex);
	assert_is_current(live);

	ip("link set wan-a nomaster");
	settle(live);
	assert_int_equal(links_find(live->links, "wan-a")->master, 0);
	assert_true(link_has(links_find(live->links, "wan-a"), "192.168.2.1"));
	assert_is_current(live);
}

static void a_link_that_moves_to_another_namespace_is_gone(void **state)
{
	struct live *live = *state;
	char pid_file[] = "/tmp/test_links.XXXXXX";
	int fd = mkstemp(pid_file);
	char command[256];

	assert_true(fd >= 0);
	close(fd);
	/* the process is there before its namespace is */
	snprintf(command, sizeof(command),
		"unshare -n sleep 60 & echo $! > %s; for i in $(seq 600); do "
		"[ $(readlink /proc/$!/ns/net) != $(readlink /proc/self/ns/net) ] && exit 0; "
		"sleep 0.1; done; exit 1",
		pid_file);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "ip link set wan-a netns $(cat %s)", pid_file);
	assert_int_equal(system(command), 0);
	settle(live);
	assert_null(links_find(live->links, "wan-a"));
	assert_is_current(live);

	snprintf(command, sizeof(command), "kill $(cat %s)", pid_file);
	(void)!system(command);
	unlink(pid_file);
}

/* The first address must be the same one whether we saw it come or found it there. */
static void the_order_of_addresses_is_the_kernels(void **state)
{
	struct live *live = *state;
	static const char *const changes[] = {
		"add 192.168.2.1/29",
		"add 2001:db8::1/64 nodad",
		"add 192.168.2.2/29", /* secondary */
		"add 10.9.0.1/24 scope link",
		"add 172.16.1.1/30",
		"add 2001:db8::2/64 nodad",
		"add fd00:10::1/64 nodad",
		"add 192.168.2.3/29", /* secondary */
		"add 172.16.1.5/30 scope link",
		"add 203.0.113.7 peer 203.0.113.8",
		"add 203.0.113.7 peer 203.0.113.9",
		"del 192.168.2.1/29", /* promotes one of the two */
		"add 192.168.2.1/29",
		"del 2001:db8::1/64",
		"change 2001:db8::2/64 preferred_lft 0 valid_lft 1000",
		"add 2001:db8::1/64 nodad",
		"del 203.0.113.7 peer 203.0.113.8",
		"del 172.16.1.1/30",
	};

	assert_int_equal(
		system("echo 1 > /proc/sys/net/ipv4/conf/all/promote_secondaries"), 0);
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		print_message("  %s\n", changes[i]);
		ip("address %s dev wan-a", changes[i]);
		assert_is_current(live);
	}
}

static void a_duplicate_address_is_not_ready(void **state)
{
	struct live *live = *state;

	ip("address add 2001:db8::1/64 dev isp-a nodad");
	ip("address add 2001:db8::1/64 dev wan-a");
	for (int i = 0; i < 40; i++) {
		settle(live);
		const struct link *link = links_find(live->links, "wan-a");

		assert_null(pickaddr(link, AF_INET6, NULL, NULL));
		for (size_t k = 0; k < link->n_addrs; k++)
			if (link->addrs[k].flags & IFA_F_DADFAILED)
				return;
	}
	fail_msg("duplicate detection did not end");
}

/* `ip -batch` of 1000 addresses that come and go again, but for `n_left`. */
static void storm(int n_left)
{
	char path[] = "/tmp/test_links.XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");

	assert_non_null(f);
	for (int i = 0; i < 1000; i++)
		fprintf(f, "address add 10.%d.%d.1/24 dev wan-a\n", 1 + i / 250, i % 250);
	for (int i = n_left; i < 1000; i++)
		fprintf(f, "address del 10.%d.%d.1/24 dev wan-a\n", 1 + i / 250, i % 250);
	fclose(f);
	ip("-batch %s", path);
	unlink(path);
}

static void an_overrun_is_followed_by_a_fresh_dump(void **state)
{
	struct live *live = *state;
	int tiny = 1;

	settle(live);
	assert_int_equal(setsockopt(links_monitor_fd(live->links), SOL_SOCKET, SO_RCVBUF,
				 &tiny, sizeof(tiny)),
		0);
	storm(25);
	assert_is_current(live);

	const struct links_counters *counters = links_counters(live->links);
	print_message("  %d messages, %d overruns, %d dumps\n", (int)counters->messages,
		(int)counters->overruns, (int)counters->resyncs);
	assert_true(counters->overruns >= 1);
	assert_true(counters->resyncs >= 1);
	assert_true(link_has(links_find(live->links, "wan-a"), "10.1.24.1"));
	assert_false(link_has(links_find(live->links, "wan-a"), "10.1.25.1"));

	/* and it follows again */
	ip("address add 192.168.2.1/29 dev wan-a");
	assert_is_current(live);
	assert_true(link_has(links_find(live->links, "wan-a"), "192.168.2.1"));
}

/* The queue is longer than one wake-up reads, and the kernel drops until it is empty. */
static void an_overrun_of_a_long_queue_is_followed_too(void **state)
{
	struct live *live = *state;
	int size = 512 * 1024; /* about 1300 messages of the storm's 1975 */

	settle(live);
	assert_int_equal(setsockopt(links_monitor_fd(live->links), SOL_SOCKET, SO_RCVBUFFORCE,
				 &size, sizeof(size)),
		0);
	storm(25);
	event_base_loop(live->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	print_message("  %d messages in the first wake-up, %d overruns, %d dumps\n",
		(int)links_counters(live->links)->messages,
		(int)links_counters(live->links)->overruns,
		(int)links_counters(live->links)->resyncs);
	assert_true(links_counters(live->links)->overruns >= 1);
	ip("address add 192.168.2.1/29 dev wan-a");
	assert_is_current(live);
	assert_true(link_has(links_find(live->links, "wan-a"), "192.168.2.1"));
}

static void a_storm_without_overrun_needs_no_dump(void **state)
{
	struct live *live = *state;

	settle(live);
	storm(25);
	int64_t start_us = clock_now_us();
	event_base_loop(live->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	print_message("  first wake-up %d us\n", (int)(clock_now_us() - start_us));
	assert_is_current(live);
	assert_int_equal(links_counters(live->links)->overruns, 0);
	assert_int_equal(links_counters(live->links)->resyncs, 0);
}

/* Adds 192.0.2.1 to .40 one by one, while the test goes on. */
static pid_t add_addresses(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-ec",
			"for i in $(seq 1 40); "
			"do ip address add 192.0.2.$i/32 dev wan-a; done",
			(char *)NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

/* Only a dump shows the link-local address of wan-a before duplicate detection is through, so that
 * two mirrors of different age differ meanwhile. */
static void await_link_local(struct live *live)
{
	for (int i = 0; i < 40 && links_find(live->links, "wan-a")->n_addrs == 0; i++)
		settle(live);
	assert_is_current(live);
	assert_int_equal(links_find(live->links, "wan-a")->n_addrs, 1);
}

static void changes_while_dumping_are_not_lost(void **state)
{
	struct live *live = *state;
	struct links *late;
	struct live watcher = {.base = live->base};
	int status;

	await_link_local(live);
	pid_t pid = add_addresses();
	for (int i = 0; i < 20; i++) {
		assert_int_equal(links_new(live->base, on_changed, &watcher, &late), 0);
		if (i < 19)
			links_free(late);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		settle(live);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	settle(live); /* both sockets hold all of it by now */
	assert_true(link_has(links_find(late, "wan-a"), "192.0.2.40"));
	assert_int_equal(
		links_find(late, "wan-a")->n_addrs, links_find(live->links, "wan-a")->n_addrs);
	links_free(late);
	assert_is_current(live);
}

static int lookup(const char *src, const char *dst)
{
	struct addr from = src ? addr(src) : (struct addr){0};
	struct addr to = addr(dst);
	int ifindex = -1;

	assert_int_equal(links_route_lookup(&from, &to, &ifindex), 0);
	return ifindex;
}

static void a_route_is_looked_up_by_source(void **state)
{
	struct live *live = *state;

	ip("link add wan-b type veth peer name isp-b");
	ip("link set wan-b up");
	ip("link set isp-b up");
	ip("address add 192.168.2.1/29 dev wan-a");
	ip("address add 172.16.1.1/30 dev wan-b");
	ip("address add 2001:db8:1::1/64 dev wan-b nodad");
	ip("route add default via 192.168.2.6");
	ip("route add default via 172.16.1.2 table 5301");
	settle(live);
	int wan_a = links_find(live->links, "wan-a")->ifindex;
	int wan_b = links_find(live->links, "wan-b")->ifindex;

	assert_int_equal(lookup(NULL, "192.0.2.53"), wan_a);
	assert_int_equal(lookup("172.16.1.1", "192.0.2.53"), wan_a);
	ip("rule add from 172.16.1.1 lookup 5301");
	assert_int_equal(lookup("172.16.1.1", "192.0.2.53"), wan_b);
	assert_int_equal(lookup("192.168.2.1", "192.0.2.53"), wan_a);
	assert_int_equal(lookup("2001:db8:1::1", "2001:db8:1::2"), wan_b);
	assert_int_equal(lookup("127.0.0.1", "127.0.0.1"), 1);
}

static void a_packet_that_would_be_dropped_has_no_interface(void **state)
{
	static const struct {
		const char *route;
		const char *dst;
	} cases[] = {
		{"blackhole 192.0.2.0/25", "192.0.2.1"},
		{"unreachable 192.0.2.128/26", "192.0.2.129"},
		{"prohibit 192.0.2.192/26", "192.0.2.193"},
		{"throw 198.51.100.0/24", "198.51.100.1"},
		{"blackhole 2001:db8:1::/48", "2001:db8:1::1"},
		{"unreachable 2001:db8:2::/48", "2001:db8:2::1"},
		{"prohibit 2001:db8:3::/48", "2001:db8:3::1"},
		{"throw 2001:db8:4::/48", "2001:db8:4::1"},
	};

	(void)state;
	assert_int_equal(lookup(NULL, "203.0.113.1"), 0);
	assert_int_equal(lookup(NULL, "2001:db8::1"), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("  %s\n", cases[i].route);
		ip("route add %s", cases[i].route);
		assert_int_equal(lookup(NULL, cases[i].dst), 0);
	}
	assert_int_equal(lookup("192.0.2.77", "203.0.113.1"), 0); /* not our address */
}

static void a_look_up_across_families_is_refused(void **state)
{
	struct addr v4 = addr("192.0.2.1");
	struct addr v6 = addr("2001:db8::1");
	struct addr none = {0};
	int ifindex;

	(void)state;
	assert_int_equal(links_route_lookup(&v4, &v6, &ifindex), -EAFNOSUPPORT);
	assert_int_equal(links_route_lookup(&v4, &none, &ifindex), -EAFNOSUPPORT);
}

static bool may_unshare(void)
{
	int before = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	bool may = before >= 0 && unshare(CLONE_NEWNET) == 0;

	if (may)
		(void)!setns(before, CLONE_NEWNET);
	close(before);
	return may;
}

#define reader_test(f) cmocka_unit_test_setup_teardown(f, reader_setup, reader_teardown)
#define live_test(f)   cmocka_unit_test_setup_teardown(f, live_setup, live_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest reader_tests[] = {
		reader_test(links_are_kept_by_ascending_ifindex),
		reader_test(a_removed_link_takes_its_addresses_along),
		reader_test(a_bridge_speaking_of_its_port_changes_nothing),
		reader_test(a_wireless_event_without_name_keeps_name_and_master),
		reader_test(a_point_to_point_address_has_its_far_end_as_peer),
		reader_test(ipv6_flags_change_in_place),
		reader_test(an_address_of_an_unknown_link_is_passed_over),
		reader_test(malformed_messages_change_nothing),
		reader_test(a_datagram_is_read_up_to_the_message_that_does_not_fit),
		cmocka_unit_test(the_picked_address_is_ready_and_lasting),
		cmocka_unit_test(a_usable_link_is_up_with_carrier_and_not_dormant),
	};
	const struct CMUnitTest live_tests[] = {
		live_test(addresses_come_and_go),
		live_test(a_new_address_is_told_at_once),
		live_test(a_burst_is_told_once),
		live_test(a_link_comes_back_with_another_ifindex),
		live_test(a_link_that_was_exchanged_between_two_wake_ups_is_the_new_one),
		live_test(a_renamed_link_is_found_by_its_new_name),
		live_test(a_lost_carrier_is_told),
		live_test(a_bridge_port_keeps_its_addresses),
		live_test(a_link_that_moves_to_another_namespace_is_gone),
		live_test(the_order_of_addresses_is_the_kernels),
		live_test(a_duplicate_address_is_not_ready),
		live_test(an_overrun_is_followed_by_a_fresh_dump),
		live_test(an_overrun_of_a_long_queue_is_followed_too),
		live_test(a_storm_without_overrun_needs_no_dump),
		live_test(changes_while_dumping_are_not_lost),
		live_test(a_route_is_looked_up_by_source),
		live_test(a_packet_that_would_be_dropped_has_no_interface),
		live_test(a_look_up_across_families_is_refused),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	log_init("test_links", LOG_LEVEL_DEBUG);
	int failed = cmocka_run_group_tests_name("links: reader", reader_tests, NULL, NULL);

	if (!may_unshare()) {
		fprintf(stderr, "SKIPPED: no network namespace for the live tests: %s\n",
			strerror(errno));
		return failed ? failed : 77;
	}
	return failed + cmocka_run_group_tests_name("links: live", live_tests, NULL, NULL);
}
