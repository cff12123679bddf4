/* nftprefixes.c - prefixes of site.yaml as sets of our nftables table
 *
 * nft merges prefixes that overlap: a person may list a network and a part of it.
 */
#include "routed/wanted/nftprefixes.h"

#include "common/net/addr.h"
#include "common/net/family.h"

bool nftprefixes_any(const struct site_prefixes *prefixes, enum site_family family)
{
	for (size_t i = 0; i < prefixes->n; i++)
		if (prefixes->items[i].addr.family == family_af(family))
			return true;
	return false;
}

void nftprefixes_set(struct text *text, const char *name, const struct site_prefixes *prefixes,
	enum site_family family)
{
	if (!nftprefixes_any(prefixes, family))
		return;

	text_add(text, "\tset %s%d {\n\t\ttype %s\n\t\tflags interval\n\t\tauto-merge\n", name,
		family == SITE_IPV4 ? 4 : 6, family == SITE_IPV4 ? "ipv4_addr" : "ipv6_addr");
	text_str(text, "\t\telements = {\n");
	for (size_t i = 0; i < prefixes->n; i++)
		if (prefixes->items[i].addr.family == family_af(family))
			text_add(text, "\t\t\t%s,\n", prefix_str(&prefixes->items[i]));
	text_str(text, "\t\t}\n\t}\n");
}
