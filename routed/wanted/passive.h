/* passive.h - the traffic of each uplink, by counters of our nftables table
 *
 * Edge. Each reading is one dump of the table's named counters: a few tens of microseconds.
 */
#pragma once
#include <stddef.h>

struct passive; /* opaque, see passive.c */
struct uplink_traffic;

/* Negative errno after a logged message. */
int passive_new(struct passive **ret_passive);
void passive_free(struct passive *passive);

/* Fills ret_traffic[0 .. n_uplinks - 1], in the order of site->uplinks; 0 without a counter.
 * -ENOENT without our table, -EINTR if it was changed during the dump. After a failure the
 * caller tries again at the next reading. */
int passive_read(
	struct passive *passive, struct uplink_traffic *ret_traffic, size_t n_uplinks);
