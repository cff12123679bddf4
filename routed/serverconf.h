/* serverconf.h - the addresses to configure on an inside server, as text to paste
 *
 * The verb `server-config`. The text is a pure function of site.yaml and of the router's own
 * address on the server's LAN, which is read from the live interface if it exists.
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

/* The router's address in the server's own subnet: the server's default route leads there.
 * Unset: not known. */
struct serverconf_router {
	struct addr addr[SITE_FAMILIES];
};

/* -EINVAL if there is no such format. */
int serverconf_format(const char *name, enum serverconf_format *ret_format);

/* The whole text, ends with a line feed. The caller frees it. */
char *serverconf_text(const struct site *site, const struct site_server *server,
	enum serverconf_format format, const struct serverconf_router *router);

int serverconf_run(const struct cli *cli);
