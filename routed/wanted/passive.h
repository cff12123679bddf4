/* passive.h - what the traffic of others says of the uplinks: counters of our nftables table
 *
 * Edge. One dump of the table's named counters per reading, a few tens of microseconds.
 */
#pragma once
#include <stddef.h>

struct passive; /* opaque, see passive.c */
struct uplink_traffic;

/* Negative errno after a logged message. */
int passive_new(struct passive **ret_passive);
void passive_free(struct passive *passive);

/* Fills traffic[0 .. n_uplinks - 1], in the order of site->uplinks; 0 where there is no
 * counter. -ENOENT without our table, -EINTR if it was changed meanwhile; any failure only
 * means that there is no news. */
int passive_read(
	struct passive *passive, struct uplink_traffic *ret_traffic, size_t n_uplinks);
