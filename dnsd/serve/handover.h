/* handover.h - sockets that outlive a restart: the service manager holds them meanwhile
 *
 * systemd stores sockets (FDSTORE=1 of sd_notify(3), FileDescriptorStoreMax= of the unit) and
 * passes them to the next process. A stored socket is never closed: the kernel queues the
 * queries and connections that arrive in between. Without a service manager nothing is stored,
 * and that is no error.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

struct handover; /* sockets that were passed and not yet taken; see handover.c */

/* One address by one protocol; UDP may have several sockets there. */
struct handover_place {
	bool tcp;
	struct addr addr;
	uint16_t port;
	uint32_t scope_id; /* of a link-local address */
};

/* Takes what the service manager passed to this process. -ENOMEM. */
int handover_new(struct handover **ret_handover);

/* The same with these descriptors, which it then owns, also on failure. It closes descriptors
 * that are not bound UDP sockets or listening TCP sockets. */
int handover_new_from(const int *fds, size_t n, struct handover **ret_handover);

/* Closes the sockets that were not taken; the service manager still holds them. */
void handover_free(struct handover *handover);

/* Up to `max` sockets that are bound to the place; the caller owns them. Returns their number.
 * Further ones are closed and forgotten. */
size_t handover_take(struct handover *handover, const struct handover_place *place,
	int *ret_fds, size_t max);

/* To call when all wanted sockets are open: closes and forgets the others. */
void handover_discard(struct handover *handover);

/* Gives the sockets of a place to the service manager, which ignores those that it holds. */
void handover_keep(const struct handover_place *place, const int *fds, size_t n);

/* Makes the service manager close the sockets that it holds of the place. */
void handover_forget(const struct handover_place *place);
