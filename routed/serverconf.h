/* serverconf.h - what to enter on an inside server, for people to paste
 *
 * The verb `server-config`. The text is a pure function of site.yaml and of the router's own
 * address on the server's LAN, which is read from the live interface where there is one.
 */
#pragma once
#include "common/site/site.h"

struct cli;

enum serverconf_format {
	SERVERCONF_NETWORKD,
	SERVERCONF_NETPLAN,
	SERVERCONF_IFUPDOWN,
	SERVERCONF_WINDOWS,
	SERVERCONF_FORMATS,
};

/* The router's address in the server's own subnet, where the default route of the server leads
 * to; unset: not known. */
struct serverconf_router {
	struct addr addr[SITE_FAMILIES];
};

/* -EINVAL if it is none of them. */
int serverconf_format(const char *name, enum serverconf_format *ret_format);

/* The whole text, ends with a line feed. The caller frees it. */
char *serverconf_text(const struct site *site, const struct site_server *server,
	enum serverconf_format format, const struct serverconf_router *router);

int serverconf_run(const struct cli *cli);
