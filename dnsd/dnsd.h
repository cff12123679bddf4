/* dnsd.h - the server's life: start, reload, changes of links, end */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/cli.h"
#include "dnsd/answer/inboundtoken.h"
#include "dnsd/config.h"
#include "dnsd/serve/egress.h"
#include "dnsd/serve/view.h"
#include "dnsd/state/facts.h"
#include "dnsd/state/listen.h"
#include "dnsd/wire/cookie.h"

struct ctl_server;
struct event;
struct event_base;
struct links;
struct parent;
struct sockets;
struct routed_client;
struct tcp_server;

enum {
	DNSD_MAX_VIEWS = SITE_MAX_UPLINKS + 1,
	DNSD_SOCKET_TIMEOUT_MS = 5000, /* how long the verbs wait for a running dnsd */
	DNSD_RECLAIM_MS = 20,	       /* a worker holds answers for one batch only */
	DNSD_ROUTING_MS = 2000,	       /* DHCP clients set routes after addresses */
};
#define DNSD_SOCKET "dnsd.sock" /* in the runtime folder */

/* The whole server. dnsd_run owns it, dnsd.c and follow.c write it, status.c reads it. */
struct dnsd {
	const struct cli *cli;
	struct config *config;
	struct cookie_keys cookies;
	struct facts facts; /* the current answers are made of them */
	struct view *views[DNSD_MAX_VIEWS];
	size_t n_views;
	struct listen_spec *listen; /* the addresses at the last change */
	size_t n_listen;
	struct egress egress;
	uint32_t serial; /* dns.serial: unixtime; the last one given out */
	struct inbound_tokens inbound_tokens; /* of `verify --inbound` */

	struct event_base *base;
	struct links *links;
	struct routed_client *routed; /* routed's reports */
	struct sockets *sockets;
	struct tcp_server *tcp;
	struct ctl_server *ctl;
	struct parent *parent;
	struct event *on_hup, *on_term, *on_int;
	struct event *change;  /* links have changed; short, to take a burst as one change */
	struct event *reclaim; /* old answers are still held by a worker */
	struct event *routing; /* time to check the egress again */
	struct event *watchdog;

	bool is_ending;
	time_t started_s;
	time_t loaded_s;      /* when the active configuration was loaded */
	time_t load_failed_s; /* of the last reload, if it failed; else 0 */
};

/* The verb `run`: returns when the server has ended. */
int dnsd_run(const struct cli *cli);

/* Makes the server follow the present links and `config`, which it takes over on success. On
 * failure nothing changes. In follow.c. */
int dnsd_follow(struct dnsd *dnsd, struct config *config);

/* Checks the egress of each address now, not only a while after the next change. */
void dnsd_check_egress(struct dnsd *dnsd);
