/* nftelements.h - commands on the elements of the forward maps, as the kernel takes them
 *
 * Pure. libnftables takes a seventh of a second and 24 MB for ten thousand elements of text,
 * and reads all that the kernel has of a map before it changes one of them. The maps of
 * nftforwards.c have one shape, so that their elements can be laid out here at once.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Netlink messages for one transaction, one after the other. */
struct nftelements_batch {
	uint8_t *data;
	size_t len; /* octets */
};

/* `commands` as nftdiff writes them, a line each:
 *
 *     add element inet multihomed forward4 { 192.168.2.1 . tcp . 80 : 10.0.1.1 . 80, ... }
 *     delete element inet multihomed forward6 { 2001:db8:a::1 . udp . 53, ... }
 *
 * Every message bears `seq`, and the last of them asks for an acknowledgement. False, and
 * nothing in `ret_batch`, if there is anything else among them, or nothing at all: then
 * libnftables has to read it. `ret_batch->data` is the caller's to free. */
bool nftelements_compile(
	const char *commands, uint32_t seq, struct nftelements_batch *ret_batch);
