/* conntrack.h - deletes and counts tracked connections by their mark
 *
 * Marks are how we know over which uplink a connection goes (wanted.h). What bears no mark of
 * ours is never deleted.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

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

/* Counts the same but for those that began at one of the addresses `own`: the router's, whose
 * probes never end. */
int conntrack_count_others(struct conntrack *conntrack, uint32_t mark, uint32_t mask,
	const struct addr *own, size_t n_own, size_t *ret_count);
