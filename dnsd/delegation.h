/* delegation.h - what belongs into the parent zone: NS records, and their names' addresses
 *
 * As text to paste (the verb `delegation`), and as values for `verify` and parent.c.
 */
#pragma once
#include <jansson.h>

#include "common/cli.h"
#include "dnsd/config.h"
#include "dnsd/state/facts.h"
#include "dnsd/zone/zone.h"

struct dnsd;

enum { DELEGATION_LITERAL = -1 /* an address that no uplink has */ };

struct delegation_addr {
	struct addr addr;
	uint32_t ttl_s; /* as the zone file has it */
	int uplink;	/* whose public address it is, or DELEGATION_LITERAL */
};

/* One name server. */
struct delegation_ns {
	const uint8_t *name; /* borrowed from the zone */
	bool is_within;	     /* the zone: its addresses are glue */
	bool is_closed;	     /* named an uplink with inbound: no */
	bool is_unknown;     /* named an uplink that has no address now */
	struct delegation_addr addrs[SITE_FAMILIES * SITE_MAX_UPLINKS * 2];
	size_t n_addrs;
};

struct delegation {
	uint32_t ns_ttl_s;
	struct delegation_ns *ns; /* owned */
	size_t n_ns;
};

/* With all uplinks taken for up, since a delegation is to outlast a bad hour. -ENOMEM. */
int delegation_make(
	const struct zone *zone, const struct facts *facts, struct delegation *ret_delegation);
void delegation_fini(struct delegation *delegation);

/* To be left out, since all of its uplinks have inbound: no. */
bool delegation_ns_is_closed(const struct delegation_ns *ns);

/* Master-file lines with comments; `source` is a clause for the comment on top that says where
 * the addresses are from. Pure. The caller frees the text; NULL without memory. */
char *delegation_text(const struct zone *zone, const struct facts *facts, const char *source);

/* For all zones: {"zones": [{"name": , "text": , "ns": [...]}]}, as docs/control.md has it. A
 * new reference; NULL without memory. */
json_t *delegation_json(
	const struct config *config, const struct facts *facts, const char *source);

/* The same from the running dnsd, else from site.yaml, the zone files and the addresses that
 * the kernel has. NULL after saying on standard error why not. */
json_t *delegation_ask(const struct cli *cli, bool *ret_is_running);

/* The zone of that name in it (of any case, with or without the final dot), or NULL after
 * saying that there is none. */
const json_t *delegation_find(const json_t *delegations, const char *name);

/* The verb `delegation ZONE`. Returns the exit status. */
int delegation_run(const struct cli *cli);
