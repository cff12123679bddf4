/* addr.c - IPv4 and IPv6 addresses and prefixes as plain values
 *
 * Pure functions, used everywhere. Octets are kept in wire order because every user (DNS
 * RDATA, netlink attributes, sockaddr) needs them so.
 */
#include "common/net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/net/family.h"

int addr_parse(const char *text, struct addr *ret_addr)
{
	struct addr addr = {0};

	if (inet_pton(AF_INET, text, addr.bytes) == 1)
		addr.family = AF_INET;
	else if (inet_pton(AF_INET6, text, addr.bytes) == 1)
		addr.family = AF_INET6;
	else
		return -EINVAL;

	*ret_addr = addr;
	return 0;
}

/* Strict decimal: other tools accept "010", which may mean 8 or 10. */
static int parse_prefix_len(const char *text, unsigned int max, uint8_t *ret_len)
{
	if (text[0] < '0' || text[0] > '9' || (text[0] == '0' && text[1]))
		return -EINVAL;

	char *end;
	unsigned long len = strtoul(text, &end, 10);
	if (*end || len > max)
		return -EINVAL;

	*ret_len = (uint8_t)len;
	return 0;
}

int prefix_parse(const char *text, struct prefix *ret_prefix)
{
	char host[ADDR_STR_LEN];
	const char *slash = strchr(text, '/');
	size_t host_len = slash ? (size_t)(slash - text) : strlen(text);
	struct prefix prefix = {0};

	if (host_len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (addr_parse(host, &prefix.addr) < 0)
		return -EINVAL;

	unsigned int max = family_addr_bits(prefix.addr.family);
	prefix.len = (uint8_t)max;
	if (slash && parse_prefix_len(slash + 1, max, &prefix.len) < 0)
		return -EINVAL;

	struct prefix masked = prefix_of(&prefix.addr, prefix.len);
	if (!addr_eq(&masked.addr, &prefix.addr))
		return -ERANGE;

	*ret_prefix = prefix;
	return 0;
}

struct prefix prefix_of(const struct addr *addr, unsigned int len)
{
	unsigned int max = (unsigned int)(8 * addr_len(addr));
	struct prefix prefix = {.addr = *addr, .len = (uint8_t)(len < max ? len : max)};

	for (unsigned int bit = prefix.len; bit < max; bit++)
		prefix.addr.bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
	return prefix;
}

/* A ring of buffers, so that one log line can name several addresses. */
static char *str_buffer(void)
{
	static _Thread_local char ring[8][ADDR_STR_LEN];
	static _Thread_local unsigned int next;

	return ring[next++ % 8];
}

const char *addr_str(const struct addr *addr)
{
	char *text = str_buffer();

	if (!addr_is_set(addr) || !inet_ntop(addr->family, addr->bytes, text, ADDR_STR_LEN))
		return "none";
	return text;
}

const char *prefix_str(const struct prefix *prefix)
{
	char *text = str_buffer();

	snprintf(text, ADDR_STR_LEN, "%s/%u", addr_str(&prefix->addr), prefix->len);
	return text;
}

bool prefix_is_host(const struct prefix *prefix)
{
	return addr_is_set(&prefix->addr) && prefix->len == 8 * addr_len(&prefix->addr);
}

const char *prefix_str_bare(const struct prefix *prefix)
{
	return prefix_is_host(prefix) ? addr_str(&prefix->addr) : prefix_str(prefix);
}

bool addr_is_set(const struct addr *addr)
{
	return addr->family != 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

size_t addr_len(const struct addr *addr)
{
	if (addr->family == AF_INET)
		return 4;
	return addr->family == AF_INET6 ? 16 : 0;
}

struct addr addr_from_bytes(int family, const void *bytes)
{
	struct addr addr = {.family = (uint8_t)family};

	memcpy(addr.bytes, bytes, family_addr_len(family));
	return addr;
}

struct addr addr_from_sockaddr(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return addr_from_bytes(
			AF_INET, &((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	if (sa->sa_family == AF_INET6)
		return addr_from_bytes(
			AF_INET6, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
	return (struct addr){0};
}

uint16_t sockaddr_port(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port);
	if (sa->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)sa)->sin6_port);
	return 0;
}

socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port, uint32_t scope_id,
	struct sockaddr_storage *ret_sa)
{
	memset(ret_sa, 0, sizeof(*ret_sa));
	if (addr->family == AF_INET) {
		struct sockaddr_in *sin = (struct sockaddr_in *)ret_sa;

		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		memcpy(&sin->sin_addr, addr->bytes, 4);
		return sizeof(*sin);
	}

	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret_sa;
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	sin6->sin6_scope_id = addr_is_link_local(addr) ? scope_id : 0;
	memcpy(&sin6->sin6_addr, addr->bytes, 16);
	return sizeof(*sin6);
}

bool addr_is_link_local(const struct addr *addr)
{
	const uint8_t *b = addr->bytes;

	if (addr->family == AF_INET)
		return b[0] == 169 && b[1] == 254;
	return addr->family == AF_INET6 && b[0] == 0xfe && (b[1] & 0xc0) == 0x80;
}

bool addr_is_loopback(const struct addr *addr)
{
	static const uint8_t one[16] = {[15] = 1};

	if (addr->family == AF_INET)
		return addr->bytes[0] == 127;
	return addr->family == AF_INET6 && memcmp(addr->bytes, one, 16) == 0;
}

bool addr_is_unspecified(const struct addr *addr)
{
	static const uint8_t zero[16];

	return addr_is_set(addr) && memcmp(addr->bytes, zero, 16) == 0;
}

bool addr_is_multicast(const struct addr *addr)
{
	if (addr->family == AF_INET)
		return addr->bytes[0] >= 224;
	return addr->family == AF_INET6 && addr->bytes[0] == 0xff;
}

bool addr_is_cgnat(const struct addr *addr)
{
	return addr->family == AF_INET && addr->bytes[0] == 100 &&
	       (addr->bytes[1] & 0xc0) == 0x40;
}

bool prefix_contains(const struct prefix *prefix, const struct addr *addr)
{
	if (prefix->addr.family != addr->family)
		return false;

	for (unsigned int bit = 0; bit < prefix->len; bit++) {
		unsigned int mask = 0x80u >> (bit % 8);

		if ((prefix->addr.bytes[bit / 8] & mask) != (addr->bytes[bit / 8] & mask))
			return false;
	}
	return true;
}
