/* tcp.h - DNS over TCP (RFC 7766, RFC 9210), on the main thread's event loop
 *
 * One server holds all connections and their limits; a listener is one address of one view.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "dnsd/serve/view.h"
#include "dnsd/wire/stats.h"

struct event_base;
struct tcp_server;   /* opaque, see tcp.c */
struct tcp_listener; /* opaque */

struct tcp_limits {
	unsigned int max_connections;
	unsigned int max_per_client; /* of one IPv4 address or IPv6 /64 */
	int idle_ms;		     /* without a message; shorter when more than half full */
	int message_ms;		     /* from the first to the last octet of one message */
	int send_ms;		     /* until queued responses are taken */
	size_t output_max; /* octets of queued responses; beyond it no query is read */
};

extern const struct tcp_limits tcp_limits_default;

struct tcp_at {
	struct addr addr;
	uint16_t port;
	uint32_t scope_id; /* of a link-local address */
	int fd; /* listens there already, from an earlier process, and is taken over; or -1 */
};

/* `limits` is copied. -ENOMEM. */
int tcp_server_new(struct event_base *base, const struct tcp_limits *limits,
	struct tcp_server **ret_server);
void tcp_server_free(struct tcp_server *server); /* its listeners must be closed */

/* Accepts nothing more and closes each connection once it has its answers, all of them after the
 * grace. Calls `done` from the event loop when no connection is left. */
typedef void tcp_done_fn(void *arg);
void tcp_server_finish(struct tcp_server *server, int grace_ms, tcp_done_fn *done, void *arg);

struct tcp_counters {
	size_t open; /* connections now */
	uint64_t accepted;
	uint64_t evicted;   /* closed early to make room for another */
	uint64_t timed_out; /* idle, or slow to send a message or to take a response */
	uint64_t bad;	    /* closed for a message of impossible length */
};
const struct tcp_counters *tcp_server_counters(const struct tcp_server *server);

/* Binds and listens. Does not log: -EADDRINUSE, -EACCES, -EADDRNOTAVAIL, ... */
int tcp_listen(struct tcp_server *server, const struct tcp_at *at, struct view *view,
	struct tcp_listener **ret_listener);

/* Its socket. Borrowed. */
int tcp_listener_fd(const struct tcp_listener *listener);

/* Closes its connections too. Adds its counters to the view's gone_tcp. */
void tcp_listener_close(struct tcp_listener *listener);

void tcp_count(const struct tcp_listener *listener, uint64_t totals[STATS_N_COUNTERS]);
