/* status.h - what `routed status` tells: as JSON by the agent, as a table for people by the
 * verb
 *
 * The fields are an interface, described in routed(8): they are added to, never renamed.
 */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cli.h"

struct routed;
struct routed_culprit;

/* New references; NULL without memory. */
json_t *status_json(struct routed *routed);
json_t *status_uplink(struct routed *routed, size_t uplink);
json_t *status_uplinks(struct routed *routed);
/* How many connections are left on that uplink, if it is drained; "error" if there is none of
 * that name. */
json_t *status_flows(struct routed *routed, const char *name);
json_t *status_culprit(const struct routed_culprit *culprit);

/* The verbs: ask the running routed and print. Return the exit status. */
int status_run(const struct cli *cli);
int status_run_events(const struct cli *cli);

/* Asks the running routed `request`, or for cli->verb if that is NULL. NULL after a message on standard
 * error; without a message if `is_optional` and routed does not run. A new reference. */
json_t *status_ask(const struct cli *cli, const json_t *request, bool is_optional);

/* The table, from the reply. */
void status_print(const json_t *status);
