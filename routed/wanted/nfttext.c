/* nfttext.c - the nftables table `inet multihomed`: its chains, with their rules as text
 *
 * Pure: site and situation in, the whole table out; equal situations give equal tables. The
 * chains, in the order in which a packet meets them:
 *
 *   raw_in            raw         what an uplink must not bring is dropped: from_outside
 *                                 (nftforged.c)
 *   raw_in, dns_out   raw         dnsd's questions and answers over UDP go untracked; what has
 *                                 a source of another uplink does not leave (answers_I)
 *   mark_in           mangle      a flow that an uplink brings is marked as such (mark_in_I);
 *                                 packets of known flows from elsewhere get back their
 *                                 uplink's mark (restore_I) for the routing rules; flows
 *                                 from before us get it by their address (adopt)
 *   mark_local        mangle      the same for the router's own packets; their MSS where the
 *                                 site fixes one; the source of ICMP errors (error_I)
 *   forwards_*        dstnat      port forwards, by map (nftforwards.c)
 *   forward           filter      from_uplink_I: counters, MSS, the guard
 *                                 to_uplink_I: a flow that leaves by an uplink is marked as
 *                                 such; counters, MSS; nothing goes out that should be
 *                                 translated and cannot be; whether inbound flows are
 *                                 answered over their uplink
 *   arrival           srcnat - 1  counts inbound flows by forward
 *   nat               srcnat      hairpin, and the uplink's own address for what leaves by it;
 *                                 marks flows of the router itself
 *
 * Uplinks are told apart by interface name, once per hook; I is the index of the uplink. Each
 * hook costs an established packet more than the expressions in it, so there are no more hooks
 * than these, and what is true of most packets comes first in each. Chains named
 * `forwards_...`, `arrival` and `nat` see the first packet of a flow only.
 *
 * Marks are put together by constants: nftables of Debian 12 cannot combine two registers, and
 * bits outside of ours belong to others.
 *
 * Everything written here is a number, an address of inet_ntop, or an interface name of the
 * strict pattern that site.yaml is held to: nothing can break out of its quotes.
 */
#include "routed/wanted/nfttext.h"

#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "common/net/family.h"
#include "common/net/pickaddr.h"
#include "routed/kernel/nfttable.h"
#include "routed/kernel/text.h"
#include "routed/wanted/nftforged.h"
#include "routed/wanted/nftforwards.h"
#include "routed/wanted/nftprefixes.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wantednumbers.h"

struct table {
	struct nfttable *blocks;
	const struct site *site;
	const struct situation *situation;
};

/* Bytes of headers that an MTU holds besides the segment. */
enum { IPV4_TCP_HEADERS = 40, IPV6_TCP_HEADERS = 60 };

enum { FEW_UPLINKS = 3 };

#define SYN "tcp flags & (syn | rst) == syn"

char *wanted_counter_name(
	enum wanted_counter counter, size_t uplink, char out[WANTED_COUNTER_NAME])
{
	static const char *const names[WANTED_COUNTERS] = {
		[WANTED_COUNTER_OUT] = "out",
		[WANTED_COUNTER_IN] = "in",
		[WANTED_COUNTER_GUARDED] = "guarded",
		[WANTED_COUNTER_FORGED] = "forged",
		[WANTED_COUNTER_INSIDE_VIEW] = "inside_view",
	};

	snprintf(out, WANTED_COUNTER_NAME, "%s_%zu", names[counter], uplink);
	return out;
}

/* --- parts that chains share --- */

/* The chain that is being written: the block that was begun last. */
static struct nftblock *chain_of(const struct table *t)
{
	return &t->blocks->blocks[t->blocks->n - 1];
}

static struct text *rules_of(const struct table *t)
{
	return &chain_of(t)->rules;
}

static void chain_begin(const struct table *t, const char *name)
{
	nfttable_add(t->blocks, NFTBLOCK_CHAIN, name);
}

static void chain_begin_of(const struct table *t, const char *name, size_t uplink)
{
	char chain[NFTTABLE_NAME_MAX];

	snprintf(chain, sizeof(chain), "%s_%zu", name, uplink);
	chain_begin(t, chain);
	snprintf(chain_of(t)->note, NFTTABLE_NAME_MAX, "%s", t->site->uplinks[uplink].name);
}

static void chain_hook(
	const struct table *t, const char *type, const char *hook, const char *priority)
{
	text_add(&chain_of(t)->declaration,
		"\t\ttype %s hook %s priority %s; policy accept;\n", type, hook, priority);
}

static void rule(const struct table *t, const char *what)
{
	text_add(rules_of(t), "\t\t%s\n", what);
}

/* By interface to the chain of its uplink. `key` is iifname or oifname. A few comparisons cost
 * less than a look into a hash table. */
static void rule_by_uplink(const struct table *t, const char *key, const char *chain)
{
	for (size_t i = 0; i < t->site->n_uplinks && t->site->n_uplinks <= FEW_UPLINKS; i++)
		text_add(rules_of(t), "\t\t%s \"%s\" goto %s_%zu\n", key,
			t->site->uplinks[i].interface, chain, i);
	if (t->site->n_uplinks <= FEW_UPLINKS)
		return;

	text_add(rules_of(t), "\t\t%s vmap {", key);
	for (size_t i = 0; i < t->site->n_uplinks; i++)
		text_add(rules_of(t), "%s \"%s\" : goto %s_%zu", i ? "," : "",
			t->site->uplinks[i].interface, chain, i);
	text_str(rules_of(t), " }\n");
}

static void rule_of_all_uplinks(const struct table *t, const char *key, const char *rest)
{
	text_add(rules_of(t), "\t\t%s {", key);
	for (size_t i = 0; i < t->site->n_uplinks; i++)
		text_add(
			rules_of(t), "%s \"%s\"", i ? "," : "", t->site->uplinks[i].interface);
	text_add(rules_of(t), " } %s\n", rest);
}

/* "ip saddr { 192.168.2.1 } ...", nothing if the list is empty. */
static void rule_by_addrs(const struct table *t, const char *before,
	const struct addr *const *addrs, size_t n, const char *after)
{
	if (n == 0)
		return;

	text_add(rules_of(t), "\t\t%s {", before);
	for (size_t i = 0; i < n; i++)
		text_add(rules_of(t), "%s %s", i ? "," : "", addr_str(addrs[i]));
	text_add(rules_of(t), " } %s\n", after);
}

/* The router's own addresses on the uplink. `match` is "saddr", "saddr !=" or the like; `of`
 * is "ct reply " for those of the flow's answers. */
static void rule_by_own(const struct table *t, size_t i, enum site_family family,
	const char *of, const char *match, const char *after)
{
	const struct situation_uplink *uplink = &t->situation->uplinks[i];
	const struct addr *addrs[SITUATION_MAX_ADDRS + 1];
	char before[32];
	size_t n = 0;

	for (size_t j = 0; j < uplink->n_addrs; j++)
		if (uplink->addrs[j].addr.family == family_af(family))
			addrs[n++] = &uplink->addrs[j].addr;
	if (n == 0 && addr_is_set(&uplink->chosen[family]))
		addrs[n++] = &uplink->chosen[family];
	snprintf(before, sizeof(before), "%s%s %s", of, family == SITE_IPV4 ? "ip" : "ip6",
		match);
	rule_by_addrs(t, before, addrs, n, after);
}

static void rule_by_own_addresses(const struct table *t, size_t i, enum site_family family,
	const char *match, const char *after)
{
	rule_by_own(t, i, family, "", match, after);
}

/* --- MSS --- */

/* What the router itself opens has the MSS of its route already. */
static void rules_mss_local(const struct table *t)
{
	for (size_t i = 0; i < t->site->n_uplinks; i++)
		if (t->site->uplinks[i].mss == SITE_MSS_FIXED)
			text_add(rules_of(t),
				"\t\toifname \"%s\" " SYN " tcp option maxseg size set %u\n",
				t->site->uplinks[i].interface, t->site->uplinks[i].mss_bytes);
}

/* `in` is what came in by the uplink and goes on into the LAN, whose MTU says nothing about
 * the uplink; for what leaves by it `rt mtu` knows the way that the packet takes. The kernel
 * lowers a segment size only, never raises it (net/netfilter/nft_exthdr.c). */
static void rules_mss(const struct table *t, size_t i, bool in)
{
	const struct site_uplink *uplink = &t->site->uplinks[i];
	uint32_t mtu = t->situation->uplinks[i].mtu;
	char size[16] = "rt mtu";

	if (uplink->mss == SITE_MSS_NO)
		return;
	if (uplink->mss == SITE_MSS_FIXED)
		snprintf(size, sizeof(size), "%u", uplink->mss_bytes);
	if (!in || uplink->mss == SITE_MSS_FIXED)
		text_add(rules_of(t), "\t\t" SYN " tcp option maxseg size set %s\n", size);
	else if (mtu > IPV6_TCP_HEADERS && mtu <= 65535)
		text_add(rules_of(t), "\t\t" SYN " jump mss_in_%zu\n", i);
}

static void mss_chain(const struct table *t, size_t i)
{
	uint32_t mtu = t->situation->uplinks[i].mtu;

	if (t->site->uplinks[i].mss != SITE_MSS_AUTO || mtu <= IPV6_TCP_HEADERS || mtu > 65535)
		return;
	chain_begin_of(t, "mss_in", i);
	text_add(rules_of(t), "\t\tmeta nfproto ipv4 tcp option maxseg size set %" PRIu32 "\n",
		mtu - IPV4_TCP_HEADERS);
	text_add(rules_of(t), "\t\tmeta nfproto ipv6 tcp option maxseg size set %" PRIu32 "\n",
		mtu - IPV6_TCP_HEADERS);
}

/* --- marks --- */

/* Flows that came before us, or whose mark was lost, are adopted: hence no `ct state new`. In
 * a family that is left to main there is no default in the uplink's table: nothing is bound to
 * it. */
static void rule_mark(const struct table *t, size_t i, uint32_t mark, const char *also)
{
	const struct situation_uplink *uplink = &t->situation->uplinks[i];
	bool without4 = situation_is_left_to_main(uplink, SITE_IPV4);
	bool without6 = situation_is_left_to_main(uplink, SITE_IPV6);
	const char *family = without4	? "meta nfproto ipv6 "
			     : without6 ? "meta nfproto ipv4 "
					: "";

	if (without4 && without6)
		return;
	text_add(rules_of(t),
		"\t\t%sct direction original ct mark & 0x%" PRIx32
		" == 0 ct mark set ct mark | 0x%" PRIx32 "%s\n",
		family, wanted_mark_mask(t->site), mark, also);
}

/* Flows from inside that are older than us: they have an uplink's address already, and can go
 * on over that uplink only. */
static void adopt_chain(const struct table *t)
{
	char then[64];

	chain_begin(t, "adopt");
	for (size_t i = 0; i < t->site->n_uplinks; i++)
		for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
			if (!situation_can_route(&t->situation->uplinks[i], family))
				continue;
			snprintf(then, sizeof(then),
				"ct mark set ct mark | 0x%" PRIx32 " goto restore_%zu",
				wanted_mark_out(t->site, i), i);
			rule_by_own(t, i, family, "ct reply ", "daddr", then);
		}
}

static void rule_marked(const struct table *t, uint32_t mark, const char *then)
{
	text_add(rules_of(t), "\t\tct mark & 0x%" PRIx32 " == 0x%" PRIx32 " %s\n",
		wanted_mark_mask(t->site), mark, then);
}

/* By the mark of the flow to the chain of its uplink. */
static void rule_restore(const struct table *t, const char *chain)
{
	text_add(rules_of(t), "\t\tct mark & 0x%" PRIx32 " vmap {",
		wanted_mark_uplink_mask(t->site));
	for (size_t i = 0; i < t->site->n_uplinks; i++)
		text_add(rules_of(t), "%s 0x%" PRIx32 " : goto %s_%zu", i ? "," : "",
			wanted_mark_out(t->site, i), chain, i);
	text_str(rules_of(t), " }\n");
}

static void rule_own_source(const struct table *t, size_t i, enum site_family family)
{
	const struct addr *chosen = &t->situation->uplinks[i].chosen[family];
	char set[INET6_ADDRSTRLEN + 16];

	if (!addr_is_set(chosen))
		return;
	snprintf(set, sizeof(set), "%s saddr set %s", family == SITE_IPV4 ? "ip" : "ip6",
		addr_str(chosen));
	rule_by_own_addresses(t, i, family, "saddr !=", set);
}

/* An ICMP error that the router sends to a host outside gets the source that the default
 * route suggests, and the rule of that source comes before the one of the mark. Translation
 * would then make it the address that was asked, on the wrong uplink: so it is given a source
 * of its uplink at once, and routed again. */
static void error_chains(const struct table *t)
{
	for (size_t i = 0; i < t->site->n_uplinks; i++) {
		chain_begin_of(t, "error", i);
		rule_own_source(t, i, SITE_IPV4);
		rule_own_source(t, i, SITE_IPV6);
		text_add(rules_of(t), "\t\tgoto restore_%zu\n", i);
	}

	chain_begin(t, "errors");
	rule_restore(t, "error");
}

static void rules_errors(const struct table *t)
{
	static const char *const rests[SITE_FAMILIES] = {
		[SITE_IPV4] = "ct state related icmp type { destination-unreachable, "
			      "time-exceeded, parameter-problem } goto errors",
		[SITE_IPV6] = "ct state related icmpv6 type { destination-unreachable, "
			      "packet-too-big, time-exceeded, parameter-problem } goto errors",
	};

	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		rule_of_all_uplinks(t, "oifname", rests[family]);
}

static void mark_chains(const struct table *t)
{
	for (size_t i = 0; i < t->site->n_uplinks; i++) {
		chain_begin_of(t, "mark_in", i);
		rule_mark(t, i, wanted_mark_in(t->site, i), "");

		chain_begin_of(t, "restore", i);
		text_add(rules_of(t),
			"\t\tmeta mark set meta mark & 0x%" PRIx32 " | 0x%" PRIx32 "\n",
			~wanted_mark_mask(t->site), wanted_mark_out(t->site, i));
	}

	adopt_chain(t);
	chain_begin(t, "mark_in");
	chain_hook(t, "filter", "prerouting", "mangle");
	rule_by_uplink(t, "iifname", "mark_in");
	rule_restore(t, "restore");
	text_add(rules_of(t),
		"\t\tct mark & 0x%" PRIx32
		" == 0 ct status snat ct direction original goto adopt\n",
		wanted_mark_mask(t->site));

	error_chains(t);
	chain_begin(t, "mark_local");
	chain_hook(t, "route", "output", "mangle");
	rules_mss_local(t);
	rules_errors(t);
	rule_restore(t, "restore");
}

/* --- forwarding: counters and the guard --- */

/* What an uplink may send inside: what belongs to a flow, was translated by any program, came out
 * of IPsec, or goes to prefixes that the site declared open. */
static void guard_chain(const struct table *t)
{
	const struct site_prefixes *open = &t->site->routing.open;

	chain_begin(t, "guard");
	rule(t, "ct state established,related accept");
	rule(t, "ct status dnat accept");
	rule(t, "meta ipsec exists accept");
	if (nftprefixes_any(open, SITE_IPV4))
		rule(t, "ip daddr @open4 accept");
	if (nftprefixes_any(open, SITE_IPV6))
		rule(t, "ip6 daddr @open6 accept");
	/* RFC 4890 section 4.3.1: traffic that must not be dropped */
	rule(t, "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, "
		"parameter-problem } accept");
	text_str(rules_of(t), "\t\tcounter name iifname map {");
	for (size_t i = 0; i < t->site->n_uplinks; i++)
		text_add(rules_of(t), "%s \"%s\" : \"guarded_%zu\"", i ? "," : "",
			t->site->uplinks[i].interface, i);
	text_str(rules_of(t), " } drop\n");
}

static void rule_by_prefixes(
	const struct table *t, const char *name, const struct site_prefixes *prefixes)
{
	if (nftprefixes_any(prefixes, SITE_IPV4))
		text_add(rules_of(t), "\t\tip saddr @%s4 accept\n", name);
	if (nftprefixes_any(prefixes, SITE_IPV6))
		text_add(rules_of(t), "\t\tip6 saddr @%s6 accept\n", name);
}

/* Sources that leave by the uplink as they are. */
static void rules_untranslated(const struct table *t, size_t i)
{
	char prefixes6[32];

	snprintf(prefixes6, sizeof(prefixes6), "prefixes_%zu_", i);
	rule(t, "rt ipsec exists accept");
	rule_by_prefixes(t, "no_nat", &t->site->routing.no_nat);
	rule_by_prefixes(t, "open", &t->site->routing.open);
	rule_by_prefixes(t, prefixes6, &t->site->uplinks[i].prefixes6);
}

/* What connection tracking cannot place it does not translate either, such as the last RST of
 * a connection whose entry is gone: a source that should be translated must not leave so. */
static void invalid_chain(const struct table *t, size_t i)
{
	enum site_nat6 nat6 = t->site->uplinks[i].nat6;

	chain_begin_of(t, "invalid", i);
	rules_untranslated(t, i);
	rule(t, "meta nfproto ipv4 drop");
	if (nat6 == SITE_NAT6_ULA)
		rule(t, "ip6 saddr fc00::/7 drop");
	else if (nat6 == SITE_NAT6_ALL)
		rule(t, "meta nfproto ipv6 drop");
}

/* Counts a flow by the forward that it came by, in a set that packets fill. nft 1.0.6 knows
 * what `ct original proto-dst` is next to a protocol only. */
static void rules_count_forward(const struct table *t, const char *match, const char *set)
{
	static const char *const protocols[] = {"tcp", "udp"};

	for (enum site_family family = 0; family < SITE_FAMILIES; family++)
		for (size_t p = 0; p < 2; p++)
			text_add(rules_of(t),
				"\t\t%s meta nfproto ipv%d meta l4proto "
				"%s update @%s%d { ct original %s daddr "
				". meta l4proto . ct original proto-dst counter }\n",
				match, family == SITE_IPV4 ? 4 : 6, protocols[p], set,
				family == SITE_IPV4 ? 4 : 6,
				family == SITE_IPV4 ? "ip" : "ip6");
}

/* The first answer to an inbound flow: does it leave by the uplink that the flow came by?
 * Where a set is full a rule of it ends, hence the mark has one of its own. */
static void answer_chain(const struct table *t, size_t i)
{
	uint32_t mask = wanted_mark_uplink_mask(t->site);
	uint32_t mark = wanted_mark_out(t->site, i);
	char match[64];

	chain_begin_of(t, "answer", i);
	snprintf(match, sizeof(match), "ct mark & 0x%" PRIx32 " == 0x%" PRIx32, mask, mark);
	rules_count_forward(t, match, "answered");
	snprintf(match, sizeof(match), "ct mark & 0x%" PRIx32 " != 0x%" PRIx32, mask, mark);
	rules_count_forward(t, match, "astray");
	text_add(rules_of(t), "\t\tct mark set ct mark | 0x%" PRIx32 "\n",
		wanted_mark_answered(t->site));
	text_add(rules_of(t), "\t\tgoto leave_%zu\n", i);
}

/* What an uplink brought for a forward, as it goes on inside: once for each flow, before
 * a translation of its source, by any program, ends the round of nat chains. */
static void arrival_chain(const struct table *t)
{
	uint32_t direction = wanted_mark_direction(t->site);
	char match[96];

	snprintf(match, sizeof(match), "ct status dnat ct mark & 0x%" PRIx32 " == 0x%" PRIx32,
		direction, direction);
	chain_begin(t, "arrival");
	chain_hook(t, "nat", "postrouting", "srcnat - 1");
	rules_count_forward(t, match, "arrived");
}

static void from_uplink_chain(const struct table *t, size_t i)
{
	char in[WANTED_COUNTER_NAME];

	mss_chain(t, i);
	chain_begin_of(t, "from_uplink", i);
	text_add(rules_of(t), "\t\tct direction reply counter name \"%s\"\n",
		wanted_counter_name(WANTED_COUNTER_IN, i, in));
	rules_mss(t, i, true);
	if (t->site->routing.guard)
		rule(t, "goto guard");
}

/* Outbound flows that are known, then answers to inbound ones that are known, then the rest.
 */
static void to_uplink_chain(const struct table *t, size_t i)
{
	uint32_t answered = wanted_mark_answered(t->site);
	uint32_t in = wanted_mark_in(t->site, i);
	char name[WANTED_COUNTER_NAME];
	char counted[64];
	char known[96];

	wanted_counter_name(WANTED_COUNTER_OUT, i, name);
	snprintf(counted, sizeof(counted), "counter name \"%s\"", name);
	snprintf(known, sizeof(known), "%s goto leave_%zu", counted, i);

	chain_begin_of(t, "leave", i);
	rules_mss(t, i, false);

	invalid_chain(t, i);
	if (answered)
		answer_chain(t, i);

	chain_begin_of(t, "to_uplink", i);
	rule_marked(t, wanted_mark_out(t->site, i), known);
	snprintf(known, sizeof(known), "goto leave_%zu", i);
	rule_marked(t, in | answered, known);
	text_add(rules_of(t), "\t\tct state invalid goto invalid_%zu\n", i);
	if (answered)
		text_add(rules_of(t),
			"\t\tct direction reply ct status dnat ct mark & 0x%" PRIx32
			" == 0x%" PRIx32 " goto answer_%zu\n",
			wanted_mark_direction(t->site) | answered,
			wanted_mark_direction(t->site), i);
	snprintf(known, sizeof(known), " %s", counted);
	rule_mark(t, i, wanted_mark_out(t->site, i), known);
	text_add(rules_of(t), "\t\tgoto leave_%zu\n", i);
}

static void forward_chains(const struct table *t)
{
	if (t->site->routing.guard)
		guard_chain(t);
	for (size_t i = 0; i < t->site->n_uplinks; i++) {
		from_uplink_chain(t, i);
		to_uplink_chain(t, i);
	}

	chain_begin(t, "forward");
	chain_hook(t, "filter", "forward", "filter");
	rule_by_uplink(t, "iifname", "from_uplink");
	rule_by_uplink(t, "oifname", "to_uplink");
}

/* --- before connection tracking --- */

/* Those of dnsd, by the uplink whose addresses they are. Equal addresses on two uplinks do no
 * harm here: the set is merged by nft. */
static void rules_untracked(const struct table *t, const char *match, const char *direction,
	size_t i, const char *then)
{
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		const struct addr *addrs[SITUATION_MAX_ADDRS];
		size_t n = situation_served(t->site, t->situation, i, family, addrs);
		char before[64];

		snprintf(before, sizeof(before), "%s%s %s", match,
			family == SITE_IPV4 ? "ip" : "ip6", direction);
		rule_by_addrs(t, before, addrs, n, then);
	}
}

/* An answer that is to leave by uplink `i`. What is not tracked is not translated either, so
 * that one with an address of another uplink, or with one that went this very moment, must not
 * leave at all: it would with that source. Where everything is translated it cannot. */
static void answers_chain(const struct table *t, size_t i)
{
	enum site_nat6 nat6 = t->site->uplinks[i].nat6;

	chain_begin_of(t, "answers", i);
	rule(t, "meta l4proto != udp accept");
	rules_untracked(t, "", "saddr", i, "notrack accept");
	rule_by_own_addresses(t, i, SITE_IPV4, "saddr", "accept");
	rule_by_own_addresses(t, i, SITE_IPV6, "saddr", "accept");
	for (size_t j = 0; j < t->site->n_uplinks; j++)
		if (j != i) {
			rule_by_own_addresses(t, j, SITE_IPV4, "saddr", "drop");
			rule_by_own_addresses(t, j, SITE_IPV6, "saddr", "drop");
		}
	if (nat6 != SITE_NAT6_ALL) {
		rules_untranslated(t, i);
		text_add(rules_of(t), "\t\tip6 saddr { fe80::/10%s } accept\n",
			nat6 == SITE_NAT6_ULA ? ", fc00::/7" : "");
		rule(t, "meta nfproto ipv6 drop");
	}
}

/* Most packets are none of dnsd's, and should be through after one look. */
static void rules_dns(const struct table *t, bool out)
{
	const char *port = out ? "sport" : "dport";
	char match[32];

	text_add(rules_of(t), "\t\tth %s != %u accept\n", port, t->site->dns.port);
	if (out)
		rule_by_uplink(t, "oifname", "answers");
	snprintf(match, sizeof(match), "udp %s %u ", port, t->site->dns.port);
	for (size_t i = 0; i < t->site->n_uplinks; i++)
		rules_untracked(t, match, out ? "saddr" : "daddr", i, "notrack");
}

/* What comes in: what an uplink must not bring, then dnsd's. */
static void raw_chains(const struct table *t)
{
	bool serves = t->site->dns.n_zones > 0;

	nft_forged_chains(t->blocks, t->site, t->situation);
	chain_begin(t, "raw_in");
	chain_hook(t, "filter", "prerouting", "raw");
	rule_of_all_uplinks(t, "iifname", "jump from_outside");
	if (serves)
		rules_dns(t, false);
	if (!serves)
		return;

	for (size_t i = 0; i < t->site->n_uplinks; i++)
		answers_chain(t, i);
	chain_begin(t, "dns_out");
	chain_hook(t, "filter", "output", "raw");
	rules_dns(t, true);
}

/* --- address translation --- */

/* Port forwards, for what arrives and for what the router itself asks. */
static void forward_nat_chains(const struct table *t, const struct text *rules)
{
	if (rules->len == 0)
		return;

	chain_begin(t, "forwards");
	text_str(rules_of(t), rules->data);

	chain_begin(t, "forwards_in");
	chain_hook(t, "nat", "prerouting", "dstnat");
	rule(t, "jump forwards");

	chain_begin(t, "forwards_local");
	chain_hook(t, "nat", "output", "-100");
	rule(t, "jump forwards");
}

/* Would masquerade take it? That is the first primary one whose subnet holds the gateway, or
 * the first at all (net/ipv4/devinet.c, inet_select_addr). IPv6 chooses by the scope of the
 * destination (RFC 6724), which comes to the same. */
static bool is_masquerades(const struct situation_uplink *uplink, const struct addr *chosen)
{
	const struct addr *first = NULL;

	for (size_t i = 0; chosen->family == AF_INET && i < uplink->n_addrs; i++) {
		const struct link_addr *addr = &uplink->addrs[i];
		struct prefix subnet = link_addr_subnet(addr);

		if (addr->addr.family != AF_INET || (addr->flags & IFA_F_SECONDARY) ||
			addr->scope != RT_SCOPE_UNIVERSE)
			continue;
		if (prefix_contains(&subnet, &uplink->gateway[SITE_IPV4]))
			return addr_eq(&addr->addr, chosen);
		if (!first)
			first = &addr->addr;
	}
	return !first || addr_eq(first, chosen);
}

/* `address:` may name another one than masquerade takes. */
static void rule_translate(
	const struct table *t, size_t i, enum site_family family, const char *match)
{
	const struct addr *chosen = &t->situation->uplinks[i].chosen[family];
	bool is_given = addr_is_set(&t->site->uplinks[i].address[family].addr);

	if (addr_is_set(chosen) &&
		(is_given || !is_masquerades(&t->situation->uplinks[i], chosen)))
		text_add(rules_of(t), "\t\t%s snat %s to %s\n", match,
			family == SITE_IPV4 ? "ip" : "ip6", addr_str(chosen));
	else
		text_add(rules_of(t), "\t\t%s masquerade\n", match);
}

static void nat_chain(const struct table *t, size_t i)
{
	const struct site_uplink *uplink = &t->site->uplinks[i];

	chain_begin_of(t, "nat", i);
	rule_mark(t, i, wanted_mark_out(t->site, i), "");
	rules_untranslated(t, i);
	rule_by_own_addresses(t, i, SITE_IPV4, "saddr", "accept");
	rule_by_own_addresses(t, i, SITE_IPV6, "saddr", "accept");
	rule_translate(t, i, SITE_IPV4, "meta nfproto ipv4");
	if (uplink->nat6 == SITE_NAT6_ULA)
		rule_translate(t, i, SITE_IPV6, "ip6 saddr fc00::/7");
	else if (uplink->nat6 == SITE_NAT6_ALL)
		rule_translate(t, i, SITE_IPV6, "meta nfproto ipv6");
}

/* Hairpin: a client that asked for the public address and whose server is next to it must see
 * the answer come from us, or it would not know it. */
static void nat_chains(const struct table *t)
{
	for (size_t i = 0; i < t->site->n_uplinks; i++)
		nat_chain(t, i);

	chain_begin(t, "nat");
	chain_hook(t, "nat", "postrouting", "srcnat");
	for (size_t i = 0; i < t->site->n_lan; i++)
		text_add(rules_of(t),
			"\t\tiifname \"%s\" oifname \"%s\" ct status dnat masquerade\n",
			t->site->lan[i], t->site->lan[i]);
	rule_by_uplink(t, "oifname", "nat");
}

/* --- the whole --- */

static void counters(const struct table *t)
{
	for (size_t i = 0; i < t->site->n_uplinks; i++)
		for (enum wanted_counter c = WANTED_COUNTER_OUT; c < WANTED_COUNTERS; c++) {
			char name[WANTED_COUNTER_NAME];

			nfttable_add(
				t->blocks, NFTBLOCK_COUNTER, wanted_counter_name(c, i, name));
		}
}

/* Filled by packets, and read by selftest.c. */
static void sets_of_flows(const struct table *t, enum site_family family)
{
	static const char *const names[] = {"arrived", "answered", "astray"};
	size_t n = wanted_mark_answered(t->site) ? 3 : 1;

	for (size_t i = 0; i < n; i++) {
		char name[NFTTABLE_NAME_MAX];

		snprintf(name, sizeof(name), "%s%d", names[i], family == SITE_IPV4 ? 4 : 6);
		text_add(&nfttable_add(t->blocks, NFTBLOCK_SET, name)->declaration,
			"\t\ttype %s . inet_proto . inet_service\n"
			"\t\tsize 65535\n\t\tflags dynamic\n",
			family == SITE_IPV4 ? "ipv4_addr" : "ipv6_addr");
	}
}

static void sets(const struct table *t)
{
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		sets_of_flows(t, family);
		nftprefixes_set(t->blocks, "open", &t->site->routing.open, family);
		nftprefixes_set(t->blocks, "no_nat", &t->site->routing.no_nat, family);
	}
	for (size_t i = 0; i < t->site->n_uplinks; i++) {
		char name[32];

		snprintf(name, sizeof(name), "prefixes_%zu_", i);
		nftprefixes_set(t->blocks, name, &t->site->uplinks[i].prefixes6, SITE_IPV6);
	}
}

struct nfttable *wanted_nft(const struct site *site, const struct situation *situation)
{
	struct text forward_rules = {0};
	const struct table table = {
		.blocks = nfttable_new(), .site = site, .situation = situation};

	counters(&table);
	sets(&table);
	nft_forwards(table.blocks, &forward_rules, site, situation);
	raw_chains(&table);
	mark_chains(&table);
	forward_nat_chains(&table, &forward_rules);
	forward_chains(&table);
	if (forward_rules.len)
		arrival_chain(&table);
	nat_chains(&table);
	text_fini(&forward_rules);
	return table.blocks;
}

struct nfttable *wanted_nft_standby(const struct site *site, bool forwards)
{
	const struct table table = {.blocks = nfttable_new(), .site = site};

	/* what is tracked as the router's own now would not be forwarded after the takeover */
	chain_begin(&table, "untracked");
	chain_hook(&table, "filter", "prerouting", "raw");
	rule_of_all_uplinks(&table, "iifname", "fib daddr type local notrack");
	chain_begin(&table, "quiet");
	chain_hook(&table, "filter", "output", "filter");
	rule_of_all_uplinks(&table, "oifname", "tcp flags & rst == rst drop");
	rule_of_all_uplinks(&table, "oifname", "icmp type destination-unreachable drop");
	rule_of_all_uplinks(&table, "oifname", "icmpv6 type destination-unreachable drop");
	if (forwards && site->routing.guard) {
		counters(&table);
		sets(&table);
		guard_chain(&table);
		chain_begin(&table, "forward");
		chain_hook(&table, "filter", "forward", "filter");
		rule_of_all_uplinks(&table, "iifname", "goto guard");
	}
	return table.blocks;
}
