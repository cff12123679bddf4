/* forge.c - sends packets with whatever source it is told
 *
 * forge udp|tcp|error SOURCE DESTINATION PORT [COUNT]: DNS queries for www.example.com, or SYNs,
 * from port 1053 and up; or ICMP errors about nothing, which say that a packet was too large. Both addresses of one family; the route is that of the destination.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { FIRST_PORT = 1053, HOPS = 64, PACKET_MAX = 256 };

/* Header, www.example.com, A, IN. */
static const uint8_t query[] = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'w', 'w', 'w', 7,
	'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'c', 'o', 'm', 0, 0, 1, 0, 1};

struct forge {
	int family;
	int protocol;
	uint8_t source[16];
	uint8_t destination[16];
	size_t addr_len;
	uint16_t port;
};

static void fail(const char *what)
{
	fprintf(stderr, "forge: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint32_t sum(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

/* RFC 768, RFC 9293 section 3.1, RFC 8200 section 8.1: the pseudo-header counts, but for ICMP
 * of IPv4 (RFC 792). */
static uint16_t checksum(const struct forge *forge, const uint8_t *segment, size_t len)
{
	uint32_t total = 0;

	if (forge->protocol != IPPROTO_ICMP) {
		total = (uint32_t)len + (uint32_t)forge->protocol;
		total = sum(total, forge->source, forge->addr_len);
		total = sum(total, forge->destination, forge->addr_len);
	}
	total = sum(total, segment, len);
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htons((uint16_t)~total);
}

static size_t put_udp(const struct forge *forge, uint16_t from, uint8_t *out)
{
	struct udphdr head = {
		.source = htons(from),
		.dest = htons(forge->port),
		.len = htons(sizeof(head) + sizeof(query)),
	};
	size_t len = sizeof(head) + sizeof(query);

	memcpy(out, &head, sizeof(head));
	memcpy(out + sizeof(head), query, sizeof(query));
	head.check = checksum(forge, out, len);
	memcpy(out, &head, sizeof(head));
	return len;
}

static size_t put_syn(const struct forge *forge, uint16_t from, uint8_t *out)
{
	struct tcphdr head = {
		.source = htons(from),
		.dest = htons(forge->port),
		.seq = htonl(from),
		.doff = sizeof(head) / 4,
		.syn = 1,
		.window = htons(1024),
	};

	memcpy(out, &head, sizeof(head));
	head.check = checksum(forge, out, sizeof(head));
	memcpy(out, &head, sizeof(head));
	return sizeof(head);
}

/* RFC 1191: fragmentation needed; RFC 4443 section 3.2: packet too big. */
static size_t put_error(const struct forge *forge, uint8_t *out)
{
	struct icmphdr head = {.type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED};
	uint8_t quoted[48] = {forge->family == AF_INET ? 0x45 : 0x60};
	size_t len = sizeof(head) + sizeof(quoted);

	if (forge->family == AF_INET6)
		head = (struct icmphdr){.type = ICMP6_PACKET_TOO_BIG};
	memcpy(out, &head, sizeof(head));
	memcpy(out + sizeof(head), quoted, sizeof(quoted));
	head.checksum = checksum(forge, out, len);
	memcpy(out, &head, sizeof(head));
	return len;
}

static size_t put_payload(const struct forge *forge, uint16_t from, uint8_t *out)
{
	switch (forge->protocol) {
	case IPPROTO_TCP:
		return put_syn(forge, from, out);
	case IPPROTO_UDP:
		return put_udp(forge, from, out);
	default:
		return put_error(forge, out);
	}
}

/* The kernel fills in IPv4's length and checksum (raw(7)). */
static size_t put_packet(const struct forge *forge, uint16_t from, uint8_t *out)
{
	size_t at = forge->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	size_t len = put_payload(forge, from, out + at);
	uint8_t protocol = (uint8_t)forge->protocol;

	if (forge->family == AF_INET) {
		struct iphdr head = {
			.version = 4, .ihl = 5, .ttl = HOPS, .protocol = protocol};

		memcpy(&head.saddr, forge->source, 4);
		memcpy(&head.daddr, forge->destination, 4);
		memcpy(out, &head, sizeof(head));
	} else {
		struct ip6_hdr head = {.ip6_nxt = protocol, .ip6_hlim = HOPS};

		head.ip6_vfc = 6 << 4;
		head.ip6_plen = htons((uint16_t)len);
		memcpy(&head.ip6_src, forge->source, 16);
		memcpy(&head.ip6_dst, forge->destination, 16);
		memcpy(out, &head, sizeof(head));
	}
	return at + len;
}

static void send_all(const struct forge *forge, unsigned long count)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
	bool v4 = forge->family == AF_INET;
	int fd = socket(forge->family, SOCK_RAW, IPPROTO_RAW);

	if (fd < 0)
		fail("socket");
	memcpy(&to.sin_addr, forge->destination, 4);
	memcpy(&to6.sin6_addr, forge->destination, 16);
	for (unsigned long i = 0; i < count; i++) {
		uint8_t packet[PACKET_MAX];
		size_t len = put_packet(forge, (uint16_t)(FIRST_PORT + i), packet);
		ssize_t n = v4 ? sendto(fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to))
			       : sendto(fd, packet, len, 0, (struct sockaddr *)&to6,
					 sizeof(to6));

		if (n < 0)
			fail("sendto");
	}
}

static int protocol_of(const char *name, int family)
{
	if (strcmp(name, "tcp") == 0)
		return IPPROTO_TCP;
	if (strcmp(name, "udp") == 0)
		return IPPROTO_UDP;
	return family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

int main(int argc, char **argv)
{
	struct forge forge = {0};

	if (argc < 5 || argc > 6) {
		fprintf(stderr,
			"usage: forge udp|tcp|error SOURCE DESTINATION PORT [COUNT]\n");
		return 2;
	}
	forge.family = strchr(argv[2], ':') ? AF_INET6 : AF_INET;
	forge.protocol = protocol_of(argv[1], forge.family);
	forge.addr_len = forge.family == AF_INET ? 4 : 16;
	forge.port = (uint16_t)strtoul(argv[4], NULL, 10);
	if (inet_pton(forge.family, argv[2], forge.source) != 1 ||
		inet_pton(forge.family, argv[3], forge.destination) != 1) {
		fprintf(stderr, "forge: no two addresses of one family\n");
		return 2;
	}
	send_all(&forge, argc > 5 ? strtoul(argv[5], NULL, 10) : 1);
	return 0;
}
