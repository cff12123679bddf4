/* reply.h - a response as ldns reads it, and assertions about it
 *
 * ldns shares no code with the server, so it is an independent reader. The macros at the end
 * take any struct with a member `reply`.
 *
 * A record is described as "OWNER [TTL] TYPE [RDATA]" in presentation form. What is left out
 * is not compared.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ldns/ldns.h>

enum { REPLY_N_SECTIONS = 4 }; /* LDNS_SECTION_QUESTION .. LDNS_SECTION_ADDITIONAL */

struct reply {
	uint8_t *wire;	    /* owned */
	size_t len;	    /* 0: there was no response */
	const char *defect; /* why it is not a well-formed message, or NULL */

	uint16_t id;
	unsigned int opcode;
	unsigned int rcode; /* with the upper bits of the OPT record */
	bool qr, aa, tc, rd, ra, z, ad, cd;
	uint16_t counts[REPLY_N_SECTIONS];

	size_t question_len;			  /* octets, from octet 12 */
	ldns_rr_list *sections[REPLY_N_SECTIONS]; /* owned, records too; without OPT, TSIG */
	ldns_rr *opt;				  /* owned, or NULL */
	ldns_rr *tsig;				  /* owned, or NULL */
	unsigned int n_opts;

	uint16_t edns_size;
	uint8_t edns_version;
	uint16_t edns_flags;
	const uint8_t *options; /* RDATA of the OPT record */
	size_t options_len;
};

/* Reads a copy of `len` octets into `reply`, which must be finished or all zero before. */
void reply_decode(struct reply *reply, const uint8_t *wire, size_t len);
void reply_fini(struct reply *reply);

/* Prints the whole message on standard error, to find the cause of a failure. */
void reply_print(const struct reply *reply);

size_t reply_n_rrs(const struct reply *reply, ldns_pkt_section section);
bool reply_has(const struct reply *reply, ldns_pkt_section section, const char *spec);

/* Data of the first EDNS option of that code, or NULL. */
const uint8_t *reply_option(const struct reply *reply, uint16_t code, size_t *ret_len);

/* If it does not hold: ends the test, with the place and the whole reply. */
void reply_assert(
	const struct reply *reply, bool holds, const char *what, const char *file, int line);
void reply_assert_has(const struct reply *reply, ldns_pkt_section section, const char *spec,
	bool wanted, const char *file, int line);

/* Exactly these records, in any order. */
void reply_assert_section(const struct reply *reply, ldns_pkt_section section,
	const char *const *specs, size_t n, const char *file, int line);

/* "NOERROR aa rd": the RCODE and exactly these flags of aa tc rd ra z ad cd. */
void reply_assert_status(
	const struct reply *reply, const char *status, const char *file, int line);

#define n_rrs(f, section) reply_n_rrs(&(f)->reply, section)
#define assert_reply(f, condition) \
	reply_assert(&(f)->reply, (condition), #condition, __FILE__, __LINE__)
#define assert_has_rr(f, section, spec) \
	reply_assert_has(&(f)->reply, section, spec, true, __FILE__, __LINE__)
#define assert_has_no_rr(f, section, spec) \
	reply_assert_has(&(f)->reply, section, spec, false, __FILE__, __LINE__)
#define assert_section(f, section, ...)                                                \
	reply_assert_section(&(f)->reply, section, (const char *const[]){__VA_ARGS__}, \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), __FILE__, \
		__LINE__)
#define assert_section_empty(f, section) assert_reply(f, n_rrs(f, section) == 0)
#define assert_answer(f, ...)		 assert_section(f, LDNS_SECTION_ANSWER, __VA_ARGS__)
#define assert_authority(f, ...)	 assert_section(f, LDNS_SECTION_AUTHORITY, __VA_ARGS__)
#define assert_additional(f, ...)	 assert_section(f, LDNS_SECTION_ADDITIONAL, __VA_ARGS__)
#define assert_status(f, status)	 reply_assert_status(&(f)->reply, status, __FILE__, __LINE__)
