/* oneshot.h - verbs that read the kernel themselves, without an agent: check, plan, flush */
#pragma once
#include "common/cli.h"

/* Return the exit status. */
int oneshot_run_check(const struct cli *cli);
int oneshot_run_plan(const struct cli *cli);
int oneshot_run_flush(const struct cli *cli);
