/* conntrack.h - deletes and counts tracked connections by their mark
 *
 * Marks are how we know over which uplink a connection goes (wanted.h). What bears no mark of
 * ours is never deleted.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

struct conntrack; /* opaque, see conntrack.c */

/* Negative errno after a logged message. */
int conntrack_new(struct conntrack **ret_conntrack);
void conntrack_free(struct conntrack *conntrack);

/* Deletes the connections with (mark & mask) == `mark`, of both families; neither may be 0.
 * One message, however many there are; where the kernel does not take it, one for each.
 * Negative errno after a logged message. */
int conntrack_delete(struct conntrack *conntrack, uint32_t mark, uint32_t mask);

/* The same of one family only: AF_INET or AF_INET6; AF_UNSPEC: of both. */
int conntrack_delete_family(
	struct conntrack *conntrack, int family, uint32_t mark, uint32_t mask);

/* Only those of the same that are bound to `addr`, an address of the router: they were asked
 * for there, began there, or are translated to it. One message for each. */
int conntrack_delete_address(
	struct conntrack *conntrack, const struct addr *addr, uint32_t mark, uint32_t mask);

/* Counts the same. */
int conntrack_count(
	struct conntrack *conntrack, uint32_t mark, uint32_t mask, size_t *ret_count);

/* What is left on an uplink: connections with (mark & mask) == `mark`, apart by the bit
 * `in_bit` of those that came in. Not those that began at one of the addresses `own` (the
 * router's, whose probes never end), nor TCP connections that are over and only wait to be
 * forgotten. */
struct conntrack_left {
	uint32_t mark;
	uint32_t mask;
	uint32_t in_bit;
	const struct addr *own;
	size_t n_own;
};

struct conntrack_counts {
	size_t out;
	size_t in;
};

/* Goes through the kernel's whole table: some 0.1 s with 50,000 of them in it. Negative errno
 * after a logged message. */
int conntrack_count_left(struct conntrack *conntrack, const struct conntrack_left *left,
	struct conntrack_counts *ret_counts);
