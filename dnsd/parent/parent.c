/* parent.c - keeps the addresses of our name servers current in the parent's zone
 *
 * Each zone with `parent` has a struct parent_sync, which holds a parentzone.c that talks to the
 * primary. This file decides when a cycle begins:
 *
 *     at the start, and when addresses, key, server or TTL change     after half a second
 *     while it fails, when the state of an uplink changes             after half a second
 *     at a reload, unless the last cycle found everything right       after half a second
 *     while it fails                  after 1 s, 2 s, 4 s ... 5 min, plus or minus a quarter
 *     while everything is right       each hour: another program may have changed the zone
 *
 * follow.c calls it at the end of each change, when answers are published and sockets open: the
 * parent must not name an address before we serve it. An uplink that is down keeps its address
 * at the parent, because resolvers find the other name server by themselves; only the address
 * counts. Must never block: the state file is written without waiting for the disk.
 */
#include "dnsd/parent/parent.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/cleanup.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/ctl/json.h"
#include "common/log.h"
#include "common/logonce.h"
#include "common/timer.h"
#include "dnsd/parent/parentzone.h"

enum {
	SETTLE_MS = 500, /* changes come in bursts: one address is removed, another added */
	BACKOFF_MIN_MS = 1000,
	BACKOFF_MAX_MS = 300 * 1000,
	AGAIN_MS = 3600 * 1000,
	BUSY_MS = 250,
	MAX_BUSY = 16, /* cycles at a time, of all zones */
};

struct parent_sync {
	TAILQ_ENTRY(parent_sync) entry;
	struct parent *parent;
	char *name; /* of the zone */
	struct parentzone *zone;
	struct event *timer;
	enum uplink_state states[SITE_MAX_UPLINKS]; /* when it was last looked at */
	bool is_kept;	 /* parent_follow: it is in the new configuration */
	bool is_failing; /* since the last cycle */
	bool is_checked; /* a cycle has ended */
	int backoff_ms;
	int64_t next_ms; /* monotonic; the next cycle begins */
	time_t success_s;
	char why[PARENT_WHY_CAP];
	struct logonce logged;
};

TAILQ_HEAD(parent_syncs, parent_sync);

struct parent {
	struct event_base *base;
	struct parentowned *owned;
	struct parent_syncs syncs;
	const struct site
		*site; /* of the last parent_follow(), to notice a reload: compared only */
};

/* ---- when ---- */

static void sync_arm(struct parent_sync *sync, int ms)
{
	sync->next_ms = clock_now_ms() + ms;
	timer_arm_ms(sync->timer, ms);
}

/* Plus or minus a quarter, so that many zones do not begin at once. */
static int with_jitter(int ms)
{
	uint32_t random;

	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return ms - ms / 4 + (int)(random % (uint32_t)(ms / 2 + 1));
}

static size_t count_busy(const struct parent *parent)
{
	const struct parent_sync *sync;
	size_t n = 0;

	TAILQ_FOREACH(sync, &parent->syncs, entry)
	{
		n += parentzone_is_busy(sync->zone);
	}
	return n;
}

static void sync_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct parent_sync *sync = arg;

	(void)fd;
	(void)what;
	if (count_busy(sync->parent) < MAX_BUSY)
		parentzone_begin(sync->zone);
	else
		sync_arm(sync, BUSY_MS);
}

/* ---- the end of a cycle ---- */

static bool is_name_used(const uint8_t *wanted, void *arg)
{
	struct parent *parent = arg;
	const struct parent_sync *sync;

	TAILQ_FOREACH(sync, &parent->syncs, entry)
	{
		size_t n;
		const struct parent_name *names = parentzone_names(sync->zone, &n);

		for (size_t i = 0; i < n; i++)
			if (name_eq(names[i].target.name, wanted))
				return true;
	}
	return false;
}

/* The first warning for an operator about a zone where nothing failed; "" for none. */
static const char *sync_warning(const struct parent_sync *sync)
{
	size_t n;
	const struct parent_name *names = parentzone_names(sync->zone, &n);

	for (size_t i = 0; i < n; i++)
		if (names[i].state == PARENT_LEFT)
			return names[i].why;
	return "";
}

/* A problem is logged when it begins and when it changes, not at each cycle. A failure is the same
 * but for its digits: seconds, clocks, addresses that are tried in turn. */
static void sync_log(struct parent_sync *sync, bool was_failing)
{
	const char *server = parentzone_how(sync->zone)->server;
	const char *what = sync->is_failing ? sync->why : sync_warning(sync);
	double in_s = (double)(sync->next_ms - clock_now_ms()) / 1000;

	uint64_t key = sync->is_failing ? logonce_key_but_digits(what) : logonce_key(what);
	bool is_new = logonce_is_new(&sync->logged, *what ? key : 0);

	if (*what && !is_new)
		log_debug("parent", "%s: still: %s", sync->name, what);
	else if (sync->is_failing)
		log_warning("parent",
			"%s: the addresses at the primary %s cannot be kept current: "
			"%s; tried again in %.0f s",
			sync->name, server, what, in_s);
	else if (*what)
		log_warning("parent", "%s: %s", sync->name, what);
	else if (was_failing || !sync->is_checked)
		log_notice("parent", "%s: all addresses at the primary %s are right",
			sync->name, server);
}

static void sync_on_done(bool is_done, const char *why, void *arg)
{
	struct parent_sync *sync = arg;
	bool was_failing = sync->is_failing;

	sync->is_failing = !is_done;
	snprintf(sync->why, sizeof(sync->why), "%s", why);
	if (is_done) {
		sync->success_s = time(NULL);
		sync->backoff_ms = BACKOFF_MIN_MS;
		sync_arm(sync, with_jitter(AGAIN_MS));
	} else {
		sync_arm(sync, with_jitter(sync->backoff_ms));
		sync->backoff_ms = sync->backoff_ms > BACKOFF_MAX_MS / 2
					   ? BACKOFF_MAX_MS
					   : 2 * sync->backoff_ms;
	}
	sync_log(sync, was_failing);
	sync->is_checked = true;
	parentowned_save(sync->parent->owned, is_name_used, sync->parent);
}

/* ---- following ---- */

static void sync_free(struct parent_sync *sync)
{
	if (!sync)
		return;
	parentzone_free(sync->zone);
	event_freep(&sync->timer);
	free(sync->name);
	free(sync);
}

static struct parent_sync *sync_find(const struct parent *parent, const char *name)
{
	struct parent_sync *sync;

	TAILQ_FOREACH(sync, &parent->syncs, entry)
	{
		if (strcmp(sync->name, name) == 0)
			return sync;
	}
	return NULL;
}

static bool owns_address(const struct parent *parent, const struct parent_target *target)
{
	struct parent_owned owned;

	parentowned_get(parent->owned, target->name, target->family, &owned);
	return owned.n > 0;
}

/* The names to keep current: those that have an address, or had one. Their last results are kept
 * for `status`. */
static int make_names(struct parent *parent, const struct zone *zone, const struct site *site,
	const struct facts *facts, const struct parent_sync *before,
	struct parent_name **ret_names, size_t *ret_n)
{
	AUTO(freep) struct parent_target *targets = NULL;
	size_t n_targets;
	size_t n = 0;
	int err = parentplan_targets(zone, site, facts, &targets, &n_targets);

	if (err < 0)
		return err;
	struct parent_name *names = calloc(n_targets + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < n_targets; i++) {
		size_t n_old = 0;
		const struct parent_name *old = before ? parentzone_names(before->zone, &n_old)
						       : NULL;

		if (targets[i].n_wanted == 0 && !owns_address(parent, &targets[i]))
			continue;
		for (size_t k = 0; k < n_old; k++)
			if (old[k].target.family == targets[i].family &&
				name_eq(old[k].target.name, targets[i].name))
				names[n] = old[k];
		names[n++].target = targets[i];
	}
	*ret_names = names;
	*ret_n = n;
	return 0;
}

static bool sync_has_names(
	const struct parent_sync *sync, const struct parent_name *names, size_t n)
{
	size_t n_old;
	const struct parent_name *old = parentzone_names(sync->zone, &n_old);

	if (n != n_old)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!parentplan_target_eq(&old[i].target, &names[i].target))
			return false;
	return true;
}

static bool how_is(
	const struct parent_how *a, const struct site_zone *zone, const struct tsig_key *key)
{
	return strcmp(a->server, zone->parent.server) == 0 &&
	       a->ttl_s == (uint32_t)(zone->parent.ttl_ms / 1000) &&
	       a->key.algorithm == key->algorithm && name_eq(a->key.name, key->name) &&
	       a->key.secret_len == key->secret_len &&
	       memcmp(a->key.secret, key->secret, key->secret_len) == 0;
}

/* After a change of the TTL or of the primary. */
static void forget_ttls_tried(struct parent_name *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		names[i].ttl_is_tried = false;
}

static int make_how(
	const struct site_zone *zone, const struct tsig_key *key, struct parent_how *ret_how)
{
	struct parent_how how = {
		.server = strdup(zone->parent.server),
		.host = zone->parent.host ? strdup(zone->parent.host) : NULL,
		.endpoint = {zone->parent.addr, zone->parent.port},
		.key = *key,
		.ttl_s = (uint32_t)(zone->parent.ttl_ms / 1000),
	};

	*ret_how = how;
	if (how.server && (how.host || !zone->parent.host))
		return 0;
	parent_how_fini(ret_how);
	return -ENOMEM;
}

static struct parent_sync *sync_new(struct parent *parent, const char *name)
{
	struct parent_sync *sync = calloc(1, sizeof(*sync));

	if (!sync)
		return NULL;
	sync->parent = parent;
	sync->name = strdup(name);
	sync->timer = evtimer_new(parent->base, sync_on_timer, sync);
	sync->backoff_ms = BACKOFF_MIN_MS;
	if (!sync->name || !sync->timer) {
		sync_free(sync);
		return NULL;
	}
	return sync;
}

/* Gives `sync` a new parentzone; takes `names` over. */
static int sync_set_zone(struct parent *parent, struct parent_sync *sync,
	const struct site_zone *site_zone, const struct tsig_key *key,
	struct parent_name *names, size_t n)
{
	struct parentzone *zone;
	struct parent_how how;
	int err = make_how(site_zone, key, &how);

	if (err < 0) {
		free(names);
		return err;
	}
	err = parentzone_new(parent->base, site_zone->name, &how, names, n, parent->owned,
		sync_on_done, sync, &zone);
	if (err < 0)
		return err;
	parentzone_free(sync->zone);
	sync->zone = zone;
	sync->backoff_ms = BACKOFF_MIN_MS;
	sync_arm(sync, SETTLE_MS);
	return 0;
}

/* After a change of uplinks the primary may be reachable again, by another uplink. At a reload
 * the operator may have changed something there. */
static void sync_hasten(struct parent_sync *sync, const struct facts *facts, bool is_reload)
{
	bool has_moved = false;

	for (size_t i = 0; i < facts->n_uplinks; i++) {
		has_moved |= sync->states[i] != facts->uplinks[i].state;
		sync->states[i] = facts->uplinks[i].state;
	}
	if (is_reload ? !sync->is_failing && !*sync_warning(sync)
		      : !sync->is_failing || !has_moved)
		return;
	if (parentzone_is_busy(sync->zone) || sync->next_ms - clock_now_ms() <= SETTLE_MS)
		return;
	sync->backoff_ms = BACKOFF_MIN_MS;
	sync_arm(sync, SETTLE_MS);
}

static int follow_zone(struct parent *parent, const struct parent_input *input, size_t i)
{
	const struct site_zone *site_zone = &input->site->dns.zones[i];
	const struct tsig_key *key = input->keys[i];
	struct parent_sync *sync = sync_find(parent, site_zone->name);
	struct parent_name *names;
	size_t n;
	int err = make_names(
		parent, input->zones[i], input->site, input->facts, sync, &names, &n);

	if (err < 0)
		return err;
	if (sync) {
		bool is_same = how_is(parentzone_how(sync->zone), site_zone, key);

		sync->is_kept = true;
		sync_hasten(sync, input->facts, input->site != parent->site);
		if (is_same && sync_has_names(sync, names, n)) {
			free(names);
			return 0;
		}
		if (!is_same)
			forget_ttls_tried(names, n);
		return sync_set_zone(parent, sync, site_zone, key, names, n);
	}
	sync = sync_new(parent, site_zone->name);
	if (!sync) {
		free(names);
		return -ENOMEM;
	}
	err = sync_set_zone(parent, sync, site_zone, key, names, n);
	if (err < 0) {
		sync_free(sync);
		return err;
	}
	sync->is_kept = true;
	sync_hasten(sync, input->facts, false);
	TAILQ_INSERT_TAIL(&parent->syncs, sync, entry);
	return 0;
}

static void drop_removed(struct parent *parent)
{
	struct parent_sync *sync = TAILQ_FIRST(&parent->syncs);

	while (sync) {
		struct parent_sync *next = TAILQ_NEXT(sync, entry);

		if (!sync->is_kept) {
			TAILQ_REMOVE(&parent->syncs, sync, entry);
			sync_free(sync);
		}
		sync = next;
	}
}

void parent_follow(struct parent *parent, const struct parent_input *input)
{
	const struct site *site = input->site;
	struct parent_sync *sync;

	TAILQ_FOREACH(sync, &parent->syncs, entry)
	{
		sync->is_kept = false;
	}
	for (size_t i = 0; i < site->dns.n_zones; i++) {
		int err = input->keys[i] ? follow_zone(parent, input, i) : 0;

		if (err < 0)
			log_error(err, "parent",
				"%s: its addresses at the parent are not kept current",
				site->dns.zones[i].name);
	}
	drop_removed(parent);
	parent->site = site;
}

/* ---- status ---- */

static json_t *json_name(const struct parent_name *name)
{
	char text[NAME_STR_LEN];
	json_t *wanted = json_array();
	json_t *seen = json_array();

	for (size_t i = 0; i < name->target.n_wanted; i++)
		json_array_append_new(
			wanted, json_string(addr_str(&name->target.wanted[i].addr)));
	for (size_t i = 0; name->is_seen && i < name->seen.n; i++)
		json_array_append_new(seen, json_string(addr_str(&name->seen.addrs[i])));
	json_t *object = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "name",
		name_str(name->target.name, text), "type",
		name->target.family == SITE_IPV4 ? "A" : "AAAA", "state",
		parent_state_str(name->state), "wanted", wanted, "at_parent", seen, "why",
		json_string_or_null(name->why));
	json_object_set_new(object, "zone",
		name->has_apex ? json_string(name_str(name->apex, text)) : json_null());
	json_object_set_new(object, "ttl",
		name->is_seen && name->seen.n > 0 ? json_integer(name->seen.ttl_s)
						  : json_null());
	return object;
}

static const char *sync_state_str(const struct parent_sync *sync)
{
	if (parentzone_is_busy(sync->zone))
		return "checking";
	if (sync->is_failing)
		return "failing";
	if (!sync->is_checked)
		return "unknown";
	return *sync_warning(sync) ? "left" : "right";
}

json_t *parent_json(const struct parent *parent, const char *zone)
{
	const struct parent_sync *sync = sync_find(parent, zone);
	json_t *list;
	int64_t left_ms;
	size_t n;

	if (!sync)
		return json_null();
	const struct parent_name *names = parentzone_names(sync->zone, &n);
	list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_name(&names[i]));
	left_ms = sync->next_ms - clock_now_ms();
	return json_pack("{s:s, s:s, s:o, s:o, s:I, s:o}", "server",
		parentzone_how(sync->zone)->server, "state", sync_state_str(sync), "why",
		json_string_or_null(sync->is_failing ? sync->why : sync_warning(sync)),
		"last_success", json_time(sync->success_s), "next_try_in_ms",
		(json_int_t)(left_ms > 0 ? left_ms : 0), "names", list);
}

/* ---- life ---- */

int parent_new(struct event_base *base, const char *state_dir, struct parent **ret_parent)
{
	struct parent *parent = calloc(1, sizeof(*parent));
	AUTO(freep) char *path = cli_path(state_dir, "parent.json");

	if (!parent || !path || parentowned_new(path, &parent->owned) < 0) {
		free(parent);
		return -ENOMEM;
	}
	parent->base = base;
	TAILQ_INIT(&parent->syncs);
	*ret_parent = parent;
	return 0;
}

void parent_free(struct parent *parent)
{
	struct parent_sync *sync;

	if (!parent)
		return;
	while ((sync = TAILQ_FIRST(&parent->syncs))) {
		TAILQ_REMOVE(&parent->syncs, sync, entry);
		sync_free(sync);
	}
	parentowned_free(parent->owned);
	free(parent);
}
