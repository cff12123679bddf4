/* rtnlwatch.h - reports when another program changed routes or rules that concern us
 *
 * Follows the kernel's notifications of both families. It says that something changed, not
 * what: the kernel removes routes without a word too (a link that goes down, an address that
 * is deleted), so that a look at all of it (rtnl_read, gateways_read) has to follow anyway.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct event_base;
struct rtnlwatch; /* opaque, see rtnlwatch.c */

struct rtnlwatch_news {
	bool ours;     /* a route or rule that carries our protocol came, changed or went */
	bool defaults; /* a default route of another program did: gateways may have changed */
	bool routes;   /* another route of main did, over a device that is followed */
	bool lost;     /* messages were lost: anything may have changed */
	pid_t pid;     /* who, of the last one that touched ours; 0: not known */
	char name[16]; /* its name, if it still runs: "ip" often does not */
};

enum { RTNLWATCH_MAX_DEVICES = 32 };

/* Called once per burst, at the end of the wake-up that read it. */
typedef void rtnlwatch_fn(const struct rtnlwatch_news *news, void *arg);

struct rtnlwatch_counters {
	uint64_t messages;
	uint64_t foreign; /* that touched ours */
	uint64_t overruns;
};

/* `own_port` is rtnl_port: what that writer does is not news. Negative errno after a logged
 * message. */
int rtnlwatch_new(struct event_base *base, uint32_t own_port, rtnlwatch_fn *on_news, void *arg,
	struct rtnlwatch **ret_watch);
void rtnlwatch_free(struct rtnlwatch *watch);

/* The devices whose routes in main are news; at most RTNLWATCH_MAX_DEVICES. None at first. */
void rtnlwatch_follow(struct rtnlwatch *watch, const int *ifindexes, size_t n);

const struct rtnlwatch_counters *rtnlwatch_counters(const struct rtnlwatch *watch);

/* The socket, borrowed. Tests shrink it. */
int rtnlwatch_fd(const struct rtnlwatch *watch);
