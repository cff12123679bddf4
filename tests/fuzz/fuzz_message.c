/* fuzz_message.c - any octets as the response of somebody else's name server
 *
 * What message_read() takes must be walked to its end by everybody who looks into it: the
 * helpers of response.c, and the check of signatures, which must never find one good.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "dnsd/wire/response.h"
#include "dnsd/wire/tsig.h"

static const uint8_t www[] = "\3www\7example\3com";

static void look_into(const struct message *message)
{
	uint8_t names[4][NAME_MAX_LEN];
	struct addr addrs[4];
	uint8_t name[NAME_MAX_LEN];
	char text[256];
	uint32_t number;

	response_kind(message);
	response_soa(message, name, &number);
	response_cut(message, name);
	response_txt(message, text, sizeof(text));
	for (enum message_section section = MESSAGE_ANSWER; section < MESSAGE_N_SECTIONS;
		section++) {
		response_has(message, section, www, DNS_TYPE_A);
		if (response_ns(message, section, www, names, 4) > 4 ||
			response_addrs(message, section, NULL, SITE_IPV4, addrs, 4, &number) >
				4 ||
			response_addrs(message, section, www, SITE_IPV6, addrs, 4, NULL) > 4)
			abort();
	}
}

static void walk(const struct message *message)
{
	struct message_walk walk = {0};
	struct message_record record;

	while (message_next(message, &walk, &record)) {
		uint8_t name[NAME_MAX_LEN];
		char text[NAME_STR_LEN];
		size_t behind;

		if (record.rdata < message->bytes ||
			record.rdata + record.rdata_len > message->bytes + message->len)
			abort();
		name_str(record.owner, text);
		if (message_rdata_name(message, &record, 0, name, &behind) &&
			(behind > record.rdata_len || name_len(name) > NAME_MAX_LEN))
			abort();
	}
	if (walk.at != message->len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tsig_key key = {
		.name = "\12multihomed", .secret = "unknown to all", .secret_len = 14};
	static const struct tsig_mac mac = {.len = 32};
	uint8_t query[MESSAGE_QUERY_CAP];
	uint8_t *copy = malloc(size ? size : 1); /* no octet behind it */
	struct message message;

	if (!copy)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	if (message_read(copy, size, &message)) {
		size_t len = message_write_query(query, 0x4d48, www, DNS_TYPE_A, false);

		walk(&message);
		look_into(&message);
		message_is_response(&message, query, len);
		if (tsig_verify(&key, 1795341600, &mac, &message).verdict == TSIG_GOOD)
			abort();
	}
	free(copy);
	return 0;
}
