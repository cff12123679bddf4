/* rolechange.h - the verbs takeover and standby
 *
 * Without a running agent `standby` withdraws what an earlier one has left behind, and
 * `takeover` fails; the next agent begins with either role.
 */
#pragma once

struct cli;

/* Return the exit status. */
int rolechange_run_takeover(const struct cli *cli);
int rolechange_run_standby(const struct cli *cli);
