/* statustext.c - the verbs that ask the running agent: status, events
 *
 * With --json the reply is printed as it is; else as tables for people, which may change with
 * each release. The other verbs are in drain.c, rolechange.c and oneshot.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/ctl/ctlask.h"
#include "common/ctl/ctlrequest.h"
#include "routed/agent/paths.h"
#include "routed/report/eventsink.h"
#include "routed/report/statustext.h"

enum { FORWARDS_SHOWN = 32 };

static const struct ctlask ask_routed = {
	.program = "routed", .socket = ROUTED_SOCKET, .timeout_ms = ROUTED_SOCKET_TIMEOUT_MS};

json_t *statustext_ask(const struct cli *cli, const json_t *request, bool is_optional)
{
	struct ctlask ask = ask_routed;

	ask.is_optional = is_optional;
	return ctlask(&ask, cli, request);
}

/* ---- the reply ---- */

/* "1.25 ms" in `out`, or "-". */
static const char *rtt_text(const json_t *object, char *out, size_t cap)
{
	const json_t *rtt = json_object_get(object, "rtt_ms");

	if (json_is_number(rtt))
		snprintf(out, cap, "%.2f ms", json_number_value(rtt));
	else
		snprintf(out, cap, "-");
	return out;
}

static double per_cent(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key)) * 100;
}

/* ---- tables ---- */

static void print_agent(const json_t *status)
{
	printf("routed %s, process %lld, running since %s\n", reply_text(status, "version"),
		reply_number(status, "pid"), reply_text(status, "started"));
	printf("configuration %s of %s, mode %s\n", reply_text(status, "config"),
		reply_text(status, "loaded"), reply_text(status, "mode"));
	if (reply_flag(status, "standby"))
		printf("STANDBY: the other router is at work; `routed takeover` ends it, "
		       "`routed plan` shows what it would do\n");
	if (json_is_string(json_object_get(status, "reload_failed")))
		printf("THE RELOAD AT %s FAILED: see the log, or run `routed check`\n",
			reply_text(status, "reload_failed"));
}

static void print_uplinks(const json_t *uplinks)
{
	size_t i;
	json_t *uplink;

	printf("\n%-12s %-9s %-6s %-20s %6s %10s  %s\n", "UPLINK", "STATE", "USED", "SINCE",
		"LOSS", "RTT", "WHY");
	json_array_foreach (uplinks, i, uplink) {
		char rtt[32];

		printf("%-12s %-9s %-6s %-20s %5.1f%% %10s  %s\n", reply_text(uplink, "name"),
			reply_text(uplink, "state"),
			reply_flag(uplink, "active") ? "yes" : "no",
			reply_text(uplink, "since"), per_cent(uplink, "loss"),
			rtt_text(uplink, rtt, sizeof(rtt)), reply_text(uplink, "why"));
		if (json_is_integer(json_object_get(uplink, "flows")))
			printf("%-12s %lld connections are left on it, %lld that went out and "
			       "%lld that came in\n",
				"", reply_number(uplink, "flows"),
				reply_number(uplink, "flows_out"),
				reply_number(uplink, "flows_in"));
	}

	printf("\n%-12s %-15s %-8s %-6s %-8s %-32s %s\n", "UPLINK", "INTERFACE", "CARRIER",
		"TABLE", "MARK", "ADDRESSES", "GATEWAY");
	json_array_foreach (uplinks, i, uplink) {
		char addrs[256];
		char gateways[256];

		printf("%-12s %-15s %-8s %-6lld %-8s %-32s %s\n", reply_text(uplink, "name"),
			reply_text(uplink, "interface"),
			reply_flag(uplink, "carrier") ? "yes" : "no",
			reply_number(uplink, "table"), reply_text(uplink, "mark_out"),
			reply_joined(
				json_object_get(uplink, "addresses"), addrs, sizeof(addrs)),
			reply_joined(json_object_get(uplink, "gateways"), gateways,
				sizeof(gateways)));
	}
}

static void print_targets(const json_t *uplinks)
{
	size_t i, k;
	json_t *uplink, *target;

	printf("\n%-12s %-36s %-9s %6s %10s %8s %10s %8s\n", "UPLINK", "TARGET", "VERDICT",
		"LOSS", "RTT", "IN A ROW", "SENT", "LOST");
	json_array_foreach (uplinks, i, uplink) {
		json_array_foreach (json_object_get(uplink, "targets"), k, target) {
			char rtt[32];
			char row[32];

			snprintf(row, sizeof(row), "%lld of %lld",
				reply_number(target, "lost_in_row"),
				reply_number(target, "fall"));
			printf("%-12s %-36s %-9s %5.1f%% %10s %8s %10lld %8lld\n",
				reply_text(uplink, "name"), reply_text(target, "target"),
				reply_text(target, "verdict"), per_cent(target, "loss"),
				rtt_text(target, rtt, sizeof(rtt)), row,
				reply_number(target, "sent"), reply_number(target, "lost"));
		}
	}
}

static void print_servers(const json_t *servers)
{
	size_t i;
	json_t *server;

	if (json_array_size(servers) == 0)
		return;
	printf("\n%-12s %-32s %-8s %s\n", "SERVER", "ADDRESS", "FORWARDS", "UPLINKS");
	json_array_foreach (servers, i, server) {
		char addrs[256];
		char names[512];

		printf("%-12s %-32s %-8lld %s\n", reply_text(server, "name"),
			reply_joined(
				json_object_get(server, "addresses"), addrs, sizeof(addrs)),
			reply_number(server, "forwards"),
			reply_joined(
				json_object_get(server, "uplinks"), names, sizeof(names)));
	}
}

static void print_check(const char *server, const json_t *check)
{
	char rtt[32];

	printf("%-12s %-12s %-32s %-6lld %-6s %-20s %10s  %s\n", server,
		reply_text(check, "uplink"), reply_text(check, "address"),
		reply_number(check, "port"), reply_flag(check, "alive") ? "alive" : "DEAD",
		reply_text(check, "since"), rtt_text(check, rtt, sizeof(rtt)),
		reply_text(check, "why"));
}

static void print_checks(const json_t *servers)
{
	size_t i, k, n = 0;
	json_t *server, *check;

	json_array_foreach (servers, i, server) {
		json_array_foreach (json_object_get(server, "checks"), k, check) {
			if (n++ == 0)
				printf("\n%-12s %-12s %-32s %-6s %-6s %-20s %10s  %s\n",
					"CHECK", "UPLINK", "ADDRESS", "PORT", "STATE", "SINCE",
					"RTT", "WHY");
			print_check(reply_text(server, "name"), check);
		}
	}
}

static void print_return_path_row(
	const char *server, const char *ports, const char *uplink, const json_t *counts)
{
	bool is_counted = json_is_integer(json_object_get(counts, "answered"));

	printf("%-12s %-20s %-12s %12lld", server, ports, uplink,
		reply_number(counts, "connections"));
	if (!is_counted)
		printf(" %12s %12s\n", "-", "-");
	else
		printf(" %12lld %12lld%s\n", reply_number(counts, "answered"),
			reply_number(counts, "wrong_uplink"),
			reply_number(counts, "wrong_uplink") > 0
				? "  answers leave by another uplink: "
				  "see `routed doctor`"
				: "");
}

/* All forwards while they fit on a screen; else the ones that had a connection. */
static void print_return_path(const json_t *status)
{
	const json_t *servers = json_object_get(status, "servers");
	const json_t *uplinks = json_object_get(status, "uplinks");
	json_t *server, *row, *uplink;
	size_t n = 0, n_quiet = 0, i, k;

	json_array_foreach (servers, i, server)
		n += json_array_size(json_object_get(server, "return_path"));
	if (n == 0)
		return;
	printf("\n%-12s %-20s %-12s %12s %12s %12s\n", "SERVER", "PORTS", "UPLINK",
		"CONNECTIONS", "ANSWERED", "WRONG UPLINK");
	json_array_foreach (uplinks, i, uplink)
		print_return_path_row("all", "", reply_text(uplink, "name"),
			json_object_get(uplink, "return_path"));
	json_array_foreach (servers, i, server) {
		json_array_foreach (json_object_get(server, "return_path"), k, row) {
			if (n > FORWARDS_SHOWN && reply_number(row, "connections") == 0)
				n_quiet++;
			else
				print_return_path_row(reply_text(server, "name"),
					reply_text(row, "ports"), reply_text(row, "uplink"),
					row);
		}
	}
	if (n_quiet > 0)
		printf("%zu more without a connection so far\n", n_quiet);
}

/* Only uplinks of which the table has dropped a packet. */
static void print_drops(const json_t *uplinks)
{
	bool is_begun = false;
	size_t i;
	json_t *uplink;

	json_array_foreach (uplinks, i, uplink) {
		long long guarded = reply_number(uplink, "packets_guarded");
		long long forged = reply_number(uplink, "packets_forged");
		long long inside = reply_number(uplink, "packets_inside_view");

		if (guarded + forged + inside == 0)
			continue;
		if (!is_begun)
			printf("\n%-12s %12s %12s %12s\n", "DROPPED FROM", "BY THE GUARD",
				"FORGED", "INSIDE VIEW");
		is_begun = true;
		printf("%-12s %12lld %12lld %12lld\n", reply_text(uplink, "name"), guarded,
			forged, inside);
	}
}

static void print_kernel(const json_t *status)
{
	const json_t *kernel = json_object_get(status, "kernel");
	const json_t *repairs = json_object_get(status, "repairs");
	const json_t *last = json_object_get(repairs, "last");
	long long pid = reply_number(last, "pid");

	printf("\nkernel: %lld routes, %lld rules, tracked default in table %lld, "
	       "table inet multihomed\n",
		reply_number(kernel, "routes"), reply_number(kernel, "rules"),
		reply_number(kernel, "table"));
	printf("repairs: %lld of routes and rules, %lld of the nftables table",
		reply_number(repairs, "steps"), reply_number(repairs, "table"));
	if (json_is_object(last) && pid)
		printf("; the last at %s, after process %lld (%s)", reply_text(last, "time"),
			pid, reply_text(last, "name"));
	else if (json_is_object(last))
		printf("; the last at %s", reply_text(last, "time"));
	putchar('\n');
}

static void statustext_print(const json_t *status)
{
	const json_t *uplinks = json_object_get(status, "uplinks");

	print_agent(status);
	print_uplinks(uplinks);
	print_targets(uplinks);
	print_servers(json_object_get(status, "servers"));
	print_checks(json_object_get(status, "servers"));
	print_return_path(status);
	print_drops(json_object_get(status, "uplinks"));
	print_kernel(status);
}

/* ---- verbs ---- */

static int statustext_show(const struct cli *cli)
{
	AUTO(json_decrefp) json_t *status = statustext_ask(cli, NULL, false);

	if (!status)
		return EXIT_FAILED;
	if (cli->watch && !cli->json)
		fputs("\033[H\033[2J", stdout); /* home, and clear the screen */
	if (cli->json) {
		json_dumpf(status, stdout,
			JSON_REAL_PRECISION(6) | (cli->watch ? JSON_COMPACT : JSON_INDENT(2)));
		putchar('\n');
	} else {
		statustext_print(status);
	}
	return EXIT_DONE;
}

int statustext_run(const struct cli *cli)
{
	int result = statustext_show(cli);

	/* until interrupted, until the agent ends, or until nothing reads the output */
	while (cli->watch && result == EXIT_DONE && fflush(stdout) == 0) {
		sleep(1);
		result = statustext_show(cli);
	}
	return result;
}

/* The first line is the present state: `status` shows that. */
static int print_event(const json_t *line, void *arg)
{
	bool *is_reply = arg;
	const char *error = json_string_value(json_object_get(line, "error"));

	if (error)
		fprintf(stderr, "routed: %s\n", error);
	if (error)
		return EXIT_FAILED;
	if (!*is_reply) {
		json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
		putchar('\n');
	}
	*is_reply = false;
	return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}

int statustext_run_events(const struct cli *cli)
{
	AUTO(freep) char *path = cli_path(cli->runtime_dir, ROUTED_SOCKET);
	bool is_reply = true;
	int err = path ? ctl_follow(path, EVENTS_VERB, ROUTED_SOCKET_TIMEOUT_MS, print_event,
				 &is_reply)
		       : -ENOMEM;

	if (err == -EPIPE)
		fprintf(stderr, "routed: routed has ended, or has closed the connection\n");
	else if (err < 0)
		ctlask_report(&ask_routed, err, path ? path : ROUTED_SOCKET);
	return EXIT_FAILED;
}
