/* site.h - what site.yaml says, as data
 *
 * One schema for both daemons. Nothing here reads a file or touches the system: siteload.h makes
 * a struct site. Reference for users: site.yaml(5).
 */
#pragma once
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "common/net/family.h"

enum {
	SITE_MAX_UPLINKS = 32, /* uplinkset.h: one bit each */
	SITE_MAX_SERVERS = 1024,
	SITE_NAME_MAX = 31,
	SITE_INHERIT = -1, /* a per-uplink setting that was not given */
};

/* Every kind of probe, and its first word in site.yaml. A table with a function per kind is
 * made of this list, so that it does not compile without one for each (siteprobe.c). */
#define SITE_PROBE_KINDS(X) \
	X(ICMP, icmp)       \
	X(TCP, tcp)         \
	X(DNS, dns)

#define SITE_PROBE_NUMBER(NAME, kind) SITE_PROBE_##NAME,
enum site_probe_kind { SITE_PROBE_KINDS(SITE_PROBE_NUMBER) SITE_PROBE_N_KINDS };
#undef SITE_PROBE_NUMBER

struct site_probe {
	enum site_probe_kind kind;
	bool gateway; /* icmp gateway: `addr` is not set */
	struct addr addr;
	uint16_t port; /* tcp */
	char *name;    /* dns: the name asked for, or NULL for the root */
	int line;
};

struct site_prefixes {
	struct prefix *items;
	size_t n;
};

struct site_probing {
	int64_t interval_ms;
	int64_t suspect_ms;
	int64_t timeout_ms;
	unsigned int fall;
	unsigned int rise;
	double degraded_loss; /* 0..1 */
	int64_t degraded_rtt_ms;
};

enum site_mss { SITE_MSS_AUTO, SITE_MSS_NO, SITE_MSS_FIXED };
enum site_nat6 { SITE_NAT6_ULA, SITE_NAT6_ALL, SITE_NAT6_NO };
enum { SITE_FAILBACK_MANUAL = -2 };

struct site_uplink {
	char name[SITE_NAME_MAX + 1];
	char interface[IFNAMSIZ];
	struct addr gateway[SITE_FAMILIES]; /* unset: learned from the kernel */
	struct site_probe *probes;
	size_t n_probes;
	/* a host prefix: that one; unset: the interface's (common/net/pickaddr.h) */
	struct prefix address[SITE_FAMILIES];
	struct addr public_addrs[SITE_FAMILIES]; /* unset: the interface's own */
	bool inbound;
	unsigned int quorum;
	unsigned int weight;
	int64_t failback_ms;	     /* SITE_INHERIT, SITE_FAILBACK_MANUAL, or a time */
	struct site_probing probing; /* complete: the defaults and `probing` are merged in */
	enum site_mss mss;
	unsigned int mss_bytes; /* SITE_MSS_FIXED */
	enum site_nat6 nat6;
	struct site_prefixes prefixes6;
	int line;
};

struct site_port {
	uint16_t first; /* public port range, inclusive */
	uint16_t last;
	uint16_t inside; /* inside port that `first` maps to */
	bool tcp;
	bool udp;
	int line;
};

struct site_server {
	char name[SITE_NAME_MAX + 1];
	struct addr address[SITE_FAMILIES]; /* at least one is set */
	struct addr (
		*loopbacks)[SITE_FAMILIES]; /* indexed by uplink, site->n_uplinks entries */
	bool has_loopbacks;
	struct site_port *ports;
	size_t n_ports;
	bool udp_to_loopback; /* `udp: loopback` */
	uint32_t uplinks; /* uplinkset; complete: the default (inbound ones) is filled in */
	struct site_prefixes from;	/* n == 0: everyone */
	struct addr via[SITE_FAMILIES]; /* default: address */
	bool route;
	uint16_t check_port; /* 0: no check */
	int line;
};

enum site_mode { SITE_MODE_FAILOVER, SITE_MODE_BALANCE };
enum site_sticky { SITE_STICKY_PAIR, SITE_STICKY_CLIENT, SITE_STICKY_NO };

struct site_policy {
	struct site_prefixes from; /* n == 0: any */
	struct site_prefixes to;
	struct site_port port;	       /* first == 0: any */
	uint8_t via[SITE_MAX_UPLINKS]; /* uplink indices in order of preference */
	size_t n_via;
	bool else_drop;
	int line;
};

struct site_routing {
	enum site_mode mode;
	enum site_sticky sticky;
	int64_t failback_ms; /* or SITE_FAILBACK_MANUAL */
	int64_t flush_after_ms;
	bool last_resort_keep;
	struct site_policy *policies;
	size_t n_policies;
	bool guard;
	struct site_prefixes open;
	struct site_prefixes no_nat;
	char *notify; /* absolute path, or NULL */
	uint32_t mark;
	uint32_t tables;
	uint32_t priority;
	uint32_t default_priority;
};

struct site_zone {
	char *name; /* without the final dot, lower case */
	char *file; /* resolved against site.yaml's folder */
	struct { /* parent: where its NS addresses are kept current; server NULL if not given
		  */
		char *server;	  /* as written: ADDR[:PORT] or NAME[:PORT] */
		char *host;	  /* a name that is still to be resolved, else NULL */
		struct addr addr; /* ... or the address */
		uint16_t port;
		char *key; /* path of the key file, resolved */
		int key_line;
		int64_t ttl_ms;
	} parent;
	int line;
};

enum { SITE_THREADS_AUTO = 0 };

struct site_rate {
	bool enabled;
	unsigned int per_second; /* responses of one kind to one client prefix */
	unsigned int slip;	 /* every n-th of the suppressed answers goes out truncated */
};

struct site_dns {
	uint16_t port;
	uint16_t inside;      /* 0: no inside view */
	unsigned int threads; /* SITE_THREADS_AUTO, or per socket */
	bool when_degraded_move;
	bool serial_unixtime;
	char *nsid;		  /* NULL: none */
	struct addr metrics_addr; /* unset: no */
	uint16_t metrics_port;
	char *querylog; /* NULL: no */
	struct site_rate rate;
	struct site_zone *zones;
	size_t n_zones;
};

struct site {
	char *path;		     /* as given */
	char *dir;		     /* its folder; relative names are looked up there */
	struct site_uplink *uplinks; /* in order of preference */
	size_t n_uplinks;
	char (*lan)[IFNAMSIZ];
	size_t n_lan;
	struct site_server *servers;
	size_t n_servers;
	struct site_routing routing;
	struct site_probing probing;
	struct site_dns dns;
};

void site_free(struct site *site);
void site_freep(struct site **site); /* for AUTO */

/* Index of the uplink or server of that name, or -1. */
int site_find_uplink(const struct site *site, const char *name);
int site_find_server(const struct site *site, const char *name);

/* The bits of `mark` follow one another, and have room for two marks per uplink beside 0: for
 * connections that came in and that went out. */
bool site_mark_has_room(uint32_t mark, size_t n_uplinks);
