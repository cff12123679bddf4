/* serving.c - real sockets that serve the fixture's answers, and clients for them */
#include "tests/lib/serving.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_S = 5 };

struct answers *serving_answers(struct fixture *f, const char *name)
{
	struct table *table = table_new((const struct zone *const *)f->zones, f->n_zones,
		&f->facts, fixture_view(f, name));
	struct answers *answers = answers_new(table, &f->conf);

	assert_non_null(answers);
	return answers;
}

struct view *serving_view(struct fixture *f, const char *name)
{
	struct view *view = view_new(name, fixture_view(f, name));

	assert_non_null(view);
	view_publish(view, serving_answers(f, name));
	return view;
}

struct addr serving_addr(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

int serving_connect(int type, const char *address)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	const struct addr addr = serving_addr(address);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&addr, 53, 0, &sa);
	int fd = socket(addr.family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

void serving_send(int fd, const struct packet *query, bool tcp)
{
	uint8_t bytes[2 + PACKET_MAX] = {(uint8_t)(query->len >> 8), (uint8_t)query->len};
	size_t skip = tcp ? 0 : 2;

	memcpy(bytes + 2, query->bytes, query->len);
	ssize_t n = send(fd, bytes + skip, query->len + 2 - skip, MSG_NOSIGNAL);
	assert_int_equal(n, (ssize_t)(query->len + 2 - skip));
}

/* 1 if all came, 0 at the end of the connection, -1 if it took too long. */
static int receive_all(int fd, uint8_t *bytes, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = recv(fd, bytes + have, len - have, 0);

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		if (n < 0)
			return -1;
		have += (size_t)n;
	}
	return 1;
}

long serving_receive(int fd, uint8_t *bytes, size_t cap, bool tcp)
{
	uint8_t prefix[2];
	int got;

	if (!tcp)
		return recv(fd, bytes, cap, 0);
	got = receive_all(fd, prefix, 2);
	if (got <= 0)
		return got;
	size_t len = (size_t)prefix[0] << 8 | prefix[1];
	assert_true(len <= cap);
	got = receive_all(fd, bytes, len);
	return got <= 0 ? got : (long)len;
}

void serving_ask(struct fixture *f, const char *address, const char *name, uint16_t type)
{
	uint8_t bytes[RESPOND_UDP_CAP];
	int fd = serving_connect(SOCK_DGRAM, address);

	packet_query(&f->query, name, type, &(const struct asking){0});
	/* A second try where nothing came: the kernel's queue behind lo and veth is one per
	 * CPU for all namespaces, and whoever floods a neighbour may overflow it. */
	long len = -1;
	for (int tries = 0; tries < 2 && len < 0; tries++) {
		serving_send(fd, &f->query, false);
		len = serving_receive(fd, bytes, sizeof(bytes), false);
	}
	close(fd);
	assert_true(len > 0);
	reply_fini(&f->reply);
	memset(&f->reply, 0, sizeof(f->reply));
	reply_decode(&f->reply, bytes, (size_t)len);
}
