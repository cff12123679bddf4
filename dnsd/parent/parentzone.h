/* parentzone.h - one zone's addresses at the parent's primary: looks, changes, looks again
 *
 * One cycle at a time, in the event loop; parent.c says when.
 */
#pragma once
#include <time.h>

#include "common/site/site.h"
#include "dnsd/client/ask.h"
#include "dnsd/parent/parentowned.h"
#include "dnsd/parent/parentplan.h"
#include "dnsd/wire/tsig.h"

struct event_base;

enum {
	PARENT_MAX_SERVERS = 8, /* addresses of the primary that are tried */
	PARENT_WHY_CAP = 512 + 2 * NAME_STR_LEN,
};

enum parent_state {
	PARENT_UNKNOWN, /* not looked at yet */
	PARENT_RIGHT,
	PARENT_KEPT, /* no address now: the primary's records stay */
	PARENT_LEFT, /* records of another program or person: left alone */
	PARENT_FAILED,
};

const char *parent_state_str(enum parent_state state);

/* A target and its last result. */
struct parent_name {
	struct parent_target target;
	enum parent_state state;
	char why[PARENT_WHY_CAP]; /* "": nothing to say */
	uint8_t apex[NAME_MAX_LEN];
	bool has_apex;
	struct parent_seen seen;
	bool is_seen;	   /* `seen` holds */
	bool ttl_is_tried; /* the primary keeps its own TTL: do not try again */
};

/* How to reach the primary. */
struct parent_how {
	char *server; /* as site.yaml has it, owned */
	char *host;   /* a name to resolve, or NULL; owned */
	struct endpoint endpoint;
	struct tsig_key key;
	uint32_t ttl_s;
};

struct parentzone;

/* `is_done`: every name was looked up and is right or left alone. Else `why` says why not. */
typedef void parentzone_done_fn(bool is_done, const char *why, void *arg);

/* Takes `how` and `names` over, also on failure; borrows `owned`. -ENOMEM. */
int parentzone_new(struct event_base *base, const char *zone, struct parent_how *how,
	struct parent_name *names, size_t n_names, struct parentowned *owned,
	parentzone_done_fn *done, void *arg, struct parentzone **ret_zone);
void parentzone_free(struct parentzone *zone);
void parent_how_fini(struct parent_how *how);

/* Begins a cycle and abandons a running one. Calls `done` once from the event loop, unless another
 * cycle begins or the zone is freed first. */
void parentzone_begin(struct parentzone *zone);
bool parentzone_is_busy(const struct parentzone *zone);

const struct parent_how *parentzone_how(const struct parentzone *zone);
const struct parent_name *parentzone_names(const struct parentzone *zone, size_t *ret_n);
