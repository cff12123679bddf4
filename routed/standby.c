/* standby.c - one of two routers stands by: it follows the links and leaves routing alone
 *
 *               takeover
 *     standby -----------> at work      wanted: everything that site.yaml says
 *             <-----------
 *               standby                 wanted: an nftables table without NAT
 *
 * So withdrawing is reconcile.c's ordinary way from the present state to the wanted one, and
 * if other programs put a part of it back, that goes again. On standby nothing is probed,
 * since probes would go out from addresses that are the other router's: the state of an uplink
 * is what link, address and gateway say. A takeover resets the uplinks, as after a boot: they
 * are used until the probes, which begin at once, say otherwise.
 *
 * Settings below /proc/sys stay: they do nothing without routes, and the next takeover finds
 * them. Connections stay tracked: they go on if this router is soon at work again.
 */
#include "routed/standby.h"

#include "common/cli.h"
#include "common/clock.h"
#include "common/log.h"
#include "routed/kernel/sysctl.h"
#include "routed/reconcile.h"
#include "routed/report/events.h"
#include "routed/routed.h"
#include "routed/wanted/nfttext.h"

bool standby_at_start(const struct cli *cli, enum savedstate_role saved)
{
	if (saved != SAVEDSTATE_NONE)
		return saved == SAVEDSTATE_STANDBY;
	return cli_option(cli, "standby") != NULL;
}

struct nfttable *standby_table(const struct site *site, struct sysctl_store *sysctls)
{
	bool forwards = sysctl_is_ours(sysctls, "net/ipv4/ip_forward") ||
			sysctl_is_ours(sysctls, "net/ipv6/conf/all/forwarding");

	return wanted_nft_standby(site, forwards);
}

static void change_role(struct routed *routed)
{
	bool standby = routed->agent.standby;
	int64_t start_us = clock_now_us();

	agent_reset_uplinks(&routed->agent);
	events_reset_uplinks(routed->events);
	routed->observer.gateways_dirty = true;
	routed->applied.table_dirty = true;
	reconcile_now(routed);
	log_notice("standby", "%s, done in %.1f ms",
		standby ? "standing by: routes, rules and NAT are withdrawn from the kernel"
			: "taking over",
		(double)(clock_now_us() - start_us) / 1000);
	events_standby(routed->events, standby);
}

json_t *standby_answer(struct routed *routed, bool standby)
{
	struct agent *agent = &routed->agent;
	bool changes = agent->standby != standby;

	agent->standby = standby;
	agent->role = standby ? SAVEDSTATE_STANDBY : SAVEDSTATE_ACTIVE;
	if (changes)
		change_role(routed);
	if (agent_save(agent, false) < 0)
		log_warning("standby",
			"the role cannot be saved: after a restart this router does not know "
			"that it %s",
			standby ? "stands by" : "is at work");
	return json_pack("{s:b}", "standby", (int)standby);
}
