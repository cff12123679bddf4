/* flows.h - when the connections bound to an uplink are to be deleted
 *
 * Pure. A connection stays on the uplink that it began on; when that is lost its peers would
 * wait for minutes, so that the entries in connection tracking are deleted: the next packet of
 * this side begins again over another uplink, or gets a reset at once.
 *
 *   link or address lost   all of them, at once
 *   probes unanswered      those that began on this side, after `flush-after`; who came in by
 *                          this uplink has no other way and may well be answered again
 *   address gone, and      those that are bound to it, at once; all of that family where no
 *   another is there       other address is left from before
 *
 * An address that is no longer the chosen one keeps its connections as long as the kernel has
 * it. Each deletion is repeated once, for packets that were on their way past the first. None
 * is done while there is no other uplink to go on with, of that family: it is owed until then,
 * and forgotten if the uplink comes back before.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "common/site/site.h"
#include "routed/uplink/uplink.h"
#include "routed/wanted/situation.h"

enum {
	FLOWS_REPEAT_MS = 1000,
	FLOWS_MAX_ADDRS = SITUATION_MAX_ADDRS + SITE_FAMILIES, /* ready ones and the chosen */
};

enum flows_which { FLOWS_NONE, FLOWS_OUTBOUND, FLOWS_ALL };

/* What is to be deleted. */
struct flows_part {
	enum flows_which which;
	bool family[SITE_FAMILIES];
};

/* An address whose connections are to go while others stay. */
struct flows_gone {
	struct addr addr;
	int64_t due_us;
	bool repeated; /* this time is the second */
};

struct flows {
	struct flows_part owed;
	int64_t due_us;
	bool anyway; /* the uplink itself has a new address to go on with */
	struct flows_part repeat;
	int64_t repeat_us;
	enum flows_which lost; /* what the present fault costs: seen by its edge */

	/* of each family the addresses that there were when it last had any */
	struct addr known[FLOWS_MAX_ADDRS];
	size_t n_known;
	struct flows_gone gone[FLOWS_MAX_ADDRS];
	size_t n_gone;
};

/* What is so now: the fault and health of the uplink's machine, and its addresses. To be
 * called after each step of the machine. */
void flows_observe(struct flows *flows, const struct uplink *uplink,
	const struct situation_uplink *situation, int64_t flush_after_ms, int64_t now_us);

/* Which connections to delete now, FLOWS_NONE mostly; they count as deleted. `other_is_up`:
 * some other uplink takes new connections of that family. To be called once the new path is
 * in. */
struct flows_part flows_take(
	struct flows *flows, const bool other_is_up[SITE_FAMILIES], int64_t now_us);

/* The addresses whose connections are to be deleted now; they count as deleted. Returns their
 * number. */
size_t flows_take_gone(
	struct flows *flows, int64_t now_us, struct addr ret_addrs[FLOWS_MAX_ADDRS]);

/* When to ask again, later than `now_us`; INT64_MAX: after the next change. */
int64_t flows_next_us(const struct flows *flows, int64_t now_us);
