/* parent.c - keeps the addresses of our name servers current in the parent's zone
 *
 * One minder per zone with `parent`, and in it a parentzone.c that talks to the primary. This
 * file says when:
 *
 *     at the start, and when addresses, key, server or TTL have changed   after half a second
 *     while it fails, and something about the uplinks has changed, or
 *       with each reload unless all is well                               after half a second
 *     while it fails                          1 s, 2 s, 4 s ... 5 min, give or take a quarter
 *     while all is well                       each hour: others may have changed it
 *
 * Called by follow.c at the end of each change, when answers are published and sockets open:
 * an address is not to be announced before it is served. An uplink that is down keeps its
 * address at the parent, for resolvers find the other one by themselves; what counts is the
 * address alone. Must never block; the state file is written without waiting for the disk.
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
#include "common/timer.h"
#include "dnsd/parent/parentzone.h"

enum {
	SETTLE_MS = 500, /* changes come in bursts: one address goes, another comes */
	BACKOFF_MIN_MS = 1000,
	BACKOFF_MAX_MS = 300 * 1000,
	AGAIN_MS = 3600 * 1000,
	BUSY_MS = 250,
	MAX_BUSY = 16, /* cycles at a time, of all zones */
};

struct minder {
	TAILQ_ENTRY(minder) entry;
	struct parent *parent;
	char *name; /* of the zone */
	struct parentzone *zone;
	struct event *timer;
	enum uplink_state states[SITE_MAX_UPLINKS]; /* when it was last looked at */
	bool is_kept;	 /* parent_follow: it is in the new configuration */
	bool is_failing; /* since the last cycle */
	bool is_checked; /* a cycle came to its end */
	int backoff_ms;
	int64_t next_ms; /* monotonic; the next cycle begins */
	time_t success_s;
	char why[PARENT_WHY_CAP];
	char told[PARENT_WHY_CAP]; /* what was last logged */
};

TAILQ_HEAD(minders, minder);

struct parent {
	struct event_base *base;
	struct parentmemory *memory;
	struct minders minders;
	const struct config *config; /* of the last call of parent_follow: compared only */
};

/* ---- when ---- */

static void arm(struct minder *minder, int ms)
{
	minder->next_ms = clock_now_ms() + ms;
	timer_arm_ms(minder->timer, ms);
}

/* Give or take a quarter, so that many do not come at once. */
static int jitter(int ms)
{
	uint32_t random;

	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return ms - ms / 4 + (int)(random % (uint32_t)(ms / 2 + 1));
}

static size_t n_busy(const struct parent *parent)
{
	const struct minder *minder;
	size_t n = 0;

	TAILQ_FOREACH(minder, &parent->minders, entry)
	{
		n += parentzone_is_busy(minder->zone);
	}
	return n;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct minder *minder = arg;

	(void)fd;
	(void)what;
	if (n_busy(minder->parent) < MAX_BUSY)
		parentzone_begin(minder->zone);
	else
		arm(minder, BUSY_MS);
}

/* ---- what came of it ---- */

static bool is_name_used(const uint8_t *wanted, void *arg)
{
	struct parent *parent = arg;
	const struct minder *minder;

	TAILQ_FOREACH(minder, &parent->minders, entry)
	{
		size_t n;
		const struct parent_name *names = parentzone_names(minder->zone, &n);

		for (size_t i = 0; i < n; i++)
			if (name_eq(names[i].target.name, wanted))
				return true;
	}
	return false;
}

/* The first thing that an operator should know of a zone where nothing failed. */
static const char *remark(const struct minder *minder)
{
	size_t n;
	const struct parent_name *names = parentzone_names(minder->zone, &n);

	for (size_t i = 0; i < n; i++)
		if (names[i].state == PARENT_LEFT)
			return names[i].why;
	return "";
}

/* But for numbers: seconds, clocks, addresses that are tried in turn. */
static bool is_same(const char *a, const char *b)
{
	while (*a && *b) {
		a += strspn(a, "0123456789");
		b += strspn(b, "0123456789");
		if (*a != *b)
			return false;
		a += *a != '\0';
		b += *b != '\0';
	}
	return *a == *b;
}

/* The same trouble is told once, at each change of it. */
static void tell(struct minder *minder, bool was_failing)
{
	const char *server = parentzone_how(minder->zone)->server;
	const char *what = minder->is_failing ? minder->why : remark(minder);
	double in_s = (double)(minder->next_ms - clock_now_ms()) / 1000;

	if (*what && (minder->is_failing ? is_same(what, minder->told)
					 : strcmp(what, minder->told) == 0))
		log_debug("parent", "%s: still: %s", minder->name, what);
	else if (minder->is_failing)
		log_warning("parent",
			"%s: the addresses at the primary %s cannot be kept current: "
			"%s; tried again in %.0f s",
			minder->name, server, what, in_s);
	else if (*what)
		log_warning("parent", "%s: %s", minder->name, what);
	else if (was_failing || !minder->is_checked)
		log_notice("parent", "%s: all addresses at the primary %s are right",
			minder->name, server);
	snprintf(minder->told, sizeof(minder->told), "%s", what);
}

static void on_done(bool is_done, const char *why, void *arg)
{
	struct minder *minder = arg;
	bool was_failing = minder->is_failing;

	minder->is_failing = !is_done;
	snprintf(minder->why, sizeof(minder->why), "%s", why);
	if (is_done) {
		minder->success_s = time(NULL);
		minder->backoff_ms = BACKOFF_MIN_MS;
		arm(minder, jitter(AGAIN_MS));
	} else {
		arm(minder, jitter(minder->backoff_ms));
		minder->backoff_ms = minder->backoff_ms > BACKOFF_MAX_MS / 2
					     ? BACKOFF_MAX_MS
					     : 2 * minder->backoff_ms;
	}
	tell(minder, was_failing);
	minder->is_checked = true;
	parentmemory_save(minder->parent->memory, is_name_used, minder->parent);
}

/* ---- following ---- */

static void minder_free(struct minder *minder)
{
	if (!minder)
		return;
	parentzone_free(minder->zone);
	event_freep(&minder->timer);
	free(minder->name);
	free(minder);
}

static struct minder *find(const struct parent *parent, const char *name)
{
	struct minder *minder;

	TAILQ_FOREACH(minder, &parent->minders, entry)
	{
		if (strcmp(minder->name, name) == 0)
			return minder;
	}
	return NULL;
}

static bool knows(const struct parent *parent, const struct parent_target *target)
{
	struct parent_memory memory;

	parentmemory_get(parent->memory, target->name, target->family, &memory);
	return memory.n > 0;
}

/* The names to mind: those with an address, now or before. What was seen of them stays known
 * for `status`. */
static int make_names(struct parent *parent, const struct zone *zone, const struct site *site,
	const struct facts *facts, const struct minder *before, struct parent_name **ret_names,
	size_t *ret_n)
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

		if (targets[i].n_wanted == 0 && !knows(parent, &targets[i]))
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

static bool names_eq(const struct minder *minder, const struct parent_name *names, size_t n)
{
	size_t n_old;
	const struct parent_name *old = parentzone_names(minder->zone, &n_old);

	if (n != n_old)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!parentplan_target_eq(&old[i].target, &names[i].target))
			return false;
	return true;
}

static bool how_eq(
	const struct parent_how *a, const struct site_zone *zone, const struct tsig_key *key)
{
	return strcmp(a->server, zone->parent.server) == 0 &&
	       a->ttl_s == (uint32_t)(zone->parent.ttl_ms / 1000) &&
	       a->key.algorithm == key->algorithm && name_eq(a->key.name, key->name) &&
	       a->key.secret_len == key->secret_len &&
	       memcmp(a->key.secret, key->secret, key->secret_len) == 0;
}

/* Another TTL is wanted, or another primary is asked. */
static void try_ttls_again(struct parent_name *names, size_t n)
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

static struct minder *minder_new(struct parent *parent, const char *name)
{
	struct minder *minder = calloc(1, sizeof(*minder));

	if (!minder)
		return NULL;
	minder->parent = parent;
	minder->name = strdup(name);
	minder->timer = evtimer_new(parent->base, on_timer, minder);
	minder->backoff_ms = BACKOFF_MIN_MS;
	if (!minder->name || !minder->timer) {
		minder_free(minder);
		return NULL;
	}
	return minder;
}

/* A minder with new work; takes `names` over. */
static int set_work(struct parent *parent, struct minder *minder,
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
	err = parentzone_new(parent->base, site_zone->name, &how, names, n, parent->memory,
		on_done, minder, &zone);
	if (err < 0)
		return err;
	parentzone_free(minder->zone);
	minder->zone = zone;
	minder->backoff_ms = BACKOFF_MIN_MS;
	arm(minder, SETTLE_MS);
	return 0;
}

/* Uplinks went or came: the primary may be reached again, by another way. At a reload the
 * operator may have changed something there. */
static void nudge(struct minder *minder, const struct facts *facts, bool is_reload)
{
	bool has_moved = false;

	for (size_t i = 0; i < facts->n_uplinks; i++) {
		has_moved |= minder->states[i] != facts->uplinks[i].state;
		minder->states[i] = facts->uplinks[i].state;
	}
	if (is_reload ? !minder->is_failing && !*remark(minder)
		      : !minder->is_failing || !has_moved)
		return;
	if (parentzone_is_busy(minder->zone) || minder->next_ms - clock_now_ms() <= SETTLE_MS)
		return;
	minder->backoff_ms = BACKOFF_MIN_MS;
	arm(minder, SETTLE_MS);
}

static int follow_zone(struct parent *parent, const struct config *config, size_t i,
	const struct facts *facts)
{
	const struct site_zone *site_zone = &config->site->dns.zones[i];
	struct minder *minder = find(parent, site_zone->name);
	struct parent_name *names;
	size_t n;
	int err = make_names(
		parent, config->zones[i], config->site, facts, minder, &names, &n);

	if (err < 0)
		return err;
	if (minder) {
		bool is_same = how_eq(
			parentzone_how(minder->zone), site_zone, config->keys[i]);

		minder->is_kept = true;
		nudge(minder, facts, config != parent->config);
		if (is_same && names_eq(minder, names, n)) {
			free(names);
			return 0;
		}
		if (!is_same)
			try_ttls_again(names, n);
		return set_work(parent, minder, site_zone, config->keys[i], names, n);
	}
	minder = minder_new(parent, site_zone->name);
	if (!minder) {
		free(names);
		return -ENOMEM;
	}
	err = set_work(parent, minder, site_zone, config->keys[i], names, n);
	if (err < 0) {
		minder_free(minder);
		return err;
	}
	minder->is_kept = true;
	nudge(minder, facts, false);
	TAILQ_INSERT_TAIL(&parent->minders, minder, entry);
	return 0;
}

static void drop_others(struct parent *parent)
{
	struct minder *minder = TAILQ_FIRST(&parent->minders);

	while (minder) {
		struct minder *next = TAILQ_NEXT(minder, entry);

		if (!minder->is_kept) {
			TAILQ_REMOVE(&parent->minders, minder, entry);
			minder_free(minder);
		}
		minder = next;
	}
}

void parent_follow(
	struct parent *parent, const struct config *config, const struct facts *facts)
{
	struct minder *minder;

	TAILQ_FOREACH(minder, &parent->minders, entry)
	{
		minder->is_kept = false;
	}
	for (size_t i = 0; i < config->n_zones; i++) {
		const struct site_zone *zone = &config->site->dns.zones[i];

		if (!config->keys[i])
			continue;
		int err = follow_zone(parent, config, i, facts);
		if (err < 0)
			log_error(err, "parent",
				"%s: its addresses at the parent are not looked after",
				zone->name);
	}
	drop_others(parent);
	parent->config = config;
}

/* ---- status ---- */

static json_t *json_text(const char *text)
{
	return *text ? json_string(text) : json_null();
}

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
		json_text(name->why));
	json_object_set_new(object, "zone",
		name->has_apex ? json_string(name_str(name->apex, text)) : json_null());
	json_object_set_new(object, "ttl",
		name->is_seen && name->seen.n > 0 ? json_integer(name->seen.ttl_s)
						  : json_null());
	return object;
}

static const char *state_of(const struct minder *minder)
{
	if (parentzone_is_busy(minder->zone))
		return "checking";
	if (minder->is_failing)
		return "failing";
	if (!minder->is_checked)
		return "unknown";
	return *remark(minder) ? "left" : "right";
}

json_t *parent_json(const struct parent *parent, const char *zone)
{
	const struct minder *minder = find(parent, zone);
	json_t *list;
	int64_t left_ms;
	size_t n;

	if (!minder)
		return json_null();
	const struct parent_name *names = parentzone_names(minder->zone, &n);
	list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_name(&names[i]));
	left_ms = minder->next_ms - clock_now_ms();
	return json_pack("{s:s, s:s, s:o, s:o, s:I, s:o}", "server",
		parentzone_how(minder->zone)->server, "state", state_of(minder), "why",
		json_text(minder->is_failing ? minder->why : remark(minder)), "last_success",
		json_time(minder->success_s), "next_try_in_ms",
		(json_int_t)(left_ms > 0 ? left_ms : 0), "names", list);
}

/* ---- life ---- */

int parent_new(struct event_base *base, const char *state_dir, struct parent **ret_parent)
{
	struct parent *parent = calloc(1, sizeof(*parent));
	AUTO(freep) char *path = cli_path(state_dir, "parent.json");

	if (!parent || !path || parentmemory_new(path, &parent->memory) < 0) {
		free(parent);
		return -ENOMEM;
	}
	parent->base = base;
	TAILQ_INIT(&parent->minders);
	*ret_parent = parent;
	return 0;
}

void parent_free(struct parent *parent)
{
	struct minder *minder;

	if (!parent)
		return;
	while ((minder = TAILQ_FIRST(&parent->minders))) {
		TAILQ_REMOVE(&parent->minders, minder, entry);
		minder_free(minder);
	}
	parentmemory_free(parent->memory);
	free(parent);
}
