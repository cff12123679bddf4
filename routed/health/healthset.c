/* healthset.c - which addresses of servers are checked, for which paths, and when
 *
 * A target is in one of three places:
 *
 *   wheel[tick]  waits     --its tick has come-->  ready  --there is room-->  under_way
 *        ^                                                                        |
 *        '-------- healthset_end: one interval after its start -------------------'
 *
 * With any number of targets, at most HEALTHSET_UNDER_WAY connections are under way and at most
 * HEALTHSET_BURST start in a tick (800 a second). With more targets than that allows, `ready`
 * grows into a queue, and each target is tried less often. New targets of a configuration are
 * spread over an interval. One timer does all of this, and each step takes constant time.
 *
 * Verdicts belong to targets, and paths only refer to targets: when a configuration changes
 * servers or uplinks, all paths are built again, and the targets are found by their address.
 */
#include "routed/health/healthset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/site/uplinkset.h"

enum { MS = 1000, TICK_US = HEALTHSET_TICK_MS * MS };

/* ---- queues ---- */

static void queue_add(struct health_target *target, struct health_queue *queue)
{
	TAILQ_INSERT_TAIL(queue, target, entry);
	target->queue = queue;
}

static void queue_move(struct health_target *target, struct health_queue *queue)
{
	TAILQ_REMOVE(target->queue, target, entry);
	queue_add(target, queue);
}

/* Targets of past ticks are ready. */
static struct health_queue *queue_due_at(struct healthset *set, int64_t due_us)
{
	int64_t tick = due_us / TICK_US;

	if (tick <= set->tick)
		return &set->ready;
	if (tick >= set->tick + HEALTHSET_SLOTS)
		tick = set->tick + HEALTHSET_SLOTS - 1;
	return &set->wheel[tick % HEALTHSET_SLOTS];
}

static void queue_move_all(struct health_queue *from, struct health_queue *to)
{
	struct health_target *target;

	while ((target = TAILQ_FIRST(from)))
		queue_move(target, to);
}

static void healthset_advance(struct healthset *set, int64_t now_us)
{
	int64_t tick = now_us / TICK_US;
	int64_t from = set->tick + 1;

	if (tick <= set->tick)
		return;
	for (int64_t t = from; t <= tick && t < from + HEALTHSET_SLOTS; t++)
		queue_move_all(&set->wheel[t % HEALTHSET_SLOTS], &set->ready);
	set->tick = tick;
	set->n_burst = 0;
}

void healthset_init(struct healthset *set)
{
	*set = (struct healthset){0};
	for (size_t i = 0; i < HEALTHSET_SLOTS; i++)
		TAILQ_INIT(&set->wheel[i]);
	TAILQ_INIT(&set->ready);
	TAILQ_INIT(&set->under_way);
}

void healthset_fini(struct healthset *set)
{
	for (size_t i = 0; i < set->n_targets; i++)
		free(set->targets[i]);
	free(set->targets);
	free(set->paths);
}

struct health_target *healthset_next(struct healthset *set, int64_t now_us)
{
	struct health_target *target;

	healthset_advance(set, now_us);
	target = TAILQ_FIRST(&set->ready);
	if (!target || set->n_under_way == HEALTHSET_UNDER_WAY ||
		set->n_burst == HEALTHSET_BURST)
		return NULL;

	set->n_burst++;
	set->n_under_way++;
	target->begun_us = now_us;
	queue_move(target, &set->under_way);
	return target;
}

static int64_t late_us(const struct health_target *target)
{
	return target->begun_us + (int64_t)HEALTH_TIMEOUT_MS * MS;
}

struct health_target *healthset_late(const struct healthset *set, int64_t now_us)
{
	struct health_target *target = TAILQ_FIRST(&set->under_way);

	return target && late_us(target) <= now_us ? target : NULL;
}

static void target_wait(
	struct healthset *set, struct health_target *target, int64_t delay_ms, int64_t now_us)
{
	set->n_under_way--;
	healthset_advance(set, now_us);
	queue_move(target, queue_due_at(set, target->begun_us + delay_ms * MS));
}

bool healthset_end(struct healthset *set, struct health_target *target,
	enum health_outcome outcome, int64_t now_us)
{
	bool turned = healthcheck_take(&target->check, outcome, target->begun_us, now_us);

	target_wait(set, target, healthcheck_delay_ms(&target->check), now_us);
	return turned;
}

void healthset_defer(struct healthset *set, struct health_target *target, int64_t now_us)
{
	target_wait(set, target, HEALTH_INTERVAL_MS, now_us);
}

int64_t healthset_next_us(const struct healthset *set)
{
	const struct health_target *oldest = TAILQ_FIRST(&set->under_way);
	int64_t next_us = oldest ? late_us(oldest) : INT64_MAX;
	int64_t start_us = INT64_MAX;

	if (set->n_under_way == HEALTHSET_UNDER_WAY)
		return next_us; /* the next end makes room, and the timer is set again */
	if (!TAILQ_EMPTY(&set->ready))
		start_us = (set->tick + (set->n_burst == HEALTHSET_BURST)) * TICK_US;
	for (int64_t t = set->tick + 1; start_us == INT64_MAX; t++) {
		if (t == set->tick + HEALTHSET_SLOTS)
			break;
		if (!TAILQ_EMPTY(&set->wheel[t % HEALTHSET_SLOTS]))
			start_us = t * TICK_US;
	}
	return start_us < next_us ? start_us : next_us;
}

/* ---- the configuration ---- */

/* The end of one path: an address and port of a server. */
struct path_end {
	struct addr addr;
	uint16_t port;
	size_t path;
};

/* What follows from a configuration, before the set takes it. */
struct build {
	struct path_end *ends;
	size_t n_ends;
	struct health_target **targets;
	size_t n_targets;
	struct health_target **paths;
};

static size_t path_index(
	size_t n_uplinks, size_t server, size_t uplink, enum site_family family)
{
	return (server * n_uplinks + uplink) * SITE_FAMILIES + family;
}

static void build_fini(struct build *build)
{
	for (size_t i = 0; i < build->n_targets; i++)
		if (build->targets[i]->is_new)
			free(build->targets[i]);
	free(build->targets);
	free(build->paths);
	free(build->ends);
}

/* Where TCP that comes in over the uplink is forwarded (nftforwards.c); unset: nowhere. */
static const struct addr *server_addr(
	const struct site_server *server, size_t uplink, enum site_family family)
{
	const struct addr *loopback = server->has_loopbacks
					      ? &server->loopbacks[uplink][family]
					      : NULL;

	return loopback && addr_is_set(loopback) ? loopback : &server->address[family];
}

static void add_server_ends(struct build *build, const struct site *site, size_t s)
{
	const struct site_server *server = &site->servers[s];

	for (size_t i = 0; i < site->n_uplinks; i++) {
		if (server->check_port == 0 || !uplinkset_has(server->uplinks, i))
			continue;
		for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
			const struct addr *addr = server_addr(server, i, family);

			if (addr_is_set(addr))
				build->ends[build->n_ends++] = (struct path_end){*addr,
					server->check_port,
					path_index(site->n_uplinks, s, i, family)};
		}
	}
}

static int endpoint_cmp(
	const struct addr *a, uint16_t a_port, const struct addr *b, uint16_t b_port)
{
	int order = memcmp(a, b, sizeof(*a)); /* equal addresses are equal octets: addr.h */

	return order ? order : (int)a_port - (int)b_port;
}

static int path_end_cmp(const void *a, const void *b)
{
	const struct path_end *x = a;
	const struct path_end *y = b;

	return endpoint_cmp(&x->addr, x->port, &y->addr, y->port);
}

static int target_cmp(const void *end, const void *target)
{
	const struct path_end *x = end;
	const struct health_target *const *y = target;

	return endpoint_cmp(&x->addr, x->port, &(*y)->addr, (*y)->port);
}

/* All paths, sorted by their ends. */
static int build_ends(struct build *build, const struct site *site)
{
	size_t n_paths = path_index(site->n_uplinks, site->n_servers, 0, 0);

	build->ends = calloc(n_paths + 1, sizeof(*build->ends));
	build->paths = calloc(n_paths + 1, sizeof(*build->paths));
	build->targets = calloc(n_paths + 1, sizeof(*build->targets));
	if (!build->ends || !build->paths || !build->targets)
		return -ENOMEM;
	for (size_t s = 0; s < site->n_servers; s++)
		add_server_ends(build, site, s);
	qsort(build->ends, build->n_ends, sizeof(*build->ends), path_end_cmp);
	return 0;
}

/* The target that exists already, or a new one. */
static struct health_target *target_at(const struct healthset *set, const struct path_end *end)
{
	struct health_target **known = set->n_targets
					       ? bsearch(end, set->targets, set->n_targets,
							 sizeof(struct health_target *),
							 target_cmp)
					       : NULL;
	struct health_target *target = known ? *known : calloc(1, sizeof(*target));

	if (!known && target)
		*target = (struct health_target){
			.addr = end->addr, .port = end->port, .is_new = true};
	return target;
}

static int build_targets(struct build *build, const struct healthset *set)
{
	for (size_t i = 0; i < build->n_ends; i++) {
		const struct path_end *end = &build->ends[i];
		struct health_target *target;

		if (i == 0 || path_end_cmp(end, end - 1) != 0) {
			target = target_at(set, end);
			if (!target)
				return -ENOMEM;
			build->targets[build->n_targets++] = target;
		}
		build->paths[end->path] = build->targets[build->n_targets - 1];
	}
	return 0;
}

static void drop_targets(
	struct healthset *set, const struct build *build, healthset_gone_fn *gone, void *arg)
{
	for (size_t i = 0; i < set->n_targets; i++)
		set->targets[i]->is_wanted = false;
	for (size_t i = 0; i < build->n_targets; i++)
		build->targets[i]->is_wanted = true;
	for (size_t i = 0; i < set->n_targets; i++) {
		struct health_target *target = set->targets[i];

		if (target->is_wanted)
			continue;
		if (target->queue == &set->under_way) {
			gone(target, arg);
			set->n_under_way--;
		}
		TAILQ_REMOVE(target->queue, target, entry);
		free(target);
	}
}

/* Spread over an interval: otherwise all would be tried at once, now and ever after. */
static void queue_new(struct healthset *set, const struct build *build, int64_t now_us)
{
	size_t n_new = 0;
	size_t k = 0;

	healthset_advance(set, now_us);
	for (size_t i = 0; i < build->n_targets; i++)
		n_new += build->targets[i]->is_new;
	for (size_t i = 0; i < build->n_targets; i++) {
		struct health_target *target = build->targets[i];
		int64_t spread_us = (int64_t)HEALTH_INTERVAL_MS * MS;

		if (!target->is_new)
			continue;
		target->is_new = false;
		queue_add(target,
			queue_due_at(set, now_us + spread_us * (int64_t)k++ / (int64_t)n_new));
	}
}

int healthset_configure(struct healthset *set, const struct site *site, int64_t now_us,
	healthset_gone_fn *gone, void *arg)
{
	AUTO(build_fini) struct build build = {0};

	int err = build_ends(&build, site);
	if (err == 0)
		err = build_targets(&build, set);
	if (err < 0)
		return err;

	drop_targets(set, &build, gone, arg);
	queue_new(set, &build, now_us);
	free(set->targets);
	free(set->paths);
	set->n_targets = build.n_targets;
	set->targets = TAKE(build.targets);
	set->paths = TAKE(build.paths);
	set->n_servers = site->n_servers;
	set->n_uplinks = site->n_uplinks;
	build.n_targets = 0;
	return 0;
}

/* ---- what is known ---- */

const struct health_target *healthset_path(
	const struct healthset *set, size_t server, size_t uplink, enum site_family family)
{
	if (server >= set->n_servers || uplink >= set->n_uplinks)
		return NULL;
	return set->paths[path_index(set->n_uplinks, server, uplink, family)];
}

enum healthset_path_state healthset_state(const struct healthset *set, size_t server,
	size_t uplink, const bool has[SITE_FAMILIES])
{
	size_t n_all = 0, n_all_dead = 0;   /* families that are checked ... */
	size_t n_here = 0, n_here_dead = 0; /* ... and that the uplink has */

	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		const struct health_target *target = healthset_path(
			set, server, uplink, family);
		bool dead = target && target->check.verdict == HEALTH_DEAD;

		n_all += target != NULL;
		n_all_dead += dead;
		n_here += target && has[family];
		n_here_dead += dead && has[family];
	}
	size_t n = n_here ? n_here : n_all;
	size_t n_dead = n_here ? n_here_dead : n_all_dead;

	if (n_dead == 0)
		return HEALTHSET_ALIVE;
	return n_dead == n ? HEALTHSET_DEAD : HEALTHSET_PARTLY_DEAD;
}
