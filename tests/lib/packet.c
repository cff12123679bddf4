/* packet.c - DNS messages octet by octet, as broken as a test wants them */
#include "tests/lib/packet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

void packet_put(struct packet *packet, const void *bytes, size_t len)
{
	if (packet->len + len > sizeof(packet->bytes)) {
		fprintf(stderr, "packet: the test's message outgrows its buffer\n");
		abort();
	}
	if (len)
		memcpy(packet->bytes + packet->len, bytes, len);
	packet->len += len;
}

void packet_put_u8(struct packet *packet, unsigned int value)
{
	packet_put(packet, &(uint8_t){(uint8_t)value}, 1);
}

void packet_put_u16(struct packet *packet, unsigned int value)
{
	packet_put_u8(packet, value >> 8 & 0xff);
	packet_put_u8(packet, value & 0xff);
}

void packet_put_u32(struct packet *packet, uint32_t value)
{
	packet_put_u16(packet, value >> 16);
	packet_put_u16(packet, value & 0xffff);
}

void packet_put_name(struct packet *packet, const char *name)
{
	ldns_rdf *dname = ldns_dname_new_frm_str(name);

	if (!dname) {
		fprintf(stderr, "packet: '%s' is not a name\n", name);
		abort();
	}
	packet_put(packet, ldns_rdf_data(dname), ldns_rdf_size(dname));
	ldns_rdf_deep_free(dname);
}

void packet_begin(struct packet *packet, uint16_t id, uint16_t flags)
{
	packet->len = 0;
	packet_put_u16(packet, id);
	packet_put_u16(packet, flags);
	packet_put(packet, (const uint8_t[8]){0}, 8);
}

void packet_count(struct packet *packet, size_t counter, int n)
{
	int count = packet->bytes[counter] << 8 | packet->bytes[counter + 1];

	count += n;
	packet->bytes[counter] = (uint8_t)(count >> 8);
	packet->bytes[counter + 1] = (uint8_t)count;
}

void packet_question(struct packet *packet, const char *name, uint16_t type, uint16_t qclass)
{
	packet_put_name(packet, name);
	packet_put_u16(packet, type);
	packet_put_u16(packet, qclass);
	packet_count(packet, PACKET_QDCOUNT, 1);
}

void packet_rr(struct packet *packet, size_t counter, const char *name, uint16_t type,
	uint16_t rrclass, uint32_t ttl_s, const void *rdata, size_t len)
{
	packet_put_name(packet, name);
	packet_put_u16(packet, type);
	packet_put_u16(packet, rrclass);
	packet_put_u32(packet, ttl_s);
	packet_put_u16(packet, (unsigned int)len);
	packet_put(packet, rdata, len);
	packet_count(packet, counter, 1);
}

void packet_opt(struct packet *packet, const struct asking *how)
{
	uint16_t size = how->size ? how->size : 1232;

	if (how->size == ASKING_SIZE_0)
		size = 0;
	packet_rr(packet, PACKET_ARCOUNT, ".", LDNS_RR_TYPE_OPT, size,
		(uint32_t)how->version << 16 | how->edns_flags, how->options,
		how->options_len);
}

void packet_option(struct packet *rdata, uint16_t code, const void *data, size_t len)
{
	packet_put_u16(rdata, code);
	packet_put_u16(rdata, (unsigned int)len);
	packet_put(rdata, data, len);
}

void packet_query(
	struct packet *packet, const char *name, uint16_t type, const struct asking *how)
{
	packet_begin(packet, how->id ? how->id : ASKING_ID, how->flags);
	packet_question(packet, name, type, how->qclass ? how->qclass : LDNS_RR_CLASS_IN);
	if (how->edns)
		packet_opt(packet, how);
}
