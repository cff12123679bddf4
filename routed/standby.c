/* standby.c - one of two routers stands by: it follows the links and leaves routing alone
 *
 *               takeover
 *     standby -----------> at work      what is wanted is what site.yaml says
 *             <-----------
 *               standby                 what is wanted is next to nothing
 *
 * So withdrawing is reconcile.c's ordinary way from what is there to what is wanted, and what
 * others put back of it goes again. While it stands by nothing is probed, since the addresses
 * that probes go out from are the other router's: an uplink is what link, address and gateway
 * say. To take over is to begin anew, as after a boot: that is enough to use an uplink, until
 * the probes, which begin at once, say otherwise.
 *
 * Settings below /proc/sys stay: they do nothing without routes, and the next takeover finds
 * them. Connections stay tracked: they go on if this router is soon at work again.
 */
#include "routed/standby.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/ctl/ctlrequest.h"
#include "common/log.h"
#include "common/net/links.h"
#include "routed/kernel/rtnl.h"
#include "routed/kernel/sysctl.h"
#include "routed/load.h"
#include "routed/reconcile.h"
#include "routed/report/events.h"
#include "routed/report/status.h"
#include "routed/routed.h"
#include "routed/uplink/probe.h"

/* ---- in the agent ---- */

bool standby_at_start(const struct routed *routed)
{
	if (routed->saved.role != SAVEDSTATE_NONE)
		return routed->saved.role == SAVEDSTATE_STANDBY;
	return cli_option(routed->cli, "standby") != NULL;
}

char *standby_table(const struct routed *routed)
{
	bool forwards = sysctl_is_ours(routed->sysctls, "net/ipv4/ip_forward") ||
			sysctl_is_ours(routed->sysctls, "net/ipv6/conf/all/forwarding");

	return wanted_nft_standby(routed->site, forwards);
}

/* Nothing of what was known says anything about the path as it is now. */
static void begin_anew(struct routed *routed)
{
	for (size_t i = 0; i < routed->site->n_uplinks; i++) {
		struct routed_uplink *uplink = routed->uplinks[i];

		uplink_reset(&uplink->machine, clock_now_us());
		uplink->flows = (struct flows){0};
		uplink->was_told = false;
		if (!routed->standby)
			prober_reload(uplink->prober);
	}
	routed->gateways_dirty = true;
	routed->table_dirty = true;
}

json_t *standby_answer(struct routed *routed, bool standby)
{
	int64_t start_us = clock_now_us();
	bool changes = routed->standby != standby;

	routed->standby = standby;
	routed->saved.role = standby ? SAVEDSTATE_STANDBY : SAVEDSTATE_ACTIVE;
	if (changes) {
		begin_anew(routed);
		reconcile_now(routed);
		log_notice("standby", "%s, done in %.1f ms",
			standby ? "standing by: what was made in the kernel is withdrawn"
				: "taking over",
			(double)(clock_now_us() - start_us) / 1000);
		events_standby(routed);
	}
	if (routed_save(routed, false) < 0)
		log_warning("standby", "a restart will not know that this router %s",
			standby ? "stands by" : "is at work");
	return json_pack("{s:b}", "standby", (int)standby);
}

/* ---- the verbs ---- */

static int keep_role(const struct cli *cli, enum savedstate_role role)
{
	AUTO(freep) char *path = cli_path(cli->state_dir, ROUTED_SAVED_STATE);
	struct savedstate saved;

	if (!path)
		return -ENOMEM;
	int err = routed_make_folder(cli->state_dir);
	if (err < 0)
		return err;
	savedstate_load(path, &saved);
	saved.role = role;
	return savedstate_store(path, &saved, false);
}

/* What an agent that is gone has left in the kernel. */
static int withdraw(const struct cli *cli)
{
	AUTO(freep) char *table = cli_path(cli->state_dir, ROUTED_TABLE);
	struct links *links = NULL;
	struct apply apply = {.ifname = routed_ifname};
	struct apply_result result;
	int err;

	if (!table || load_privilege() < 0)
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

static json_t *ask(const struct cli *cli, bool *ret_nobody)
{
	AUTO(freep) char *path = cli_path(cli->runtime_dir, ROUTED_SOCKET);
	json_t *reply = NULL;
	int err = path ? ctl_request(path, cli->verb, ROUTED_SOCKET_TIMEOUT_MS, &reply)
		       : -ENOMEM;
	const char *error = json_string_value(json_object_get(reply, "error"));

	*ret_nobody = err == -ENOENT || err == -ECONNREFUSED;
	if (err < 0 && !*ret_nobody)
		fprintf(stderr, "routed: cannot ask the running routed: %s\n", strerror(-err));
	if (!error)
		return reply;
	fprintf(stderr, "routed: %s\n", error);
	json_decref(reply);
	return NULL;
}

int standby_run_takeover(const struct cli *cli)
{
	bool nobody;
	AUTO(json_decrefp) json_t *reply = ask(cli, &nobody);

	if (reply)
		return EXIT_DONE;
	if (nobody && keep_role(cli, SAVEDSTATE_ACTIVE) == 0)
		fprintf(stderr, "routed: routed is not running; "
				"it takes over when it is started\n");
	return EXIT_FAILED;
}

int standby_run_standby(const struct cli *cli)
{
	bool nobody;
	AUTO(json_decrefp) json_t *reply = ask(cli, &nobody);

	if (reply)
		return EXIT_DONE;
	if (!nobody)
		return EXIT_FAILED;
	int err = keep_role(cli, SAVEDSTATE_STANDBY);
	int failed = withdraw(cli);
	return err < 0 || failed < 0 ? EXIT_FAILED : EXIT_DONE;
}
