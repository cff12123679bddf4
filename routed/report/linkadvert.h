/* linkadvert.h - what dnsd is told of uplinks and servers, and in which order with the kernel
 *
 * Pure. `advertised` is what was announced last, `now` what is so. News that makes an uplink or a
 * server worse is announced before the kernel is changed, so that nobody is sent where packets
 * stop being carried; news that makes one better, and new addresses, after the kernel holds
 * what they need. For each announcement one line: the whole of it, docs/control.md.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routed/health/healthcheck.h"
#include "routed/kernel/plan.h"
#include "routed/uplink/uplink.h"
#include "routed/wanted/wanted.h"

enum {
	LINKADVERT_VERSION = 1,
	LINKADVERT_MAX_WHYS = 64, /* of dead servers in a line; beyond that names must do */
	LINKADVERT_SERVER_WHY_MAX = SITE_FAMILIES * HEALTH_WHY_MAX,
};

struct uplink_advert {
	char name[SITE_NAME_MAX + 1];
	char interface[IFNAMSIZ];
	bool is_known; /* was announced before; else it has no place in a line yet */
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

/* All of these return whether there is something new in `advertised` that a reader would act upon or
 * show differently.
 *
 * linkadvert_follow brings what was advertised into the order of another configuration: of the uplinks
 * (by name and interface) and servers of `now`, what is known of them, and nothing of others.
 * linkadvert_worse adds what makes an uplink or a server worse: to be announced before the
 * kernel is changed. linkadvert_rest adds all else, but for what is better of the uplinks in the
 * set `held`, and their addresses: to be announced once the kernel is changed. */
bool linkadvert_follow(struct linkadvert *advertised, const struct linkadvert *now);
bool linkadvert_worse(struct linkadvert *advertised, const struct linkadvert *now);
bool linkadvert_rest(
	struct linkadvert *advertised, const struct linkadvert *now, uint32_t held);
bool linkadvert_servers(
	struct linkadvert *advertised, const struct linkadvert *now, uint32_t held);

/* The uplinks of which the kernel does not hold what they need: routes, rules, forwards; of
 * IPv4, or of IPv6 where that is all they have. After apply_plan, which marks the steps that
 * failed. */
uint32_t linkadvert_held(const struct site *site, const struct situation *situation,
	const struct plan *plan, bool nft_failed);

/* Why a server is dead on the path of an uplink, for an operator. Returns `out`. */
typedef const char *linkadvert_why_fn(
	size_t server, size_t uplink, const void *arg, char *out, size_t cap);

/* The line: a new reference, NULL without memory. `why` NULL: there are no reasons. */
json_t *linkadvert_json(const struct linkadvert *advert, uint64_t seq, int64_t time_us,
	linkadvert_why_fn *why, const void *arg);
