/* connections.c - entries in the kernel's connection tracking without a packet sent */
#include "lib/connections.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/netns.h"

struct entry {
	int family;
	uint8_t proto;
	uint32_t n; /* makes its tuple another one */
};

void connections_init(struct connections *connections)
{
	*connections = (struct connections){.sock = nl_socket_alloc()};
	if (!connections->sock || nl_connect(connections->sock, NETLINK_NETFILTER) < 0)
		abort();
}

void connections_fini(struct connections *connections)
{
	nl_socket_free(connections->sock);
}

void connections_flush(void)
{
	netns_run("conntrack -F 2>/dev/null");
}

static void put_tuple(struct nl_msg *msg, int type, const struct entry *entry, bool reply)
{
	struct nlattr *tuple = nla_nest_start(msg, type | NLA_F_NESTED);
	struct nlattr *ip = nla_nest_start(msg, CTA_TUPLE_IP | NLA_F_NESTED);
	uint32_t near[4] = {htonl(0x20010db8), 0, 0, htonl(0x0a000000 + entry->n / 50000)};
	uint32_t far[4] = {htonl(0x20010db8), htonl(1), 0, htonl(0xc0000201)};
	const void *from = reply ? far : near;
	const void *to = reply ? near : far;

	if (entry->family == AF_INET) {
		nla_put_u32(msg, CTA_IP_V4_SRC, reply ? far[3] : near[3]);
		nla_put_u32(msg, CTA_IP_V4_DST, reply ? near[3] : far[3]);
	} else {
		nla_put(msg, CTA_IP_V6_SRC, 16, from);
		nla_put(msg, CTA_IP_V6_DST, 16, to);
	}
	nla_nest_end(msg, ip);

	uint16_t port = htons((uint16_t)(1000 + entry->n % 50000));
	struct nlattr *proto = nla_nest_start(msg, CTA_TUPLE_PROTO | NLA_F_NESTED);
	nla_put_u8(msg, CTA_PROTO_NUM, entry->proto);
	nla_put_u16(msg, CTA_PROTO_SRC_PORT, reply ? htons(53) : port);
	nla_put_u16(msg, CTA_PROTO_DST_PORT, reply ? port : htons(53));
	nla_nest_end(msg, proto);
	nla_nest_end(msg, tuple);
}

static struct nl_msg *message(const struct entry *entry, uint32_t mark)
{
	struct nl_msg *msg = nlmsg_alloc_simple(
		(NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW,
		NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
	struct nfgenmsg nfgen = {.nfgen_family = (uint8_t)entry->family};

	nlmsg_append(msg, &nfgen, sizeof(nfgen), NLMSG_ALIGNTO);
	put_tuple(msg, CTA_TUPLE_ORIG, entry, false);
	put_tuple(msg, CTA_TUPLE_REPLY, entry, true);
	nla_put_u32(msg, CTA_TIMEOUT, htonl(600));
	nla_put_u32(msg, CTA_MARK, htonl(mark));
	return msg;
}

static void add(struct connections *connections, struct nl_msg *msg)
{
	int err = nl_send_sync(connections->sock, msg);

	if (err >= 0)
		return;
	fprintf(stderr, "connections: %s\n", nl_geterror(err));
	abort();
}

void connections_add(
	struct connections *connections, int family, uint32_t mark, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct entry entry = {family, IPPROTO_UDP, connections->next++};

		add(connections, message(&entry, mark));
	}
}

void connections_add_tcp(struct connections *connections, uint32_t mark, uint8_t state)
{
	const struct entry entry = {AF_INET, IPPROTO_TCP, connections->next++};
	struct nl_msg *msg = message(&entry, mark);
	struct nlattr *info = nla_nest_start(msg, CTA_PROTOINFO | NLA_F_NESTED);
	struct nlattr *tcp = nla_nest_start(msg, CTA_PROTOINFO_TCP | NLA_F_NESTED);

	nla_put_u8(msg, CTA_PROTOINFO_TCP_STATE, state);
	nla_nest_end(msg, tcp);
	nla_nest_end(msg, info);
	add(connections, msg);
}
