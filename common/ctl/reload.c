/* reload.c - the verb `reload` of both programs: the running daemon reads its files again
 *
 * Service managers use it (ExecReload=): `systemctl reload` returns when the new
 * configuration is active, and fails if it was refused. The request comes over the control
 * socket. Each daemon has its own function that reloads.
 */
#include "common/ctl/reload.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/cli.h"
#include "common/ctl/ctlask.h"
#include "common/ctl/ctlrequest.h"
#include "common/site/report.h"

enum { RELOAD_TIMEOUT_MS = 60000 /* many large zones */ };

void reload_hold_signal(bool hold)
{
	sigset_t hup;

	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &hup, NULL);
}

static void add_line(enum report_severity severity, const char *line, void *arg)
{
	(void)severity;
	json_array_append_new(arg, json_string(line));
}

json_t *reload_reply(int err, struct report *report)
{
	if (err == 0)
		return json_pack("{s:b}", "reloaded", 1);

	json_t *mistakes = json_array();
	report_each(report, add_line, mistakes);
	return json_pack("{s:s, s:o}", "error", RELOAD_REFUSED, "mistakes", mistakes);
}

json_t *reload_answer(reload_fn *reload, void *arg)
{
	struct report report;

	report_init(&report);
	int err = reload(&report, arg);
	json_t *reply = reload_reply(err, &report);
	report_fini(&report);
	return reply;
}

int reload_ask(const struct cli *cli, const char *program, const char *socket)
{
	AUTO(freep) char *path = cli_path(cli->runtime_dir, socket);
	AUTO(json_decrefp) json_t *reply = NULL;
	int err = path ? ctl_request(path, "reload", RELOAD_TIMEOUT_MS, &reply) : -ENOMEM;

	if (err < 0) {
		ctlask_report(
			&(const struct ctlask){.program = program}, err, path ? path : socket);
		return EXIT_FAILED;
	}

	const char *error = json_string_value(json_object_get(reply, "error"));
	if (!error)
		return EXIT_DONE;
	const json_t *mistakes = json_object_get(reply, "mistakes");
	for (size_t i = 0; i < json_array_size(mistakes); i++)
		fprintf(stderr, "%s\n", json_string_value(json_array_get(mistakes, i)));
	fprintf(stderr, "%s: %s\n", program, error);
	return EXIT_FAILED;
}
