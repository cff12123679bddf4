/* links.c - a mirror of the kernel's links and addresses, kept current through rtnetlink
 *
 * Two sockets. The command socket (nlcmd.c) asks for dumps and waits for them; it is opened for
 * each synchronisation and closed again. The monitor (nlmonitor.c) is subscribed to the kernel's
 * notifications and read by the event loop:
 *
 *     links_on_message -> mirror_apply       for each notification
 *     links_on_read -> changed()             once per wake-up
 *            |  overrun
 *            v
 *     resync: mirror_dump into a new mirror, compare, swap
 *
 * The monitor is subscribed before the first dump, so nothing falls between the two. What it
 * holds back may then be older than the dump; read in order it ends in the same state.
 *
 * libnl's caches and its cache manager are not used: after an overrun they stay wrong.
 */
#include "common/net/links.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/net/mirror.h"
#include "common/net/nlcmd.h"
#include "common/net/nlmonitor.h"
#include "common/timer.h"

enum {
	LINKS_DUMP_TRIES = 8,	  /* a dump that changes hit is repeated */
	LINKS_RESYNC_GAP_MS = 50, /* the least time between two resynchronisations */
};

struct links {
	struct mirror mirror;
	struct links_counters counters;
	struct nlmonitor *monitor; /* NULL for a snapshot */
	struct event *resync_timer;
	int64_t last_resync_ms;
	bool stale;   /* messages were lost: a resynchronisation is due */
	bool changed; /* during this wake-up */
	links_changed_fn *on_changed;
	void *arg;
};

/* ---- dumps ---- */

struct dump {
	struct mirror *mirror;
	uint64_t n_messages;
};

static int dump_on_message(struct nlmsghdr *msg, void *arg)
{
	struct dump *dump = arg;
	int r = mirror_apply(dump->mirror, msg);

	dump->n_messages++;
	return r < 0 ? r : 0;
}

static int dump_run(
	struct nlcmd *cmd, int type, void *header, size_t header_len, struct dump *dump)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_DUMP);

	if (!msg || nlmsg_append(msg, header, header_len, NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	/* the counters of a link are most of its message, and nothing here needs them */
	if (type == RTM_GETLINK &&
		nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		return -ENOMEM;

	return nlcmd_dump(cmd, msg, dump_on_message, dump);
}

/* Fills an empty mirror. -EINTR: changes came during the dump, and the mirror may lack
 * something. */
static int mirror_dump(struct mirror *mirror, uint64_t *n_messages)
{
	AUTO(nlcmd_freep) struct nlcmd *cmd = NULL;
	struct ifinfomsg all_links = {.ifi_family = AF_UNSPEC};
	struct ifaddrmsg all_addrs = {.ifa_family = AF_UNSPEC};
	struct dump dump = {.mirror = mirror};

	int r = nlcmd_new(NETLINK_ROUTE, &cmd);
	if (r < 0)
		return r;

	mirror->filling = true;
	int links = dump_run(cmd, RTM_GETLINK, &all_links, sizeof(all_links), &dump);
	int addrs = links < 0 && links != -EINTR
			    ? links
			    : dump_run(cmd, RTM_GETADDR, &all_addrs, sizeof(all_addrs), &dump);
	mirror->filling = false;

	*n_messages += dump.n_messages;
	return addrs < 0 ? addrs : links;
}

/* Repeats an interrupted dump. -EINTR if every try was interrupted: `ret_mirror` then holds
 * the last one. On any other error it is empty. */
static int mirror_dump_whole(struct mirror *ret_mirror, uint64_t *n_messages)
{
	int r = -EINTR;

	mirror_init(ret_mirror);
	for (int i = 0; i < LINKS_DUMP_TRIES && r == -EINTR; i++) {
		mirror_fini(ret_mirror);
		r = mirror_dump(ret_mirror, n_messages);
	}
	if (r < 0 && r != -EINTR)
		mirror_fini(ret_mirror);
	return r;
}

/* ---- the monitor ---- */

/* Dumps again and swaps the mirror if it differs. If that fails, the old mirror stays, and a
 * timer tries again. */
static void resync(struct links *links)
{
	struct mirror fresh;
	int r = mirror_dump_whole(&fresh, &links->counters.messages);

	links->last_resync_ms = clock_now_ms();
	links->counters.resyncs++;
	links->stale = r < 0;
	if (links->stale)
		timer_arm_ms(links->resync_timer, LINKS_RESYNC_GAP_MS);
	if (r < 0 && r != -EINTR) {
		log_error(r, "links", "cannot read links and addresses; trying again");
		return;
	}

	if (mirror_eq(&fresh, &links->mirror)) {
		mirror_fini(&fresh);
		return;
	}
	mirror_fini(&links->mirror);
	links->mirror = fresh;
	links->changed = true;
}

/* At once after a quiet time, but at most once per LINKS_RESYNC_GAP_MS. */
static void resync_when_due(struct links *links)
{
	int64_t wait_ms = links->last_resync_ms + LINKS_RESYNC_GAP_MS - clock_now_ms();

	if (!links->stale)
		return;
	if (wait_ms > 0)
		timer_arm_ms(links->resync_timer, wait_ms);
	else
		resync(links);
}

static void links_on_message(struct nlmsghdr *msg, void *arg)
{
	struct links *links = arg;
	int r = mirror_apply(&links->mirror, msg);

	links->counters.messages++;
	if (r == MIRROR_CHANGED)
		links->changed = true;
	if (r == -ENOMEM)
		links->stale = true;
	if (r == -EBADMSG)
		log_debug("links", "malformed netlink message of type %u ignored",
			msg->nlmsg_type);
}

static void links_on_read(const struct nlmonitor_read *read, void *arg)
{
	struct links *links = arg;

	links->counters.overruns += read->n_overruns;
	if (read->n_overruns && !links->stale)
		log_info("links",
			"netlink messages were lost (%s): all links and addresses are read again",
			read->why);
	links->stale = links->stale || read->n_overruns;
	if (read->drained)
		resync_when_due(links);

	bool changed = links->changed;
	links->changed = false;
	if (changed && links->on_changed)
		links->on_changed(links->arg);
}

/* Empties the queue first: before that the kernel would not report another overrun. */
static void links_on_resync_timer(evutil_socket_t fd, short what, void *arg)
{
	struct links *links = arg;

	(void)fd;
	(void)what;
	nlmonitor_read(links->monitor);
}

static int links_follow(struct links *links, struct event_base *base)
{
	static const struct nlmonitor_calls calls = {links_on_message, links_on_read};
	static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};

	links->resync_timer = evtimer_new(base, links_on_resync_timer, links);
	if (!links->resync_timer)
		return -ENOMEM;
	int r = nlmonitor_new(base, NETLINK_ROUTE, &calls, links, &links->monitor);
	if (r < 0)
		return r;
	return nlmonitor_join(links->monitor, groups, sizeof(groups) / sizeof(groups[0]));
}

/* ---- the object ---- */

static int links_start(struct links *links, struct event_base *base)
{
	int r = base ? links_follow(links, base) : 0;

	if (r < 0)
		return log_error(r, "links", "cannot follow the kernel's links and addresses");

	r = mirror_dump_whole(&links->mirror, &links->counters.messages);
	if (r < 0 && r != -EINTR)
		return log_error(r, "links", "cannot read the kernel's links and addresses");

	links->stale = r == -EINTR;
	if (links->stale && base)
		timer_arm_ms(links->resync_timer, LINKS_RESYNC_GAP_MS);
	return 0;
}

int links_new(struct event_base *base, links_changed_fn *changed, void *arg,
	struct links **ret_links)
{
	struct links *links = calloc(1, sizeof(*links));
	if (!links)
		return log_error(-ENOMEM, "links", "cannot start");

	links->on_changed = changed;
	links->arg = arg;
	int r = links_start(links, base);
	if (r < 0) {
		links_free(links);
		return r;
	}
	*ret_links = links;
	return 0;
}

void links_free(struct links *links)
{
	if (!links)
		return;
	event_freep(&links->resync_timer);
	nlmonitor_free(links->monitor);
	mirror_fini(&links->mirror);
	free(links);
}

const struct link *links_find(const struct links *links, const char *name)
{
	const struct link *link = NULL;

	while ((link = links_next(links, link)))
		if (strcmp(link->name, name) == 0)
			return link;
	return NULL;
}

const struct link *links_find_index(const struct links *links, int ifindex)
{
	bool found;
	size_t at = mirror_index(&links->mirror, ifindex, &found);

	return found ? links->mirror.links[at] : NULL;
}

const struct link *links_next(const struct links *links, const struct link *after)
{
	bool found;
	size_t at = after ? mirror_index(&links->mirror, after->ifindex, &found) + 1 : 0;

	return at < links->mirror.n_links ? links->mirror.links[at] : NULL;
}

const struct links_counters *links_counters(const struct links *links)
{
	return &links->counters;
}

int links_monitor_fd(const struct links *links)
{
	return links->monitor ? nlmonitor_fd(links->monitor) : -1;
}

/* ---- the state of a link and of its addresses ---- */

bool link_is_usable(const struct link *link)
{
	/* dormant: there is a carrier, but no permission yet (802.1X, a radio link that has
	 * not joined; RFC 2863) */
	return (link->flags & IFF_UP) && link->carrier && link->operstate != IF_OPER_DORMANT;
}

/* An optimistic address may be used while duplicate detection still runs (RFC 4429). */
bool link_addr_is_settled(const struct link_addr *addr)
{
	if (addr->flags & IFA_F_DADFAILED)
		return false;
	return !(addr->flags & IFA_F_TENTATIVE) || (addr->flags & IFA_F_OPTIMISTIC);
}

bool link_addr_is_ready(const struct link_addr *addr)
{
	return addr->scope <= RT_SCOPE_SITE && link_addr_is_settled(addr);
}

struct prefix link_addr_subnet(const struct link_addr *addr)
{
	return prefix_of(
		addr_is_set(&addr->peer) ? &addr->peer : &addr->addr, addr->prefix_len);
}

/* ---- route look-up ---- */

static int route_on_message(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[RTA_MAX + 1];
	int *ret_ifindex = arg;

	if (msg->nlmsg_type != RTM_NEWROUTE ||
		nlmsg_parse(msg, sizeof(struct rtmsg), tb, RTA_MAX, NULL) < 0)
		return 0;

	const struct rtmsg *route = nlmsg_data(msg);
	bool passes = route->rtm_type == RTN_UNICAST || route->rtm_type == RTN_LOCAL ||
		      route->rtm_type == RTN_BROADCAST || route->rtm_type == RTN_MULTICAST;
	if (passes && tb[RTA_OIF] && nla_len(tb[RTA_OIF]) == sizeof(uint32_t))
		*ret_ifindex = (int)nla_get_u32(tb[RTA_OIF]);
	return 0;
}

static int route_request(
	const struct addr *src, const struct addr *dst, struct nl_msg **ret_request)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);
	struct rtmsg route = {
		.rtm_family = dst->family,
		.rtm_dst_len = (uint8_t)(8 * addr_len(dst)),
		.rtm_src_len = (uint8_t)(8 * addr_len(src)),
	};

	if (!msg || nlmsg_append(msg, &route, sizeof(route), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	if (addr_is_set(src) && nla_put(msg, RTA_SRC, (int)addr_len(src), src->bytes) < 0)
		return -ENOMEM;
	if (nla_put(msg, RTA_DST, (int)addr_len(dst), dst->bytes) < 0)
		return -ENOMEM;
	*ret_request = TAKE(msg);
	return 0;
}

/* What the kernel returns instead of a route: none, unreachable, prohibited, blackhole. IPv4
 * returns EINVAL also for a source that is no address of this machine; then nothing would be
 * sent either. */
static bool is_dropped(int err)
{
	return err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EACCES ||
	       err == -EINVAL || err == -EAGAIN;
}

int links_route_lookup(const struct addr *src, const struct addr *dst, int *ret_ifindex)
{
	AUTO(nlcmd_freep) struct nlcmd *cmd = NULL;
	AUTO(nlmsg_freep) struct nl_msg *request = NULL;
	int ifindex = 0;

	if (!addr_is_set(dst) || (addr_is_set(src) && src->family != dst->family))
		return -EAFNOSUPPORT;

	int r = nlcmd_new(NETLINK_ROUTE, &cmd);
	if (r == 0)
		r = route_request(src, dst, &request);
	if (r == 0)
		r = nlcmd_run(cmd, request, route_on_message, &ifindex);
	if (r < 0 && !is_dropped(r))
		return r;

	*ret_ifindex = r < 0 ? 0 : ifindex;
	return 0;
}
