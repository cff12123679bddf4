/* requests.h - the running agent's side of the verbs: what the control socket answers */
#pragma once

struct ctl_server;
struct routed;

/* Opens the control socket. It answers from the event loop, once the agent is whole. A logged
 * negative errno; -EADDRINUSE if another agent runs. */
int requests_listen(struct routed *routed, struct ctl_server **ret_ctl);
