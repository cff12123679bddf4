/* answer.c - the general algorithm: which RRsets answer a question, section by section
 *
 * answer_find() walks. It finds the closest encloser of the name. A zone cut there or above
 * gives a referral. A DNAME above gives a synthesised CNAME and a new name. The name itself, or
 * the wildcard of its closest encloser, gives its records, a CNAME and a new name, or NODATA.
 * No match gives NXDOMAIN. The walk follows new names only within the zones of this server. At
 * its end it adds the NS records of the zone and the addresses of the names in the records.
 *
 * Must never loop (chains are bounded, repetitions end them) and never trust the depth of a
 * name.
 */
#include "dnsd/answer/answer.h"

/* One walk; `table` and `answer` are what every step needs. */
struct walk {
	const struct table *table;
	struct answer *answer;
	const uint8_t *name; /* now being looked for */
	size_t name_len;
	uint16_t qtype;
	unsigned int n_followed;
};

static bool walk_add_item(struct walk *walk, const struct answer_item *item)
{
	struct answer *answer = walk->answer;

	if (answer->n_items >= ANSWER_MAX_ITEMS) {
		answer->too_many |= item->required;
		return false;
	}
	answer->items[answer->n_items++] = *item;
	return true;
}

static bool answer_has_rrset(const struct answer *answer, uint32_t rrset, const uint8_t *owner)
{
	for (unsigned int i = 0; i < answer->n_items; i++)
		if (answer->items[i].rrset == rrset && name_eq(answer->items[i].owner, owner))
			return true;
	return false;
}

static uint32_t rrset_index(const struct table *table, const struct table_rrset *rrset)
{
	return (uint32_t)(rrset - table_rrset(table, 0));
}

static void walk_add_rrset(struct walk *walk, const struct table_rrset *rrset,
	const uint8_t *owner, enum answer_section section, bool required)
{
	walk_add_item(walk, &(struct answer_item){
				    .owner = owner,
				    .rrset = rrset_index(walk->table, rrset),
				    .ttl_s = rrset->ttl_s,
				    .section = section,
				    .required = required,
			    });
}

const struct table_rrset *node_rrset(
	const struct table *table, const struct table_node *node, uint16_t type)
{
	const struct table_rrset *rrset = table_rrset(table, node->first_rrset);

	for (unsigned int i = 0; i < node->n_rrsets; i++, rrset++)
		if (rrset->type == type)
			return rrset;
	return NULL;
}

const struct table_node *answer_closest(
	const struct table *table, const uint8_t *name, size_t len, bool *ret_exact)
{
	unsigned int n_labels = name_n_labels(name);
	const uint8_t *end = name + len;

	*ret_exact = n_labels <= table->max_labels;
	for (; n_labels > table->max_labels; n_labels--)
		name += 1 + *name;

	for (;; name += 1 + *name) {
		/* a suffix of a padded name is itself padded */
		const struct table_node *node = table_find(table, name, (size_t)(end - name));

		if (node && !(node->flags & NODE_OUTSIDE))
			return node;
		*ret_exact = false;
		if (!*name)
			return NULL;
	}
}

/* --- additional section --- */

enum additional_pass { PASS_REQUIRED_GLUE, PASS_INSIDE, PASS_OUTSIDE, N_PASSES };

/* RFC 9471: glue for names within the delegation itself must be there, else TC is set. */
static enum additional_pass pass_of(const struct table *table, const struct table_node *target,
	const struct table_node *cut)
{
	if (target->flags & NODE_OUTSIDE)
		return PASS_OUTSIDE;
	if (cut && name_is_within(node_name(table, target), node_name(table, cut)))
		return PASS_REQUIRED_GLUE;
	return PASS_INSIDE;
}

static void walk_add_target(struct walk *walk, const struct table_node *target, bool required)
{
	static const uint16_t types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};
	const uint8_t *owner = node_name(walk->table, target);

	for (size_t i = 0; i < 2; i++) {
		const struct table_rrset *rrset = node_rrset(walk->table, target, types[i]);

		if (rrset && !answer_has_rrset(
				     walk->answer, rrset_index(walk->table, rrset), owner))
			walk_add_rrset(walk, rrset, owner, ADDITIONAL_SECTION, required);
	}
}

static void walk_add_targets(struct walk *walk, const struct answer_item *item,
	enum additional_pass pass, const struct table_node *cut)
{
	const struct table_rrset *rrset = table_rrset(walk->table, item->rrset);
	const uint8_t *list = table_byte(walk->table, rrset->targets_at);

	for (uint32_t i = 0; i < rrset->n_targets; i++) {
		uint32_t index;

		memcpy(&index, list + i * sizeof(index), sizeof(index));
		const struct table_node *target = table_node(walk->table, index);
		if (pass_of(walk->table, target, cut) == pass)
			walk_add_target(walk, target, pass == PASS_REQUIRED_GLUE);
	}
}

/* Adds the addresses of the names in answer and authority: required glue first, then authoritative
 * addresses, then those outside our zones, which are the first to go when room is short. `cut`
 * is the delegation of a referral, else NULL. */
static void walk_add_additional(struct walk *walk, const struct table_node *cut)
{
	unsigned int n = walk->answer->n_items;

	for (enum additional_pass pass = PASS_REQUIRED_GLUE; pass < N_PASSES; pass++)
		for (unsigned int i = 0; i < n; i++) {
			const struct answer_item *item = &walk->answer->items[i];

			if (item->rrset != ANSWER_NO_RRSET)
				walk_add_targets(walk, item, pass, cut);
		}
}

/* --- the ends of a walk --- */

static void walk_end_negative(
	struct walk *walk, uint32_t zone_index, unsigned int rcode, uint32_t at_most_s)
{
	const struct table_zone *zone = table_zone(walk->table, zone_index);
	const struct table_rrset *soa = table_rrset(walk->table, zone->soa);
	uint32_t ttl_s = zone->negative_ttl_s < at_most_s ? zone->negative_ttl_s : at_most_s;

	/* RFC 2308 section 2.1: the RCODE is that of the last name of a chain */
	walk->answer->rcode = rcode;
	walk_add_item(walk,
		&(struct answer_item){
			.owner = node_name(walk->table, table_node(walk->table, zone->apex)),
			.rrset = rrset_index(walk->table, soa),
			.ttl_s = ttl_s,
			.section = AUTHORITY_SECTION,
			.required = true,
		});
}

static void walk_end_referral(struct walk *walk, const struct table_node *cut)
{
	const struct table_rrset *ns = node_rrset(walk->table, cut, DNS_TYPE_NS);

	/* AA is about the first name (RFC 1035 section 4.1.1): a chain that ends here keeps it */
	if (walk->n_followed == 0)
		walk->answer->authoritative = false;
	walk_add_rrset(walk, ns, node_name(walk->table, cut), AUTHORITY_SECTION, true);
	walk_add_additional(walk, cut);
}

static void walk_end_positive(struct walk *walk, const struct table_node *node)
{
	const struct table_zone *zone = table_zone(walk->table, node->zone);
	const uint8_t *apex = node_name(walk->table, table_node(walk->table, zone->apex));

	if (!answer_has_rrset(walk->answer, zone->ns, apex))
		walk_add_rrset(walk, table_rrset(walk->table, zone->ns), apex,
			AUTHORITY_SECTION, false);
	walk_add_additional(walk, NULL);
}

/* --- the steps --- */

enum step { STEP_END, STEP_FOLLOW };

/* Goes on at `name` unless the chain has been there before or is too long. */
static enum step walk_follow(struct walk *walk, const uint8_t *name)
{
	if (++walk->n_followed >= ANSWER_MAX_CNAMES)
		return STEP_END;
	walk->name = name;
	walk->name_len = name_len(name);
	return STEP_FOLLOW;
}

/* Copies a name to where it is lower case and padded. */
static uint8_t *answer_keep_name(struct answer *answer, const uint8_t *prefix,
	size_t prefix_len, const uint8_t *suffix, size_t suffix_len)
{
	uint8_t *name = answer->names[answer->n_names++];

	name_lower(name, prefix, prefix_len);
	name_lower(name + prefix_len, suffix, suffix_len);
	memset(name + prefix_len + suffix_len, 0, 8);
	return name;
}

static enum step walk_dname(struct walk *walk, const struct table_node *node)
{
	const struct table_rrset *dname = node_rrset(walk->table, node, DNS_TYPE_DNAME);
	const uint8_t *target = table_byte(walk->table, dname->data_at) + sizeof(uint16_t);
	size_t target_len = name_len(target);
	size_t prefix_len = walk->name_len - node->name_len;

	if (!answer_has_rrset(walk->answer, rrset_index(walk->table, dname),
		    node_name(walk->table, node)))
		walk_add_rrset(
			walk, dname, node_name(walk->table, node), ANSWER_SECTION, true);
	if (prefix_len + target_len > NAME_MAX_LEN) {
		walk->answer->rcode = DNS_RCODE_YXDOMAIN; /* RFC 6672 section 2.2 */
		return STEP_END;
	}

	if (answer_has_rrset(walk->answer, ANSWER_NO_RRSET, walk->name))
		return STEP_END; /* a loop: the answer is complete */
	uint8_t *name = answer_keep_name(
		walk->answer, walk->name, prefix_len, target, target_len);
	walk_add_item(walk, &(struct answer_item){
				    .owner = walk->name,
				    .target = name,
				    .rrset = ANSWER_NO_RRSET,
				    .ttl_s = dname->ttl_s, /* RFC 6672 section 3.1 */
				    .section = ANSWER_SECTION,
				    .required = true,
			    });
	return walk_follow(walk, name);
}

static enum step walk_cname(struct walk *walk, const struct table_rrset *cname)
{
	const uint8_t *target = table_byte(walk->table, cname->data_at) + sizeof(uint16_t);

	if (answer_has_rrset(walk->answer, rrset_index(walk->table, cname), walk->name))
		return STEP_END; /* a loop: the answer is complete */
	walk_add_rrset(walk, cname, walk->name, ANSWER_SECTION, true);
	return walk_follow(
		walk, answer_keep_name(walk->answer, target, 0, target, name_len(target)));
}

/* Records of `node`, under the name that was asked: they are one unless it is a wildcard. */
static enum step walk_match(struct walk *walk, const struct table_node *node)
{
	const struct table_rrset *cname = node_rrset(walk->table, node, DNS_TYPE_CNAME);
	const struct table_rrset *rrset = NULL;

	/* RFC 8482 section 4.1: one RRset is enough of an answer to ANY */
	if (walk->qtype == DNS_TYPE_ANY && node->n_rrsets > 0)
		rrset = table_rrset(walk->table, node->first_rrset);
	else
		rrset = node_rrset(walk->table, node, walk->qtype);

	if (rrset) {
		/* a chain may have added it already: a DNAME asked by its type, below itself */
		if (!answer_has_rrset(
			    walk->answer, rrset_index(walk->table, rrset), walk->name))
			walk_add_rrset(walk, rrset, walk->name, ANSWER_SECTION, true);
		walk_end_positive(walk, node);
		return STEP_END;
	}
	if (cname)
		return walk_cname(walk, cname);
	walk_end_negative(walk, node->zone, DNS_RCODE_NOERROR, node->negative_ttl_s);
	return STEP_END;
}

static enum step walk_step(struct walk *walk)
{
	const struct table *table = walk->table;
	bool exact;
	const struct table_node *node = answer_closest(
		table, walk->name, walk->name_len, &exact);

	if (!node) {
		/* a chain ends where our zones end: we add no data of other zones */
		if (walk->n_followed == 0) {
			walk->answer->rcode = DNS_RCODE_REFUSED;
			walk->answer->authoritative = false;
		}
		return STEP_END;
	}

	/* RFC 4035 section 3.1.4.1: DS belongs to the zone above, if we serve that too */
	if (exact && walk->qtype == DNS_TYPE_DS && node->parent_side_plus1)
		node = table_node(table, node->parent_side_plus1 - 1);

	if (node->cut_plus1) {
		const struct table_node *cut = table_node(table, node->cut_plus1 - 1);

		if (!(exact && cut == node && walk->qtype == DNS_TYPE_DS)) {
			walk_end_referral(walk, cut);
			return STEP_END;
		}
	}
	if (node->dname_plus1)
		return walk_dname(walk, table_node(table, node->dname_plus1 - 1));
	if (exact)
		return walk_match(walk, node);
	if (node_rrset(table, node, DNS_TYPE_DNAME))
		return walk_dname(walk, node);
	if (node->wildcard_plus1)
		return walk_match(walk, table_node(table, node->wildcard_plus1 - 1));
	walk_end_negative(walk, node->zone, DNS_RCODE_NXDOMAIN, UINT32_MAX);
	return STEP_END;
}

static void answer_init(struct answer *answer)
{
	answer->rcode = DNS_RCODE_NOERROR;
	answer->authoritative = true;
	answer->too_many = false;
	answer->n_items = 0;
	answer->n_names = 0;
}

void answer_negative(const struct table *table, uint32_t zone, unsigned int rcode,
	uint32_t at_most_s, struct answer *ret_answer)
{
	struct walk walk = {.table = table, .answer = ret_answer};

	answer_init(ret_answer);
	walk_end_negative(&walk, zone, rcode, at_most_s);
}

void answer_find(const struct table *table, const uint8_t *qname, size_t qname_len,
	uint16_t qtype, struct answer *ret_answer)
{
	struct walk walk = {
		.table = table,
		.answer = ret_answer,
		.name = qname,
		.name_len = qname_len,
		.qtype = qtype,
	};

	answer_init(ret_answer);
	while (walk_step(&walk) == STEP_FOLLOW)
		;
}
