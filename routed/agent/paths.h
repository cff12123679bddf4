/* paths.h - names of the files that the running agent and the verbs share */
#pragma once

enum { ROUTED_SOCKET_TIMEOUT_MS = 5000 }; /* how long the verbs wait for a running routed */

/* In the runtime folder. */
#define ROUTED_SOCKET	   "routed.sock"

/* In the state folder. */
#define ROUTED_SAVED_STATE "uplinks.json"
#define ROUTED_TABLE	   "nftables"
#define ROUTED_SYSCTLS	   "sysctls"
