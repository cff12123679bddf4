/* udp.h - UDP on one address: its socket or sockets and the threads that answer on them */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "dnsd/serve/view.h"
#include "dnsd/wire/stats.h"

struct udp; /* opaque, see udp.c */

enum { UDP_MAX_THREADS = 64 };

struct udp_at {
	struct addr addr;
	uint16_t port;
	uint32_t scope_id; /* of a link-local address */
	unsigned int n_threads;
	const int *fds; /* bound by an earlier process; udp_open takes them over */
	size_t n_fds;	/* at most n_threads */
};

/* Binds and starts answering from `view`, which must have answers and outlive the socket. The
 * threads block all signals but SIGUSR1, which wakes them. Does not log: -EADDRINUSE, -EACCES,
 * -EADDRNOTAVAIL, ... */
int udp_open(const struct udp_at *at, struct view *view, struct udp **ret_udp);

/* The sockets, one per thread. Borrowed. Returns their number. */
size_t udp_fds(const struct udp *udp, int ret_fds[UDP_MAX_THREADS]);

/* Ends the threads and closes the sockets. Queries that no worker has taken yet are left to the
 * next holder of the sockets (handover.h). Queries that a worker has taken are answered, unless
 * the kernel takes no response. Adds the counters to the view's gone_udp. */
void udp_close(struct udp *udp);

void udp_count(const struct udp *udp, uint64_t totals[STATS_N_COUNTERS]);
