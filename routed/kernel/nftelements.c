/* nftelements.c - commands on the elements of the forward maps, as the kernel takes them
 *
 * A batch of nfnetlink is a list of messages between a BEGIN and an END, which the kernel
 * carries out as one transaction (linux/netfilter/nfnetlink.h):
 *
 *     BEGIN   NEWSETELEM | DELSETELEM ...   END
 *
 *     NEWSETELEM    table, set, list of elements (as many as fit into one attribute)
 *       element     key and, where it is added, data:
 *         key       address . protocol . port        each part padded to four octets
 *         data      address . port
 *
 * Called by nft.c, which falls back on libnftables for whatever is not of this kind. The text
 * is ours, but it is read as if it were not: what does not look exactly so is refused.
 */
#include "routed/kernel/nftelements.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/bigendian.h"
#include "common/net/addr.h"
#include "common/xalloc.h"
#include "routed/kernel/nftdigest.h"

enum {
	PART_LEN = 4, /* of a concatenation: what its parts are padded to */
	LIST_MAX = 60 *
		   1024, /* octets of elements in one message; an attribute holds 64 KiB */
	KEY_MAX = 16 + 2 * PART_LEN,
	NAME_LEN = NFT_SET_MAXNAMELEN,
};

struct batch {
	uint8_t *data;
	size_t len;
	size_t cap;
	uint32_t seq;
	size_t last; /* where the last message begins */
};

/* ---- octets ---- */

/* `octets`, or NULL for zeros; padded to four octets. */
static void put(struct batch *batch, const void *octets, size_t len)
{
	size_t padded = (len + PART_LEN - 1) / PART_LEN * PART_LEN;

	if (batch->len + padded > batch->cap) {
		batch->cap = 2 * batch->cap + padded + 4096;
		batch->data = xreallocarray(batch->data, batch->cap, 1);
	}
	uint8_t *at = batch->data + batch->len;
	memset(at, 0, padded);
	if (octets)
		memcpy(at, octets, len);
	batch->len += padded;
}

static void put_attr(struct batch *batch, uint16_t type, const void *octets, size_t len)
{
	const struct nlattr attr = {
		.nla_len = (uint16_t)(sizeof(attr) + len), .nla_type = type};

	put(batch, &attr, sizeof(attr));
	put(batch, octets, len);
}

static size_t nest_begin(struct batch *batch, uint16_t type)
{
	size_t at = batch->len;

	put_attr(batch, type | NLA_F_NESTED, NULL, 0);
	return at;
}

static void nest_end(struct batch *batch, size_t at)
{
	uint16_t len = (uint16_t)(batch->len - at);

	memcpy(batch->data + at + offsetof(struct nlattr, nla_len), &len, sizeof(len));
}

static void message_begin(
	struct batch *batch, int type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	const struct nlmsghdr head = {
		.nlmsg_type = (uint16_t)type,
		.nlmsg_flags = NLM_F_REQUEST | flags,
		.nlmsg_seq = batch->seq,
	};
	const struct nfgenmsg nfgen = {
		.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(res_id)};

	batch->last = batch->len;
	put(batch, &head, sizeof(head));
	put(batch, &nfgen, sizeof(nfgen));
}

static void message_end(struct batch *batch, uint16_t more_flags)
{
	struct nlmsghdr head;

	memcpy(&head, batch->data + batch->last, sizeof(head));
	head.nlmsg_len = (uint32_t)(batch->len - batch->last);
	head.nlmsg_flags |= more_flags;
	memcpy(batch->data + batch->last, &head, sizeof(head));
}

static void put_mark(struct batch *batch, int type)
{
	message_begin(batch, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	message_end(batch, 0);
}

/* ---- words ---- */

static bool take(const char **at, const char *expected)
{
	size_t len = strlen(expected);

	if (strncmp(*at, expected, len) != 0)
		return false;
	*at += len;
	return true;
}

/* Up to the next blank, comma or end of line. */
static bool take_word(const char **at, char *out, size_t cap)
{
	size_t len = strcspn(*at, " ,\n");

	if (len == 0 || len >= cap)
		return false;
	memcpy(out, *at, len);
	out[len] = '\0';
	*at += len;
	return true;
}

static size_t take_addr(const char **at, uint8_t *out, size_t len)
{
	char word[ADDR_STR_LEN];
	int family = len == 4 ? AF_INET : AF_INET6;

	return take_word(at, word, sizeof(word)) && inet_pton(family, word, out) == 1 ? len
										      : 0;
}

static size_t take_port(const char **at, uint8_t out[PART_LEN])
{
	uint32_t port = 0;
	const char *start = *at;

	for (; **at >= '0' && **at <= '9' && port <= UINT16_MAX; (*at)++)
		port = 10 * port + (uint32_t)(**at - '0');
	if (*at == start || port > UINT16_MAX)
		return 0;
	be16_write(out, port);
	return PART_LEN;
}

static size_t take_protocol(const char **at, uint8_t out[PART_LEN])
{
	if (take(at, "tcp"))
		out[0] = IPPROTO_TCP;
	else if (take(at, "udp"))
		out[0] = IPPROTO_UDP;
	else
		return 0;
	return PART_LEN;
}

/* ---- elements ---- */

struct command {
	bool adds;
	size_t addr_len; /* 4 or 16 */
	char set[NAME_LEN];
};

static void put_value(struct batch *batch, uint16_t type, const uint8_t *octets, size_t len)
{
	size_t value = nest_begin(batch, type);

	put_attr(batch, NFTA_DATA_VALUE, octets, len);
	nest_end(batch, value);
}

/* "192.168.2.1 . tcp . 80", and " : 10.0.1.1 . 80" where it is added. */
static bool put_element(struct batch *batch, const struct command *command, const char **at)
{
	uint8_t key[KEY_MAX] = {0};
	uint8_t data[KEY_MAX] = {0};
	size_t len = command->addr_len;

	if (!take_addr(at, key, len) || !take(at, " . ") || !take_protocol(at, key + len) ||
		!take(at, " . ") || !take_port(at, key + len + PART_LEN))
		return false;
	if (command->adds && (!take(at, " : ") || !take_addr(at, data, len) ||
				     !take(at, " . ") || !take_port(at, data + len)))
		return false;

	size_t element = nest_begin(batch, NFTA_LIST_ELEM);
	put_value(batch, NFTA_SET_ELEM_KEY, key, len + 2 * PART_LEN);
	if (command->adds)
		put_value(batch, NFTA_SET_ELEM_DATA, data, len + PART_LEN);
	nest_end(batch, element);
	return true;
}

static bool put_elements(struct batch *batch, const struct command *command, const char **at)
{
	bool more = true;

	while (more) {
		message_begin(batch,
			(NFNL_SUBSYS_NFTABLES << 8) |
				(command->adds ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM),
			command->adds ? NLM_F_CREATE : 0, NFPROTO_INET, 0);
		put_attr(batch, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE, sizeof(NFT_TABLE));
		put_attr(
			batch, NFTA_SET_ELEM_LIST_SET, command->set, strlen(command->set) + 1);
		size_t list = nest_begin(batch, NFTA_SET_ELEM_LIST_ELEMENTS);
		do {
			if (!put_element(batch, command, at))
				return false;
			more = take(at, ", ");
		} while (more && batch->len - list < LIST_MAX);
		nest_end(batch, list);
		message_end(batch, 0);
	}
	return true;
}

/* One line. The name of a map ends with the version of IP, as nftforwards.c gives it. */
static bool put_command(struct batch *batch, const char **at)
{
	struct command command = {.adds = take(at, "add ")};

	if (!command.adds && !take(at, "delete "))
		return false;
	if (!take(at, "element inet " NFT_TABLE " ") ||
		strncmp(*at, "forward", strlen("forward")) != 0 ||
		!take_word(at, command.set, sizeof(command.set)) || !take(at, " { "))
		return false;
	switch (command.set[strlen(command.set) - 1]) {
	case '4':
		command.addr_len = 4;
		break;
	case '6':
		command.addr_len = 16;
		break;
	default:
		return false;
	}
	return put_elements(batch, &command, at) && take(at, " }\n");
}

bool nftelements_compile(
	const char *commands, uint32_t seq, struct nftelements_batch *ret_batch)
{
	struct batch batch = {.seq = seq};
	const char *at = commands;
	bool ok = *at != '\0';

	put_mark(&batch, NFNL_MSG_BATCH_BEGIN);
	while (ok && *at)
		ok = put_command(&batch, &at);
	if (!ok) {
		free(batch.data);
		return false;
	}
	message_end(&batch, NLM_F_ACK);
	put_mark(&batch, NFNL_MSG_BATCH_END);
	*ret_batch = (struct nftelements_batch){batch.data, batch.len};
	return true;
}
