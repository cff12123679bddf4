/* connects.c - begins a new TCP connection every 10 ms, and tells which of them succeed
 *
 * connects HOST PORT [TIMES [MS]]: for each connection that comes about, a line with the time
 * of day at which it was begun, and that at which it was there, both in microseconds. Without
 * TIMES, or with -1, until it is ended. Waits one second for the last ones. MS is the time
 * from one to the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netdb.h>

enum { EVERY_US = 10000, GIVE_UP_US = 1000000, MAX_TRIES = 1024 };

struct tries {
	struct pollfd polls[MAX_TRIES];
	int64_t begun_us[MAX_TRIES];
	nfds_t n;
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void try_begin(struct tries *tries, const struct addrinfo *at)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || tries->n == MAX_TRIES) {
		fprintf(stderr, "connects: too many connections under way\n");
		exit(1);
	}
	/* a reset at the end: thousands of TIME-WAIT help nobody */
	struct linger none = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	tries->begun_us[tries->n] = now_us();
	if (connect(fd, at->ai_addr, at->ai_addrlen) < 0 && errno != EINPROGRESS) {
		close(fd);
		return;
	}
	tries->polls[tries->n++] = (struct pollfd){.fd = fd, .events = POLLOUT};
}

static void tell(int fd, int64_t begun_us)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error == 0)
		printf("%lld %lld\n", (long long)begun_us, (long long)now_us());
}

static void tries_look(struct tries *tries)
{
	for (nfds_t i = tries->n; i-- > 0;) {
		int fd = tries->polls[i].fd;

		if (tries->polls[i].revents)
			tell(fd, tries->begun_us[i]);
		else if (now_us() - tries->begun_us[i] < GIVE_UP_US)
			continue;
		close(fd);
		tries->n--;
		tries->polls[i] = tries->polls[tries->n];
		tries->begun_us[i] = tries->begun_us[tries->n];
	}
}

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *at;
	static struct tries tries;
	long left = argc > 3 ? atol(argv[3]) : -1;
	int64_t every_us = argc > 4 ? atol(argv[4]) * 1000 : EVERY_US;

	if (argc < 3 || getaddrinfo(argv[1], argv[2], &hints, &at) != 0) {
		fprintf(stderr, "usage: connects ADDRESS PORT [TIMES [MS]]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int64_t next_us = now_us(); left != 0 || tries.n > 0;) {
		int64_t wait_us = left != 0 ? next_us - now_us() : every_us;

		if (wait_us <= 0) {
			try_begin(&tries, at);
			next_us += every_us;
			left -= left > 0;
			continue;
		}
		poll(tries.polls, tries.n, (int)((wait_us + 999) / 1000));
		tries_look(&tries);
	}
	freeaddrinfo(at);
	return 0;
}
