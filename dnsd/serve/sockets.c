/* sockets.c - opens and closes sockets until exactly the wanted ones are open
 *
 * follow.c calls it after each change of links or configuration. View, address, port and
 * protocol identify a socket. If a socket cannot be bound, because another program has the port
 * or the address is about to go, it is tried again after a pause that doubles each time. The
 * fault is logged once, and so is its end. UDP and TCP of an address are two sockets here:
 * either may fail alone.
 *
 * When the process ends, the service manager may hold the sockets for the next process
 * (handover.h), which starts with them.
 */
#include "dnsd/serve/sockets.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/net/portowner.h"
#include "common/timer.h"
#include "dnsd/serve/handover.h"
#include "dnsd/serve/loss.h"
#include "dnsd/serve/tcp.h"
#include "dnsd/serve/udp.h"

enum {
	RETRY_FIRST_MS = 1000,
	RETRY_LAST_MS = 30000,
	LOSSES_S = 10, /* between two checks for lost responses */
	PROBLEM_LEN = PORTOWNER_TEXT_MAX + 160,
};

struct entry {
	struct socket_spec spec;
	bool tcp;
	bool is_wanted; /* set by sockets_apply */
	struct udp *udp;
	struct tcp_listener *listener;
	int err; /* of the last try; 0 if open or not tried yet */
	bool is_logged;
	char problem[PROBLEM_LEN];
	int64_t patience_ms;
	int64_t retry_ms; /* clock_now_ms() of the next try */
	struct loss loss;
};

struct sockets {
	struct event_base *base;
	struct event *retry;
	struct event *losses;
	struct tcp_server *tcp;
	struct handover *handover; /* sockets of an earlier process */
	struct entry **entries;
	size_t n;
};

static bool entry_is_open(const struct entry *entry)
{
	return entry->udp || entry->listener;
}

static const char *entry_protocol(const struct entry *entry)
{
	return entry->tcp ? "TCP" : "UDP";
}

/* ---- why a socket is not open, and the remedy ---- */

/* "Address already in use by dnsmasq (pid 412) on 0.0.0.0:53", as far as the kernel knows. */
static void entry_explain_in_use(struct entry *entry)
{
	char owners[PORTOWNER_TEXT_MAX];
	int n = portowner_find(entry->tcp ? IPPROTO_TCP : IPPROTO_UDP, &entry->spec.addr,
		entry->spec.port, owners, sizeof(owners));
	const char *remedy = strstr(owners, "systemd-resolve")
				     ? "set DNSStubListener=no in /etc/systemd/resolved.conf"
				     : "stop it, or keep it off this address";

	snprintf(entry->problem, sizeof(entry->problem), "%s%s%s; %s. dnsd tries again",
		strerror(-entry->err), n > 0 ? " by " : "", n > 0 ? owners : "", remedy);
}

static void entry_explain(struct entry *entry)
{
	const char *remedy = "";

	if (entry->err == -EADDRINUSE) {
		entry_explain_in_use(entry);
		return;
	}
	if (entry->err == -EACCES || entry->err == -EPERM)
		remedy = "; a port below 1024 needs CAP_NET_BIND_SERVICE: start dnsd as root "
			 "or by its service";
	else if (entry->err == -EADDRNOTAVAIL)
		remedy = "; the interface does not have the address";
	snprintf(
		entry->problem, sizeof(entry->problem), "%s%s", strerror(-entry->err), remedy);
}

static void entry_log_failure(struct entry *entry, int err)
{
	/* an address may go between the kernel's message and our bind: log it only if the next
	 * try fails too */
	bool first = entry->err == 0;
	bool is_news = !entry->is_logged && !(first && err == -EADDRNOTAVAIL);

	if (entry->err != err && !first)
		is_news = true;
	if (entry->err != err) {
		entry->err = err;
		entry_explain(entry); /* walks /proc: not with each try */
	}
	if (!is_news)
		return;
	entry->is_logged = true;
	log_error(0, "listen", "%s: cannot serve %s port %u by %s: %s", entry->spec.view->name,
		addr_str(&entry->spec.addr), entry->spec.port, entry_protocol(entry),
		entry->problem);
}

static void entry_log_success(struct entry *entry)
{
	log_line(entry->is_logged ? LOG_LEVEL_NOTICE : LOG_LEVEL_INFO, "listen",
		"%s: serving %s port %u by %s%s", entry->spec.view->name,
		addr_str(&entry->spec.addr), entry->spec.port, entry_protocol(entry),
		entry->is_logged ? " at last" : "");
	entry->err = 0;
	entry->is_logged = false;
	entry->problem[0] = '\0';
	entry->patience_ms = 0;
}

/* ---- one socket ---- */

static struct handover_place entry_place(const struct entry *entry)
{
	return (struct handover_place){
		.tcp = entry->tcp,
		.addr = entry->spec.addr,
		.port = entry->spec.port,
		.scope_id = entry->spec.scope_id,
	};
}

static int entry_open_with(
	struct sockets *sockets, struct entry *entry, const int *fds, size_t n)
{
	const struct socket_spec *spec = &entry->spec;

	if (entry->tcp) {
		const struct tcp_at at = {
			spec->addr, spec->port, spec->scope_id, n > 0 ? fds[0] : -1};

		return tcp_listen(sockets->tcp, &at, spec->view, &entry->listener);
	}
	const struct udp_at at = {
		spec->addr, spec->port, spec->scope_id, spec->n_threads, fds, n};
	return udp_open(&at, spec->view, &entry->udp);
}

static int entry_try_open(struct sockets *sockets, struct entry *entry)
{
	const struct handover_place place = entry_place(entry);
	int fds[UDP_MAX_THREADS];
	size_t n = handover_take(
		sockets->handover, &place, fds, entry->tcp ? 1 : entry->spec.n_threads);
	int err = entry_open_with(sockets, entry, fds, n);

	if (err < 0 && n > 0) /* else the next try finds the port taken */
		handover_forget(&place);
	return err;
}

/* Gives the socket to the service manager, if there is one, for the next process. */
static void entry_keep(const struct entry *entry)
{
	const struct handover_place place = entry_place(entry);
	int fds[UDP_MAX_THREADS];
	size_t n = 1;

	if (entry->tcp)
		fds[0] = tcp_listener_fd(entry->listener);
	else
		n = udp_fds(entry->udp, fds);
	handover_keep(&place, fds, n);
}

static void entry_open(struct sockets *sockets, struct entry *entry)
{
	int err = entry_try_open(sockets, entry);

	if (err == 0) {
		entry_log_success(entry);
		entry_keep(entry);
		return;
	}
	entry_log_failure(entry, err);
	entry->patience_ms = entry->patience_ms ? 2 * entry->patience_ms : RETRY_FIRST_MS;
	if (entry->patience_ms > RETRY_LAST_MS)
		entry->patience_ms = RETRY_LAST_MS;
	entry->retry_ms = clock_now_ms() + entry->patience_ms;
}

static void entry_free(struct entry *entry)
{
	udp_close(entry->udp);
	tcp_listener_close(entry->listener);
	free(entry);
}

/* Closes the socket, and makes the service manager forget it. */
static void entry_close(struct entry *entry)
{
	const struct handover_place place = entry_place(entry);

	if (entry_is_open(entry)) {
		handover_forget(&place);
		log_info("listen", "%s: no longer serving %s port %u by %s",
			entry->spec.view->name, addr_str(&entry->spec.addr), entry->spec.port,
			entry_protocol(entry));
	}
	entry_free(entry);
}

static bool entry_has_place(const struct entry *entry, const struct socket_spec *spec)
{
	return entry->spec.port == spec->port && addr_eq(&entry->spec.addr, &spec->addr);
}

static bool entry_has_spec(const struct entry *entry, const struct socket_spec *spec)
{
	return entry_has_place(entry, spec) && entry->spec.view == spec->view &&
	       (entry->tcp || entry->spec.n_threads == spec->n_threads);
}

/* ---- all of them ---- */

static void sockets_arm_retry(struct sockets *sockets)
{
	int64_t first_ms = INT64_MAX;

	for (size_t i = 0; i < sockets->n; i++)
		if (!entry_is_open(sockets->entries[i]) &&
			sockets->entries[i]->retry_ms < first_ms)
			first_ms = sockets->entries[i]->retry_ms;
	if (first_ms == INT64_MAX) {
		event_del(sockets->retry);
		return;
	}

	int64_t in_ms = first_ms - clock_now_ms();
	timer_arm_ms(sockets->retry, in_ms < 1 ? 1 : in_ms);
}

static void sockets_on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct sockets *sockets = arg;
	int64_t now_ms = clock_now_ms();

	(void)fd;
	(void)what;
	for (size_t i = 0; i < sockets->n; i++)
		if (!entry_is_open(sockets->entries[i]) &&
			sockets->entries[i]->retry_ms <= now_ms)
			entry_open(sockets, sockets->entries[i]);
	sockets_arm_retry(sockets);
}

/* The workers only count: a log line may have to wait for the reader of the log. */
static void sockets_on_losses(evutil_socket_t fd, short what, void *arg)
{
	struct sockets *sockets = arg;
	int64_t now_ms = clock_now_ms();

	(void)fd;
	(void)what;
	for (size_t i = 0; i < sockets->n; i++) {
		struct entry *entry = sockets->entries[i];
		const struct loss_place place = {
			entry->spec.view->name, entry->spec.addr, entry->spec.port};
		uint64_t totals[STATS_N_COUNTERS] = {0};

		if (!entry->udp)
			continue;
		udp_count(entry->udp, totals);
		loss_log(&entry->loss, &place, totals, now_ms);
	}
}

void sockets_retry(struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->n; i++)
		if (!entry_is_open(sockets->entries[i])) {
			sockets->entries[i]->patience_ms = 0;
			entry_open(sockets, sockets->entries[i]);
		}
	sockets_arm_retry(sockets);
}

static struct entry *sockets_find(
	struct sockets *sockets, const struct socket_spec *spec, bool tcp)
{
	for (size_t i = 0; i < sockets->n; i++)
		if (sockets->entries[i]->tcp == tcp &&
			entry_has_spec(sockets->entries[i], spec))
			return sockets->entries[i];
	return NULL;
}

/* Closes the sockets that are not wanted: all, or only those in the place of `spec`. */
static void sockets_close_unwanted(
	struct sockets *sockets, const struct socket_spec *spec, bool tcp)
{
	size_t kept = 0;

	for (size_t i = 0; i < sockets->n; i++) {
		struct entry *entry = sockets->entries[i];
		bool meant = !spec || (entry->tcp == tcp && entry_has_place(entry, spec));

		if (!meant || entry->is_wanted) {
			sockets->entries[kept++] = entry;
			continue;
		}
		entry_close(entry);
	}
	sockets->n = kept;
}

/* Marks the socket as wanted. Adds it, not yet open, if it is new. */
static int sockets_add_wanted(
	struct sockets *sockets, const struct socket_spec *spec, bool tcp)
{
	struct entry *entry = sockets_find(sockets, spec, tcp);

	if (entry) {
		entry->is_wanted = true;
		return 0;
	}
	struct entry **entries = reallocarray(
		sockets->entries, sockets->n + 1, sizeof(struct entry *));
	if (!entries)
		return -ENOMEM;
	sockets->entries = entries;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->spec = *spec;
	entry->tcp = tcp;
	entry->is_wanted = true;
	sockets->entries[sockets->n++] = entry;
	return 0;
}

void sockets_apply(struct sockets *sockets, const struct socket_spec *specs, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < sockets->n; i++)
		sockets->entries[i]->is_wanted = false;
	for (size_t i = 0; i < n && err == 0; i++)
		for (int tcp = 0; tcp < 2 && err == 0; tcp++)
			err = sockets_add_wanted(sockets, &specs[i], tcp);
	if (err < 0)
		log_error(err, "listen", "not all sockets can be opened");

	/* new before old, but for one that stands in the place of a new one: an address that
	 * moved to another uplink, or another number of threads */
	for (size_t i = 0; i < n; i++)
		for (int tcp = 0; tcp < 2; tcp++)
			sockets_close_unwanted(sockets, &specs[i], tcp);
	sockets_retry(sockets);
	sockets_close_unwanted(sockets, NULL, false);
	handover_discard(sockets->handover);
	sockets_arm_retry(sockets);
}

void sockets_free(struct sockets *sockets)
{
	if (!sockets)
		return;
	for (size_t i = 0; i < sockets->n; i++)
		entry_free(sockets->entries[i]);
	free(sockets->entries);
	handover_free(sockets->handover);
	event_freep(&sockets->retry);
	event_freep(&sockets->losses);
	free(sockets);
}

int sockets_new(struct event_base *base, struct tcp_server *tcp, struct sockets **ret_sockets)
{
	const struct timeval every = {.tv_sec = LOSSES_S};
	struct sockets *sockets = calloc(1, sizeof(*sockets));

	if (!sockets)
		return -ENOMEM;
	sockets->base = base;
	sockets->tcp = tcp;
	sockets->retry = evtimer_new(base, sockets_on_retry, sockets);
	sockets->losses = event_new(base, -1, EV_PERSIST, sockets_on_losses, sockets);
	if (!sockets->retry || !sockets->losses || event_add(sockets->losses, &every) < 0 ||
		handover_new(&sockets->handover) < 0) {
		sockets_free(sockets);
		return -ENOMEM;
	}
	*ret_sockets = sockets;
	return 0;
}

/* ---- for status ---- */

void sockets_count(const struct sockets *sockets, const struct view *view, bool tcp,
	uint64_t totals[STATS_N_COUNTERS])
{
	for (size_t i = 0; i < sockets->n; i++) {
		const struct entry *entry = sockets->entries[i];

		if (entry->spec.view != view || entry->tcp != tcp)
			continue;
		if (entry->udp)
			udp_count(entry->udp, totals);
		if (entry->listener)
			tcp_count(entry->listener, totals);
	}
}

size_t sockets_n(const struct sockets *sockets)
{
	return sockets->n;
}

size_t sockets_n_open(const struct sockets *sockets)
{
	size_t n = 0;

	for (size_t i = 0; i < sockets->n; i++)
		n += entry_is_open(sockets->entries[i]);
	return n;
}

struct socket_state sockets_state(const struct sockets *sockets, size_t i)
{
	const struct entry *entry = sockets->entries[i];
	int64_t in_ms = entry_is_open(entry) ? 0 : entry->retry_ms - clock_now_ms();

	return (struct socket_state){
		.view = entry->spec.view,
		.addr = entry->spec.addr,
		.port = entry->spec.port,
		.tcp = entry->tcp,
		.n_threads = entry->spec.n_threads,
		.is_open = entry_is_open(entry),
		.problem = entry->problem,
		.retry_in_ms = in_ms > 0 ? in_ms : 0,
	};
}
