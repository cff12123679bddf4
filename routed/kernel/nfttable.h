/* nfttable.h - our nftables table as values: counters, sets, maps of port forwards, chains
 *
 * The writers of wanted/ fill it, nftdiff.c compares two of them, nft.c brings it into the kernel.
 * A table has one owner more for each nfttable_ref(); once it has left its writer it never changes.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"
#include "routed/kernel/text.h"

enum { NFTTABLE_NAME_MAX = 64 };

/* One port forward. Unused octets are 0, so that memcmp() compares two of them. */
struct nftforward {
	uint8_t asked[16]; /* the address asked; the first 4 octets for IPv4 */
	uint8_t protocol;  /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t unused;
	uint16_t port;
	uint8_t target[16]; /* the inside address */
	uint16_t target_port;
};

/* What stands before `target` is the key. */
enum { NFTFORWARD_KEY_LEN = offsetof(struct nftforward, target) };

enum nftblock_kind {
	NFTBLOCK_COUNTER,
	NFTBLOCK_SET,	/* of `prefixes`, or filled by packets */
	NFTBLOCK_MAP,	/* of `forwards` */
	NFTBLOCK_CHAIN, /* of `rules` */
};

struct nftblock {
	enum nftblock_kind kind;
	int af; /* of a map */
	char name[NFTTABLE_NAME_MAX];
	char note[NFTTABLE_NAME_MAX]; /* a comment for people; "": none */
	struct text declaration; /* lines: type, flags, size; of a chain its hook, if any */
	struct text rules;	 /* lines */
	struct prefix *prefixes; /* their set is one of intervals */
	size_t n_prefixes;
	struct nftforward *forwards; /* in the order of site.yaml */
	size_t n_forwards;
};

struct nfttable {
	unsigned int n_refs;
	struct nftblock *blocks;
	size_t n;
};

/* ---- writing ---- */

/* Out of memory ends the program, as in all of these. */
struct nfttable *nfttable_new(void);
struct nfttable *nfttable_ref(struct nfttable *table);
void nfttable_unref(struct nfttable *table); /* NULL is fine */
void nfttable_unrefp(struct nfttable **table);

/* Appends a block; `name` is shorter than NFTTABLE_NAME_MAX. Valid until the next one is appended. */
struct nftblock *nfttable_add(
	struct nfttable *table, enum nftblock_kind kind, const char *name);
void nftblock_add_prefix(struct nftblock *block, const struct prefix *prefix);
void nftblock_add_forward(struct nftblock *block, const struct nftforward *forward);

/* ---- reading ---- */

bool nfttable_eq(const struct nfttable *a, const struct nfttable *b);
/* Of two blocks of one kind and name: what the kernel cannot change in place, and the rest. */
bool nftblock_declares_same(const struct nftblock *a, const struct nftblock *b);
bool nftblock_holds_same(const struct nftblock *a, const struct nftblock *b);
size_t nfttable_n_forwards(const struct nfttable *table);

/* "map", as nft writes it. */
const char *nftblock_kind_str(enum nftblock_kind kind);

/* Appends the block as nft reads it; without its forwards if `empty`. */
void nftblock_write(const struct nftblock *block, bool empty, struct text *text);

/* "192.168.2.1 . tcp . 8443 : 10.0.1.1 . 443", or the key alone. */
void nftforward_write(
	const struct nftforward *forward, int af, bool key_only, struct text *text);

/* "table inet multihomed { ... }"; maps without their forwards if `empty`. The caller's to free. */
char *nfttable_text(const struct nfttable *table, bool empty);

/* A table from the text that nfttable_text() made, in a former run say. NULL if the text is not
 * exactly such a one. */
struct nfttable *nfttable_read(const char *text);
