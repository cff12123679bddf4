/* nftdigest.h - a number for what our nftables table holds, to tell whether another
 * program changed it
 *
 * Read by raw netlink rather than by libnftables, whose listing of ten thousand elements takes
 * a fifth of a second and megabytes.
 */
#pragma once
#include <stdint.h>

struct addr;
struct nlcmd;

#define NFT_TABLE "multihomed"

/* The digest of table `inet multihomed` as the kernel holds it: tables, chains, rules, sets,
 * their elements and named objects, but nothing that packets change (counters, quotas,
 * timeouts, elements of dynamic sets). 0 in `ret_digest` if there is no such table. Negative
 * errno, not logged. */
int nftdigest_read(struct nlcmd *cmd, uint64_t *ret_digest);

/* 1 if there is a table `inet multihomed`, 0 if not, or a negative errno. */
int nftdigest_has_table(struct nlcmd *cmd);

/* The number of the ruleset's generation: the kernel counts the transactions of all
 * programs. */
int nftdigest_generation(struct nlcmd *cmd, uint32_t *ret_generation);

/* A named counter of our table. */
typedef void nftdigest_counter_fn(
	const char *name, uint64_t packets, uint64_t bytes, void *arg);
int nftdigest_counters(struct nlcmd *cmd, nftdigest_counter_fn *each, void *arg);

/* What a set of our table has counted, by address . protocol . port; see nfttext.c. -EINTR: it
 * changed meanwhile, and an element may have been left out or reported twice. */
typedef void nftdigest_count_fn(
	const struct addr *addr, uint8_t proto, uint16_t port, uint64_t packets, void *arg);
int nftdigest_counts(struct nlcmd *cmd, const char *set, nftdigest_count_fn *each, void *arg);
