/* conntrack.c - deletes and counts tracked connections by their mark
 *
 * Raw ctnetlink: IPCTNL_MSG_CT_DELETE with CTA_MARK and CTA_MARK_MASK makes the kernel go
 * through its table once and delete what matches, without a message per connection. The same
 * message without the two would delete every connection of the machine: the one place that
 * builds it, filter_request, puts them in or gives up, and a mark or mask of 0 never gets
 * there.
 *
 * A kernel that refuses the filter is asked for a list, and each connection is deleted by its
 * original tuple and id.
 */
#include "routed/kernel/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/invariant.h"
#include "common/log.h"
#include "common/net/family.h"
#include "common/net/nlcmd.h"

struct conntrack {
	struct nlcmd *cmd;
	struct nlcmd
		*second; /* deletes one by one while the other lists; opened when needed */
};

int conntrack_new(struct conntrack **ret_conntrack)
{
	struct conntrack *conntrack = calloc(1, sizeof(*conntrack));
	int r = conntrack ? nlcmd_new(NETLINK_NETFILTER, &conntrack->cmd) : -ENOMEM;

	if (r < 0) {
		conntrack_free(conntrack);
		return log_error(
			r, "flows", "cannot speak to the kernel's connection tracking");
	}
	*ret_conntrack = conntrack;
	return 0;
}

void conntrack_free(struct conntrack *conntrack)
{
	if (!conntrack)
		return;
	nlcmd_free(conntrack->cmd);
	nlcmd_free(conntrack->second);
	free(conntrack);
}

static struct nl_msg *conntrack_request(int type, int flags, uint8_t family)
{
	AUTO(nlmsg_freep)
	struct nl_msg *msg = nlmsg_alloc_simple((NFNL_SUBSYS_CTNETLINK << 8) | type, flags);
	/* version 0 is of a time when a deletion of many paid no heed to the family
	 * (ctnetlink_del_conntrack, net/netfilter/nf_conntrack_netlink.c) */
	struct nfgenmsg nfgen = {
		.nfgen_family = family, .version = family == AF_UNSPEC ? NFNETLINK_V0 : 1};

	if (!msg || nlmsg_append(msg, &nfgen, sizeof(nfgen), NLMSG_ALIGNTO) < 0)
		return NULL;
	return TAKE(msg);
}

/* A request for the connections with that mark. NULL rather than one without its filter. */
static struct nl_msg *filter_request(
	int type, int flags, int family, uint32_t mark, uint32_t mask)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = conntrack_request(type, flags, (uint8_t)family);

	invariant(mark != 0 && mask != 0, "connections are to be deleted by no mark at all");
	if (!msg || nla_put_u32(msg, CTA_MARK, htonl(mark)) < 0 ||
		nla_put_u32(msg, CTA_MARK_MASK, htonl(mask)) < 0)
		return NULL;
	return TAKE(msg);
}

/* ---- lists ---- */

struct list {
	struct conntrack *conntrack;
	int family; /* AF_UNSPEC: both */
	uint32_t mark;
	uint32_t mask;
	const struct conntrack_left *left; /* NULL: all of them */
	const struct addr *bound;	   /* only those that are bound to it; NULL: all */
	struct conntrack_counts counts;	   /* all in `out` without `left` */
	bool delete;
};

/* Deletes one by its original tuple, its zone and its id: a new connection with the same tuple
 * has another id. */
static int delete_one(struct list *list, uint8_t family, struct nlattr **tb)
{
	static const int parts[] = {CTA_TUPLE_ORIG, CTA_ID, CTA_ZONE};
	AUTO(nlmsg_freep)
	struct nl_msg *msg = conntrack_request(
		IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST | NLM_F_ACK, family);

	/* never without a tuple: that would be all of them */
	if (!msg || !tb[CTA_TUPLE_ORIG] || !tb[CTA_ID])
		return msg ? -EBADMSG : -ENOMEM;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct nlattr *attr = tb[parts[i]];
		int type = parts[i] | (parts[i] == CTA_TUPLE_ORIG ? NLA_F_NESTED : 0);

		if (attr && nla_put(msg, type, nla_len(attr), nla_data(attr)) < 0)
			return -ENOMEM;
	}
	int r = nlcmd_run(list->conntrack->second, msg, NULL, NULL);
	return r == -ENOENT ? 0 : r;
}

static struct addr tuple_addr(uint8_t family, struct nlattr *tuple, int type4, int type6)
{
	int len = (int)family_addr_len(family);
	struct nlattr *ip = tuple ? nla_find(nla_data(tuple), nla_len(tuple), CTA_TUPLE_IP)
				  : NULL;
	struct nlattr *addr = ip ? nla_find(nla_data(ip), nla_len(ip),
					   family == AF_INET ? type4 : type6)
				 : NULL;

	if (!addr || nla_len(addr) != len)
		return (struct addr){0};
	return addr_from_bytes(family, nla_data(addr));
}

static struct addr source_of(uint8_t family, struct nlattr *tuple)
{
	return tuple_addr(family, tuple, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
}

static struct addr destination_of(uint8_t family, struct nlattr *tuple)
{
	return tuple_addr(family, tuple, CTA_IP_V4_DST, CTA_IP_V6_DST);
}

/* The reply tuple's destination is the translated source address. */
static bool is_bound(const struct list *list, uint8_t family, struct nlattr **tb)
{
	struct addr at[] = {
		source_of(family, tb[CTA_TUPLE_ORIG]),
		destination_of(family, tb[CTA_TUPLE_ORIG]),
		destination_of(family, tb[CTA_TUPLE_REPLY]),
	};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (addr_eq(&at[i], list->bound))
			return true;
	return false;
}

static bool is_own(const struct conntrack_left *left, uint8_t family, struct nlattr **tb)
{
	struct addr source;

	if (left->n_own == 0)
		return false;
	source = source_of(family, tb[CTA_TUPLE_ORIG]);
	for (size_t i = 0; i < left->n_own; i++)
		if (addr_eq(&source, &left->own[i]))
			return true;
	return false;
}

/* Both sides have closed the connection, or one side has reset it. */
static bool is_over(struct nlattr **tb)
{
	struct nlattr *info = tb[CTA_PROTOINFO];
	struct nlattr *tcp = info ? nla_find(nla_data(info), nla_len(info), CTA_PROTOINFO_TCP)
				  : NULL;
	struct nlattr *state = tcp ? nla_find(nla_data(tcp), nla_len(tcp),
					     CTA_PROTOINFO_TCP_STATE)
				   : NULL;

	if (!state || nla_len(state) < 1)
		return false;
	return nla_get_u8(state) == TCP_CONNTRACK_TIME_WAIT ||
	       nla_get_u8(state) == TCP_CONNTRACK_CLOSE;
}

static void count_connection(
	struct list *list, uint8_t family, uint32_t mark, struct nlattr **tb)
{
	if (list->left && (is_over(tb) || is_own(list->left, family, tb)))
		return;
	if (list->left && (mark & list->left->in_bit))
		list->counts.in++;
	else
		list->counts.out++;
}

static int on_connection(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[CTA_MAX + 1];
	struct list *list = arg;

	if (nlmsg_parse(msg, sizeof(struct nfgenmsg), tb, CTA_MAX, NULL) < 0)
		return -EBADMSG;
	if (!tb[CTA_MARK] || nla_len(tb[CTA_MARK]) != 4)
		return 0;

	const struct nfgenmsg *nfgen = nlmsg_data(msg);
	uint32_t mark = ntohl(nla_get_u32(tb[CTA_MARK]));
	if ((mark & list->mask) != list->mark ||
		(list->bound && !is_bound(list, nfgen->nfgen_family, tb)))
		return 0;
	count_connection(list, nfgen->nfgen_family, mark, tb);
	return list->delete ? delete_one(list, nfgen->nfgen_family, tb) : 0;
}

static int run_list(struct list *list)
{
	AUTO(nlmsg_freep)
	struct nl_msg *msg = filter_request(
		IPCTNL_MSG_CT_GET, NLM_F_DUMP, list->family, list->mark, list->mask);

	if (!msg)
		return -ENOMEM;
	return nlcmd_dump(list->conntrack->cmd, msg, on_connection, list);
}

static int delete_by_list(struct list *list)
{
	int r = 0;

	list->delete = true;
	if (!list->conntrack->second)
		r = nlcmd_new(NETLINK_NETFILTER, &list->conntrack->second);
	return r < 0 ? r : run_list(list);
}

/* ---- calls ---- */

static const char *conntrack_remedy(int err)
{
	return err == -EPERM ? "routed needs CAP_NET_ADMIN"
			     : "is the module nf_conntrack_netlink there?";
}

static bool mark_is_ours(uint32_t mark, uint32_t mask)
{
	return (mark & mask) != 0 && (mark & ~mask) == 0;
}

static int delete_result(int err, uint32_t mark, uint32_t mask)
{
	if (err >= 0)
		return 0;
	return log_error(err, "flows",
		"cannot delete the flows with mark 0x%x/0x%x, they may hang; %s", mark, mask,
		conntrack_remedy(err));
}

int conntrack_delete_family(
	struct conntrack *conntrack, int family, uint32_t mark, uint32_t mask)
{
	struct list list = {
		.conntrack = conntrack, .family = family, .mark = mark, .mask = mask};

	if (!mark_is_ours(mark, mask))
		return log_error(-EINVAL, "flows", "will not delete flows without a mark");

	AUTO(nlmsg_freep)
	struct nl_msg *msg = filter_request(
		IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST | NLM_F_ACK, family, mark, mask);
	int r = msg ? nlcmd_run(conntrack->cmd, msg, NULL, NULL) : -ENOMEM;
	if (r < 0 && r != -EPERM)
		r = delete_by_list(&list);
	return delete_result(r, mark, mask);
}

int conntrack_delete_address(
	struct conntrack *conntrack, const struct addr *addr, uint32_t mark, uint32_t mask)
{
	struct list list = {
		.conntrack = conntrack,
		.family = addr->family,
		.mark = mark,
		.mask = mask,
		.bound = addr,
	};

	if (!mark_is_ours(mark, mask) || !addr_is_set(addr))
		return log_error(-EINVAL, "flows",
			"will not delete flows without a mark and an address");
	return delete_result(delete_by_list(&list), mark, mask);
}

int conntrack_delete(struct conntrack *conntrack, uint32_t mark, uint32_t mask)
{
	return conntrack_delete_family(conntrack, AF_UNSPEC, mark, mask);
}

static int run_count(struct list *list)
{
	if (!mark_is_ours(list->mark, list->mask))
		return -EINVAL;
	int r = run_list(list);
	if (r < 0 && r != -EINTR)
		return log_error(r, "flows", "cannot count the flows with mark 0x%x/0x%x; %s",
			list->mark, list->mask, conntrack_remedy(r));
	return 0;
}

int conntrack_count_left(struct conntrack *conntrack, const struct conntrack_left *left,
	struct conntrack_counts *ret_counts)
{
	struct list list = {
		.conntrack = conntrack,
		.mark = left->mark,
		.mask = left->mask,
		.left = left,
	};

	int r = run_count(&list);
	if (r == 0)
		*ret_counts = list.counts;
	return r;
}

int conntrack_count(
	struct conntrack *conntrack, uint32_t mark, uint32_t mask, size_t *ret_count)
{
	struct list list = {.conntrack = conntrack, .mark = mark, .mask = mask};

	int r = run_count(&list);
	if (r == 0)
		*ret_count = list.counts.out;
	return r;
}
