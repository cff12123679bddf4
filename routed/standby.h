/* standby.h - one of two routers stands by: it follows the links and leaves routing alone
 *
 * Another program decides which of the two is at work (keepalived, docs/ha.md), and says so by
 * the verbs `takeover` and `standby` (rolechange.h). The last role is saved until the next
 * boot; a restart goes on with it. `run --standby` is for the boot itself, before any such
 * verb.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "common/site/site.h"
#include "routed/agent/savedstate.h"

struct cli;
struct nfttable;
struct routed;
struct sysctl_store;

/* Does an agent begin on standby? The saved role decides, without one the options of `run`. */
bool standby_at_start(const struct cli *cli, enum savedstate_role saved);

/* The nftables table on standby; the guard is in it as long as packets are forwarded because
 * we said so. The caller has the one reference. */
struct nfttable *standby_table(const struct site *site, struct sysctl_store *sysctls);

/* Takes over, or withdraws from the kernel all that is ours but settings; done when it
 * returns. Nothing happens if that is the role already. The reply for the control socket. */
json_t *standby_answer(struct routed *routed, bool standby);
