/* ctlclient.c - one client of the control socket, as the server sees it
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
 * queued. The deadline runs per request and per reply, not per octet: a client that sends or
 * takes one octet a second is gone after CTL_IDLE_MS too. A subscriber that has taken all there
 * is has no deadline; what it has not taken yet is bounded in octets and in time.
 */
#include "common/ctl/ctlserver.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/timer.h"

void ctl_client_free(struct ctl_client *client)
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

/* Queues the line; false without memory. */
static bool client_send(struct ctl_client *client, const json_t *reply)
{
	AUTO(freep) char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;

	if (!text || bufferevent_write(client->bev, text, strlen(text)) < 0 ||
		bufferevent_write(client->bev, "\n", 1) < 0)
		return false;

	/* above its high mark libevent 2.1.12 would call us in a loop, so reading is off */
	bufferevent_disable(client->bev, EV_READ);
	client->answering = true;
	timer_arm_ms(client->deadline, client->server->idle_ms);
	return true;
}

static bool client_refuse(struct ctl_client *client, const char *sentence)
{
	AUTO(json_decrefp) json_t *reply = ctl_error_reply(sentence);
	struct evbuffer *input = bufferevent_get_input(client->bev);

	evbuffer_drain(input, evbuffer_get_length(input));
	client->read_closed = true;
	return client_send(client, reply);
}

/* Stands between ctl_answer() and the handler: learns which verb it was, and refuses some. */
struct client_request {
	const struct ctl_client *client;
	int stream;
};

/* Unprivileged clients leave some slots free: dnsd cannot do without one. */
static bool client_has_slot(const struct ctl_client *client, int stream)
{
	size_t max = CTL_MAX_SUBSCRIBERS -
		     (client->is_unprivileged ? CTL_RESERVED_SUBSCRIBERS : 0);

	return client->server->streams[stream].n_subscribers < max;
}

static bool is_public_verb(const struct ctl_server *server, const char *verb)
{
	for (const char *const *open = server->public_verbs; open && *open; open++)
		if (strcmp(*open, verb) == 0)
			return true;
	return false;
}

static json_t *client_call_handler(const char *verb, const json_t *request, void *arg)
{
	struct client_request *ask = arg;
	const struct ctl_server *server = ask->client->server;

	if (ask->client->is_unprivileged && !is_public_verb(server, verb))
		return ctl_error_reply(
			"only root and the user of the daemon may ask for that");
	ask->stream = ctl_server_stream(server, verb);
	if (ask->stream != CTL_NO_STREAM && !client_has_slot(ask->client, ask->stream))
		return ctl_error_reply("too many clients follow already");
	return server->handler(verb, request, server->arg);
}

/* What it sends from now on is thrown away; reading only shows that it hangs up. */
static void client_follow(struct ctl_client *client, int stream)
{
	struct evbuffer *input = bufferevent_get_input(client->bev);

	client->following = stream;
	client->server->streams[stream].n_subscribers++;
	evbuffer_drain(input, evbuffer_get_length(input));
	if (!client->read_closed)
		bufferevent_enable(client->bev, EV_READ);
}

static bool is_following(const struct ctl_client *client)
{
	return client->following != CTL_NO_STREAM;
}

static bool client_answer_line(struct ctl_client *client, const char *line, size_t len)
{
	struct client_request ask = {.client = client, .stream = CTL_NO_STREAM};
	AUTO(json_decrefp) json_t *reply = ctl_answer(line, len, client_call_handler, &ask);

	if (!client_send(client, reply))
		return false;
	if (ask.stream != CTL_NO_STREAM && !json_object_get(reply, "error"))
		client_follow(client, ask.stream);
	return true;
}

/* Answers the first whole line, if there is one. False if the client has to go. */
static bool client_answer_next(struct ctl_client *client)
{
	struct evbuffer *input = bufferevent_get_input(client->bev);
	size_t len;
	AUTO(freep) char *line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF);

	if (line)
		return len < CTL_REQUEST_MAX
			       ? client_answer_line(client, line, len)
			       : client_refuse(client, "the request is too long");
	if (client->read_closed)
		return false; /* half a line at the end is no request */
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
	else if (!client->answering && !client_answer_next(client))
		ctl_client_free(client);
}

/* A subscriber with an empty output queue has no deadline. If it has half-closed the socket we no
 * longer read, so the deadline polls for its hang-up. */
static void client_set_idle(struct ctl_client *client)
{
	if (client->read_closed)
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
		client_set_idle(client);
		return;
	}
	timer_arm_ms(client->deadline, client->server->idle_ms);
	if (!client_answer_next(client))
		ctl_client_free(client);
}

/* Both sides are closed, not only the sending one: POLLHUP of unix(7). */
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
		client->read_closed = true;
		if (is_following(client) && !client_is_gone(client)) {
			if (!client->answering)
				client_set_idle(client);
			return;
		}
		if (!is_following(client) && (client->answering || client_answer_next(client)))
			return;
	}
	ctl_client_free(client);
}

static void client_on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct ctl_client *client = arg;

	(void)fd;
	(void)what;
	if (is_following(client) && !client->answering && !client_is_gone(client))
		client_set_idle(client);
	else
		ctl_client_free(client);
}

void ctl_client_new(struct ctl_server *server, int fd, bool is_unprivileged)
{
	struct ctl_client *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		return;
	}
	client->server = server;
	client->is_unprivileged = is_unprivileged;
	client->following = CTL_NO_STREAM;
	LIST_INSERT_HEAD(&server->clients, client, entry);
	server->n_clients++;

	client->deadline = evtimer_new(server->base, client_on_deadline, client);
	client->bev = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client->bev)
		close(fd);
	if (!client->bev || !client->deadline) {
		ctl_client_free(client);
		return;
	}
	bufferevent_setcb(
		client->bev, client_on_readable, client_on_written, client_on_event, client);
	bufferevent_setwatermark(client->bev, EV_READ, 0, CTL_REQUEST_MAX);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
	timer_arm_ms(client->deadline, client->server->idle_ms);
}

/* ---- what is published ---- */

/* How much could be sent without waiting. An error of the socket shows at its next event. */
static size_t client_send_now(const struct ctl_client *client, const char *text, size_t len)
{
	ssize_t n = send(
		bufferevent_getfd(client->bev), text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n > 0 ? (size_t)n : 0;
}

/* Sends at once what the socket takes: the event loop runs only after the caller, and a line that
 * is published before the caller does something must be out before that. */
bool ctl_client_publish(struct ctl_client *client, const char *text, size_t len)
{
	size_t behind = evbuffer_get_length(bufferevent_get_output(client->bev));
	size_t sent = behind == 0 ? client_send_now(client, text, len) : 0;

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
