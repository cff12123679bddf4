/* sitevalue.h - the little languages inside site.yaml: addresses and forwarded ports */
#pragma once
#include "common/site/site.h"

/* "443/tcp", "443/tcp+udp", "8443:443/tcp", "5060-5070/udp", "5060-5070:6060-6070/udp".
 * Returns NULL, or what is wrong, to be put behind the quoted text. */
const char *site_port_parse(const char *text, struct site_port *ret_port);

/* The same backwards, for messages: "443/tcp". In a buffer of the thread's own, valid until
 * the 4th call after. */
const char *site_port_str(const struct site_port *port);

/* Why an address can be nobody's own, or NULL if it can. */
const char *site_addr_fault(const struct addr *addr);
