/* probe.c - sends the probes of one uplink and hands their answers to its state machine
 *
 * One timer per uplink, set to uplink_next_us: it sends what is due. One socket per icmp or
 * dns target, one per probe in flight for tcp. Per probe nothing is allocated, and per target
 * at most TARGET_FLIGHTS are waited for.
 *
 *   on_timer, on_readable, on_connected -> target_* -> wake (uplink_step and what follows)
 *                                                   -> send what is due -> next timer
 *
 * What counts as an answer: an echo reply that carries our cookie; a DNS response, whatever
 * its RCODE, to our id and question; a TCP handshake, and just as well its refusal: the RST
 * has come all the way. An error from nearer (no route, host unreachable) is a probe lost at
 * once, and so is one that cannot be sent: the next one tries again, with a new socket where
 * the old one has died with its device or address.
 *
 * Unread answers are read before anything is found late: the process may have been busy.
 */
#include "routed/uplink/probe.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/bigendian.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/net/family.h"
#include "common/timer.h"
#include "common/wallclock.h"
#include "routed/uplink/probesock.h"
#include "routed/uplink/probewire.h"
#include "routed/uplink/uplink.h"

enum {
	SEC = 1000000, /* us */
	DNS_PORT = 53,
	CONNS = 16,		    /* handshakes waited for, per target */
	BATCH = 2 * TARGET_FLIGHTS, /* messages read per target and wake-up */
	MIN_WAIT_US = 1000,
};

/* What is needed to know the answer to one probe. */
struct flight {
	uint32_t seq;
	uint64_t cookie;
	int64_t sent_wall_us;
};

struct conn {
	struct probe *probe;
	struct event event;
	int fd; /* -1: free */
	uint32_t seq;
};

/* The edge of one target. */
struct probe {
	struct prober *prober;
	size_t index; /* of uplink->targets */
	struct event event;
	int fd;		  /* icmp, dns; -1: to be opened */
	bool raw;	  /* icmp */
	uint16_t echo_id; /* icmp, raw */
	bool complained;
	struct flight flights[TARGET_FLIGHTS];
	struct conn conns[CONNS]; /* tcp */
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

/* A cookie that repeats would only be weaker. */
static uint64_t random_cookie(void)
{
	uint64_t cookie = 0;

	if (getrandom(&cookie, sizeof(cookie), GRND_NONBLOCK) != (ssize_t)sizeof(cookie))
		cookie = (uint64_t)clock_now_us() * 0x9e3779b97f4a7c15;
	return cookie;
}

static struct uplink_target *target_of(const struct probe *probe)
{
	return &probe->prober->uplink->targets[probe->index];
}

static struct addr asked_addr(const struct probe *probe)
{
	const struct site_probe *asked = &target_of(probe)->probe;
	const struct addr *gateway = probe->prober->link.gateway;

	if (!asked->gateway)
		return asked->addr;
	return addr_is_set(&gateway[SITE_IPV4]) ? gateway[SITE_IPV4] : gateway[SITE_IPV6];
}

/* closing */

static void conn_close(struct conn *conn)
{
	if (conn->fd < 0)
		return;
	event_del(&conn->event);
	close(conn->fd);
	conn->fd = -1;
}

static void probe_close(struct probe *probe)
{
	if (probe->fd >= 0) {
		event_del(&probe->event);
		close(probe->fd);
		probe->fd = -1;
	}
	for (size_t i = 0; i < CONNS; i++)
		conn_close(&probe->conns[i]);
}

static void probes_close(struct prober *prober)
{
	for (size_t i = 0; i < prober->n_probes; i++)
		probe_close(&prober->probes[i]);
}

/* answers */

static void answered(
	struct probe *probe, const struct flight *flight, int64_t received_wall_us)
{
	int64_t rtt_us = received_wall_us - flight->sent_wall_us;
	bool plausible = received_wall_us && rtt_us >= 0 && rtt_us < 60LL * SEC;

	/* the time of day may have been set meanwhile: then our own clock has to do */
	target_answered(&target_of(probe)->target, flight->seq, plausible ? rtt_us : -1,
		clock_now_us());
}

static void read_echo(struct probe *probe, const uint8_t *data, size_t len, int64_t at_wall_us)
{
	struct addr asked = asked_addr(probe);
	uint32_t seq;
	uint64_t cookie;

	if (!probewire_echo_read(
		    asked.family, probe->raw, probe->echo_id, data, len, &seq, &cookie))
		return;
	const struct flight *flight = &probe->flights[seq % TARGET_FLIGHTS];
	if (flight->seq == seq && flight->cookie == cookie)
		answered(probe, flight, at_wall_us);
}

static void read_dns(struct probe *probe, const uint8_t *data, size_t len, int64_t at_wall_us)
{
	const struct site_probe *asked = &target_of(probe)->probe;
	uint8_t query[PROBEWIRE_DNS_MAX];

	for (size_t i = 0; i < TARGET_FLIGHTS; i++) {
		const struct flight *flight = &probe->flights[i];

		if (len < 2 || !flight->seq || (flight->cookie & 0xffff) != be16_read(data))
			continue;
		size_t query_len = probewire_dns_write(asked->name, flight->cookie, query);
		if (!probewire_dns_is_answer(query, query_len, data, len))
			continue;
		answered(probe, flight, at_wall_us);
		return;
	}
}

/* Reads what is there. The socket's own errors (a port unreachable) come and go this way. */
static void probe_read(struct probe *probe)
{
	struct addr asked = asked_addr(probe);
	uint8_t data[512];

	for (int i = 0; i < BATCH && probe->fd >= 0; i++) {
		struct addr from;
		int64_t at_wall_us;
		int len = probesock_receive(probe->fd, data, sizeof(data), &from, &at_wall_us);

		if (len == -EAGAIN)
			return;
		if (len < 0 || !addr_eq(&from, &asked))
			continue;
		if (target_of(probe)->probe.kind == SITE_PROBE_DNS)
			read_dns(probe, data, (size_t)len, at_wall_us);
		else
			read_echo(probe, data, (size_t)len, at_wall_us);
	}
}

static bool is_answer(int err)
{
	return err == 0 || err == ECONNREFUSED;
}

/* The handshake has ended, one way or the other. */
static void conn_end(struct conn *conn, int err)
{
	struct target *target = &target_of(conn->probe)->target;

	conn_close(conn);
	if (is_answer(err))
		target_answered(target, conn->seq, -1, clock_now_us());
	else
		target_failed(target, conn->seq, clock_now_us());
}

static int conn_error(const struct conn *conn)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return errno;
	return err;
}

/* What is there already, without waiting for the event loop to tell. */
void prober_collect(struct prober *prober)
{
	for (size_t i = 0; i < prober->n_probes; i++) {
		struct probe *probe = &prober->probes[i];

		probe_read(probe);
		for (size_t k = 0; k < CONNS; k++) {
			struct conn *conn = &probe->conns[k];
			struct pollfd ready = {.fd = conn->fd, .events = POLLOUT};

			if (conn->fd >= 0 && poll(&ready, 1, 0) == 1)
				conn_end(conn, conn_error(conn));
		}
	}
}

/* sending */

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_connected(evutil_socket_t fd, short what, void *arg);

static int path_of(const struct probe *probe, struct probesock_path *ret_path)
{
	const struct prober_link *link = &probe->prober->link;
	struct probesock_path path = {.ifindex = link->ifindex, .target = asked_addr(probe)};

	if (link->ifindex <= 0)
		return -ENODEV;
	if (!addr_is_set(&path.target))
		return -ENETUNREACH; /* no gateway */
	path.source = link->source[family_of(path.target.family)];
	if (!addr_is_set(&path.source) && !addr_is_link_local(&path.target))
		return -EADDRNOTAVAIL;
	*ret_path = path;
	return 0;
}

static int probe_open(struct probe *probe, const struct probesock_path *path)
{
	int fd = -1;
	int err = target_of(probe)->probe.kind == SITE_PROBE_DNS
			  ? probesock_udp(path, DNS_PORT, &fd)
			  : probesock_icmp(path, &fd, &probe->raw);

	if (err < 0)
		return err;
	event_assign(&probe->event, probe->prober->base, fd, EV_READ | EV_PERSIST, on_readable,
		probe);
	if (event_add(&probe->event, NULL) < 0) {
		close(fd);
		return -ENOMEM;
	}
	probe->fd = fd;
	return 0;
}

static int send_echo(
	struct probe *probe, const struct probesock_path *path, uint32_t seq, uint64_t cookie)
{
	struct probewire_echo echo = {path->target.family, probe->echo_id, seq, cookie};
	uint8_t packet[PROBEWIRE_ECHO_LEN];
	struct sockaddr_storage sa;
	socklen_t len = probesock_sockaddr(path, 0, &sa);

	probewire_echo_write(&echo, packet);
	ssize_t n = sendto(
		probe->fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&sa, len);
	return n < 0 ? -errno : 0;
}

static int send_dns(struct probe *probe, uint64_t cookie)
{
	uint8_t query[PROBEWIRE_DNS_MAX];
	size_t len = probewire_dns_write(target_of(probe)->probe.name, cookie, query);

	if (send(probe->fd, query, len, MSG_DONTWAIT) >= 0)
		return 0;
	/* the error of an earlier query, reported and gone now */
	if (errno == ECONNREFUSED && send(probe->fd, query, len, MSG_DONTWAIT) >= 0)
		return 0;
	return -errno;
}

static int send_syn(struct probe *probe, const struct probesock_path *path, uint32_t seq)
{
	struct conn *conn = &probe->conns[seq % CONNS];
	struct sockaddr_storage sa;
	socklen_t len = probesock_sockaddr(path, target_of(probe)->probe.port, &sa);
	AUTO(closep) int fd = -1;

	conn_close(conn); /* the one before was given up by now, or is one too many */
	int err = probesock_tcp(path, &fd);
	if (err < 0)
		return err;
	if (connect(fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS &&
		errno != ECONNREFUSED)
		return -errno;

	conn->probe = probe;
	conn->seq = seq;
	event_assign(&conn->event, probe->prober->base, fd, EV_WRITE, on_connected, conn);
	if (event_add(&conn->event, NULL) < 0)
		return -ENOMEM;
	conn->fd = TAKE_FD(fd);
	return 0;
}

static int probe_send(struct probe *probe, struct flight *flight)
{
	enum site_probe_kind kind = target_of(probe)->probe.kind;
	struct probesock_path path;

	int err = path_of(probe, &path);
	if (err < 0)
		return err;
	if (kind == SITE_PROBE_TCP)
		return send_syn(probe, &path, flight->seq);
	if (probe->fd < 0)
		err = probe_open(probe, &path);
	if (err < 0)
		return err;
	if (kind == SITE_PROBE_DNS)
		return send_dns(probe, flight->cookie);
	return send_echo(probe, &path, flight->seq, flight->cookie);
}

/* The state of the uplink says what the link lacks; anything else has to be said, once. */
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

static void complain(struct probe *probe, int err)
{
	const struct uplink *uplink = probe->prober->uplink;
	struct addr asked = asked_addr(probe);

	if (probe->complained || is_link_trouble(err))
		return;
	probe->complained = true;
	log_error(err, "probe", "cannot probe %s over %s%s", addr_str(&asked), uplink->name,
		err == -EPERM || err == -EACCES ? " (a firewall's output rule, "
						  "or CAP_NET_RAW is missing)"
						: "");
}

/* Handshakes that nobody waits for any longer: the kernel would go on with its SYNs. */
static void close_forgotten(struct probe *probe)
{
	const struct target *target = &target_of(probe)->target;

	for (size_t i = 0; i < CONNS; i++) {
		struct conn *conn = &probe->conns[i];
		const struct target_flight
			*flight = &target->flights[conn->seq % TARGET_FLIGHTS];

		if (conn->fd >= 0 &&
			(flight->seq != conn->seq || (flight->fate != TARGET_WAITING &&
							     flight->fate != TARGET_OVERDUE)))
			conn_close(conn);
	}
}

/* True if it could not be sent. */
static bool probe_send_next(struct probe *probe)
{
	struct target *target = &target_of(probe)->target;
	int64_t now_us = clock_now_us();
	uint32_t seq = target_sent(target, now_us);
	struct flight *flight = &probe->flights[seq % TARGET_FLIGHTS];

	*flight = (struct flight){seq, random_cookie(), wallclock_now_us()};
	close_forgotten(probe);
	int err = probe_send(probe, flight);
	if (err == 0) {
		probe->complained = false;
		return false;
	}
	complain(probe, err);
	if (err != -EAGAIN && err != -ENOBUFS && probe->fd >= 0)
		probe_close(probe); /* whatever is wrong with it, the next one is new */
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

/* the event loop's side */

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

/* Something happened: let it be judged, send what is due, judge again what failed at that. */
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

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct probe *probe = arg;

	(void)fd;
	(void)what;
	probe_read(probe);
	wake(probe->prober);
}

static void on_connected(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd;
	(void)what;
	conn_end(conn, conn_error(conn));
	wake(conn->probe->prober);
}

/* lifetime */

void prober_pause(struct prober *prober)
{
	prober->paused = true;
	probes_close(prober);
	event_del(prober->timer);
}

int prober_reload(struct prober *prober)
{
	size_t n = prober->uplink->n_targets;

	prober->paused = false;
	probes_close(prober);
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
		probe->fd = -1;
		probe->echo_id = (uint16_t)random_cookie();
		for (size_t k = 0; k < CONNS; k++)
			probe->conns[k].fd = -1;
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
	probes_close(prober);
	free(prober->probes);
	event_freep(&prober->timer);
	free(prober);
}

void prober_set_link(struct prober *prober, const struct prober_link *link)
{
	if (memcmp(&prober->link, link, sizeof(*link)) == 0)
		return;
	prober->link = *link;
	probes_close(prober);
}
