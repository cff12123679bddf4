/* hammer.c - asks one question over and over, and counts what is lost
 *
 * hammer [-t] SERVER NAME [TIMES]: asks the server for the A records of the name, one query at
 * a time with a pause of half a millisecond between them, until SIGTERM; then prints "sent N
 * lost N wrong N" and "longest N ms". With TIMES it asks so often, each time from another
 * port; with -t over TCP, each time on another connection. An answer that takes longer than
 * two seconds is lost, one with another RCODE or without an answer record is wrong. No query
 * is repeated.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netdb.h>

enum { WAIT_S = 2, PAUSE_NS = 500000, HEADER_LEN = 12 };

struct tally {
	unsigned long sent;
	unsigned long lost;
	unsigned long wrong;
	long longest_ms;
};

static volatile sig_atomic_t ended;

static void on_term(int signo)
{
	(void)signo;
	ended = 1;
}

/* Header and question; the id comes later. Returns the length, 0 if the name is too long. */
static size_t build_query(const char *name, uint8_t *query, size_t size)
{
	static const uint8_t tail[] = {0, 0, 1, 0, 1}; /* root, A, IN */
	size_t at = HEADER_LEN;

	memset(query, 0, HEADER_LEN);
	query[5] = 1; /* QDCOUNT */
	while (*name != '\0') {
		size_t len = strcspn(name, ".");
		if (len == 0 || len > 63 || at + 1 + len + sizeof(tail) > size)
			return 0;
		query[at++] = (uint8_t)len;
		memcpy(query + at, name, len);
		at += len;
		name += len;
		if (*name == '.')
			name++;
	}
	memcpy(query + at, tail, sizeof(tail));
	return at + sizeof(tail);
}

/* Over TCP a connection that does not come about is a query lost: -1. */
static int connect_to(const char *server, bool tcp)
{
	struct addrinfo hints = {
		.ai_socktype = tcp ? SOCK_STREAM : SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *at;

	if (getaddrinfo(server, "53", &hints, &at) != 0) {
		fprintf(stderr, "hammer: %s is not an address\n", server);
		exit(2);
	}
	int fd = socket(at->ai_family, at->ai_socktype, 0);
	struct timeval patience = {.tv_sec = WAIT_S};
	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0) {
		perror("hammer");
		exit(1);
	}
	int failed = connect(fd, at->ai_addr, at->ai_addrlen);
	freeaddrinfo(at);
	if (failed && !tcp) {
		perror("hammer");
		exit(1);
	}
	if (failed)
		close(fd);
	return failed ? -1 : fd;
}

/* Waits for the response with this id; late ones to earlier queries are passed over. */
static ssize_t receive(int fd, const uint8_t *id, uint8_t *reply, size_t size)
{
	for (;;) {
		ssize_t len = recv(fd, reply, size, 0);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 || (len >= HEADER_LEN && memcmp(reply, id, 2) == 0))
			return len;
	}
}

static ssize_t receive_all(int fd, uint8_t *bytes, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = recv(fd, bytes + have, len - have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENODATA; /* the server hung up */
		if (n <= 0)
			return -1;
		have += (size_t)n;
	}
	return (ssize_t)len;
}

/* Sends with the length in front and receives likewise. */
static ssize_t exchange_tcp(
	int fd, const uint8_t *query, size_t len, uint8_t *reply, size_t size)
{
	uint8_t message[2 + 512];
	uint8_t prefix[2];

	message[0] = (uint8_t)(len >> 8);
	message[1] = (uint8_t)len;
	memcpy(message + 2, query, len);
	if (send(fd, message, len + 2, MSG_NOSIGNAL) < 0 || receive_all(fd, prefix, 2) < 0)
		return -1;
	size_t n = (size_t)prefix[0] << 8 | prefix[1];
	return n < HEADER_LEN || n > size ? -1 : receive_all(fd, reply, n);
}

static ssize_t exchange_udp(
	int fd, const uint8_t *query, size_t len, uint8_t *reply, size_t size)
{
	return send(fd, query, len, 0) < 0 ? -1 : receive(fd, query, reply, size);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct target {
	const char *server;
	bool tcp;
	bool anew; /* another socket for each query */
};

static void ask_once(
	const struct target *target, int *fd, uint8_t *query, size_t len, struct tally *tally)
{
	uint8_t reply[4096];
	long start_ms = now_ms();

	if (*fd < 0)
		*fd = connect_to(target->server, target->tcp);
	query[0] = (uint8_t)(tally->sent >> 8);
	query[1] = (uint8_t)tally->sent;
	tally->sent++;
	ssize_t n = *fd < 0	  ? -1
		    : target->tcp ? exchange_tcp(*fd, query, len, reply, sizeof(reply))
				  : exchange_udp(*fd, query, len, reply, sizeof(reply));
	if (n < 0 && errno == EINTR && ended) {
		tally->sent--; /* told to end while it connected */
	} else if (n < 0) {
		tally->lost++;
		fprintf(stderr, "hammer: lost: %s\n", strerror(errno));
	} else if ((reply[3] & 0x0f) != 0 || (reply[6] == 0 && reply[7] == 0)) {
		tally->wrong++;
	}
	if (now_ms() - start_ms > tally->longest_ms)
		tally->longest_ms = now_ms() - start_ms;
	if (target->anew && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: hammer [-t] SERVER NAME [TIMES]\n");
	return 2;
}

int main(int argc, char **argv)
{
	uint8_t query[512];
	struct tally tally = {0};
	const struct timespec rest = {.tv_nsec = PAUSE_NS};
	bool tcp = argc > 1 && strcmp(argv[1], "-t") == 0;
	int fd = -1;

	argc -= tcp;
	argv += tcp;
	if (argc != 3 && argc != 4)
		return usage();
	size_t len = build_query(argv[2], query, sizeof(query));
	unsigned long times = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	const struct target target = {argv[1], tcp, tcp || times > 0};
	if (len == 0)
		return usage();
	signal(SIGTERM, on_term);
	while (!ended && (times == 0 || tally.sent < times)) {
		ask_once(&target, &fd, query, len, &tally);
		nanosleep(&rest, NULL);
	}
	printf("sent %lu lost %lu wrong %lu\nlongest %ld ms\n", tally.sent, tally.lost,
		tally.wrong, tally.longest_ms);
	return tally.lost > 0 || tally.wrong > 0;
}
