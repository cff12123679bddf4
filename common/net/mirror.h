/* mirror.h - the reader of rtnetlink messages: octets in, links and addresses out
 *
 * The part of the netlink mirror that touches no socket: links.c, tests and the fuzzer give
 * it messages. The result is a plain table of links, each with its addresses.
 */
#pragma once
#include "common/net/links.h"

struct nlmsghdr;

struct mirror {
	struct link *
		*links; /* ascending ifindex; an entry stays where it is until its link goes */
	size_t n_links;
	/* A dump is being read: the kernel names each address once, in its own order, so
	 * addresses are appended without a search. A dump of many addresses takes linear
	 * time. */
	bool filling;
};

enum mirror_effect {
	MIRROR_SAME,
	MIRROR_CHANGED,
};

void mirror_init(struct mirror *mirror);
void mirror_fini(struct mirror *mirror);

/* Reads one whole message (`nlmsg_len` octets are there), aligned to 4, and does not write to
 * it. Returns an enum mirror_effect, -EBADMSG for a malformed message, which changes nothing,
 * or -ENOMEM. */
int mirror_apply(struct mirror *mirror, struct nlmsghdr *msg);

/* Reads a datagram of `len` octets, aligned to 4, message by message, up to the first that
 * does not fit. Returns what mirror_apply would for all of them together. */
int mirror_read(struct mirror *mirror, void *bytes, size_t len);

/* The link's place in `links`, or where it would be inserted; `*ret_found` tells which. */
size_t mirror_index(const struct mirror *mirror, int ifindex, bool *ret_found);

bool mirror_eq(const struct mirror *a, const struct mirror *b);
