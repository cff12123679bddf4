/* load.c - reads site.yaml and checks it against the live system
 *
 * Changes nothing: the kernel checks the table and drops it.
 */
#include "routed/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/net/links.h"
#include "common/site/siteload.h"
#include "routed/kernel/nft.h"
#include "routed/wanted/nfttext.h"
#include "routed/wanted/situation.h"

enum { NFT_WHY_MAX = 512 };

static void load_check_ports(
	const struct site *site, const struct links *links, struct report *report)
{
	for (size_t i = 0; i < site->n_uplinks; i++) {
		const struct site_uplink *uplink = &site->uplinks[i];
		const struct link *link = links_find(links, uplink->interface);
		const struct link *master = link && link->master
						    ? links_find_index(links, link->master)
						    : NULL;

		if (!link || !link->master)
			continue;
		report_add(report, REPORT_ERROR, site->path, uplink->line,
			"uplinks[%zu].interface: %s is a port of %s, which has its addresses "
			"and routes: name %s here, or take %s out of it",
			i, uplink->interface, master ? master->name : "another device",
			master ? master->name : "that one", uplink->interface);
	}
}

/* The table as it follows from the present addresses. */
static void load_check_table(
	const struct site *site, const struct links *links, struct report *report)
{
	const struct situation_learned learned[SITE_MAX_UPLINKS] = {0};
	struct situation situation;
	char why[NFT_WHY_MAX] = "";

	situation_make(site, links, learned, &situation);
	AUTO(nfttable_unrefp) struct nfttable *table = wanted_nft(site, &situation);
	int err = nft_check(table, why, sizeof(why));
	if (err < 0 && err != -EPERM && err != -EACCES)
		report_add(report, REPORT_ERROR, site->path, 0,
			"the kernel refuses the nftables table that follows from it: %s",
			*why ? why : strerror(-err));
}

int load_site(const char *path, const struct links *links, struct report *report,
	struct site **ret_site)
{
	struct links *snapshot = NULL;
	struct site *site = NULL;
	int err = site_read(path, report, &site);

	if (err < 0)
		return err;
	if (!links && links_new(NULL, NULL, NULL, &snapshot) == 0)
		links = snapshot;
	if (links) {
		load_check_ports(site, links, report);
		load_check_table(site, links, report);
	}
	links_free(snapshot);
	if (report->n_errors > 0) {
		site_free(site);
		return -EINVAL;
	}
	*ret_site = site;
	return 0;
}

int load_require_net_admin(void)
{
	int err = nft_check_privilege();

	if (err == -EPERM || err == -EACCES) {
		log_error(0, "routed",
			"nftables must not be read by this process: run it as root, or with "
			"CAP_NET_ADMIN and CAP_NET_RAW");
		return err;
	}
	return err < 0 ? log_error(err, "nft", "the kernel does not speak nftables") : 0;
}
