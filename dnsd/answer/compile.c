/* compile.c - the second half of building a view: the finished answers
 *
 * Runs the general algorithm (answer.c, compose.c) for each name and type that a zone has, and
 * keeps the result: the octets after the question, and where they may be cut. Negative answers
 * and referrals are the same for all names of a zone or below a cut, except for the length of
 * the question's name. So one is kept for all names, and the compression pointers in it are
 * moved by the difference (all of them point into the zone's own name in the question, or
 * behind it).
 *
 * Questions that cannot be enumerated (wildcards, DNAME, rare types at a CNAME) are left to the
 * general algorithm at the time of the query.
 */
#include "dnsd/answer/compile.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "dnsd/answer/compose.h"

enum {
	COMPILE_MESSAGE_MAX = 65535,
	COMPILE_CUTS_ABOVE =
		64, /* octets: so many fit behind any question and before any OPT */
	COMPILE_MAX_TYPES = 256,
};

struct compiler {
	struct table *table;
	struct grow answers;
	struct grow cuts;
	struct grow bytes; /* appended to the table's own */
	struct compose_record record;
	uint8_t *message;
	struct answer *answer;
	uint32_t *nodata_plus1; /* per zone, once made */
	uint32_t *nxdomain_plus1;
};

/* The bytes that the table already has come first. */
static uint32_t add_bytes(struct compiler *c, const void *bytes, size_t len)
{
	return c->table->n_bytes + grow_add(&c->bytes, bytes, len);
}

static size_t begin_message(struct compiler *c, const uint8_t *qname)
{
	size_t len = name_len(qname);

	memset(c->message, 0, DNS_HEADER_LEN);
	memcpy(c->message + DNS_HEADER_LEN, qname, len);
	memset(c->message + DNS_HEADER_LEN + len, 0, DNS_QUESTION_FIXED);
	return DNS_HEADER_LEN + len + DNS_QUESTION_FIXED;
}

/* The cuts were recorded shortest first and are searched longest first. */
static void add_cuts(struct compiler *c, struct table_answer *answer)
{
	answer->cuts_at = grow_n(&c->cuts);
	if (answer->len <= COMPILE_CUTS_ABOVE)
		return;
	for (size_t i = c->record.cuts.n; i > 0; i--)
		grow_add(&c->cuts, grow_at(&c->record.cuts, (uint32_t)i - 1), 1);
	answer->n_cuts = (uint16_t)c->record.cuts.n;
}

/* Composes c->answer for this question and keeps it. Returns its index. */
static uint32_t keep_answer(
	struct compiler *c, const uint8_t *qname, uint16_t type, bool is_shared)
{
	size_t question_end = begin_message(c, qname);
	struct composed composed;

	c->record.cuts.n = 0;
	c->record.relocate.n = 0;
	compose(c->table, c->answer, qname, c->message, question_end, COMPILE_MESSAGE_MAX,
		&c->record, &composed);

	struct table_answer answer = {
		.type = type,
		.flags = composed.flags,
		.counts = {composed.counts[0], composed.counts[1], composed.counts[2]},
		.len = (uint16_t)(composed.len - question_end),
		.for_name_len = (uint32_t)name_len(qname),
	};
	answer.tail_at = add_bytes(c, c->message + question_end, answer.len);
	if (is_shared) {
		answer.n_relocate = (uint16_t)c->record.relocate.n;
		answer.relocate_at = add_bytes(
			c, c->record.relocate.items, c->record.relocate.n * sizeof(uint16_t));
	}
	add_cuts(c, &answer);
	return grow_add(&c->answers, &answer, 1);
}

static uint32_t keep_question(struct compiler *c, const struct table_node *node, uint16_t type)
{
	const uint8_t *name = node_name(c->table, node);

	answer_find(c->table, name, node->name_len, type, c->answer);
	return keep_answer(c, name, type, false);
}

static uint32_t keep_negative(
	struct compiler *c, uint32_t zone, unsigned int rcode, uint32_t at_most_s)
{
	uint32_t apex = table_zone(c->table, zone)->apex;

	answer_negative(c->table, zone, rcode, at_most_s, c->answer);
	return keep_answer(c, node_name(c->table, table_node(c->table, apex)), 0, true) + 1;
}

static uint32_t nodata_plus1(struct compiler *c, const struct table_node *node)
{
	if (node->negative_ttl_s < table_zone(c->table, node->zone)->negative_ttl_s)
		return keep_negative(c, node->zone, DNS_RCODE_NOERROR, node->negative_ttl_s);
	if (!c->nodata_plus1[node->zone])
		c->nodata_plus1[node->zone] = keep_negative(
			c, node->zone, DNS_RCODE_NOERROR, UINT32_MAX);
	return c->nodata_plus1[node->zone];
}

static uint32_t nxdomain_plus1(struct compiler *c, const struct table_node *node)
{
	if (!c->nxdomain_plus1[node->zone])
		c->nxdomain_plus1[node->zone] = keep_negative(
			c, node->zone, DNS_RCODE_NXDOMAIN, UINT32_MAX);
	return c->nxdomain_plus1[node->zone];
}

static int compare_types(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* The types at a node that get an answer of their own, sorted. A CNAME answers for all types:
 * there, those that a browser or a mail server asks for. */
static size_t list_types(
	const struct table *table, const struct table_node *node, uint16_t *ret_types)
{
	static const uint16_t at_cname[] = {DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_HTTPS,
		DNS_TYPE_MX, DNS_TYPE_TXT, DNS_TYPE_SRV};
	size_t n = 0;

	for (unsigned int i = 0; i < node->n_rrsets && n < COMPILE_MAX_TYPES - 8; i++)
		ret_types[n++] = table_rrset(table, node->first_rrset + i)->type;
	if (node_rrset(table, node, DNS_TYPE_CNAME))
		for (size_t i = 0; i < sizeof(at_cname) / sizeof(at_cname[0]); i++)
			if (!node_rrset(table, node, at_cname[i]))
				ret_types[n++] = at_cname[i];
	if (node->n_rrsets > 0)
		ret_types[n++] = DNS_TYPE_ANY;
	if (node->parent_side_plus1 && !node_rrset(table, node, DNS_TYPE_DS))
		ret_types[n++] = DNS_TYPE_DS;
	qsort(ret_types, n, sizeof(*ret_types), compare_types);
	return n;
}

/* The answer to ANY is that of the node's first RRset (answer.c). */
static void keep_any(struct compiler *c, const struct table_node *node)
{
	uint16_t first = table_rrset(c->table, node->first_rrset)->type;

	for (uint32_t i = node->first_answer; i < grow_n(&c->answers); i++) {
		struct table_answer same = *(const struct table_answer *)grow_at(
			&c->answers, i);

		if (same.type == first) {
			same.type = DNS_TYPE_ANY;
			grow_add(&c->answers, &same, 1);
			return;
		}
	}
	keep_question(c, node, DNS_TYPE_ANY);
}

static void compile_authoritative(struct compiler *c, struct table_node *node)
{
	uint16_t types[COMPILE_MAX_TYPES];
	size_t n = list_types(c->table, node, types);

	node->first_answer = grow_n(&c->answers);
	node->n_answers = (uint16_t)n;
	for (size_t i = 0; i < n; i++) {
		if (types[i] == DNS_TYPE_ANY)
			keep_any(c, node);
		else
			keep_question(c, node, types[i]);
	}

	bool has_cname = node_rrset(c->table, node, DNS_TYPE_CNAME);
	bool has_dname = node_rrset(c->table, node, DNS_TYPE_DNAME);
	bool complete = node->n_rrsets <= COMPILE_MAX_TYPES - 8;
	node->other_plus1 = has_cname || !complete ? ANSWER_GENERAL : nodata_plus1(c, node);
	node->below_plus1 = has_dname || node->wildcard_plus1 ? ANSWER_GENERAL
							      : nxdomain_plus1(c, node);
}

/* A zone cut: DS is ours, all other types get a referral, which all names below share. */
static void compile_cut(struct compiler *c, struct table_node *node)
{
	node->first_answer = grow_n(&c->answers);
	node->n_answers = 1;
	keep_question(c, node, DNS_TYPE_DS);

	const uint8_t *name = node_name(c->table, node);
	answer_find(c->table, name, node->name_len, DNS_TYPE_NS, c->answer);
	node->other_plus1 = keep_answer(c, name, 0, true) + 1;
	node->below_plus1 = node->other_plus1;
}

static void compile_node(struct compiler *c, uint32_t index)
{
	struct table_node *nodes = (struct table_node *)(void *)((char *)c->table +
								 c->table->nodes_at);
	struct table_node *node = &nodes[index];

	if (node->flags & NODE_OUTSIDE || node->dname_plus1)
		return; /* left to the general algorithm */
	if (node->cut_plus1 == index + 1) {
		compile_cut(c, node);
		return;
	}
	if (node->cut_plus1) {
		node->other_plus1 = nodes[node->cut_plus1 - 1].other_plus1;
		node->below_plus1 = node->other_plus1;
		return;
	}
	compile_authoritative(c, node);
}

/* The finished table: the old block (its own bytes last), the new bytes, then the answers. */
static struct table *compiler_pack(struct compiler *c)
{
	struct grow block = {
		.items = c->table, .n = c->table->size, .cap = c->table->size, .item_size = 1};

	grow_add(&block, c->bytes.items, c->bytes.n);
	struct table header = *(const struct table *)block.items;
	header.n_bytes += grow_n(&c->bytes);
	grow_append(&block, &header.answers_at, &header.n_answers, &c->answers);
	grow_append(&block, &header.cuts_at, &header.n_cuts, &c->cuts);
	header.size = grow_n(&block);

	struct table *table = xreallocarray(block.items, block.n, 1);
	*table = header;
	return table;
}

struct table *compile(struct table *table)
{
	struct compiler c = {
		.table = table,
		.answers = GROW_INIT(struct table_answer),
		.cuts = GROW_INIT(struct table_cut),
		.bytes = GROW_INIT(uint8_t),
		.record = {.cuts = GROW_INIT(struct table_cut),
			.relocate = GROW_INIT(uint16_t)},
		.message = xmalloc(COMPILE_MESSAGE_MAX + 1),
		.answer = xmalloc(sizeof(struct answer)),
		.nodata_plus1 = xcalloc(table->n_zones + 1, sizeof(uint32_t)),
		.nxdomain_plus1 = xcalloc(table->n_zones + 1, sizeof(uint32_t)),
	};

	for (uint32_t i = 0; i < table->n_nodes; i++)
		compile_node(&c, i);

	struct table *finished = compiler_pack(&c);
	free(c.answers.items);
	free(c.cuts.items);
	free(c.bytes.items);
	free(c.record.cuts.items);
	free(c.record.relocate.items);
	free(c.message);
	free(c.answer);
	free(c.nodata_plus1);
	free(c.nxdomain_plus1);
	return finished;
}
