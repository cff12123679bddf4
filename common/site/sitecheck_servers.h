/* sitecheck_servers.h - the checks of site.yaml about servers, their loopbacks and forwards */
#pragma once

struct check;

/* Called by site_check(). */
void check_servers(const struct check *check);
