/* ctlrequest.h - the asking end of the control socket: one request, its reply, or a stream */
#pragma once
#include <jansson.h>

/* Sends {"verb": verb} and waits for one reply line.
 * -ENOENT or -ECONNREFUSED: no process listens. -EACCES: this user may not ask. -ETIMEDOUT, -EPROTO.
 * Does not log. A reply with "error" in it is a reply. */
int ctl_request(const char *path, const char *verb, int timeout_ms, json_t **ret_reply);

/* The same with arguments: `request` is the whole object, borrowed. */
int ctl_request_object(
	const char *path, const json_t *request, int timeout_ms, json_t **ret_reply);

/* Blocking: asks for a streaming verb and hands over each line as it comes, the reply first,
 * until `each` returns other than 0, which is then returned, or the stream ends: -EPIPE, and
 * if the reply never came, the errors of ctl_request. */
typedef int ctl_each_fn(const json_t *line, void *arg);
int ctl_follow(
	const char *path, const char *verb, int timeout_ms, ctl_each_fn *each, void *arg);
