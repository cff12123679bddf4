/* value.h - the small texts of a configuration, taken literally: numbers, times, names
 *
 * Every parser takes the whole text or nothing: no spaces, signs, leading zeros or other
 * spellings. 0 on success, -EINVAL if the text is something else, -ERANGE if it is too big.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

/* yes, no, true, false */
int value_bool(const char *text, bool *ret_value);

/* Decimal, at most `max`. */
int value_uint(const char *text, uint64_t max, uint64_t *ret_value);

/* Decimal, or hexadecimal after 0x. */
int value_mask(const char *text, uint32_t *ret_value);

/* A port from 1 to 65535. */
int value_port(const char *text, uint16_t *ret_port);

/* A whole number and its unit: ms, s, m, h or d. -ENODATA: a number without one. */
int value_duration(const char *text, int64_t *ret_ms);

/* "10%" or "2.5%" as 0.1 and 0.025; from 0% to 100%. */
int value_percent(const char *text, double *ret_share);

/* "192.0.2.1:9100" or "[2001:db8::1]:9100" */
int value_addr_port(const char *text, struct addr *ret_addr, uint16_t *ret_port);

/* The same, or an address alone, which gets `port`. */
int value_endpoint(const char *text, uint16_t port, struct addr *ret_addr, uint16_t *ret_port);

/* A name of a network device that Linux and our own pattern accept. */
bool value_is_interface(const char *text);

/* The name of an uplink or server: letters, digits, '-' and '_', at most `max` octets. */
bool value_is_name(const char *text, size_t max);

/* A domain name other than the root, with or without the final dot, no escapes. */
bool value_is_domain(const char *text);
