/* sitevalue.h - the small languages inside site.yaml: addresses and forwarded ports */
#pragma once
#include "common/site/site.h"

/* "443/tcp", "443/tcp+udp", "8443:443/tcp", "5060-5070/udp", "5060-5070:6060-6070/udp".
 * Returns NULL, or the mistake in words that follow the quoted text. */
const char *site_port_parse(const char *text, struct site_port *ret_port);

/* The same backwards, for messages: "443/tcp". In a buffer of the thread's own, valid until
 * the 4th call after. */
const char *site_port_str(const struct site_port *port);

/* Why no host can have that address, or NULL if one can. */
const char *site_addr_fault(const struct addr *addr);
