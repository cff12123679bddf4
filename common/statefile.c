/* statefile.c - small files that must outlive a restart, written whole or not at all
 *
 * For the state folder of either daemon. The text goes to another file beside it first, which
 * then takes the name: rename(2) replaces a file, link(2) refuses to.
 */
#include "common/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "common/cleanup.h"

static int write_beside(const char *path, const char *text, size_t len, unsigned int how)
{
	mode_t mode = how & STATEFILE_SECRET ? 0600 : 0644;
	AUTO(closep)
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		mode);

	if (fd < 0)
		return -errno;
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		text += n;
		len -= (size_t)n;
	}
	return how & STATEFILE_DURABLE && fsync(fd) < 0 ? -errno : 0;
}

static int take_name(const char *beside, const char *path, unsigned int how)
{
	if (!(how & STATEFILE_NEW))
		return rename(beside, path) < 0 ? -errno : 0;
	if (link(beside, path) < 0)
		return -errno;
	unlink(beside);
	return 0;
}

/* The name is on the disk when its folder is (fsync(2)). */
static int sync_folder_of(const char *path)
{
	AUTO(freep) char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;

	if (!slash)
		return folder ? 0 : -ENOMEM;
	*slash = '\0';

	AUTO(closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int statefile_write(const char *path, const char *text, size_t len, unsigned int how)
{
	AUTO(freep) char *beside = NULL;
	/* one name for replacements, so that crashes leave one such file at most; two
	 * programs that both write a new file must not write into the same one */
	int n = how & STATEFILE_NEW ? asprintf(&beside, "%s.%ld", path, (long)getpid())
				    : asprintf(&beside, "%s.new", path);

	if (n < 0) {
		beside = NULL;
		return -ENOMEM;
	}
	int err = write_beside(beside, text, len, how);
	if (err == 0)
		err = take_name(beside, path, how);
	if (err < 0) {
		unlink(beside);
		return err;
	}
	return how & STATEFILE_DURABLE ? sync_folder_of(path) : 0;
}
