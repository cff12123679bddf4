/* nftforwards.h - the port forwards as nftables maps; nfttext.c calls it */
#pragma once
#include "common/site/site.h"
#include "routed/kernel/nfttable.h"
#include "routed/kernel/text.h"

struct situation;

/* Appends the sets and maps of all forwards to `table`, and the rules that look a packet up in
 * them to `rules`. */
void nft_forwards(struct nfttable *table, struct text *rules, const struct site *site,
	const struct situation *situation);
