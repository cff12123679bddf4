/* server.c - says over TCP and UDP at which address it was reached, and from where
 *
 * server ADDRESS PORT...: ADDRESS may be `*`. A GET is answered with a page, anything else
 * that comes over TCP or UDP is sent back, always with "local ADDRESS from ADDRESS" in front.
 * UDP answers from a wildcard socket leave with whatever source the kernel chooses, as those
 * of most servers do. On port 53 it refuses every question.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netdb.h>

enum { MAX_SOCKETS = 64, BUFFER = 4096 };

struct place {
	int fd;
	int type;
	int port;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int open_socket(const char *host, const char *port, int type)
{
	bool any = strcmp(host, "*") == 0;
	struct addrinfo hints = {.ai_socktype = type,
		.ai_family = any ? AF_INET6 : AF_UNSPEC,
		.ai_flags = AI_NUMERICHOST | AI_PASSIVE};
	struct addrinfo *at;
	int on = 1;

	if (getaddrinfo(any ? NULL : host, port, &hints, &at) != 0) {
		fprintf(stderr, "server: %s is not an address\n", host);
		exit(2);
	}
	int fd = socket(at->ai_family, type, 0);
	if (fd < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->ai_family == AF_INET6) {
		int off = 0;

		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	}
	if (bind(fd, at->ai_addr, at->ai_addrlen) < 0)
		fail("bind");
	if (type == SOCK_STREAM && listen(fd, 128) < 0)
		fail("listen");
	freeaddrinfo(at);
	return fd;
}

/* An IPv4 address that an IPv6 socket saw is written as what it is. */
static const char *text_of(const char *text)
{
	return strncmp(text, "::ffff:", 7) == 0 ? text + 7 : text;
}

static void host_of(const struct sockaddr_storage *at, socklen_t len, char out[NI_MAXHOST])
{
	char host[NI_MAXHOST];

	if (getnameinfo((const struct sockaddr *)at, len, host, sizeof(host), NULL, 0,
		    NI_NUMERICHOST) != 0)
		strcpy(host, "?");
	snprintf(out, NI_MAXHOST, "%s", text_of(host));
}

/* --- TCP --- */

static void talk(int fd)
{
	struct sockaddr_storage local, peer;
	socklen_t local_len = sizeof(local), peer_len = sizeof(peer);
	char here[NI_MAXHOST], there[NI_MAXHOST], in[BUFFER], out[2 * BUFFER];
	ssize_t n;

	getsockname(fd, (struct sockaddr *)&local, &local_len);
	if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0)
		return;
	host_of(&local, local_len, here);
	host_of(&peer, peer_len, there);

	while ((n = read(fd, in, sizeof(in))) > 0) {
		int len;

		if (n > 4 && memcmp(in, "GET ", 4) == 0) {
			len = snprintf(out, sizeof(out),
				"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n"
				"Connection: close\r\n\r\nlocal %s from %s\n",
				here, there);
			if (write(fd, out, (size_t)len) < 0)
				return;
			shutdown(fd, SHUT_WR);
			continue;
		}
		len = snprintf(
			out, sizeof(out), "local %s from %s %.*s", here, there, (int)n, in);
		if (write(fd, out, (size_t)len) < 0)
			return;
	}
}

/* A process for each connection: one that hangs holds up nobody. */
static void on_connection(const struct place *place)
{
	int fd = accept(place->fd, NULL, NULL);

	if (fd < 0)
		return;
	if (fork() == 0) {
		close(place->fd);
		talk(fd);
		_exit(0);
	}
	close(fd);
}

/* --- UDP --- */

static void local_of(struct msghdr *msg, char out[NI_MAXHOST])
{
	char text[INET6_ADDRSTRLEN] = "?";

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			inet_ntop(AF_INET, &info.ipi_addr, text, sizeof(text));
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			inet_ntop(AF_INET6, &info.ipi6_addr, text, sizeof(text));
		}
	}
	snprintf(out, NI_MAXHOST, "%s", text_of(text));
}

static void on_datagram(const struct place *place)
{
	struct sockaddr_storage peer;
	char in[BUFFER], out[2 * BUFFER], control[256], here[NI_MAXHOST], there[NI_MAXHOST];
	struct iovec iov = {.iov_base = in, .iov_len = sizeof(in)};
	struct msghdr msg = {.msg_name = &peer,
		.msg_namelen = sizeof(peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(place->fd, &msg, 0);

	if (n < 0)
		return;
	if (place->port == 53) {
		if (n < 12)
			return;
		in[2] = (char)(in[2] | 0x80); /* QR */
		in[3] = 5;		      /* REFUSED */
		sendto(place->fd, in, (size_t)n, 0, (struct sockaddr *)&peer, msg.msg_namelen);
		return;
	}
	local_of(&msg, here);
	host_of(&peer, msg.msg_namelen, there);
	int len = snprintf(out, sizeof(out), "local %s from %s %.*s", here, there, (int)n, in);
	sendto(place->fd, out, (size_t)len, 0, (struct sockaddr *)&peer, msg.msg_namelen);
}

int main(int argc, char **argv)
{
	struct place places[MAX_SOCKETS];
	struct pollfd polls[MAX_SOCKETS];
	nfds_t n = 0;

	if (argc < 3 || argc - 2 > MAX_SOCKETS / 2) {
		fprintf(stderr, "usage: server ADDRESS PORT...\n");
		return 2;
	}
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 2; i < argc; i++) {
		static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

		for (size_t t = 0; t < 2; t++, n++) {
			places[n] = (struct place){open_socket(argv[1], argv[i], types[t]),
				types[t], atoi(argv[i])};
			polls[n] = (struct pollfd){.fd = places[n].fd, .events = POLLIN};
		}
	}
	for (;;) {
		if (poll(polls, n, -1) < 0)
			continue;
		for (nfds_t i = 0; i < n; i++) {
			if (!polls[i].revents)
				continue;
			if (places[i].type == SOCK_STREAM)
				on_connection(&places[i]);
			else
				on_datagram(&places[i]);
		}
	}
}
