/* nftdigest.c - a number for what our nftables table holds
 *
 * The kernel is asked for the parts of the table one kind after the other, and the attributes
 * that say what the table is are hashed; those that packets change are left out. Handles are
 * in it: a rule that was deleted and added again has another, and what another program did to our
 * table is then seen even if he put the same text back.
 *
 * Chains and rules count in the kernel's order. Elements do not: a hash table of the kernel's
 * is listed in another order whenever it grows.
 */
#include "routed/kernel/nftdigest.h"

#include <arpa/inet.h> /* linux/netfilter.h clashes with it otherwise */

#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/bigendian.h"
#include "common/cleanup.h"
#include "common/net/addr.h"
#include "common/net/nlcmd.h"

enum { DIGEST_TRIES = 8 }; /* a dump that changes hit is repeated */

/* FNV-1a, 64 bit: no one plays against it, it only has to spread */
static const uint64_t fnv_start = 14695981039346656037u;
static const uint64_t fnv_prime = 1099511628211u;

struct digest {
	uint64_t sum;
	struct nlcmd *cmd;
	char **sets; /* whose elements are part of it */
	size_t n_sets;
};

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * fnv_prime;
	return hash;
}

/* Number, length and content, so that nothing slides from one attribute into the next. */
static uint64_t hash_attr(uint64_t hash, struct nlattr *attr)
{
	if (!attr)
		return hash_bytes(hash, "-", 1);

	int type = nla_type(attr);
	int len = nla_len(attr);
	const uint8_t head[] = {
		(uint8_t)type, (uint8_t)(type >> 8), (uint8_t)len, (uint8_t)(len >> 8)};
	return hash_bytes(hash_bytes(hash, head, sizeof(head)), nla_data(attr), (size_t)len);
}

static uint64_t hash_attrs(uint64_t hash, struct nlattr **tb, const int *which, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash = hash_attr(hash, tb[which[i]]);
	return hash;
}

#define HASH_ATTRS(hash, tb, ...)                            \
	hash_attrs((hash), (tb), (const int[]){__VA_ARGS__}, \
		sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

/* So that a sum of hashes does not cancel out. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* ---- messages ---- */

static struct nl_msg *nft_request(int type, int flags)
{
	AUTO(nlmsg_freep)
	struct nl_msg *msg = nlmsg_alloc_simple((NFNL_SUBSYS_NFTABLES << 8) | type, flags);
	struct nfgenmsg nfgen = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

	if (!msg || nlmsg_append(msg, &nfgen, sizeof(nfgen), NLMSG_ALIGNTO) < 0)
		return NULL;
	return TAKE(msg);
}

static bool parse(struct nlmsghdr *msg, struct nlattr **tb, int max)
{
	return nlmsg_parse(msg, sizeof(struct nfgenmsg), tb, max, NULL) == 0;
}

static bool attr_is(struct nlattr *attr, const char *text)
{
	return attr && nla_strcmp(attr, text) == 0;
}

/* Not all dumps can be confined to a table: the first attribute of each kind names it. */
static bool table_is_ours(struct nlmsghdr *msg, struct nlattr **tb)
{
	const struct nfgenmsg *nfgen = nlmsg_data(msg);

	return nfgen->nfgen_family == NFPROTO_INET && attr_is(tb[1], NFT_TABLE);
}

static uint64_t get_be64(struct nlattr *attr)
{
	return attr && nla_len(attr) == 8 ? be64toh(nla_get_u64(attr)) : 0;
}

static int on_table(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[NFTA_TABLE_MAX + 1];
	struct digest *digest = arg;

	if (!parse(msg, tb, NFTA_TABLE_MAX))
		return -EBADMSG;
	digest->sum = HASH_ATTRS(digest->sum, tb, NFTA_TABLE_FLAGS, NFTA_TABLE_HANDLE);
	return 0;
}

static int on_chain(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[NFTA_CHAIN_MAX + 1];
	struct digest *digest = arg;

	if (!parse(msg, tb, NFTA_CHAIN_MAX))
		return -EBADMSG;
	if (table_is_ours(msg, tb))
		digest->sum = HASH_ATTRS(digest->sum, tb, NFTA_CHAIN_NAME, NFTA_CHAIN_HANDLE,
			NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY, NFTA_CHAIN_TYPE);
	return 0;
}

/* Expressions that report what packets did to them. */
static bool expr_is_counting(struct nlattr *name)
{
	static const char *const counting[] = {"counter", "quota", "last", "connlimit"};

	for (size_t i = 0; i < sizeof(counting) / sizeof(counting[0]); i++)
		if (attr_is(name, counting[i]))
			return true;
	return false;
}

static int digest_on_rule(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[NFTA_RULE_MAX + 1];
	struct digest *digest = arg;
	struct nlattr *expr;
	int left;

	if (!parse(msg, tb, NFTA_RULE_MAX))
		return -EBADMSG;
	if (!table_is_ours(msg, tb))
		return 0;

	uint64_t sum = HASH_ATTRS(digest->sum, tb, NFTA_RULE_CHAIN, NFTA_RULE_HANDLE);
	if (tb[NFTA_RULE_EXPRESSIONS])
		nla_for_each_nested(expr, tb[NFTA_RULE_EXPRESSIONS], left)
		{
			struct nlattr *etb[NFTA_EXPR_MAX + 1];

			if (nla_parse_nested(etb, NFTA_EXPR_MAX, expr, NULL) < 0)
				return -EBADMSG;
			sum = hash_attr(sum, etb[NFTA_EXPR_NAME]);
			if (!expr_is_counting(etb[NFTA_EXPR_NAME]))
				sum = hash_attr(sum, etb[NFTA_EXPR_DATA]);
		}
	digest->sum = sum;
	return 0;
}

static int remember_set(struct digest *digest, struct nlattr *name)
{
	char **sets = reallocarray(digest->sets, digest->n_sets + 1, sizeof(*sets));

	if (!sets)
		return -ENOMEM;
	digest->sets = sets;
	if (!(sets[digest->n_sets] = nla_strdup(name)))
		return -ENOMEM;
	digest->n_sets++;
	return 0;
}

static int on_set(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[NFTA_SET_DATA_LEN + 1];
	struct digest *digest = arg;

	if (!parse(msg, tb, NFTA_SET_DATA_LEN) || !tb[NFTA_SET_NAME])
		return -EBADMSG;
	if (!table_is_ours(msg, tb))
		return 0;
	digest->sum = HASH_ATTRS(digest->sum, tb, NFTA_SET_NAME, NFTA_SET_FLAGS,
		NFTA_SET_KEY_TYPE, NFTA_SET_KEY_LEN, NFTA_SET_DATA_TYPE, NFTA_SET_DATA_LEN);

	/* filled by packets */
	return nlcmd_be32(tb[NFTA_SET_FLAGS]) & (NFT_SET_EVAL | NFT_SET_TIMEOUT)
		       ? 0
		       : remember_set(digest, tb[NFTA_SET_NAME]);
}

static int on_elements(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1];
	struct digest *digest = arg;
	struct nlattr *element;
	int left;

	if (!parse(msg, tb, NFTA_SET_ELEM_LIST_MAX))
		return -EBADMSG;
	if (!tb[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;

	uint64_t set = hash_attr(fnv_start, tb[NFTA_SET_ELEM_LIST_SET]);
	nla_for_each_nested(element, tb[NFTA_SET_ELEM_LIST_ELEMENTS], left)
	{
		struct nlattr *etb[NFTA_SET_ELEM_MAX + 1];

		if (nla_parse_nested(etb, NFTA_SET_ELEM_MAX, element, NULL) < 0)
			return -EBADMSG;
		digest->sum += mix(HASH_ATTRS(set, etb, NFTA_SET_ELEM_KEY,
			NFTA_SET_ELEM_KEY_END, NFTA_SET_ELEM_DATA, NFTA_SET_ELEM_FLAGS,
			NFTA_SET_ELEM_OBJREF));
	}
	return 0;
}

static int on_object(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[NFTA_OBJ_MAX + 1];
	struct digest *digest = arg;

	if (!parse(msg, tb, NFTA_OBJ_MAX))
		return -EBADMSG;
	if (table_is_ours(msg, tb))
		digest->sum = HASH_ATTRS(
			digest->sum, tb, NFTA_OBJ_NAME, NFTA_OBJ_TYPE, NFTA_OBJ_HANDLE);
	return 0;
}

/* ---- the whole ---- */

static int ask(
	struct digest *digest, int type, int flags, const char *set, nlcmd_each_fn *each)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nft_request(type, flags);

	/* attribute 1 is the table's name in all kinds, 2 the set's in those of elements */
	if (!msg || nla_put_string(msg, 1, NFT_TABLE) < 0)
		return -ENOMEM;
	if (set && nla_put_string(msg, NFTA_SET_ELEM_LIST_SET, set) < 0)
		return -ENOMEM;
	return nlcmd_run(digest->cmd, msg, each, digest);
}

static void forget_sets(struct digest *digest)
{
	for (size_t i = 0; i < digest->n_sets; i++)
		free(digest->sets[i]);
	free(digest->sets);
	digest->sets = NULL;
	digest->n_sets = 0;
}

static int read_once(struct digest *digest)
{
	static const struct {
		int type;
		nlcmd_each_fn *each;
	} kinds[] = {
		{NFT_MSG_GETCHAIN, on_chain},
		{NFT_MSG_GETRULE, digest_on_rule},
		{NFT_MSG_GETOBJ, on_object},
		{NFT_MSG_GETSET, on_set},
	};
	int r = ask(digest, NFT_MSG_GETTABLE, 0, NULL, on_table);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && r >= 0; i++)
		r = ask(digest, kinds[i].type, NLM_F_DUMP, NULL, kinds[i].each);
	for (size_t i = 0; i < digest->n_sets && r >= 0; i++)
		r = ask(digest, NFT_MSG_GETSETELEM, NLM_F_DUMP, digest->sets[i], on_elements);
	return r;
}

int nftdigest_read(struct nlcmd *cmd, uint64_t *ret_digest)
{
	struct digest digest = {.cmd = cmd};
	int r = -EINTR;

	for (int i = 0; i < DIGEST_TRIES && r == -EINTR; i++) {
		digest.sum = fnv_start;
		r = read_once(&digest);
		forget_sets(&digest);
	}
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == -ENOENT)
		*ret_digest = 0;
	else
		*ret_digest = digest.sum ? digest.sum : 1;
	return 0;
}

int nftdigest_has_table(struct nlcmd *cmd)
{
	struct digest digest = {.cmd = cmd};
	int r = ask(&digest, NFT_MSG_GETTABLE, 0, NULL, on_table);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : 1;
}

static int on_generation(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[NFTA_GEN_MAX + 1];
	uint32_t *generation = arg;

	if (!parse(msg, tb, NFTA_GEN_MAX) || !tb[NFTA_GEN_ID])
		return -EBADMSG;
	*generation = nlcmd_be32(tb[NFTA_GEN_ID]);
	return 0;
}

int nftdigest_generation(struct nlcmd *cmd, uint32_t *ret_generation)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nft_request(NFT_MSG_GETGEN, 0);
	uint32_t generation = 0;

	if (!msg)
		return -ENOMEM;
	int r = nlcmd_run(cmd, msg, on_generation, &generation);
	if (r == 0)
		*ret_generation = generation;
	return r;
}

/* ---- counters ---- */

struct counter_dump {
	nftdigest_counter_fn *each;
	void *arg;
};

static int on_counter(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[NFTA_OBJ_MAX + 1];
	struct nlattr *ctb[NFTA_COUNTER_MAX + 1];
	const struct counter_dump *dump = arg;

	if (!parse(msg, tb, NFTA_OBJ_MAX))
		return -EBADMSG;
	if (!table_is_ours(msg, tb) || !tb[NFTA_OBJ_NAME] || !tb[NFTA_OBJ_DATA] ||
		nla_len(tb[NFTA_OBJ_NAME]) < 1 ||
		nla_parse_nested(ctb, NFTA_COUNTER_MAX, tb[NFTA_OBJ_DATA], NULL) < 0)
		return 0;

	char name[NFT_OBJ_MAXNAMELEN];
	nla_strlcpy(name, tb[NFTA_OBJ_NAME], sizeof(name));
	dump->each(name, get_be64(ctb[NFTA_COUNTER_PACKETS]),
		get_be64(ctb[NFTA_COUNTER_BYTES]), dump->arg);
	return 0;
}

int nftdigest_counters(struct nlcmd *cmd, nftdigest_counter_fn *each, void *arg)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nft_request(NFT_MSG_GETOBJ, NLM_F_DUMP);
	struct counter_dump dump = {.each = each, .arg = arg};

	if (!msg || nla_put_string(msg, NFTA_OBJ_TABLE, NFT_TABLE) < 0 ||
		nla_put_u32(msg, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER)) < 0)
		return -ENOMEM;
	return nlcmd_run(cmd, msg, on_counter, &dump);
}

/* ---- counts in sets ---- */

struct count_dump {
	nftdigest_count_fn *each;
	void *arg;
};

/* Of the counter that is the only expression of an element; 0 if there is none. */
static uint64_t packets_of(struct nlattr *expr)
{
	struct nlattr *etb[NFTA_EXPR_MAX + 1];
	struct nlattr *ctb[NFTA_COUNTER_MAX + 1];

	if (!expr || nla_parse_nested(etb, NFTA_EXPR_MAX, expr, NULL) < 0 ||
		!attr_is(etb[NFTA_EXPR_NAME], "counter") || !etb[NFTA_EXPR_DATA] ||
		nla_parse_nested(ctb, NFTA_COUNTER_MAX, etb[NFTA_EXPR_DATA], NULL) < 0)
		return 0;
	return get_be64(ctb[NFTA_COUNTER_PACKETS]);
}

/* address . protocol . port, each padded to four octets */
static void on_element_count(struct nlattr **etb, const struct count_dump *dump)
{
	struct nlattr *key[NFTA_DATA_MAX + 1];

	if (!etb[NFTA_SET_ELEM_KEY] ||
		nla_parse_nested(key, NFTA_DATA_MAX, etb[NFTA_SET_ELEM_KEY], NULL) < 0 ||
		!key[NFTA_DATA_VALUE])
		return;
	const uint8_t *at = nla_data(key[NFTA_DATA_VALUE]);
	int len = nla_len(key[NFTA_DATA_VALUE]);
	if (len != 12 && len != 24)
		return;

	struct addr addr = addr_from_bytes(len == 12 ? AF_INET : AF_INET6, at);
	at += len - 8;
	dump->each(&addr, at[0], be16_read(at + 4), packets_of(etb[NFTA_SET_ELEM_EXPR]),
		dump->arg);
}

static int on_counts(struct nlmsghdr *msg, void *arg)
{
	struct nlattr *tb[NFTA_SET_ELEM_LIST_MAX + 1];
	struct nlattr *element;
	int left;

	if (!parse(msg, tb, NFTA_SET_ELEM_LIST_MAX))
		return -EBADMSG;
	if (!tb[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	nla_for_each_nested(element, tb[NFTA_SET_ELEM_LIST_ELEMENTS], left)
	{
		struct nlattr *etb[NFTA_SET_ELEM_MAX + 1];

		if (nla_parse_nested(etb, NFTA_SET_ELEM_MAX, element, NULL) < 0)
			return -EBADMSG;
		on_element_count(etb, arg);
	}
	return 0;
}

int nftdigest_counts(struct nlcmd *cmd, const char *set, nftdigest_count_fn *each, void *arg)
{
	AUTO(nlmsg_freep) struct nl_msg *msg = nft_request(NFT_MSG_GETSETELEM, NLM_F_DUMP);
	struct count_dump dump = {.each = each, .arg = arg};

	if (!msg || nla_put_string(msg, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE) < 0 ||
		nla_put_string(msg, NFTA_SET_ELEM_LIST_SET, set) < 0)
		return -ENOMEM;
	return nlcmd_run(cmd, msg, on_counts, &dump);
}
