/* tcp.c - DNS over TCP (RFC 7766, RFC 9210), on the main thread's event loop
 *
 * A connection carries any number of messages, each with its length in front. Queries may be
 * pipelined and are answered in their order. Each connection has one deadline at a time:
 *
 *     state       entered when                         left when                 deadline
 *     IDLE        all is answered and taken            a message begins          idle_ms
 *     RECEIVING   a message began (its length is here) its last octet is here    message_ms
 *     SENDING     responses are queued                 the client took all       send_ms
 *
 * The deadline starts when the state is entered, and single octets do not move it. So a client
 * that sends its query, or takes its response, octet by octet does not stay for ever. dnsd
 * stops reading from a client that has too many responses queued, until the client takes them.
 * The number of connections is limited, in all and per client. If there is no room, the
 * connection that was longest without a message is closed.
 *
 * libevent notes: while paused, reading is disabled, not just ignored, because 2.1 calls the
 * read callback in a busy loop when input stays above its high mark. bufferevent_free() drops
 * queued output, so a connection is closed from the write callback.
 */
#include "dnsd/serve/tcp.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "common/bigendian.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/logonce.h"
#include "common/timer.h"
#include "dnsd/serve/arrival.h"
#include "dnsd/state/facts.h"

enum {
	TCP_QUERY_MIN = 12,    /* a header */
	TCP_QUERY_MAX = 8192,  /* real queries have 1 % of it; bounds the memory of a client */
	TCP_READ_AHEAD = 4096, /* octets of pipelined queries taken in one wake-up */
	TCP_BACKLOG = 256,
	TCP_IDLE_LEAST_MS = 500,
	TCP_PAUSE_MS = 1000, /* without a free descriptor */
	TCP_LOG_AGAIN_MS = 60000,
};

const struct tcp_limits tcp_limits_default = {
	.max_connections = 512,
	.max_per_client = 32,
	.idle_ms = 10000,
	.message_ms = 5000,
	.send_ms = 10000,
	.output_max = 128 * 1024,
};

enum conn_state { CONN_NEW, CONN_IDLE, CONN_RECEIVING, CONN_SENDING };

struct conn {
	TAILQ_ENTRY(conn) entry;
	struct tcp_listener *listener;
	struct bufferevent *bev;
	struct event *deadline;
	struct addr client;
	struct addr limited; /* max_per_client counts by it: the address, or its /64 */
	enum conn_state state;
	bool is_closing; /* reads nothing more, ends when all is sent */
	bool is_served;	 /* has got an answer */
};

struct tcp_server {
	struct event_base *base;
	struct tcp_limits limits;
	struct tcp_counters counters;
	TAILQ_HEAD(conns, conn) conns; /* longest without a message first */
	LIST_HEAD(listeners, tcp_listener) listeners;
	struct event *finish; /* pending: the grace before the end */
	tcp_done_fn *done;
	void *done_arg;
	struct logonce logged; /* that no descriptor is free */
	uint8_t query[TCP_QUERY_MAX + RESPOND_QUERY_SLACK];
	uint8_t reply[2 + RESPOND_TCP_CAP];
};

struct tcp_listener {
	LIST_ENTRY(tcp_listener) entry;
	struct tcp_server *server;
	struct view *view;
	struct evconnlistener *acceptor;
	struct event *resume;
	struct stats stats;
};

/* ---- one connection ---- */

static void conn_free(struct conn *conn)
{
	struct tcp_server *server = conn->listener->server;

	TAILQ_REMOVE(&server->conns, conn, entry);
	server->counters.open--;
	event_free(conn->deadline);
	bufferevent_free(conn->bev);
	free(conn);
	if (server->done && TAILQ_EMPTY(&server->conns))
		event_active(server->finish, EV_TIMEOUT, 0);
}

/* RFC 7766 section 6.2.3: idle connections may be closed sooner when they are many. */
static int idle_ms(const struct tcp_server *server)
{
	size_t max = server->limits.max_connections;
	size_t room = max > server->counters.open ? max - server->counters.open : 0;

	if (room >= max / 2)
		return server->limits.idle_ms;
	int ms = (int)((size_t)server->limits.idle_ms * room / (max / 2));
	return ms > TCP_IDLE_LEAST_MS ? ms : TCP_IDLE_LEAST_MS;
}

static void conn_enter(struct conn *conn, enum conn_state state)
{
	const struct tcp_limits *limits = &conn->listener->server->limits;
	int ms = state == CONN_SENDING	   ? limits->send_ms
		 : state == CONN_RECEIVING ? limits->message_ms
					   : idle_ms(conn->listener->server);

	conn->state = state;
	timer_arm_ms(conn->deadline, ms);
}

static void conn_respond(struct conn *conn, size_t len)
{
	struct tcp_listener *listener = conn->listener;
	struct tcp_server *server = listener->server;
	const struct answers *answers = view_current(listener->view);
	struct sockaddr_storage client;
	struct respond_from from = {
		.client = (struct sockaddr *)&client,
		.tcp = true,
		.now_s = (uint32_t)time(NULL),
	};

	addr_to_sockaddr(&conn->client, 0, 0, &client);
	size_t n = respond(answers->table, &answers->conf, &from, server->query, len,
		server->reply + 2, &listener->stats);
	if (n == 0)
		return;
	be16_write(server->reply, (unsigned int)n);
	/* RFC 7766 section 8: length and message in one piece */
	if (bufferevent_write(conn->bev, server->reply, n + 2) < 0)
		conn->is_closing = true;
}

enum step { STEP_ANSWERED, STEP_INCOMPLETE, STEP_BAD };

/* Takes one message out of the input and answers it, if the whole message is here. */
static enum step conn_step(struct conn *conn)
{
	struct tcp_server *server = conn->listener->server;
	struct evbuffer *in = bufferevent_get_input(conn->bev);
	uint8_t prefix[2];

	if (evbuffer_copyout(in, prefix, 2) < 2) {
		bufferevent_setwatermark(conn->bev, EV_READ, 2, TCP_READ_AHEAD);
		return STEP_INCOMPLETE;
	}
	size_t len = be16_read(prefix);
	if (len < TCP_QUERY_MIN || len > TCP_QUERY_MAX)
		return STEP_BAD;
	if (evbuffer_get_length(in) < 2 + len) {
		bufferevent_setwatermark(conn->bev, EV_READ, 2 + len,
			2 + len > TCP_READ_AHEAD ? 2 + len : TCP_READ_AHEAD);
		return STEP_INCOMPLETE;
	}
	evbuffer_drain(in, 2);
	evbuffer_remove(in, server->query, len);
	conn_respond(conn, len);
	return STEP_ANSWERED;
}

/* Only while the process ends: the connection has got its answers and asks nothing now. */
static bool is_finished(const struct conn *conn, size_t waiting)
{
	return conn->listener->server->done && conn->is_served && waiting == 0;
}

/* Sets state, deadline and whether to read on, by the queued output and the waiting input.
 * `has_moved`: a message was finished, so a new deadline begins. May free the connection. */
static void conn_settle(struct conn *conn, bool has_moved)
{
	size_t queued = evbuffer_get_length(bufferevent_get_output(conn->bev));
	size_t waiting = evbuffer_get_length(bufferevent_get_input(conn->bev));
	enum conn_state state = queued > 0    ? CONN_SENDING
				: waiting > 0 ? CONN_RECEIVING
					      : CONN_IDLE;

	if (queued == 0 && (conn->is_closing || is_finished(conn, waiting))) {
		conn_free(conn);
		return;
	}
	if (conn->is_closing || queued > conn->listener->server->limits.output_max)
		bufferevent_disable(conn->bev, EV_READ);
	else
		bufferevent_enable(conn->bev, EV_READ);

	/* SENDING again is no progress: only conn_on_written moves that deadline */
	if (state != conn->state || (has_moved && state != CONN_SENDING))
		conn_enter(conn, state);
}

static void conn_process(struct conn *conn)
{
	struct tcp_server *server = conn->listener->server;
	struct evbuffer *out = bufferevent_get_output(conn->bev);
	bool has_moved = false;

	while (!conn->is_closing && evbuffer_get_length(out) <= server->limits.output_max) {
		enum step step = conn_step(conn);

		if (step == STEP_INCOMPLETE)
			break;
		if (step == STEP_BAD) {
			server->counters.bad++;
			conn->is_closing = true;
			break;
		}
		has_moved = true;
		conn->is_served = true;
	}
	if (has_moved) {
		TAILQ_REMOVE(&server->conns, conn, entry);
		TAILQ_INSERT_TAIL(&server->conns, conn, entry);
	}
	conn_settle(conn, has_moved);
}

static void conn_on_readable(struct bufferevent *bev, void *arg)
{
	(void)bev;
	conn_process(arg);
}

static void conn_on_written(struct bufferevent *bev, void *arg)
{
	struct conn *conn = arg;

	(void)bev;
	conn->state = CONN_NEW; /* the client took all: the next state has its full time */
	conn_process(conn);
}

static void conn_on_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *conn = arg;

	(void)bev;
	if (!(what & BEV_EVENT_EOF)) {
		conn_free(conn);
		return;
	}
	/* the client may have closed only its half: it still gets its answers */
	conn->is_closing = true;
	conn_settle(conn, false);
}

static void conn_on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd;
	(void)what;
	conn->listener->server->counters.timed_out++;
	conn_free(conn);
}

/* ---- room for connections ---- */

static struct addr limited_addr(const struct addr *client)
{
	struct addr limited = *client;

	if (limited.family == AF_INET6)
		memset(limited.bytes + 8, 0, 8);
	return limited;
}

/* The connection that was longest without a message. A served and idle connection goes before one
 * that is busy or new: else a client with messages that never end would keep all others out.
 * Only of one client, if `limited` is given. */
static struct conn *find_oldest(struct tcp_server *server, const struct addr *limited)
{
	struct conn *oldest = NULL;
	struct conn *conn;

	TAILQ_FOREACH(conn, &server->conns, entry)
	{
		if (limited && !addr_eq(&conn->limited, limited))
			continue;
		/* cppcheck-suppress uninitvar ; it does not see into TAILQ_FOREACH */
		if (conn->state == CONN_IDLE && conn->is_served)
			return conn;
		if (!oldest)
			oldest = conn;
	}
	return oldest;
}

static void conn_evict(struct tcp_server *server, const struct addr *limited)
{
	struct conn *oldest = find_oldest(server, limited);

	if (!oldest)
		return;
	server->counters.evicted++;
	conn_free(oldest);
}

static void make_room(struct tcp_server *server, const struct addr *limited)
{
	unsigned int same = 0;
	struct conn *conn;

	TAILQ_FOREACH(conn, &server->conns, entry)
	same += addr_eq(&conn->limited, limited);
	if (same >= server->limits.max_per_client)
		conn_evict(server, limited);
	else if (server->counters.open >= server->limits.max_connections)
		conn_evict(server, NULL);
}

static int conn_new(struct tcp_listener *listener, int fd, const struct addr *client)
{
	struct tcp_server *server = listener->server;
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return -ENOMEM;
	conn->listener = listener;
	conn->client = *client;
	conn->limited = limited_addr(client);
	conn->deadline = evtimer_new(server->base, conn_on_deadline, conn);
	conn->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!conn->deadline || !conn->bev) {
		if (conn->deadline)
			event_free(conn->deadline);
		if (conn->bev)
			bufferevent_setfd(conn->bev, -1); /* the caller closes it */
		if (conn->bev)
			bufferevent_free(conn->bev);
		free(conn);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&server->conns, conn, entry);
	server->counters.open++;
	server->counters.accepted++;
	bufferevent_setcb(conn->bev, conn_on_readable, conn_on_written, conn_on_event, conn);
	bufferevent_setwatermark(conn->bev, EV_READ, 2, TCP_READ_AHEAD);
	conn_settle(conn, true);
	return 0;
}

/* ---- listeners ---- */

/* The inside view, asked through an uplink: resets the connection, so that the client learns it
 * at once. */
static bool is_closed_to_uplink(struct tcp_listener *listener, int fd, int family)
{
	const struct linger reset = {.l_onoff = 1};

	if (listener->view->index != FACTS_VIEW_INSIDE ||
		!view_is_closed_to(listener->view, arrival_of_connection(fd, family)))
		return false;
	stats_add(&listener->stats, STATS_FROM_UPLINK, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	return true;
}

static void listener_on_accepted(struct evconnlistener *acceptor, evutil_socket_t fd,
	struct sockaddr *sa, int sa_len, void *arg)
{
	struct tcp_listener *listener = arg;
	struct addr client = addr_from_sockaddr(sa);
	struct addr limited = limited_addr(&client);

	(void)acceptor;
	(void)sa_len;
	if (is_closed_to_uplink(listener, fd, client.family))
		return;
	make_room(listener->server, &limited);
	if (conn_new(listener, fd, &client) < 0)
		close(fd);
}

/* accept(2) wants a free descriptor first, and fails without one even if no client waits. */
static bool client_waits(struct evconnlistener *acceptor)
{
	struct pollfd pfd = {.fd = evconnlistener_get_fd(acceptor), .events = POLLIN};

	return poll(&pfd, 1, 0) > 0;
}

/* Without a free descriptor accept(2) fails at once and again: make one, or pause. */
static void listener_on_accept_failed(struct evconnlistener *acceptor, void *arg)
{
	struct tcp_listener *listener = arg;
	struct tcp_server *server = listener->server;
	int err = EVUTIL_SOCKET_ERROR();

	if (!client_waits(acceptor))
		return;
	if (logonce_is_due(&server->logged, clock_now_ms(), TCP_LOG_AGAIN_MS))
		log_error(-err, "tcp", "cannot accept connections; %zu are open",
			server->counters.open);
	if ((err == EMFILE || err == ENFILE) && server->counters.open > 0) {
		conn_evict(server, NULL);
		return;
	}
	evconnlistener_disable(acceptor);
	timer_arm_ms(listener->resume, TCP_PAUSE_MS);
}

static void server_on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_listener *listener = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(listener->acceptor);
}

static int tcp_set_option(int fd, int level, int name)
{
	const int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on)) < 0 ? -errno : 0;
}

static int tcp_open_socket(const struct tcp_at *at, int *ret_fd)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sockaddr(&at->addr, at->port, at->scope_id, &sa);
	AUTO(closep)
	int fd = socket(at->addr.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	/* Former connections in TIME_WAIT must not block the port; the kernel still refuses a
	 * second listener (socket(7)). Accepted sockets inherit TCP_NODELAY. */
	if ((err = tcp_set_option(fd, SOL_SOCKET, SO_REUSEADDR)) < 0 ||
		(err = tcp_set_option(fd, IPPROTO_TCP, TCP_NODELAY)) < 0)
		return err;
	if (at->addr.family == AF_INET6 &&
		(err = tcp_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) < 0)
		return err;
	if (bind(fd, (struct sockaddr *)&sa, sa_len) < 0 || listen(fd, TCP_BACKLOG) < 0)
		return -errno;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

int tcp_listen(struct tcp_server *server, const struct tcp_at *at, struct view *view,
	struct tcp_listener **ret_listener)
{
	struct tcp_listener *listener = calloc(1, sizeof(*listener));
	int fd = at->fd;

	if (!listener) {
		closep(&fd);
		return -ENOMEM;
	}
	listener->server = server;
	listener->view = view;
	int err = fd < 0 ? tcp_open_socket(at, &fd) : 0;
	if (err < 0) {
		free(listener);
		return err;
	}
	/* a socket that was handed over may block, and libevent accepts until none is left */
	evutil_make_socket_nonblocking(fd);
	listener->resume = evtimer_new(server->base, server_on_resume, listener);
	/* backlog 0: it listens already */
	listener->acceptor = evconnlistener_new(server->base, listener_on_accepted, listener,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!listener->acceptor)
		close(fd);
	if (!listener->resume || !listener->acceptor) {
		tcp_listener_close(listener);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(listener->acceptor, listener_on_accept_failed);
	LIST_INSERT_HEAD(&server->listeners, listener, entry);
	*ret_listener = listener;
	return 0;
}

int tcp_listener_fd(const struct tcp_listener *listener)
{
	return evconnlistener_get_fd(listener->acceptor);
}

void tcp_listener_close(struct tcp_listener *listener)
{
	if (!listener)
		return;

	struct conn *conn = TAILQ_FIRST(&listener->server->conns);
	while (conn) {
		struct conn *next = TAILQ_NEXT(conn, entry);

		if (conn->listener == listener)
			conn_free(conn);
		conn = next;
	}
	if (listener->acceptor && listener->resume)
		LIST_REMOVE(listener, entry);
	if (listener->acceptor)
		evconnlistener_free(listener->acceptor);
	if (listener->resume)
		event_free(listener->resume);
	stats_sum(&listener->stats, listener->view->gone_tcp);
	free(listener);
}

void tcp_count(const struct tcp_listener *listener, uint64_t totals[STATS_N_COUNTERS])
{
	stats_sum(&listener->stats, totals);
}

/* ---- the end ---- */

static void server_on_grace_over(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_server *server = arg;

	(void)fd;
	(void)what;
	server->done(server->done_arg);
}

/* Connections that wait to be accepted are left to the next process, if it takes the socket over.
 * A connection that was just accepted has its query on the way: the grace is for it. */
void tcp_server_finish(struct tcp_server *server, int grace_ms, tcp_done_fn *done, void *arg)
{
	struct tcp_listener *listener;
	struct conn *conn = TAILQ_FIRST(&server->conns);

	server->done = done;
	server->done_arg = arg;
	LIST_FOREACH(listener, &server->listeners, entry)
	{
		evconnlistener_disable(listener->acceptor);
		event_del(listener->resume);
	}
	while (conn) {
		struct conn *next = TAILQ_NEXT(conn, entry);

		conn_settle(conn, false);
		conn = next;
	}
	if (TAILQ_EMPTY(&server->conns))
		event_active(server->finish, EV_TIMEOUT, 0);
	else
		timer_arm_ms(server->finish, grace_ms);
}

int tcp_server_new(struct event_base *base, const struct tcp_limits *limits,
	struct tcp_server **ret_server)
{
	struct tcp_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->base = base;
	server->limits = *limits;
	TAILQ_INIT(&server->conns);
	LIST_INIT(&server->listeners);
	server->finish = evtimer_new(base, server_on_grace_over, server);
	if (!server->finish) {
		free(server);
		return -ENOMEM;
	}
	*ret_server = server;
	return 0;
}

void tcp_server_free(struct tcp_server *server)
{
	if (!server)
		return;
	event_free(server->finish);
	free(server);
}

const struct tcp_counters *tcp_server_counters(const struct tcp_server *server)
{
	return &server->counters;
}
