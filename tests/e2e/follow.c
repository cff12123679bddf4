/* follow.c - does as clients do who know nothing but a name: asks for it, and connects to what
 * it is told
 *
 * follow SERVER NAME PORT MS: every MS milliseconds asks the name server at SERVER (UDP, no
 * recursion) for the addresses of NAME in the server's own family, and begins a TCP connection
 * to each of them. For each answered address a line
 *
 *     <begun> <ended> SERVER ADDRESS ok|dead
 *
 * where the times are microseconds of the day; and "<begun> <ended> SERVER - silent" where no
 * answer came within half a second. Until it is ended. tests/soak.sh judges the lines.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <ldns/ldns.h>

enum { ANSWER_MS = 500, CONNECT_MS = 800, WIRE_MAX = 1500 };

struct asker {
	const char *server;
	struct addrinfo *at;
	struct addrinfo
		*target; /* a pattern for connections: its port, its address replaced */
	ldns_rdf *name;
	ldns_rr_type type;
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void fail(const char *what)
{
	fprintf(stderr, "follow: %s\n", what);
	exit(2);
}

static struct addrinfo *look_up(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
	struct addrinfo *at;

	if (getaddrinfo(host, port, &hints, &at) != 0)
		fail(host);
	return at;
}

static size_t make_query(const struct asker *asker, uint16_t id, uint8_t out[WIRE_MAX])
{
	uint8_t *wire;
	size_t len;
	ldns_pkt *pkt = ldns_pkt_query_new(
		ldns_rdf_clone(asker->name), asker->type, LDNS_RR_CLASS_IN, 0);

	if (!pkt)
		fail("no memory");
	ldns_pkt_set_id(pkt, id);
	if (ldns_pkt2wire(&wire, pkt, &len) != LDNS_STATUS_OK || len > WIRE_MAX)
		fail("cannot make a query");
	memcpy(out, wire, len);
	LDNS_FREE(wire);
	ldns_pkt_free(pkt);
	return len;
}

/* The answer, or NULL after half a second. The caller's to free. */
static ldns_pkt *ask(const struct asker *asker)
{
	static uint16_t id;
	uint8_t wire[WIRE_MAX];
	int64_t end_us = now_us() + ANSWER_MS * 1000;
	int fd = socket(asker->at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ldns_pkt *pkt = NULL;

	size_t len = make_query(asker, ++id, wire);
	if (fd < 0 || connect(fd, asker->at->ai_addr, asker->at->ai_addrlen) < 0 ||
		send(fd, wire, len, 0) < 0)
		end_us = 0;
	while (!pkt && now_us() < end_us) {
		struct pollfd in = {.fd = fd, .events = POLLIN};

		if (poll(&in, 1, (int)((end_us - now_us()) / 1000) + 1) <= 0)
			continue;
		ssize_t n = recv(fd, wire, sizeof(wire), 0);
		if (n < 0 || ldns_wire2pkt(&pkt, wire, (size_t)n) != LDNS_STATUS_OK)
			pkt = NULL;
		if (pkt && ldns_pkt_id(pkt) != id) {
			ldns_pkt_free(pkt);
			pkt = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return pkt;
}

static bool connects(const struct addrinfo *at)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd out = {.fd = fd, .events = POLLOUT};
	/* a reset at the end: thousands of TIME-WAIT help nobody */
	struct linger none = {.l_onoff = 1};
	int error = 0;
	socklen_t len = sizeof(error);

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	bool ok = (connect(fd, at->ai_addr, at->ai_addrlen) == 0 ||
			  poll(&out, 1, CONNECT_MS) > 0) &&
		  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
	close(fd);
	return ok;
}

static void put_address(struct addrinfo *at, const ldns_rdf *address)
{
	if (at->ai_family == AF_INET)
		memcpy(&((struct sockaddr_in *)(void *)at->ai_addr)->sin_addr,
			ldns_rdf_data(address), 4);
	else
		memcpy(&((struct sockaddr_in6 *)(void *)at->ai_addr)->sin6_addr,
			ldns_rdf_data(address), 16);
}

static void follow(const struct asker *asker)
{
	int64_t begun_us = now_us();
	ldns_pkt *pkt = ask(asker);

	if (!pkt) {
		printf("%lld %lld %s - silent\n", (long long)begun_us, (long long)now_us(),
			asker->server);
		return;
	}
	const ldns_rr_list *answer = ldns_pkt_answer(pkt);
	for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answer, i);
		char text[INET6_ADDRSTRLEN];

		if (ldns_rr_get_type(rr) != asker->type)
			continue;
		put_address(asker->target, ldns_rr_rdf(rr, 0));
		getnameinfo(asker->target->ai_addr, asker->target->ai_addrlen, text,
			sizeof(text), NULL, 0, NI_NUMERICHOST);
		begun_us = now_us();
		bool ok = connects(asker->target);
		printf("%lld %lld %s %s %s\n", (long long)begun_us, (long long)now_us(),
			asker->server, text, ok ? "ok" : "dead");
	}
	ldns_pkt_free(pkt);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: follow SERVER NAME PORT MS\n");
		return 2;
	}
	struct asker asker = {
		.server = argv[1],
		.at = look_up(argv[1], "53"),
		.target = look_up(argv[1], argv[3]),
		.name = ldns_dname_new_frm_str(argv[2]),
	};
	if (!asker.name)
		fail(argv[2]);
	asker.type = asker.at->ai_family == AF_INET ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA;
	setvbuf(stdout, NULL, _IOLBF, 0);

	int64_t every_us = atol(argv[4]) * 1000;
	for (int64_t next_us = now_us();; next_us += every_us) {
		int64_t wait_us = next_us - now_us();

		if (wait_us > 0)
			usleep((useconds_t)wait_us);
		else
			next_us = now_us();
		follow(&asker);
	}
}
