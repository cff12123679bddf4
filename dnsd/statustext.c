/* statustext.c - the verb `status`: asks the running dnsd and prints its reply
 *
 * With --json it prints the reply as it is, else as tables for people, which may change with
 * each release.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/ctl/ctlask.h"
#include "dnsd/dnsd.h"
#include "dnsd/status.h"
#include "dnsd/wire/stats.h"

json_t *status_ask(const struct cli *cli)
{
	const struct ctlask ask = {.program = "dnsd",
		.socket = DNSD_SOCKET,
		.timeout_ms = DNSD_SOCKET_TIMEOUT_MS};

	return ctlask(&ask, cli, NULL);
}

/* ---- tables ---- */

/* The source of the states, and whether it is current. */
static void print_routed(const json_t *stream)
{
	long long age_ms = reply_number(stream, "age_ms");

	if (json_is_true(json_object_get(stream, "connected")))
		printf("routed: followed since %s, last report %lld.%lld s ago, "
		       "%lld reconnects\n",
			reply_text(stream, "since"), age_ms / 1000, age_ms % 1000 / 100,
			reply_number(stream, "reconnects"));
	else if (json_is_integer(json_object_get(stream, "age_ms")))
		printf("routed: LOST since %s (%s); "
		       "its report of %lld.%lld s ago counts for %lld s more\n",
			reply_text(stream, "since"), reply_text(stream, "error"),
			age_ms / 1000, age_ms % 1000 / 100,
			(reply_number(stream, "grace_ms") + 999) / 1000);
	else
		printf("routed: NO REPORT (%s): "
		       "uplinks are judged by carrier and addresses alone\n",
			reply_text(stream, "error"));
}

static void print_status_head(const json_t *status)
{
	const json_t *links = json_object_get(status, "links");

	printf("dnsd %s, process %lld, running since %s\n", reply_text(status, "version"),
		reply_number(status, "pid"), reply_text(status, "started"));
	printf("configuration %s of %s\n", reply_text(status, "config"),
		reply_text(status, "loaded"));
	if (json_is_string(json_object_get(status, "reload_failed")))
		printf("THE RELOAD AT %s FAILED: see the log, or run `dnsd check`\n",
			reply_text(status, "reload_failed"));
	printf("links: %s, %lld messages, %lld overruns\n", reply_text(links, "source"),
		reply_number(links, "messages"), reply_number(links, "overruns"));
	print_routed(json_object_get(status, "routed"));
	putchar('\n');
}

static const char *state_source(const json_t *view)
{
	return strcmp(reply_text(view, "source"), "routed") == 0 ? "routed" : "mirror";
}

static void print_views(const json_t *views)
{
	size_t i;
	json_t *view;

	printf("%-12s %-9s %-8s %-36s %s\n", "VIEW", "STATE", "FROM", "ADDRESSES IN ANSWERS",
		"WHY");
	json_array_foreach (views, i, view) {
		bool inside = json_is_true(json_object_get(view, "inside"));
		bool closed = !inside && json_is_false(json_object_get(view, "inbound"));
		char addrs[256];

		reply_joined(json_object_get(view, inside ? "addresses" : "public"), addrs,
			sizeof(addrs));
		printf("%-12s %-9s %-8s %-36s %s%s\n", reply_text(view, "name"),
			inside ? "-" : reply_text(view, "state"),
			inside ? "-" : state_source(view), addrs,
			inside ? "the LAN" : reply_text(view, "why"),
			closed ? "; no view: inbound: no" : "");
	}
}

static void print_dead(const json_t *servers)
{
	size_t i, k;
	json_t *server, *dead;
	bool any = false;

	json_array_foreach (servers, i, server) {
		json_array_foreach (json_object_get(server, "dead"), k, dead) {
			if (!any)
				printf("\n%-12s %-12s %s\n", "SERVER", "DEAD ON", "WHY");
			any = true;
			printf("%-12s %-12s %s\n", reply_text(server, "name"),
				reply_text(dead, "uplink"), reply_text(dead, "why"));
		}
	}
}

static const char *egress_trouble(const json_t *socket, const char *way)
{
	if (!json_is_true(json_object_get(socket, "egress_mismatch")))
		return "";
	return *way ? ", THE WRONG INTERFACE: no rule for this source"
		    : ": NO ROUTE for this source";
}

static void print_sockets(const json_t *sockets)
{
	size_t i;
	json_t *socket;

	printf("\n%-5s %-40s %-6s %-12s %-8s %s\n", "PROTO", "ADDRESS", "PORT", "VIEW",
		"STATE", "ANSWERS LEAVE BY");
	json_array_foreach (sockets, i, socket) {
		const char *way = reply_text(socket, "egress_interface");

		printf("%-5s %-40s %-6lld %-12s %-8s %s%s\n", reply_text(socket, "protocol"),
			reply_text(socket, "address"), reply_number(socket, "port"),
			reply_text(socket, "view"), reply_text(socket, "state"),
			*way ? way : "nowhere", egress_trouble(socket, way));
		if (strcmp(reply_text(socket, "state"), "open") != 0)
			printf("      next try in %.1f s: %s\n",
				(double)reply_number(socket, "retry_in_ms") / 1000,
				reply_text(socket, "error"));
	}
}

static void print_zones(const json_t *zones)
{
	size_t i;
	json_t *zone;

	printf("\n%-32s %-11s %-8s %s\n", "ZONE", "SERIAL", "RECORDS", "FILE");
	json_array_foreach (zones, i, zone) {
		printf("%-32s %-11lld %-8lld %s\n", reply_text(zone, "name"),
			reply_number(zone, "serial"), reply_number(zone, "records"),
			reply_text(zone, "file"));
	}
}

static void print_parent_names(const json_t *names)
{
	size_t i;
	json_t *name;

	json_array_foreach (names, i, name) {
		char seen[256];

		printf("  %-30s %-5s %-8s %s%s%s\n", reply_text(name, "name"),
			reply_text(name, "type"), reply_text(name, "state"),
			reply_joined(json_object_get(name, "at_parent"), seen, sizeof(seen)),
			json_is_string(json_object_get(name, "why")) ? ": " : "",
			json_is_string(json_object_get(name, "why")) ? reply_text(name, "why")
								     : "");
	}
}

/* Zones whose addresses dnsd keeps current at the parent. */
static void print_parents(const json_t *zones)
{
	size_t i;
	json_t *zone;

	json_array_foreach (zones, i, zone) {
		const json_t *parent = json_object_get(zone, "parent");

		if (!json_is_object(parent))
			continue;
		printf("\nAT THE PARENT OF %s, primary %s: %s; "
		       "last right %s, next look in %.0f s\n",
			reply_text(zone, "name"), reply_text(parent, "server"),
			reply_text(parent, "state"), reply_text(parent, "last_success"),
			(double)reply_number(parent, "next_try_in_ms") / 1000);
		if (strcmp(reply_text(parent, "state"), "failing") == 0)
			printf("  %s\n", reply_text(parent, "why"));
		print_parent_names(json_object_get(parent, "names"));
	}
}

/* ---- counters ---- */

/* The counters of stats.h that have a heading. */
static const struct {
	const char *name;
	const char *heading;
} counters[] = {
#define ROW(COUNTER, name, heading) {(name), (heading)},
	STATS_COUNTERS(ROW)
#undef ROW
};

static const char *const shown_rcodes[] = {
	"NOERROR", "NXDOMAIN", "REFUSED", "FORMERR", "NOTIMP"};

static void print_counters_head(void)
{
	printf("\n%-12s", "VIEW");
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (counters[i].heading)
			printf(" %10s", counters[i].heading);
	printf(" %10s", "BY TCP");
	for (size_t i = 0; i < sizeof(shown_rcodes) / sizeof(shown_rcodes[0]); i++)
		printf(" %10s", shown_rcodes[i]);
	printf(" %10s\n", "TABLE KB");
}

/* Sums over UDP and TCP. */
static void print_view_counters(const json_t *view)
{
	const json_t *udp = json_object_get(view, "udp");
	const json_t *tcp = json_object_get(view, "tcp");
	const json_t *answers = json_object_get(view, "answers");

	printf("%-12s", reply_text(view, "name"));
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (counters[i].heading)
			printf(" %10lld", reply_number(udp, counters[i].name) +
						  reply_number(tcp, counters[i].name));
	printf(" %10lld", reply_number(tcp, counters[STATS_QUERIES].name));
	udp = json_object_get(udp, "rcodes");
	tcp = json_object_get(tcp, "rcodes");
	for (size_t i = 0; i < sizeof(shown_rcodes) / sizeof(shown_rcodes[0]); i++)
		printf(" %10lld", reply_number(udp, shown_rcodes[i]) +
					  reply_number(tcp, shown_rcodes[i]));
	printf(" %10.1f\n", (double)reply_number(answers, "octets") / 1024);
}

static void print_counters(const json_t *views)
{
	size_t i;
	json_t *view;

	print_counters_head();
	json_array_foreach (views, i, view)
		if (json_object_get(view, "udp"))
			print_view_counters(view);
}

/* ---- the verb ---- */

void status_print(const json_t *status)
{
	const json_t *views = json_object_get(status, "views");

	print_status_head(status);
	print_views(views);
	print_dead(json_object_get(status, "servers"));
	print_sockets(json_object_get(status, "sockets"));
	print_zones(json_object_get(status, "zones"));
	print_parents(json_object_get(status, "zones"));
	print_counters(views);
}

static int status_show(const struct cli *cli)
{
	json_t *status = status_ask(cli);

	if (!status)
		return EXIT_FAILED;
	if (cli->watch && !cli->json && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout); /* home, and clear the screen */
	if (cli->json) {
		json_dumpf(status, stdout, cli->watch ? JSON_COMPACT : JSON_INDENT(2));
		putchar('\n');
	} else {
		status_print(status);
	}
	json_decref(status);
	return EXIT_DONE;
}

int status_run(const struct cli *cli)
{
	int result = status_show(cli);

	/* until interrupted, or until dnsd or the reader of our output has gone */
	while (cli->watch && result == EXIT_DONE && fflush(stdout) == 0) {
		sleep(1);
		result = status_show(cli);
	}
	return result;
}
