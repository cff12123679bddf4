/* test_pickaddr.c - which of an interface's addresses stands for an uplink */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/net/pickaddr.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ADDRS = 4 };

struct own {
	const char *addr; /* "ADDR/LEN" as `ip addr` has it, host bits set */
	const char *peer;
	uint32_t flags;
	uint8_t scope;
};

struct example {
	const char *what;
	struct own own[MAX_ADDRS];
	const char *address; /* of site.yaml */
	const char *gateway;
	const char *picked; /* NULL: none */
};

static const struct example examples[] = {
	/* --- scope --- */
	{"a ULA that came after the global one",
		{{.addr = "fd5e:1::1/64"}, {.addr = "2001:db8:a::1/64"}},
		.picked = "2001:db8:a::1"},
	{"a ULA that came before it", {{.addr = "2001:db8:a::1/64"}, {.addr = "fd5e:1::1/64"}},
		.picked = "2001:db8:a::1"},
	{"a ULA alone", {{.addr = "fd5e:1::1/64"}}, .picked = "fd5e:1::1"},
	{"a site-local one counts as private",
		{{.addr = "fec0::1/64"}, {.addr = "2001:db8:a::1/64"}},
		.picked = "2001:db8:a::1"},
	{"global before private", {{.addr = "192.168.100.2/24"}, {.addr = "203.0.113.99/24"}},
		.picked = "203.0.113.99"},
	{"global before shared before private",
		{{.addr = "10.1.2.3/8"}, {.addr = "100.72.3.4/20"},
			{.addr = "203.0.113.99/24"}},
		.picked = "203.0.113.99"},
	{"shared before private", {{.addr = "172.16.1.1/30"}, {.addr = "100.127.255.1/20"}},
		.picked = "100.127.255.1"},
	{"172.32/11 and 100.128/9 are global",
		{{.addr = "172.15.0.1/24"}, {.addr = "100.128.0.1/24"}},
		.picked = "172.15.0.1"},
	{"private ones alone: the kernel's order",
		{{.addr = "192.168.2.1/29"}, {.addr = "10.9.9.9/24"}},
		.picked = "192.168.2.1"},
	{"two global ones: the kernel's order",
		{{.addr = "2001:db8:a::2/64"}, {.addr = "2001:db8:b::1/64"}},
		.picked = "2001:db8:a::2"},
	{"IPv4 link-local last", {{.addr = "169.254.7.7/16"}, {.addr = "192.168.2.1/29"}},
		.picked = "192.168.2.1"},
	{"IPv4 link-local where there is nothing else", {{.addr = "169.254.7.7/16"}},
		.picked = "169.254.7.7"},
	{"IPv6 link-local never", {{.addr = "fe80::1/64", .scope = RT_SCOPE_LINK}},
		.picked = NULL},
	{"loopback never",
		{{.addr = "127.0.0.5/8"}, {.addr = "::1/128", .scope = RT_SCOPE_HOST}},
		.picked = NULL},
	{"host scope never", {{.addr = "10.255.0.1/32", .scope = RT_SCOPE_HOST}},
		.picked = NULL},

	/* --- the gateway --- */
	{"the modem's net first", {{.addr = "192.168.100.2/24"}, {.addr = "203.0.113.99/24"}},
		.gateway = "203.0.113.1", .picked = "203.0.113.99"},
	{"an ISP that gives private addresses",
		{{.addr = "203.0.113.99/32"}, {.addr = "10.64.0.9/20"}},
		.gateway = "10.64.0.1", .picked = "10.64.0.9"},
	{"two prefixes hold it: the longest",
		{{.addr = "10.0.0.5/8"}, {.addr = "10.1.2.3/24"}}, .gateway = "10.1.2.1",
		.picked = "10.1.2.3"},
	{"the longest in the other order", {{.addr = "10.1.2.3/24"}, {.addr = "10.0.0.5/8"}},
		.gateway = "10.1.2.1", .picked = "10.1.2.3"},
	{"the gateway is in no prefix: scope",
		{{.addr = "192.168.100.2/24"}, {.addr = "203.0.113.99/32"}},
		.gateway = "198.51.100.1", .picked = "203.0.113.99"},
	{"a link-local gateway never lifts a link-local address",
		{{.addr = "169.254.1.2/16"}, {.addr = "203.0.113.99/32"}},
		.gateway = "169.254.1.1", .picked = "203.0.113.99"},
	{"fe80:: tells nothing", {{.addr = "fd5e:1::1/64"}, {.addr = "2001:db8:a::1/64"}},
		.gateway = "fe80::1", .picked = "2001:db8:a::1"},
	{"an IPv6 gateway in a prefix",
		{{.addr = "2001:db8:b::1/64"}, {.addr = "2001:db8:a::1/64"}},
		.gateway = "2001:db8:a::6", .picked = "2001:db8:a::1"},
	{"a gateway of the other family",
		{{.addr = "192.168.100.2/24"}, {.addr = "203.0.113.99/24"}},
		.gateway = "2001:db8:a::6", .picked = "203.0.113.99"},
	{"point-to-point: the far end is the gateway",
		{{.addr = "203.0.113.7/32", .peer = "203.0.113.200"},
			{.addr = "10.0.0.2/32", .peer = "10.0.0.1"}},
		.gateway = "10.0.0.1", .picked = "10.0.0.2"},
	{"point-to-point without a gateway: scope",
		{{.addr = "10.0.0.2/32", .peer = "10.0.0.1"},
			{.addr = "203.0.113.7/32", .peer = "198.51.100.1"}},
		.picked = "203.0.113.7"},
	{"a prefix of no length holds nothing",
		{{.addr = "10.0.0.2/0"}, {.addr = "203.0.113.7/24"}},
		.gateway = "198.51.100.1", .picked = "203.0.113.7"},

	/* --- what does not count --- */
	{"secondary",
		{{.addr = "203.0.113.9/24", .flags = IFA_F_SECONDARY},
			{.addr = "10.0.0.2/24"}},
		.picked = "10.0.0.2"},
	{"temporary",
		{{.addr = "2001:db8:a::9/64", .flags = IFA_F_TEMPORARY},
			{.addr = "fd5e:1::1/64"}},
		.picked = "fd5e:1::1"},
	{"deprecated, though the gateway is there",
		{{.addr = "2001:db8:a::1/64", .flags = IFA_F_DEPRECATED},
			{.addr = "2001:db8:b::1/64"}},
		.gateway = "2001:db8:a::6", .picked = "2001:db8:b::1"},
	{"tentative",
		{{.addr = "2001:db8:a::1/64", .flags = IFA_F_TENTATIVE},
			{.addr = "fd5e:1::1/64"}},
		.picked = "fd5e:1::1"},
	{"failed",
		{{.addr = "2001:db8:a::1/64", .flags = IFA_F_DADFAILED},
			{.addr = "fd5e:1::1/64"}},
		.picked = "fd5e:1::1"},

	/* --- `address:` --- */
	{"a whole address before all else",
		{{.addr = "203.0.113.99/24"},
			{.addr = "192.168.100.2/24", .flags = IFA_F_SECONDARY}},
		.address = "192.168.100.2", .gateway = "203.0.113.1",
		.picked = "192.168.100.2"},
	{"of whatever scope", {{.addr = "fe80::1/64", .scope = RT_SCOPE_LINK}},
		.address = "fe80::1", .picked = "fe80::1"},
	{"also a deprecated one", {{.addr = "2001:db8:a::1/64", .flags = IFA_F_DEPRECATED}},
		.address = "2001:db8:a::1", .picked = "2001:db8:a::1"},
	{"but not a tentative one", {{.addr = "2001:db8:a::1/64", .flags = IFA_F_TENTATIVE}},
		.address = "2001:db8:a::1", .picked = NULL},
	{"one that is not there: none", {{.addr = "203.0.113.99/24"}},
		.address = "203.0.113.98", .picked = NULL},
	{"the one within a prefix", {{.addr = "2001:db8:a::1/64"}, {.addr = "fd5e:1::1/64"}},
		.address = "fd00::/8", .picked = "fd5e:1::1"},
	{"a prefix that holds none: none", {{.addr = "203.0.113.99/24"}},
		.address = "192.0.2.0/24", .picked = NULL},
	{"several within: the gateway",
		{{.addr = "10.9.0.1/24"}, {.addr = "10.1.2.3/24"}, {.addr = "203.0.113.9/24"}},
		.address = "10.0.0.0/8", .gateway = "10.1.2.1", .picked = "10.1.2.3"},
	{"several within: primary before secondary",
		{{.addr = "203.0.113.65/24", .flags = IFA_F_SECONDARY},
			{.addr = "203.0.113.66/24"}},
		.address = "203.0.113.64/26", .picked = "203.0.113.66"},
	{"a secondary one alone",
		{{.addr = "203.0.113.65/24", .flags = IFA_F_SECONDARY},
			{.addr = "203.0.113.1/24"}},
		.address = "203.0.113.64/26", .picked = "203.0.113.65"},
	{"no temporary one", {{.addr = "2001:db8:a::9/64", .flags = IFA_F_TEMPORARY}},
		.address = "2001:db8::/32", .picked = NULL},
	{"no link-local one", {{.addr = "fe80::1/64", .scope = RT_SCOPE_LINK}},
		.address = "fe80::/10", .picked = NULL},
};

static struct link_addr own_addr(const struct own *own)
{
	struct link_addr addr = {.flags = own->flags, .scope = own->scope};
	char text[INET6_ADDRSTRLEN + 4];

	strcpy(text, own->addr);
	*strchr(text, '/') = '\0';
	assert_int_equal(addr_parse(text, &addr.addr), 0);
	addr.prefix_len = (uint8_t)atoi(strchr(own->addr, '/') + 1);
	if (own->peer)
		assert_int_equal(addr_parse(own->peer, &addr.peer), 0);
	return addr;
}

static void check_example(const struct example *example)
{
	struct link_addr addrs[MAX_ADDRS];
	struct link link = {.addrs = addrs};
	struct prefix address = {0};
	struct addr gateway = {0};

	while (link.n_addrs < MAX_ADDRS && example->own[link.n_addrs].addr) {
		addrs[link.n_addrs] = own_addr(&example->own[link.n_addrs]);
		link.n_addrs++;
	}
	if (example->address)
		assert_int_equal(prefix_parse(example->address, &address), 0);
	if (example->gateway)
		assert_int_equal(addr_parse(example->gateway, &gateway), 0);

	print_message("  %s\n", example->what);
	const struct link_addr *found = pickaddr(
		&link, addrs[0].addr.family, &address, &gateway);
	assert_string_equal(found ? addr_str(&found->addr) : "none",
		example->picked ? example->picked : "none");
	if (found)
		assert_true(pickaddr_is_served(found, &address));
}

static void one_address_stands_for_the_uplink(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
		check_example(&examples[i]);
}

/* Every ready one may be asked, but only those that `address` leaves. */
static void served_are_more_than_the_chosen_one(void **state)
{
	static const struct {
		struct own own;
		const char *address;
		bool served;
	} cases[] = {
		{{.addr = "192.168.100.2/24"}, NULL, true},
		{{.addr = "203.0.113.9/24", .flags = IFA_F_SECONDARY}, NULL, true},
		{{.addr = "2001:db8:a::1/64", .flags = IFA_F_DEPRECATED}, NULL, true},
		{{.addr = "2001:db8:a::1/64", .flags = IFA_F_TENTATIVE}, NULL, false},
		{{.addr = "fe80::1/64", .scope = RT_SCOPE_LINK}, NULL, false},
		{{.addr = "203.0.113.9/24"}, "203.0.113.9", true},
		{{.addr = "203.0.113.9/24"}, "203.0.113.8", false},
		{{.addr = "203.0.113.9/24"}, "203.0.113.0/24", true},
		{{.addr = "203.0.113.9/24", .flags = IFA_F_SECONDARY}, "203.0.113.0/24", true},
		{{.addr = "192.168.100.2/24"}, "203.0.113.0/24", false},
		{{.addr = "fe80::1/64", .scope = RT_SCOPE_LINK}, "fe80::1", true},
		{{.addr = "fe80::1/64", .scope = RT_SCOPE_LINK}, "fe80::/10", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct link_addr addr = own_addr(&cases[i].own);
		struct prefix address = {0};

		if (cases[i].address)
			assert_int_equal(prefix_parse(cases[i].address, &address), 0);
		print_message("  %s in %s\n", cases[i].own.addr, prefix_str(&address));
		assert_int_equal(pickaddr_is_served(&addr, &address), cases[i].served);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_stands_for_the_uplink),
		cmocka_unit_test(served_are_more_than_the_chosen_one),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
