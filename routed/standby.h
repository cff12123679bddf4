/* standby.h - one of two routers stands by: it follows the links and leaves routing alone
 *
 * Which of the two is at work is for somebody else to know (keepalived, docs/ha.md), who says
 * so by the verbs `takeover` and `standby`. What was said last is kept until the next boot; a
 * restart goes on with it. `run --standby` is for the boot itself, before anything was said.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

struct cli;
struct routed;

/* How an agent begins: what was said since the boot, else what `run` was told. */
bool standby_at_start(const struct routed *routed);

/* Takes over, or withdraws from the kernel what is ours but for settings; done when it
 * returns. Nothing happens if it is so already. The reply for the control socket. */
json_t *standby_answer(struct routed *routed, bool standby);

/* The nftables table while it stands by; the guard is in it as long as packets are forwarded
 * because we said so. The caller frees it. */
char *standby_table(const struct routed *routed);

/* The verbs. Without a running agent `standby` withdraws what one has left behind, and
 * `takeover` fails; either is what the next one begins with. */
int standby_run_takeover(const struct cli *cli);
int standby_run_standby(const struct cli *cli);
