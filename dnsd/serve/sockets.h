/* sockets.h - opens and closes sockets until exactly the wanted ones are open
 *
 * sockets_apply() opens the missing sockets and closes those that are no longer wanted. It does
 * not touch the others. A socket that cannot be opened is tried again, and harms no other.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "dnsd/serve/view.h"

struct event_base;
struct sockets; /* opaque, see sockets.c */
struct tcp_server;

struct socket_spec {
	struct view *view;
	struct addr addr;
	uint16_t port;
	uint32_t scope_id;
	unsigned int n_threads; /* UDP */
};

struct socket_state {
	const struct view *view;
	struct addr addr;
	uint16_t port;
	bool tcp;
	unsigned int n_threads; /* UDP */
	bool is_open;
	const char *problem; /* why it is not open, with the remedy; borrowed */
	int64_t retry_in_ms; /* until the next try */
};

/* `tcp` is borrowed. Takes over the sockets that the service manager passes. -ENOMEM. */
int sockets_new(struct event_base *base, struct tcp_server *tcp, struct sockets **ret_sockets);

/* For the end of the process: the service manager still holds its copies. */
void sockets_free(struct sockets *sockets);

/* UDP and TCP for each entry; no two entries may have the same address and port. Their views
 * must have answers, and must outlive the sockets. */
void sockets_apply(struct sockets *sockets, const struct socket_spec *specs, size_t n);

/* Tries closed sockets again now, because something has changed. */
void sockets_retry(struct sockets *sockets);

/* Adds the counters of the open sockets of the view; the view has those of closed ones. */
void sockets_count(const struct sockets *sockets, const struct view *view, bool tcp,
	uint64_t totals[STATS_N_COUNTERS]);

size_t sockets_n(const struct sockets *sockets);
size_t sockets_n_open(const struct sockets *sockets);
struct socket_state sockets_state(const struct sockets *sockets, size_t i); /* i < sockets_n */
