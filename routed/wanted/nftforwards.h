/* nftforwards.h - the port forwards as nftables maps; nfttext.c calls it */
#pragma once
#include "routed/kernel/text.h"
#include "routed/wanted/wanted.h"

/* Appends the sets and maps of all forwards to `maps`, and the rules that look a packet up in
 * them to `rules`. */
void nft_forwards(struct text *maps, struct text *rules, const struct site *site,
	const struct situation *situation);

/* The addresses of uplink `i` at which the site is asked from outside, as dnsd sees it too:
 * that of `address:`, else all that are ready; none with `inbound: no`. Returns how many. */
size_t nft_served(const struct site *site, const struct situation *situation, size_t i,
	enum site_family family, const struct addr *ret_addrs[SITUATION_MAX_ADDRS]);

bool nft_has_family(const struct site_prefixes *prefixes, enum site_family family);

/* Appends a set of the prefixes of one family, called `name` with 4 or 6 behind it; nothing if
 * there are none of it. */
void nft_prefix_set(struct text *text, const char *name, const struct site_prefixes *prefixes,
	enum site_family family);
