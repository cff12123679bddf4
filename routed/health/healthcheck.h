/* healthcheck.h - one address and port of a server: are connections to it accepted?
 *
 * Pure: the caller says what became of each connection, and when. Times are monotonic
 * microseconds, greater than 0.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

/* site.yaml(5) tells operators these figures. */
enum {
	HEALTH_INTERVAL_MS = 1000, /* from the beginning of one connection to the next */
	HEALTH_SUSPECT_MS = 200,   /* the same while the matter is in doubt */
	HEALTH_TIMEOUT_MS = 1000,
	HEALTH_FALL = 3, /* lost in a row that kill */
	HEALTH_RISE = 2, /* accepted in a row that revive */
	HEALTH_WHY_MAX = 192,
};

/* What became of a connection. All but the first are lost. */
enum health_outcome {
	HEALTH_ACCEPTED,
	HEALTH_REFUSED,
	HEALTH_SILENT,	    /* no answer within HEALTH_TIMEOUT_MS */
	HEALTH_UNREACHABLE, /* no route, or an error from nearer than the server */
	HEALTH_VIA_UPLINK,  /* not begun: the kernel would have sent it over an uplink */
};

enum health_verdict { HEALTH_UNKNOWN, HEALTH_ALIVE, HEALTH_DEAD };

struct healthcheck {
	enum health_verdict verdict;
	int64_t since_us; /* the verdict; 0: there is none yet */
	int64_t rtt_us;	  /* of the last one accepted; 0: none was */
	unsigned int lost_in_row;
	unsigned int accepted_in_row;

	/* the present outage, or what may become one; n_lost 0: there is none */
	int64_t outage_us; /* when the first one lost was begun */
	uint32_t n_tried;
	uint32_t n_lost;
	enum health_outcome last; /* of those lost */
	bool mixed;		  /* not all were lost in the same way */
};

/* A connection that was begun at `begun_us` has ended now. True if the verdict has gone from
 * or to HEALTH_DEAD. */
bool healthcheck_take(struct healthcheck *check, enum health_outcome outcome, int64_t begun_us,
	int64_t now_us);

/* How long after the beginning of the last connection the next one is due. */
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
