/* selftest.h - do connections that come in by a forward get their answer over the same uplink?
 *
 * The nftables table counts, per address asked, protocol and public port, the connections that
 * came in, those whose first answer left by the uplink that they came by, and those whose
 * answer left by another (nfttext.c). Here the counts are put to the forwards of site.yaml.
 * Pure but for selftest_read.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/site/site.h"

struct nft;
struct situation;
struct selftest; /* opaque, see selftest.c */

enum selftest_kind { SELFTEST_ARRIVED, SELFTEST_ANSWERED, SELFTEST_ASTRAY, SELFTEST_KINDS };

/* One entry of `ports:` on one uplink. */
struct selftest_row {
	size_t server; /* in site->servers */
	size_t port;   /* in its ports */
	size_t uplink; /* in site->uplinks */
	uint64_t connections[SELFTEST_KINDS];
};

/* All rows with counts of 0. Both arguments have to outlive it. NULL without memory. */
struct selftest *selftest_new(const struct site *site, const struct situation *situation);
void selftest_free(struct selftest *selftest);

/* Adds what was counted of one forward: `proto` as in an IP header, `port` in host order. What
 * is no forward of the site, or at an address that it no longer has, is skipped. */
void selftest_add(struct selftest *selftest, enum selftest_kind kind, const struct addr *asked,
	uint8_t proto, uint16_t port, uint64_t connections);

/* In the order of servers, ports and uplinks; valid as long as `selftest`. */
const struct selftest_row *selftest_rows(const struct selftest *selftest, size_t *ret_n);

/* Adds what the kernel's table has counted. Negative errno, not logged; -ENOENT where there is
 * no table. */
int selftest_read(struct selftest *selftest, struct nft *nft);
