/* parentplan.h - which addresses to change at the parent's primary, and the UPDATE for it
 *
 * Pure. A target is one NS name in one family. Its addresses are looked up at the primary; the
 * change that follows from them becomes a DNS UPDATE (RFC 2136).
 */
#pragma once
#include "common/site/site.h"
#include "dnsd/state/facts.h"
#include "dnsd/wire/message.h"
#include "dnsd/zone/zone.h"

enum {
	PARENT_MAX_SEEN = 8,  /* addresses of an RRset; a larger one is left alone */
	PARENT_MAX_OWNED = 8, /* addresses that are remembered for one target */
};

struct parent_addr {
	struct addr addr;
	char uplink[SITE_NAME_MAX + 1]; /* "": a literal address of the zone file */
};

/* The addresses that an NS name should have in one family: zone file and uplinks together. */
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

/* The RRset that the primary has at the name. */
struct parent_seen {
	struct addr addrs[PARENT_MAX_SEEN];
	size_t n;
	bool has_more; /* than there is room for */
	uint32_t ttl_s;
};

/* The addresses that we added there, or saw there while they were ours. */
struct parent_owned {
	struct parent_addr items[PARENT_MAX_OWNED];
	size_t n;
	bool was_right; /* at least one of them was seen there */
};

enum parent_action {
	PARENT_CURRENT, /* it is as it should be */
	PARENT_KEEP,	/* no uplink has an address: the primary's records stay */
	PARENT_CHANGE,
	PARENT_FOREIGN, /* records of another program or person: left alone */
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
	const struct parent_seen *seen, const struct parent_owned *owned, uint32_t ttl_s,
	bool may_fix_ttl);

/* Writes the UPDATE to the zone `apex`, with the prerequisite that the RRset is exactly the one
 * that was seen. The caller signs it. */
void parentplan_write(const struct parent_target *target, const uint8_t *apex,
	const struct parent_seen *seen, const struct parent_change *change,
	struct message_writer *writer);
