/* once.c - the verbs that look at the kernel themselves, without an agent: check, plan, flush
 *
 * `plan` goes the way of reconcile.c but for the writing: it reads the file and the kernel as
 * they are now, so that it also tells what a reload would change. What only a running agent
 * knows, the states of the uplinks and gateways whose routes have gone, it asks for; without
 * one it takes an uplink for up that has carrier, address and gateway.
 */
#include "routed/once.h"

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
#include "routed/kernel/nft.h"
#include "routed/kernel/nftdiff.h"
#include "routed/kernel/plan.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/sysctl.h"
#include "routed/load.h"
#include "routed/report/statustext.h"

enum { STEP_TEXT_MAX = 512 };

static int load_and_print(const struct cli *cli, bool warnings, struct site **ret_site)
{
	struct report report;

	report_init(&report);
	int err = load_site(cli->config, NULL, &report, ret_site);
	if (err < 0 || warnings)
		report_print(&report, stderr);
	report_fini(&report);
	return err;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

int once_run_check(const struct cli *cli)
{
	struct site *site = NULL;
	size_t n_forwards = 0;

	if (load_and_print(cli, true, &site) < 0)
		return EXIT_FAILED;
	for (size_t i = 0; i < site->n_servers; i++)
		n_forwards += site->servers[i].n_ports;
	printf("%s: %zu uplink%s, %zu server%s, %zu forward%s: ok\n", cli->config,
		site->n_uplinks, plural(site->n_uplinks), site->n_servers,
		plural(site->n_servers), n_forwards, plural(n_forwards));
	site_free(site);
	return EXIT_DONE;
}

/* ---- plan ---- */

/* What a look at the kernel needs. */
struct look {
	const struct cli *cli;
	struct site *site;
	struct links *links;
	struct rtnl *rtnl;
	struct nft *nft;
	struct gateways gateways;
	struct situation situation;
	struct savedstate saved;
	json_t *agent; /* its status; NULL: none runs */
};

static void look_fini(struct look *look)
{
	json_decref(look->agent);
	gateways_fini(&look->gateways);
	nft_free(look->nft);
	rtnl_free(look->rtnl);
	links_free(look->links);
	site_free(look->site);
}

static int read_routes(struct look *look)
{
	int ifindexes[SITE_MAX_UPLINKS] = {0};

	for (size_t i = 0; i < look->site->n_uplinks; i++) {
		const struct link *link = links_find(
			look->links, look->site->uplinks[i].interface);

		ifindexes[i] = link ? link->ifindex : 0;
	}
	mainroutes_follow(&look->gateways.main, ifindexes, look->site->n_uplinks);
	return gateways_read(&look->gateways, look->rtnl);
}

static int look_init(struct look *look, const struct cli *cli)
{
	AUTO(freep) char *table = cli_path(cli->state_dir, ROUTED_TABLE);
	AUTO(freep) char *kept = cli_path(cli->state_dir, ROUTED_SAVED_STATE);
	AUTO(json_decrefp) json_t *request = json_pack("{s:s}", "verb", "status");
	int err;

	*look = (struct look){.cli = cli};
	if (!table || !kept || !request)
		return -ENOMEM;
	if ((err = load_and_print(cli, false, &look->site)) < 0 ||
		(err = load_privilege()) < 0 ||
		(err = links_new(NULL, NULL, NULL, &look->links)) < 0 ||
		(err = rtnl_new(&look->rtnl)) < 0 ||
		(err = nft_new(NULL, table, NULL, NULL, &look->nft)) < 0 ||
		(err = read_routes(look)) < 0)
		return err;
	savedstate_load(kept, &look->saved);
	look->agent = statustext_ask(cli, request, true);
	return 0;
}

static const json_t *agent_uplink(const struct look *look, const char *name)
{
	const json_t *uplinks = json_object_get(look->agent, "uplinks");

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

static void learn(const struct look *look, size_t i, struct situation_learned *ret_learned)
{
	const char *interface = look->site->uplinks[i].interface;
	const struct link *link = links_find(look->links, interface);

	*ret_learned = (struct situation_learned){0};
	situation_learn(&look->gateways, link, ret_learned);
}

static enum uplink_state state_of(const struct look *look, size_t i, const json_t *agent)
{
	const struct situation_uplink *uplink = &look->situation.uplinks[i];
	const struct savedstate_uplink *kept = savedstate_find(
		&look->saved, look->site->uplinks[i].name);
	const char *text = json_string_value(json_object_get(agent, "state"));

	for (enum uplink_state state = UPLINK_UP; text && state <= UPLINK_DRAINED; state++)
		if (strcmp(text, uplink_state_str(state)) == 0)
			return state;
	if (kept && kept->drained)
		return UPLINK_DRAINED;
	return uplink->carrier && (situation_can_route(uplink, SITE_IPV4) ||
					  situation_can_route(uplink, SITE_IPV6))
		       ? UPLINK_UP
		       : UPLINK_DOWN;
}

static void look_around(struct look *look)
{
	struct situation_learned learned[SITE_MAX_UPLINKS] = {0};
	const json_t *agents[SITE_MAX_UPLINKS] = {0};

	for (size_t i = 0; i < look->site->n_uplinks; i++) {
		agents[i] = agent_uplink(look, look->site->uplinks[i].name);
		learn(look, i, &learned[i]);
		if (agents[i])
			learn_from_agent(agents[i], &learned[i]);
	}
	situation_make(look->site, look->links, learned, &look->situation);
	for (size_t i = 0; i < look->site->n_uplinks; i++)
		look->situation.uplinks[i].state = state_of(look, i, agents[i]);
}

static void print_table(struct look *look)
{
	AUTO(freep) char *wanted = wanted_nft(look->site, &look->situation);
	AUTO(freep) char *lines = nftdiff_lines(nft_current(look->nft), wanted);

	fputs(lines, stdout);
}

static int print_steps(struct look *look)
{
	struct decision decision = decide(look->site, &look->situation);
	struct kernel wanted, actual = {0};
	struct plan plan;
	char line[STEP_TEXT_MAX];

	int err = rtnl_read(look->rtnl, &actual);
	if (err < 0)
		return err;
	wanted_kernel(look->site, &look->situation, &decision, &wanted);
	sysctl_read_all(&wanted, &actual);
	plan_diff(&actual, &wanted, &plan);
	for (size_t i = 0; i < plan.n_steps; i++)
		puts(plan_step_str(
			&plan.steps[i], agent_ifname, look->links, line, sizeof(line)));
	plan_fini(&plan);
	kernel_fini(&wanted);
	kernel_fini(&actual);
	return 0;
}

int once_run_plan(const struct cli *cli)
{
	struct look look;
	int err = look_init(&look, cli);

	if (err == 0) {
		look_around(&look);
		print_table(&look);
		err = print_steps(&look);
	}
	look_fini(&look);
	return err < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* ---- flush ---- */

/* An agent that runs would put it all back at once. */
static bool is_running(const struct cli *cli)
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

int once_run_flush(const struct cli *cli)
{
	AUTO(freep) char *table = cli_path(cli->state_dir, ROUTED_TABLE);
	AUTO(freep) char *sysctls = cli_path(cli->state_dir, ROUTED_SYSCTLS);
	struct links *links = NULL;
	struct apply apply = {.ifname = agent_ifname};
	struct apply_result result;
	int err;

	if (!table || !sysctls || load_privilege() < 0 || is_running(cli))
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
