/* kernel.h - the parts of the kernel's state that routed owns, as plain values
 *
 * `struct kernel` is used for both sides of the comparison: what should be (wanted.c) and what
 * is (rtnl.c, nft.c, sysctl.c read it). plan.c compares two of them. Arrays are owned by the
 * struct.
 */
#pragma once
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

enum {
	KERNEL_PROTOCOL = 200,	    /* rtm_protocol and FRA_PROTOCOL of all that is ours */
	KERNEL_UPLINK_GROUP = 5300, /* interface group of all uplinks */
	KERNEL_MAX_NEXTHOPS = 32,
	KERNEL_NO_SUPPRESS = -1,
	KERNEL_N_METRICS = 18,	 /* RTAX_MAX + 1, linux/rtnetlink.h */
	KERNEL_CONGCTL_MAX = 16, /* TCP_CA_NAME_MAX */
};

enum kernel_route_type { KERNEL_UNICAST, KERNEL_BLACKHOLE, KERNEL_UNREACHABLE };

struct kernel_nexthop {
	int ifindex;	     /* 0, only with a gateway: the one that leads to the gateway */
	struct addr gateway; /* unset: on-link */
	bool onlink;	     /* RTNH_F_ONLINK: the gateway need not be in a connected prefix */
	unsigned int weight; /* 1..256, as iproute2 counts */
};

/* What a route says of the path besides where it leads: MTU, MSS, windows, ... */
struct kernel_metrics {
	uint32_t
		values[KERNEL_N_METRICS]; /* by RTAX_*; RTAX_LOCK is a set of bits; 0: unset */
	char congctl[KERNEL_CONGCTL_MAX]; /* RTAX_CC_ALGO, or "" */
};

struct kernel_route {
	int family;
	enum kernel_route_type type;
	struct prefix dst; /* len 0: default */
	uint32_t table;
	uint32_t metric;
	struct addr prefsrc; /* unset: none */
	unsigned int scope;  /* 0: as ip-route(8) chooses it; else RT_SCOPE_* + 1 */
	struct kernel_metrics metrics;
	struct kernel_nexthop nexthops[KERNEL_MAX_NEXTHOPS];
	size_t n_nexthops; /* 0 for blackhole and unreachable */
};

struct kernel_rule {
	int family;
	uint32_t priority;
	struct prefix from; /* addr unset: any */
	struct prefix to;   /* addr unset: any */
	uint32_t fwmark;
	uint32_t fwmask;      /* 0: no mark in the rule */
	char iif[IFNAMSIZ];   /* "": any */
	char oif[IFNAMSIZ];   /* "": any */
	uint8_t ipproto;      /* 0: any */
	uint16_t dport_first; /* 0: any */
	uint16_t dport_last;
	bool blackhole; /* FR_ACT_BLACKHOLE, else look up `table` */
	uint32_t table;
	int suppress_prefixlen; /* or KERNEL_NO_SUPPRESS */
	int suppress_ifgroup;
};

/* The group of a device, for suppress_ifgroup. Set back to 0 when it is no uplink any more. */
struct kernel_group {
	char interface[IFNAMSIZ];
	int ifindex;
	uint32_t group;
};

enum kernel_sysctl_kind {
	KERNEL_SYSCTL_EXACT,
	KERNEL_SYSCTL_AT_LEAST,	  /* ip_forward: 1 or more is as good */
	KERNEL_SYSCTL_AT_MOST,	  /* unres_qlen_bytes: less is as good */
	KERNEL_SYSCTL_NOT_STRICT, /* rp_filter, accept_ra: 1 becomes 2; 0 and 2 stay */
};

struct kernel_sysctl {
	char path[128]; /* below /proc/sys, "net/ipv4/ip_forward" */
	enum kernel_sysctl_kind kind;
	long value; /* wanted; or what is there now, LONG_MIN if it cannot be read */
};

struct kernel {
	struct kernel_route *routes;
	size_t n_routes;
	struct kernel_rule *rules;
	size_t n_rules;
	struct kernel_group *groups;
	size_t n_groups;
	struct kernel_sysctl *sysctls;
	size_t n_sysctls;
};

void kernel_fini(struct kernel *kernel);

/* Each appends a copy. Out of memory ends the program. */
void kernel_add_route(struct kernel *kernel, const struct kernel_route *route);
void kernel_add_rule(struct kernel *kernel, const struct kernel_rule *rule);
void kernel_add_group(struct kernel *kernel, const struct kernel_group *group);
void kernel_add_sysctl(struct kernel *kernel, const struct kernel_sysctl *sysctl);

/* The order of next hops does not count, nor an ifindex that one of the two leaves open. */
bool kernel_metrics_eq(const struct kernel_metrics *a, const struct kernel_metrics *b);
bool kernel_route_eq(const struct kernel_route *a, const struct kernel_route *b);
bool kernel_rule_eq(const struct kernel_rule *a, const struct kernel_rule *b);

/* Total orders, for sorting: by what tells two routes of one kernel apart (family, table,
 * destination, metric), and by all of a rule. */
int kernel_route_cmp(const struct kernel_route *a, const struct kernel_route *b);
int kernel_rule_cmp(const struct kernel_rule *a, const struct kernel_rule *b);

/* As `ip route add` and `ip rule add` would take them ("default via 192.168.2.6 dev wan-a
 * table 5301 proto 200"), in a buffer of the caller's; returns it. `ifname` turns an ifindex
 * into a name (NULL: numbers). */
typedef const char *kernel_ifname_fn(int ifindex, void *arg);
char *kernel_route_str(const struct kernel_route *route, kernel_ifname_fn *ifname, void *arg,
	char *out, size_t cap);
char *kernel_rule_str(const struct kernel_rule *rule, char *out, size_t cap);
