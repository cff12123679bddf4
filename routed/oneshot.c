/* oneshot.c - verbs that read the kernel themselves, without an agent: check, plan, flush
 *
 * `plan` takes the steps of reconcile.c without the writing: it reads the file and the kernel
 * as they are now, so it also shows the changes that a reload would make. It asks the running
 * agent for what only that knows: the states of the uplinks, and gateways whose routes have
 * gone. If no agent runs, an uplink with carrier, address and gateway counts as up.
 */
#include "routed/oneshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/net/family.h"
#include "common/net/links.h"
#include "routed/agent/agent.h"
#include "routed/agent/paths.h"
#include "routed/agent/savedstate.h"
#include "routed/kernel/apply.h"
#include "routed/kernel/gateways.h"
#include "routed/kernel/mainroutes.h"
#include "routed/kernel/nft.h"
#include "routed/kernel/nftdiff.h"
#include "routed/kernel/plan.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/sysctl.h"
#include "routed/load.h"
#include "routed/report/statustext.h"
#include "routed/wanted/decide.h"
#include "routed/wanted/nfttext.h"
#include "routed/wanted/situation.h"
#include "routed/wanted/wanted.h"

enum { STEP_TEXT_MAX = 512 };

static int site_load_and_print(const struct cli *cli, bool warnings, struct site **ret_site)
{
	struct report report;

	report_init(&report);
	int err = load_site(cli->config, NULL, &report, ret_site);
	if (err < 0 || warnings)
		report_print(&report, stderr);
	report_fini(&report);
	return err;
}

static const char *plural_s(size_t n)
{
	return n == 1 ? "" : "s";
}

int oneshot_run_check(const struct cli *cli)
{
	struct site *site = NULL;
	size_t n_forwards = 0;

	if (site_load_and_print(cli, true, &site) < 0)
		return EXIT_FAILED;
	for (size_t i = 0; i < site->n_servers; i++)
		n_forwards += site->servers[i].n_ports;
	printf("%s: %zu uplink%s, %zu server%s, %zu forward%s: ok\n", cli->config,
		site->n_uplinks, plural_s(site->n_uplinks), site->n_servers,
		plural_s(site->n_servers), n_forwards, plural_s(n_forwards));
	site_free(site);
	return EXIT_DONE;
}

/* ---- plan ---- */

/* The site, the kernel and the agent as they are now. */
struct snapshot {
	const struct cli *cli;
	struct site *site;
	struct links *links;
	struct rtnl *rtnl;
	struct nft *nft;
	struct gateways gateways;
	struct situation situation;
	struct savedstate saved;
	json_t *agent; /* its status; NULL: no agent runs */
};

static void snapshot_fini(struct snapshot *snapshot)
{
	json_decref(snapshot->agent);
	gateways_fini(&snapshot->gateways);
	nft_free(snapshot->nft);
	rtnl_free(snapshot->rtnl);
	links_free(snapshot->links);
	site_free(snapshot->site);
}

static int snapshot_read_routes(struct snapshot *snapshot)
{
	int ifindexes[SITE_MAX_UPLINKS] = {0};

	for (size_t i = 0; i < snapshot->site->n_uplinks; i++) {
		const struct link *link = links_find(
			snapshot->links, snapshot->site->uplinks[i].interface);

		ifindexes[i] = link ? link->ifindex : 0;
	}
	mainroutes_follow(&snapshot->gateways.main, ifindexes, snapshot->site->n_uplinks);
	return gateways_read(&snapshot->gateways, snapshot->rtnl);
}

static int snapshot_init(struct snapshot *snapshot, const struct cli *cli)
{
	AUTO(freep) char *table = cli_path(cli->state_dir, ROUTED_TABLE);
	AUTO(freep) char *saved = cli_path(cli->state_dir, ROUTED_SAVED_STATE);
	AUTO(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "status");
	int err;

	*snapshot = (struct snapshot){.cli = cli};
	if (!table || !saved || !request)
		return -ENOMEM;
	if ((err = site_load_and_print(cli, false, &snapshot->site)) < 0 ||
		(err = load_require_net_admin()) < 0 ||
		(err = links_new(NULL, NULL, NULL, &snapshot->links)) < 0 ||
		(err = rtnl_new(&snapshot->rtnl)) < 0 ||
		(err = nft_new(NULL, table, NULL, NULL, &snapshot->nft)) < 0 ||
		(err = snapshot_read_routes(snapshot)) < 0)
		return err;
	savedstate_load(saved, &snapshot->saved);
	snapshot->agent = statustext_ask(cli, request, true);
	return 0;
}

static const json_t *snapshot_agent_uplink(const struct snapshot *snapshot, const char *name)
{
	const json_t *uplinks = json_object_get(snapshot->agent, "uplinks");

	for (size_t i = 0; i < json_array_size(uplinks); i++) {
		const json_t *uplink = json_array_get(uplinks, i);
		const char *known = json_string_value(json_object_get(uplink, "name"));

		if (known && strcmp(known, name) == 0)
			return uplink;
	}
	return NULL;
}

static void learn_from_agent(const json_t *uplink, struct situation_learned *learned)
{
	const json_t *gateways = json_object_get(uplink, "gateways");

	for (size_t i = 0; i < json_array_size(gateways); i++) {
		const char *text = json_string_value(json_array_get(gateways, i));
		struct addr addr;

		if (!text || addr_parse(text, &addr) < 0)
			continue;
		enum site_family family = family_of(addr.family);
		if (!addr_is_set(&learned->gateway[family]))
			learned->gateway[family] = addr;
	}
	learned->no_carrier = json_is_false(json_object_get(uplink, "carrier"));
	learned->lost_ipv6 = json_is_false(json_object_get(uplink, "unnumbered"));
}

static enum uplink_state snapshot_state(
	const struct snapshot *snapshot, size_t i, const json_t *agent)
{
	const struct situation_uplink *uplink = &snapshot->situation.uplinks[i];
	const struct savedstate_uplink *saved = savedstate_find(
		&snapshot->saved, snapshot->site->uplinks[i].name);
	const char *text = json_string_value(json_object_get(agent, "state"));

	for (enum uplink_state state = UPLINK_UP; text && state <= UPLINK_DRAINED; state++)
		if (strcmp(text, uplink_state_str(state)) == 0)
			return state;
	if (saved && saved->drained)
		return UPLINK_DRAINED;
	return uplink->carrier && (situation_can_route(uplink, SITE_IPV4) ||
					  situation_can_route(uplink, SITE_IPV6))
		       ? UPLINK_UP
		       : UPLINK_DOWN;
}

static void snapshot_make_situation(struct snapshot *snapshot)
{
	struct situation_learned learned[SITE_MAX_UPLINKS] = {0};
	const json_t *agents[SITE_MAX_UPLINKS] = {0};

	for (size_t i = 0; i < snapshot->site->n_uplinks; i++) {
		const struct site_uplink *config = &snapshot->site->uplinks[i];

		agents[i] = snapshot_agent_uplink(snapshot, config->name);
		situation_learn(&snapshot->gateways,
			links_find(snapshot->links, config->interface), &learned[i]);
		if (agents[i])
			learn_from_agent(agents[i], &learned[i]);
	}
	situation_make(snapshot->site, snapshot->links, learned, &snapshot->situation);
	for (size_t i = 0; i < snapshot->site->n_uplinks; i++)
		snapshot->situation.uplinks[i].state = snapshot_state(snapshot, i, agents[i]);
}

static void plan_print_table(struct snapshot *snapshot)
{
	AUTO(nfttable_unrefp)
	struct nfttable *wanted = wanted_nft(snapshot->site, &snapshot->situation);
	AUTO(freep) char *lines = nftdiff_lines(nft_current(snapshot->nft), wanted);

	fputs(lines, stdout);
}

static int plan_print_steps(struct snapshot *snapshot)
{
	struct decision decision = decide(snapshot->site, &snapshot->situation);
	struct kernel wanted, actual = {0};
	struct plan plan;
	char line[STEP_TEXT_MAX];

	int err = rtnl_read(snapshot->rtnl, &actual);
	if (err < 0)
		return err;
	wanted_kernel(snapshot->site, &snapshot->situation, &decision, &wanted);
	sysctl_read_all(&wanted, &actual);
	plan_diff(&actual, &wanted, &plan);
	for (size_t i = 0; i < plan.n_steps; i++)
		puts(plan_step_str(
			&plan.steps[i], agent_ifname, snapshot->links, line, sizeof(line)));
	plan_fini(&plan);
	kernel_fini(&wanted);
	kernel_fini(&actual);
	return 0;
}

int oneshot_run_plan(const struct cli *cli)
{
	struct snapshot snapshot;
	int err = snapshot_init(&snapshot, cli);

	if (err == 0) {
		snapshot_make_situation(&snapshot);
		plan_print_table(&snapshot);
		err = plan_print_steps(&snapshot);
	}
	snapshot_fini(&snapshot);
	return err < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* ---- flush ---- */

/* A running agent would put everything back at once. */
static bool agent_is_running(const struct cli *cli)
{
	AUTO(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "status");
	AUTO(json_decrefp) json_t *status = statustext_ask(cli, request, true);

	if (!status)
		return false;
	fprintf(stderr,
		"routed: routed is running (process %lld) "
		"and would put everything back; stop it first\n",
		(long long)json_integer_value(json_object_get(status, "pid")));
	return true;
}

int oneshot_run_flush(const struct cli *cli)
{
	AUTO(freep) char *table = cli_path(cli->state_dir, ROUTED_TABLE);
	AUTO(freep) char *sysctls = cli_path(cli->state_dir, ROUTED_SYSCTLS);
	struct links *links = NULL;
	struct apply apply = {.ifname = agent_ifname};
	struct apply_result result;
	int err;

	if (!table || !sysctls || load_require_net_admin() < 0 || agent_is_running(cli))
		return EXIT_FAILED;
	if ((err = links_new(NULL, NULL, NULL, &links)) == 0 &&
		(err = rtnl_new(&apply.rtnl)) == 0 &&
		(err = nft_new(NULL, table, NULL, NULL, &apply.nft)) == 0 &&
		(err = sysctl_store_new(sysctls, &apply.sysctls)) == 0) {
		apply.ifname_arg = links;
		err = apply_flush(&apply, &result);
	}
	apply_fini(&apply);
	sysctl_store_free(apply.sysctls);
	nft_free(apply.nft);
	rtnl_free(apply.rtnl);
	links_free(links);
	return err < 0 ? EXIT_FAILED : EXIT_DONE;
}
