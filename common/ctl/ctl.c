/* ctl.c - the control socket's server: one JSON request and one JSON reply per line
 *
 * It runs in the daemon's event loop and must never hold it up: what a client may cost is
 * bounded in octets, in time and in number.
 *
 *     server_on_accept -> ctl_client_new          who may ask, and how many at once
 *                         ctlclient.c             requests, replies, deadlines
 *                         -> ctl_answer -> the daemon's handler
 *     ctl_publish      -> ctl_client_publish      lines for those that follow
 *
 * The daemon's handler makes the reply; the server knows no verb but the names of those that
 * stream. ctlsocket.c makes the socket, ctlrequest.c is the other end.
 */
#include "common/ctl/ctl.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/ctl/ctlserver.h"
#include "common/ctl/ctlsocket.h"
#include "common/invariant.h"
#include "common/log.h"
#include "common/timer.h"

enum {
	CTL_BACKLOG = 16,
	CTL_ACCEPT_PAUSE_MS = 1000,	 /* when out of descriptors */
	CTL_GROUP_ENTRY_MAX = 64 * 1024, /* octets of a line of /etc/group */
	CTL_PEER_GROUPS_MAX = 65536,	 /* NGROUPS_MAX of the kernel */
};
#define CTL_NO_GROUP ((gid_t)-1)

/* ---- one request ---- */

json_t *ctl_error_reply(const char *sentence)
{
	return json_pack("{s:s}", "error", sentence);
}

/* jansson's reason may quote the line and end within a character: then there is no reason. */
static json_t *not_json_reply(const char *reason)
{
	json_t *reply = json_pack("{s:s+}", "error", "the request is not JSON: ", reason);

	return reply ? reply : ctl_error_reply("the request is not JSON");
}

/* The verb of a request. NULL if it has none: the reason is in `ret_reply`. */
static const char *request_verb(const json_t *request, json_t **ret_reply)
{
	const json_t *verb = json_object_get(request, "verb");

	if (!json_is_object(request))
		*ret_reply = ctl_error_reply("a request is a JSON object");
	else if (!json_is_string(verb))
		*ret_reply = ctl_error_reply("the request has no \"verb\" that is a string");
	else
		return json_string_value(verb);
	return NULL;
}

json_t *ctl_answer(const char *line, size_t len, ctl_handler_fn *handler, void *arg)
{
	AUTO(json_decrefp) json_t *request = NULL;
	json_t *reply = NULL;
	json_error_t error;

	/* jansson would take a NUL for the end; its own limit bounds the depth */
	if (memchr(line, '\0', len))
		return ctl_error_reply("the request is not JSON: it has a NUL octet");
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

/* ---- subscribers ---- */

int ctl_server_stream(const struct ctl_server *server, const char *verb)
{
	for (size_t i = 0; i < server->n_streams; i++)
		if (strcmp(server->streams[i].verb, verb) == 0)
			return (int)i;
	return CTL_NO_STREAM;
}

void ctl_server_add_stream(struct ctl_server *server, const char *verb)
{
	if (ctl_server_stream(server, verb) != CTL_NO_STREAM)
		return;
	invariant(server->n_streams < CTL_MAX_STREAMS,
		"no room for a stream '%s': there are %d already", verb, CTL_MAX_STREAMS);
	server->streams[server->n_streams++].verb = verb;
}

static void server_publish(struct ctl_server *server, int stream, const char *text, size_t len)
{
	struct ctl_client *next;

	for (struct ctl_client *client = LIST_FIRST(&server->clients); client; client = next) {
		next = LIST_NEXT(client, entry);
		if (client->following != stream || ctl_client_publish(client, text, len))
			continue;
		log_info("ctl", "a subscriber is too far behind: disconnected");
		ctl_client_free(client);
	}
}

void ctl_publish(struct ctl_server *server, const char *verb, const json_t *line)
{
	int stream = ctl_server_stream(server, verb);

	if (stream == CTL_NO_STREAM || server->streams[stream].n_subscribers == 0)
		return;

	AUTO(freep) char *text = json_dumps(line, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	if (!text)
		return;
	text[len] = '\n'; /* in place of the NUL: sent with its length */
	server_publish(server, stream, text, len + 1);
}

size_t ctl_n_subscribers(const struct ctl_server *server)
{
	size_t n = 0;

	for (size_t i = 0; i < server->n_streams; i++)
		n += server->streams[i].n_subscribers;
	return n;
}

/* ---- accepting ---- */

/* The socket was just accepted and its buffer is empty: the reply goes out at once or not at
 * all. */
static void accept_refuse(int fd, const char *reply)
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
	/* socket(7): with too small a buffer the kernel returns the length that it needs */
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

enum peer_rank { PEER_REFUSED, PEER_UNPRIVILEGED, PEER_PRIVILEGED };

static enum peer_rank peer_rank_of(const struct ctl_server *server, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return PEER_REFUSED;
	if (peer.uid == 0 || peer.uid == geteuid())
		return PEER_PRIVILEGED;
	return peer_is_member(fd, &peer, server->group) ? PEER_UNPRIVILEGED : PEER_REFUSED;
}

static void server_on_accept(struct evconnlistener *listener, evutil_socket_t fd,
	struct sockaddr *from, int from_len, void *arg)
{
	struct ctl_server *server = arg;
	enum peer_rank rank = peer_rank_of(server, fd);
	size_t max = rank == PEER_PRIVILEGED ? CTL_MAX_CLIENTS
					     : CTL_MAX_CLIENTS - CTL_RESERVED_CLIENTS;

	(void)listener;
	(void)from;
	(void)from_len;
	if (rank == PEER_REFUSED)
		accept_refuse(fd, "{\"error\":\"only root, the user "
				  "of the daemon and the group " CTL_GROUP " may ask\"}\n");
	else if (server->n_clients >= max)
		accept_refuse(fd, "{\"error\":\"too many clients, try again\"}\n");
	else
		ctl_client_new(server, fd, rank == PEER_UNPRIVILEGED);
}

/* Out of descriptors, most likely. The connection still waits, so trying again at once would
 * spin. */
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

/* ---- the object ---- */

static int server_listen(struct ctl_server *server)
{
	AUTO(closep) int fd = -1;
	int r = ctl_socket_open(server->path, &server->lock_fd, &fd);

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
		ctl_socket_log(r, path);
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

/* Then there is nothing to change, and a unit may forbid the attempt
 * (SystemCallFilter=~@privileged). */
static bool is_of_group(const char *path, gid_t gid)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_gid == gid;
}

void ctl_server_admit_group(
	struct ctl_server *server, const char *group, const char *const *verbs)
{
	gid_t gid = find_group(group);

	if (gid == CTL_NO_GROUP)
		return;
	server->group = gid;
	server->public_verbs = verbs;
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
		ctl_client_free(LIST_FIRST(&server->clients));
	if (server->listener) {
		unlink(server->path);
		evconnlistener_free(server->listener);
	}
	event_freep(&server->accept_timer);
	closep(&server->lock_fd); /* after the socket's file is gone */
	free(server->path);
	free(server);
}
