/* rate.c - how many datagrams per second make it there and back, in several networks by turns
 *
 * rate ADDRESS PORT SECONDS NETNS...: in each network namespace, one flow to a `rate --reflect
 * PORT` there, with 64 datagrams under way. The namespaces take turns of some milliseconds, so
 * that what else the machine does hits all alike. Prints for each, on one line, how many came
 * back per second of its turns. What is lost is sent anew.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { UNDER_WAY = 64, PER_TURN = 512, PAYLOAD = 64, PATIENCE_US = 50000, MAX_NETS = 8 };

struct net {
	int fd;
	int64_t us; /* of its turns */
	unsigned long back;
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void reflect(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail("rate");
	for (;;) {
		char data[PAYLOAD];
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(
			fd, data, sizeof(data), 0, (struct sockaddr *)&from, &len);

		if (n > 0)
			sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}

static int connect_in(const char *netns, const char *address, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct timeval patience = {.tv_usec = PATIENCE_US};
	char path[256];

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	int ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		fail(path);
	close(ns);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1 || fd < 0 ||
		connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		fail(address);
	return fd;
}

static void send_some(int fd, unsigned int n)
{
	static const char data[PAYLOAD];

	while (n-- > 0)
		if (send(fd, data, sizeof(data), 0) < 0)
			return; /* counts as lost */
}

/* Ends when all that was sent is back, or lost: the next turn begins with empty queues. */
static void take_turn(struct net *net)
{
	int64_t start_us = now_us();
	char data[PAYLOAD];

	send_some(net->fd, UNDER_WAY);
	for (unsigned int n = 0; n < PER_TURN && recv(net->fd, data, sizeof(data), 0) >= 0;
		n++) {
		net->back++;
		if (n < PER_TURN - UNDER_WAY)
			send_some(net->fd, 1);
	}
	net->us += now_us() - start_us;
}

int main(int argc, char **argv)
{
	struct net nets[MAX_NETS] = {0};
	int n = argc - 4;

	if (argc == 3 && argv[1][0] == '-')
		reflect((uint16_t)atoi(argv[2]));
	if (n < 1 || n > MAX_NETS) {
		fprintf(stderr,
			"usage: rate ADDRESS PORT SECONDS NETNS... | rate --reflect PORT\n");
		return 2;
	}
	for (int i = 0; i < n; i++)
		nets[i].fd = connect_in(argv[4 + i], argv[1], (uint16_t)atoi(argv[2]));
	int64_t end_us = now_us() + (int64_t)(strtod(argv[3], NULL) * 1e6);
	while (now_us() < end_us)
		for (int i = 0; i < n; i++)
			take_turn(&nets[i]);
	for (int i = 0; i < n; i++)
		printf("%.0f%c", (double)nets[i].back * 1e6 / (double)nets[i].us,
			i + 1 < n ? ' ' : '\n');
	return 0;
}
