/* fill.c - puts entries into connection tracking, as many as a busy site has
 *
 * fill COUNT MARK: over UDP and IPv4, with that connection mark; they last for ten minutes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/connections.h"

int main(int argc, char **argv)
{
	struct connections connections;

	if (argc != 3) {
		fprintf(stderr, "usage: fill COUNT MARK\n");
		return 2;
	}
	connections_init(&connections);
	connections_add(&connections, AF_INET, (uint32_t)strtoul(argv[2], NULL, 0),
		(unsigned int)strtoul(argv[1], NULL, 10));
	connections_fini(&connections);
	return 0;
}
