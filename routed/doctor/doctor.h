/* doctor.h - what on this machine breaks multi-homing, and what to do about it
 *
 * The verb `doctor` prints it; `run` logs it once the agent has written its own part. The checks
 * are pure: site.yaml and gathered facts in, findings out (doctor.c has their table). The facts
 * are gathered by doctorfacts.c, doctornft.c and doctornetworkd.c, which only read.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/links.h"
#include "common/site/site.h"
#include "routed/doctor/doctorfinding.h"
#include "routed/kernel/kernel.h"
#include "routed/kernel/mainroutes.h"

struct cli;

enum { DOCTOR_MAX_ADDRS = 16, DOCTOR_WHY_MAX = 256, DOCTOR_NAME_MAX = 64 };

/* The present state of an interface of site.yaml. */
struct doctor_device {
	int ifindex;	       /* 0: there is no interface of that name */
	char master[IFNAMSIZ]; /* the bridge or bond that it is a port of, or "" */
	struct link_addr addrs[DOCTOR_MAX_ADDRS]; /* ready ones */
	size_t n_addrs;
	long rp_filter; /* LONG_MIN here and below: cannot be read */
};

/* A rule of another program; one that reads "not ..." is `inverted`. */
struct doctor_rule {
	struct kernel_rule rule;
	bool inverted;
};

/* A default route of another program, or half of one (0.0.0.0/1). */
struct doctor_default {
	int family;
	uint32_t table;
	uint32_t metric;
	uint8_t prefix_len; /* 0 or 1 */
	int ifindex;	    /* of its first next hop, 0: none */
};

enum doctor_hook { DOCTOR_FORWARD, DOCTOR_INPUT };
enum doctor_owner {
	DOCTOR_NFT,
	DOCTOR_IPTABLES,
	DOCTOR_DOCKER,
	DOCTOR_UFW,
	DOCTOR_FIREWALLD,
};

/* A base chain of another nftables table. The three `passes_` are true if any accepting rule of
 * the whole table seems to be for what we need to pass. */
struct doctor_chain {
	char family[8]; /* ip, ip6 or inet */
	char table[DOCTOR_NAME_MAX];
	char name[DOCTOR_NAME_MAX];
	enum doctor_hook hook;
	enum doctor_owner owner;
	bool policy_drop;
	bool drops_rest;   /* a rule drops or rejects all that reaches it */
	bool drops_uplink; /* ... all that came in over an uplink */
	bool passes_dnat;  /* connections that were translated */
	bool passes_lan;   /* what comes from the LAN */
	bool passes_dns;   /* queries to dnsd */
};

/* The kernel's route to an address of a server. */
struct doctor_server_route {
	size_t server;
	size_t uplink;	  /* whose loopback it is, or SIZE_MAX: the LAN address */
	struct addr addr; /* of the server */
	int ifindex;	  /* 0: there is no route */
};

struct doctor_networkd {
	bool runs;
	bool manages_rules; /* ManageForeignRoutingPolicyRules, ManageForeignRoutes */
	bool manages_routes;
};

struct doctor_facts {
	struct doctor_device *uplinks; /* as in site.yaml */
	struct doctor_device *lan;
	struct doctor_rule *rules;
	size_t n_rules;
	struct doctor_default *defaults;
	size_t n_defaults;
	struct mainroutes main_routes; /* over the uplinks */
	struct doctor_chain *chains;
	size_t n_chains;
	struct doctor_server_route *server_routes;
	size_t n_server_routes;
	struct doctor_networkd networkd;
	bool applied;		/* our rules are there: routed runs, or ran */
	bool legacy_iptables;	/* there are rules that only iptables-legacy shows */
	bool no_rules;		/* the kernel has no policy routing */
	bool no_conntrack_list; /* the kernel cannot list its connections */
	char table_refused[DOCTOR_WHY_MAX]; /* why the kernel rejects our nft table */
	bool nft_unread;		    /* no privilege to read nftables */
	long rp_filter_all;
	long tcp_loose;
	long conntrack_count;
	long conntrack_max;
	int64_t now_s;
	int64_t site_changed_s; /* mtime of site.yaml; 0: unknown */
};

/* Never fails: what cannot be read is left out. The caller calls doctor_facts_fini. */
void doctor_gather(const struct site *site, struct doctor_facts *ret_facts);
void doctor_facts_fini(struct doctor_facts *facts);

/* Runs all checks. The caller frees the findings with doctor_findings_fini. */
void doctor_check(const struct site *site, const struct doctor_facts *facts,
	struct doctor_findings *ret_findings);

/* Gathers, checks, and logs a warning for each finding. Takes some milliseconds. Call it once the
 * agent's own routes, rules and sysctls are in place. */
void doctor_log(const struct site *site);

int doctor_run(const struct cli *cli);
