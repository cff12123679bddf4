/* doctornft.c - reads the filter chains of other programs: what do they drop and accept?
 *
 * Over netlink, since libnftables of Debian 12 may crash on tables that newer programs wrote. It
 * reads only as much of a rule as shows whether the rule is for us. If a rule looks into a set,
 * it counts as being for us, since the content of the set is not read.
 *
 * Rules of iptables-nft are here too. Their matches are the binary structures of xtables.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bigendian.h"
#include "common/cleanup.h"
#include "common/net/links.h"
#include "common/net/nlcmd.h"
#include "routed/doctor/doctorgather.h"

#define OWN_TABLE "multihomed"

enum {
	DPORT_OFFSET = 2, /* the same in TCP and UDP headers */
	IPV4_SADDR_OFFSET = 12,
	IPV6_SADDR_OFFSET = 8,
};

struct reading {
	const struct site *site;
	struct doctor_facts *facts;
	struct nlcmd *cmd;
};

/* What a rule matches, and what it does. */
struct rule {
	bool accepts;
	bool drops;
	bool goes_on; /* it jumps or queues: the end is not known */
	bool conditional;
	bool only_uplink; /* it matches only packets that came in over an uplink, all of them */
	bool dnat;
	bool lan;
	bool dns;
	/* while reading: what the last expression loaded into the register */
	enum { LOADED_OTHER, LOADED_IIF, LOADED_OIF, LOADED_SADDR, LOADED_DPORT } loaded;
};

static bool parse_nested(struct nlattr **tb, int max, struct nlattr *attr)
{
	return attr && nla_parse_nested(tb, max, attr, NULL) == 0;
}

static bool is_text(struct nlattr *attr, const char *text)
{
	return attr && nla_strcmp(attr, text) == 0;
}

static bool names_one_of(const void *data, size_t len, const char (*names)[IFNAMSIZ], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) <= len && memcmp(names[i], data, strlen(names[i])) == 0 &&
			(strlen(names[i]) == len ||
				((const char *)data)[strlen(names[i])] == '\0'))
			return true;
	return false;
}

/* --- expressions --- */

static bool matches_lan(const struct reading *r, const void *data, size_t len)
{
	uint32_t ifindex;

	if (names_one_of(data, len, (const char(*)[IFNAMSIZ])r->site->lan, r->site->n_lan))
		return true;
	for (size_t i = 0; i < r->site->n_lan && len == sizeof(ifindex); i++) {
		memcpy(&ifindex, data, sizeof(ifindex));
		if (ifindex != 0 && (int)ifindex == r->facts->lan[i].ifindex)
			return true;
	}
	return false;
}

static bool matches_uplink(const struct reading *r, const void *data, size_t len)
{
	uint32_t ifindex = 0;

	if (len == sizeof(ifindex))
		memcpy(&ifindex, data, sizeof(ifindex));
	for (size_t i = 0; i < r->site->n_uplinks; i++)
		if (names_one_of(data, len, &r->site->uplinks[i].interface, 1) ||
			(ifindex != 0 && (int)ifindex == r->facts->uplinks[i].ifindex))
			return true;
	return false;
}

/* A subnet of the LAN, or a wider one. Compares the whole octets that both have. */
static bool matches_lan_source(const struct reading *r, const void *data, size_t len)
{
	for (size_t i = 0; i < r->site->n_lan; i++)
		for (size_t j = 0; j < r->facts->lan[i].n_addrs; j++) {
			const struct link_addr *own = &r->facts->lan[i].addrs[j];
			size_t octets = own->prefix_len / 8u;

			if (octets > len)
				octets = len;
			if (octets > 0 && memcmp(own->addr.bytes, data, octets) == 0)
				return true;
		}
	return false;
}

static void read_meta(struct nlattr *attr, struct rule *rule)
{
	struct nlattr *tb[NFTA_META_MAX + 1];

	rule->loaded = LOADED_OTHER;
	if (!parse_nested(tb, NFTA_META_MAX, attr))
		return;
	switch (nlcmd_be32(tb[NFTA_META_KEY])) {
	case NFT_META_IIF:
	case NFT_META_IIFNAME:
		rule->loaded = LOADED_IIF;
		break;
	case NFT_META_OIF:
	case NFT_META_OIFNAME:
		rule->loaded = LOADED_OIF;
		break;
	default:
		break;
	}
}

static void read_payload(struct nlattr *attr, struct rule *rule)
{
	struct nlattr *tb[NFTA_PAYLOAD_MAX + 1];

	rule->loaded = LOADED_OTHER;
	if (!parse_nested(tb, NFTA_PAYLOAD_MAX, attr))
		return;
	uint32_t base = nlcmd_be32(tb[NFTA_PAYLOAD_BASE]);
	uint32_t offset = nlcmd_be32(tb[NFTA_PAYLOAD_OFFSET]);

	if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == DPORT_OFFSET)
		rule->loaded = LOADED_DPORT;
	else if (base == NFT_PAYLOAD_NETWORK_HEADER &&
		 (offset == IPV4_SADDR_OFFSET || offset == IPV6_SADDR_OFFSET))
		rule->loaded = LOADED_SADDR;
}

static void read_ct(struct nlattr *attr, struct rule *rule)
{
	struct nlattr *tb[NFTA_CT_MAX + 1];

	rule->loaded = LOADED_OTHER;
	if (parse_nested(tb, NFTA_CT_MAX, attr) &&
		nlcmd_be32(tb[NFTA_CT_KEY]) == NFT_CT_STATUS)
		rule->dnat = true;
}

static void read_cmp(const struct reading *r, struct nlattr *attr, struct rule *rule)
{
	struct nlattr *tb[NFTA_CMP_MAX + 1];
	struct nlattr *value[NFTA_DATA_MAX + 1];

	if (!parse_nested(tb, NFTA_CMP_MAX, attr) ||
		nlcmd_be32(tb[NFTA_CMP_OP]) != NFT_CMP_EQ ||
		!parse_nested(value, NFTA_DATA_MAX, tb[NFTA_CMP_DATA]) ||
		!value[NFTA_DATA_VALUE]) {
		rule->only_uplink = false;
		return;
	}
	const uint8_t *data = nla_data(value[NFTA_DATA_VALUE]);
	size_t len = (size_t)nla_len(value[NFTA_DATA_VALUE]);

	if (rule->loaded == LOADED_IIF && matches_uplink(r, data, len))
		return; /* still an only_uplink rule */
	rule->only_uplink = false;
	if ((rule->loaded == LOADED_IIF && matches_lan(r, data, len)) ||
		(rule->loaded == LOADED_OIF && matches_uplink(r, data, len)) ||
		(rule->loaded == LOADED_SADDR && matches_lan_source(r, data, len)))
		rule->lan = true;
	if (rule->loaded == LOADED_DPORT && len == 2 && be16_read(data) == r->site->dns.port)
		rule->dns = true;
}

/* A set or a range. Its content is not read. */
static void read_lookup(struct rule *rule)
{
	rule->lan = rule->lan || rule->loaded == LOADED_IIF || rule->loaded == LOADED_OIF ||
		    rule->loaded == LOADED_SADDR;
	rule->dns = rule->dns || rule->loaded == LOADED_DPORT;
	rule->only_uplink = rule->only_uplink && rule->loaded == LOADED_IIF;
}

/* Matches of xtables. The info of conntrack begins alike in revisions 2 and 3. */
static void read_match(const struct reading *r, struct nlattr *attr, struct rule *rule)
{
	struct nlattr *tb[NFTA_MATCH_MAX + 1];

	rule->only_uplink = false;
	if (!parse_nested(tb, NFTA_MATCH_MAX, attr) || !tb[NFTA_MATCH_INFO])
		return;
	const void *info = nla_data(tb[NFTA_MATCH_INFO]);
	size_t len = (size_t)nla_len(tb[NFTA_MATCH_INFO]);

	if (is_text(tb[NFTA_MATCH_NAME], "conntrack") && nlcmd_be32(tb[NFTA_MATCH_REV]) >= 2 &&
		len >= sizeof(struct xt_conntrack_mtinfo2)) {
		struct xt_conntrack_mtinfo2 conntrack;

		memcpy(&conntrack, info, sizeof(conntrack));
		if ((conntrack.state_mask & XT_CONNTRACK_STATE_DNAT) &&
			!(conntrack.invert_flags & XT_CONNTRACK_STATE))
			rule->dnat = true;
	} else if ((is_text(tb[NFTA_MATCH_NAME], "udp") ||
			   is_text(tb[NFTA_MATCH_NAME], "tcp")) &&
		   len >= sizeof(struct xt_udp)) {
		struct xt_udp ports; /* struct xt_tcp begins alike */

		memcpy(&ports, info, sizeof(ports));
		if (r->site->dns.port >= ports.dpts[0] && r->site->dns.port <= ports.dpts[1])
			rule->dns = true;
	} else if (is_text(tb[NFTA_MATCH_NAME], "multiport")) {
		rule->dns = true;
	}
}

static void read_immediate(struct nlattr *attr, struct rule *rule)
{
	struct nlattr *tb[NFTA_IMMEDIATE_MAX + 1];
	struct nlattr *data[NFTA_DATA_MAX + 1];
	struct nlattr *verdict[NFTA_VERDICT_MAX + 1];

	if (!parse_nested(tb, NFTA_IMMEDIATE_MAX, attr) ||
		!parse_nested(data, NFTA_DATA_MAX, tb[NFTA_IMMEDIATE_DATA]) ||
		!parse_nested(verdict, NFTA_VERDICT_MAX, data[NFTA_DATA_VERDICT]) ||
		!verdict[NFTA_VERDICT_CODE])
		return;
	switch ((int)nlcmd_be32(verdict[NFTA_VERDICT_CODE])) {
	case NF_ACCEPT:
		rule->accepts = true;
		break;
	case NF_DROP:
		rule->drops = true;
		break;
	default:
		rule->goes_on = true;
	}
}

static void read_target(struct nlattr *attr, struct rule *rule)
{
	struct nlattr *tb[NFTA_TARGET_MAX + 1];

	if (parse_nested(tb, NFTA_TARGET_MAX, attr) && is_text(tb[NFTA_TARGET_NAME], "REJECT"))
		rule->drops = true;
}

static bool is_one_of(struct nlattr *name, const char *const *words)
{
	for (; *words; words++)
		if (is_text(name, *words))
			return true;
	return false;
}

static void read_expression(const struct reading *r, struct nlattr *attr, struct rule *rule)
{
	static const char *const harmless[] = {"counter", "log", "notrack", NULL};
	static const char *const lookups[] = {"lookup", "range", NULL};
	struct nlattr *tb[NFTA_EXPR_MAX + 1];

	if (!parse_nested(tb, NFTA_EXPR_MAX, attr))
		return;
	struct nlattr *name = tb[NFTA_EXPR_NAME];
	struct nlattr *data = tb[NFTA_EXPR_DATA];

	if (is_one_of(name, harmless))
		return;
	if (is_text(name, "immediate")) {
		read_immediate(data, rule);
		return;
	}
	if (is_text(name, "reject")) {
		rule->drops = true;
		return;
	}
	if (is_text(name, "target")) {
		read_target(data, rule);
		return;
	}

	rule->conditional = true;
	if (is_text(name, "meta"))
		read_meta(data, rule);
	else if (is_text(name, "payload"))
		read_payload(data, rule);
	else if (is_text(name, "ct"))
		read_ct(data, rule);
	else if (is_text(name, "cmp"))
		read_cmp(r, data, rule);
	else if (is_one_of(name, lookups))
		read_lookup(rule);
	else if (is_text(name, "match"))
		read_match(r, data, rule);
	else if (!is_text(name, "bitwise")) /* it keeps what was loaded */
		rule->only_uplink = false;
	if (rule->loaded == LOADED_OTHER)
		rule->only_uplink = false;
}

/* --- rules --- */

static const char *family_str(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	default:
		return NULL;
	}
}

static void chain_apply_rule(
	struct doctor_chain *chain, const struct rule *rule, bool is_in_chain)
{
	if (rule->accepts) {
		chain->passes_dnat = chain->passes_dnat || rule->dnat || !rule->conditional;
		chain->passes_lan = chain->passes_lan || rule->lan || !rule->conditional;
		chain->passes_dns = chain->passes_dns || rule->dns || !rule->conditional;
	}
	if (rule->drops && is_in_chain && !rule->conditional)
		chain->drops_rest = true;
	if (rule->drops && is_in_chain && rule->conditional && rule->only_uplink)
		chain->drops_uplink = true;
}

static int on_nft_rule(struct nlmsghdr *msg, void *arg)
{
	struct reading *r = arg;
	const struct nfgenmsg *nfgen = nlmsg_data(msg);
	const char *family = family_str(nfgen->nfgen_family);
	struct nlattr *tb[NFTA_RULE_MAX + 1];
	struct rule rule = {.only_uplink = true};
	struct nlattr *expression;
	int rest;

	if (nlmsg_parse(msg, sizeof(*nfgen), tb, NFTA_RULE_MAX, NULL) < 0)
		return -EBADMSG;
	if (!family || !tb[NFTA_RULE_TABLE] || !tb[NFTA_RULE_CHAIN] ||
		!tb[NFTA_RULE_EXPRESSIONS])
		return 0;
	nla_for_each_nested(expression, tb[NFTA_RULE_EXPRESSIONS], rest)
		read_expression(r, expression, &rule);
	if (rule.goes_on)
		return 0;

	for (size_t i = 0; i < r->facts->n_chains; i++) {
		struct doctor_chain *chain = &r->facts->chains[i];
		bool is_in_chain = is_text(tb[NFTA_RULE_CHAIN], chain->name);

		/* an unconditional accept in another chain may be reached by few packets */
		if (strcmp(chain->family, family) == 0 &&
			is_text(tb[NFTA_RULE_TABLE], chain->table) &&
			(is_in_chain || rule.conditional))
			chain_apply_rule(chain, &rule, is_in_chain);
	}
	return 0;
}

/* --- chains --- */

static bool read_hook(struct nlattr *attr, enum doctor_hook *ret_hook)
{
	struct nlattr *tb[NFTA_HOOK_MAX + 1];

	if (!parse_nested(tb, NFTA_HOOK_MAX, attr) || !tb[NFTA_HOOK_HOOKNUM])
		return false;
	switch (nlcmd_be32(tb[NFTA_HOOK_HOOKNUM])) {
	case NF_INET_FORWARD:
		*ret_hook = DOCTOR_FORWARD;
		return true;
	case NF_INET_LOCAL_IN:
		*ret_hook = DOCTOR_INPUT;
		return true;
	default:
		return false;
	}
}

static int add_chain(struct doctor_facts *facts, const struct doctor_chain *chain)
{
	struct doctor_chain *chains = reallocarray(
		facts->chains, facts->n_chains + 1, sizeof(*chains));

	if (!chains)
		return -ENOMEM;
	facts->chains = chains;
	chains[facts->n_chains++] = *chain;
	return 0;
}

static int on_base_chain(struct nlmsghdr *msg, void *arg)
{
	struct reading *r = arg;
	const struct nfgenmsg *nfgen = nlmsg_data(msg);
	const char *family = family_str(nfgen->nfgen_family);
	struct nlattr *tb[NFTA_CHAIN_MAX + 1];
	struct doctor_chain chain = {.owner = DOCTOR_NFT};

	if (nlmsg_parse(msg, sizeof(*nfgen), tb, NFTA_CHAIN_MAX, NULL) < 0)
		return -EBADMSG;
	if (!family || !tb[NFTA_CHAIN_TABLE] || !tb[NFTA_CHAIN_NAME] ||
		!read_hook(tb[NFTA_CHAIN_HOOK], &chain.hook) ||
		(tb[NFTA_CHAIN_TYPE] && !is_text(tb[NFTA_CHAIN_TYPE], "filter")))
		return 0;
	if (nfgen->nfgen_family == NFPROTO_INET && is_text(tb[NFTA_CHAIN_TABLE], OWN_TABLE))
		return 0;

	snprintf(chain.family, sizeof(chain.family), "%s", family);
	nla_strlcpy(chain.table, tb[NFTA_CHAIN_TABLE], sizeof(chain.table));
	nla_strlcpy(chain.name, tb[NFTA_CHAIN_NAME], sizeof(chain.name));
	chain.policy_drop = tb[NFTA_CHAIN_POLICY] &&
			    nlcmd_be32(tb[NFTA_CHAIN_POLICY]) == NF_DROP;
	if (strcmp(chain.table, "firewalld") == 0)
		chain.owner = DOCTOR_FIREWALLD;
	else if (nfgen->nfgen_family != NFPROTO_INET && strcmp(chain.table, "filter") == 0 &&
		 (strcmp(chain.name, "FORWARD") == 0 || strcmp(chain.name, "INPUT") == 0))
		chain.owner = DOCTOR_IPTABLES;
	return add_chain(r->facts, &chain);
}

/* The names of its chains show which program made rules in a table of iptables. With both, ufw
 * counts: its chains drop. docker is about forwarding only. */
static int on_nft_chain(struct nlmsghdr *msg, void *arg)
{
	struct reading *r = arg;
	const struct nfgenmsg *nfgen = nlmsg_data(msg);
	const char *family = family_str(nfgen->nfgen_family);
	struct nlattr *tb[NFTA_CHAIN_MAX + 1];
	char name[DOCTOR_NAME_MAX];

	if (nlmsg_parse(msg, sizeof(*nfgen), tb, NFTA_CHAIN_MAX, NULL) < 0)
		return -EBADMSG;
	if (!family || !tb[NFTA_CHAIN_TABLE] || !tb[NFTA_CHAIN_NAME])
		return 0;
	nla_strlcpy(name, tb[NFTA_CHAIN_NAME], sizeof(name));
	bool is_ufw = strncmp(name, "ufw-", 4) == 0 || strncmp(name, "ufw6-", 5) == 0;
	bool is_docker = strcmp(name, "DOCKER-USER") == 0;

	for (size_t i = 0; i < r->facts->n_chains; i++) {
		struct doctor_chain *chain = &r->facts->chains[i];

		if (chain->owner == DOCTOR_NFT || chain->owner == DOCTOR_FIREWALLD ||
			strcmp(chain->family, family) != 0 ||
			!is_text(tb[NFTA_CHAIN_TABLE], chain->table))
			continue;
		if (is_ufw)
			chain->owner = DOCTOR_UFW;
		else if (is_docker && chain->owner == DOCTOR_IPTABLES &&
			 chain->hook == DOCTOR_FORWARD)
			chain->owner = DOCTOR_DOCKER;
	}
	return 0;
}

/* --- the whole --- */

static int nft_dump(struct reading *r, int type, nlcmd_each_fn *each)
{
	AUTO(nlmsg_freep)
	struct nl_msg *msg = nlmsg_alloc_simple(
		(NFNL_SUBSYS_NFTABLES << 8) | type, NLM_F_REQUEST | NLM_F_DUMP);
	struct nfgenmsg nfgen = {.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0};

	if (!msg || nlmsg_append(msg, &nfgen, sizeof(nfgen), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	int err = nlcmd_dump(r->cmd, msg, each, r);
	return err == -EINTR ? 0 : err; /* changed during the dump: most of it was read */
}

int doctornft_read(const struct site *site, struct doctor_facts *facts)
{
	AUTO(nlcmd_freep) struct nlcmd *cmd = NULL;
	struct reading r = {.site = site, .facts = facts};

	int err = nlcmd_new(NETLINK_NETFILTER, &cmd);
	if (err < 0)
		return err;
	r.cmd = cmd;
	err = nft_dump(&r, NFT_MSG_GETCHAIN, on_base_chain);
	if (err == 0)
		err = nft_dump(&r, NFT_MSG_GETCHAIN, on_nft_chain);
	if (err == 0)
		err = nft_dump(&r, NFT_MSG_GETRULE, on_nft_rule);
	return err;
}
