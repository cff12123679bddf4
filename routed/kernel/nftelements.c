/* nftelements.c - changes of the forward maps as the netlink messages that the kernel takes
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
 * Called by nft.c for changes that touch nothing but forwards; all else is libnftables'.
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
#include "common/net/family.h"
#include "common/xalloc.h"
#include "routed/kernel/nftdigest.h"

enum {
	PART_LEN = 4, /* of a concatenation: what its parts are padded to */
	LIST_MAX = 60 *
		   1024, /* octets of elements in one message; an attribute holds 64 KiB */
	KEY_MAX = 16 + 2 * PART_LEN,
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

/* ---- elements ---- */

static void put_value(struct batch *batch, uint16_t type, const uint8_t *octets, size_t len)
{
	size_t value = nest_begin(batch, type);

	put_attr(batch, NFTA_DATA_VALUE, octets, len);
	nest_end(batch, value);
}

static void put_element(struct batch *batch, const struct nftelements *elements,
	const struct nftforward *forward)
{
	size_t len = family_addr_len(elements->af);
	uint8_t key[KEY_MAX] = {0};
	uint8_t data[KEY_MAX] = {0};

	memcpy(key, forward->asked, len);
	key[len] = forward->protocol;
	be16_write(key + len + PART_LEN, forward->port);
	memcpy(data, forward->target, len);
	be16_write(data + len, forward->target_port);

	size_t element = nest_begin(batch, NFTA_LIST_ELEM);
	put_value(batch, NFTA_SET_ELEM_KEY, key, len + 2 * PART_LEN);
	if (elements->adds)
		put_value(batch, NFTA_SET_ELEM_DATA, data, len + PART_LEN);
	nest_end(batch, element);
}

/* As many messages as their elements need. */
static void put_elements(struct batch *batch, const struct nftelements *elements)
{
	int type = elements->adds ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM;
	size_t i = 0;

	while (i < elements->n) {
		message_begin(batch, (NFNL_SUBSYS_NFTABLES << 8) | type,
			elements->adds ? NLM_F_CREATE : 0, NFPROTO_INET, 0);
		put_attr(batch, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE, sizeof(NFT_TABLE));
		put_attr(batch, NFTA_SET_ELEM_LIST_SET, elements->map,
			strlen(elements->map) + 1);
		size_t list = nest_begin(batch, NFTA_SET_ELEM_LIST_ELEMENTS);
		while (i < elements->n && batch->len - list < LIST_MAX)
			put_element(batch, elements, &elements->items[i++]);
		nest_end(batch, list);
		message_end(batch, 0);
	}
}

void nftelements_compile(const struct nftelements *elements, size_t n, uint32_t seq,
	struct nftelements_batch *ret_batch)
{
	struct batch batch = {.seq = seq};

	put_mark(&batch, NFNL_MSG_BATCH_BEGIN);
	for (size_t i = 0; i < n; i++)
		put_elements(&batch, &elements[i]);
	message_end(&batch, NLM_F_ACK);
	put_mark(&batch, NFNL_MSG_BATCH_END);
	*ret_batch = (struct nftelements_batch){batch.data, batch.len};
}
