/* respond.h - the path of a query: octets in, octets out
 *
 * The only entry of the answering core, for UDP, TCP and tests. Pure, except for the counters:
 * no system call, no allocation, no lock. Every octet of the query is hostile.
 */
#pragma once
#include <sys/socket.h>

#include "common/net/addr.h"
#include "dnsd/answer/inboundtoken.h"
#include "dnsd/answer/table.h"
#include "dnsd/wire/cookie.h"
#include "dnsd/wire/stats.h"

enum {
	RESPOND_UDP_MAX = 1232, /* DNS Flag Day 2020 */
	RESPOND_TCP_MAX = 65535,
	/* size of a reply buffer */
	RESPOND_UDP_CAP = RESPOND_UDP_MAX + 16, /* copies may exceed it by as much */
	RESPOND_TCP_CAP = RESPOND_TCP_MAX + 16,
	RESPOND_QUERY_SLACK =
		16, /* readable octets that must follow the query in its buffer */
};

/* The same for all queries of a view until the next publication. Immutable. */
struct respond_conf {
	struct cookie_keys cookies;
	uint8_t nsid[128]; /* RFC 5001 */
	size_t nsid_len;
	uint16_t keepalive_100ms;	       /* RFC 7828: the idle time for TCP clients */
	struct inbound_tokens *inbound_tokens; /* borrowed; NULL: none is ever open */
	int view;			       /* an uplink's index, or FACTS_VIEW_INSIDE */
	const char *view_name;		       /* borrowed from the view */
};

/* The receiver fills it for each query. */
struct respond_from {
	const struct sockaddr *client; /* cookies are bound to its address */
	bool tcp;
	uint32_t now_s; /* wall clock, seconds since 1970, modulo 2^32: cookies carry it */
};

/* Answers `query` from the view's table into `reply`, which has RESPOND_UDP_CAP or
 * RESPOND_TCP_CAP octets. Returns the length of the reply, or 0 for no response. Counts both. */
size_t respond(const struct table *table, const struct respond_conf *conf,
	const struct respond_from *from, const uint8_t *query, size_t len, uint8_t *reply,
	struct stats *stats);
