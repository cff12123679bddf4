/* ctl.c - the control socket: one JSON request and one JSON reply per line, over a Unix stream
 *
 * The server runs in the daemon's event loop and must never hold it up: what a client may cost
 * is bounded in octets, in time and in number. A client goes round this way:
 *
 *     accepted -> reading --whole line--> answering --all sent--> reading ...
 *                    |                        |
 *                    +-- deadline, EOF, overlong line, error --> freed
 *
 *                                             |
 *                       all sent, the verb streams
 *                                             v
 *                                         following --hung up, too far behind--> freed
 *
 * While a reply is on its way nothing is read from that client, so it never has more than one
 * queued. The deadline runs per request and per reply, not per octet: who sends or takes one
 * octet a second is gone after CTL_IDLE_MS too. A subscriber has no deadline while it has
 * taken all there is; what it has not taken yet is bounded in octets and in time.
 *
 * The reply is made by the daemon's handler; this file knows no verb but the name of the one
 * that streams.
 */
#include "common/ctl/ctl.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/timer.h"

enum {
	CTL_BACKLOG = 16,
	CTL_ACCEPT_PAUSE_MS = 1000,	  /* when out of descriptors */
	CTL_CONNECT_RETRY_MS = 10,	  /* the server's backlog is full */
	CTL_REPLY_MAX = 64 * 1024 * 1024, /* octets that the client takes */
	CTL_REPLY_CHUNK = 64 * 1024,
	CTL_NO_STREAM = -1,
	CTL_GROUP_ENTRY_MAX = 64 * 1024, /* octets of a line of /etc/group */
	CTL_PEER_GROUPS_MAX = 65536,	 /* NGROUPS_MAX of the kernel */
};
#define CTL_NO_GROUP ((gid_t)-1)

struct ctl_client {
	LIST_ENTRY(ctl_client) entry;
	struct ctl_server *server;
	struct bufferevent *bev;
	struct event *deadline;
	bool answering; /* a reply is on its way out */
	bool last;	/* nothing more will be read: close once all is sent */
	bool is_guest;	/* may ask for the open verbs only */
	int following;	/* the stream that it gets; it asks nothing more */
};

struct ctl_stream {
	const char *verb;
	size_t n_subscribers;
};

struct ctl_server {
	struct event_base *base;
	char *path;
	int lock_fd; /* held as long as we live */
	struct evconnlistener *listener;
	struct event *accept_timer;
	ctl_handler_fn *handler;
	void *arg;
	struct ctl_stream streams[CTL_MAX_STREAMS];
	size_t n_streams;
	gid_t group; /* its members may ask for the open verbs */
	const char *const *open_verbs;
	int idle_ms;
	size_t n_clients;
	LIST_HEAD(ctl_clients, ctl_client) clients;
};

/* ---- one request ---- */

static json_t *error_reply(const char *sentence)
{
	return json_pack("{s:s}", "error", sentence);
}

/* jansson's reason may quote the line, and be cut within a character. */
static json_t *not_json_reply(const char *reason)
{
	json_t *reply = json_pack("{s:s+}", "error", "the request is not JSON: ", reason);

	return reply ? reply : error_reply("the request is not JSON");
}

/* The verb of a request, NULL with the reason in `ret_reply` if there is none to act on. */
static const char *request_verb(const json_t *request, json_t **ret_reply)
{
	const json_t *verb = json_object_get(request, "verb");

	if (!json_is_object(request))
		*ret_reply = error_reply("a request is a JSON object");
	else if (!json_is_string(verb))
		*ret_reply = error_reply("the request has no \"verb\" that is a string");
	else
		return json_string_value(verb);
	return NULL;
}

json_t *ctl_answer(const char *line, size_t len, ctl_handler_fn *handler, void *arg)
{
	AUTO(json_decrefp) json_t *request = NULL;
	json_t *reply = NULL;
	json_error_t error;

	/* jansson would take NUL for the end; its own depth limit bounds nesting */
	if (memchr(line, '\0', len))
		return error_reply("the request is not JSON: it has a NUL octet");
	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!request)
		return not_json_reply(error.text);

	const char *verb = request_verb(request, &reply);
	if (!verb)
		return reply;
	reply = handler(verb, request, arg);
	if (reply)
		return reply;
	return json_pack("{s:s++}", "error", "unknown verb '", verb, "'");
}

/* ---- clients ---- */

static void client_free(struct ctl_client *client)
{
	LIST_REMOVE(client, entry);
	client->server->n_clients--;
	if (client->following != CTL_NO_STREAM)
		client->server->streams[client->following].n_subscribers--;
	event_freep(&client->deadline);
	if (client->bev)
		bufferevent_free(client->bev); /* and its socket */
	free(client);
}

static bool client_queue_line(struct ctl_client *client, const char *text)
{
	return bufferevent_write(client->bev, text, strlen(text)) == 0 &&
	       bufferevent_write(client->bev, "\n", 1) == 0;
}

/* Queues the line; false without memory. */
static bool client_send(struct ctl_client *client, const json_t *reply)
{
	AUTO(freep) char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;

	if (!text || !client_queue_line(client, text))
		return false;

	/* above its high mark libevent 2.1.12 would call us in a loop, so reading is off */
	bufferevent_disable(client->bev, EV_READ);
	client->answering = true;
	timer_arm_ms(client->deadline, client->server->idle_ms);
	return true;
}

static bool client_refuse(struct ctl_client *client, const char *sentence)
{
	AUTO(json_decrefp) json_t *reply = error_reply(sentence);
	struct evbuffer *input = bufferevent_get_input(client->bev);

	evbuffer_drain(input, evbuffer_get_length(input));
	client->last = true;
	return client_send(client, reply);
}

/* What the handler is called through, to learn which verb it was. */
struct ask {
	const struct ctl_client *client;
	int stream;
};

static int find_stream(const struct ctl_server *server, const char *verb)
{
	for (size_t i = 0; i < server->n_streams; i++)
		if (strcmp(server->streams[i].verb, verb) == 0)
			return (int)i;
	return CTL_NO_STREAM;
}

/* Guests leave some places to those who cannot do without, as dnsd cannot. */
static bool has_place(const struct ctl_client *client, int stream)
{
	size_t max = CTL_MAX_SUBSCRIBERS - (client->is_guest ? CTL_KEPT_SUBSCRIBERS : 0);

	return client->server->streams[stream].n_subscribers < max;
}

static bool is_open_verb(const struct ctl_server *server, const char *verb)
{
	for (const char *const *open = server->open_verbs; open && *open; open++)
		if (strcmp(*open, verb) == 0)
			return true;
	return false;
}

static json_t *ask_handler(const char *verb, const json_t *request, void *arg)
{
	struct ask *ask = arg;
	const struct ctl_server *server = ask->client->server;

	if (ask->client->is_guest && !is_open_verb(server, verb))
		return error_reply("only root and the user of the daemon may ask for that");
	ask->stream = find_stream(server, verb);
	if (ask->stream != CTL_NO_STREAM && !has_place(ask->client, ask->stream))
		return error_reply("too many clients follow already");
	return server->handler(verb, request, server->arg);
}

/* Nothing that it sends is read any more, but that it hangs up must be seen. */
static void client_follow(struct ctl_client *client, int stream)
{
	struct evbuffer *input = bufferevent_get_input(client->bev);

	client->following = stream;
	client->server->streams[stream].n_subscribers++;
	evbuffer_drain(input, evbuffer_get_length(input));
	if (!client->last)
		bufferevent_enable(client->bev, EV_READ);
}

static bool is_following(const struct ctl_client *client)
{
	return client->following != CTL_NO_STREAM;
}

static bool client_answer_line(struct ctl_client *client, const char *line, size_t len)
{
	struct ask ask = {.client = client, .stream = CTL_NO_STREAM};
	AUTO(json_decrefp) json_t *reply = ctl_answer(line, len, ask_handler, &ask);

	if (!client_send(client, reply))
		return false;
	if (ask.stream != CTL_NO_STREAM && !json_object_get(reply, "error"))
		client_follow(client, ask.stream);
	return true;
}

/* Answers the first whole line, if there is one. False if the client has to go. */
static bool client_step(struct ctl_client *client)
{
	struct evbuffer *input = bufferevent_get_input(client->bev);
	size_t len;
	AUTO(freep) char *line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF);

	if (line)
		return len < CTL_REQUEST_MAX
			       ? client_answer_line(client, line, len)
			       : client_refuse(client, "the request is too long");
	if (client->last)
		return false; /* half a line at the end is nobody's request */
	if (evbuffer_get_length(input) >= CTL_REQUEST_MAX)
		return client_refuse(client, "the request is too long");

	bufferevent_enable(client->bev, EV_READ);
	return true;
}

static void client_on_readable(struct bufferevent *bev, void *arg)
{
	struct ctl_client *client = arg;

	if (is_following(client))
		evbuffer_drain(bufferevent_get_input(bev), SIZE_MAX);
	else if (!client->answering && !client_step(client))
		client_free(client);
}

/* Who follows and has taken all has no deadline. But of one that has shut down its side
 * nothing is read any more, so that its end has to be looked for. */
static void client_rest(struct ctl_client *client)
{
	if (client->last)
		timer_arm_ms(client->deadline, client->server->idle_ms);
	else
		evtimer_del(client->deadline);
}

/* All of the reply has been sent. */
static void client_on_written(struct bufferevent *bev, void *arg)
{
	struct ctl_client *client = arg;

	(void)bev;
	if (!client->answering)
		return;
	client->answering = false;
	if (is_following(client)) {
		client_rest(client);
		return;
	}
	timer_arm_ms(client->deadline, client->server->idle_ms);
	if (!client_step(client))
		client_free(client);
}

/* Not only its sending side: nobody is there to take anything (unix(7): POLLHUP). */
static bool client_is_gone(const struct ctl_client *client)
{
	struct pollfd pfd = {.fd = bufferevent_getfd(client->bev)};

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLHUP | POLLERR));
}

static void client_on_event(struct bufferevent *bev, short what, void *arg)
{
	struct ctl_client *client = arg;

	(void)bev;
	/* It will send no more, but may still wait for what it asked (shutdown(2)). */
	if ((what & BEV_EVENT_EOF) && (what & BEV_EVENT_READING)) {
		client->last = true;
		if (is_following(client) && !client_is_gone(client)) {
			if (!client->answering)
				client_rest(client);
			return;
		}
		if (!is_following(client) && (client->answering || client_step(client)))
			return;
	}
	client_free(client);
}

static void client_on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct ctl_client *client = arg;

	(void)fd;
	(void)what;
	if (is_following(client) && !client->answering && !client_is_gone(client))
		client_rest(client);
	else
		client_free(client);
}

/* The owner of `fd` from here on; closes it if that fails. */
static void client_new(struct ctl_server *server, int fd, bool is_guest)
{
	struct ctl_client *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		return;
	}
	client->server = server;
	client->is_guest = is_guest;
	client->following = CTL_NO_STREAM;
	LIST_INSERT_HEAD(&server->clients, client, entry);
	server->n_clients++;

	client->deadline = evtimer_new(server->base, client_on_deadline, client);
	client->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client->bev)
		close(fd);
	if (!client->bev || !client->deadline) {
		client_free(client);
		return;
	}
	bufferevent_setcb(
		client->bev, client_on_readable, client_on_written, client_on_event, client);
	bufferevent_setwatermark(client->bev, EV_READ, 0, CTL_REQUEST_MAX);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
	timer_arm_ms(client->deadline, client->server->idle_ms);
}

/* ---- subscribers ---- */

/* How much of it could be sent without waiting. What goes wrong with the socket is left to its
 * next event. */
static size_t send_now(const struct ctl_client *client, const char *text, size_t len)
{
	ssize_t n = send(
		bufferevent_getfd(client->bev), text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n > 0 ? (size_t)n : 0;
}

/* Not by the event loop, which has its turn only when the caller is through with what it has
 * to do: what is published before something must be sent before it. False if the client is too
 * far behind. */
static bool client_publish(struct ctl_client *client, const char *text, size_t len)
{
	size_t behind = evbuffer_get_length(bufferevent_get_output(client->bev));
	size_t sent = behind == 0 ? send_now(client, text, len) : 0;

	if (behind > CTL_BACKLOG_MAX)
		return false;
	if (sent == len)
		return true;
	if (bufferevent_write(client->bev, text + sent, len - sent) < 0)
		return false;
	if (!client->answering) {
		client->answering = true;
		timer_arm_ms(client->deadline, client->server->idle_ms);
	}
	return true;
}

void ctl_server_add_stream(struct ctl_server *server, const char *verb)
{
	if (find_stream(server, verb) == CTL_NO_STREAM && server->n_streams < CTL_MAX_STREAMS)
		server->streams[server->n_streams++].verb = verb;
}

static void publish_text(struct ctl_server *server, int stream, const char *text, size_t len)
{
	struct ctl_client *next;

	for (struct ctl_client *client = LIST_FIRST(&server->clients); client; client = next) {
		next = LIST_NEXT(client, entry);
		if (client->following != stream || client_publish(client, text, len))
			continue;
		log_info("ctl", "a client that follows is too far behind: cut off");
		client_free(client);
	}
}

void ctl_publish(struct ctl_server *server, const char *verb, const json_t *line)
{
	int stream = find_stream(server, verb);

	if (stream == CTL_NO_STREAM || server->streams[stream].n_subscribers == 0)
		return;

	AUTO(freep) char *text = json_dumps(line, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	if (!text)
		return;
	text[len] = '\n'; /* in place of the NUL: sent with its length */
	publish_text(server, stream, text, len + 1);
}

size_t ctl_n_subscribers(const struct ctl_server *server)
{
	size_t n = 0;

	for (size_t i = 0; i < server->n_streams; i++)
		n += server->streams[i].n_subscribers;
	return n;
}

/* ---- accepting ---- */

/* To a socket that was just accepted, whose buffer is empty: it is sent at once or not at all.
 */
static void refuse_at_door(int fd, const char *reply)
{
	(void)!send(fd, reply, strlen(reply), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/* Its own group, or a supplementary one. */
static bool peer_is_member(int fd, const struct ucred *peer, gid_t group)
{
	AUTO(freep) gid_t *groups = NULL;
	socklen_t len = 0;

	if (group == CTL_NO_GROUP || peer->gid == group)
		return group != CTL_NO_GROUP;
	/* socket(7): too small a buffer, and the kernel says how long it must be */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE ||
		len > CTL_PEER_GROUPS_MAX * sizeof(*groups))
		return false;
	groups = malloc(len);
	if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(*groups); i++)
		if (groups[i] == group)
			return true;
	return false;
}

enum peer_rank { PEER_NOBODY, PEER_GUEST, PEER_OWNER };

static enum peer_rank rank_peer(const struct ctl_server *server, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return PEER_NOBODY;
	if (peer.uid == 0 || peer.uid == geteuid())
		return PEER_OWNER;
	return peer_is_member(fd, &peer, server->group) ? PEER_GUEST : PEER_NOBODY;
}

static size_t max_clients(enum peer_rank rank)
{
	return rank == PEER_OWNER ? CTL_MAX_CLIENTS : CTL_MAX_CLIENTS - CTL_KEPT_CLIENTS;
}

static void server_on_accept(struct evconnlistener *listener, evutil_socket_t fd,
	struct sockaddr *from, int from_len, void *arg)
{
	struct ctl_server *server = arg;
	enum peer_rank rank = rank_peer(server, fd);

	(void)listener;
	(void)from;
	(void)from_len;
	if (rank == PEER_NOBODY)
		refuse_at_door(fd, "{\"error\":\"only root, the user "
				   "of the daemon and the group " CTL_GROUP " may ask\"}\n");
	else if (server->n_clients >= max_clients(rank))
		refuse_at_door(fd, "{\"error\":\"too many clients, try again\"}\n");
	else
		client_new(server, fd, rank == PEER_GUEST);
}

/* Out of descriptors most likely: the connection still waits, so that trying again at once
 * would spin. */
static void server_on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct ctl_server *server = arg;

	log_error(-errno, "ctl", "cannot accept a client, trying again in a second");
	evconnlistener_disable(listener);
	timer_arm_ms(server->accept_timer, CTL_ACCEPT_PAUSE_MS);
}

static void server_on_accept_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ctl_server *server = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(server->listener);
}

/* ---- the socket's file ---- */

static int socket_address(const char *path, struct sockaddr_un *ret_un)
{
	*ret_un = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*path)
		return -ENOENT;
	if (strlen(path) >= sizeof(ret_un->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret_un->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Makes the folders above `path` that are not there yet, mode 0755 whatever the umask. */
static int make_folders(const char *path)
{
	AUTO(freep) char *folder = strdup(path);

	if (!folder)
		return -ENOMEM;
	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, 0755) == 0)
			(void)!chmod(folder, 0755);
		else if (errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/* One daemon per path: the lock is what two that start at the same moment meet at. The file
 * stays, since to remove it would let a third lock another of the same name. */
static int take_lock(const char *path, int *ret_fd)
{
	AUTO(freep) char *lock = NULL;

	if (asprintf(&lock, "%s.lock", path) < 0) {
		lock = NULL;
		return -ENOMEM;
	}

	AUTO(closep) int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Removes what a former run left behind. Only a socket that nobody listens at. */
static int clear_path(const struct sockaddr_un *un)
{
	struct stat st;

	if (lstat(un->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;

	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(un->sun_path) < 0 ? -errno : 0;
}

static int open_socket(const struct sockaddr_un *un, int *ret_fd)
{
	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	fchmod(fd, 0660); /* what bind makes the file with, less the umask */
	if (bind(fd, (const struct sockaddr *)un, sizeof(*un)) < 0)
		return -errno;
	if (chmod(un->sun_path, 0660) < 0)
		return -errno;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int server_log(int err, const char *path)
{
	switch (-err) {
	case EADDRINUSE:
		log_line(LOG_LEVEL_ERROR, "ctl",
			"%s: another one is running here; "
			"stop it first, or give this one its own --runtime",
			path);
		return err;
	case EEXIST:
		log_line(LOG_LEVEL_ERROR, "ctl",
			"%s: there is a file in the way which is no socket; remove it", path);
		return err;
	case ENAMETOOLONG:
		log_line(LOG_LEVEL_ERROR, "ctl",
			"%s: longer than the %zu octets that a socket's path may have; give a "
			"shorter --runtime",
			path, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
		return err;
	case EACCES:
	case EPERM:
	case EROFS:
		log_line(LOG_LEVEL_ERROR, "ctl",
			"%s: cannot listen: %s; run it as root or by its service, or give a "
			"--runtime that this user may write to",
			path, strerror(-err));
		return err;
	default:
		return log_error(err, "ctl", "%s: cannot listen", path);
	}
}

static int server_listen(struct ctl_server *server)
{
	AUTO(closep) int fd = -1;
	struct sockaddr_un un;

	int r = socket_address(server->path, &un);
	if (r == 0)
		r = make_folders(server->path);
	if (r == 0)
		r = take_lock(server->path, &server->lock_fd);
	if (r == 0)
		r = clear_path(&un);
	if (r == 0)
		r = open_socket(&un, &fd);
	if (r < 0)
		return r;

	server->listener = evconnlistener_new(server->base, server_on_accept, server,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, CTL_BACKLOG, fd);
	if (!server->listener) {
		unlink(server->path);
		return -EIO;
	}
	fd = -1; /* the listener's */
	evconnlistener_set_error_cb(server->listener, server_on_accept_error);
	return 0;
}

int ctl_server_new(struct event_base *base, const char *path, ctl_handler_fn *handler,
	void *arg, struct ctl_server **ret_server)
{
	struct ctl_server *server = calloc(1, sizeof(*server));
	if (!server)
		return log_error(-ENOMEM, "ctl", "%s: cannot listen", path);

	*server = (struct ctl_server){
		.base = base,
		.path = strdup(path),
		.lock_fd = -1,
		.group = CTL_NO_GROUP,
		.accept_timer = evtimer_new(base, server_on_accept_timer, server),
		.handler = handler,
		.arg = arg,
		.idle_ms = CTL_IDLE_MS,
	};
	LIST_INIT(&server->clients);
	int r = server->path && server->accept_timer ? server_listen(server) : -ENOMEM;
	if (r < 0) {
		server_log(r, path);
		ctl_server_free(server);
		return r;
	}

	signal(SIGPIPE, SIG_IGN); /* a client that hangs up must not end the daemon */
	*ret_server = server;
	return 0;
}

/* CTL_NO_GROUP if there is none of that name. */
static gid_t find_group(const char *name)
{
	AUTO(freep) char *buffer = malloc(CTL_GROUP_ENTRY_MAX);
	struct group entry;
	struct group *found = NULL;

	if (!buffer || getgrnam_r(name, &entry, buffer, CTL_GROUP_ENTRY_MAX, &found) != 0 ||
		!found)
		return CTL_NO_GROUP;
	return found->gr_gid;
}

/* Where the group is the daemon's own there is nothing to change, and a unit may forbid even
 * to try (SystemCallFilter=~@privileged). */
static bool is_of_group(const char *path, gid_t gid)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_gid == gid;
}

void ctl_server_open_to(struct ctl_server *server, const char *group, const char *const *verbs)
{
	gid_t gid = find_group(group);

	if (gid == CTL_NO_GROUP)
		return;
	server->group = gid;
	server->open_verbs = verbs;
	if (!is_of_group(server->path, gid) && lchown(server->path, (uid_t)-1, gid) < 0)
		log_warning("ctl",
			"%s cannot be given to the group %s: %s; its members cannot ask, "
			"unless the service belongs to that group (SupplementaryGroups=%s)",
			server->path, group, strerror(errno), group);
}

void ctl_server_set_idle_ms(struct ctl_server *server, int idle_ms)
{
	server->idle_ms = idle_ms;
}

void ctl_server_free(struct ctl_server *server)
{
	if (!server)
		return;
	while (!LIST_EMPTY(&server->clients))
		client_free(LIST_FIRST(&server->clients));
	if (server->listener) {
		unlink(server->path);
		evconnlistener_free(server->listener);
	}
	event_freep(&server->accept_timer);
	closep(&server->lock_fd); /* after the socket's file is gone */
	free(server->path);
	free(server);
}

/* ---- asking ---- */

/* Waits until `events` may happen, or the time is over. */
static int wait_for(int fd, short events, int64_t until_ms)
{
	for (;;) {
		int64_t left = until_ms - clock_now_ms();
		struct pollfd pfd = {.fd = fd, .events = events};

		if (left <= 0)
			return -ETIMEDOUT;
		int n = poll(&pfd, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int client_connect(const char *path, int64_t until_ms, int *ret_fd)
{
	struct sockaddr_un un;
	int r = socket_address(path, &un);
	if (r < 0)
		return r;

	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	while (connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (clock_now_ms() >= until_ms)
			return -ETIMEDOUT;
		poll(NULL, 0, CTL_CONNECT_RETRY_MS); /* its backlog is full */
	}

	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int client_send_all(int fd, const char *text, size_t len, int64_t until_ms)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n >= 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return 0; /* refused at the door: the reason can still be read */
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		int r = wait_for(fd, POLLOUT, until_ms);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What was received and not yet handed over. */
struct reader {
	int fd;
	char *data;
	size_t len;
	size_t cap;
};

/* Receives some more; -EPROTO at the end of the stream, or when a line gets too long. */
static int reader_fill(struct reader *reader, int64_t until_ms)
{
	if (reader->len == reader->cap) {
		size_t cap = reader->cap + CTL_REPLY_CHUNK;
		char *more = cap <= CTL_REPLY_MAX ? realloc(reader->data, cap) : NULL;

		if (!more)
			return cap <= CTL_REPLY_MAX ? -ENOMEM : -EPROTO;
		reader->data = more;
		reader->cap = cap;
	}

	int r = wait_for(reader->fd, POLLIN, until_ms);
	if (r < 0)
		return r;
	ssize_t n = recv(reader->fd, reader->data + reader->len, reader->cap - reader->len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return n < 0 && errno != ECONNRESET ? -errno : -EPROTO;
	reader->len += (size_t)n;
	return 0;
}

/* The next line as an object; a new reference. */
static int reader_next(struct reader *reader, int64_t until_ms, json_t **ret_line)
{
	size_t seen = 0;
	char *end = NULL;

	while (!end) {
		if (reader->len > seen)
			end = memchr(reader->data + seen, '\n', reader->len - seen);
		seen = reader->len;
		int r = end ? 0 : reader_fill(reader, until_ms);
		if (r < 0)
			return r;
	}

	size_t len = (size_t)(end - reader->data);
	AUTO(json_decrefp) json_t *line = json_loadb(reader->data, len, 0, NULL);
	reader->len -= len + 1;
	memmove(reader->data, end + 1, reader->len);
	if (!json_is_object(line))
		return -EPROTO;
	*ret_line = TAKE(line);
	return 0;
}

static void reader_fini(struct reader *reader)
{
	closep(&reader->fd);
	free(reader->data);
}

static int reader_ask(struct reader *reader, const char *path, const json_t *request,
	int64_t until_ms, json_t **ret_reply)
{
	AUTO(freep) char *text = json_dumps(request, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return -ENOMEM;
	text[len] = '\n'; /* in place of the NUL: sent with its length */

	int r = client_connect(path, until_ms, &reader->fd);
	if (r == 0)
		r = client_send_all(reader->fd, text, len + 1, until_ms);
	return r < 0 ? r : reader_next(reader, until_ms, ret_reply);
}

int ctl_request_object(
	const char *path, const json_t *request, int timeout_ms, json_t **ret_reply)
{
	AUTO(reader_fini) struct reader reader = {.fd = -1};

	return reader_ask(&reader, path, request, clock_now_ms() + timeout_ms, ret_reply);
}

int ctl_request(const char *path, const char *verb, int timeout_ms, json_t **ret_reply)
{
	AUTO(json_decrefp) json_t *request = json_pack("{s:s}", "verb", verb);

	return request ? ctl_request_object(path, request, timeout_ms, ret_reply) : -ENOMEM;
}

int ctl_follow(
	const char *path, const char *verb, int timeout_ms, ctl_each_fn *each, void *arg)
{
	AUTO(json_decrefp) json_t *request = json_pack("{s:s}", "verb", verb);
	AUTO(json_decrefp) json_t *line = NULL;
	AUTO(reader_fini) struct reader reader = {.fd = -1};

	if (!request)
		return -ENOMEM;
	int r = reader_ask(&reader, path, request, clock_now_ms() + timeout_ms, &line);
	if (r < 0)
		return r;
	while ((r = each(line, arg)) == 0) {
		json_decref(TAKE(line));
		r = reader_next(&reader, INT64_MAX, &line);
		if (r < 0)
			return r == -EPROTO ? -EPIPE : r;
	}
	return r;
}
