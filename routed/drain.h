/* drain.h - the verbs drain and undrain */
#pragma once
#include <stdbool.h>

struct cli;

/* Ask the running routed, print, and with --wait stay until nobody is left. Return the exit
 * status. */
int drain_run(const struct cli *cli);
int drain_run_undrain(const struct cli *cli);

/* What --wait takes for its TIME: "90s", "5m". */
bool drain_is_time(const char *text);
