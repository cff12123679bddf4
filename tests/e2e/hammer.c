/* hammer.c - asks one question over and over, and counts what is lost
 *
 * hammer SERVER NAME [TIMES]: asks the server for the A records of the name, one query at a
 * time with a pause of half a millisecond between them, until SIGTERM; then prints "sent N
 * lost N wrong N". With TIMES it asks so often, each time from another port. An answer that
 * takes longer than two seconds is lost, one with another RCODE or without an answer record is
 * wrong. No query is repeated.
 */
#include <errno.h>
#include <signal.h>
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

static int connect_to(const char *server)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *at;

	if (getaddrinfo(server, "53", &hints, &at) != 0) {
		fprintf(stderr, "hammer: %s is not an address\n", server);
		exit(2);
	}
	int fd = socket(at->ai_family, SOCK_DGRAM, 0);
	struct timeval patience = {.tv_sec = WAIT_S};
	if (fd < 0 || connect(fd, at->ai_addr, at->ai_addrlen) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0) {
		perror("hammer");
		exit(1);
	}
	freeaddrinfo(at);
	return fd;
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

static void ask_once(int fd, uint8_t *query, size_t len, struct tally *tally)
{
	uint8_t reply[4096];

	query[0] = (uint8_t)(tally->sent >> 8);
	query[1] = (uint8_t)tally->sent;
	tally->sent++;
	if (send(fd, query, len, 0) < 0 || receive(fd, query, reply, sizeof(reply)) < 0)
		tally->lost++;
	else if ((reply[3] & 0x0f) != 0 || (reply[6] == 0 && reply[7] == 0))
		tally->wrong++;
}

int main(int argc, char **argv)
{
	uint8_t query[512];
	struct tally tally = {0};
	const struct timespec rest = {.tv_nsec = PAUSE_NS};

	size_t len = argc == 3 || argc == 4 ? build_query(argv[2], query, sizeof(query)) : 0;
	unsigned long times = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	if (len == 0) {
		fprintf(stderr, "usage: hammer SERVER NAME [TIMES]\n");
		return 2;
	}
	signal(SIGTERM, on_term);
	int fd = connect_to(argv[1]);
	while (!ended && (times == 0 || tally.sent < times)) {
		if (times > 0) {
			close(fd);
			fd = connect_to(argv[1]);
		}
		ask_once(fd, query, len, &tally);
		nanosleep(&rest, NULL);
	}
	close(fd);
	printf("sent %lu lost %lu wrong %lu\n", tally.sent, tally.lost, tally.wrong);
	return tally.lost > 0 || tally.wrong > 0;
}
