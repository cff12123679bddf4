/* health.c - whether the servers work, on the path of each uplink: `servers[].check`
 *
 * One timer, set to healthset_next_us, and up to HEALTHSET_UNDER_WAY sockets:
 *
 *   on_timer      gives up on late connections, starts those that are due
 *   on_connected  a connection was accepted, refused, or found no host
 *         \--> healthset_end --> `changed`, if a verdict has turned --> next timer
 *
 * The router connects as itself: no device, no source. Our first rule sends packets for a
 * loopback to the table main, which has the route via the server; the answer comes to the
 * router's own address. If that route is missing (`route: no`, and no other program has made
 * one), the default route would lead the connection out over an uplink, to a foreign host with
 * that address. So the kernel is asked for the route first.
 *
 * A connection ends with a reset (SO_LINGER of 0): no TIME_WAIT on either side, and nothing to
 * read for a service that waits for a request.
 *
 * A failure on this side (no descriptor, no memory, a firewall's output rule) says nothing about
 * the server: it is logged once per target, and the verdict stays.
 */
#include "routed/health/health.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/invariant.h"
#include "common/log.h"
#include "common/net/links.h"
#include "common/site/uplinkset.h"
#include "common/timer.h"
#include "common/wallclock.h"
#include "routed/health/healthset.h"
#include "routed/wanted/situation.h"

enum { MIN_WAIT_US = 1000 };

struct conn {
	struct health *health;
	struct health_target *target; /* NULL: free */
	struct event event;
	int fd;
};

struct health {
	struct event_base *base;
	const struct situation *situation;
	const struct site *site; /* NULL: not configured yet */
	health_changed_fn *changed;
	void *arg;
	struct event *timer;
	struct healthset set;
	struct conn conns[HEALTHSET_UNDER_WAY];
};

/* ---- connections ---- */

static void health_rearm(struct health *health)
{
	int64_t next_us = healthset_next_us(&health->set);

	if (next_us == INT64_MAX) {
		event_del(health->timer);
		return;
	}
	int64_t wait_us = next_us - clock_now_us();
	if (wait_us < MIN_WAIT_US)
		wait_us = MIN_WAIT_US;
	timer_arm_us(health->timer, wait_us);
}

static void conn_close(struct conn *conn)
{
	event_del(&conn->event);
	close(conn->fd);
	conn->fd = -1;
	conn->target = NULL;
}

/* The connection of a target that is under way; NULL: a free one. healthset lets no more
 * connections be under way than there are. */
static struct conn *conn_of(struct health *health, const struct health_target *target)
{
	size_t i = 0;

	while (i < HEALTHSET_UNDER_WAY && health->conns[i].target != target)
		i++;
	invariant(i < HEALTHSET_UNDER_WAY, "no connection for %s",
		target ? addr_str(&target->addr) : "a new target");
	return &health->conns[i];
}

/* The outcome of a connection from the error that the kernel reports for it. */
static enum health_outcome outcome_of(int err)
{
	switch (err) {
	case 0:
		return HEALTH_ACCEPTED;
	case ECONNREFUSED:
	case ECONNRESET:
		return HEALTH_REFUSED;
	case ETIMEDOUT:
		return HEALTH_SILENT;
	default:
		return HEALTH_UNREACHABLE;
	}
}

static enum health_outcome conn_outcome(const struct conn *conn)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	return outcome_of(err);
}

/* Afterwards the target waits for its next connection. */
static void target_end(
	struct health *health, struct health_target *target, enum health_outcome outcome)
{
	target->failure_logged = false;
	if (healthset_end(&health->set, target, outcome, clock_now_us()))
		health->changed(health->arg);
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;
	struct health *health = conn->health;
	struct health_target *target = conn->target;
	enum health_outcome outcome = conn_outcome(conn);

	(void)fd;
	(void)what;
	conn_close(conn);
	target_end(health, target, outcome);
	health_rearm(health);
}

/* Where the kernel would send the connection. HEALTH_ACCEPTED: towards the server. */
static enum health_outcome route_outcome(const struct health *health, const struct addr *addr)
{
	const struct addr any = {0};
	int ifindex;

	if (links_route_lookup(&any, addr, &ifindex) < 0)
		return HEALTH_ACCEPTED; /* no answer: connecting will tell */
	if (ifindex == 0)
		return HEALTH_UNREACHABLE;
	for (size_t i = 0; i < health->site->n_uplinks; i++)
		if (health->situation->uplinks[i].ifindex == ifindex)
			return HEALTH_VIA_UPLINK;
	return HEALTH_ACCEPTED;
}

/* 0: the connection has started (HEALTH_SILENT, with `ret_fd`) or ended at once. A negative
 * errno: it failed on this side. */
static int conn_begin(
	const struct health_target *target, int *ret_fd, enum health_outcome *ret_outcome)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&target->addr, target->port, 0, &sa);
	AUTO(closep)
	int fd = socket(target->addr.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		return -errno;
	int err = connect(fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;
	switch (err) {
	case EINPROGRESS:
		*ret_outcome = HEALTH_SILENT;
		*ret_fd = TAKE_FD(fd);
		return 0;
	case 0:
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
		*ret_outcome = outcome_of(err);
		return 0;
	default:
		return -err;
	}
}

static int conn_wait(struct conn *conn, struct health_target *target, int fd)
{
	event_assign(&conn->event, conn->health->base, fd, EV_WRITE, on_connected, conn);
	if (event_add(&conn->event, NULL) < 0)
		return -ENOMEM;
	conn->target = target;
	conn->fd = fd;
	return 0;
}

static void target_defer(struct health *health, struct health_target *target, int err)
{
	healthset_defer(&health->set, target, clock_now_us());
	if (target->failure_logged)
		return;
	target->failure_logged = true;
	log_error(err, "server", "the verdict on %s port %u stays: cannot try a connection%s",
		addr_str(&target->addr), target->port,
		err == -EPERM || err == -EACCES ? " (a firewall's output rule?)" : "");
}

static void target_begin(struct health *health, struct health_target *target)
{
	enum health_outcome outcome = route_outcome(health, &target->addr);
	AUTO(closep) int fd = -1;

	if (outcome != HEALTH_ACCEPTED) {
		target_end(health, target, outcome);
		return;
	}
	int err = conn_begin(target, &fd, &outcome);
	if (err == 0 && fd < 0) {
		target_end(health, target, outcome);
		return;
	}
	if (err == 0)
		err = conn_wait(conn_of(health, NULL), target, fd);
	if (err < 0)
		target_defer(health, target, err);
	else
		fd = -1; /* the connection owns it */
}

/* The process may have been busy: an answer that has arrived meanwhile is not late. */
static void target_give_up(struct health *health, struct health_target *target)
{
	struct conn *conn = conn_of(health, target);
	struct pollfd ready = {.fd = conn->fd, .events = POLLOUT};
	enum health_outcome outcome = HEALTH_SILENT;

	if (poll(&ready, 1, 0) == 1)
		outcome = conn_outcome(conn);
	conn_close(conn);
	target_end(health, target, outcome);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct health *health = arg;
	struct health_target *target;
	int64_t now_us = clock_now_us();

	(void)fd;
	(void)what;
	while ((target = healthset_late(&health->set, now_us)))
		target_give_up(health, target);
	for (int i = 0; i < HEALTHSET_BURST; i++) {
		target = healthset_next(&health->set, now_us);
		if (!target)
			break;
		target_begin(health, target);
	}
	health_rearm(health);
}

/* ---- life ---- */

int health_new(struct event_base *base, const struct situation *situation,
	health_changed_fn *changed, void *arg, struct health **ret_health)
{
	struct health *health = calloc(1, sizeof(*health));

	if (!health)
		return -ENOMEM;
	healthset_init(&health->set);
	for (size_t i = 0; i < HEALTHSET_UNDER_WAY; i++)
		health->conns[i] = (struct conn){.health = health, .fd = -1};
	health->base = base;
	health->situation = situation;
	health->changed = changed;
	health->arg = arg;
	health->timer = evtimer_new(base, on_timer, health);
	if (!health->timer) {
		health_free(health);
		return -ENOMEM;
	}
	*ret_health = health;
	return 0;
}

void health_free(struct health *health)
{
	if (!health)
		return;
	for (size_t i = 0; i < HEALTHSET_UNDER_WAY; i++)
		if (health->conns[i].target)
			conn_close(&health->conns[i]);
	event_freep(&health->timer);
	healthset_fini(&health->set);
	free(health);
}

static void on_gone(struct health_target *target, void *arg)
{
	conn_close(conn_of(arg, target));
}

int health_configure(struct health *health, const struct site *site)
{
	int err = healthset_configure(&health->set, site, clock_now_us(), on_gone, health);

	if (err < 0)
		return err;
	health->site = site;
	health_rearm(health);
	return 0;
}

/* ---- what is known ---- */

static enum healthset_path_state path_state(
	const struct health *health, size_t server, size_t uplink)
{
	bool has[SITE_FAMILIES];

	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		struct addr public_addr = situation_public(&health->site->uplinks[uplink],
			&health->situation->uplinks[uplink], family);

		has[family] = addr_is_set(&public_addr);
	}
	return healthset_state(&health->set, server, uplink, has);
}

static uint32_t uplinks_with_state(
	const struct health *health, size_t server, enum healthset_path_state state)
{
	uint32_t set = 0;

	if (!health->site || server >= health->site->n_servers ||
		health->site->servers[server].check_port == 0)
		return 0;
	for (size_t i = 0; i < health->site->n_uplinks; i++)
		if (path_state(health, server, i) == state)
			uplinkset_add(&set, i);
	return set;
}

uint32_t health_dead(const struct health *health, size_t server)
{
	return uplinks_with_state(health, server, HEALTHSET_DEAD);
}

uint32_t health_partly(const struct health *health, size_t server)
{
	return uplinks_with_state(health, server, HEALTHSET_PARTLY_DEAD);
}

static void target_why(const struct health_target *target, char *out, size_t cap)
{
	int64_t now_us = clock_now_us();
	const struct healthcheck_about about = {
		.addr = &target->addr,
		.port = target->port,
		.now_us = now_us,
		.wall_us = wallclock_at_us(now_us),
	};

	healthcheck_why(&target->check, &about, out, cap);
}

const char *health_why(
	const struct health *health, size_t server, size_t uplink, char *out, size_t cap)
{
	size_t n = 0;

	out[0] = '\0';
	for (enum site_family family = 0; family < SITE_FAMILIES; family++) {
		const struct health_target *target = healthset_path(
			&health->set, server, uplink, family);

		if (!target || n + 2 >= cap)
			continue;
		if (n > 0)
			n = (size_t)(stpcpy(out + n, "; ") - out);
		target_why(target, out + n, cap - n);
		n += strlen(out + n);
	}
	return out;
}

bool health_path(const struct health *health, size_t server, size_t uplink,
	enum site_family family, struct health_path *ret_path)
{
	const struct health_target *target = healthset_path(
		&health->set, server, uplink, family);

	if (!target)
		return false;
	*ret_path = (struct health_path){
		.addr = target->addr,
		.port = target->port,
		.alive = target->check.verdict != HEALTH_DEAD,
		.rtt_us = target->check.rtt_us > 0 ? target->check.rtt_us : -1,
		.since_us = target->check.since_us,
	};
	target_why(target, ret_path->why, sizeof(ret_path->why));
	return true;
}
