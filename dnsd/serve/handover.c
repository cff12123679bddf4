/* handover.c - sockets that outlive a restart: the service manager holds them meanwhile
 *
 * sockets.c asks here before it binds, hands over the sockets that it has bound, and reports
 * when a place is no longer served. A place comes from getsockname(2). The name under which the
 * service manager keeps a socket is made from its place, so that no process has to remember
 * anything for the next one.
 *
 * FDPOLL=0: an error on a socket (a client that could not be reached) must not make systemd
 * close its copy.
 */
#include "dnsd/serve/handover.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"

enum { NAME_LEN = ADDR_STR_LEN + 32 };

struct handed {
	int fd;
	struct handover_place place;
};

struct handover {
	size_t n;
	struct handed sockets[];
};

/* ---- places ---- */

static int fd_get_option(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -errno : value;
}

static bool place_of_fd(int fd, struct handover_place *ret_place)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	int type = fd_get_option(fd, SO_TYPE);

	if (type != SOCK_DGRAM &&
		(type != SOCK_STREAM || fd_get_option(fd, SO_ACCEPTCONN) != 1))
		return false;
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
		(sa.ss_family != AF_INET && sa.ss_family != AF_INET6))
		return false;

	bool v4 = sa.ss_family == AF_INET;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&sa;
	*ret_place = (struct handover_place){
		.tcp = type == SOCK_STREAM,
		.addr = addr_from_sockaddr((const struct sockaddr *)&sa),
		.port = ntohs(
			v4 ? ((const struct sockaddr_in *)&sa)->sin_port : in6->sin6_port),
		.scope_id = v4 ? 0 : in6->sin6_scope_id,
	};
	return ret_place->port != 0;
}

static bool place_eq(const struct handover_place *a, const struct handover_place *b)
{
	return a->tcp == b->tcp && a->port == b->port && addr_eq(&a->addr, &b->addr) &&
	       (!addr_is_link_local(&a->addr) || a->scope_id == b->scope_id);
}

/* "udp-192.168.2.1-53", "tcp-fe80..1%5-53": such names have no colon
 * (sd_pid_notify_with_fds(3)). */
static const char *place_name(const struct handover_place *place, char *out)
{
	char scope[16] = "";

	if (addr_is_link_local(&place->addr))
		snprintf(scope, sizeof(scope), "%%%u", place->scope_id);
	snprintf(out, NAME_LEN, "%s-%s%s-%u", place->tcp ? "tcp" : "udp",
		addr_str(&place->addr), scope, place->port);
	for (char *c = out; *c; c++)
		*c = *c == ':' ? '.' : *c;
	return out;
}

/* ---- what was passed ---- */

int handover_new_from(const int *fds, size_t n, struct handover **ret_handover)
{
	struct handover *handover = calloc(1, sizeof(*handover) + n * sizeof(struct handed));

	for (size_t i = 0; i < n; i++) {
		struct handed *handed = handover ? &handover->sockets[handover->n] : NULL;

		if (!handed || !place_of_fd(fds[i], &handed->place)) {
			close(fds[i]);
			continue;
		}
		handed->fd = fds[i];
		handover->n++;
	}
	if (!handover)
		return -ENOMEM;
	*ret_handover = handover;
	return 0;
}

int handover_new(struct handover **ret_handover)
{
	int n = sd_listen_fds(1);
	int *fds = n > 0 ? calloc((size_t)n, sizeof(*fds)) : NULL;

	if (n > 0 && !fds)
		return -ENOMEM;
	for (int i = 0; i < n; i++)
		fds[i] = SD_LISTEN_FDS_START + i;
	int err = handover_new_from(fds, n > 0 ? (size_t)n : 0, ret_handover);
	free(fds);
	return err;
}

void handover_free(struct handover *handover)
{
	for (size_t i = 0; handover && i < handover->n; i++)
		close(handover->sockets[i].fd);
	free(handover);
}

size_t handover_take(struct handover *handover, const struct handover_place *place,
	int *ret_fds, size_t max)
{
	size_t n_taken = 0;
	size_t n_kept = 0;
	bool spare = false;

	for (size_t i = 0; i < handover->n; i++) {
		struct handed *handed = &handover->sockets[i];

		if (!place_eq(&handed->place, place)) {
			handover->sockets[n_kept++] = *handed;
		} else if (n_taken < max) {
			ret_fds[n_taken++] = handed->fd;
		} else {
			close(handed->fd);
			spare = true;
		}
	}
	handover->n = n_kept;
	if (spare) { /* all have one name: forget them all, then store the caller's again */
		handover_forget(place);
		handover_keep(place, ret_fds, n_taken);
	}
	return n_taken;
}

void handover_discard(struct handover *handover)
{
	for (size_t i = 0; i < handover->n; i++) {
		const struct handed *handed = &handover->sockets[i];

		log_info("listen", "no longer serving after the restart: %s port %u by %s",
			addr_str(&handed->place.addr), handed->place.port,
			handed->place.tcp ? "TCP" : "UDP");
		handover_forget(&handed->place);
		close(handed->fd);
	}
	handover->n = 0;
}

/* ---- what is given ---- */

void handover_keep(const struct handover_place *place, const int *fds, size_t n)
{
	char name[NAME_LEN];
	char text[NAME_LEN + 64];

	if (n == 0)
		return;
	snprintf(
		text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", place_name(place, name));
	sd_pid_notify_with_fds(0, 0, text, fds, (unsigned int)n);
}

void handover_forget(const struct handover_place *place)
{
	char name[NAME_LEN];

	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", place_name(place, name));
}
