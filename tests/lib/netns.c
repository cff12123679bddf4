/* netns.c - a network namespace of the test's own
 *
 * Loopback takes any address, so that most tests of sockets need no other device.
 */
#include "lib/netns.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(const char *const argv[])
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		execvp(argv[0], (char *const *)(const void *)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "%s %s %s: status %d\n", argv[0], argv[1], argv[2], status);
		abort();
	}
}

void netns_enter(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr, "SKIPPED: no network namespace: %s\n", strerror(errno));
		exit(77);
	}
	run((const char *const[]){"ip", "link", "set", "lo", "up", NULL});
}

static void change(const char *verb, const char *interface, const char *address)
{
	const char *argv[] = {"ip", "address", verb, address, "dev", interface, NULL, NULL};

	if (strchr(address, ':') && strcmp(verb, "add") == 0)
		argv[6] = "nodad";
	run(argv);
}

void netns_add(const char *interface, const char *address)
{
	change("add", interface, address);
}

void netns_del(const char *interface, const char *address)
{
	change("del", interface, address);
}

void netns_run(const char *script)
{
	run((const char *const[]){"sh", "-c", script, NULL});
}
