/* ctl.h - the control socket: one JSON request and one JSON reply per line, over a Unix stream
 *
 * A request is an object with the member "verb"; a reply is an object, with "error" (a
 * sentence) if the request failed. Lines are bounded, clients are limited in number and time.
 * Only root and the daemon's own user may ask for everything. The members of one group may ask
 * for the public verbs, which change nothing. Described for programs in docs/control.md.
 */
#pragma once
#include <jansson.h>

struct event_base;
struct ctl_server;

enum {
	CTL_REQUEST_MAX = 64 * 1024, /* octets of a request line, with its line feed */
	CTL_MAX_CLIENTS = 32,
	CTL_RESERVED_CLIENTS = 8, /* of these, for root and the user of the daemon */
	CTL_IDLE_MS = 30000, /* for a whole request to come, or a whole reply to be taken */
	CTL_MAX_STREAMS = 4,
	CTL_MAX_SUBSCRIBERS = 8,      /* of the clients, of each stream */
	CTL_RESERVED_SUBSCRIBERS = 2, /* of these, for root and the user of the daemon */
	CTL_BACKLOG_MAX = 256 * 1024, /* octets that a subscriber may be behind */
};
#define CTL_GROUP "multihomed" /* its members may ask for the public verbs */

/* Answers one request. Returns a new reference, or NULL if the verb is not known. */
typedef json_t *ctl_handler_fn(const char *verb, const json_t *request, void *arg);

/* Listens at `path`, which is created with its folder, mode 0660 in a folder of mode 0755; a
 * dead socket of a former run is replaced, a live one is -EADDRINUSE. A lock file is kept
 * beside it (PATH.lock). SIGPIPE is ignored from then on. Messages are logged. */
int ctl_server_new(struct event_base *base, const char *path, ctl_handler_fn *handler,
	void *arg, struct ctl_server **ret_server);
void ctl_server_free(struct ctl_server *server);

/* Replaces CTL_IDLE_MS for clients that connect later. For tests. */
void ctl_server_set_idle_ms(struct ctl_server *server, int idle_ms);

/* From now on a client that asks for `verb` (a literal) and gets a reply without "error" is a
 * subscriber of it: after that reply it gets each line that ctl_publish sends for the verb,
 * until it hangs up. It can ask nothing more. */
void ctl_server_add_stream(struct ctl_server *server, const char *verb);

/* From now on the members of `group` may ask for `verbs` (a list that ends with NULL,
 * borrowed) and nothing else; the socket's file is given to the group. Nothing happens where
 * the system has no such group. */
void ctl_server_admit_group(
	struct ctl_server *server, const char *group, const char *const *verbs);

/* Sends one line to each subscriber of `verb`. The line has left this process when this
 * returns, unless the subscriber has not taken the lines before it. A subscriber that is too
 * far behind, or takes nothing for CTL_IDLE_MS, is disconnected. */
void ctl_publish(struct ctl_server *server, const char *verb, const json_t *line);
size_t ctl_n_subscribers(const struct ctl_server *server); /* of all streams */

/* The reply to one request line without its line feed: the server calls this for each. A new
 * reference; NULL without memory. */
json_t *ctl_answer(const char *line, size_t len, ctl_handler_fn *handler, void *arg);
