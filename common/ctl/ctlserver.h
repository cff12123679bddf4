/* ctlserver.h - what ctl.c and ctlclient.c share: the server and its clients. For no other file. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "common/ctl/ctl.h"

struct bufferevent;
struct event;
struct evconnlistener;

enum { CTL_NO_STREAM = -1 };

struct ctl_client {
	LIST_ENTRY(ctl_client) entry;
	struct ctl_server *server;
	struct bufferevent *bev;
	struct event *deadline;
	bool answering;	      /* a reply is on its way out */
	bool read_closed;     /* nothing more will be read: close once all is sent */
	bool is_unprivileged; /* may ask for the public verbs only */
	int following; /* the stream that it gets, or CTL_NO_STREAM; it asks nothing more */
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
	gid_t group; /* its members may ask for the public verbs */
	const char *const *public_verbs;
	int idle_ms;
	size_t n_clients;
	LIST_HEAD(ctl_clients, ctl_client) clients;
};

/* The stream of that verb, or CTL_NO_STREAM. */
int ctl_server_stream(const struct ctl_server *server, const char *verb);

/* A reply that is an error. NULL without memory. */
json_t *ctl_error_reply(const char *sentence);

/* The owner of `fd` from here on; closes it if that fails. */
void ctl_client_new(struct ctl_server *server, int fd, bool is_unprivileged);
void ctl_client_free(struct ctl_client *client);

/* Sends or queues a line that was published. False if the client is too far behind. */
bool ctl_client_publish(struct ctl_client *client, const char *text, size_t len);
