/* ctlsocket.h - the file of a control socket. For the files of common/ctl/. */
#pragma once
#include <sys/un.h>

/* The address of the socket at `path`. -ENOENT for an empty path, -ENAMETOOLONG. */
int ctl_socket_address(const char *path, struct sockaddr_un *ret_un);

/* Makes a listening socket's descriptor, bound to `path` (not listening yet), mode 0660, with the
 * folders above it; a dead socket of a former run is replaced. -EADDRINUSE: another process
 * listens there. -EEXIST: another kind of file is in the way. `*ret_lock_fd` must stay open as
 * long as the socket: it is set as soon as the lock is held, also when what follows fails. */
int ctl_socket_open(const char *path, int *ret_lock_fd, int *ret_fd);

/* Logs why ctl_socket_open failed and what to do; returns `err`. */
int ctl_socket_log(int err, const char *path);
