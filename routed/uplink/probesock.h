/* probesock.h - sockets that send and receive over one uplink only; part of probe.h */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/net/addr.h"

/* What a socket is bound to, and its target. */
struct probesock_path {
	int ifindex;
	struct addr source; /* unset: the kernel chooses one of the device */
	struct addr target;
};

/* All are non-blocking. Negative errno, not logged. */

/* For echo requests. `ret_raw`: see probewire_echo_read; false where the kernel allows us ping
 * sockets (net.ipv4.ping_group_range). */
int probesock_icmp(const struct probesock_path *path, int *ret_fd, bool *ret_raw);

/* Connected to the target's port. */
int probesock_udp(const struct probesock_path *path, uint16_t port, int *ret_fd);

/* Not connected yet. Closing it resets the connection: no TIME_WAIT on either side. */
int probesock_tcp(const struct probesock_path *path, int *ret_fd);

/* One message, its sender, and the time of day when the kernel received it (0: unknown). Returns
 * the length, or a negative errno: -EAGAIN if there is no message. */
int probesock_receive(
	int fd, uint8_t *data, size_t cap, struct addr *ret_from, int64_t *ret_wall_us);

socklen_t probesock_sockaddr(
	const struct probesock_path *path, uint16_t port, struct sockaddr_storage *ret_sa);
