/* load.c - asks a DNS server as fast as it answers, and says how fast that was
 *
 * Closed loop: a fixed number of queries is under way, each answer makes room for the next, so
 * the server is never overrun and nothing gets lost but by accident. Answers are checked (ID,
 * QR, RCODE, question) and a lost query is given up after LOST_MS. Used by tests/bench/dns.
 *
 *     load ADDRESS PORT SECONDS OUTSTANDING NAME TYPE [NAME TYPE]...
 *
 * Prints: answers, lost queries, wrong answers, nanoseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/bigendian.h"
#include "common/clock.h"
#include "dnsd/wire/dns.h"
#include "dnsd/wire/name.h"

enum {
	N_SOCKETS = 8,
	BATCH = 32,
	LOST_MS = 200,
	MAX_QUESTIONS = 64,
	PACKET_MAX = 1500,
};

struct question {
	uint8_t packet[512];
	size_t len;
};

struct source {
	int fd;
	uint16_t next_id;
	unsigned int n_waiting;
	int64_t last_heard_us;
};

struct load {
	struct question questions[MAX_QUESTIONS];
	size_t n_questions;
	size_t next_question;
	struct source sources[N_SOCKETS];
	uint64_t n_answers;
	uint64_t n_lost;
	uint64_t n_wrong;
};

static void question_init(struct question *question, const char *name, unsigned int type)
{
	static const uint8_t opt[11] = {0, 0, DNS_TYPE_OPT, 1232 >> 8, 1232 & 255};
	uint8_t *packet = question->packet;
	size_t len;

	if (name_from_str(name, packet + DNS_HEADER_LEN, &len) < 0) {
		fprintf(stderr, "load: '%s' is not a name\n", name);
		exit(2);
	}
	be16_write(packet + 4, 1);
	be16_write(packet + 10, 1);
	uint8_t *end = packet + DNS_HEADER_LEN + len;
	be16_write(end, type);
	be16_write(end + 2, DNS_CLASS_IN);
	memcpy(end + 4, opt, sizeof(opt));
	question->len = (size_t)(end - packet) + 4 + sizeof(opt);
}

static void source_init(struct source *source, const char *address, const char *port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		fprintf(stderr, "load: '%s' is not an IPv4 address\n", address);
		exit(2);
	}
	source->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (source->fd < 0 || connect(source->fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("load: socket");
		exit(1);
	}
}

/* Sends `n` queries, at most a batch of them. */
static void source_send(struct load *load, struct source *source, unsigned int n)
{
	static uint8_t packets[BATCH][512];
	struct mmsghdr messages[BATCH] = {0};
	struct iovec iov[BATCH];

	if (n > BATCH)
		n = BATCH;
	for (unsigned int i = 0; i < n; i++) {
		const struct question *question = &load->questions[load->next_question];

		load->next_question = (load->next_question + 1) % load->n_questions;
		memcpy(packets[i], question->packet, question->len);
		be16_write(packets[i], source->next_id++);
		iov[i] = (struct iovec){.iov_base = packets[i], .iov_len = question->len};
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}

	int sent = sendmmsg(source->fd, messages, n, 0);
	if (sent > 0)
		source->n_waiting += (unsigned int)sent;
}

static bool is_answer(const uint8_t *packet, size_t len)
{
	if (len < DNS_HEADER_LEN || !(packet[2] & 0x80))
		return false;

	unsigned int rcode = packet[3] & 15;
	return rcode == DNS_RCODE_NOERROR || rcode == DNS_RCODE_NXDOMAIN;
}

static void source_receive(struct load *load, struct source *source, int64_t now_us)
{
	static uint8_t packets[BATCH][PACKET_MAX];
	struct mmsghdr messages[BATCH] = {0};
	struct iovec iov[BATCH];

	for (unsigned int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){.iov_base = packets[i], .iov_len = PACKET_MAX};
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}

	int n = recvmmsg(source->fd, messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		if (is_answer(packets[i], messages[i].msg_len))
			load->n_answers++;
		else
			load->n_wrong++;
		if (source->n_waiting > 0)
			source->n_waiting--;
	}
	if (n > 0)
		source->last_heard_us = now_us;
	else if (source->n_waiting > 0 && now_us - source->last_heard_us > LOST_MS * 1000) {
		load->n_lost += source->n_waiting;
		source->n_waiting = 0;
		source->last_heard_us = now_us;
	}
}

static int64_t load_run(struct load *load, int64_t duration_us, unsigned int outstanding)
{
	int64_t start_us = clock_now_us();
	int64_t now_us = start_us;
	unsigned int n_sources = outstanding < N_SOCKETS ? 1 : N_SOCKETS;

	for (unsigned int i = 0; i < n_sources; i++)
		load->sources[i].last_heard_us = start_us;
	while (now_us - start_us < duration_us) {
		for (unsigned int i = 0; i < n_sources; i++) {
			struct source *source = &load->sources[i];

			source_receive(load, source, now_us);
			if (source->n_waiting < outstanding / n_sources)
				source_send(load, source,
					outstanding / n_sources - source->n_waiting);
		}
		now_us = clock_now_us();
	}
	return (now_us - start_us) * 1000;
}

int main(int argc, char **argv)
{
	static struct load load;

	if (argc < 7 || argc % 2 == 0) {
		fprintf(stderr, "usage: load ADDRESS PORT SECONDS OUTSTANDING NAME TYPE...\n");
		return 2;
	}
	for (int i = 5; i + 1 < argc && load.n_questions < MAX_QUESTIONS; i += 2)
		question_init(&load.questions[load.n_questions++], argv[i],
			(unsigned int)strtoul(argv[i + 1], NULL, 10));
	for (size_t i = 0; i < N_SOCKETS; i++)
		source_init(&load.sources[i], argv[1], argv[2]);

	int64_t ns = load_run(&load, (int64_t)(strtod(argv[3], NULL) * 1e6),
		(unsigned int)strtoul(argv[4], NULL, 10));
	printf("%llu %llu %llu %lld\n", (unsigned long long)load.n_answers,
		(unsigned long long)load.n_lost, (unsigned long long)load.n_wrong,
		(long long)ns);
	return 0;
}
