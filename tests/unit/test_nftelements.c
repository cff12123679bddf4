/* test_nftelements.c - port forwards laid out as netlink messages; that the kernel takes them
 * for what nft would have made of the same text is for test_nft.c
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "routed/kernel/nftelements.h"

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "common/cleanup.h"
#include "routed/kernel/text.h"

enum { SEQ = 7 };

/* What a batch says, counted by walking it as the kernel would. */
struct seen {
	size_t n_messages; /* without BEGIN and END */
	size_t n_elements;
	size_t n_acks; /* asked for */
	uint8_t key[64];
	size_t key_len;
	uint8_t data[64];
	size_t data_len;
	int type; /* of the last message */
	char set[32];
};

static size_t copy_value(struct nlattr *attr, uint8_t out[64])
{
	struct nlattr *tb[NFTA_DATA_MAX + 1];

	if (!attr)
		return 0;
	assert_int_equal(nla_parse_nested(tb, NFTA_DATA_MAX, attr, NULL), 0);
	assert_non_null(tb[NFTA_DATA_VALUE]);
	size_t len = (size_t)nla_len(tb[NFTA_DATA_VALUE]);
	assert_true(len <= 64);
	memcpy(out, nla_data(tb[NFTA_DATA_VALUE]), len);
	return len;
}

static void see_elements(struct nlmsghdr *message, struct seen *seen)
{
	struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1];
	struct nlattr *element;
	int left;

	assert_int_equal(nlmsg_parse(message, sizeof(struct nfgenmsg), tb,
				 NFTA_SET_ELEM_LIST_MAX, NULL),
		0);
	assert_int_equal(nla_strcmp(tb[NFTA_SET_ELEM_LIST_TABLE], "multihomed"), 0);
	nla_strlcpy(seen->set, tb[NFTA_SET_ELEM_LIST_SET], sizeof(seen->set));
	nla_for_each_nested(element, tb[NFTA_SET_ELEM_LIST_ELEMENTS], left)
	{
		struct nlattr *etb[NFTA_SET_ELEM_MAX + 1];

		assert_int_equal(nla_parse_nested(etb, NFTA_SET_ELEM_MAX, element, NULL), 0);
		seen->key_len = copy_value(etb[NFTA_SET_ELEM_KEY], seen->key);
		seen->data_len = copy_value(etb[NFTA_SET_ELEM_DATA], seen->data);
		seen->n_elements++;
	}
	assert_int_equal(left, 0);
}

static void see(const struct nftelements_batch *batch, struct seen *ret_seen)
{
	struct nlmsghdr *message = (struct nlmsghdr *)(void *)batch->data;
	int left = (int)batch->len;
	struct seen seen = {0};

	assert_true(nlmsg_ok(message, left));
	assert_int_equal(message->nlmsg_type, NFNL_MSG_BATCH_BEGIN);
	for (message = nlmsg_next(message, &left); nlmsg_ok(message, left);
		message = nlmsg_next(message, &left)) {
		assert_int_equal(message->nlmsg_seq, SEQ);
		if (message->nlmsg_type == NFNL_MSG_BATCH_END)
			break;
		seen.n_messages++;
		seen.n_acks += !!(message->nlmsg_flags & NLM_F_ACK);
		seen.type = message->nlmsg_type & 0xff;
		see_elements(message, &seen);
	}
	assert_int_equal(message->nlmsg_type, NFNL_MSG_BATCH_END);
	assert_int_equal(left, message->nlmsg_len);
	*ret_seen = seen;
}

static void compile(const struct nftelements *elements, size_t n, struct seen *ret_seen)
{
	struct nftelements_batch batch;

	nftelements_compile(elements, n, SEQ, &batch);
	see(&batch, ret_seen);
	free(batch.data);
}

static struct nftforward forward(
	const char *asked, uint8_t protocol, uint16_t port, const char *target, uint16_t to)
{
	struct addr from, inside = {0};
	struct nftforward made = {.protocol = protocol, .port = port, .target_port = to};

	assert_int_equal(addr_parse(asked, &from), 0);
	memcpy(made.asked, from.bytes, addr_len(&from));
	if (target) {
		assert_int_equal(addr_parse(target, &inside), 0);
		memcpy(made.target, inside.bytes, addr_len(&inside));
	}
	return made;
}

static void an_added_forward_has_its_parts_padded_to_four_octets(void **state)
{
	static const uint8_t key[] = {192, 168, 2, 1, 6, 0, 0, 0, 0x20, 0xfb, 0, 0};
	static const uint8_t data[] = {10, 0, 1, 1, 0x01, 0xbb, 0, 0};
	struct nftforward item = forward("192.168.2.1", IPPROTO_TCP, 8443, "10.0.1.1", 443);
	const struct nftelements elements = {
		.map = "forward4", .af = AF_INET, .adds = true, .items = &item, .n = 1};
	struct seen seen;

	(void)state;
	compile(&elements, 1, &seen);
	assert_int_equal(seen.type, NFT_MSG_NEWSETELEM);
	assert_string_equal(seen.set, "forward4");
	assert_int_equal(seen.n_elements, 1);
	assert_int_equal(seen.key_len, sizeof(key));
	assert_memory_equal(seen.key, key, sizeof(key));
	assert_int_equal(seen.data_len, sizeof(data));
	assert_memory_equal(seen.data, data, sizeof(data));
}

static void a_deleted_forward_is_its_key_alone(void **state)
{
	static const uint8_t tail[] = {0, 1, 17, 0, 0, 0, 0, 53, 0, 0};
	struct nftforward item = forward(
		"2001:db8:a::1", IPPROTO_UDP, 53, "2001:db8:c1::1", 53);
	const struct nftelements elements = {
		.map = "forward_3_6", .af = AF_INET6, .items = &item, .n = 1};
	struct seen seen;

	(void)state;
	compile(&elements, 1, &seen);
	assert_int_equal(seen.type, NFT_MSG_DELSETELEM);
	assert_string_equal(seen.set, "forward_3_6");
	assert_int_equal(seen.key_len, 24);
	assert_int_equal(seen.key[0], 0x20);
	assert_memory_equal(seen.key + 14, tail, sizeof(tail));
	assert_int_equal(seen.data_len, 0);
}

static void only_the_last_message_asks_for_an_answer(void **state)
{
	struct nftforward gone[] = {forward("192.168.2.1", IPPROTO_TCP, 80, NULL, 0),
		forward("192.168.2.1", IPPROTO_UDP, 80, NULL, 0)};
	struct nftforward come4 = forward("192.168.2.1", IPPROTO_TCP, 81, "10.0.1.1", 80);
	struct nftforward come6 = forward(
		"2001:db8:a::1", IPPROTO_TCP, 81, "2001:db8:c1::1", 80);
	const struct nftelements elements[] = {
		{.map = "forward4", .af = AF_INET, .items = gone, .n = 2},
		{.map = "forward4", .af = AF_INET, .adds = true, .items = &come4, .n = 1},
		{.map = "forward6", .af = AF_INET6, .adds = true, .items = &come6, .n = 1},
	};
	struct seen seen;

	(void)state;
	compile(elements, 3, &seen);
	assert_int_equal(seen.n_messages, 3);
	assert_int_equal(seen.n_elements, 4);
	assert_int_equal(seen.n_acks, 1);
}

/* An attribute's length has 16 bits. */
static void many_forwards_are_spread_over_messages(void **state)
{
	enum { MANY = 5000 };
	struct nftforward *items = calloc(MANY, sizeof(*items));
	const struct nftelements elements = {
		.map = "forward4", .af = AF_INET, .adds = true, .items = items, .n = MANY};
	struct seen seen;

	(void)state;
	for (uint16_t port = 1; port <= MANY; port++)
		items[port - 1] = forward("192.168.2.1", IPPROTO_TCP, port, "10.0.1.1", port);
	compile(&elements, 1, &seen);
	assert_int_equal(seen.n_elements, MANY);
	assert_true(seen.n_messages > 1);
	assert_int_equal(seen.n_acks, 1);
	free(items);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_added_forward_has_its_parts_padded_to_four_octets),
		cmocka_unit_test(a_deleted_forward_is_its_key_alone),
		cmocka_unit_test(only_the_last_message_asks_for_an_answer),
		cmocka_unit_test(many_forwards_are_spread_over_messages),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests_name("nftelements", tests, NULL, NULL);
}
