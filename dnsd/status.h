/* status.h - `dnsd status`: the server's reply as JSON, the verb's tables for people
 *
 * The fields are an interface, described in dnsd(8): they are added, never renamed.
 */
#pragma once
#include <jansson.h>

#include "common/cli.h"

struct dnsd;

/* The server side. A new reference; NULL without memory. Also checks the egress again. */
json_t *status_json(struct dnsd *dnsd);

/* The verb `status`: asks the running dnsd and prints. Returns the exit status. */
int status_run(const struct cli *cli);

/* Asks the running dnsd for its status. A new reference; NULL after a message on standard error. */
json_t *status_ask(const struct cli *cli);

/* The table, from the reply. */
void status_print(const json_t *status);
