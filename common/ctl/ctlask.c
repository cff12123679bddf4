/* ctlask.c - for the verbs: ask the running daemon, and read its reply for people */
#include "common/ctl/ctlask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/ctl/ctlrequest.h"

void ctlask_report(const struct ctlask *ask, int err, const char *path)
{
	bool is_running = err != -ENOENT && err != -ECONNREFUSED;

	if (is_running)
		fprintf(stderr, "%s: cannot ask the running %s at %s: %s\n", ask->program,
			ask->program, path, strerror(-err));
	else if (!ask->is_optional)
		fprintf(stderr,
			"%s: %s is not running: nothing answers at %s. Started with another "
			"--runtime?\n",
			ask->program, ask->program, path);
}

json_t *ctlask(const struct ctlask *ask, const struct cli *cli, const json_t *request)
{
	AUTO(freep) char *path = cli_path(cli->runtime_dir, ask->socket);
	json_t *reply = NULL;
	int err = -ENOMEM;

	if (path && request)
		err = ctl_request_object(path, request, ask->timeout_ms, &reply);
	else if (path)
		err = ctl_request(path, cli->verb, ask->timeout_ms, &reply);
	if (err < 0) {
		ctlask_report(ask, err, path ? path : ask->socket);
		return NULL;
	}

	const char *error = json_string_value(json_object_get(reply, "error"));
	if (!error)
		return reply;
	fprintf(stderr, "%s: %s\n", ask->program, error);
	json_decref(reply);
	return NULL;
}

/* ---- the reply ---- */

const char *reply_text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

long long reply_number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

bool reply_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

const char *reply_joined(const json_t *list, char *out, size_t cap)
{
	size_t n = 0;

	snprintf(out, cap, "-");
	for (size_t i = 0; i < json_array_size(list) && n < cap; i++)
		n += (size_t)snprintf(out + n, cap - n, "%s%s", i > 0 ? ", " : "",
			json_string_value(json_array_get(list, i)));
	return out;
}
