/* probewire.c - the packets of probes: how they are written, and which answers match
 *
 * Echo requests (RFC 792, RFC 4443 section 4) carry the probe's number and a random cookie: a
 * forged answer from a host that did not see the request does not match. DNS queries (RFC 1035
 * section 4.1) carry the cookie in the id and in the case of the letters, which a server copies
 * into its response.
 */
#include "routed/uplink/probewire.h"

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>

#include "common/bigendian.h"

enum {
	ECHO_HEADER = 8,
	DNS_HEADER = 12,
	DNS_LABEL_MAX = 63,
	DNS_NAME_MAX = 255,
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_CLASS_IN = 1,
	DNS_FLAG_QR = 0x80,
	DNS_FLAG_RD = 0x01,
	DNS_OPCODE_MASK = 0x78,
};

/* RFC 1071, over an even number of octets. */
static uint16_t checksum(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += be16_read(data + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void probewire_echo_write(const struct probewire_echo *echo, uint8_t out[PROBEWIRE_ECHO_LEN])
{
	memset(out, 0, PROBEWIRE_ECHO_LEN);
	out[0] = echo->family == AF_INET6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	be16_write(out + 4, echo->id);
	be16_write(out + 6, echo->seq);
	be32_write(out + 8, echo->seq);
	be32_write(out + 12, (uint32_t)(echo->cookie >> 32));
	be32_write(out + 16, (uint32_t)echo->cookie);
	if (echo->family == AF_INET) /* for IPv6 the kernel writes it: RFC 3542 section 3.1 */
		be16_write(out + 2, checksum(out, PROBEWIRE_ECHO_LEN));
}

/* Length of the IPv4 header in front, or 0 if it is not valid. */
static size_t ipv4_header_len(const uint8_t *data, size_t len)
{
	if (len < sizeof(struct iphdr) || data[0] >> 4 != 4)
		return 0;

	size_t header = (size_t)(data[0] & 0xf) * 4;
	return header >= sizeof(struct iphdr) && header <= len ? header : 0;
}

bool probewire_echo_read(int family, bool raw, uint16_t id, const uint8_t *data, size_t len,
	uint32_t *ret_seq, uint64_t *ret_cookie)
{
	if (raw && family == AF_INET) {
		size_t header = ipv4_header_len(data, len);

		if (header == 0)
			return false;
		data += header;
		len -= header;
	}
	if (len != PROBEWIRE_ECHO_LEN ||
		data[0] != (family == AF_INET6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) ||
		data[1] != 0 || (raw && be16_read(data + 4) != id))
		return false;

	uint32_t seq = be32_read(data + ECHO_HEADER);
	if ((seq & 0xffff) != be16_read(data + 6))
		return false;
	*ret_seq = seq;
	*ret_cookie = (uint64_t)be32_read(data + 12) << 32 | be32_read(data + 16);
	return true;
}

/* The bits of `cookie` above those of the id set the case of the letters in turn. */
static uint8_t cased(char c, uint64_t cookie, size_t i)
{
	bool upper = cookie >> (16 + i % 48) & 1;
	bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

	if (!is_letter)
		return (uint8_t)c;
	return (uint8_t)(upper ? c & ~0x20 : c | 0x20);
}

static size_t name_write(const char *name, uint64_t cookie, uint8_t *out)
{
	size_t len = 0;

	if (!name || strcmp(name, ".") == 0)
		name = "";
	for (const char *label = name; *label;) {
		size_t label_len = strcspn(label, ".");

		if (label_len == 0 || label_len > DNS_LABEL_MAX ||
			len + label_len + 2 > DNS_NAME_MAX)
			return 0;
		out[len++] = (uint8_t)label_len;
		for (size_t i = 0; i < label_len; i++, len++)
			out[len] = cased(label[i], cookie, len);
		label += label_len;
		label += *label == '.';
	}
	out[len++] = 0;
	return len;
}

size_t probewire_dns_write(const char *name, uint64_t cookie, uint8_t out[PROBEWIRE_DNS_MAX])
{
	memset(out, 0, DNS_HEADER);
	be16_write(out, (uint32_t)(cookie & 0xffff));
	out[2] = DNS_FLAG_RD;
	be16_write(out + 4, 1); /* QDCOUNT */

	size_t len = name_write(name, cookie, out + DNS_HEADER);
	if (len == 0)
		return 0;
	bool is_root = len == 1;
	len += DNS_HEADER;
	be16_write(out + len, is_root ? DNS_TYPE_NS : DNS_TYPE_A);
	be16_write(out + len + 2, DNS_CLASS_IN);
	return len + 4;
}

bool probewire_dns_is_answer(
	const uint8_t *query, size_t query_len, const uint8_t *data, size_t len)
{
	if (len < query_len || query_len < DNS_HEADER)
		return false;
	if (memcmp(data, query, 2) != 0 || !(data[2] & DNS_FLAG_QR) ||
		(data[2] & DNS_OPCODE_MASK) != 0 || be16_read(data + 4) != 1)
		return false;
	return memcmp(data + DNS_HEADER, query + DNS_HEADER, query_len - DNS_HEADER) == 0;
}
