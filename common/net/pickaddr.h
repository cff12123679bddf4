/* pickaddr.h - which of an interface's addresses stands for an uplink
 *
 * Both daemons call this: the address that dnsd answers with, delegates and writes to the
 * parent is the one that routed uses as source of default routes and probes. Pure.
 */
#pragma once
#include <stdbool.h>

#include "common/net/links.h"

/* The address of the family that stands for the link, or NULL.
 *
 * `address` is site.yaml's; NULL or unset: any. A whole address (a host prefix) decides
 * alone, whatever its scope, once duplicate detection has passed it. Otherwise only addresses
 * count that are ready (link_addr_is_ready) and not secondary, temporary or deprecated;
 * within a prefix given by `address` the secondary ones of IPv4 count too, behind the primary
 * ones. The rules, each of which decides only between equals of the one before: not
 * link-local; the longest prefix that holds `gateway` (NULL or unset: none is known); the
 * widest scope, which is global before shared (100.64.0.0/10) before private or unique local;
 * the kernel's order. */
const struct link_addr *pickaddr(const struct link *link, int family,
	const struct prefix *address, const struct addr *gateway);

/* May dnsd listen at this address? All that are ready; if `address` is given, only those
 * within it. */
bool pickaddr_is_served(const struct link_addr *addr, const struct prefix *address);
