/* parentplan.h - what is to be changed at the parent's primary: which addresses, and how to
 * say it
 *
 * Pure. A target is one NS name in one family; its addresses are looked up at the primary, and
 * what is decided from them becomes a DNS UPDATE (RFC 2136).
 */
#pragma once
#include "common/site/site.h"
#include "dnsd/state/facts.h"
#include "dnsd/wire/message.h"
#include "dnsd/zone/zone.h"

enum {
	PARENT_MAX_SEEN = 8,   /* addresses of an RRset; a larger one is left alone */
	PARENT_MAX_MEMORY = 8, /* addresses that are remembered for one target */
};

struct parent_addr {
	struct addr addr;
	char uplink[SITE_NAME_MAX + 1]; /* "": a literal address of the zone file */
};

/* What the zone file says of an NS name in one family, with the links as they are. */
struct parent_target {
	uint8_t name[NAME_MAX_LEN];
	bool is_glue; /* the name is within the zone */
	enum site_family family;
	struct parent_addr wanted[SITE_MAX_UPLINKS];
	size_t n_wanted;
	char absent[SITE_MAX_UPLINKS][SITE_NAME_MAX + 1]; /* uplinks without an address now */
	size_t n_absent;
};

/* The targets of a zone: names of its NS records for which it has an UPLINK record. Uplinks
 * with `inbound: no` have no part in it. The array is the caller's. -ENOMEM. */
int parentplan_targets(const struct zone *zone, const struct site *site,
	const struct facts *facts, struct parent_target **ret_targets, size_t *ret_n);
bool parentplan_target_eq(const struct parent_target *a, const struct parent_target *b);

/* What the primary has at the name. */
struct parent_seen {
	struct addr addrs[PARENT_MAX_SEEN];
	size_t n;
	bool has_more; /* than there is room for */
	uint32_t ttl_s;
};

/* The addresses that were put there by us, or seen there while they were ours. */
struct parent_memory {
	struct parent_addr items[PARENT_MAX_MEMORY];
	size_t n;
	bool was_right; /* at least one of them was seen there */
};

enum parent_action {
	PARENT_CURRENT, /* it is as it should be */
	PARENT_KEEP,	/* no uplink has an address: what is there stays */
	PARENT_CHANGE,
	PARENT_FOREIGN, /* somebody else's: left alone */
};

struct parent_change {
	enum parent_action action;
	struct addr remove[PARENT_MAX_SEEN];
	size_t n_remove;
	struct addr add[SITE_MAX_UPLINKS];
	size_t n_add;
	uint32_t ttl_s;	     /* of what is added */
	bool takes_over;     /* an address that was never known to be ours is replaced */
	bool is_ttl_only;    /* the addresses are right */
	struct addr foreign; /* one that is neither ours nor was; unset if there is none */
};

/* `may_fix_ttl`: change a TTL that is not `ttl_s` though the addresses are right. */
struct parent_change parentplan_decide(const struct parent_target *target,
	const struct parent_seen *seen, const struct parent_memory *memory, uint32_t ttl_s,
	bool may_fix_ttl);

/* The UPDATE to the zone `apex`, with the prerequisite that the RRset is exactly what was
 * seen; to be signed. */
void parentplan_write(const struct parent_target *target, const uint8_t *apex,
	const struct parent_seen *seen, const struct parent_change *change,
	struct message_writer *writer);
