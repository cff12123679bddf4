/* handover.h - sockets that outlive a restart: the service manager holds them meanwhile
 *
 * systemd keeps what it is given (FDSTORE=1 of sd_notify(3), FileDescriptorStoreMax= of the
 * unit) and passes it to the next process. Such a socket is never closed: the kernel queues
 * the queries and connections that arrive in between. Without a service manager nothing is
 * kept, and nothing is amiss.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

struct handover; /* what was passed and nobody has taken yet; see handover.c */

/* One address by one protocol; UDP may have several sockets there. */
struct handover_place {
	bool tcp;
	struct addr addr;
	uint16_t port;
	uint32_t scope_id; /* of a link-local address */
};

/* Takes what the service manager passed to this process. -ENOMEM. */
int handover_new(struct handover **ret_handover);

/* The same with these descriptors, which it owns from here on, also on failure. What is no
 * bound UDP socket or listening TCP socket is closed. */
int handover_new_from(const int *fds, size_t n, struct handover **ret_handover);

/* Closes what is left; the service manager goes on holding it. */
void handover_free(struct handover *handover);

/* Up to `max` sockets that are bound to the place; they are the caller's. Returns how many.
 * What is there beyond that is closed and forgotten. */
size_t handover_take(struct handover *handover, const struct handover_place *place,
	int *ret_fds, size_t max);

/* Everything that is to be served has been opened: closes and forgets the rest. */
void handover_discard(struct handover *handover);

/* Gives the sockets of a place to the service manager; those that it has already do no harm.
 */
void handover_keep(const struct handover_place *place, const int *fds, size_t n);

/* The service manager closes what it holds of the place. */
void handover_forget(const struct handover_place *place);
