/* answer.h - the general algorithm: which RRsets answer a question, section by section
 *
 * RFC 1034 section 4.3.2 with wildcards (RFC 4592) and DNAME (RFC 6672). compile.c uses it for
 * all questions that can be enumerated, respond.c for the others. Pure, no allocation.
 */
#pragma once
#include "dnsd/answer/layout.h"
#include "dnsd/wire/query.h"

enum {
	ANSWER_MAX_CNAMES = 32, /* links of a chain that one response follows */
	ANSWER_MAX_ITEMS = 160,
	ANSWER_NO_RRSET = UINT32_MAX, /* a CNAME that was synthesised from a DNAME */
};

enum answer_section { ANSWER_SECTION, AUTHORITY_SECTION, ADDITIONAL_SECTION };

/* One RRset of the response. */
struct answer_item {
	const uint8_t *owner;  /* lower case; in the table, in the question, or in `names` */
	const uint8_t *target; /* of a synthesised CNAME, else NULL */
	uint32_t rrset;	       /* index, or ANSWER_NO_RRSET */
	uint32_t ttl_s;
	enum answer_section section;
	bool required; /* without it the response is truncated */
};

struct answer {
	unsigned int rcode;
	bool authoritative;
	bool too_many; /* `items` is full: the response is truncated */
	unsigned int n_items;
	unsigned int n_names;
	struct answer_item items[ANSWER_MAX_ITEMS];	    /* in the order of the message */
	uint8_t names[ANSWER_MAX_CNAMES][NAME_MAX_LEN + 9]; /* made by DNAME, zero-padded */
};

/* `qname` is lower case, padded as for table_hash, and must outlive the answer. */
void answer_find(const struct table *table, const uint8_t *qname, size_t qname_len,
	uint16_t qtype, struct answer *ret_answer);

/* NODATA (DNS_RCODE_NOERROR) or NXDOMAIN in a zone, its TTL no more than `at_most_s`. */
void answer_negative(const struct table *table, uint32_t zone, unsigned int rcode,
	uint32_t at_most_s, struct answer *ret_answer);

/* The node of the name, or else of its closest encloser; NULL outside of all zones.
 * `name` is padded as for table_hash. */
const struct table_node *answer_closest(
	const struct table *table, const uint8_t *name, size_t len, bool *ret_exact);

const struct table_rrset *node_rrset(
	const struct table *table, const struct table_node *node, uint16_t type);
