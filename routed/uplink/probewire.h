/* probewire.h - the packets of probes: what is sent, and which answers belong to it
 *
 * Pure. Everything that comes in is hostile until it matches.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROBEWIRE_ECHO_LEN = 8 + 16, /* ICMP header and our payload */
	PROBEWIRE_DNS_MAX = 12 + 255 + 4,
};

/* An echo request. `cookie` is known to nobody but us and whom we ask. */
struct probewire_echo {
	int family;
	uint16_t id; /* a ping socket puts its own in its place */
	uint32_t seq;
	uint64_t cookie;
};

/* Writes PROBEWIRE_ECHO_LEN octets, the checksum among them where the kernel does not. */
void probewire_echo_write(const struct probewire_echo *echo, uint8_t out[PROBEWIRE_ECHO_LEN]);

/* The number of the probe that a received message claims to answer; false if it is no echo
 * reply of our making. `raw` says that the socket hands over IPv4 headers and replies to
 * others, which `id` tells apart. The cookie is still to be compared. */
bool probewire_echo_read(int family, bool raw, uint16_t id, const uint8_t *data, size_t len,
	uint32_t *ret_seq, uint64_t *ret_cookie);

/* A DNS query for `name` (NULL or ".": the root's NS, else its A), class IN, recursion
 * desired. The case of the letters follows the bits of `cookie`, the id its lowest 16. Returns
 * the length, 0 if the name is none. */
size_t probewire_dns_write(const char *name, uint64_t cookie, uint8_t out[PROBEWIRE_DNS_MAX]);

/* Whether `data` is a response, whatever it says, to that query: same id, same question. */
bool probewire_dns_is_answer(
	const uint8_t *query, size_t query_len, const uint8_t *data, size_t len);
