/* drain.c - the verbs drain and undrain
 *
 * The agent drains the uplink, and counts (requests.c). With --wait this process asks once a
 * second how many connections are left, and shows each change, until there are none. The agent
 * may be restarted meanwhile: the uplink stays drained, and the next request is answered. An
 * interrupt ends the waiting and nothing else.
 */
#include "routed/drain.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/cli.h"
#include "common/clock.h"
#include "common/ctl/ctlask.h"
#include "common/ctl/ctlrequest.h"
#include "common/site/value.h"
#include "routed/agent/paths.h"
#include "routed/report/statustext.h"

enum {
	ASK_MS = 1000,
	SOON_MS = 100,	    /* the count is under way */
	MAX_UNKNOWN = 100,  /* answers without a count: one should have come by then ... */
	FEW_UNKNOWN = 10,   /* ... and without --wait so many are enough */
	SILENCE_MS = 30000, /* then the agent has ended, and is not only restarted */
};

enum outcome {
	GOES_ON,
	NONE_LEFT,
	TIME_OVER,
	UNDRAINED,
	UNCOUNTED,
	SILENT,
	REFUSED,
	INTERRUPTED
};

struct wait {
	const struct cli *cli;
	const char *uplink;
	int64_t end_ms; /* INT64_MAX: never */
	int signal_fd;
	bool redraws; /* one line on a terminal, else a line per change */
	unsigned int max_unknown;
	bool is_known;
	long long left, out, in; /* as shown last */
	int64_t heard_ms;	 /* when the agent answered last */
	unsigned int n_unknown;	 /* answers in a row without a count */
	int signal;		 /* INTERRUPTED: by which */
	char error[256];	 /* REFUSED: why */
};

bool drain_is_time(const char *text)
{
	int64_t ms;

	return value_duration(text, &ms) == 0;
}

/* ---- waiting ---- */

static void wait_text(const struct wait *wait, char *out, size_t cap)
{
	if (!wait->is_known)
		snprintf(out, cap, "the number of connections that are left is not known");
	else if (wait->left == 0)
		snprintf(out, cap, "no connection is left");
	else
		snprintf(out, cap, "%lld connection%s left (%lld went out, %lld came in)",
			wait->left, wait->left == 1 ? " is" : "s are", wait->out, wait->in);
}

static void wait_show(const struct wait *wait)
{
	char left[160];

	wait_text(wait, left, sizeof(left));
	if (wait->redraws)
		printf("\r\033[K%s: %s", wait->uplink, left); /* over the line before */
	else
		printf("%s: %s\n", wait->uplink, left);
	fflush(stdout);
}

static enum outcome wait_take_count(struct wait *wait, const json_t *reply)
{
	long long out = reply_number(reply, "flows_out");
	long long in = reply_number(reply, "flows_in");
	bool is_new = !wait->is_known || wait->out != out || wait->in != in;

	wait->is_known = true;
	wait->n_unknown = 0;
	wait->left = reply_number(reply, "flows");
	wait->out = out;
	wait->in = in;
	if (is_new)
		wait_show(wait);
	return wait->left == 0 ? NONE_LEFT : GOES_ON;
}

static enum outcome wait_take_reply(struct wait *wait, const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));

	wait->heard_ms = clock_now_ms();
	if (error) {
		snprintf(wait->error, sizeof(wait->error), "%s", error);
		return REFUSED;
	}
	if (!json_is_true(json_object_get(reply, "drained")))
		return UNDRAINED;
	if (json_is_integer(json_object_get(reply, "flows")))
		return wait_take_count(wait, reply);
	return ++wait->n_unknown > wait->max_unknown ? UNCOUNTED : GOES_ON;
}

static enum outcome wait_ask(struct wait *wait)
{
	AUTO(freep) char *path = cli_path(wait->cli->runtime_dir, ROUTED_SOCKET);
	AUTO(json_decrefp)
	json_t *request = json_pack("{s:s, s:s}", "verb", "flows", "uplink", wait->uplink);
	AUTO(json_decrefp) json_t *reply = NULL;

	if (path && request &&
		ctl_request_object(path, request, ROUTED_SOCKET_TIMEOUT_MS, &reply) == 0)
		return wait_take_reply(wait, reply);
	return clock_now_ms() - wait->heard_ms > SILENCE_MS ? SILENT : GOES_ON;
}

/* False if a signal came before. */
static bool wait_pause(struct wait *wait, int64_t ms)
{
	struct pollfd ready = {.fd = wait->signal_fd, .events = POLLIN};
	struct signalfd_siginfo info;

	if (poll(&ready, 1, ms > 0 ? (int)ms : 0) <= 0 ||
		read(wait->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return true;
	wait->signal = (int)info.ssi_signo;
	return false;
}

static enum outcome wait_until_none(struct wait *wait)
{
	for (;;) {
		enum outcome outcome = wait_ask(wait);
		int64_t left_ms = wait->end_ms - clock_now_ms();
		int64_t pause_ms = left_ms < ASK_MS ? left_ms : ASK_MS;

		if (outcome != GOES_ON)
			return outcome;
		if (left_ms <= 0 && wait->n_unknown == 0)
			return TIME_OVER;
		if (!wait_pause(wait, wait->n_unknown ? SOON_MS : pause_ms))
			return INTERRUPTED;
	}
}

/* ---- the end of waiting ---- */

/* As if we had not caught it: a script that called us must stop as well. */
static int die_of_signal(int signal)
{
	sigset_t set;

	fflush(NULL);
	sigemptyset(&set);
	sigaddset(&set, signal);
	raise(signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return EXIT_FAILED; /* not reached: an ignored signal is not caught */
}

static int wait_report(const struct wait *wait, enum outcome outcome)
{
	const char *uplink = wait->uplink;
	char left[160];

	wait_text(wait, left, sizeof(left));
	if (wait->redraws)
		putchar('\n');
	fflush(stdout);
	switch (outcome) {
	case NONE_LEFT:
		return EXIT_DONE;
	case TIME_OVER:
		fprintf(stderr, "routed: the time is over, and %s; %s stays drained\n", left,
			uplink);
		break;
	case UNDRAINED:
		fprintf(stderr,
			"routed: %s is not drained any more: another command has undrained it\n",
			uplink);
		break;
	case UNCOUNTED:
		fprintf(stderr,
			"routed: the connections on %s cannot be counted (routed's log tells "
			"why); it stays drained\n",
			uplink);
		break;
	case SILENT:
		fprintf(stderr,
			"routed: the running routed does not answer any more; %s stays "
			"drained when it starts again\n",
			uplink);
		break;
	case INTERRUPTED:
		fprintf(stderr,
			"routed: the wait was interrupted (%s); %s stays drained, `routed "
			"undrain %s` returns it\n",
			left, uplink, uplink);
		return die_of_signal(wait->signal);
	case REFUSED:
		fprintf(stderr, "routed: %s\n", wait->error);
		break;
	case GOES_ON:
		break;
	}
	return EXIT_FAILED;
}

/* The signals that would end us. One that is ignored from the start (nohup(1), a job in the
 * background of a shell) stays ignored. */
static int wait_catch_signals(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct sigaction action;

		if (sigaction(ends[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&set, ends[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		sigprocmask(SIG_UNBLOCK, &set, NULL); /* they end us without a message */
	return fd;
}

static int drain_wait(const struct cli *cli, int64_t time_ms)
{
	int64_t now_ms = clock_now_ms();
	AUTO(closep) int signal_fd = wait_catch_signals();
	struct wait wait = {
		.cli = cli,
		.uplink = cli->args[0],
		.end_ms = time_ms < INT64_MAX - now_ms ? now_ms + time_ms : INT64_MAX,
		.signal_fd = signal_fd,
		.redraws = isatty(STDOUT_FILENO) == 1,
		.max_unknown = MAX_UNKNOWN,
		.heard_ms = now_ms,
	};

	return wait_report(&wait, wait_until_none(&wait));
}

/* Shows how many are left now, if the count comes soon. */
static void drain_show_once(const struct cli *cli)
{
	int64_t now_ms = clock_now_ms();
	struct wait wait = {
		.cli = cli,
		.uplink = cli->args[0],
		.end_ms = now_ms,
		.signal_fd = -1,
		.max_unknown = FEW_UNKNOWN,
		.heard_ms = now_ms,
	};

	wait_until_none(&wait);
}

/* ---- the verbs ---- */

static bool drain_request(const struct cli *cli, const char *verb)
{
	bool force = cli_option(cli, "force") != NULL;
	AUTO(json_decrefp)
	json_t *request = json_pack(
		"{s:s, s:s, s:b}", "verb", verb, "uplink", cli->args[0], "force", (int)force);
	AUTO(json_decrefp) json_t *reply = statustext_ask(cli, request, false);

	return reply != NULL;
}

int drain_run(const struct cli *cli)
{
	const char *time = cli_option(cli, "wait");
	int64_t time_ms = INT64_MAX;

	if (time && *time && value_duration(time, &time_ms) < 0) {
		fprintf(stderr, "routed: --wait: '%s' is not a time such as 90s or 5m\n",
			time);
		return EXIT_USAGE;
	}
	if (!drain_request(cli, "drain"))
		return EXIT_FAILED;
	printf("%s is drained: new connections go elsewhere, running ones stay\n",
		cli->args[0]);
	if (time)
		return drain_wait(cli, time_ms);
	drain_show_once(cli);
	return EXIT_DONE;
}

int drain_run_undrain(const struct cli *cli)
{
	if (!drain_request(cli, "undrain"))
		return EXIT_FAILED;
	printf("%s may be used again\n", cli->args[0]);
	return EXIT_DONE;
}
