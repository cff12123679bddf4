/* sitevalue.c - the little languages inside site.yaml: probes and forwarded ports
 *
 * Pure. Called by the readers of site.yaml, which put the place before what is said here.
 */
#include "common/site/sitevalue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/site/value.h"

enum { WORD_LEN = 256, MAX_WORDS = 3 };

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

/* Splits at blanks into at most MAX_WORDS; returns how many there are, -1 if too many. */
static int split(const char *text, char ret_words[MAX_WORDS][WORD_LEN])
{
	int n = 0;

	for (const char *p = text + strspn(text, " "); *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (n == MAX_WORDS || len >= WORD_LEN)
			return -1;
		memcpy(ret_words[n], p, len);
		ret_words[n++][len] = '\0';
		p += len;
	}
	return n;
}

static const char *probe_target(const char *text, struct site_probe *probe)
{
	if (addr_parse(text, &probe->addr) < 0)
		return "does not name its target by address";
	return site_addr_fault(&probe->addr) ? "has a target that cannot answer" : NULL;
}

static const char *icmp_parse(char words[][WORD_LEN], int n, struct site_probe *probe)
{
	probe->kind = SITE_PROBE_ICMP;
	if (n != 2)
		return "should read 'icmp ADDR' or 'icmp gateway'";
	probe->gateway = strcmp(words[1], "gateway") == 0;
	return probe->gateway ? NULL : probe_target(words[1], probe);
}

static const char *tcp_parse(char words[][WORD_LEN], int n, struct site_probe *probe)
{
	probe->kind = SITE_PROBE_TCP;
	if (n != 3)
		return "should read 'tcp ADDR PORT'";
	if (value_port(words[2], &probe->port) < 0)
		return "does not end in a port from 1 to 65535";
	return probe_target(words[1], probe);
}

static const char *dns_parse(char words[][WORD_LEN], int n, struct site_probe *probe)
{
	probe->kind = SITE_PROBE_DNS;
	if (n < 2)
		return "should read 'dns ADDR' or 'dns ADDR NAME'";
	if (n == 3 && strcmp(words[2], ".") != 0 && !value_is_domain(words[2]))
		return "does not ask for a domain name";

	const char *fault = probe_target(words[1], probe);
	if (!fault && n == 3) {
		probe->name = strdup(words[2]);
		if (!probe->name)
			return "cannot be kept: out of memory";
	}
	return fault;
}

const char *site_probe_parse(const char *text, struct site_probe *ret_probe)
{
	char words[MAX_WORDS][WORD_LEN];
	struct site_probe probe = {.line = ret_probe->line};
	int n = split(text, words);
	const char *fault = "should read 'icmp ADDR', 'tcp ADDR PORT' or 'dns ADDR [NAME]'";

	if (n > 0 && strcmp(words[0], "icmp") == 0)
		fault = icmp_parse(words, n, &probe);
	else if (n > 0 && strcmp(words[0], "tcp") == 0)
		fault = tcp_parse(words, n, &probe);
	else if (n > 0 && strcmp(words[0], "dns") == 0)
		fault = dns_parse(words, n, &probe);
	if (fault)
		return fault;

	*ret_probe = probe;
	return NULL;
}
