/* addr.h - IPv4 and IPv6 addresses and prefixes as plain values */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDR_STR_LEN = INET6_ADDRSTRLEN + 18 /* %interface */ };

/* One address. `family` 0 means "none". `bytes` is in wire order, 4 or 16 of them count,
 * the others are 0, so that two addresses are equal when their structs are. */
struct addr {
	uint8_t family; /* 0, AF_INET, AF_INET6 */
	uint8_t bytes[16];
};

struct prefix {
	struct addr addr; /* host bits are 0 */
	uint8_t len;	  /* bits */
};

/* Text without prefix length or scope ("192.0.2.1", "2001:db8::1"). -EINVAL otherwise. */
int addr_parse(const char *text, struct addr *ret_addr);

/* "ADDR/LEN" or a bare address (a host prefix). -EINVAL otherwise, -ERANGE if bits beyond the
 * length are set. */
int prefix_parse(const char *text, struct prefix *ret_prefix);

/* The prefix of `len` bits that the address lies in: its host bits are cleared. A `len` beyond
 * the address counts as the whole address. */
struct prefix prefix_of(const struct addr *addr, unsigned int len);

/* The address as text in a buffer of the thread's own: valid until the 8th call after. */
const char *addr_str(const struct addr *addr);
const char *prefix_str(const struct prefix *prefix);
const char *prefix_str_bare(const struct prefix *prefix); /* a host prefix without length */

/* All bits count: it is one address. */
bool prefix_is_host(const struct prefix *prefix);

bool addr_is_set(const struct addr *addr);
bool addr_eq(const struct addr *a, const struct addr *b);
size_t addr_len(const struct addr *addr); /* octets: 4, 16, or 0 */

/* Address of family and wire-order octets, as netlink and sockets hand them over. */
struct addr addr_from_bytes(int family, const void *bytes);
struct addr addr_from_sockaddr(const struct sockaddr *sa);
uint16_t sockaddr_port(const struct sockaddr *sa); /* host order */

/* Fills `ret_sa` for bind, connect or sendto; `port` in host order. Returns the length.
 * `scope_id` is the ifindex that a link-local address needs, else 0. */
socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port, uint32_t scope_id,
	struct sockaddr_storage *ret_sa);

bool addr_is_link_local(const struct addr *addr);
bool addr_is_loopback(const struct addr *addr);
bool addr_is_unspecified(const struct addr *addr);
bool addr_is_multicast(const struct addr *addr);
bool addr_is_cgnat(const struct addr *addr); /* 100.64.0.0/10, RFC 6598 */

bool prefix_contains(const struct prefix *prefix, const struct addr *addr);
