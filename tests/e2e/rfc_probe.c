/* rfc_probe.c - RFC behaviours on the wire, for what dig cannot send
 *
 *     rfc_probe ADDRESS PORT [TEST-PATTERN]
 *
 * Sends real packets over UDP and TCP to a server that has the zones of tests/e2e/rfc, and
 * reads the replies with ldns. Each row of the table is a test that can fail. With
 * RFC_PROBE_SLOW=1 also the one that waits for an idle connection to be closed.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/net/addr.h"
#include "tests/lib/invariant.h"
#include "tests/lib/packet.h"
#include "tests/lib/prng.h"
#include "tests/lib/reply.h"

#define HOST "www.example.com."
#define RICH "example.net."

enum {
	REPLY_MS = 3000,  /* a reply that must come, also on a busy machine */
	SILENCE_MS = 300, /* none must come */
	IDLE_MS = 60000,  /* by then an idle connection is closed */
	BYTE_BY_BYTE_US = 1000,
};

/* The server, and what it said last. */
struct probe {
	struct sockaddr_storage sa;
	socklen_t sa_len;
	struct packet query;
	struct reply reply;
};

static struct probe server;

/* --- UDP --- */

static int udp_open(const struct probe *p)
{
	int fd = socket(p->sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	/* connected: the kernel drops what does not come from the address that was asked */
	assert_int_equal(connect(fd, (const struct sockaddr *)&p->sa, p->sa_len), 0);
	return fd;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, timeout_ms) == 1;
}

static void send_udp(struct probe *p, const struct packet *packet, int timeout_ms)
{
	uint8_t bytes[65536];
	ssize_t n = 0;
	int fd = udp_open(p);

	reply_fini(&p->reply);
	assert_int_equal(send(fd, packet->bytes, packet->len, 0), (ssize_t)packet->len);
	if (readable(fd, timeout_ms))
		n = recv(fd, bytes, sizeof(bytes), 0);
	close(fd);
	reply_decode(&p->reply, bytes, n > 0 ? (size_t)n : 0);
}

static void check(struct probe *p, const struct packet *packet, bool tcp)
{
	const char *broken = invariant_broken(packet->bytes, packet->len, tcp, &p->reply);

	reply_assert(&p->reply, !broken, broken, __FILE__, __LINE__);
}

static void send_packet(struct probe *p, const struct packet *packet)
{
	send_udp(p, packet, REPLY_MS);
	check(p, packet, false);
}

static void probe_how(
	struct probe *p, const char *name, uint16_t type, const struct asking *how)
{
	packet_query(&p->query, name, type, how);
	send_packet(p, &p->query);
}

#define probe_with(p, name, type, ...) \
	probe_how(p, name, type, &(const struct asking){__VA_ARGS__})

static void probe(struct probe *p, const char *name, uint16_t type)
{
	probe_how(p, name, type, &(const struct asking){0});
}

/* --- TCP --- */

static int tcp_open(const struct probe *p)
{
	int fd = socket(p->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&p->sa, p->sa_len), 0);
	return fd;
}

static void put_framed(struct packet *stream, const struct packet *message)
{
	packet_put_u16(stream, (unsigned int)message->len);
	packet_put(stream, message->bytes, message->len);
}

static void write_all(int fd, const struct packet *stream)
{
	assert_int_equal(
		send(fd, stream->bytes, stream->len, MSG_NOSIGNAL), (ssize_t)stream->len);
}

static bool read_exactly(int fd, uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n;

		if (!readable(fd, REPLY_MS))
			return false;
		n = recv(fd, bytes, len, 0);
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static void read_message(struct probe *p, int fd)
{
	static uint8_t bytes[65536];
	uint8_t len[2];

	reply_fini(&p->reply);
	assert_true(read_exactly(fd, len, 2));
	assert_true(read_exactly(fd, bytes, (size_t)(len[0] << 8 | len[1])));
	reply_decode(&p->reply, bytes, (size_t)(len[0] << 8 | len[1]));
}

/* The other end has closed, or closes within that time, without another octet. */
static bool is_closed(int fd, int timeout_ms)
{
	uint8_t byte;

	return readable(fd, timeout_ms) && recv(fd, &byte, 1, 0) <= 0;
}

static void probe_tcp(
	struct probe *p, const char *name, uint16_t type, const struct asking *how)
{
	struct packet stream = {0};
	int fd = tcp_open(p);

	packet_query(&p->query, name, type, how);
	put_framed(&stream, &p->query);
	write_all(fd, &stream);
	read_message(p, fd);
	close(fd);
	check(p, &p->query, true);
}

/* --- the answer algorithm --- */

static void answers_are_authoritative(void **state)
{
	struct probe *p = *state;

	probe_with(p, HOST, LDNS_RR_TYPE_A, .flags = PACKET_RD);
	assert_status(p, "NOERROR aa rd");
	assert_has_rr(p, LDNS_SECTION_ANSWER, HOST " 10 A");
	assert_authority(p, HOST " NS www-ns1.example.com.", HOST " NS www-ns2.example.com.");
	assert_has_rr(p, LDNS_SECTION_ADDITIONAL, "www-ns1.example.com. A 192.168.2.1");
	assert_has_rr(p, LDNS_SECTION_ADDITIONAL, "www-ns2.example.com. A 172.16.1.1");

	probe(p, HOST, LDNS_RR_TYPE_NS);
	assert_status(p, "NOERROR aa");
	assert_reply(p, n_rrs(p, LDNS_SECTION_ANSWER) == 2);
	assert_reply(p, n_rrs(p, LDNS_SECTION_ADDITIONAL) >= 2);
}

static void negative_answers_carry_soa(void **state)
{
	struct probe *p = *state;

	probe(p, HOST, LDNS_RR_TYPE_MX);
	assert_status(p, "NOERROR aa");
	assert_authority(p, HOST " 10 SOA");
	probe(p, "no-such." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NXDOMAIN aa");
	assert_authority(p, RICH " 300 SOA");
	probe(p, "empty.place." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NOERROR aa");
	assert_authority(p, RICH " 300 SOA");
	probe(p, "below.host." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NXDOMAIN aa");
}

static void wildcards(void **state)
{
	struct probe *p = *state;

	probe(p, "a.b.wild." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NOERROR aa");
	assert_answer(p, "a.b.wild." RICH " A 192.0.2.50");
	probe(p, "a.wild." RICH, LDNS_RR_TYPE_TXT);
	assert_status(p, "NOERROR aa");
	assert_section_empty(p, LDNS_SECTION_ANSWER);
	probe(p, "a.known.wild." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NXDOMAIN aa");
	probe(p, "a.ent.wild." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NXDOMAIN aa");
}

static void aliases(void **state)
{
	struct probe *p = *state;

	probe(p, "alias2." RICH, LDNS_RR_TYPE_TXT);
	assert_status(p, "NOERROR aa");
	assert_answer(p, "alias2." RICH " CNAME alias." RICH,
		"alias." RICH " CNAME host." RICH, "host." RICH " TXT \"a host\"");
	probe(p, "to-nothing." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NXDOMAIN aa");
	probe(p, "to-far." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NOERROR aa");
	assert_answer(p, "to-far." RICH " CNAME www.example.edu.");
	probe(p, "to-child." RICH, LDNS_RR_TYPE_A);
	assert_has_rr(p, LDNS_SECTION_ANSWER, "host.child." RICH " A 192.0.2.81");
	probe(p, "loop1." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NOERROR aa");
	assert_reply(p, n_rrs(p, LDNS_SECTION_ANSWER) == 2);
}

static void dnames(void **state)
{
	struct probe *p = *state;
	char name[128];

	probe(p, "host.redirected." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NOERROR aa");
	assert_answer(p, "redirected." RICH " DNAME target." RICH,
		"host.redirected." RICH " CNAME host.target." RICH,
		"host.target." RICH " A 192.0.2.61");
	snprintf(name, sizeof(name), "%063d.long." RICH, 0);
	probe(p, name, LDNS_RR_TYPE_A);
	assert_status(p, "YXDOMAIN aa");
	assert_answer(p, "long." RICH " DNAME");
}

static void referrals_and_ds(void **state)
{
	struct probe *p = *state;

	probe(p, "www.deleg." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NOERROR");
	assert_section_empty(p, LDNS_SECTION_ANSWER);
	assert_authority(
		p, "deleg." RICH " NS ns.deleg." RICH, "deleg." RICH " NS ns.example.edu.");
	assert_has_rr(p, LDNS_SECTION_ADDITIONAL, "ns.deleg." RICH " A 192.0.2.70");
	assert_has_rr(p, LDNS_SECTION_ADDITIONAL, "ns.deleg." RICH " AAAA 2001:db8::70");

	probe(p, "secure." RICH, LDNS_RR_TYPE_DS);
	assert_status(p, "NOERROR aa");
	assert_answer(p, "secure." RICH " DS");
	probe(p, "deleg." RICH, LDNS_RR_TYPE_DS);
	assert_status(p, "NOERROR aa");
	assert_authority(p, RICH " SOA");
	/* RFC 4035 section 3.1.4.1: at our own apex we are the child */
	probe(p, HOST, LDNS_RR_TYPE_DS);
	assert_status(p, "NOERROR aa");
	assert_authority(p, HOST " SOA");
	/* and here we are both, so the zone above answers */
	probe(p, "child." RICH, LDNS_RR_TYPE_DS);
	assert_authority(p, RICH " SOA");
	probe(p, "host.child." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NOERROR aa");
	assert_answer(p, "host.child." RICH " 600 A 192.0.2.81");
}

static void every_label_from_the_top(void **state)
{
	static const char *const above[] = {".", "com.", "example.com.", "net."};
	struct probe *p = *state;

	for (size_t i = 0; i < 4; i++) {
		probe(p, above[i], LDNS_RR_TYPE_NS);
		assert_status(p, "REFUSED");
		assert_section_empty(p, LDNS_SECTION_AUTHORITY);
		probe(p, above[i], LDNS_RR_TYPE_A);
		assert_status(p, "REFUSED");
	}
	probe(p, "a.b." HOST, LDNS_RR_TYPE_NS);
	assert_status(p, "NXDOMAIN aa");
}

static void mixed_case_comes_back(void **state)
{
	static const char *const names[] = {
		"wWw.ExAmPlE.cOm.", "HOST.example.NET.", "NoNe.ExAmPlE.nEt."};
	struct probe *p = *state;

	for (size_t i = 0; i < 3; i++) {
		probe(p, names[i], LDNS_RR_TYPE_A);
		assert_reply(p, p->reply.question_len == p->query.len - 12);
		assert_memory_equal(
			p->reply.wire + 12, p->query.bytes + 12, p->query.len - 12);
	}
}

static void any_is_small(void **state)
{
	struct probe *p = *state;

	probe(p, RICH, LDNS_RR_TYPE_ANY);
	assert_reply(p, p->reply.rcode == 0 && p->reply.len <= 512);
	probe(p, "big." RICH, LDNS_RR_TYPE_ANY);
	assert_reply(p, p->reply.rcode == 0 && p->reply.len <= 512);
}

/* --- silence and format errors --- */

static void responses_and_fragments_get_silence(void **state)
{
	struct probe *p = *state;
	struct packet packet;

	packet_query(
		&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){.flags = PACKET_QR});
	send_udp(p, &packet, SILENCE_MS);
	assert_int_equal(p->reply.len, 0);
	packet_query(&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
	for (packet.len = 0; packet.len < 12; packet.len += 11) {
		send_udp(p, &packet, SILENCE_MS);
		assert_int_equal(p->reply.len, 0);
	}
}

static void broken_names_are_format_errors(void **state)
{
	static const struct {
		const char *octets;
		size_t len;
	} rows[] = {
		{"\xc0\x0c\0\1\0\1", 6},
		{"\xc0\x20\0\1\0\1", 6},
		{"\3www\xc0\x0c\0\1\0\1", 10},
		{"\x41"
		 "a\0\0\1\0\1",
			7},
		{"\x81"
		 "a\0\0\1\0\1",
			7},
		{"\77abc", 4},
		{"", 0},
	};
	struct probe *p = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet packet;

		packet_begin(&packet, 7, 0);
		packet_count(&packet, PACKET_QDCOUNT, 1);
		packet_put(&packet, rows[i].octets, rows[i].len);
		send_packet(p, &packet);
		assert_status(p, "FORMERR");
	}
}

static void names_of_255_octets_and_more(void **state)
{
	struct probe *p = *state;

	for (unsigned int last = 61; last <= 62; last++) {
		struct packet packet;

		packet_begin(&packet, 7, 0);
		packet_count(&packet, PACKET_QDCOUNT, 1);
		for (unsigned int i = 0; i < 4; i++) {
			unsigned int len = i < 3 ? 63 : last;

			packet_put_u8(&packet, len);
			while (len--)
				packet_put_u8(&packet, 'a');
		}
		packet_put(&packet, "\0\0\1\0\1", 5);
		send_packet(p, &packet);
		assert_status(p, last == 61 ? "REFUSED" : "FORMERR");
	}
}

static void numbers_of_questions(void **state)
{
	struct probe *p = *state;
	struct packet packet;

	packet_begin(&packet, 1, 0);
	send_packet(p, &packet);
	assert_status(p, "FORMERR");
	packet_begin(&packet, 2, 0);
	packet_question(&packet, HOST, LDNS_RR_TYPE_A, LDNS_RR_CLASS_IN);
	packet_question(&packet, HOST, LDNS_RR_TYPE_A, LDNS_RR_CLASS_IN);
	send_packet(p, &packet);
	assert_status(p, "FORMERR");
}

static void opcodes_are_answered(void **state)
{
	struct probe *p = *state;

	for (unsigned int opcode = 1; opcode < 16; opcode++) {
		uint16_t flags = (uint16_t)(opcode << PACKET_OPCODE_SHIFT);
		struct packet bare;

		probe_with(p, HOST, LDNS_RR_TYPE_SOA, .flags = flags);
		if (opcode == 4)
			assert_reply(p, p->reply.rcode == 5 || p->reply.rcode == 9);
		else
			assert_status(p, "NOTIMP");
		packet_begin(&bare, 8, flags);
		send_packet(p, &bare);
		assert_reply(p, opcode == 4 || p->reply.rcode == LDNS_RCODE_NOTIMPL);
	}
}

static void trailing_octets_and_flags_do_no_harm(void **state)
{
	static const uint16_t flags[] = {
		PACKET_AA, PACKET_TC, PACKET_RA, PACKET_Z, PACKET_AD, PACKET_CD};
	struct probe *p = *state;
	struct packet packet;

	packet_query(&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
	packet_put(&packet, "junk", 4);
	send_packet(p, &packet);
	assert_reply(p, p->reply.rcode == 0 || p->reply.rcode == LDNS_RCODE_FORMERR);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		probe_with(p, HOST, LDNS_RR_TYPE_A, .flags = flags[i]);
		assert_reply(p, p->reply.rcode == 0 && !p->reply.ad && !p->reply.tc);
		assert_reply(p, n_rrs(p, LDNS_SECTION_ANSWER) == 1);
	}
}

static void types_and_classes_get_an_answer(void **state)
{
	static const uint16_t classes[] = {2, 3, 4, 254};
	struct probe *p = *state;

	probe(p, HOST, 65280);
	assert_status(p, "NOERROR aa");
	assert_section_empty(p, LDNS_SECTION_ANSWER);
	for (size_t i = 0; i < 4; i++) {
		probe_with(p, HOST, LDNS_RR_TYPE_A, .qclass = classes[i]);
		assert_status(p, "REFUSED");
	}
	probe_with(p, HOST, LDNS_RR_TYPE_A, .qclass = LDNS_RR_CLASS_ANY);
	assert_reply(p, p->reply.rcode == 0 || p->reply.rcode == LDNS_RCODE_REFUSED);
	probe(p, RICH, LDNS_RR_TYPE_AXFR);
	assert_reply(p, p->reply.rcode == 1 || p->reply.rcode == 4);
	probe(p, RICH, LDNS_RR_TYPE_IXFR);
	assert_reply(p, p->reply.rcode == 1 || p->reply.rcode == 5);
	probe_tcp(p, RICH, LDNS_RR_TYPE_AXFR, &(const struct asking){0});
	assert_reply(p, p->reply.rcode == 5 || p->reply.rcode == 9);
	assert_section_empty(p, LDNS_SECTION_ANSWER);
}

/* --- EDNS --- */

static void edns_is_mirrored(void **state)
{
	struct probe *p = *state;

	probe(p, HOST, LDNS_RR_TYPE_A);
	assert_reply(p, !p->reply.opt);
	probe_with(p, HOST, LDNS_RR_TYPE_A, .edns = true, .edns_flags = 0x7fff);
	assert_reply(p, p->reply.n_opts == 1 && p->reply.edns_version == 0);
	assert_reply(p, p->reply.edns_flags == 0 && p->reply.edns_size == 1232);
	probe_with(p, HOST, LDNS_RR_TYPE_A, .edns = true, .edns_flags = PACKET_DO);
	assert_reply(p, p->reply.edns_flags == PACKET_DO);
	probe_with(p, HOST, LDNS_RR_TYPE_A, .edns = true, .version = 1);
	assert_reply(p, p->reply.rcode == 16 && p->reply.edns_version == 0);
	assert_section_empty(p, LDNS_SECTION_ANSWER);
}

static void malformed_opt_is_a_format_error(void **state)
{
	static const struct asking plain = {0};
	struct probe *p = *state;
	struct packet packet;

	packet_query(&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){.edns = true});
	packet_opt(&packet, &plain);
	send_packet(p, &packet);
	assert_status(p, "FORMERR");
	packet_query(&packet, HOST, LDNS_RR_TYPE_A, &plain);
	packet_rr(&packet, PACKET_ARCOUNT, "example.com.", LDNS_RR_TYPE_OPT, 1232, 0, NULL, 0);
	send_packet(p, &packet);
	assert_status(p, "FORMERR");
	probe_with(p, HOST, LDNS_RR_TYPE_A, .edns = true,
		.options = (const uint8_t *)"\0\3\0\5x", .options_len = 5);
	assert_reply(p, p->reply.rcode == LDNS_RCODE_FORMERR);
}

static void sizes_are_kept(void **state)
{
	static const uint16_t sizes[] = {
		ASKING_SIZE_0, 100, 511, 512, 700, 1000, 1232, 1233, 4096, 65534};
	struct probe *p = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		probe_with(p, "big." RICH, LDNS_RR_TYPE_TXT, .edns = true, .size = sizes[i]);
		assert_status(p, "NOERROR aa tc");
		assert_section_empty(p, LDNS_SECTION_ANSWER);
	}
	probe(p, "big." RICH, LDNS_RR_TYPE_TXT);
	assert_status(p, "NOERROR aa tc");
	/* RFC 9471: glue of servers within the delegation comes, or TC says that it does not
	 */
	probe(p, "www.fat." RICH, LDNS_RR_TYPE_A);
	assert_status(p, "NOERROR tc");
	probe_with(p, "www.fat." RICH, LDNS_RR_TYPE_A, .edns = true);
	assert_status(p, "NOERROR");
	assert_reply(p, n_rrs(p, LDNS_SECTION_ADDITIONAL) == 16);
}

static void options_are_answered(void **state)
{
	struct probe *p = *state;
	struct packet options = {0};
	const uint8_t *data;
	uint8_t cookie[24];
	size_t len;

	packet_option(&options, PACKET_COOKIE, "client01", 8);
	packet_option(&options, PACKET_NSID, NULL, 0);
	packet_option(&options, PACKET_PADDING, "\0\0\0\0", 4);
	packet_option(&options, PACKET_ECS, "\0\1\30\0\12\0\0", 7);
	probe_with(p, HOST, LDNS_RR_TYPE_A, .edns = true, .options = options.bytes,
		.options_len = options.len);
	assert_status(p, "NOERROR aa");
	data = reply_option(&p->reply, PACKET_NSID, &len);
	assert_reply(p, data && len == 9 && memcmp(data, "rfc-probe", 9) == 0);
	assert_reply(p, !reply_option(&p->reply, PACKET_PADDING, &len));
	data = reply_option(&p->reply, PACKET_COOKIE, &len);
	assert_reply(p, data && len == 24 && memcmp(data, "client01", 8) == 0);
	memcpy(cookie, data, 24);

	/* its own cookie, then a wrong one: both answered, with a cookie for this client */
	for (int wrong = 0; wrong < 2; wrong++) {
		cookie[23] ^= (uint8_t)wrong;
		options.len = 0;
		packet_option(&options, PACKET_COOKIE, cookie, 24);
		probe_with(p, HOST, LDNS_RR_TYPE_A, .edns = true, .options = options.bytes,
			.options_len = options.len);
		assert_status(p, "NOERROR aa");
		data = reply_option(&p->reply, PACKET_COOKIE, &len);
		assert_reply(p, data && len == 24 && memcmp(data, "client01", 8) == 0);
	}
	for (size_t bad = 1; bad < 16; bad++) {
		if (bad == 8)
			continue;
		options.len = 0;
		packet_option(&options, PACKET_COOKIE, cookie, bad);
		probe_with(p, HOST, LDNS_RR_TYPE_A, .edns = true, .options = options.bytes,
			.options_len = options.len);
		assert_reply(p, p->reply.rcode == LDNS_RCODE_FORMERR);
	}
}

/* --- TCP: RFC 7766 --- */

static void udp_and_tcp_have_the_same_data(void **state)
{
	static const char *const names[] = {HOST, "host." RICH, "none." RICH, "a.wild." RICH,
		"host.redirected." RICH, "www.deleg." RICH};
	struct probe *p = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint8_t udp[1232];
		size_t len;

		probe(p, names[i], LDNS_RR_TYPE_A);
		len = p->reply.len;
		memcpy(udp, p->reply.wire, len);
		probe_tcp(p, names[i], LDNS_RR_TYPE_A, &(const struct asking){0});
		assert_int_equal(p->reply.len, len);
		assert_memory_equal(p->reply.wire, udp, len);
	}
}

static void big_answers_come_whole(void **state)
{
	struct probe *p = *state;

	probe_tcp(p, "big." RICH, LDNS_RR_TYPE_TXT, &(const struct asking){0});
	assert_status(p, "NOERROR aa");
	assert_reply(p, n_rrs(p, LDNS_SECTION_ANSWER) == 20);
	probe_tcp(p, "www.fat." RICH, LDNS_RR_TYPE_A,
		&(const struct asking){.edns = true, .size = 512});
	assert_status(p, "NOERROR");
	assert_reply(p, n_rrs(p, LDNS_SECTION_ADDITIONAL) == 16);
}

static void put_three(struct packet *stream)
{
	static const char *const names[] = {HOST, "none." HOST, "big." RICH};

	for (uint16_t i = 0; i < 3; i++) {
		struct packet query;

		packet_query(&query, names[i], LDNS_RR_TYPE_TXT,
			&(const struct asking){.id = (uint16_t)(100 + i)});
		put_framed(stream, &query);
	}
}

/* In any order: each id once. */
static void read_three(struct probe *p, int fd)
{
	unsigned int seen = 0;

	for (int i = 0; i < 3; i++) {
		read_message(p, fd);
		assert_reply(p, p->reply.id >= 100 && p->reply.id < 103);
		seen |= 1u << (p->reply.id - 100);
	}
	assert_int_equal(seen, 7);
}

static void three_queries_in_one_write(void **state)
{
	struct probe *p = *state;
	struct packet stream = {0};
	int fd = tcp_open(p);

	put_three(&stream);
	write_all(fd, &stream);
	read_three(p, fd);
	/* and the connection goes on */
	write_all(fd, &stream);
	read_three(p, fd);
	close(fd);
}

static void octets_one_by_one(void **state)
{
	struct probe *p = *state;
	struct packet stream = {0};
	int fd = tcp_open(p);

	put_three(&stream);
	for (size_t i = 0; i < stream.len; i++) {
		assert_int_equal(send(fd, stream.bytes + i, 1, MSG_NOSIGNAL), 1);
		usleep(BYTE_BY_BYTE_US);
	}
	read_three(p, fd);
	close(fd);
}

static void a_client_that_has_said_all_still_gets_its_answers(void **state)
{
	struct probe *p = *state;
	struct packet stream = {0};
	int fd = tcp_open(p);

	put_three(&stream);
	write_all(fd, &stream);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	read_three(p, fd);
	assert_true(is_closed(fd, REPLY_MS));
	close(fd);
}

static void impossible_lengths_close_the_connection(void **state)
{
	static const char *const lengths[] = {"\0\0", "\0\1x", "\0\13xxxxxxxxxxx"};
	static const size_t lens[] = {2, 3, 13};
	struct probe *p = *state;

	for (size_t i = 0; i < 3; i++) {
		int fd = tcp_open(p);

		assert_true(send(fd, lengths[i], lens[i], MSG_NOSIGNAL) > 0);
		assert_true(is_closed(fd, REPLY_MS));
		close(fd);
	}
	probe_tcp(p, HOST, LDNS_RR_TYPE_A, &(const struct asking){0});
	assert_status(p, "NOERROR aa");
}

static void keepalive_is_told(void **state)
{
	struct probe *p = *state;
	const uint8_t *timeout;
	size_t len;

	probe_tcp(p, HOST, LDNS_RR_TYPE_A,
		&(const struct asking){.edns = true,
			.options = (const uint8_t *)"\0\13\0\0",
			.options_len = 4});
	timeout = reply_option(&p->reply, PACKET_KEEPALIVE, &len);
	assert_reply(p, timeout && len == 2 && (timeout[0] || timeout[1]));
	probe_with(p, HOST, LDNS_RR_TYPE_A, .edns = true,
		.options = (const uint8_t *)"\0\13\0\0", .options_len = 4);
	assert_reply(p, !reply_option(&p->reply, PACKET_KEEPALIVE, &len));
}

static void a_connection_stays_open_for_a_while(void **state)
{
	struct probe *p = *state;
	struct packet stream = {0};
	int fd = tcp_open(p);

	put_three(&stream);
	write_all(fd, &stream);
	read_three(p, fd);
	assert_false(readable(fd, 2 * SILENCE_MS));
	write_all(fd, &stream);
	read_three(p, fd);
	close(fd);
}

static void idle_connections_are_closed(void **state)
{
	struct probe *p = *state;
	int fd = tcp_open(p);

	assert_true(is_closed(fd, IDLE_MS));
	close(fd);
}

/* --- hostility --- */

static void broken_packets_leave_it_standing(void **state)
{
	struct probe *p = *state;
	struct prng prng = {.state = 20261122};
	int fd = udp_open(p);

	for (int i = 0; i < 2000; i++) {
		struct packet packet;

		packet_query(
			&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){.edns = true});
		for (unsigned int n = 1 + prng_below(&prng, 8); n > 0; n--)
			packet.bytes[prng_below(&prng, (unsigned int)packet.len)] = (uint8_t)
				prng_next(&prng);
		packet.len -= prng_below(&prng, 10);
		(void)send(fd, packet.bytes, packet.len, 0);
	}
	close(fd);
	probe(p, HOST, LDNS_RR_TYPE_A);
	assert_status(p, "NOERROR aa");
}

/* Each waits for its reply, which must keep to what holds for any. */
static void broken_packets_are_answered_by_the_rules(void **state)
{
	struct probe *p = *state;
	struct prng prng = {.state = 42};

	for (int i = 0; i < 300; i++) {
		struct packet packet;

		packet_query(
			&packet, HOST, LDNS_RR_TYPE_A, &(const struct asking){.edns = true});
		for (unsigned int n = 1 + prng_below(&prng, 3); n > 0; n--)
			packet.bytes[3 + prng_below(&prng, (unsigned int)packet.len - 3)] =
				(uint8_t)prng_next(&prng);
		send_packet(p, &packet);
	}
}

static int setup(void **state)
{
	*state = &server;
	return 0;
}

static int teardown(void **state)
{
	struct probe *p = *state;

	reply_fini(&p->reply);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_authoritative),
		cmocka_unit_test(negative_answers_carry_soa),
		cmocka_unit_test(wildcards),
		cmocka_unit_test(aliases),
		cmocka_unit_test(dnames),
		cmocka_unit_test(referrals_and_ds),
		cmocka_unit_test(every_label_from_the_top),
		cmocka_unit_test(mixed_case_comes_back),
		cmocka_unit_test(any_is_small),
		cmocka_unit_test(responses_and_fragments_get_silence),
		cmocka_unit_test(broken_names_are_format_errors),
		cmocka_unit_test(names_of_255_octets_and_more),
		cmocka_unit_test(numbers_of_questions),
		cmocka_unit_test(opcodes_are_answered),
		cmocka_unit_test(trailing_octets_and_flags_do_no_harm),
		cmocka_unit_test(types_and_classes_get_an_answer),
		cmocka_unit_test(edns_is_mirrored),
		cmocka_unit_test(malformed_opt_is_a_format_error),
		cmocka_unit_test(sizes_are_kept),
		cmocka_unit_test(options_are_answered),
		cmocka_unit_test(udp_and_tcp_have_the_same_data),
		cmocka_unit_test(big_answers_come_whole),
		cmocka_unit_test(three_queries_in_one_write),
		cmocka_unit_test(octets_one_by_one),
		cmocka_unit_test(a_client_that_has_said_all_still_gets_its_answers),
		cmocka_unit_test(impossible_lengths_close_the_connection),
		cmocka_unit_test(keepalive_is_told),
		cmocka_unit_test(a_connection_stays_open_for_a_while),
		cmocka_unit_test(broken_packets_leave_it_standing),
		cmocka_unit_test(broken_packets_are_answered_by_the_rules),
	};
	const struct CMUnitTest slow[] = {
		cmocka_unit_test(idle_connections_are_closed),
	};
	struct addr addr;
	int n_failed;

	if (argc < 3 || addr_parse(argv[1], &addr) < 0) {
		fprintf(stderr, "usage: rfc_probe ADDRESS PORT [TEST-PATTERN]\n");
		return 2;
	}
	server.sa_len = addr_to_sockaddr(&addr, (uint16_t)atoi(argv[2]), 0, &server.sa);
	if (argc > 3)
		cmocka_set_test_filter(argv[3]);
	n_failed = cmocka_run_group_tests_name("rfc", tests, setup, teardown);
	if (getenv("RFC_PROBE_SLOW"))
		n_failed += cmocka_run_group_tests_name("rfc-slow", slow, setup, teardown);
	return n_failed ? 1 : 0;
}
