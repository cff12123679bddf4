/* probekind.c - the kinds of probes: how each is sent, and what counts as its answer
 *
 *   icmp   an echo reply that carries our cookie
 *   tcp    a finished handshake, and just as well its refusal: the RST has come all the way
 *   dns    a response, whatever its RCODE, to our id and question
 *
 * An error from nearer than the target (no route, host unreachable) is a failed probe. The
 * packets are written and read by probewire.c, the sockets opened by probesock.c.
 *
 * The table is made of the list in site.h, as that of siteprobe.c is, which has the text of each
 * kind. A kind without a struct probe_kind, and one without one of its columns, does not compile.
 */
#include "routed/uplink/probekind.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>

#include "common/bigendian.h"
#include "routed/uplink/probewire.h"

/* The kinds are written without the names of the columns: then the compiler finds a column that
 * is missing. */
#pragma GCC diagnostic error "-Wmissing-field-initializers"

enum { DNS_PORT = 53, MESSAGE_MAX = 512 };

/* One message from the target. Returns its length, or 0 for a message from another sender.
 * -EAGAIN: there is none. The socket's own errors (a port unreachable) come and go this way. */
static int target_receive(const struct probe_socket *socket,
	const struct probe_question *question, uint8_t data[MESSAGE_MAX], int64_t *ret_wall_us)
{
	struct addr from;
	int len = probesock_receive(socket->fd, data, MESSAGE_MAX, &from, ret_wall_us);

	if (len == -EAGAIN)
		return len;
	return len > 0 && addr_eq(&from, &question->path.target) ? len : 0;
}

/* ---- icmp --------------------------------------------------------------------------------- */

static int icmp_open(struct probe_socket *socket, const struct probe_question *question)
{
	return probesock_icmp(&question->path, &socket->fd, &socket->raw);
}

static int icmp_send(const struct probe_socket *socket, const struct probe_question *question,
	const struct probe_flight *flight)
{
	const struct probewire_echo echo = {
		.family = question->path.target.family,
		.id = question->id,
		.seq = flight->seq,
		.cookie = flight->cookie,
	};
	uint8_t packet[PROBEWIRE_ECHO_LEN];
	struct sockaddr_storage sa;
	socklen_t len = probesock_sockaddr(&question->path, 0, &sa);

	probewire_echo_write(&echo, packet);
	ssize_t n = sendto(
		socket->fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&sa, len);
	return n < 0 ? -errno : 0;
}

static int icmp_read(const struct probe_socket *socket, const struct probe_question *question,
	struct probe_answer *ret_answer)
{
	uint8_t data[MESSAGE_MAX];
	int64_t at_wall_us;
	uint32_t seq;
	uint64_t cookie;

	*ret_answer = (struct probe_answer){.result = PROBE_NO_ANSWER};
	int len = target_receive(socket, question, data, &at_wall_us);
	if (len < 0)
		return len;
	if (!probewire_echo_read(question->path.target.family, socket->raw, question->id, data,
		    (size_t)len, &seq, &cookie))
		return 0;

	const struct probe_flight *flight = &question->flights[seq % TARGET_FLIGHTS];
	if (flight->seq == seq && flight->cookie == cookie)
		*ret_answer = (struct probe_answer){PROBE_ANSWERED, seq, at_wall_us};
	return 0;
}

static const struct probe_kind icmp_kind = {false, EV_READ, icmp_open, icmp_send, icmp_read};

/* ---- tcp ---------------------------------------------------------------------------------- */

static int tcp_open(struct probe_socket *socket, const struct probe_question *question)
{
	return probesock_tcp(&question->path, &socket->fd);
}

static int tcp_send(const struct probe_socket *socket, const struct probe_question *question,
	const struct probe_flight *flight)
{
	struct sockaddr_storage sa;
	socklen_t len = probesock_sockaddr(&question->path, question->config->port, &sa);

	(void)flight;
	if (connect(socket->fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS &&
		errno != ECONNREFUSED)
		return -errno;
	return 0;
}

static int tcp_read(const struct probe_socket *socket, const struct probe_question *question,
	struct probe_answer *ret_answer)
{
	socklen_t len = sizeof(int);
	int err = 0;

	(void)question;
	if (getsockopt(socket->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	*ret_answer = (struct probe_answer){
		.result = err == 0 || err == ECONNREFUSED ? PROBE_ANSWERED : PROBE_FAILED,
		.seq = socket->seq,
	};
	return 0;
}

static const struct probe_kind tcp_kind = {true, EV_WRITE, tcp_open, tcp_send, tcp_read};

/* ---- dns ---------------------------------------------------------------------------------- */

static int dns_open(struct probe_socket *socket, const struct probe_question *question)
{
	return probesock_udp(&question->path, DNS_PORT, &socket->fd);
}

static int dns_send(const struct probe_socket *socket, const struct probe_question *question,
	const struct probe_flight *flight)
{
	uint8_t query[PROBEWIRE_DNS_MAX];
	size_t len = probewire_dns_write(question->config->name, flight->cookie, query);

	if (send(socket->fd, query, len, MSG_DONTWAIT) >= 0)
		return 0;
	/* the error of an earlier query, reported and gone now */
	if (errno == ECONNREFUSED && send(socket->fd, query, len, MSG_DONTWAIT) >= 0)
		return 0;
	return -errno;
}

static int dns_read(const struct probe_socket *socket, const struct probe_question *question,
	struct probe_answer *ret_answer)
{
	uint8_t data[MESSAGE_MAX];
	uint8_t query[PROBEWIRE_DNS_MAX];
	int64_t at_wall_us;

	*ret_answer = (struct probe_answer){.result = PROBE_NO_ANSWER};
	int len = target_receive(socket, question, data, &at_wall_us);
	if (len < 2)
		return len < 0 ? len : 0;
	for (size_t i = 0; i < TARGET_FLIGHTS; i++) {
		const struct probe_flight *flight = &question->flights[i];

		if (!flight->seq || (flight->cookie & 0xffff) != be16_read(data))
			continue;
		size_t query_len = probewire_dns_write(
			question->config->name, flight->cookie, query);
		if (!probewire_dns_is_answer(query, query_len, data, (size_t)len))
			continue;
		*ret_answer = (struct probe_answer){PROBE_ANSWERED, flight->seq, at_wall_us};
		return 0;
	}
	return 0;
}

static const struct probe_kind dns_kind = {false, EV_READ, dns_open, dns_send, dns_read};

/* ---- the table ---------------------------------------------------------------------------- */

#define ROW(NAME, kind) [SITE_PROBE_##NAME] = &kind##_kind,

static const struct probe_kind *const kinds[] = {SITE_PROBE_KINDS(ROW)};

const struct probe_kind *probe_kind(enum site_probe_kind kind)
{
	return kinds[kind];
}
