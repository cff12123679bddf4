/* delegationask.h - the verb `delegation ZONE`: asks the running dnsd and prints its reply */
#pragma once
#include <jansson.h>

#include "common/cli.h"

/* delegation_json() of the running dnsd; if none runs, of site.yaml, the zone files and the
 * addresses that the kernel has. NULL after a message on standard error. */
json_t *delegation_ask(const struct cli *cli, bool *ret_is_running);

/* The zone of that name (of any case, with or without the final dot), or NULL after a message
 * on standard error. */
const json_t *delegation_find(const json_t *delegations, const char *name);

/* The verb. Returns the exit status. */
int delegation_run(const struct cli *cli);
