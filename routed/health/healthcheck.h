/* healthcheck.h - one address and port of a server: are connections to it accepted?
 *
 * Pure: the caller reports the outcome of each connection, with the time. Times are monotonic
 * microseconds, greater than 0.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

/* site.yaml(5) tells operators these figures. */
enum {
	HEALTH_INTERVAL_MS = 1000, /* from the start of one connection to the next */
	HEALTH_SUSPECT_MS = 200,   /* the same while the address is suspect or unknown */
	HEALTH_TIMEOUT_MS = 1000,
	HEALTH_FALL = 3, /* lost in a row: dead */
	HEALTH_RISE = 2, /* accepted in a row: alive again */
	HEALTH_WHY_MAX = 192,
};

/* The outcome of a connection. All but the first count as lost. */
enum health_outcome {
	HEALTH_ACCEPTED,
	HEALTH_REFUSED,
	HEALTH_SILENT,	    /* no answer within HEALTH_TIMEOUT_MS */
	HEALTH_UNREACHABLE, /* no route, or an error from a nearer host */
	HEALTH_VIA_UPLINK,  /* not started: the kernel would send it over an uplink */
};

enum health_verdict { HEALTH_UNKNOWN, HEALTH_ALIVE, HEALTH_DEAD };

struct healthcheck {
	enum health_verdict verdict;
	int64_t since_us; /* of the verdict; 0: there is none yet */
	int64_t rtt_us;	  /* of the last accepted connection; 0: none was */
	unsigned int lost_in_row;
	unsigned int accepted_in_row;

	/* the present outage, or what may become an outage; n_lost 0: there is none */
	int64_t outage_us; /* when the first lost connection started */
	uint32_t n_tried;
	uint32_t n_lost;
	enum health_outcome last; /* of the lost connections */
	bool mixed;		  /* the lost connections have several outcomes */
};

/* A connection that started at `begun_us` has ended now. True if the verdict has changed from or
 * to HEALTH_DEAD. */
bool healthcheck_take(struct healthcheck *check, enum health_outcome outcome, int64_t begun_us,
	int64_t now_us);

/* The time from the start of the last connection to the next. */
int64_t healthcheck_delay_ms(const struct healthcheck *check);

/* The verdict's reason, for an operator: "3 of 3 connections to 10.0.1.5 port 80 refused since
 * 10:00:02". `wall_us` is the time of day at `now_us`. Returns `out`. */
struct healthcheck_about {
	const struct addr *addr;
	uint16_t port;
	int64_t now_us;
	int64_t wall_us;
};
const char *healthcheck_why(const struct healthcheck *check,
	const struct healthcheck_about *about, char *out, size_t cap);
