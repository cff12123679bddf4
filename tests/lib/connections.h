/* connections.h - entries in the kernel's connection tracking without a packet sent
 *
 * For tests in a network namespace of their own (netns.h). ctnetlink makes the entries, each
 * with its own tuple. They last for ten minutes, or until connections_flush.
 */
#pragma once
#include <stdint.h>

struct nl_sock;

struct connections {
	struct nl_sock *sock;
	uint32_t next;
};

void connections_init(struct connections *connections);
void connections_fini(struct connections *connections);
void connections_flush(void); /* all entries of the namespace */

/* Adds `n` UDP entries with that mark. The first 50,000 of IPv4 begin at 10.0.0.0, those of
 * IPv6 at 2001:db8::a00:0; the next ones begin at the address after it. */
void connections_add(
	struct connections *connections, int family, uint32_t mark, unsigned int n);

/* Adds one TCP entry in that state (linux/netfilter/nf_conntrack_tcp.h). */
void connections_add_tcp(struct connections *connections, uint32_t mark, uint8_t state);
