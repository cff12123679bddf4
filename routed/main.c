/* main.c - the verbs of routed
 *
 * Each verb is one function that returns the exit status; common/cli.c parses the options.
 */
#include <stddef.h>

#include "common/cli.h"
#include "common/ctl/reload.h"
#include "routed/agent/paths.h"
#include "routed/doctor/doctor.h"
#include "routed/drain.h"
#include "routed/oneshot.h"
#include "routed/report/statustext.h"
#include "routed/rolechange.h"
#include "routed/routed.h"
#include "routed/serverconf.h"

static const struct cli_option drain_options[] = {
	{.name = "force", .summary = "also the last usable uplink"},
	{.name = "wait",
		.value = "[TIME]",
		.summary = "waits until no connection is left, or TIME (90s, 5m) is over",
		.is_value = drain_is_time},
	{.name = NULL},
};

static const struct cli_option run_options[] = {
	{.name = "standby", .summary = "routes nothing until `routed takeover`"},
	{.name = NULL},
};

static const struct cli_option server_config_options[] = {
	{.name = "format",
		.value = "NAME",
		.summary = "networkd, netplan, ifupdown or windows"},
	{.name = NULL},
};

static int routed_run_reload(const struct cli *cli)
{
	return reload_ask(cli, "routed", ROUTED_SOCKET);
}

static const struct cli_verb verbs[] = {
	{.name = "check",
		.args = "",
		.summary = "checks site.yaml, and has the kernel check the nftables table",
		.run = oneshot_run_check},
	{.name = "run",
		.args = "",
		.summary = "tracks the uplinks; SIGHUP reloads, SIGTERM ends",
		.run = routed_run,
		.options = run_options},
	{.name = "reload",
		.args = "",
		.summary = "the running routed reads site.yaml again, and reports mistakes",
		.run = routed_run_reload},
	{.name = "status",
		.args = "",
		.summary = "shows the uplinks, probe targets, servers and repairs of routed",
		.run = statustext_run,
		.takes_json = true,
		.takes_watch = true},
	{.name = "plan",
		.args = "",
		.summary = "shows what routed would change in the kernel now",
		.run = oneshot_run_plan},
	{.name = "events",
		.args = "",
		.summary = "prints changes of state as they happen, as JSON lines",
		.run = statustext_run_events},
	{.name = "drain",
		.args = "UPLINK",
		.summary = "gives an uplink no new connections",
		.run = drain_run,
		.n_args = 1,
		.options = drain_options},
	{.name = "undrain",
		.args = "UPLINK",
		.summary = "uses the uplink again; also ends a manual failback",
		.run = drain_run_undrain,
		.n_args = 1},
	{.name = "takeover",
		.args = "",
		.summary = "this router of two routes from now on",
		.run = rolechange_run_takeover},
	{.name = "standby",
		.args = "",
		.summary = "this router stands by: withdraws routes, rules and NAT",
		.run = rolechange_run_standby},
	{.name = "flush",
		.args = "",
		.summary = "removes everything that routed put into the kernel",
		.run = oneshot_run_flush},
	{.name = "server-config",
		.args = "SERVER",
		.summary = "prints the addresses to configure on an inside server",
		.run = serverconf_run,
		.n_args = 1,
		.options = server_config_options},
	{.name = "doctor",
		.args = "",
		.summary = "finds settings of this machine that break routing, and the remedy",
		.run = doctor_run,
		.takes_json = true},
	{.name = NULL},
};

int main(int argc, char **argv)
{
	return cli_main(argc, argv, "routed",
		"Routing agent for a site with several uplinks: probes them, and keeps "
		"routes, rules and NAT as site.yaml says.",
		verbs);
}
