/* passive.c - the traffic of each uplink, by counters of our nftables table
 *
 * The table counts what is forwarded out over each uplink, and what comes back (wanted.h names
 * the counters). This runs twenty times a second, so it reads them over netlink: libnftables
 * reads the whole table and prints it.
 */
#include "routed/wanted/passive.h"

#include <netinet/in.h> /* linux/netfilter.h clashes with it otherwise */

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/net/nlcmd.h"
#include "routed/uplink/uplink.h"
#include "routed/wanted/nfttext.h"

struct passive {
	struct nlcmd *cmd;
	char names[2][SITE_MAX_UPLINKS][WANTED_COUNTER_NAME]; /* out, in */
};

struct reading {
	const struct passive *passive;
	struct uplink_traffic *traffic;
	size_t n_uplinks;
	size_t n_found;
};

int passive_new(struct passive **ret_passive)
{
	struct passive *passive = calloc(1, sizeof(*passive));

	if (!passive)
		return -ENOMEM;
	int err = nlcmd_new(NETLINK_NETFILTER, &passive->cmd);
	if (err < 0) {
		free(passive);
		return log_error(err, "passive", "cannot ask the kernel for counters");
	}
	for (size_t i = 0; i < SITE_MAX_UPLINKS; i++) {
		wanted_counter_name(WANTED_COUNTER_OUT, i, passive->names[0][i]);
		wanted_counter_name(WANTED_COUNTER_IN, i, passive->names[1][i]);
	}
	*ret_passive = passive;
	return 0;
}

void passive_free(struct passive *passive)
{
	if (passive)
		nlcmd_free(passive->cmd);
	free(passive);
}

static uint64_t counter_packets(struct nlattr *data)
{
	struct nlattr *packets = nla_find(nla_data(data), nla_len(data), NFTA_COUNTER_PACKETS);

	if (!packets || nla_len(packets) < (int)sizeof(uint64_t))
		return 0;
	return be64toh(nla_get_u64(packets));
}

static int on_uplink_counter(struct nlmsghdr *msg, void *arg)
{
	struct reading *reading = arg;
	int header = NLMSG_ALIGN(sizeof(struct nfgenmsg));
	struct nlattr *name = nlmsg_find_attr(msg, header, NFTA_OBJ_NAME);
	struct nlattr *data = nlmsg_find_attr(msg, header, NFTA_OBJ_DATA);

	if (!name || !data)
		return 0;
	for (size_t i = 0; i < reading->n_uplinks; i++) {
		if (nla_strcmp(name, reading->passive->names[0][i]) == 0)
			reading->traffic[i].out = counter_packets(data);
		else if (nla_strcmp(name, reading->passive->names[1][i]) == 0)
			reading->traffic[i].replies = counter_packets(data);
		else
			continue;
		reading->n_found++;
		break;
	}
	return 0;
}

int passive_read(struct passive *passive, struct uplink_traffic *ret_traffic, size_t n_uplinks)
{
	struct uplink_traffic traffic[SITE_MAX_UPLINKS] = {0};
	struct reading reading = {passive, traffic, n_uplinks, 0};
	struct nfgenmsg header = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
	AUTO(nlmsg_freep)
	struct nl_msg *msg = nlmsg_alloc_simple(
		NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ, NLM_F_REQUEST | NLM_F_DUMP);

	if (!msg || nlmsg_append(msg, &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
		nla_put_string(msg, NFTA_OBJ_TABLE, "multihomed") < 0 ||
		nla_put_u32(msg, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER)) < 0)
		return -ENOMEM;

	int err = nlcmd_dump(passive->cmd, msg, on_uplink_counter, &reading);
	if (err < 0)
		return err;
	if (reading.n_found == 0)
		return -ENOENT;
	memcpy(ret_traffic, traffic, n_uplinks * sizeof(*traffic));
	return 0;
}
