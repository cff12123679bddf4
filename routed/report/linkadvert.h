/* linkadvert.h - what dnsd hears about uplinks and servers, and in which order with the kernel
 *
 * Pure. `advertised` is the last advertisement, `now` the present. News that makes an uplink
 * or a server worse is advertised before the kernel is changed, so that dnsd sends no client
 * to an uplink that stops carrying packets. News that makes it better, and new addresses, are
 * advertised after the kernel holds what they need. Each advertisement is one line with all of
 * it: docs/control.md.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routed/health/healthcheck.h"
#include "routed/kernel/plan.h"
#include "routed/uplink/uplink.h"

struct situation;

enum {
	LINKADVERT_VERSION = 1,
	LINKADVERT_MAX_WHYS = 64, /* of dead servers in a line; the others have none */
	LINKADVERT_SERVER_WHY_MAX = SITE_FAMILIES * HEALTH_WHY_MAX,
};

struct uplink_advert {
	char name[SITE_NAME_MAX + 1];
	char interface[IFNAMSIZ];
	bool is_known; /* was advertised before; else it is not in a line yet */
	enum uplink_state state;
	enum uplink_fault fault; /* the kind of reason */
	bool active;
	struct addr public_addrs[SITE_FAMILIES];
	int64_t since_us; /* of the time of day */
	char why[UPLINK_WHY_MAX];
};

struct server_advert {
	char name[SITE_NAME_MAX + 1];
	uint32_t dead; /* set of uplinks on whose path it is dead */
};

struct linkadvert {
	struct uplink_advert uplinks[SITE_MAX_UPLINKS]; /* as site->uplinks */
	size_t n_uplinks;
	struct server_advert servers[SITE_MAX_SERVERS]; /* as site->servers */
	size_t n_servers;
};

/* All of these return whether `advertised` has something new that a reader would act upon or
 * show differently.
 *
 * linkadvert_follow brings it into the order of another configuration: it keeps what is known
 * of the uplinks (by name and interface) and servers that `now` has too. linkadvert_worse adds
 * what makes an uplink or a server worse: to be sent before the kernel is changed.
 * linkadvert_rest adds all else: to be sent once the kernel is changed. An uplink in the set
 * `held` does not get better, and keeps its addresses. */
bool linkadvert_follow(struct linkadvert *advertised, const struct linkadvert *now);
bool linkadvert_worse(struct linkadvert *advertised, const struct linkadvert *now);
bool linkadvert_rest(
	struct linkadvert *advertised, const struct linkadvert *now, uint32_t held);
bool linkadvert_servers(
	struct linkadvert *advertised, const struct linkadvert *now, uint32_t held);

/* The set of uplinks whose routes, rules or forwards the kernel does not hold: those of IPv4,
 * or those of IPv6 where an uplink has only that. To be called after apply_plan, which marks
 * the steps that failed. */
uint32_t linkadvert_held(const struct site *site, const struct situation *situation,
	const struct plan *plan, bool nft_failed);

/* Why a server is dead on the path of an uplink, for an operator. Returns `out`. */
typedef const char *linkadvert_why_fn(
	size_t server, size_t uplink, const void *arg, char *out, size_t cap);

/* The line: a new reference, NULL without memory. `why` NULL: there are no reasons. */
json_t *linkadvert_json(const struct linkadvert *advert, uint64_t seq, int64_t time_us,
	linkadvert_why_fn *why, const void *arg);
