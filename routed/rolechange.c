/* rolechange.c - the verbs takeover and standby
 *
 * The running agent changes its role (standby.c). Where none runs, the role is saved for the
 * next one.
 */
#include "routed/rolechange.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/cli.h"
#include "common/ctl/ctlrequest.h"
#include "common/net/links.h"
#include "routed/agent/agent.h"
#include "routed/agent/paths.h"
#include "routed/agent/savedstate.h"
#include "routed/kernel/apply.h"
#include "routed/kernel/nft.h"
#include "routed/kernel/rtnl.h"
#include "routed/load.h"

static int role_save(const struct cli *cli, enum savedstate_role role)
{
	AUTO(freep) char *path = cli_path(cli->state_dir, ROUTED_SAVED_STATE);
	struct savedstate saved;

	if (!path)
		return -ENOMEM;
	int err = savedstate_make_folder(cli->state_dir);
	if (err < 0)
		return err;
	savedstate_load(path, &saved);
	saved.role = role;
	return savedstate_store(path, &saved, false);
}

/* Removes what an agent that has ended left in the kernel. */
static int withdraw_leftovers(const struct cli *cli)
{
	AUTO(freep) char *table = cli_path(cli->state_dir, ROUTED_TABLE);
	struct links *links = NULL;
	struct apply apply = {.ifname = agent_ifname};
	struct apply_result result;
	int err;

	if (!table || load_require_net_admin() < 0)
		return -EPERM;
	if ((err = links_new(NULL, NULL, NULL, &links)) == 0 &&
		(err = rtnl_new(&apply.rtnl)) == 0 &&
		(err = nft_new(NULL, table, NULL, NULL, &apply.nft)) == 0) {
		apply.ifname_arg = links;
		err = apply_withdraw(&apply, &result);
	}
	apply_fini(&apply);
	nft_free(apply.nft);
	rtnl_free(apply.rtnl);
	links_free(links);
	return err;
}

static json_t *role_request(const struct cli *cli, bool *ret_not_running)
{
	AUTO(freep) char *path = cli_path(cli->runtime_dir, ROUTED_SOCKET);
	json_t *reply = NULL;
	int err = path ? ctl_request(path, cli->verb, ROUTED_SOCKET_TIMEOUT_MS, &reply)
		       : -ENOMEM;
	const char *error = json_string_value(json_object_get(reply, "error"));

	*ret_not_running = err == -ENOENT || err == -ECONNREFUSED;
	if (err < 0 && !*ret_not_running)
		fprintf(stderr, "routed: cannot ask the running routed: %s\n", strerror(-err));
	if (!error)
		return reply;
	fprintf(stderr, "routed: %s\n", error);
	json_decref(reply);
	return NULL;
}

int rolechange_run_takeover(const struct cli *cli)
{
	bool not_running;
	AUTO(json_decrefp) json_t *reply = role_request(cli, &not_running);

	if (reply)
		return EXIT_DONE;
	if (not_running && role_save(cli, SAVEDSTATE_ACTIVE) == 0)
		fprintf(stderr, "routed: routed is not running; "
				"it takes over when it is started\n");
	return EXIT_FAILED;
}

int rolechange_run_standby(const struct cli *cli)
{
	bool not_running;
	AUTO(json_decrefp) json_t *reply = role_request(cli, &not_running);

	if (reply)
		return EXIT_DONE;
	if (!not_running)
		return EXIT_FAILED;
	int err = role_save(cli, SAVEDSTATE_STANDBY);
	int failed = withdraw_leftovers(cli);
	return err < 0 || failed < 0 ? EXIT_FAILED : EXIT_DONE;
}
