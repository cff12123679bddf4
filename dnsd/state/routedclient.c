/* routedclient.c - the connection to routed, its newest report, and how long the report counts
 *
 *     no report --line--> following --lost--> grace --10 s--> no report
 *                             ^                 |
 *                             +------line-------+
 *
 * common/ctl/ctlsubscriber.c connects and reconnects, routedreport.c reads a line. This file
 * keeps the newest report and logs each change once. It tries for ever to reach a routed that
 * does not run, but logs each reason only once.
 */
#include "dnsd/state/routedclient.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/ctl/ctl.h"
#include "common/ctl/ctlsubscriber.h"
#include "common/log.h"
#include "common/logonce.h"
#include "common/timer.h"

struct routed_client {
	struct event_base *base;
	char *path;
	routed_client_changed_fn *changed;
	void *arg;
	struct ctl_subscriber *subscriber;
	struct routed_report *report; /* the one that counts; NULL: none */
	int64_t report_ms;	      /* when it came */
	time_t report_s;
	struct event *grace;
	int grace_ms;
	char error[ROUTED_REPORT_ERROR_MAX]; /* of the line that was no report */
	struct logonce logged; /* why routed is not followed; cleared when it is */
	bool logged_absent;
};

/* ---- what is logged ---- */

/* routed does not run there, perhaps on purpose. Any other error is a fault. */
static bool error_is_absent(int error)
{
	return error == ENOENT || error == ECONNREFUSED;
}

static const char *error_remedy(int error)
{
	return error == EACCES ? "; dnsd must run as root, as routed's user, "
				 "or in the group " CTL_GROUP
			       : "";
}

static void client_log_lost(struct routed_client *client, const char *why, int error)
{
	static const char alone[] = "uplinks are judged by carrier and addresses alone";

	bool first = client->logged.key == 0;

	/* log once that routed is absent, whatever words the system has for it */
	if (!first && error_is_absent(error) && (client->report || client->logged_absent))
		return;
	if (!logonce_is_new(&client->logged, logonce_key(why)))
		return;
	if (client->report && first)
		log_warning("routed",
			"routed is lost (%s): its last report counts for %d s more, "
			"unless routed comes back",
			why, client->grace_ms / 1000);
	else if (error_is_absent(error))
		log_notice("routed", "no routed at %s (%s): %s", client->path, why, alone);
	else
		log_warning("routed", "routed at %s cannot be followed: %s%s; %s",
			client->path, why, error_remedy(error),
			client->report ? "its last report still counts" : alone);
	client->logged_absent = error_is_absent(error);
}

static void client_log_followed(struct routed_client *client)
{
	if (ctl_subscriber_state(client->subscriber)->connected)
		return;
	log_notice("routed", "follows routed at %s", client->path);
	logonce_clear(&client->logged);
}

/* ---- what happens ---- */

static void client_use_report(struct routed_client *client, struct routed_report *report)
{
	routed_report_free(client->report);
	client->report = report;
	client->report_ms = clock_now_ms();
	client->report_s = time(NULL);
	event_del(client->grace);
	client->changed(client->arg);
}

static const char *client_on_line(const char *line, size_t len, void *arg)
{
	struct routed_client *client = arg;
	struct routed_report *report;
	int err = routed_report_parse(line, len, &report, client->error);

	if (err == -ENOMEM)
		return strerror(ENOMEM);
	if (err < 0)
		return client->error;
	client_log_followed(client);
	client_use_report(client, report);
	return NULL;
}

static void client_on_lost(void *arg)
{
	struct routed_client *client = arg;

	client_log_lost(client, ctl_subscriber_state(client->subscriber)->why,
		ctl_subscriber_state(client->subscriber)->error);
	if (client->report)
		timer_arm_ms_if_idle(client->grace, client->grace_ms);
}

static void client_on_grace_over(evutil_socket_t fd, short what, void *arg)
{
	struct routed_client *client = arg;

	(void)fd;
	(void)what;
	log_warning("routed",
		"no report from routed for %d s (%s): "
		"uplinks are judged by carrier and addresses alone",
		client->grace_ms / 1000, ctl_subscriber_state(client->subscriber)->why);
	client->logged_absent = true;
	routed_report_free(TAKE(client->report));
	client->changed(client->arg);
}

/* ---- life ---- */

int routed_client_new(struct event_base *base, const char *path,
	routed_client_changed_fn *changed, void *arg, struct routed_client **ret_client)
{
	static const struct ctl_subscriber_calls calls = {
		.line = client_on_line, .lost = client_on_lost};
	struct routed_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	*client = (struct routed_client){
		.base = base,
		.path = strdup(path),
		.changed = changed,
		.arg = arg,
		.grace = evtimer_new(base, client_on_grace_over, client),
		.grace_ms = ROUTED_CLIENT_GRACE_MS,
	};
	int err = client->path && client->grace
			  ? ctl_subscriber_new(base, path, ROUTED_CLIENT_VERB, &calls, client,
				    &client->subscriber)
			  : -ENOMEM;
	if (err < 0) {
		routed_client_free(client);
		return err;
	}
	*ret_client = client;
	return 0;
}

void routed_client_free(struct routed_client *client)
{
	if (!client)
		return;
	ctl_subscriber_free(client->subscriber);
	event_freep(&client->grace);
	routed_report_free(client->report);
	free(client->path);
	free(client);
}

static void client_on_start_limit(evutil_socket_t fd, short what, void *arg)
{
	bool *over = arg;

	(void)fd;
	(void)what;
	*over = true;
}

void routed_client_wait(struct routed_client *client)
{
	bool over = false;
	AUTO(event_freep)
	struct event *limit = evtimer_new(client->base, client_on_start_limit, &over);

	if (!limit || timer_arm_ms(limit, ROUTED_CLIENT_START_MS) < 0)
		over = true;
	event_base_loop(client->base, EVLOOP_NONBLOCK); /* the first attempt */
	while (!over && ctl_subscriber_is_waiting(client->subscriber))
		event_base_loop(client->base, EVLOOP_ONCE);
}

const struct routed_report *routed_client_report(const struct routed_client *client)
{
	return client ? client->report : NULL;
}

void routed_client_set_times(struct routed_client *client, int grace_ms, int pause_ms,
	int pause_max_ms, int patience_ms)
{
	client->grace_ms = grace_ms;
	ctl_subscriber_set_times(client->subscriber, pause_ms, pause_max_ms, patience_ms);
}

/* How much longer the report counts after the connection was lost; -1: the connection stands,
 * or there is no report. */
static int64_t client_grace_left_ms(const struct routed_client *client)
{
	struct timeval ends;
	struct timeval now;
	struct timeval left;

	if (!event_pending(client->grace, EV_TIMEOUT, &ends))
		return -1;
	evutil_gettimeofday(&now, NULL);
	evutil_timersub(&ends, &now, &left);
	return left.tv_sec < 0 ? 0 : (int64_t)left.tv_sec * 1000 + left.tv_usec / 1000;
}

void routed_client_look(
	const struct routed_client *client, struct routed_client_state *ret_state)
{
	*ret_state = (struct routed_client_state){
		.path = client->path,
		.subscriber = ctl_subscriber_state(client->subscriber),
		.report_s = client->report_s,
		.age_ms = client->report ? clock_now_ms() - client->report_ms : -1,
		.grace_left_ms = client_grace_left_ms(client),
	};
}
