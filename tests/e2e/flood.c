/* flood.c - queries over UDP with forged sources, at a steady rate, until it is ended
 *
 * flood DESTINATION RATE NAME SOURCE...: from each SOURCE in turn, with random source ports. A
 * SOURCE with a prefix length ("2001:db8:a::/64") is a random address of that prefix. Raw
 * sockets: the source need not be ours.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "common/clock.h"
#include "common/net/addr.h"
#include "lib/packet.h"

enum {
	BEHIND_MAX_US = 100 * 1000
}; /* what a busy machine cost us is not made up for at once */

static struct addr parse_addr(const char *text)
{
	struct addr addr;

	if (addr_parse(text, &addr) == 0)
		return addr;
	fprintf(stderr, "flood: %s is no address\n", text);
	exit(2);
}

/* "192.0.2.1", or a random address of "192.0.2.0/24". */
static struct addr source_of(const char *text)
{
	char address[64];
	const char *slash = strchr(text, '/');

	snprintf(address, sizeof(address), "%.*s", (int)strcspn(text, "/"), text);
	struct addr addr = parse_addr(address);
	size_t len = slash ? (size_t)atoi(slash + 1) : 8 * addr_len(&addr);
	for (size_t bit = len; bit < 8 * addr_len(&addr); bit++)
		addr.bytes[bit / 8] ^= (uint8_t)((rand() >> 8 & 1) << (7 - bit % 8));
	return addr;
}

static uint32_t add_words(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	return sum;
}

/* RFC 8200 section 8.1: over IPv6 it cannot be left out. */
static uint16_t udp6_checksum(const struct ip6_hdr *ip, const uint8_t *udp, size_t len)
{
	uint32_t sum = (uint32_t)len + IPPROTO_UDP;

	sum = add_words(sum, ip->ip6_src.s6_addr, 16);
	sum = add_words(sum, ip->ip6_dst.s6_addr, 16);
	sum = add_words(sum, udp, len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff ? 0xffff : (uint16_t)~sum;
}

/* The IP header in front of `udp`; returns the length of it. */
static size_t put_ip(
	uint8_t *packet, const struct addr *from, const struct addr *to, size_t udp_len)
{
	if (from->family == AF_INET) {
		struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};

		memcpy(&ip.saddr, from->bytes, 4);
		memcpy(&ip.daddr, to->bytes, 4);
		memcpy(packet, &ip, sizeof(ip)); /* raw(7) fills in length and checksum */
		return sizeof(ip);
	}
	struct ip6_hdr ip = {.ip6_flow = htonl(6U << 28),
		.ip6_plen = htons((uint16_t)udp_len),
		.ip6_nxt = IPPROTO_UDP,
		.ip6_hlim = 64};
	memcpy(&ip.ip6_src, from->bytes, 16);
	memcpy(&ip.ip6_dst, to->bytes, 16);
	memcpy(packet, &ip, sizeof(ip));
	return sizeof(ip);
}

static size_t put_packet(uint8_t *packet, const struct addr *from, const struct addr *to,
	const struct packet *query)
{
	struct udphdr header = {
		.source = htons((uint16_t)(1024 + (rand() >> 4) % 60000)),
		.dest = htons(53),
		.len = htons((uint16_t)(sizeof(header) + query->len)),
	};
	size_t len = sizeof(header) + query->len;
	size_t ip_len = put_ip(packet, from, to, len);
	uint8_t *udp = packet + ip_len;

	memcpy(udp, &header, sizeof(header));
	memcpy(udp + sizeof(header), query->bytes, query->len);
	if (from->family == AF_INET6) {
		uint16_t sum = udp6_checksum((struct ip6_hdr *)packet, udp, len);

		udp[6] = (uint8_t)(sum >> 8);
		udp[7] = (uint8_t)sum;
	}
	return ip_len + len;
}

static void send_one(int fd, const struct addr *from, const struct addr *to, const char *name)
{
	_Alignas(8) uint8_t bytes[sizeof(struct ip6_hdr) + sizeof(struct udphdr) + PACKET_MAX];
	struct sockaddr_storage sa;
	struct packet query;

	packet_query(&query, name, LDNS_RR_TYPE_A,
		&(const struct asking){.id = (uint16_t)(rand() >> 4)});
	size_t len = put_packet(bytes, from, to, &query);
	socklen_t sa_len = addr_to_sockaddr(to, 0, 0, &sa);
	if (sendto(fd, bytes, len, 0, (struct sockaddr *)&sa, sa_len) < 0 &&
		errno != ENOBUFS && errno != EAGAIN) {
		fprintf(stderr, "flood: cannot send: %s\n", strerror(errno));
		exit(1);
	}
}

static void wait_until_us(int64_t due_us)
{
	int64_t in_us = due_us - clock_now_us();
	const struct timespec pause = {
		.tv_sec = in_us / 1000000, .tv_nsec = in_us % 1000000 * 1000};

	if (in_us > 0)
		nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
	if (argc < 5 || atoi(argv[2]) < 1) {
		fprintf(stderr, "usage: flood DESTINATION RATE NAME SOURCE...\n");
		return 2;
	}
	const struct addr to = parse_addr(argv[1]);
	int fd = socket(to.family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	int64_t due_us = clock_now_us();

	if (fd < 0) {
		perror("flood: no raw socket");
		return 1;
	}
	for (size_t i = 0;; i++) {
		const struct addr from = source_of(argv[4 + i % (size_t)(argc - 4)]);

		send_one(fd, &from, &to, argv[3]);
		due_us += 1000000 / atoi(argv[2]);
		if (clock_now_us() - due_us > BEHIND_MAX_US)
			due_us = clock_now_us();
		wait_until_us(due_us);
	}
}
