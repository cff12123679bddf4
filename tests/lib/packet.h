/* packet.h - DNS messages octet by octet, as broken as a test wants them
 *
 * Only the room is checked: tests build here what the program must survive.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PACKET_MAX = 4096,
	/* header flags, host order */
	PACKET_QR = 0x8000,
	PACKET_AA = 0x0400,
	PACKET_TC = 0x0200,
	PACKET_RD = 0x0100,
	PACKET_RA = 0x0080,
	PACKET_Z = 0x0040,
	PACKET_AD = 0x0020,
	PACKET_CD = 0x0010,
	PACKET_OPCODE_SHIFT = 11,
	/* flags of the OPT record's TTL field */
	PACKET_DO = 0x8000,
	/* places of the counters in the header */
	PACKET_QDCOUNT = 4,
	PACKET_ANCOUNT = 6,
	PACKET_NSCOUNT = 8,
	PACKET_ARCOUNT = 10,
	/* EDNS option codes */
	PACKET_NSID = 3,
	PACKET_ECS = 8,
	PACKET_EXPIRE = 9,
	PACKET_COOKIE = 10,
	PACKET_KEEPALIVE = 11,
	PACKET_PADDING = 12,
};

struct packet {
	uint8_t bytes[PACKET_MAX];
	size_t len;
};

/* A query, apart from its name and type. All zero: id 0x4d48, class IN, no flags, no OPT, UDP. */
struct asking {
	uint16_t id;	/* 0: 0x4d48 */
	uint16_t flags; /* of the header, opcode included */
	uint16_t qclass;
	bool edns;
	uint16_t size;	     /* of the OPT: 0 is 1232; ASKING_SIZE_0 is 0 */
	uint16_t edns_flags; /* PACKET_DO, ... */
	uint8_t version;
	const uint8_t *options; /* RDATA of the OPT */
	size_t options_len;
	bool tcp;
};
enum { ASKING_ID = 0x4d48, ASKING_SIZE_0 = 0xffff };

void packet_begin(struct packet *packet, uint16_t id, uint16_t flags);
void packet_put(struct packet *packet, const void *bytes, size_t len);
void packet_put_u8(struct packet *packet, unsigned int value);
void packet_put_u16(struct packet *packet, unsigned int value);
void packet_put_u32(struct packet *packet, uint32_t value);

/* A name in presentation form, its case kept. Ends the test if it is not a name. */
void packet_put_name(struct packet *packet, const char *name);

/* Adds `n` to the counter at PACKET_QDCOUNT etc. */
void packet_count(struct packet *packet, size_t counter, int n);

/* These also raise the counter. */
void packet_question(struct packet *packet, const char *name, uint16_t type, uint16_t qclass);
void packet_rr(struct packet *packet, size_t counter, const char *name, uint16_t type,
	uint16_t rrclass, uint32_t ttl_s, const void *rdata, size_t len);
void packet_opt(struct packet *packet, const struct asking *how);

/* Adds one EDNS option to the RDATA of an OPT. */
void packet_option(struct packet *rdata, uint16_t code, const void *data, size_t len);

/* A whole query. */
void packet_query(
	struct packet *packet, const char *name, uint16_t type, const struct asking *how);
