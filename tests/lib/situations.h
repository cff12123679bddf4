/* situations.h - sites and situations of routed's pure part, for its tests */
#pragma once
#include "common/site/site.h"
#include "routed/kernel/kernel.h"
#include "routed/kernel/nfttable.h"
#include "routed/wanted/situation.h"

/* The reference site. `extra` is appended to its text: whole keys of the root, or NULL. */
struct site *situations_reference(const char *extra);

/* Any site.yaml; the test fails if it has a mistake. */
struct site *situations_site(const char *yaml);

/* Uplink `i` as the kernel shows it: device, address with its subnet ("192.168.2.1/29", the
 * first of a family is chosen), gateway (NULL: none known), and up. */
void situations_address(struct situation *situation, size_t i, const char *address);
void situations_gateway(struct situation *situation, size_t i, const char *gateway);
void situations_device(struct situation *situation, size_t i, int ifindex);

/* Both uplinks of the reference site up; ifindexes 2 and 3, lan0 has 10.0.0.1/24. */
struct situation situations_both_up(void);

/* The names of those devices: wan-a 2, wan-b 3, wan-c 4, lan0 9. */
const char *situations_ifname(int ifindex, void *arg);

/* All routes or rules, one a line, as `ip` takes them. The caller frees the text. */
char *situations_routes(const struct kernel *kernel);
char *situations_rules(const struct kernel *kernel);

/* The table as nft reads it, and the reference is given up. The test fails if that text, read back,
 * is another table. The caller frees the text. */
char *situations_table_text(struct nfttable *table);
