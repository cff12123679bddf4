/* talk.c - keeps one conversation going with tests/e2e/server, and shows when it stops
 *
 * talk [-u] HOST PORT [SOURCE]: a line every 20 ms over TCP (-u: UDP). Each line that comes
 * back is printed after the milliseconds since the one before. A connection that breaks prints
 * "broken: REASON" and ends with 1.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netdb.h>

enum { EVERY_MS = 20, BUFFER = 4096 };

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int broken(int error)
{
	printf("broken: %s\n", strerror(error));
	return 1;
}

static struct addrinfo *look_up(const char *host, const char *port, int type)
{
	struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *at;

	if (getaddrinfo(host, port, &hints, &at) != 0) {
		fprintf(stderr, "talk: %s is not an address\n", host);
		exit(2);
	}
	return at;
}

/* `source` NULL: the kernel chooses. */
static int connect_to(const char *host, const char *port, int type, const char *source)
{
	struct addrinfo *at = look_up(host, port, type);
	struct addrinfo *from = source ? look_up(source, NULL, type) : NULL;
	int fd = socket(at->ai_family, type, 0);

	if (fd < 0 || (from && bind(fd, from->ai_addr, from->ai_addrlen) < 0) ||
		connect(fd, at->ai_addr, at->ai_addrlen) < 0)
		exit(broken(errno));
	freeaddrinfo(at);
	if (from)
		freeaddrinfo(from);
	return fd;
}

/* Lines may come back several at a time: only the last is told. False: the connection is over
 * (0) or broken (errno). */
static bool hear(int fd, int64_t *heard_ms)
{
	char in[BUFFER];
	ssize_t n = recv(fd, in, sizeof(in) - 1, MSG_DONTWAIT);

	if (n == 0) {
		errno = ECONNRESET;
		return false;
	}
	if (n < 0)
		return errno == EAGAIN || errno == ECONNREFUSED;
	in[n] = '\0';
	if (n > 0 && in[n - 1] == '\n')
		in[n - 1] = '\0';
	const char *last = strrchr(in, '\n');
	int64_t now = now_ms();

	printf("%4d %s\n", (int)(now - *heard_ms), last ? last + 1 : in);
	*heard_ms = now;
	return true;
}

int main(int argc, char **argv)
{
	bool udp = argc > 1 && strcmp(argv[1], "-u") == 0;

	if (argc != 3 + udp && argc != 4 + udp) {
		fprintf(stderr, "usage: talk [-u] HOST PORT [SOURCE]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	int fd = connect_to(argv[1 + udp], argv[2 + udp], udp ? SOCK_DGRAM : SOCK_STREAM,
		argc > 3 + udp ? argv[3 + udp] : NULL);
	int64_t heard_ms = now_ms();
	int64_t next_ms = heard_ms;

	for (unsigned int n = 0;;) {
		struct pollfd poll_in = {.fd = fd, .events = POLLIN};
		int64_t wait_ms = next_ms - now_ms();

		if (wait_ms <= 0) {
			char line[32];
			int len = snprintf(line, sizeof(line), "line %u\n", n++);

			/* no route for a moment is what UDP is to survive */
			if (send(fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
				errno != EAGAIN && !udp)
				return broken(errno);
			next_ms += EVERY_MS;
		} else if (poll(&poll_in, 1, (int)wait_ms) > 0 && !hear(fd, &heard_ms) &&
			   !udp) {
			return broken(errno);
		}
	}
}
