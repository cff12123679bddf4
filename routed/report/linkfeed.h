/* linkfeed.h - tells dnsd, and whoever else follows `links`, what is so: before or after the
 * kernel
 *
 * What is told, and what waits, is in linkadvert.h. Nobody is waited for.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

struct plan;
struct routed;

#define LINKFEED_VERB "links" /* of the control socket */

/* What makes an uplink or a server worse. To be called before the kernel is changed. */
void linkfeed_worse(struct routed *routed);

/* Everything else, but for what the kernel does not hold what it takes. To be called once
 * `plan` has been applied. */
void linkfeed_rest(struct routed *routed, const struct plan *plan, bool nft_failed);

/* What has become of the servers: the kernel is not changed for them. */
void linkfeed_servers(struct routed *routed);

/* What was published last: the reply to those who begin to follow. A new reference, NULL
 * without memory. */
json_t *linkfeed_reply(const struct routed *routed);
