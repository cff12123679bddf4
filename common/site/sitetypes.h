/* sitetypes.h - readers of the kinds of value that several keys of site.yaml share */
#pragma once
#include "common/site/schema.h"
#include "common/site/site.h"

int site_line_of(const struct doc_place *at);

/* The site being read: keys that stand earlier in the root table are in it already. */
struct site *site_of_place(const struct doc_place *at);

schema_read site_read_name;	 /* char[SITE_NAME_MAX + 1] */
schema_read site_read_interface; /* char[IFNAMSIZ] */
schema_read site_read_address;	 /* struct addr[SITE_FAMILIES] */
schema_read
	site_read_within; /* struct prefix[SITE_FAMILIES]: an address or a prefix of the interface */
schema_read site_read_prefixes; /* struct site_prefixes */

/* Index of the uplink of that name, or -1 after reporting a mistake. */
int site_read_uplink_ref(const struct doc_place *at, const char *text);

/* A list of uplinks in the order given. Returns their number; 0 after reporting a mistake. */
size_t site_read_uplink_list(const struct doc_place *at, uint8_t ret_list[SITE_MAX_UPLINKS]);
