/* arrival.h - the interface by which a query arrived
 *
 * A socket is bound to an address and takes packets from any interface; only the packet says
 * from which one. Only the sockets of the inside view need to know.
 */
#pragma once
#include <stdalign.h>
#include <sys/socket.h>

/* Room for the control message of a datagram of either family. */
enum { ARRIVAL_CAP = 48 };

/* Makes the kernel add the interface to each datagram of this UDP socket. Negative errno. */
int arrival_follow(int fd, int family);

/* The ifindex that came with a datagram; 0: unknown. */
int arrival_of_datagram(struct msghdr *msg);

/* The ifindex by which the last packet of the handshake of an accepted TCP connection arrived;
 * 0: unknown. */
int arrival_of_connection(int fd, int family);
