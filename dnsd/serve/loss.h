/* loss.h - responses that the kernel did not take: counted by reason, logged with a remedy
 *
 * A worker never waits to send and never sends twice: a response that cannot leave now is lost,
 * and its client asks again. Each reason is a row of loss.c.
 */
#pragma once
#include <stdint.h>

#include "common/logonce.h"
#include "common/net/addr.h"
#include "dnsd/wire/stats.h"

enum { LOSS_N_REASONS = STATS_SEND_LAST - STATS_SEND_FIRST + 1 };

/* What was logged for one socket. All zero at the start. */
struct loss {
	uint64_t reported[LOSS_N_REASONS];
	struct logonce logged[LOSS_N_REASONS]; /* monotonic; 0: never */
};

struct loss_place {
	const char *view;
	struct addr addr;
	uint16_t port;
};

/* The counter of an errno of sendmmsg(2). */
enum stats_counter loss_reason(int err);

/* Logs the responses lost since the last line, one line per reason: the first at once, then at
 * most one a minute. `totals` are the socket's counters now. */
void loss_log(struct loss *loss, const struct loss_place *place,
	const uint64_t totals[STATS_N_COUNTERS], int64_t now_ms);
