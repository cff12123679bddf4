/* arrival.h - by which interface a query came in
 *
 * A socket is bound to an address, and answers for it by whichever interface a packet comes:
 * only the packet tells. Asked of the inside view's sockets alone.
 */
#pragma once
#include <stdalign.h>
#include <sys/socket.h>

/* Room for what the kernel tells with a datagram of either family. */
enum { ARRIVAL_CAP = 48 };

/* Has the kernel tell it with each datagram of this UDP socket. Negative errno. */
int arrival_follow(int fd, int family);

/* The ifindex that came with a datagram; 0: not told. */
int arrival_of_datagram(struct msghdr *msg);

/* Of an accepted TCP connection: the ifindex by which the last packet of its handshake came;
 * 0: not told. */
int arrival_of_connection(int fd, int family);
