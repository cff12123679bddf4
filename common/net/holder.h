/* holder.h - who holds a port, for the message about a bind that failed with EADDRINUSE
 *
 * The kernel tells of each socket its address, user and inode (sock_diag(7)); which process
 * has that inode open is read from /proc. Without privilege the processes of other users are
 * not seen, and the user must do.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

enum {
	HOLDER_TEXT_MAX = 640, /* octets, always enough for HOLDER_MAX of them */
	HOLDER_MAX = 4,	       /* sockets that are named; of others only the number is told */
};

/* Finds the sockets that keep one of ours from `local`:`port` (host order): bound to the same
 * address or to a wildcard that covers it, and for a wildcard `local` to any address of the
 * family. `protocol` is IPPROTO_UDP or IPPROTO_TCP.
 *
 * Writes them to `ret_text` as in "systemd-resolve (pid 412) on 127.0.0.53:53" or, where
 * the process is not seen, "a socket of user unbound on 127.0.0.1:53", separated by ", ", and
 * returns their number; with 0 the text is empty. Negative errno if the kernel could
 * not be asked, the text is empty then too. Walks /proc: some milliseconds, so to be called
 * when a bind fails first, not each time it is tried again. */
int holder_find(
	int protocol, const struct addr *local, uint16_t port, char *ret_text, size_t cap);
