/* message.h - DNS messages as a client writes and reads them
 *
 * For `verify` and for updates at the parent. The octets come from servers of others: the
 * reader checks the whole message first, follows compression pointers backwards only, and
 * copies nothing but names. Pure; RFC 1035 section 4.1.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsd/wire/dns.h"
#include "dnsd/wire/name.h"

enum {
	MESSAGE_QUERY_CAP = 4096, /* size of the buffer of each message that we write */
	MESSAGE_UDP_SIZE = 1232,  /* what our OPT records offer */
	MESSAGE_MAX = 65535,
};

/* The sections; in an UPDATE they have other names (RFC 2136 section 2.2). */
enum message_section {
	MESSAGE_QUESTION,
	MESSAGE_ANSWER,
	MESSAGE_AUTHORITY,
	MESSAGE_ADDITIONAL,
	MESSAGE_N_SECTIONS,
	MESSAGE_PREREQUISITE = MESSAGE_ANSWER,
	MESSAGE_UPDATE = MESSAGE_AUTHORITY,
};

/* ---- writing ---- */

/* Once something does not fit, nothing more is written and `is_full` stays. */
struct message_writer {
	uint8_t *bytes;
	size_t cap;
	size_t len;
	bool is_full;
};

/* Names are in wire form. */
struct message_rr {
	const uint8_t *name;
	uint16_t type;
	uint16_t class;
	uint32_t ttl_s;
	const uint8_t *rdata;
	uint16_t rdata_len;
};

/* Begins a message in `bytes`, which has `cap` octets, at least 12. `flags` are DNS_RD and the
 * like, with the opcode in its place. */
void message_begin(struct message_writer *writer, uint8_t *bytes, size_t cap, uint16_t id,
	unsigned int flags);
void message_put_question(
	struct message_writer *writer, const uint8_t *name, uint16_t type, uint16_t class);
/* Sections must be written in their order. */
void message_put(struct message_writer *writer, enum message_section section,
	const struct message_rr *rr);
void message_put_opt(struct message_writer *writer, bool dnssec_ok);

/* A whole query of class IN, with an OPT record. Returns its length; `bytes` has
 * MESSAGE_QUERY_CAP octets. */
size_t message_write_query(uint8_t *bytes, uint16_t id, const uint8_t *name, uint16_t type,
	bool recursion_desired);

/* ---- reading ---- */

struct message {
	const uint8_t *bytes; /* borrowed */
	size_t len;
	uint16_t id;
	uint16_t flags; /* as DNS_AA, DNS_TC */
	unsigned int opcode;
	unsigned int rcode; /* with the upper bits of an OPT record */
	uint16_t counts[MESSAGE_N_SECTIONS];
	bool has_question;
	uint8_t qname[NAME_MAX_LEN]; /* lower case */
	uint16_t qtype;
	uint16_t qclass;
	size_t records_at;
};

struct message_record {
	enum message_section section;
	uint8_t owner[NAME_MAX_LEN]; /* lower case */
	uint16_t type;
	uint16_t class;
	uint32_t ttl_s;
	const uint8_t *rdata; /* within the message */
	uint16_t rdata_len;
	size_t at; /* where the record begins */
};

/* A walk over the records; starts with all zero. */
struct message_walk {
	size_t at;
	unsigned int n_seen[MESSAGE_N_SECTIONS];
	enum message_section section;
};

/* False if this is not exactly one message: too short, more than one question, a name or
 * record that ends outside, octets behind the last record. */
bool message_read(const uint8_t *bytes, size_t len, struct message *ret_message);

/* The next record, of all sections but the question. False at the end. */
bool message_next(const struct message *message, struct message_walk *walk,
	struct message_record *ret_record);

/* The name at `offset` in the record's RDATA, in lower case, and the offset behind it. The
 * name may be compressed. False if no name is there, or if it ends behind the RDATA. */
bool message_rdata_name(const struct message *message, const struct message_record *record,
	size_t offset, uint8_t ret_name[NAME_MAX_LEN], size_t *ret_behind);

/* Is this a response to `query`, a message that we wrote? ID, opcode and question must be the
 * same. A response without a question is accepted if it reports an error or answers an UPDATE.
 */
bool message_is_response(
	const struct message *message, const uint8_t *query, size_t query_len);

/* "NOERROR", "REFUSED", ..., "RCODE 23": valid until the next call of the thread. */
const char *message_rcode_str(unsigned int rcode);
