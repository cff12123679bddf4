/* portowner.h - which process has a port, for the message about a bind that failed: EADDRINUSE
 *
 * The kernel tells the address, user and inode of each socket (sock_diag(7)); /proc tells which
 * process has that inode open. Without privilege the processes of other users cannot be seen:
 * then the user is named.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/net/addr.h"

enum {
	PORTOWNER_TEXT_MAX = 640, /* octets, always enough for PORTOWNER_MAX of them */
	PORTOWNER_MAX = 4,	  /* sockets that are named; of others only the number */
};

/* Finds the sockets that keep one of ours from `local`:`port` (host order): bound to the same
 * address or to a wildcard that covers it, and for a wildcard `local` to any address of the
 * family. `protocol` is IPPROTO_UDP or IPPROTO_TCP.
 *
 * Writes them to `ret_text` as in "systemd-resolve (pid 412) on 127.0.0.53:53" or, where
 * the process is not seen, "a socket of user unbound on 127.0.0.1:53", separated by ", ", and
 * returns their number; with 0 the text is empty. A negative errno if the kernel could not be
 * asked; the text is empty then too. Walks /proc, which takes some milliseconds: call it when a
 * bind fails for the first time, not at each try. */
int portowner_find(
	int protocol, const struct addr *local, uint16_t port, char *ret_text, size_t cap);
