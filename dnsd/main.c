/* main.c - the verbs of dnsd
 *
 * Each verb is one function that returns the exit status; common/cli.c parses the options.
 */
#include <stdio.h>

#include "common/cli.h"
#include "common/ctl/reload.h"
#include "common/net/links.h"
#include "dnsd/config.h"
#include "dnsd/delegationask.h"
#include "dnsd/dnsd.h"
#include "dnsd/state/factslinks.h"
#include "dnsd/status.h"
#include "dnsd/verify/verify.h"

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void print_summary(const char *path, const struct config *config)
{
	const struct site *site = config->site;
	int views[DNSD_MAX_VIEWS];
	size_t n_views = config_views(config, views);
	size_t n_records = 0;

	for (size_t i = 0; i < config->n_zones; i++)
		n_records += config->zones[i]->n_records;
	printf("%s: %zu uplink%s, %zu server%s, %zu zone%s (%zu record%s), %zu view%s: ok\n",
		path, site->n_uplinks, plural(site->n_uplinks), site->n_servers,
		plural(site->n_servers), config->n_zones, plural(config->n_zones), n_records,
		plural(n_records), n_views, plural(n_views));
}

/* Warnings that need this machine's addresses; on another machine there are none. */
static void check_advise(const struct config *config, struct report *report)
{
	struct links *links = NULL;
	struct site_links site_links = {0};
	struct facts facts = {0};

	if (links_new(NULL, NULL, NULL, &links) == 0 &&
		site_links_find(config->site, links, &site_links) == 0 &&
		facts_from_links(config->site, &site_links, &facts) == 0)
		config_advise(config, &facts, report);
	facts_fini(&facts);
	site_links_fini(&site_links);
	links_free(links);
}

static int check_run(const struct cli *cli)
{
	struct config *config = NULL;
	struct report report;

	report_init(&report);
	int err = config_load(cli->config, &report, &config);
	if (err == 0)
		check_advise(config, &report);
	report_print(&report, stderr);
	report_fini(&report);
	if (err == 0)
		print_summary(cli->config, config);
	config_free(config);
	return err == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int reload_run(const struct cli *cli)
{
	return reload_ask(cli, "dnsd", DNSD_SOCKET);
}

static const struct cli_verb verbs[] = {
	{.name = "check",
		.args = "",
		.summary = "validates site.yaml and the zones",
		.run = check_run},
	{.name = "run",
		.args = "",
		.summary = "answers queries; SIGHUP reloads, SIGTERM ends",
		.run = dnsd_run},
	{.name = "reload",
		.args = "",
		.summary = "the running dnsd reads its files again and reports their mistakes",
		.run = reload_run},
	{.name = "status",
		.args = "",
		.summary = "views, sockets, zones and counters of the running dnsd",
		.run = status_run,
		.takes_json = true,
		.takes_watch = true},
	{.name = "delegation",
		.args = "ZONE",
		.summary = "what to paste into the parent zone",
		.run = delegation_run,
		.n_args = 1},
	{.name = "verify",
		.args = "ZONE",
		.summary = "whether the parent's delegation leads to us",
		.run = verify_run,
		.n_args = 1,
		.takes_json = true,
		.options = verify_options},
	{.name = NULL},
};

int main(int argc, char **argv)
{
	return cli_main(argc, argv, "dnsd",
		"Authoritative DNS server with one view per uplink, "
		"chosen by the address asked.",
		verbs);
}
