/* pickaddr.h - which of an interface's addresses stands for an uplink
 *
 * Both daemons ask here, so that what dnsd answers, delegates and writes to the parent is what
 * routed takes for the source of default routes and probes. Pure.
 */
#pragma once
#include <stdbool.h>

#include "common/net/links.h"

/* The address of the family that stands for the link, or NULL.
 *
 * `address` is site.yaml's, NULL or unset: any. A whole address (a host prefix) decides alone,
 * of whatever scope, once duplicate detection is through with it. Else only those count that
 * are ready (link_addr_is_ready) and not secondary, temporary or deprecated; within a prefix
 * that `address` gives IPv4's secondary ones count too, behind the primary ones. The first of
 * them by these rules, each of which only decides between equals of the one before:
 * not link-local; the longest prefix that holds `gateway` (NULL or unset: none is known); the
 * widest scope, which is global before shared (100.64.0.0/10) before private or unique local;
 * the kernel's order. */
const struct link_addr *pickaddr(const struct link *link, int family,
	const struct prefix *address, const struct addr *gateway);

/* May it be asked, and is it served? All that are ready are; where `address` is given, only
 * those within it. */
bool pickaddr_is_served(const struct link_addr *addr, const struct prefix *address);
