/* statustext.c - the verb `status`: asks the running dnsd and prints what it says
 *
 * With --json the reply is printed as it is; else as tables for people, which may change with
 * each release.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/ctl/ctlrequest.h"
#include "dnsd/dnsd.h"
#include "dnsd/status.h"

json_t *status_ask(const struct cli *cli, const char *verb)
{
	AUTO(freep) char *path = cli_path(cli->runtime_dir, DNSD_SOCKET);
	json_t *reply = NULL;
	int err = path ? ctl_request(path, verb, DNSD_SOCKET_TIMEOUT_MS, &reply) : -ENOMEM;

	if (err == -ENOENT || err == -ECONNREFUSED)
		fprintf(stderr,
			"dnsd: dnsd is not running: nobody answers at %s. Started with "
			"another --runtime?\n",
			path);
	else if (err < 0)
		fprintf(stderr, "dnsd: cannot ask the running dnsd at %s: %s\n",
			path ? path : "", strerror(-err));
	if (err < 0)
		return NULL;

	const char *error = json_string_value(json_object_get(reply, "error"));
	if (error) {
		fprintf(stderr, "dnsd: %s\n", error);
		json_decref(reply);
		return NULL;
	}
	return reply;
}

/* ---- reading the reply ---- */

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

/* "a, b" in `out`, or "-". */
static const char *joined(const json_t *list, char *out, size_t cap)
{
	size_t n = 0;

	snprintf(out, cap, "-");
	for (size_t i = 0; i < json_array_size(list) && n < cap; i++)
		n += (size_t)snprintf(out + n, cap - n, "%s%s", i > 0 ? ", " : "",
			json_string_value(json_array_get(list, i)));
	return out;
}

/* The sum over UDP and TCP. */
static long long counted(const json_t *view, const char *counter)
{
	return number(json_object_get(view, "udp"), counter) +
	       number(json_object_get(view, "tcp"), counter);
}

static long long counted_rcode(const json_t *view, const char *rcode)
{
	const json_t *udp = json_object_get(json_object_get(view, "udp"), "rcodes");
	const json_t *tcp = json_object_get(json_object_get(view, "tcp"), "rcodes");

	return number(udp, rcode) + number(tcp, rcode);
}

/* ---- tables ---- */

/* Where the states come from, and how sure that is. */
static void print_stream(const json_t *stream)
{
	long long age_ms = number(stream, "age_ms");

	if (json_is_true(json_object_get(stream, "connected")))
		printf("routed: followed since %s, last word %lld.%lld s ago, "
		       "%lld reconnects\n",
			text(stream, "since"), age_ms / 1000, age_ms % 1000 / 100,
			number(stream, "reconnects"));
	else if (json_is_integer(json_object_get(stream, "age_ms")))
		printf("routed: LOST since %s (%s); "
		       "its word of %lld.%lld s ago counts for %lld s more\n",
			text(stream, "since"), text(stream, "error"), age_ms / 1000,
			age_ms % 1000 / 100, (number(stream, "grace_ms") + 999) / 1000);
	else
		printf("routed: NO WORD (%s): "
		       "uplinks are judged by carrier and addresses alone\n",
			text(stream, "error"));
}

static void print_head(const json_t *status)
{
	const json_t *links = json_object_get(status, "links");

	printf("dnsd %s, process %lld, running since %s\n", text(status, "version"),
		number(status, "pid"), text(status, "started"));
	printf("configuration %s of %s\n", text(status, "config"), text(status, "loaded"));
	if (json_is_string(json_object_get(status, "reload_failed")))
		printf("THE RELOAD AT %s FAILED: see the log, or run `dnsd check`\n",
			text(status, "reload_failed"));
	printf("links: %s, %lld messages, %lld overruns\n", text(links, "source"),
		number(links, "messages"), number(links, "overruns"));
	print_stream(json_object_get(status, "stream"));
	putchar('\n');
}

static const char *source_of(const json_t *view)
{
	return strcmp(text(view, "source"), "routed") == 0 ? "routed" : "mirror";
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

		joined(json_object_get(view, inside ? "addresses" : "public"), addrs,
			sizeof(addrs));
		printf("%-12s %-9s %-8s %-36s %s%s\n", text(view, "name"),
			inside ? "-" : text(view, "state"), inside ? "-" : source_of(view),
			addrs, inside ? "the LAN" : text(view, "why"),
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
			printf("%-12s %-12s %s\n", text(server, "name"), text(dead, "uplink"),
				text(dead, "why"));
		}
	}
}

static const char *way_trouble(const json_t *socket, const char *way)
{
	if (!json_is_true(json_object_get(socket, "leaves_wrong")))
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
		const char *way = text(socket, "leaves_by");

		printf("%-5s %-40s %-6lld %-12s %-8s %s%s\n", text(socket, "protocol"),
			text(socket, "address"), number(socket, "port"), text(socket, "view"),
			text(socket, "state"), *way ? way : "nowhere",
			way_trouble(socket, way));
		if (strcmp(text(socket, "state"), "open") != 0)
			printf("      tried again in %.1f s: %s\n",
				(double)number(socket, "retry_in_ms") / 1000,
				text(socket, "error"));
	}
}

static void print_zones(const json_t *zones)
{
	size_t i;
	json_t *zone;

	printf("\n%-32s %-11s %-8s %s\n", "ZONE", "SERIAL", "RECORDS", "FILE");
	json_array_foreach (zones, i, zone) {
		printf("%-32s %-11lld %-8lld %s\n", text(zone, "name"), number(zone, "serial"),
			number(zone, "records"), text(zone, "file"));
	}
}

static void print_parent_names(const json_t *names)
{
	size_t i;
	json_t *name;

	json_array_foreach (names, i, name) {
		char seen[256];

		printf("  %-30s %-5s %-8s %s%s%s\n", text(name, "name"), text(name, "type"),
			text(name, "state"),
			joined(json_object_get(name, "at_parent"), seen, sizeof(seen)),
			json_is_string(json_object_get(name, "why")) ? ": " : "",
			json_is_string(json_object_get(name, "why")) ? text(name, "why") : "");
	}
}

/* Zones whose addresses are kept current at the parent. */
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
			text(zone, "name"), text(parent, "server"), text(parent, "state"),
			text(parent, "last_success"),
			(double)number(parent, "next_try_in_ms") / 1000);
		if (strcmp(text(parent, "state"), "failing") == 0)
			printf("  %s\n", text(parent, "why"));
		print_parent_names(json_object_get(parent, "names"));
	}
}

static void print_counters(const json_t *views)
{
	size_t i;
	json_t *view;

	printf("\n%-12s %10s %10s %10s %10s %9s %9s %9s %9s %9s %10s\n", "VIEW", "QUERIES",
		"BY TCP", "NOERROR", "NXDOMAIN", "REFUSED", "FORMERR", "NOTIMP", "TRUNCATED",
		"DROPPED", "TABLE KB");
	json_array_foreach (views, i, view) {
		if (!json_object_get(view, "udp"))
			continue;
		printf("%-12s %10lld %10lld %10lld %10lld %9lld %9lld "
		       "%9lld %9lld %9lld %10.1f\n",
			text(view, "name"), counted(view, "queries"),
			number(json_object_get(view, "tcp"), "queries"),
			counted_rcode(view, "NOERROR"), counted_rcode(view, "NXDOMAIN"),
			counted_rcode(view, "REFUSED"), counted_rcode(view, "FORMERR"),
			counted_rcode(view, "NOTIMP"), counted(view, "truncated"),
			counted(view, "dropped"),
			(double)number(json_object_get(view, "answers"), "octets") / 1024);
	}
}

void status_print(const json_t *status)
{
	const json_t *views = json_object_get(status, "views");

	print_head(status);
	print_views(views);
	print_dead(json_object_get(status, "servers"));
	print_sockets(json_object_get(status, "sockets"));
	print_zones(json_object_get(status, "zones"));
	print_parents(json_object_get(status, "zones"));
	print_counters(views);
}

static int show(const struct cli *cli)
{
	json_t *status = status_ask(cli, "status");

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
	int result = show(cli);

	/* until interrupted, or until there is nobody to ask or to show it to */
	while (cli->watch && result == EXIT_DONE && fflush(stdout) == 0) {
		sleep(1);
		result = show(cli);
	}
	return result;
}
