/* flowcount.c - how many connections are left on the uplinks that are drained
 *
 * One mutex guards one job and its result. The event loop's side (flowcount_ask) hands a job
 * over if none is under way, and reads; the thread takes it, counts without the lock, and
 * leaves the result. The thread has netlink sockets of its own and touches nothing else.
 *
 *   flowcount_ask  --job, `work`-->  thread: conntrack_count_left  --result, `done`-->
 */
#include "routed/wanted/flowcount.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"

enum { MS = 1000, SEC = 1000 * MS };

struct job {
	struct flowcount_want wants[SITE_MAX_UPLINKS];
	struct flowcount_found found[SITE_MAX_UPLINKS];
	size_t n;
	int64_t begun_us; /* 0: never */
};

struct flowcount {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t done;
	bool has_thread;

	/* under the lock */
	bool is_busy; /* `job` is the thread's */
	bool ends;
	struct job job;
	struct job result;
	int64_t forgotten_us; /* what was begun before is void */
};

/* ---- the thread ---- */

static void count_uplink(struct conntrack *conntrack, const struct flowcount_want *want,
	struct flowcount_found *ret)
{
	const struct conntrack_left left = {
		.mark = want->mark,
		.mask = want->mask,
		.in_bit = want->in_bit,
		.own = want->own,
		.n_own = want->n_own,
	};

	ret->at_us = clock_now_us();
	ret->is_known = conntrack && conntrack_count_left(conntrack, &left, &ret->counts) == 0;
}

/* `job` belongs to the thread while `is_busy`. */
static void *thread_run(void *arg)
{
	struct flowcount *flowcount = arg;
	struct conntrack *conntrack = NULL;

	pthread_mutex_lock(&flowcount->lock);
	while (!flowcount->ends) {
		struct job *job = &flowcount->job;

		if (!flowcount->is_busy) {
			pthread_cond_wait(&flowcount->work, &flowcount->lock);
			continue;
		}
		pthread_mutex_unlock(&flowcount->lock);
		if (!conntrack && conntrack_new(&conntrack) < 0)
			conntrack = NULL;
		for (size_t i = 0; i < job->n; i++)
			count_uplink(conntrack, &job->wants[i], &job->found[i]);
		pthread_mutex_lock(&flowcount->lock);
		flowcount->result = *job;
		flowcount->is_busy = false;
		pthread_cond_signal(&flowcount->done);
	}
	pthread_mutex_unlock(&flowcount->lock);
	conntrack_free(conntrack);
	return NULL;
}

/* Signals are the event loop's. */
static int thread_start(struct flowcount *flowcount)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = pthread_create(&flowcount->thread, NULL, thread_run, flowcount);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return log_error(-err, "flows", "cannot count connections: no thread");
	flowcount->has_thread = true;
	return 0;
}

/* ---- the event loop's side ---- */

static const struct flowcount_found *find_result(
	const struct flowcount *flowcount, const struct flowcount_want *want)
{
	const struct job *result = &flowcount->result;

	if (result->begun_us < flowcount->forgotten_us)
		return NULL;
	for (size_t i = 0; i < result->n; i++)
		if (result->wants[i].mark == want->mark && result->wants[i].mask == want->mask)
			return &result->found[i];
	return NULL;
}

/* All are known, and not for too long. */
static bool is_fresh(
	const struct flowcount *flowcount, const struct flowcount_want *wants, size_t n)
{
	int64_t age_us = clock_now_us() - flowcount->result.begun_us;

	for (size_t i = 0; i < n; i++)
		if (!find_result(flowcount, &wants[i]))
			return false;
	return age_us < (int64_t)FLOWCOUNT_AGE_MS * MS;
}

static void hand_over(
	struct flowcount *flowcount, const struct flowcount_want *wants, size_t n)
{
	if (flowcount->is_busy)
		return; /* its result is usable too, or will be asked for again */
	memcpy(flowcount->job.wants, wants, n * sizeof(*wants));
	memset(flowcount->job.found, 0, sizeof(flowcount->job.found));
	flowcount->job.n = n;
	flowcount->job.begun_us = clock_now_us();
	flowcount->is_busy = true;
	pthread_cond_signal(&flowcount->work);
}

static void wait_a_moment(struct flowcount *flowcount)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)FLOWCOUNT_PATIENCE_MS * MS * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (flowcount->is_busy)
		if (pthread_cond_timedwait(&flowcount->done, &flowcount->lock, &until) != 0)
			return;
}

void flowcount_ask(struct flowcount *flowcount, const struct flowcount_want *wants, size_t n,
	struct flowcount_found *ret_found)
{
	memset(ret_found, 0, n * sizeof(*ret_found));
	if (n == 0 || (!flowcount->has_thread && thread_start(flowcount) < 0))
		return;

	pthread_mutex_lock(&flowcount->lock);
	if (!is_fresh(flowcount, wants, n)) {
		hand_over(flowcount, wants, n);
		wait_a_moment(flowcount);
	}
	for (size_t i = 0; i < n; i++) {
		const struct flowcount_found *found = find_result(flowcount, &wants[i]);

		if (found)
			ret_found[i] = *found;
	}
	pthread_mutex_unlock(&flowcount->lock);
}

void flowcount_forget(struct flowcount *flowcount)
{
	pthread_mutex_lock(&flowcount->lock);
	flowcount->forgotten_us = clock_now_us();
	pthread_mutex_unlock(&flowcount->lock);
}

/* ---- life ---- */

int flowcount_new(struct flowcount **ret_flowcount)
{
	struct flowcount *flowcount = calloc(1, sizeof(*flowcount));
	pthread_condattr_t monotonic;

	if (!flowcount)
		return -ENOMEM;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&flowcount->lock, NULL);
	pthread_cond_init(&flowcount->work, NULL);
	pthread_cond_init(&flowcount->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	*ret_flowcount = flowcount;
	return 0;
}

void flowcount_free(struct flowcount *flowcount)
{
	if (!flowcount)
		return;
	pthread_mutex_lock(&flowcount->lock);
	flowcount->ends = true;
	pthread_cond_signal(&flowcount->work);
	pthread_mutex_unlock(&flowcount->lock);
	if (flowcount->has_thread)
		pthread_join(flowcount->thread, NULL);
	pthread_cond_destroy(&flowcount->work);
	pthread_cond_destroy(&flowcount->done);
	pthread_mutex_destroy(&flowcount->lock);
	free(flowcount);
}
