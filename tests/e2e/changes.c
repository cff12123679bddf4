/* changes.c - asks one question over and over, and prints each change of the answer
 *
 * changes SERVER NAME: asks for the A records of the name every two milliseconds, one query at
 * a time. Whenever the addresses are others than before, it prints the microseconds of the
 * time of day and the addresses in order; "lost" stands for an answer that did not come within
 * a second. So the number of lines is the number of changes, plus one.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <ldns/ldns.h>
#include <netdb.h>

enum { PAUSE_NS = 2000000, TEXT_MAX = 1024 };

static int connect_to(const char *server)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
	const struct timeval patience = {.tv_sec = 1};
	struct addrinfo *at;

	if (getaddrinfo(server, "53", &hints, &at) != 0) {
		fprintf(stderr, "changes: %s is not an address\n", server);
		exit(2);
	}
	int fd = socket(at->ai_family, SOCK_DGRAM, 0);
	if (fd < 0 || connect(fd, at->ai_addr, at->ai_addrlen) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0) {
		perror("changes");
		exit(2);
	}
	freeaddrinfo(at);
	return fd;
}

static ldns_buffer *build_query(const char *name)
{
	ldns_rdf *owner = ldns_dname_new_frm_str(name);
	ldns_pkt *query = owner ? ldns_pkt_query_new(
					  owner, LDNS_RR_TYPE_A, LDNS_RR_CLASS_IN, 0)
				: NULL;
	ldns_buffer *wire = ldns_buffer_new(LDNS_MIN_BUFLEN);

	if (!query || !wire || ldns_pkt2buffer_wire(wire, query) != LDNS_STATUS_OK) {
		fprintf(stderr, "changes: %s is not a name\n", name);
		exit(2);
	}
	ldns_pkt_free(query);
	return wire;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The addresses in order, "none" if there are none. */
static void write_answer(const uint8_t *wire, size_t len, char *out)
{
	char *texts[32];
	size_t n = 0;
	ldns_pkt *reply = NULL;

	strcpy(out, "broken");
	if (ldns_wire2pkt(&reply, wire, len) != LDNS_STATUS_OK)
		return;
	const ldns_rr_list *answer = ldns_pkt_answer(reply);
	for (size_t i = 0; i < ldns_rr_list_rr_count(answer) && n < 32; i++)
		if (ldns_rr_get_type(ldns_rr_list_rr(answer, i)) == LDNS_RR_TYPE_A)
			texts[n++] = ldns_rdf2str(
				ldns_rr_a_address(ldns_rr_list_rr(answer, i)));
	qsort(texts, n, sizeof(*texts), by_text);
	strcpy(out, n ? "" : "none");
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(out);

		snprintf(out + used, TEXT_MAX - used, "%s%s", i ? " " : "", texts[i]);
		free(texts[i]);
	}
	ldns_pkt_free(reply);
}

static void ask(int fd, ldns_buffer *query, uint16_t id, char *out)
{
	uint8_t reply[4096];

	ldns_buffer_write_u16_at(query, 0, id);
	strcpy(out, "lost");
	if (send(fd, ldns_buffer_begin(query), ldns_buffer_position(query), 0) < 0)
		return;
	for (;;) {
		ssize_t len = recv(fd, reply, sizeof(reply), 0);

		if (len < 0)
			return;
		if (len >= 2 && memcmp(reply, ldns_buffer_begin(query), 2) == 0) {
			write_answer(reply, (size_t)len, out);
			return;
		}
	}
}

int main(int argc, char **argv)
{
	const struct timespec rest = {.tv_nsec = PAUSE_NS};
	char before[TEXT_MAX] = "";
	char now[TEXT_MAX];
	struct timespec ts;

	if (argc != 3) {
		fprintf(stderr, "usage: changes SERVER NAME\n");
		return 2;
	}
	int fd = connect_to(argv[1]);
	ldns_buffer *query = build_query(argv[2]);
	for (uint16_t id = 0;; id++) {
		ask(fd, query, id, now);
		clock_gettime(CLOCK_REALTIME, &ts);
		if (strcmp(before, now) != 0) {
			printf("%lld%06ld %s\n", (long long)ts.tv_sec, ts.tv_nsec / 1000, now);
			fflush(stdout);
		}
		memcpy(before, now, sizeof(before));
		nanosleep(&rest, NULL);
	}
}
