/* mirror.c - the reader of rtnetlink messages: octets in, links and addresses out
 *
 * Four messages matter: RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR and RTM_DELADDR. All others are
 * ignored, since a later kernel may send more. libnl's policies check the length of each
 * attribute before any is read.
 *
 * The addresses of a link stand in the order in which the kernel would dump them: "the first
 * address" is then the same whether we saw the addresses come or dumped them later.
 * test_links.c compares the two.
 */
#include "common/net/mirror.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/family.h"

static struct nla_policy link_policy[IFLA_CARRIER + 1] = {
	[IFLA_IFNAME] = {.type = NLA_STRING, .maxlen = IFNAMSIZ},
	[IFLA_MTU] = {.type = NLA_U32},
	[IFLA_MASTER] = {.type = NLA_U32},
	[IFLA_OPERSTATE] = {.type = NLA_U8},
	[IFLA_GROUP] = {.type = NLA_U32},
	[IFLA_CARRIER] = {.type = NLA_U8},
};

static struct nla_policy addr_policy[IFA_FLAGS + 1] = {
	[IFA_ADDRESS] = {.minlen = 4, .maxlen = 16},
	[IFA_LOCAL] = {.minlen = 4, .maxlen = 16},
	[IFA_FLAGS] = {.type = NLA_U32},
};

static void link_free(struct link *link)
{
	if (link)
		free(link->addrs);
	free(link);
}

void mirror_init(struct mirror *mirror)
{
	*mirror = (struct mirror){0};
}

void mirror_fini(struct mirror *mirror)
{
	for (size_t i = 0; i < mirror->n_links; i++)
		link_free(mirror->links[i]);
	free(mirror->links);
	mirror_init(mirror);
}

size_t mirror_index(const struct mirror *mirror, int ifindex, bool *ret_found)
{
	size_t low = 0;
	size_t high = mirror->n_links;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (mirror->links[mid]->ifindex < ifindex)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_found = low < mirror->n_links && mirror->links[low]->ifindex == ifindex;
	return low;
}

static struct link *find_link(const struct mirror *mirror, int ifindex)
{
	bool found;
	size_t at = mirror_index(mirror, ifindex, &found);

	return found ? mirror->links[at] : NULL;
}

/* Room for one more item; the capacity doubles at each power of two. */
static void *mirror_grow(void *items, size_t n_items, size_t size)
{
	if (n_items > 0 && (n_items & (n_items - 1)) != 0)
		return items;
	return reallocarray(items, n_items ? 2 * n_items : 1, size);
}

static int insert_link(struct mirror *mirror, int ifindex, struct link **ret_link)
{
	bool found;
	size_t at = mirror_index(mirror, ifindex, &found);

	struct link **links = mirror_grow(
		mirror->links, mirror->n_links, sizeof(struct link *));
	if (!links)
		return -ENOMEM;
	mirror->links = links;

	struct link *link = calloc(1, sizeof(*link));
	if (!link)
		return -ENOMEM;
	link->ifindex = ifindex;

	memmove(&links[at + 1], &links[at], (mirror->n_links - at) * sizeof(struct link *));
	links[at] = link;
	mirror->n_links++;
	*ret_link = link;
	return 0;
}

static int remove_link(struct mirror *mirror, int ifindex)
{
	bool found;
	size_t at = mirror_index(mirror, ifindex, &found);

	if (!found)
		return MIRROR_SAME;
	link_free(mirror->links[at]); /* its addresses are gone with it */
	mirror->n_links--;
	memmove(&mirror->links[at], &mirror->links[at + 1],
		(mirror->n_links - at) * sizeof(struct link *));
	return MIRROR_CHANGED;
}

static bool link_eq(const struct link *a, const struct link *b)
{
	return a->ifindex == b->ifindex && strcmp(a->name, b->name) == 0 &&
	       a->flags == b->flags && a->operstate == b->operstate &&
	       a->carrier == b->carrier && a->mtu == b->mtu && a->group == b->group &&
	       a->master == b->master;
}

/* Updates the link from a message; what the message leaves out stays as it was. */
static void link_update(struct link *link, const struct ifinfomsg *info, struct nlattr **tb)
{
	link->flags = info->ifi_flags;
	if (tb[IFLA_MTU])
		link->mtu = nla_get_u32(tb[IFLA_MTU]);
	if (tb[IFLA_OPERSTATE])
		link->operstate = nla_get_u8(tb[IFLA_OPERSTATE]);
	if (tb[IFLA_GROUP])
		link->group = nla_get_u32(tb[IFLA_GROUP]);
	if (tb[IFLA_CARRIER])
		link->carrier = nla_get_u8(tb[IFLA_CARRIER]) != 0;

	/* Wireless extensions send an RTM_NEWLINK with no name and little else. Only in a
	 * complete message does a missing IFLA_MASTER mean that the link has no master. */
	if (tb[IFLA_IFNAME]) {
		nla_strlcpy(link->name, tb[IFLA_IFNAME], sizeof(link->name));
		link->master = tb[IFLA_MASTER] ? (int)nla_get_u32(tb[IFLA_MASTER]) : 0;
	}
}

static int read_link(struct mirror *mirror, struct nlmsghdr *msg)
{
	struct nlattr *tb[IFLA_CARRIER + 1];

	if (nlmsg_parse(msg, sizeof(struct ifinfomsg), tb, IFLA_CARRIER, link_policy) < 0)
		return -EBADMSG;

	/* A bridge reports its ports with RTM_NEWLINK and RTM_DELLINK of family AF_BRIDGE:
	 * RTM_DELLINK then means that the port left the bridge, not that the link is gone. */
	const struct ifinfomsg *info = nlmsg_data(msg);
	if (info->ifi_family != AF_UNSPEC)
		return MIRROR_SAME;
	if (info->ifi_index <= 0 || (tb[IFLA_IFNAME] && !*nla_get_string(tb[IFLA_IFNAME])))
		return -EBADMSG;
	if (msg->nlmsg_type == RTM_DELLINK)
		return remove_link(mirror, info->ifi_index);

	struct link *link = find_link(mirror, info->ifi_index);
	bool is_new = link == NULL;
	if (is_new && !tb[IFLA_IFNAME])
		return MIRROR_SAME; /* nothing that one could call it by */
	if (is_new && insert_link(mirror, info->ifi_index, &link) < 0)
		return -ENOMEM;

	struct link before = *link;
	link_update(link, info, tb);
	return is_new || !link_eq(&before, link) ? MIRROR_CHANGED : MIRROR_SAME;
}

/* One address out of RTM_NEWADDR or RTM_DELADDR. On a point-to-point link IFA_ADDRESS is the
 * far end and IFA_LOCAL ours; IPv6 leaves IFA_LOCAL out elsewhere (linux/if_addr.h). */
static int parse_addr(
	const struct ifaddrmsg *info, struct nlattr **tb, struct link_addr *ret_addr)
{
	int len = (int)family_addr_len(info->ifa_family);
	struct nlattr *local = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	struct nlattr *peer = tb[IFA_ADDRESS];

	if (!local || nla_len(local) != len || (peer && nla_len(peer) != len))
		return -EBADMSG;
	if (info->ifa_prefixlen > 8 * len)
		return -EBADMSG;

	struct link_addr addr = {
		.addr = addr_from_bytes(info->ifa_family, nla_data(local)),
		.prefix_len = info->ifa_prefixlen,
		.scope = info->ifa_scope,
		.flags = tb[IFA_FLAGS] ? nla_get_u32(tb[IFA_FLAGS]) : info->ifa_flags,
	};
	if (peer && memcmp(nla_data(peer), nla_data(local), (size_t)len) != 0)
		addr.peer = addr_from_bytes(info->ifa_family, nla_data(peer));

	*ret_addr = addr;
	return 0;
}

/* Do both mean the same address? IPv6 has an address once per link, and its prefix or far end
 * may change; in IPv4 another prefix or far end is another address. */
static bool link_addr_is_same(const struct link_addr *a, const struct link_addr *b)
{
	if (!addr_eq(&a->addr, &b->addr))
		return false;
	return a->addr.family == AF_INET6 ||
	       (a->prefix_len == b->prefix_len && addr_eq(&a->peer, &b->peer));
}

static bool link_addr_eq(const struct link_addr *a, const struct link_addr *b)
{
	return link_addr_is_same(a, b) && a->prefix_len == b->prefix_len &&
	       addr_eq(&a->peer, &b->peer) && a->scope == b->scope && a->flags == b->flags;
}

static size_t find_addr(const struct link *link, const struct link_addr *addr)
{
	size_t i = 0;

	while (i < link->n_addrs && !link_addr_is_same(&link->addrs[i], addr))
		i++;
	return i;
}

/* Where the kernel would put a new address. IPv4 comes first. A secondary goes last, a primary
 * behind the last primary whose scope is no wider (__inet_insert_ifa). IPv6 goes before the
 * first whose scope is no wider, thus the newest comes first (ipv6_link_dev_addr). A greater
 * number is a narrower scope. */
static size_t place_addr(const struct link *link, const struct link_addr *addr)
{
	size_t after_primaries = 0;
	size_t i;

	for (i = 0; i < link->n_addrs && link->addrs[i].addr.family == AF_INET; i++)
		if (!(link->addrs[i].flags & IFA_F_SECONDARY) &&
			addr->scope <= link->addrs[i].scope)
			after_primaries = i + 1;
	if (addr->addr.family == AF_INET)
		return addr->flags & IFA_F_SECONDARY ? i : after_primaries;

	while (i < link->n_addrs && link->addrs[i].scope < addr->scope)
		i++;
	return i;
}

static void remove_addr(struct link *link, size_t at)
{
	link->n_addrs--;
	memmove(&link->addrs[at], &link->addrs[at + 1],
		(link->n_addrs - at) * sizeof(*link->addrs));
}

static int insert_addr(struct link *link, size_t at, const struct link_addr *addr)
{
	struct link_addr *addrs = mirror_grow(link->addrs, link->n_addrs, sizeof(*addrs));

	if (!addrs)
		return -ENOMEM;
	link->addrs = addrs;
	memmove(&addrs[at + 1], &addrs[at], (link->n_addrs - at) * sizeof(*addrs));
	addrs[at] = *addr;
	link->n_addrs++;
	return MIRROR_CHANGED;
}

static int update_addr(struct link *link, size_t at, const struct link_addr *addr)
{
	uint32_t changed = link->addrs[at].flags ^ addr->flags;

	if (link_addr_eq(&link->addrs[at], addr))
		return MIRROR_SAME;
	if (!(changed & IFA_F_SECONDARY)) {
		link->addrs[at] = *addr;
		return MIRROR_CHANGED;
	}

	/* promoted after its primary went (net.ipv4.conf.*.promote_secondaries): the kernel
	 * moves it to the primary addresses */
	remove_addr(link, at);
	return insert_addr(link, place_addr(link, addr), addr);
}

static int mirror_read_addr(struct mirror *mirror, struct nlmsghdr *msg)
{
	struct nlattr *tb[IFA_FLAGS + 1];

	if (nlmsg_parse(msg, sizeof(struct ifaddrmsg), tb, IFA_FLAGS, addr_policy) < 0)
		return -EBADMSG;

	const struct ifaddrmsg *info = nlmsg_data(msg);
	if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
		return MIRROR_SAME;

	struct link_addr addr;
	int r = parse_addr(info, tb, &addr);
	if (r < 0)
		return r;

	/* A link that is not known came or went between the dump of links and that of
	 * addresses: the messages that wait on the monitor socket tell the rest. */
	struct link *link = find_link(mirror, (int)info->ifa_index);
	if (!link)
		return MIRROR_SAME;
	if (mirror->filling)
		return insert_addr(link, link->n_addrs, &addr);

	size_t at = find_addr(link, &addr);
	bool known = at < link->n_addrs;
	if (msg->nlmsg_type == RTM_NEWADDR)
		return known ? update_addr(link, at, &addr)
			     : insert_addr(link, place_addr(link, &addr), &addr);
	if (!known)
		return MIRROR_SAME;
	remove_addr(link, at);
	return MIRROR_CHANGED;
}

int mirror_apply(struct mirror *mirror, struct nlmsghdr *msg)
{
	switch (msg->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return read_link(mirror, msg);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return mirror_read_addr(mirror, msg);
	default:
		return MIRROR_SAME;
	}
}

int mirror_read(struct mirror *mirror, void *bytes, size_t len)
{
	struct nlmsghdr *msg = bytes;
	int left = len > INT32_MAX ? INT32_MAX : (int)len;
	int effect = MIRROR_SAME;

	for (; nlmsg_ok(msg, left); msg = nlmsg_next(msg, &left)) {
		int r = mirror_apply(mirror, msg);

		if (r < 0)
			return r;
		if (r == MIRROR_CHANGED)
			effect = MIRROR_CHANGED;
	}
	return effect;
}

bool mirror_eq(const struct mirror *a, const struct mirror *b)
{
	if (a->n_links != b->n_links)
		return false;

	for (size_t i = 0; i < a->n_links; i++) {
		const struct link *l = a->links[i];
		const struct link *m = b->links[i];

		if (!link_eq(l, m) || l->n_addrs != m->n_addrs)
			return false;
		for (size_t k = 0; k < l->n_addrs; k++)
			if (!link_addr_eq(&l->addrs[k], &m->addrs[k]))
				return false;
	}
	return true;
}
