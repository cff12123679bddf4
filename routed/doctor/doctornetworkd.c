/* doctornetworkd.c - does systemd-networkd remove routes and rules of other programs?
 *
 * networkd.conf(5): /etc/systemd/networkd.conf comes first, then the drop-ins of all folders in
 * the order of their names. A later setting wins; of files with equal names, the one in /etc
 * wins. The default is yes.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "routed/doctor/doctorgather.h"

enum { PATH_LEN = 512, CONF_MAX_LEN = 1 << 20, DROPINS_MAX = 256 };

/* Of files with equal names, the first found wins. */
static const char *const folders[] = {
	"/etc/systemd/networkd.conf.d",
	"/run/systemd/networkd.conf.d",
	"/usr/local/lib/systemd/networkd.conf.d",
	"/usr/lib/systemd/networkd.conf.d",
};
enum { N_FOLDERS = sizeof(folders) / sizeof(folders[0]) };

/* Cuts blanks off both ends, in place. */
static char *strip(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	for (size_t len = strlen(text); len > 0 && isspace((unsigned char)text[len - 1]);
		len--)
		text[len - 1] = '\0';
	return text;
}

/* systemd.syntax(7): an empty value means the default. */
static bool is_no(const char *value)
{
	static const char *const words[] = {"no", "n", "false", "f", "off", "0"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

static void take_setting(char *line, struct doctor_networkd *networkd)
{
	char *equals = strchr(line, '=');

	if (!equals)
		return;
	*equals = '\0';
	const char *key = strip(line);
	bool manages = !is_no(strip(equals + 1));

	if (strcmp(key, "ManageForeignRoutes") == 0)
		networkd->manages_routes = manages;
	else if (strcmp(key, "ManageForeignRoutingPolicyRules") == 0)
		networkd->manages_rules = manages;
}

static void read_conf(const char *path, struct doctor_networkd *networkd)
{
	const char *problem = NULL;
	bool in_network = false;
	struct file file;

	if (file_read(path, CONF_MAX_LEN, FILE_REGULAR, &file, &problem) < 0)
		return;
	AUTO(freep) char *text = file.text;
	for (char *next = text, *line; (line = strsep(&next, "\n"));) {
		line = strip(line);

		if (*line == '[')
			in_network = strcmp(line, "[Network]") == 0;
		else if (in_network && *line != '#' && *line != ';')
			take_setting(line, networkd);
	}
}

struct dropins {
	char *names[DROPINS_MAX]; /* each once */
	size_t n;
};

static bool is_listed(const struct dropins *dropins, const char *name)
{
	for (size_t i = 0; i < dropins->n; i++)
		if (strcmp(dropins->names[i], name) == 0)
			return true;
	return false;
}

static bool ends_in_conf(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

static void list_folder(const char *path, struct dropins *dropins)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) && dropins->n < DROPINS_MAX) {
		if (!ends_in_conf(entry->d_name) || is_listed(dropins, entry->d_name))
			continue;
		dropins->names[dropins->n] = strdup(entry->d_name);
		if (dropins->names[dropins->n])
			dropins->n++;
	}
	if (dir)
		closedir(dir);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void read_dropin(const char *root, const char *name, struct doctor_networkd *networkd)
{
	char path[PATH_LEN];

	for (size_t i = 0; i < N_FOLDERS; i++) {
		snprintf(path, sizeof(path), "%s%s/%s", root, folders[i], name);
		if (access(path, F_OK) < 0)
			continue;
		read_conf(path, networkd);
		return;
	}
}

void doctornetworkd_read(const char *root, struct doctor_networkd *networkd)
{
	struct dropins dropins = {.n = 0};
	char path[PATH_LEN];

	networkd->manages_routes = true;
	networkd->manages_rules = true;
	snprintf(path, sizeof(path), "%s/etc/systemd/networkd.conf", root);
	read_conf(path, networkd);

	for (size_t i = 0; i < N_FOLDERS; i++) {
		snprintf(path, sizeof(path), "%s%s", root, folders[i]);
		list_folder(path, &dropins);
	}
	qsort(dropins.names, dropins.n, sizeof(dropins.names[0]), by_name);
	for (size_t i = 0; i < dropins.n; i++) {
		read_dropin(root, dropins.names[i], networkd);
		free(dropins.names[i]);
	}
}

/* --- does it run? --- */

static bool is_networkd(const char *pid)
{
	char path[PATH_LEN];
	char command[PATH_LEN] = "";

	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	AUTO(fclosep) FILE *file = fopen(path, "re");
	if (!file || fread(command, 1, sizeof(command) - 1, file) == 0)
		return false;

	const char *name = strrchr(command, '/'); /* of the first argument: ends with a NUL */
	return strcmp(name ? name + 1 : command, "systemd-networkd") == 0;
}

/* A networkd in another container does not touch our routes. Without the privilege to tell, it
 * counts as ours. */
static bool shares_network(const char *pid)
{
	struct stat own;
	struct stat its;
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
	if (stat("/proc/self/ns/net", &own) < 0 || stat(path, &its) < 0)
		return true;
	return own.st_ino == its.st_ino && own.st_dev == its.st_dev;
}

bool doctornetworkd_runs(void)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = isdigit((unsigned char)entry->d_name[0]) &&
			is_networkd(entry->d_name) && shares_network(entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}
