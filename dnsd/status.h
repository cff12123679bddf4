/* status.h - what `dnsd status` tells: as JSON by the server, as a table for people by the
 * verb
 *
 * The fields are an interface, described in dnsd(8): they are added to, never renamed.
 */
#pragma once
#include <jansson.h>

#include "common/cli.h"

struct dnsd;

/* A new reference; NULL without memory. Looks at routes on the way. */
json_t *status_json(struct dnsd *dnsd);

/* The verb `status`: asks the running dnsd and prints. Returns the exit status. */
int status_run(const struct cli *cli);

/* Asks the running dnsd for its status. NULL after a message on standard error. A new reference. */
json_t *status_ask(const struct cli *cli);

/* The table, from the reply. */
void status_print(const json_t *status);
