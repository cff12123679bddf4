/* hold.c - takes a port of one address, UDP and TCP, as a forgotten other server would
 *
 * hold ADDRESS PORT: prints "holding" once it has both, and stays until it is ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netdb.h>

static void take(const char *host, const char *port, int type)
{
	struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *at;

	if (getaddrinfo(host, port, &hints, &at) != 0) {
		fprintf(stderr, "hold: %s is not an address\n", host);
		exit(2);
	}
	int fd = socket(at->ai_family, type, 0);
	if (fd < 0 || bind(fd, at->ai_addr, at->ai_addrlen) < 0 ||
		(type == SOCK_STREAM && listen(fd, 1) < 0)) {
		perror("hold");
		exit(1);
	}
	freeaddrinfo(at);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: hold ADDRESS PORT\n");
		return 2;
	}
	take(argv[1], argv[2], SOCK_DGRAM);
	take(argv[1], argv[2], SOCK_STREAM);
	puts("holding");
	fflush(stdout);
	for (;;)
		pause();
}
