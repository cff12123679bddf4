/* query.h - reads a DNS query: every octet is hostile
 *
 * One question without compression, then whatever records follow, of which only OPT and TSIG
 * mean something to us. No allocation; what is found is copied or points into the packet.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dnsd/wire/name.h"

enum {
	DNS_HEADER_LEN = 12,
	DNS_QUESTION_FIXED = 4, /* QTYPE and QCLASS */
	QUERY_NAME_PAD = 16,	/* zero octets that may be read beyond the lower-case name */
};

enum dns_opcode { DNS_OPCODE_QUERY = 0, DNS_OPCODE_NOTIFY = 4, DNS_OPCODE_UPDATE = 5 };

enum dns_rcode {
	DNS_RCODE_NOERROR = 0,
	DNS_RCODE_FORMERR = 1,
	DNS_RCODE_SERVFAIL = 2,
	DNS_RCODE_NXDOMAIN = 3,
	DNS_RCODE_NOTIMP = 4,
	DNS_RCODE_REFUSED = 5,
	DNS_RCODE_YXDOMAIN = 6,
	DNS_RCODE_YXRRSET = 7,
	DNS_RCODE_NXRRSET = 8,
	DNS_RCODE_NOTAUTH = 9,
	DNS_RCODE_NOTZONE = 10,
	DNS_RCODE_BADVERS = 16,
	DNS_RCODE_BADSIG = 16, /* this and the next in TSIG's own field only */
	DNS_RCODE_BADKEY = 17,
	DNS_RCODE_BADTIME = 18,
	DNS_RCODE_BADTRUNC = 22,
};

enum dns_class {
	DNS_CLASS_IN = 1,
	DNS_CLASS_CH = 3,
	DNS_CLASS_NONE = 254,
	DNS_CLASS_ANY = 255
};

/* The types that the core treats in a way of their own; all others are just numbers. */
enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_MD = 3,
	DNS_TYPE_MF = 4,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_MB = 7,
	DNS_TYPE_MG = 8,
	DNS_TYPE_MR = 9,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MINFO = 14,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AFSDB = 18,
	DNS_TYPE_RT = 21,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_KX = 36,
	DNS_TYPE_DNAME = 39,
	DNS_TYPE_OPT = 41,
	DNS_TYPE_DS = 43,
	DNS_TYPE_SVCB = 64,
	DNS_TYPE_HTTPS = 65,
	DNS_TYPE_TKEY = 249,
	DNS_TYPE_TSIG = 250,
	DNS_TYPE_IXFR = 251,
	DNS_TYPE_AXFR = 252,
	DNS_TYPE_ANY = 255,
};

/* Header flags, as the 16 bits after the ID. */
enum {
	DNS_QR = 0x8000,
	DNS_OPCODE_MASK = 0x7800,
	DNS_AA = 0x0400,
	DNS_TC = 0x0200,
	DNS_RD = 0x0100,
	DNS_EDNS_DO = 0x8000, /* in OPT's TTL field */
};

enum dns_edns_option {
	DNS_EDNS_NSID = 3,
	DNS_EDNS_COOKIE = 10,
	DNS_EDNS_KEEPALIVE = 11,
};

struct query_edns {
	bool present;
	uint8_t version;
	bool dnssec_ok;
	uint16_t udp_size; /* as the client says it */
	bool wants_nsid;
	bool wants_keepalive;
	const uint8_t *
		cookie; /* in the packet: 8 octets of the client, then the server's; or NULL */
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
	uint32_t hash;					 /* of `name`, as table_hash has it */
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
