/* requests.c - the running agent's side of the verbs: what the control socket answers
 *
 * The verbs themselves are in drain.c, rolechange.c, oneshot.c and report/statustext.c.
 */
#include "routed/requests.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/cli.h"
#include "common/ctl/ctl.h"
#include "common/ctl/reload.h"
#include "routed/agent/paths.h"
#include "routed/reconcile.h"
#include "routed/report/events.h"
#include "routed/report/linkfeed.h"
#include "routed/report/status.h"
#include "routed/routed.h"
#include "routed/standby.h"
#include "routed/wanted/flowcount.h"

/* Drains or undrains, and does what follows. NULL, or why not: a sentence. Borrowed. */
static const char *drain_uplink(struct routed *routed, size_t i, bool drain, bool force)
{
	struct agent *agent = &routed->agent;
	struct uplink *machine = &agent->uplinks[i]->machine;
	bool was_drained = machine->drained;

	if (drain && !was_drained && !force && agent_usable_others(agent, i) == 0)
		return "no other uplink is usable at present: new connections would have "
		       "no uplink; --force drains it all the same";
	if (drain)
		uplink_drain(machine);
	else
		uplink_undrain(machine);
	bool is_saved = agent_save(agent, true) == 0;
	if (!is_saved && drain) {
		machine->drained = was_drained;
		return "the drain is not done: it cannot be saved for a restart (see the log)";
	}
	reconcile_now(routed);
	flowcount_forget(routed->flowcount); /* new connections go elsewhere from now on */
	if (!is_saved) /* an uplink may be needed now, whatever the disk says */
		return "it may be used again, but that cannot be saved (see the log): a "
		       "restart of routed drains it once more";
	return NULL;
}

static json_t *answer_drain(struct routed *routed, const json_t *request, bool drain)
{
	const char *name = json_string_value(json_object_get(request, "uplink"));
	bool force = json_is_true(json_object_get(request, "force"));
	int i = name ? site_find_uplink(routed->agent.site, name) : -1;

	if (i < 0)
		return json_pack("{s:s}", "error", "there is no uplink of that name");

	const char *error = drain_uplink(routed, (size_t)i, drain, force);
	if (error)
		return json_pack("{s:s}", "error", error);
	return json_pack("{s:b}", "drained", (int)drain);
}

static json_t *answer_status(const struct routed *routed)
{
	const struct status_facts facts = {
		.config = routed->cli->config,
		.agent = &routed->agent,
		.wanted = &routed->applied.wanted,
		.health = routed->health,
		.nft = routed->nft,
		.flowcount = routed->flowcount,
		.counters = &routed->counters,
		.last_writer = &routed->repaired,
		.links = routed->links,
		.watch = routed->watch,
		.hook = routed->hook,
		.ctl = routed->ctl,
		.started_s = routed->started_s,
		.loaded_s = routed->loaded_s,
		.load_failed_s = routed->load_failed_s,
	};

	return status_json(&facts);
}

static json_t *requests_on_request(const char *verb, const json_t *request, void *arg)
{
	struct routed *routed = arg;
	const struct agent *agent = &routed->agent;

	if (strcmp(verb, "status") == 0)
		return answer_status(routed);
	if (strcmp(verb, "drain") == 0 || strcmp(verb, "undrain") == 0)
		return answer_drain(routed, request, strcmp(verb, "drain") == 0);
	if (strcmp(verb, "reload") == 0)
		return reload_answer(routed_reload, routed);
	if (strcmp(verb, "takeover") == 0 || strcmp(verb, "standby") == 0)
		return standby_answer(routed, strcmp(verb, "standby") == 0);
	if (strcmp(verb, "flows") == 0)
		return status_flows(agent, routed->flowcount,
			json_string_value(json_object_get(request, "uplink")));
	if (strcmp(verb, EVENTS_VERB) == 0)
		return json_pack("{s:o}", "uplinks", status_uplinks(agent, routed->flowcount));
	if (strcmp(verb, LINKFEED_VERB) == 0)
		return linkfeed_reply(routed->linkfeed);
	return NULL;
}

/* The members of the group may ask for these: they change nothing. */
static const char *const public_verbs[] = {"status", EVENTS_VERB, LINKFEED_VERB, NULL};

int requests_listen(struct routed *routed, struct ctl_server **ret_ctl)
{
	AUTO(freep) char *path = cli_path(routed->cli->runtime_dir, ROUTED_SOCKET);
	int err = path ? ctl_server_new(
				 routed->base, path, requests_on_request, routed, ret_ctl)
		       : -ENOMEM;

	if (err < 0)
		return err;
	ctl_server_add_stream(*ret_ctl, EVENTS_VERB);
	ctl_server_add_stream(*ret_ctl, LINKFEED_VERB);
	ctl_server_admit_group(*ret_ctl, CTL_GROUP, public_verbs);
	return 0;
}
