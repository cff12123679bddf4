/* sitevalue.c - the small languages inside site.yaml: addresses and forwarded ports
 *
 * Pure. The readers of site.yaml call it and put the place before its words.
 */
#include "common/site/sitevalue.h"

#include <stdio.h>
#include <string.h>

#include "common/site/value.h"

/* "443" or "5060-5070". */
static const char *range_parse(const char *text, uint16_t *ret_first, uint16_t *ret_last)
{
	char first[8];
	const char *dash = strchr(text, '-');
	size_t len = dash ? (size_t)(dash - text) : strlen(text);

	if (len >= sizeof(first))
		return "is not a port from 1 to 65535";
	memcpy(first, text, len);
	first[len] = '\0';

	if (value_port(first, ret_first) < 0 ||
		value_port(dash ? dash + 1 : first, ret_last) < 0)
		return "is not a port from 1 to 65535";
	if (*ret_last < *ret_first)
		return "is a range that runs backwards";
	return NULL;
}

static const char *protocol_parse(const char *text, struct site_port *ret_port)
{
	bool both = strcmp(text, "tcp+udp") == 0 || strcmp(text, "udp+tcp") == 0;

	ret_port->tcp = both || strcmp(text, "tcp") == 0;
	ret_port->udp = both || strcmp(text, "udp") == 0;
	if (!ret_port->tcp && !ret_port->udp)
		return "does not end in a protocol: tcp, udp or tcp+udp";
	return NULL;
}

const char *site_port_parse(const char *text, struct site_port *ret_port)
{
	char ports[32];
	struct site_port port = {.line = ret_port->line};
	const char *slash = strchr(text, '/');

	if (!slash)
		return "lacks its protocol, as in 443/tcp";
	if (slash - text >= (long)sizeof(ports))
		return "is not a port from 1 to 65535";
	snprintf(ports, sizeof(ports), "%.*s", (int)(slash - text), text);

	char *colon = strchr(ports, ':');
	if (colon)
		*colon = '\0';
	const char *fault = range_parse(ports, &port.first, &port.last);
	uint16_t inside_last = port.last;
	port.inside = port.first;
	if (!fault && colon)
		fault = range_parse(colon + 1, &port.inside, &inside_last);
	if (!fault && inside_last - port.inside != port.last - port.first)
		fault = "maps a range to one of another length";
	if (!fault)
		fault = protocol_parse(slash + 1, &port);
	if (fault)
		return fault;

	*ret_port = port;
	return NULL;
}

const char *site_port_str(const struct site_port *port)
{
	static _Thread_local char ring[4][32];
	static _Thread_local unsigned int next;
	char *out = ring[next++ % 4];
	const char *protocol = !port->udp ? "tcp" : !port->tcp ? "udp" : "tcp+udp";

	if (port->first == port->last)
		snprintf(out, sizeof(ring[0]), "%u/%s", port->first, protocol);
	else
		snprintf(out, sizeof(ring[0]), "%u-%u/%s", port->first, port->last, protocol);
	return out;
}

const char *site_addr_fault(const struct addr *addr)
{
	if (addr_is_unspecified(addr))
		return "is the unspecified address";
	if (addr_is_multicast(addr))
		return "is a multicast or broadcast address";
	return NULL;
}
