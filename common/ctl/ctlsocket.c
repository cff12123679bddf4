/* ctlsocket.c - the file of a control socket: its folders, its lock, its mode
 *
 * Called by ctl.c, and for the address alone by ctlrequest.c.
 */
#include "common/ctl/ctlsocket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"

int ctl_socket_address(const char *path, struct sockaddr_un *ret_un)
{
	*ret_un = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*path)
		return -ENOENT;
	if (strlen(path) >= sizeof(ret_un->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret_un->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Makes the folders above `path` that are not there yet, mode 0755 whatever the umask. */
static int make_folders_above(const char *path)
{
	AUTO(freep) char *folder = strdup(path);

	if (!folder)
		return -ENOMEM;
	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, 0755) == 0)
			(void)!chmod(folder, 0755);
		else if (errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/* One daemon per path: of two that start at the same moment one gets the lock. The file stays: if
 * it were removed, a third could lock another file of the same name. */
static int take_lock(const char *path, int *ret_fd)
{
	AUTO(freep) char *lock = NULL;

	if (asprintf(&lock, "%s.lock", path) < 0) {
		lock = NULL;
		return -ENOMEM;
	}

	AUTO(closep) int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Removes a socket of a former run, at which no process listens any more. */
static int clear_path(const struct sockaddr_un *un)
{
	struct stat st;

	if (lstat(un->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;

	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0 || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(un->sun_path) < 0 ? -errno : 0;
}

static int bind_socket(const struct sockaddr_un *un, int *ret_fd)
{
	AUTO(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	fchmod(fd, 0660); /* what bind makes the file with, less the umask */
	if (bind(fd, (const struct sockaddr *)un, sizeof(*un)) < 0)
		return -errno;
	if (chmod(un->sun_path, 0660) < 0)
		return -errno;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

int ctl_socket_open(const char *path, int *ret_lock_fd, int *ret_fd)
{
	struct sockaddr_un un;

	int r = ctl_socket_address(path, &un);
	if (r == 0)
		r = make_folders_above(path);
	if (r == 0)
		r = take_lock(path, ret_lock_fd);
	if (r == 0)
		r = clear_path(&un);
	return r < 0 ? r : bind_socket(&un, ret_fd);
}

int ctl_socket_log(int err, const char *path)
{
	switch (-err) {
	case EADDRINUSE:
		log_line(LOG_LEVEL_ERROR, "ctl",
			"%s: another one is running here; "
			"stop it first, or give this one its own --runtime",
			path);
		return err;
	case EEXIST:
		log_line(LOG_LEVEL_ERROR, "ctl",
			"%s: another kind of file is in the way; remove it", path);
		return err;
	case ENAMETOOLONG:
		log_line(LOG_LEVEL_ERROR, "ctl",
			"%s: longer than the %zu octets that a socket's path may have; give a "
			"shorter --runtime",
			path, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
		return err;
	case EACCES:
	case EPERM:
	case EROFS:
		log_line(LOG_LEVEL_ERROR, "ctl",
			"%s: cannot listen: %s; run it as root or by its service, or give a "
			"--runtime that this user may write to",
			path, strerror(-err));
		return err;
	default:
		return log_error(err, "ctl", "%s: cannot listen", path);
	}
}
