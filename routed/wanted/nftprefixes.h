/* nftprefixes.h - prefixes of site.yaml as sets of our nftables table */
#pragma once
#include <stdbool.h>

#include "common/site/site.h"
#include "routed/kernel/nfttable.h"

/* Are there prefixes of this family? */
bool nftprefixes_any(const struct site_prefixes *prefixes, enum site_family family);

/* Appends a set of the prefixes of one family, called `name` with 4 or 6 behind it; nothing if
 * there are none of it. */
void nftprefixes_set(struct nfttable *table, const char *name,
	const struct site_prefixes *prefixes, enum site_family family);
