/* rdatatext.h - RDATA from the words of a master file
 *
 * Field by field along ldns's descriptor of the type, so that a mistake can be named.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "dnsd/zone/zonetoken.h"

enum {
	RDATA_MAX_LEN = 65535,
	RDATATEXT_WHY_LEN = 320,
};

struct rdatatext {
	uint16_t type;
	const uint8_t *origin; /* for names without final dot */
	const struct zonetoken *tokens;
	size_t n_tokens;
};

/* `ret_rdata` has RDATA_MAX_LEN octets. -EINVAL with a sentence in `why` (RDATATEXT_WHY_LEN),
 * or -ENOMEM. */
int rdatatext_parse(
	const struct rdatatext *text, uint8_t *ret_rdata, size_t *ret_len, char *why);
