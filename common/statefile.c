/* statefile.c - small files that must outlive a restart, written whole or not at all
 *
 * For the state folder of either daemon. The text goes to PATH.new first, which then takes the
 * name (rename(2)).
 */
#include "common/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

static int write_file(const char *path, const char *text, bool durable)
{
	AUTO(closep)
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		0644);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, text, len);
	if (n < 0)
		return -errno;
	if ((size_t)n < len)
		return -ENOSPC;
	return durable && fsync(fd) < 0 ? -errno : 0;
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

int statefile_write(const char *path, const char *text, bool durable)
{
	AUTO(freep) char *fresh = NULL;

	if (asprintf(&fresh, "%s.new", path) < 0) {
		fresh = NULL;
		return -ENOMEM;
	}
	int err = write_file(fresh, text, durable);
	if (err == 0 && rename(fresh, path) < 0)
		err = -errno;
	if (err == 0 && durable)
		err = sync_folder_of(path);
	return err;
}
