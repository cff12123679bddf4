/* nftforged.h - what an uplink must not bring: inside sources, and questions for the inside
 * view; nfttext.c calls it */
#pragma once
#include "common/net/addr.h"
#include "common/site/site.h"
#include "routed/kernel/nfttable.h"

struct situation;

struct forged_prefixes {
	struct prefix *items; /* sorted, none within another */
	size_t n;
};

/* What is known of the sources of one family. */
struct forged {
	struct forged_prefixes own;	  /* the site's alone, whatever the routes say */
	struct forged_prefixes delegated; /* prefixes6: inside, be they in use or not */
	struct forged_prefixes lan;	  /* inside, but for more specific routes outside */
	struct forged_prefixes onlink;	  /* outside, although within the two above */
	struct forged_prefixes asked;	  /* addresses of the inside view */
};

/* Pure. `ret_forged` is the caller's to forged_fini. */
void forged_of(const struct site *site, const struct situation *situation,
	enum site_family family, struct forged *ret_forged);
void forged_fini(struct forged *forged);

/* The chain `from_outside` and what it goes to. A packet that is none of this returns. */
void nft_forged_chains(
	struct nfttable *table, const struct site *site, const struct situation *situation);
