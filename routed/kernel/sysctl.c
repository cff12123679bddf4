/* sysctl.c - reads and writes kernel settings below /proc/sys, and remembers what was there
 *
 * The file has one line per setting that we changed: its path, what was found, what we wrote.
 *
 *     net/ipv4/conf/wan-a/rp_filter 1 2
 *
 * The line is in the file before the setting is changed, and the file is replaced as a whole:
 * killed at any point, it holds at least what was changed. Where it cannot be written (a full
 * disk), and where it makes no sense any more, that is said and the setting is changed all the
 * same: a router that does not forward is a greater loss than the memory of how it was before.
 * A setting that is changed again
 * (a device that was made again, a program that set it back) keeps what was found first.
 */
#include "routed/kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/statefile.h"
#include "routed/kernel/kernel.h"
#include "routed/kernel/text.h"

struct remembered {
	char path[sizeof(((struct kernel_sysctl *)NULL)->path)];
	long found;
	long ours;
};

struct sysctl_store {
	char *file;
	struct remembered *items;
	size_t n;
	bool unsaved; /* the file lacks some */
};

/* ---- /proc/sys ---- */

/* Below net, and not out of it again: interface names are part of paths. */
static bool path_is_safe(const char *path)
{
	return strncmp(path, "net/", 4) == 0 && !strstr(path, "/../") && !strstr(path, "//") &&
	       strpbrk(path, " \n") == NULL;
}

static int open_setting(const char *path, int flags)
{
	char full[sizeof("/proc/sys/") + PATH_MAX];

	if (!path_is_safe(path))
		return -EINVAL;
	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	int fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_read(const char *path, long *ret_value)
{
	AUTO(closep) int fd = open_setting(path, O_RDONLY);
	char text[32];

	if (fd < 0)
		return fd;
	ssize_t len = read(fd, text, sizeof(text) - 1);
	if (len < 0)
		return -errno;
	text[len] = '\0';

	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	if (end == text || (*end && *end != '\n') || errno)
		return -EBADMSG;
	*ret_value = value;
	return 0;
}

static int write_value(const char *path, long value)
{
	AUTO(closep) int fd = open_setting(path, O_WRONLY);
	char text[32];

	if (fd < 0)
		return fd;
	int len = snprintf(text, sizeof(text), "%ld\n", value);
	return write(fd, text, (size_t)len) < 0 ? -errno : 0;
}

void sysctl_read_all(const struct kernel *wanted, struct kernel *actual)
{
	for (size_t i = 0; i < wanted->n_sysctls; i++) {
		struct kernel_sysctl sysctl = wanted->sysctls[i];

		if (sysctl_read(sysctl.path, &sysctl.value) < 0)
			sysctl.value = LONG_MIN;
		kernel_add_sysctl(actual, &sysctl);
	}
}

/* ---- the file ---- */

static int save(const struct sysctl_store *store)
{
	struct text text = {0};

	for (size_t i = 0; i < store->n; i++)
		text_add(&text, "%s %ld %ld\n", store->items[i].path, store->items[i].found,
			store->items[i].ours);
	/* on disk before the setting is changed: or a power cut might leave the one without
	 * the other; not that the settings survive it, but /etc/sysctl.d may set them again */
	int err = statefile_write(
		store->file, text.data ? text.data : "", text.len, STATEFILE_DURABLE);
	text_fini(&text);
	return err;
}

static int append_saved(struct sysctl_store *store, const struct remembered *item)
{
	struct remembered *items = reallocarray(store->items, store->n + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	store->items = items;
	items[store->n++] = *item;
	return 0;
}

static int read_line(struct sysctl_store *store, const char *line)
{
	struct remembered item;
	int end = 0;

	if (sscanf(line, "%127s %ld %ld%n", item.path, &item.found, &item.ours, &end) != 3 ||
		line[end] != '\0' || !path_is_safe(item.path))
		return -EBADMSG;
	return append_saved(store, &item);
}

static int load(struct sysctl_store *store, const char **ret_problem)
{
	struct file file;
	int r = file_read(store->file, FILE_STATE_MAX, FILE_REGULAR, &file, ret_problem);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	*ret_problem = "a line of it makes no sense";
	AUTO(freep) char *text = file.text;
	char *next = text;
	while (*next) {
		const char *line = next;
		char *end = strchr(line, '\n');

		if (!end) /* the last line is cut off */
			return -EBADMSG;
		*end = '\0';
		next = end + 1;
		if ((r = read_line(store, line)) < 0)
			return r;
	}
	return 0;
}

/* What was read of it is kept: it is what a flush can still put back. */
static void set_aside(const struct sysctl_store *store, const char *problem)
{
	char aside[PATH_MAX];

	if ((size_t)snprintf(aside, sizeof(aside), "%s.bad", store->file) >= sizeof(aside) ||
		rename(store->file, aside) < 0)
		log_error(0, "sysctl",
			"cannot read %s (%s), which says what settings were before us: "
			"`routed flush` cannot put them back",
			store->file, problem);
	else
		log_error(0, "sysctl",
			"cannot read %s (%s), which says what settings were before us: it is "
			"%s now, and `routed flush` does not put back what it says there",
			store->file, problem, aside);
}

int sysctl_store_new(const char *state, struct sysctl_store **ret_store)
{
	struct sysctl_store *store = calloc(1, sizeof(*store));
	const char *problem = NULL;

	if (!store || (state && !(store->file = strdup(state)))) {
		sysctl_store_free(store);
		return log_error(-ENOMEM, "sysctl", "cannot start");
	}
	if (state && load(store, &problem) < 0)
		set_aside(store, problem);
	*ret_store = store;
	return 0;
}

void sysctl_store_free(struct sysctl_store *store)
{
	if (!store)
		return;
	if (store->unsaved)
		save(store); /* there may be room by now */
	free(store->items);
	free(store->file);
	free(store);
}

/* ---- changes ---- */

static struct remembered *find_saved(struct sysctl_store *store, const char *path)
{
	for (size_t i = 0; i < store->n; i++)
		if (strcmp(store->items[i].path, path) == 0)
			return &store->items[i];
	return NULL;
}

static int note(struct sysctl_store *store, const struct kernel_sysctl *sysctl, long found)
{
	struct remembered *known = find_saved(store, sysctl->path);
	struct remembered item = {.found = found, .ours = sysctl->value};

	if (known && known->ours == sysctl->value && !store->unsaved)
		return 0;
	if (known) {
		known->ours = sysctl->value;
		return save(store);
	}
	memcpy(item.path, sysctl->path, sizeof(item.path));
	int r = append_saved(store, &item);
	return r < 0 ? r : save(store);
}

static void remember(
	struct sysctl_store *store, const struct kernel_sysctl *sysctl, long found)
{
	int r = note(store, sysctl, found);

	store->unsaved = r < 0;
	if (r < 0)
		log_error(r, "sysctl",
			"cannot write to %s that %s was %ld: after a restart `routed flush` "
			"will not put it back",
			store->file, sysctl->path, found);
}

int sysctl_write(struct sysctl_store *store, const struct kernel_sysctl *sysctl)
{
	long found = 0;
	int r = sysctl_read(sysctl->path, &found);

	if (r < 0)
		return r;
	if (found == sysctl->value)
		return 0;
	if (!store->file)
		return -EROFS;
	remember(store, sysctl, found);
	return write_value(sysctl->path, sysctl->value);
}

bool sysctl_is_ours(struct sysctl_store *store, const char *path)
{
	const struct remembered *known = find_saved(store, path);
	long now = 0;

	return known && sysctl_read(path, &now) == 0 && now == known->ours;
}

static bool path_forwards(const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	return strcmp(name, "ip_forward") == 0 || strcmp(name, "forwarding") == 0;
}

/* 0 if there is nothing to be put back either. */
static int restore_one(const struct remembered *item)
{
	long now = 0;
	int r = sysctl_read(item->path, &now);

	if (r == -ENOENT) /* its device is gone, and the setting with it */
		return 0;
	if (r < 0)
		return log_error(r, "sysctl", "cannot read %s", item->path);
	if (path_forwards(item->path) || now != item->ours) {
		log_info("sysctl", "%s stays %ld%s", item->path, now,
			path_forwards(item->path) ? ": forwarding is never switched off"
						  : ": another program has set it since");
		return 0;
	}
	r = write_value(item->path, item->found);
	if (r < 0)
		return log_error(
			r, "sysctl", "cannot set %s back to %ld", item->path, item->found);
	log_info("sysctl", "%s is %ld again", item->path, item->found);
	return 0;
}

size_t sysctl_restore(struct sysctl_store *store)
{
	size_t n_failed = 0;

	/* the last change first */
	for (size_t i = store->n; i > 0; i--)
		if (restore_one(&store->items[i - 1]) < 0)
			n_failed++;
	if (n_failed == 0) {
		store->n = 0;
		if (store->file)
			unlink(store->file);
	}
	return n_failed;
}
