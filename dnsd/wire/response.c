/* response.c - the kind of a response, and the addresses and names in it
 *
 * Called by verify*.c and parent*.c for the messages of other servers. The arrays of the
 * callers bound all results; records that do not fit are left out.
 */
#include "dnsd/wire/response.h"

#include <string.h>
#include <sys/socket.h>

#include "common/bigendian.h"
#include "common/net/family.h"

static bool record_is_in(
	const struct message_record *record, enum message_section section, uint16_t type)
{
	return record->section == section && record->type == type &&
	       record->class == DNS_CLASS_IN;
}

static bool response_find(const struct message *message, enum message_section section,
	uint16_t type, struct message_record *ret_record)
{
	struct message_walk walk = {0};

	while (message_next(message, &walk, ret_record))
		if (record_is_in(ret_record, section, type))
			return true;
	return false;
}

enum response_kind response_kind(const struct message *message)
{
	struct message_record record;

	if (message->rcode == DNS_RCODE_NXDOMAIN)
		return RESPONSE_NXDOMAIN;
	if (message->rcode != DNS_RCODE_NOERROR)
		return RESPONSE_ERROR;
	if (message->counts[MESSAGE_ANSWER] > 0)
		return RESPONSE_ANSWER;
	if (!(message->flags & DNS_AA) &&
		!response_find(message, MESSAGE_AUTHORITY, DNS_TYPE_SOA, &record) &&
		response_find(message, MESSAGE_AUTHORITY, DNS_TYPE_NS, &record))
		return RESPONSE_REFERRAL;
	return RESPONSE_NODATA;
}

/* RFC 1035 section 3.3.13: MNAME, RNAME, then SERIAL and four more numbers. */
static bool soa_serial_read(const struct message *message, const struct message_record *record,
	uint32_t *ret_serial)
{
	uint8_t name[NAME_MAX_LEN];
	size_t at;

	if (!message_rdata_name(message, record, 0, name, &at) ||
		!message_rdata_name(message, record, at, name, &at) ||
		record->rdata_len - at != 20)
		return false;
	*ret_serial = be32_read(record->rdata + at);
	return true;
}

bool response_soa(
	const struct message *message, uint8_t ret_apex[NAME_MAX_LEN], uint32_t *ret_serial)
{
	struct message_record record;

	if (!response_find(message, MESSAGE_ANSWER, DNS_TYPE_SOA, &record) &&
		!response_find(message, MESSAGE_AUTHORITY, DNS_TYPE_SOA, &record))
		return false;
	if (!soa_serial_read(message, &record, ret_serial))
		return false;
	memcpy(ret_apex, record.owner, name_len(record.owner));
	return true;
}

bool response_cut(const struct message *message, uint8_t ret_cut[NAME_MAX_LEN])
{
	struct message_record record;

	if (!response_find(message, MESSAGE_AUTHORITY, DNS_TYPE_NS, &record))
		return false;
	memcpy(ret_cut, record.owner, name_len(record.owner));
	return true;
}

bool response_has(const struct message *message, enum message_section section,
	const uint8_t *owner, uint16_t type)
{
	struct message_walk walk = {0};
	struct message_record record;

	while (message_next(message, &walk, &record))
		if (record_is_in(&record, section, type) && name_eq(record.owner, owner))
			return true;
	return false;
}

static size_t addrs_add(struct addr *addrs, size_t n, size_t cap, const struct addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (addr_eq(&addrs[i], addr))
			return n;
	if (n < cap)
		addrs[n++] = *addr;
	return n;
}

size_t response_addrs(const struct message *message, enum message_section section,
	const uint8_t *owner, enum site_family family, struct addr *ret_addrs, size_t cap,
	uint32_t *ret_ttl_s)
{
	int af = family_af(family);
	size_t addr_octets = family_addr_len(af);
	struct message_walk walk = {0};
	struct message_record record;
	uint32_t ttl_s = UINT32_MAX;
	size_t n = 0;

	while (message_next(message, &walk, &record)) {
		if (!record_is_in(&record, section, dns_addr_type(family)) ||
			record.rdata_len != addr_octets ||
			(owner && !name_eq(record.owner, owner)))
			continue;
		struct addr addr = addr_from_bytes(af, record.rdata);
		n = addrs_add(ret_addrs, n, cap, &addr);
		ttl_s = record.ttl_s < ttl_s ? record.ttl_s : ttl_s;
	}
	if (n > 0 && ret_ttl_s)
		*ret_ttl_s = ttl_s;
	return n;
}

static size_t names_add(
	uint8_t (*names)[NAME_MAX_LEN], size_t n, size_t cap, const uint8_t *name)
{
	for (size_t i = 0; i < n; i++)
		if (name_eq(names[i], name))
			return n;
	if (n < cap)
		memcpy(names[n++], name, name_len(name));
	return n;
}

size_t response_ns(const struct message *message, enum message_section section,
	const uint8_t *owner, uint8_t (*ret_names)[NAME_MAX_LEN], size_t cap)
{
	struct message_walk walk = {0};
	struct message_record record;
	size_t n = 0;

	while (message_next(message, &walk, &record)) {
		uint8_t name[NAME_MAX_LEN];
		size_t behind;

		if (record_is_in(&record, section, DNS_TYPE_NS) &&
			name_eq(record.owner, owner) &&
			message_rdata_name(message, &record, 0, name, &behind) &&
			behind == record.rdata_len)
			n = names_add(ret_names, n, cap, name);
	}
	return n;
}

bool response_txt(const struct message *message, char *ret_text, size_t cap)
{
	struct message_record record;

	if (!response_find(message, MESSAGE_ANSWER, DNS_TYPE_TXT, &record) ||
		record.rdata_len < 1)
		return false;

	size_t len = record.rdata[0];
	if (len >= record.rdata_len || len >= cap)
		return false;
	for (size_t i = 0; i < len; i++)
		ret_text[i] = record.rdata[1 + i] >= ' ' && record.rdata[1 + i] <= '~'
				      ? (char)record.rdata[1 + i]
				      : '?';
	ret_text[len] = '\0';
	return true;
}
