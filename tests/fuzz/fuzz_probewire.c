/* fuzz_probewire.c - any octets as the answer to a probe
 *
 * Only what carries our number twice over, or our question, may be taken for an answer.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routed/uplink/probewire.h"

static void read_echo(int family, bool raw, const uint8_t *data, size_t size)
{
	uint32_t seq;
	uint64_t cookie;

	if (!probewire_echo_read(family, raw, 0x4d48, data, size, &seq, &cookie))
		return;
	if (size < PROBEWIRE_ECHO_LEN)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t query[PROBEWIRE_DNS_MAX];
	uint8_t *copy = malloc(size ? size : 1); /* no octet behind it */

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	read_echo(AF_INET, false, copy, size);
	read_echo(AF_INET, true, copy, size);
	read_echo(AF_INET6, false, copy, size);

	size_t len = probewire_dns_write("www.example.com", 0x4d48, query);
	if (probewire_dns_is_answer(query, len, copy, size) &&
		memcmp(copy + 12, query + 12, len - 12) != 0)
		abort();
	free(copy);
	return 0;
}
