/* builder.c - the records of a table's names in one view, and whose addresses go with them
 *
 * table.c calls it. SERVER and UPLINK records become A and AAAA here, by the rules of facts.c;
 * later code sees only addresses. Additional data is found here in advance, since a look-up per
 * query and target would cost more than the answer.
 */
#include "dnsd/answer/builder.h"

#include <stdlib.h>

#include "common/net/family.h"
#include "common/xalloc.h"
#include "dnsd/wire/dns.h"

/* More records than a message can count never fit into a message: it then has TC set. */
static uint16_t count_of(size_t n)
{
	return n < UINT16_MAX ? (uint16_t)n : UINT16_MAX;
}

static void add_rdata(struct builder *b, const void *rdata, size_t len)
{
	uint16_t len16 = (uint16_t)len;

	grow_add(&b->bytes, (const uint8_t *)&len16, sizeof(len16));
	grow_add(&b->bytes, rdata, len);
}

/* Addresses of one family at a node: those of its pseudo records, then the literal ones. */
struct addresses {
	struct addr *items;
	size_t n;
	uint32_t ttl_s;
};

static void addresses_add(struct addresses *set, const struct addr *addr, uint32_t ttl_s)
{
	if (ttl_s < set->ttl_s)
		set->ttl_s = ttl_s; /* RFC 2181 section 5.2: one TTL for the RRset */
	for (size_t i = 0; i < set->n; i++)
		if (addr_eq(&set->items[i], addr))
			return;
	set->items[set->n++] = *addr;
}

static void collect_addresses(struct builder *b, const struct zone_node *node,
	const struct zone_rrset *literal, enum site_family family, struct addresses *ret_set)
{
	int af = family_af(family);
	size_t most = node->n_pseudos * SITE_MAX_UPLINKS + (literal ? literal->n_rdatas : 0);

	*ret_set = (struct addresses){
		.items = xcalloc(most + 1, sizeof(struct addr)), .ttl_s = UINT32_MAX};
	for (size_t i = 0; i < node->n_pseudos; i++) {
		struct addr found[SITE_MAX_UPLINKS];
		size_t n = facts_expand(b->facts, b->view, &node->pseudos[i], family, found);

		for (size_t k = 0; k < n; k++)
			addresses_add(ret_set, &found[k], node->pseudos[i].ttl_s);
	}
	for (size_t i = 0; literal && i < literal->n_rdatas; i++) {
		struct addr addr = addr_from_bytes(af, literal->rdatas[i].bytes);

		addresses_add(ret_set, &addr, literal->ttl_s);
	}
}

static void add_address_rrset(struct builder *b, uint32_t index, const struct zone_node *node,
	enum site_family family)
{
	uint16_t type = family == SITE_IPV4 ? DNS_TYPE_A : DNS_TYPE_AAAA;
	const struct zone_rrset *literal = zone_node_find(node, type);
	struct addresses set;

	collect_addresses(b, node, literal, family, &set);
	if (set.n > 0) {
		struct table_rrset rrset = {
			.type = type,
			.n_rrs = count_of(set.n),
			.ttl_s = set.ttl_s,
			.data_at = grow_n(&b->bytes),
			.node = index,
		};

		for (size_t i = 0; i < set.n; i++)
			add_rdata(b, set.items[i].bytes, addr_len(&set.items[i]));
		grow_add(&b->rrsets, &rrset, 1);
		builder_node(b, index)->n_rrsets++;
	}
	free(set.items);
}

static void add_plain_rrset(struct builder *b, uint32_t index, const struct zone_rrset *from)
{
	struct table_rrset rrset = {
		.type = from->type,
		.n_rrs = count_of(from->n_rdatas),
		.ttl_s = from->ttl_s,
		.data_at = grow_n(&b->bytes),
		.node = index,
	};

	for (size_t i = 0; i < from->n_rdatas; i++)
		add_rdata(b, from->rdatas[i].bytes, from->rdatas[i].len);
	grow_add(&b->rrsets, &rrset, 1);
	builder_node(b, index)->n_rrsets++;
}

/* All records of a node in this view, sorted by type. */
void builder_add_rrsets(struct builder *b, uint32_t index, const struct zone_node *node)
{
	bool done[SITE_FAMILIES] = {false};

	builder_node(b, index)->first_rrset = grow_n(&b->rrsets);
	for (size_t i = 0; i <= node->n_rrsets; i++) {
		uint32_t type = i < node->n_rrsets ? node->rrsets[i].type : UINT32_MAX;

		for (int family = 0; family < SITE_FAMILIES; family++) {
			uint16_t address_type = family == SITE_IPV4 ? DNS_TYPE_A
								    : DNS_TYPE_AAAA;

			if (!done[family] && type >= address_type) {
				add_address_rrset(b, index, node, (enum site_family)family);
				done[family] = true;
			}
		}
		if (i < node->n_rrsets && type != DNS_TYPE_A && type != DNS_TYPE_AAAA)
			add_plain_rrset(b, index, &node->rrsets[i]);
	}

	for (size_t i = 0; i < node->n_pseudos; i++)
		if (node->pseudos[i].ttl_s < builder_node(b, index)->negative_ttl_s)
			builder_node(b, index)->negative_ttl_s = node->pseudos[i].ttl_s;
}

bool builder_has(const struct builder *b, uint32_t index, uint16_t type, uint32_t *ret_rrset)
{
	const struct table_node *node = builder_node(b, index);

	for (uint32_t i = 0; i < node->n_rrsets; i++) {
		const struct table_rrset *rrset = grow_at(&b->rrsets, node->first_rrset + i);

		if (rrset->type == type) {
			if (ret_rrset)
				*ret_rrset = node->first_rrset + i;
			return true;
		}
	}
	return false;
}

/* Where the domain name begins in the RDATA of a type whose addresses accompany it (RFC 1034
 * section 3.3.9, RFC 2782, RFC 9460 section 4.1), or -1. */
static int target_offset(uint16_t type)
{
	switch (type) {
	case DNS_TYPE_NS:
		return 0;
	case DNS_TYPE_MX:
	case DNS_TYPE_AFSDB:
	case DNS_TYPE_RT:
	case DNS_TYPE_KX:
	case DNS_TYPE_SVCB:
	case DNS_TYPE_HTTPS:
		return 2;
	case DNS_TYPE_SRV:
		return 6;
	default:
		return -1;
	}
}

static uint32_t find_target_plus1(
	struct builder *b, const struct table_rrset *rrset, const uint8_t *target)
{
	uint8_t name[NAME_MAX_LEN + 9] = {0};
	const uint8_t *owner = builder_name(b, rrset->node);

	/* RFC 9460 section 2.5.2: "." as the target of ServiceMode is the owner itself; a
	 * wildcard's owner is not known before the query */
	if (!*target && (rrset->type == DNS_TYPE_SVCB || rrset->type == DNS_TYPE_HTTPS))
		return owner[0] == 1 && owner[1] == '*' ? 0 : rrset->node + 1;

	size_t len = name_len(target);
	name_lower(name, target, len);
	uint32_t hash = table_hash(name, len);
	uint32_t mask = b->n_slots - 1;
	for (uint32_t i = hash & mask; b->slots[i].node_plus1; i = (i + 1) & mask) {
		uint32_t index = b->slots[i].node_plus1 - 1;

		if (b->slots[i].hash == hash && builder_node(b, index)->name_len == len &&
			memcmp(builder_name(b, index), name, len) == 0)
			return index + 1;
	}
	return 0;
}

/* Finds the names whose addresses go into the additional section with each RRset. */
void builder_link_targets(struct builder *b)
{
	for (uint32_t i = 0; i < grow_n(&b->rrsets); i++) {
		struct table_rrset *rrset = grow_at(&b->rrsets, i);
		int offset = target_offset(rrset->type);
		uint32_t at = rrset->data_at;

		rrset->targets_at = grow_n(&b->bytes);
		for (unsigned int k = 0; offset >= 0 && k < rrset->n_rrs; k++) {
			const uint8_t *data = grow_at(&b->bytes, at);
			uint16_t len;

			memcpy(&len, data, sizeof(len));
			at += (uint32_t)sizeof(len) + len;

			uint32_t target_plus1 = find_target_plus1(
				b, rrset, data + sizeof(len) + offset);
			if (!target_plus1)
				continue;
			target_plus1--;
			grow_add(&b->bytes, &target_plus1, sizeof(target_plus1));
			rrset->n_targets++;
		}
	}
}
