/* death.c - the output of a call that ends the process */
#include "lib/death.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void die(void (*call)(void), int said)
{
	const struct rlimit no_core = {0};

	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGABRT, SIG_DFL); /* cmocka's handler would report a failed test */
	dup2(said, STDERR_FILENO);
	call();
	_exit(0);
}

int death_of(void (*call)(void), char *ret_said, size_t cap)
{
	int pipe_fds[2];
	size_t len = 0;
	ssize_t n;
	int status;

	assert_int_equal(pipe(pipe_fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		die(call, pipe_fds[1]);

	close(pipe_fds[1]);
	while (len < cap - 1 && (n = read(pipe_fds[0], ret_said + len, cap - 1 - len)) > 0)
		len += (size_t)n;
	ret_said[len] = '\0';
	close(pipe_fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}
