/* links.h - a mirror of the kernel's links and addresses, kept current through rtnetlink
 *
 * `links_new` dumps both and then follows the kernel's messages. The operator knows an
 * interface by its name, the kernel by its ifindex: an interface may appear later, vanish, be
 * renamed, or come back with another ifindex. If messages are lost (the socket overran), the
 * mirror is dumped again. Between two wake-ups of the event loop a reader sees a consistent
 * mirror.
 *
 * How late messages are: a new address, a new link and a new carrier arrive within a fraction
 * of a millisecond. A lost carrier may not: the kernel sends such events at most once per
 * second, for all network namespaces together (net/core/link_watch.c). The carrier's flag
 * itself (RTM_GETLINK, IFLA_CARRIER) changes at once: a caller that needs it sooner has to
 * poll it.
 */
#pragma once
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

struct event_base;
struct links; /* opaque, see links.c */

struct link_addr {
	struct addr addr;   /* the local address (IFA_LOCAL on point-to-point links) */
	struct addr peer;   /* point-to-point: the far end, else unset */
	uint8_t prefix_len; /* bits */
	uint8_t scope;	    /* RT_SCOPE_UNIVERSE, ... */
	uint32_t flags;	    /* IFA_F_SECONDARY, IFA_F_TENTATIVE, ... */
};

struct link {
	int ifindex;
	char name[IFNAMSIZ];
	uint32_t flags;	   /* IFF_UP, IFF_LOWER_UP, IFF_POINTOPOINT, ... */
	uint8_t operstate; /* IF_OPER_UP, ... */
	bool carrier;
	uint32_t mtu;
	uint32_t group;
	int master;		 /* ifindex of the bridge or bond that it is a port of, or 0 */
	struct link_addr *addrs; /* in the kernel's order */
	size_t n_addrs;
};

struct links_counters {
	uint64_t messages;
	uint64_t overruns; /* the kernel dropped messages: a resynchronisation follows */
	uint64_t resyncs;
};

/* Called once per burst after the mirror changed, at the end of the wake-up that read it. It
 * must not free the mirror. */
typedef void links_changed_fn(void *arg);

/* Opens, dumps and follows. Does not call the callback itself. `base` NULL: a snapshot that
 * is not kept current, for one-shot verbs. A negative errno after a logged message. */
int links_new(struct event_base *base, links_changed_fn *changed, void *arg,
	struct links **ret_links);
void links_free(struct links *links);

/* Borrowed until the next wake-up of the event loop. NULL if there is none. */
const struct link *links_find(const struct links *links, const char *name);
const struct link *links_find_index(const struct links *links, int ifindex);
const struct link *links_next(
	const struct links *links, const struct link *after); /* NULL: first */

const struct links_counters *links_counters(const struct links *links);

/* The socket at which notifications arrive, borrowed; -1 for a snapshot. Tests shrink it. */
int links_monitor_fd(const struct links *links);

/* Up, with carrier, and not dormant (802.1X): packets may pass. */
bool link_is_usable(const struct link *link);

/* An address that can be bound and can answer now: of global scope (site and unique-local
 * IPv6 included), neither tentative nor failed in duplicate detection. */
bool link_addr_is_ready(const struct link_addr *addr);

/* May a socket be bound to it now, whatever its scope? */
bool link_addr_is_settled(const struct link_addr *addr);

/* The subnet that an address brings: that of the far end on a point-to-point link. */
struct prefix link_addr_subnet(const struct link_addr *addr);

/* The interface over which the kernel would send a packet from `src` (unset: the kernel
 * chooses) to `dst`. `ret_ifindex` is 0 if it would drop the packet (blackhole, unreachable,
 * no route). Blocks for some microseconds. A negative errno if the kernel could not be asked.
 */
int links_route_lookup(const struct addr *src, const struct addr *dst, int *ret_ifindex);
