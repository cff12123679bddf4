/* statustext.h - the verbs that ask the running agent: status, events
 *
 * For people: the tables may change with each release.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "common/cli.h"

/* Ask the running routed and print. Return the exit status. */
int statustext_run(const struct cli *cli);
int statustext_run_events(const struct cli *cli);

/* Asks the running routed `request`, or for cli->verb if that is NULL. NULL after a message on
 * standard error; without a message if `is_optional` and routed does not run. A new
 * reference. */
json_t *statustext_ask(const struct cli *cli, const json_t *request, bool is_optional);
