/* drain.h - the verbs drain and undrain */
#pragma once
#include <stdbool.h>

struct cli;

/* Ask the running routed and print; with --wait they return when no connection is left. Return
 * the exit status. */
int drain_run(const struct cli *cli);
int drain_run_undrain(const struct cli *cli);

/* Is that a TIME for --wait, such as "90s" or "5m"? */
bool drain_is_time(const char *text);
