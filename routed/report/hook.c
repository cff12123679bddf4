/* hook.c - the operator's program (`routing.notify`), run at each change of state
 *
 * A job goes from the waiting list to the running list, where it has a process, a descriptor
 * of that process (pidfd_open(2)) that becomes readable at its end, and a timer. SIGCHLD is
 * not needed, so our children disturb nothing else in this process.
 */
#include "routed/report/hook.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/timer.h"

struct job {
	TAILQ_ENTRY(job) entry;
	struct hook *hook;
	char *program;
	char *subject;
	char *env[HOOK_MAX_FACTS + 2]; /* PATH, the facts, NULL */
	pid_t pid;
	int pidfd;
	struct event *ended;
	struct event *late;
	bool killed;
};

TAILQ_HEAD(jobs, job);

struct hook {
	struct event_base *base;
	struct jobs waiting;
	struct jobs running;
	size_t n_waiting;
	size_t n_running;
	int time_ms;
	struct hook_counters counters;
};

static void hook_start_waiting(struct hook *hook);

static void job_free(struct job *job)
{
	event_freep(&job->ended);
	event_freep(&job->late);
	closep(&job->pidfd);
	for (size_t i = 0; job->env[i]; i++)
		free(job->env[i]);
	free(job->program);
	free(job->subject);
	free(job);
}

/* ---- a running program ---- */

static void job_on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;
	struct hook *hook = job->hook;
	siginfo_t info = {0};

	(void)what;
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	if (!job->killed && (info.si_code != CLD_EXITED || info.si_status != 0)) {
		hook->counters.failed++;
		log_warning("notify", "%s %s %d (%s)", job->program,
			info.si_code == CLD_EXITED ? "ended with status"
						   : "was ended by signal",
			info.si_status, job->subject);
	}
	TAILQ_REMOVE(&hook->running, job, entry);
	hook->n_running--;
	job_free(job);
	hook_start_waiting(hook);
}

static void job_on_late(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = arg;

	(void)fd;
	(void)what;
	job->killed = true;
	job->hook->counters.killed++;
	log_warning("notify", "%s has not ended within %g s: killed (%s)", job->program,
		job->hook->time_ms / 1000.0, job->subject);
	kill(-job->pid, SIGKILL);
}

static int spawn_set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setpgroup(attributes, 0);
	return posix_spawnattr_setflags(attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* A positive errno, as posix_spawn(3) has it. All other descriptors of ours are close-on-exec.
 */
static int job_spawn(struct job *job)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char *argv[] = {job->program, NULL};
	int err = posix_spawnattr_init(&attributes);

	if (err)
		return err;
	err = posix_spawn_file_actions_init(&actions);
	if (err) {
		posix_spawnattr_destroy(&attributes);
		return err;
	}
	err = posix_spawn_file_actions_addopen(
		&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!err)
		err = spawn_set_attributes(&attributes);
	if (!err)
		err = posix_spawn(
			&job->pid, job->program, &actions, &attributes, argv, job->env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return err;
}

/* A program that cannot be watched must not run. */
static int job_watch(struct job *job)
{
	struct hook *hook = job->hook;

	job->pidfd = pidfd_open(job->pid, 0);
	if (job->pidfd < 0)
		return errno;
	job->ended = event_new(
		hook->base, job->pidfd, EV_READ | EV_PERSIST, job_on_ended, job);
	job->late = evtimer_new(hook->base, job_on_late, job);
	if (!job->ended || !job->late || event_add(job->ended, NULL) < 0 ||
		timer_arm_ms(job->late, hook->time_ms) < 0)
		return ENOMEM;
	return 0;
}

static void job_start(struct job *job)
{
	struct hook *hook = job->hook;
	int err = job_spawn(job);

	if (!err) {
		err = job_watch(job);
		if (err) {
			kill(-job->pid, SIGKILL);
			waitpid(job->pid, NULL, 0);
		}
	}
	if (err) {
		hook->counters.failed++;
		log_error(-err, "notify", "cannot run %s (%s)", job->program, job->subject);
		job_free(job);
		return;
	}
	hook->counters.run++;
	TAILQ_INSERT_TAIL(&hook->running, job, entry);
	hook->n_running++;
}

/* ---- waiting ---- */

static bool hook_has_running(const struct hook *hook, const char *subject)
{
	const struct job *job;

	TAILQ_FOREACH(job, &hook->running, entry)
	if (strcmp(job->subject, subject) == 0)
		return true;
	return false;
}

/* The first whose subject has nothing running, so that each subject's order is kept. */
static struct job *hook_next_job(const struct hook *hook)
{
	struct job *job;

	if (hook->n_running >= HOOK_MAX_RUNNING)
		return NULL;
	TAILQ_FOREACH(job, &hook->waiting, entry)
	if (!hook_has_running(hook, job->subject))
		return job;
	return NULL;
}

static void hook_start_waiting(struct hook *hook)
{
	struct job *job;

	while ((job = hook_next_job(hook))) {
		TAILQ_REMOVE(&hook->waiting, job, entry);
		hook->n_waiting--;
		job_start(job);
	}
}

static struct job *job_new(struct hook *hook, const char *program, const char *subject,
	const struct hook_fact *facts, size_t n_facts)
{
	struct job *job = calloc(1, sizeof(*job));
	bool whole = job != NULL;

	if (!job)
		return NULL;
	job->hook = hook;
	job->pidfd = -1;
	job->program = strdup(program);
	job->subject = strdup(subject);
	job->env[0] = strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
			     "/sbin:/bin");
	for (size_t i = 0; i < n_facts && i < HOOK_MAX_FACTS && job->env[i]; i++)
		if (asprintf(&job->env[i + 1], "MULTIHOMED_%s=%s", facts[i].name,
			    facts[i].value) < 0) {
			job->env[i + 1] = NULL;
			whole = false;
		}
	if (!whole || !job->program || !job->subject || !job->env[0]) {
		job_free(job);
		return NULL;
	}
	return job;
}

void hook_run(struct hook *hook, const char *program, const char *subject,
	const struct hook_fact *facts, size_t n_facts)
{
	struct job *job = hook->n_waiting < HOOK_MAX_WAITING
				  ? job_new(hook, program, subject, facts, n_facts)
				  : NULL;

	if (!job) {
		hook->counters.dropped++;
		log_warning("notify",
			"%s is not run for a change of %s: %zu runs wait already", program,
			subject, hook->n_waiting);
		return;
	}
	TAILQ_INSERT_TAIL(&hook->waiting, job, entry);
	hook->n_waiting++;
	hook_start_waiting(hook);
}

/* ---- life ---- */

int hook_new(struct event_base *base, struct hook **ret_hook)
{
	struct hook *hook = calloc(1, sizeof(*hook));

	if (!hook)
		return -ENOMEM;
	hook->base = base;
	hook->time_ms = HOOK_TIME_MS;
	TAILQ_INIT(&hook->waiting);
	TAILQ_INIT(&hook->running);
	*ret_hook = hook;
	return 0;
}

void hook_set_time_ms(struct hook *hook, int time_ms)
{
	hook->time_ms = time_ms;
}

static void jobs_free(struct jobs *jobs)
{
	struct job *job;

	while ((job = TAILQ_FIRST(jobs))) {
		TAILQ_REMOVE(jobs, job, entry);
		job_free(job);
	}
}

void hook_free(struct hook *hook)
{
	if (!hook)
		return;
	jobs_free(&hook->waiting);
	jobs_free(&hook->running);
	free(hook);
}

size_t hook_n_waiting(const struct hook *hook)
{
	return hook->n_waiting;
}

const struct hook_counters *hook_counters(const struct hook *hook)
{
	return &hook->counters;
}
