/* pickaddr.c - which of an interface's addresses stands for an uplink
 *
 * An interface has several: a unique local prefix beside the ISP's (many home routers
 * announce both, RFC 4193), a management net of the modem, an old prefix that runs out. IPv6
 * lists the newest first, so the kernel's order alone would choose the newest.
 *
 * The gateway decides before the scope: an ISP that assigns private addresses also routes
 * from them, and drops packets with another source. An IPv6 gateway is usually link-local and
 * lies in no prefix.
 */
#include "common/net/pickaddr.h"

#include <linux/if_addr.h>

enum scope_rank {
	SCOPE_GLOBAL,
	SCOPE_SHARED,	  /* behind the ISP's own translation, RFC 6598 */
	SCOPE_PRIVATE,	  /* RFC 1918, unique local (RFC 4193), site-local (RFC 3879) */
	SCOPE_LINK_LOCAL, /* IPv4 alone (RFC 3927): those of IPv6 are of no ready scope */
	SCOPE_LOOPBACK,	  /* never */
};

static const struct {
	struct prefix prefix;
	enum scope_rank rank;
} scopes[] = {
	{{{AF_INET, {100, 64}}, 10}, SCOPE_SHARED},
	{{{AF_INET, {10}}, 8}, SCOPE_PRIVATE},
	{{{AF_INET, {172, 16}}, 12}, SCOPE_PRIVATE},
	{{{AF_INET, {192, 168}}, 16}, SCOPE_PRIVATE},
	{{{AF_INET, {169, 254}}, 16}, SCOPE_LINK_LOCAL},
	{{{AF_INET, {127}}, 8}, SCOPE_LOOPBACK},
	{{{AF_INET6, {0xfc}}, 7}, SCOPE_PRIVATE},
	{{{AF_INET6, {0xfe, 0xc0}}, 10}, SCOPE_PRIVATE},
	{{{AF_INET6, {0xfe, 0x80}}, 10}, SCOPE_LINK_LOCAL},
	{{{AF_INET6, {[15] = 1}}, 128}, SCOPE_LOOPBACK},
};

static enum scope_rank scope_of(const struct addr *addr)
{
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
		if (prefix_contains(&scopes[i].prefix, addr))
			return scopes[i].rank;
	return SCOPE_GLOBAL;
}

/* The length of its prefix if the gateway lies in it, else 0. */
static unsigned int gateway_bits(const struct link_addr *addr, const struct addr *gateway)
{
	struct prefix subnet = link_addr_subnet(addr);

	return gateway && prefix_contains(&subnet, gateway) ? subnet.len : 0;
}

static bool is_given(const struct prefix *address)
{
	return address && addr_is_set(&address->addr);
}

static bool is_whole(const struct prefix *address)
{
	return address && prefix_is_host(address);
}

bool pickaddr_is_served(const struct link_addr *addr, const struct prefix *address)
{
	if (is_whole(address))
		return addr_eq(&addr->addr, &address->addr) && link_addr_is_settled(addr);
	return link_addr_is_ready(addr) &&
	       (!is_given(address) || prefix_contains(address, &addr->addr));
}

/* IFA_F_TEMPORARY is the same bit as IFA_F_SECONDARY, with the meaning of IPv6. */
static bool may_stand(const struct link_addr *addr, const struct prefix *address)
{
	bool may_be_secondary = is_given(address) && addr->addr.family == AF_INET;

	if (!pickaddr_is_served(addr, address))
		return false;
	if (is_whole(address))
		return true;
	if (scope_of(&addr->addr) == SCOPE_LOOPBACK || (addr->flags & IFA_F_DEPRECATED))
		return false;
	return !(addr->flags & IFA_F_SECONDARY) || may_be_secondary;
}

/* Both may stand. */
static bool pickaddr_is_better(
	const struct link_addr *a, const struct link_addr *than, const struct addr *gateway)
{
	enum scope_rank scope = scope_of(&a->addr);
	enum scope_rank than_scope = scope_of(&than->addr);
	unsigned int bits = gateway_bits(a, gateway);
	unsigned int than_bits = gateway_bits(than, gateway);

	if ((a->flags ^ than->flags) & IFA_F_SECONDARY)
		return !(a->flags & IFA_F_SECONDARY);
	if ((scope == SCOPE_LINK_LOCAL) != (than_scope == SCOPE_LINK_LOCAL))
		return scope != SCOPE_LINK_LOCAL;
	if (bits != than_bits)
		return bits > than_bits;
	return scope < than_scope;
}

const struct link_addr *pickaddr(const struct link *link, int family,
	const struct prefix *address, const struct addr *gateway)
{
	const struct link_addr *best = NULL;

	for (size_t i = 0; i < link->n_addrs; i++) {
		const struct link_addr *addr = &link->addrs[i];

		if (addr->addr.family == family && may_stand(addr, address) &&
			(!best || pickaddr_is_better(addr, best, gateway)))
			best = addr;
	}
	return best;
}
