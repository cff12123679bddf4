/* status.h - the facts that `routed status` shows, as JSON
 *
 * The fields are an interface, described in routed(8): fields are added, never renamed.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <time.h>

struct agent;
struct agent_counters;
struct ctl_server;
struct flowcount;
struct health;
struct hook;
struct kernel;
struct last_writer;
struct links;
struct nft;
struct rtnlwatch;

/* What a status is made from; all borrowed for the call. */
struct status_facts {
	const char *config; /* path of site.yaml */
	const struct agent *agent;
	const struct kernel *wanted;
	const struct health *health;
	struct nft *nft;
	struct flowcount *flowcount;

	/* the counters of each module */
	const struct agent_counters *counters;
	const struct last_writer *last_writer; /* before the last repair */
	const struct links *links;
	const struct rtnlwatch *watch;
	const struct hook *hook;
	const struct ctl_server *ctl;

	time_t started_s;
	time_t loaded_s;
	time_t load_failed_s; /* of the last reload, if it failed; else 0 */
};

/* New references; NULL without memory. */
json_t *status_json(const struct status_facts *facts);
json_t *status_uplink(const struct agent *agent, size_t uplink);
json_t *status_uplinks(const struct agent *agent, struct flowcount *flowcount);

/* How many connections are left on that uplink, if it is drained; "error" if there is none of
 * that name. */
json_t *status_flows(const struct agent *agent, struct flowcount *flowcount, const char *name);

json_t *status_last_writer(const struct last_writer *writer);
