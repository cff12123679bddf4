/* pointtopoint.c - a line between two network namespaces whose ends are tun devices, as those
 * of PPPoE or LTE modems are to a router
 *
 * pointtopoint NETNS DEVICE NETNS DEVICE: makes both devices, prints "ready" and carries
 * packets until it is ended; then the devices are gone.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>

enum { PACKET_MAX = 65536 };

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* A device belongs to the namespace in which /dev/net/tun was opened. */
static int open_end(const char *netns, const char *device)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	char path[256];

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	int ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		fail(path);
	close(ns);
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail("/dev/net/tun");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		fail(device);
	return fd;
}

/* A packet that the other end cannot take (its device is down) is lost, as on a real line. */
static void carry(int from, int to)
{
	static char packet[PACKET_MAX];
	ssize_t n = read(from, packet, sizeof(packet));

	if (n > 0 && write(to, packet, (size_t)n) < 0)
		return;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: pointtopoint NETNS DEVICE NETNS DEVICE\n");
		return 2;
	}
	int one = open_end(argv[1], argv[2]);
	int other = open_end(argv[3], argv[4]);
	struct pollfd ends[] = {
		{.fd = one, .events = POLLIN}, {.fd = other, .events = POLLIN}};

	puts("ready");
	fflush(stdout);
	while (poll(ends, 2, -1) > 0) {
		if (ends[0].revents & POLLIN)
			carry(one, other);
		if (ends[1].revents & POLLIN)
			carry(other, one);
	}
	return 1;
}
