/* response.h - the kind of a response, and the addresses and names in it
 *
 * Pure, on messages that message_read() accepted. RFC 1034 section 4.3.2, seen from the
 * client.
 */
#pragma once
#include "common/site/site.h"
#include "dnsd/wire/message.h"

enum response_kind {
	RESPONSE_ANSWER, /* records of the name and type asked for, or a CNAME instead */
	RESPONSE_NODATA, /* the name exists, the type does not; or an empty answer */
	RESPONSE_NXDOMAIN,
	RESPONSE_REFERRAL, /* NS of a zone that the server does not have */
	RESPONSE_ERROR,	   /* another RCODE */
};

enum response_kind response_kind(const struct message *message);

/* The zone that the name is in: owner and serial of the SOA record in the answer or authority
 * section. */
bool response_soa(
	const struct message *message, uint8_t ret_apex[NAME_MAX_LEN], uint32_t *ret_serial);

/* The owner of the NS records in the authority section. */
bool response_cut(const struct message *message, uint8_t ret_cut[NAME_MAX_LEN]);

bool response_has(const struct message *message, enum message_section section,
	const uint8_t *owner, uint16_t type);

/* Addresses of the family that `owner` has in the section (NULL: those of any owner, for the
 * end of a CNAME chain), without duplicates. `ret_ttl_s` is the least TTL, if not NULL.
 * Returns their number, `cap` at most. */
size_t response_addrs(const struct message *message, enum message_section section,
	const uint8_t *owner, enum site_family family, struct addr *ret_addrs, size_t cap,
	uint32_t *ret_ttl_s);

/* Targets of the NS records that `owner` has in the section. */
size_t response_ns(const struct message *message, enum message_section section,
	const uint8_t *owner, uint8_t (*ret_names)[NAME_MAX_LEN], size_t cap);

/* The first character-string of the first TXT record in the answer. */
bool response_txt(const struct message *message, char *ret_text, size_t cap);
