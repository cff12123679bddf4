/* fuzz_netlink.c - any octets as datagrams of rtnetlink
 *
 * The input is read twice: as notifications, and as a dump. The mirror must stay in order
 * after each.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "common/net/mirror.h"

static void check(const struct mirror *mirror)
{
	for (size_t i = 0; i < mirror->n_links; i++) {
		const struct link *link = mirror->links[i];

		if (link->ifindex <= 0 || !link->name[0] ||
			!memchr(link->name, '\0', IFNAMSIZ))
			abort();
		if (i > 0 && mirror->links[i - 1]->ifindex >= link->ifindex)
			abort();
		for (size_t k = 0; k < link->n_addrs; k++)
			if (link->addrs[k].prefix_len > 8 * addr_len(&link->addrs[k].addr))
				abort();
	}
	if (!mirror_eq(mirror, mirror))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *copy = malloc(size ? size : 1); /* aligned, as netlink's buffers are */
	struct mirror mirror;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	for (int filling = 0; filling < 2; filling++) {
		mirror_init(&mirror);
		mirror.filling = filling != 0;
		mirror_read(&mirror, copy, size);
		check(&mirror);
		mirror_read(&mirror, copy, size); /* over what is known now */
		check(&mirror);
		mirror_fini(&mirror);
	}
	free(copy);
	return 0;
}
