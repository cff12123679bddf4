/* nftprefixes.c - prefixes of site.yaml as sets of our nftables table
 *
 * nft merges prefixes that overlap: a person may list a network and a part of it.
 */
#include "routed/wanted/nftprefixes.h"

#include <stdio.h>

#include "common/net/addr.h"
#include "common/net/family.h"

bool nftprefixes_any(const struct site_prefixes *prefixes, enum site_family family)
{
	for (size_t i = 0; i < prefixes->n; i++)
		if (prefixes->items[i].addr.family == family_af(family))
			return true;
	return false;
}

void nftprefixes_set(struct nfttable *table, const char *name,
	const struct site_prefixes *prefixes, enum site_family family)
{
	char full[NFTTABLE_NAME_MAX];

	if (!nftprefixes_any(prefixes, family))
		return;

	snprintf(full, sizeof(full), "%s%d", name, family == SITE_IPV4 ? 4 : 6);
	struct nftblock *set = nfttable_add(table, NFTBLOCK_SET, full);
	text_add(&set->declaration, "\t\ttype %s\n\t\tflags interval\n\t\tauto-merge\n",
		family == SITE_IPV4 ? "ipv4_addr" : "ipv6_addr");
	for (size_t i = 0; i < prefixes->n; i++)
		if (prefixes->items[i].addr.family == family_af(family))
			nftblock_add_prefix(set, &prefixes->items[i]);
}
