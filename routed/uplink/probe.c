/* probe.c - sends the probes of one uplink and hands their answers to its state machine
 *
 * One timer per uplink, set to uplink_next_us, sends the probes that are due. The kind of a probe
 * (probekind.c) says whether a target has one socket, or one per unanswered probe. Nothing is
 * allocated per probe, and at most TARGET_FLIGHTS probes per target wait for an answer.
 *
 *   on_timer, on_ready -> target_* -> wake (uplink_step and what follows)
 *                                  -> send what is due -> next timer
 *
 * A probe that cannot be sent is lost at once. The next one tries again, with a new socket if
 * the old one has died with its device or address.
 *
 * Unread answers are read before any probe counts as late: the process may have been busy.
 */
#include "routed/uplink/probe.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/invariant.h"
#include "common/log.h"
#include "common/net/family.h"
#include "common/timer.h"
#include "common/wallclock.h"
#include "routed/uplink/probekind.h"
#include "routed/uplink/uplink.h"

enum {
	SEC = 1000000,		    /* us */
	SOCKETS = 16,		    /* of a target whose probes have one each */
	BATCH = 2 * TARGET_FLIGHTS, /* messages read per socket and wake-up */
	MIN_WAIT_US = 1000,
};

/* The edge of one target. */
struct probe {
	struct prober *prober;
	size_t index; /* of uplink->targets */
	const struct probe_kind *kind;
	uint16_t id; /* see struct probe_question */
	bool failure_logged;
	struct probe_flight flights[TARGET_FLIGHTS];
	struct probe_socket sockets[SOCKETS]; /* only the first one, if all probes share it */
};

struct prober {
	struct event_base *base;
	struct uplink *uplink;
	prober_wake_fn *wake;
	void *arg;
	struct event *timer;
	struct prober_link link;
	bool paused;
	struct probe *probes;
	size_t n_probes;
};

/* Without randomness a cookie is easier to guess, but still differs from probe to probe. */
static uint64_t random_cookie(void)
{
	uint64_t cookie = 0;

	if (getrandom(&cookie, sizeof(cookie), GRND_NONBLOCK) != (ssize_t)sizeof(cookie))
		cookie = (uint64_t)clock_now_us() * 0x9e3779b97f4a7c15;
	return cookie;
}

static struct uplink_target *target_of(const struct probe *probe)
{
	const struct uplink *uplink = probe->prober->uplink;

	invariant(probe->index < uplink->n_targets,
		"uplink %s was configured without prober_reload", uplink->name);
	return &uplink->targets[probe->index];
}

static struct addr target_addr(const struct probe *probe)
{
	const struct site_probe *config = &target_of(probe)->probe;
	const struct addr *gateway = probe->prober->link.gateway;

	if (!config->gateway)
		return config->addr;
	return addr_is_set(&gateway[SITE_IPV4]) ? gateway[SITE_IPV4] : gateway[SITE_IPV6];
}

static struct probe_question question_of(const struct probe *probe)
{
	const struct prober_link *link = &probe->prober->link;
	struct probe_question question = {
		.config = &target_of(probe)->probe,
		.path = {.ifindex = link->ifindex, .target = target_addr(probe)},
		.id = probe->id,
		.flights = probe->flights,
	};

	if (addr_is_set(&question.path.target))
		question.path.source = link->source[family_of(question.path.target.family)];
	return question;
}

/* ---- closing ------------------------------------------------------------------------------ */

static size_t n_sockets(const struct probe *probe)
{
	return probe->kind->has_socket_per_probe ? SOCKETS : 1;
}

static void socket_close(struct probe_socket *socket)
{
	if (socket->fd < 0)
		return;
	event_del(&socket->event);
	close(socket->fd);
	socket->fd = -1;
}

static void sockets_close(struct prober *prober)
{
	for (size_t i = 0; i < prober->n_probes; i++)
		for (size_t k = 0; k < SOCKETS; k++)
			socket_close(&prober->probes[i].sockets[k]);
}

/* ---- answers ------------------------------------------------------------------------------ */

static void take_answer(struct probe *probe, const struct probe_answer *answer)
{
	struct target *target = &target_of(probe)->target;
	const struct probe_flight *flight = &probe->flights[answer->seq % TARGET_FLIGHTS];
	int64_t rtt_us = answer->received_wall_us - flight->sent_wall_us;
	bool plausible = answer->received_wall_us && rtt_us >= 0 && rtt_us < 60LL * SEC;

	/* if the clock was set meanwhile, target_answered measures by the monotonic clock */
	if (answer->result == PROBE_ANSWERED)
		target_answered(target, answer->seq, plausible ? rtt_us : -1, clock_now_us());
	else if (answer->result == PROBE_FAILED)
		target_failed(target, answer->seq, clock_now_us());
}

/* Reads all that has arrived. */
static void socket_read(struct probe_socket *socket)
{
	struct probe *probe = socket->probe;
	const struct probe_question question = question_of(probe);
	struct probe_answer answer;

	for (int i = 0; i < BATCH && socket->fd >= 0; i++) {
		if (probe->kind->read(socket, &question, &answer) == -EAGAIN)
			return;
		if (probe->kind->has_socket_per_probe && answer.result != PROBE_NO_ANSWER)
			socket_close(socket);
		take_answer(probe, &answer);
	}
}

void prober_collect(struct prober *prober)
{
	for (size_t i = 0; i < prober->n_probes; i++) {
		struct probe *probe = &prober->probes[i];
		bool reads = probe->kind->answer_event == EV_READ;

		for (size_t k = 0; k < n_sockets(probe); k++) {
			struct probe_socket *socket = &probe->sockets[k];
			struct pollfd ready = {
				.fd = socket->fd, .events = reads ? POLLIN : POLLOUT};

			if (socket->fd >= 0 && poll(&ready, 1, 0) == 1)
				socket_read(socket);
		}
	}
}

/* ---- sending ------------------------------------------------------------------------------ */

static void on_ready(evutil_socket_t fd, short what, void *arg);

static int path_check(const struct probesock_path *path)
{
	if (path->ifindex <= 0)
		return -ENODEV;
	if (!addr_is_set(&path->target))
		return -ENETUNREACH; /* no gateway */
	if (!addr_is_set(&path->source) && !addr_is_link_local(&path->target))
		return -EADDRNOTAVAIL;
	return 0;
}

static int socket_open(struct probe_socket *socket, const struct probe_question *question)
{
	struct probe *probe = socket->probe;

	int err = probe->kind->open(socket, question);
	if (err < 0)
		return err;
	event_assign(&socket->event, probe->prober->base, socket->fd,
		(short)(probe->kind->answer_event | EV_PERSIST), on_ready, socket);
	if (event_add(&socket->event, NULL) < 0) {
		socket_close(socket);
		return -ENOMEM;
	}
	return 0;
}

static int socket_send(struct probe_socket *socket, const struct probe_flight *flight)
{
	const struct probe_kind *kind = socket->probe->kind;
	const struct probe_question question = question_of(socket->probe);

	int err = path_check(&question.path);
	if (err < 0)
		return err;
	if (kind->has_socket_per_probe)
		socket_close(socket); /* its probe has timed out, or there are too many */
	if (socket->fd < 0)
		err = socket_open(socket, &question);
	if (err < 0)
		return err;
	socket->seq = flight->seq;
	return kind->send(socket, &question, flight);
}

/* The state of the uplink reports what the link lacks. Any other failure is logged, once. */
static bool is_link_trouble(int err)
{
	switch (-err) {
	case ENODEV:
	case ENXIO:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
	case ENOBUFS:
	case EAGAIN:
		return true;
	default:
		return false;
	}
}

static void log_send_failure(struct probe *probe, int err)
{
	const struct uplink *uplink = probe->prober->uplink;
	struct addr addr = target_addr(probe);

	if (probe->failure_logged || is_link_trouble(err))
		return;
	probe->failure_logged = true;
	log_error(err, "probe", "%s: probes to %s count as lost: cannot send%s", uplink->name,
		addr_str(&addr),
		err == -EPERM || err == -EACCES ? " (a firewall's output rule, "
						  "or CAP_NET_RAW is missing)"
						: "");
}

/* Closes the sockets of probes that have timed out: the kernel would go on with their SYNs. */
static void close_given_up(struct probe *probe)
{
	const struct target *target = &target_of(probe)->target;

	for (size_t i = 0; i < SOCKETS && probe->kind->has_socket_per_probe; i++) {
		struct probe_socket *socket = &probe->sockets[i];
		const struct target_flight
			*flight = &target->flights[socket->seq % TARGET_FLIGHTS];

		if (flight->seq != socket->seq ||
			(flight->fate != TARGET_WAITING && flight->fate != TARGET_OVERDUE))
			socket_close(socket);
	}
}

/* Is the socket useless for the next probe? A full queue empties by itself. */
static bool is_spoilt(const struct probe_kind *kind, int err)
{
	return kind->has_socket_per_probe || (err != -EAGAIN && err != -ENOBUFS);
}

/* True if it could not be sent. */
static bool probe_send_next(struct probe *probe)
{
	struct target *target = &target_of(probe)->target;
	int64_t now_us = clock_now_us();
	uint32_t seq = target_sent(target, now_us);
	struct probe_flight *flight = &probe->flights[seq % TARGET_FLIGHTS];
	struct probe_socket *socket = &probe->sockets[seq % n_sockets(probe)];

	*flight = (struct probe_flight){seq, random_cookie(), wallclock_now_us()};
	close_given_up(probe);
	int err = socket_send(socket, flight);
	if (err == 0) {
		probe->failure_logged = false;
		return false;
	}
	log_send_failure(probe, err);
	if (is_spoilt(probe->kind, err))
		socket_close(socket);
	target_failed(target, seq, now_us);
	return true;
}

static bool send_due(struct prober *prober)
{
	bool failed = false;

	for (size_t i = 0; i < prober->n_probes; i++) {
		struct probe *probe = &prober->probes[i];

		if (target_wants_send(&target_of(probe)->target, clock_now_us()))
			failed |= probe_send_next(probe);
	}
	return failed;
}

/* ---- the event loop's side ---------------------------------------------------------------- */

void prober_rearm(struct prober *prober)
{
	int64_t next_us = prober->paused ? INT64_MAX : uplink_next_us(prober->uplink);

	if (next_us == INT64_MAX) {
		event_del(prober->timer);
		return;
	}
	int64_t wait_us = next_us - clock_now_us();
	if (wait_us < MIN_WAIT_US)
		wait_us = MIN_WAIT_US;
	timer_arm_us(prober->timer, wait_us);
}

/* After an event: step the uplink, send what is due, and step again if that failed. */
static void wake(struct prober *prober)
{
	prober->wake(prober->arg);
	if (send_due(prober))
		prober->wake(prober->arg);
	prober_rearm(prober);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct prober *prober = arg;

	(void)fd;
	(void)what;
	prober_collect(prober);
	wake(prober);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct probe_socket *socket = arg;

	(void)fd;
	(void)what;
	socket_read(socket);
	wake(socket->probe->prober);
}

/* ---- lifetime ----------------------------------------------------------------------------- */

void prober_pause(struct prober *prober)
{
	prober->paused = true;
	sockets_close(prober);
	event_del(prober->timer);
}

int prober_reload(struct prober *prober)
{
	size_t n = prober->uplink->n_targets;

	prober->paused = false;
	sockets_close(prober);
	free(prober->probes);
	prober->n_probes = 0;
	prober->probes = n ? calloc(n, sizeof(*prober->probes)) : NULL;
	if (n && !prober->probes) {
		event_del(prober->timer);
		return -ENOMEM;
	}
	prober->n_probes = n;
	for (size_t i = 0; i < n; i++) {
		struct probe *probe = &prober->probes[i];

		probe->prober = prober;
		probe->index = i;
		probe->kind = probe_kind(prober->uplink->targets[i].probe.kind);
		probe->id = (uint16_t)random_cookie();
		for (size_t k = 0; k < SOCKETS; k++)
			probe->sockets[k] = (struct probe_socket){.fd = -1, .probe = probe};
	}
	prober_rearm(prober);
	return 0;
}

int prober_new(struct event_base *base, struct uplink *uplink, prober_wake_fn *wake_fn,
	void *arg, struct prober **ret_prober)
{
	struct prober *prober = calloc(1, sizeof(*prober));

	if (!prober)
		return -ENOMEM;
	prober->base = base;
	prober->uplink = uplink;
	prober->wake = wake_fn;
	prober->arg = arg;
	prober->timer = evtimer_new(base, on_timer, prober);
	if (!prober->timer || prober_reload(prober) < 0) {
		prober_free(prober);
		return -ENOMEM;
	}
	*ret_prober = prober;
	return 0;
}

void prober_free(struct prober *prober)
{
	if (!prober)
		return;
	sockets_close(prober);
	free(prober->probes);
	event_freep(&prober->timer);
	free(prober);
}

void prober_set_link(struct prober *prober, const struct prober_link *link)
{
	if (memcmp(&prober->link, link, sizeof(*link)) == 0)
		return;
	prober->link = *link;
	sockets_close(prober);
}
