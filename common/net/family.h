/* family.h - the two address families: as array indices, and as the kernel's numbers
 *
 * Tables that hold one thing per family are indexed by enum site_family; sockets, netlink and
 * struct addr speak of AF_INET and AF_INET6. This is the only place that makes one of the
 * other.
 */
#pragma once
#include <stddef.h>
#include <sys/socket.h>

enum site_family { SITE_IPV4, SITE_IPV6, SITE_FAMILIES };

static inline int family_af(enum site_family family)
{
	return family == SITE_IPV4 ? AF_INET : AF_INET6;
}

/* `af` is AF_INET or AF_INET6: an address that may be unset is looked at first. */
static inline enum site_family family_of(int af)
{
	return af == AF_INET ? SITE_IPV4 : SITE_IPV6;
}

/* Octets of an address: 4 or 16. */
static inline size_t family_addr_len(int af)
{
	return af == AF_INET ? 4 : 16;
}

/* Bits of an address, the longest prefix: 32 or 128. */
static inline unsigned int family_addr_bits(int af)
{
	return af == AF_INET ? 32 : 128;
}
