/* query.h - reads a DNS query: every octet is hostile
 *
 * A query is one question without compression, and the records behind it, of which only OPT
 * and TSIG mean something to us. Nothing is allocated: results are copies or point into the
 * packet.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsd/wire/dns.h"
#include "dnsd/wire/name.h"

enum {
	QUERY_NAME_PAD = 16, /* zero octets that may be read beyond the lower-case name */
};

struct query_edns {
	bool present;
	uint8_t version;
	bool dnssec_ok;
	uint16_t udp_size; /* as the client states it */
	bool wants_nsid;
	bool wants_keepalive;
	/* in the packet: 8 octets of the client, then the server's; or NULL */
	const uint8_t *cookie;
	uint8_t cookie_len; /* 8, or 16 to 40 */
};

struct query_tsig {
	bool present;
	const uint8_t *owner; /* in the packet, uncompressed */
	uint8_t owner_len;
	const uint8_t *algorithm;
	uint8_t algorithm_len;
	const uint8_t *time_signed; /* 6 octets of time and 2 of fudge */
	uint16_t original_id;
};

struct query {
	uint16_t id;
	uint16_t flags;
	unsigned int opcode;
	bool has_question;
	uint8_t qname_len; /* octets, the root's zero included; qname is at DNS_HEADER_LEN */
	uint16_t qtype;
	uint16_t qclass;
	bool has_authority; /* an IXFR's SOA */
	struct query_edns edns;
	struct query_tsig tsig;
	uint8_t label_at[NAME_MAX_LABELS + 1];		 /* offset of each label in the name */
	uint32_t hash;					 /* of `name`, as table_hash() */
	uint8_t name[NAME_MAX_LEN + 1 + QUERY_NAME_PAD]; /* lower case, zeroes behind it */
};

enum query_verdict {
	QUERY_SILENT,  /* not worth an answer: QR=1, under 12 octets */
	QUERY_FORMERR, /* header and, if `has_question`, the question can be trusted */
	QUERY_BADVERS,
	QUERY_NOTIMP,
	QUERY_COOKIE_ONLY, /* no question, but a COOKIE: RFC 7873 section 5.4 */
	QUERY_OK,
};

/* Parses `len` octets at `packet`; RESPOND_QUERY_SLACK more may be read, whatever they hold.
 */
enum query_verdict query_parse(const uint8_t *packet, size_t len, struct query *ret_query);
