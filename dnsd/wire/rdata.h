/* rdata.h - the fields of RDATA in wire form: where the names in it are, how two compare
 *
 * Pure. The layouts are ldns's descriptors. RDATA is uncompressed, as zonefile.c makes it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Do the octets have the layout of the type? Names, numbers, addresses and strings are
 * checked, fields of other shapes are not. RDATA of an unknown type is always valid. For RFC
 * 3597's \#. */
bool rdata_is_valid(uint16_t type, const uint8_t *rdata, size_t len);

/* The next name in valid RDATA, from octet `*pos` on; moves `*pos` behind it. NULL after the
 * last. Names behind fields of other shapes (RRSIG's signer, say) are not found. */
const uint8_t *rdata_next_name(uint16_t type, const uint8_t *rdata, size_t len, size_t *pos);

/* The name that clients look up next: the host of NS, MX, SRV, ..., or NULL. */
const uint8_t *rdata_target(uint16_t type, const uint8_t *rdata, size_t len);

/* Order of RFC 4034 section 6.3, names in lower case where its section 6.2 has them so. */
int rdata_cmp(uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* "A", "TYPE65280". `out` has RDATA_TYPE_STR_LEN octets; returns it. */
enum { RDATA_TYPE_STR_LEN = 20 };
const char *rdata_type_str(uint16_t type, char *out);
