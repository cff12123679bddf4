/* probewire.h - the packets of probes: how they are written, and which answers match
 *
 * Pure. Every received packet is hostile until it matches.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROBEWIRE_ECHO_LEN = 8 + 16, /* ICMP header and our payload */
	PROBEWIRE_DNS_MAX = 12 + 255 + 4,
};

/* An echo request. Only we and the target know `cookie`. */
struct probewire_echo {
	int family;
	uint16_t id; /* a ping socket replaces it by its own */
	uint32_t seq;
	uint64_t cookie;
};

/* Writes PROBEWIRE_ECHO_LEN octets, with the checksum where the kernel does not write it. */
void probewire_echo_write(const struct probewire_echo *echo, uint8_t out[PROBEWIRE_ECHO_LEN]);

/* The number of the probe that a received message claims to answer. False if it is not an echo
 * reply of our format. `raw`: the socket also delivers IPv4 headers, and replies to other
 * programs, which have another `id`. The caller compares the cookie. */
bool probewire_echo_read(int family, bool raw, uint16_t id, const uint8_t *data, size_t len,
	uint32_t *ret_seq, uint64_t *ret_cookie);

/* A DNS query for the A records of `name` (NULL or ".": the NS records of the root), class IN,
 * recursion desired. The lowest 16 bits of `cookie` are the id, the others the case of the
 * letters. Returns the length, or 0 if the name is not valid. */
size_t probewire_dns_write(const char *name, uint64_t cookie, uint8_t out[PROBEWIRE_DNS_MAX]);

/* True if `data` is a response to that query, with any content: same id, same question. */
bool probewire_dns_is_answer(
	const uint8_t *query, size_t query_len, const uint8_t *data, size_t len);
