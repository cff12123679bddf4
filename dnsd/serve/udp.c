/* udp.c - UDP on one address: its socket or sockets and the threads that answer on them
 *
 * Each thread has a socket of its own and runs one loop: it waits in recvmmsg(2) and takes the
 * datagrams that are there, answers each from the view's current table, and sends all answers
 * with one sendmmsg(2). There is no other system call, no allocation and no lock per query. The
 * clock is read once per batch, without entering the kernel.
 *
 * Several threads on one address share its port by SO_REUSEPORT, and the kernel spreads
 * clients over them. The first socket is bound without that option, so that the port of
 * another program, or of another dnsd, is found taken and not silently shared.
 *
 * A signal wakes a waiting worker when it should end. A shutdown(2) of the socket would wake it
 * too, but would end the socket, which the next process may take over (handover.h).
 */
#include "dnsd/serve/udp.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "dnsd/serve/arrival.h"
#include "dnsd/serve/loss.h"
#include "dnsd/state/facts.h"

static const long NS_PER_S = 1000000000;

enum {
	UDP_BATCH = 16, /* more do not help: docs/architecture.md */
	/* A longer datagram loses its end, and the parser answers FORMERR to a message that
	 * ends too early. Real queries have a tenth of this length. */
	UDP_QUERY_MAX = 1232,
	UDP_QUERY_CAP = UDP_QUERY_MAX + RESPOND_QUERY_SLACK,
	UDP_STACK = 256 * 1024, /* octets; only touched pages become memory */
	UDP_RCVBUF = 1024 * 1024,
	/* The kernel doubles it. Enough for a full neighbour table (gc_thresh3, 1024) whose
	 * entries hold unres_qlen_bytes=2048 each, or for 39 with the default of 212992. */
	UDP_SNDBUF = 4 * 1024 * 1024,
	UDP_ERROR_PAUSE_NS = 10 * 1000 * 1000,
	UDP_WAKE_NS = 1000 * 1000,
	UDP_WAKE_SIGNAL = SIGUSR1, /* not blocked in workers only; its handler does nothing */
};

/* Everything that a worker touches is in one block. The pages of the later slots of a batch
 * become memory only under load. */
struct worker {
	struct view_reader reader;
	struct view *view;
	struct stats stats;
	pthread_t thread;
	int fd;
	bool is_running;   /* main thread only */
	bool asks_arrival; /* inside view only: learns the interface of each query */
	atomic_bool stop;
	struct mmsghdr in[UDP_BATCH];
	struct mmsghdr out[UDP_BATCH];
	struct iovec in_iov[UDP_BATCH];
	struct iovec out_iov[UDP_BATCH];
	struct sockaddr_in6 peers[UDP_BATCH]; /* large enough for IPv4 too */
	_Alignas(struct cmsghdr) uint8_t controls[UDP_BATCH][ARRIVAL_CAP];
	uint8_t queries[UDP_BATCH][UDP_QUERY_CAP];
	uint8_t replies[UDP_BATCH][RESPOND_UDP_CAP];
};

struct udp {
	struct view *view;
	size_t n_workers;
	struct worker *workers[UDP_MAX_THREADS];
};

/* ---- the loop ---- */

static void worker_init(struct worker *worker)
{
	for (size_t i = 0; i < UDP_BATCH; i++) {
		worker->in_iov[i] = (struct iovec){
			.iov_base = worker->queries[i],
			.iov_len = UDP_QUERY_MAX,
		};
		worker->in[i].msg_hdr = (struct msghdr){
			.msg_name = &worker->peers[i],
			.msg_namelen = sizeof(worker->peers[i]),
			.msg_iov = &worker->in_iov[i],
			.msg_iovlen = 1,
		};
		if (worker->asks_arrival) {
			worker->in[i].msg_hdr.msg_control = worker->controls[i];
			worker->in[i].msg_hdr.msg_controllen = ARRIVAL_CAP;
		}
		worker->out_iov[i].iov_base = worker->replies[i];
		worker->out[i].msg_hdr = (struct msghdr){
			.msg_iov = &worker->out_iov[i],
			.msg_iovlen = 1,
		};
	}
}

/* Returns the number of datagrams, 0 if there is nothing to answer now. */
static unsigned int receive(struct worker *worker)
{
	int n = recvmmsg(worker->fd, worker->in, UDP_BATCH, MSG_WAITFORONE, NULL);

	if (n >= 0 || errno == EINTR)
		return n > 0 ? (unsigned int)n : 0;

	/* ENOMEM and ENOBUFS pass. On any error the loop must neither end nor spin. */
	const struct timespec pause = {.tv_nsec = UDP_ERROR_PAUSE_NS};
	nanosleep(&pause, NULL);
	return 0;
}

static uint32_t wall_clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now); /* vdso(7): no system call */
	return (uint32_t)now.tv_sec;
}

/* Answers one datagram. The reply, if there is one, becomes entry `n_out` of the batch to send.
 * Returns whether there is a reply. */
static bool answer(struct worker *worker, const struct answers *answers, size_t i,
	size_t n_out, struct respond_from *from)
{
	struct msghdr *in = &worker->in[i].msg_hdr;

	from->client = in->msg_name;
	size_t len = respond(answers->table, &answers->conf, from, worker->queries[i],
		worker->in[i].msg_len, worker->replies[n_out], &worker->stats);
	if (len == 0)
		return false;

	worker->out_iov[n_out].iov_len = len;
	worker->out[n_out].msg_hdr.msg_name = in->msg_name;
	worker->out[n_out].msg_hdr.msg_namelen = in->msg_namelen;
	return true;
}

/* Empties the queries to the inside view that an uplink brought: an empty message gets no
 * response. Other views pay one test per batch. */
static void drop_from_uplinks(struct worker *worker, unsigned int n_in)
{
	for (unsigned int i = 0; i < n_in; i++) {
		struct mmsghdr *in = &worker->in[i];

		if (view_is_closed_to(worker->view, arrival_of_datagram(&in->msg_hdr))) {
			in->msg_len = 0;
			stats_add(&worker->stats, STATS_FROM_UPLINK, 1);
		}
		in->msg_hdr.msg_controllen = ARRIVAL_CAP;
	}
}

static unsigned int answer_batch(struct worker *worker, unsigned int n_in)
{
	const struct answers *answers = view_take(worker->view, &worker->reader);
	struct respond_from from = {.tcp = false, .now_s = wall_clock_s()};
	unsigned int n_out = 0;

	if (worker->asks_arrival)
		drop_from_uplinks(worker, n_in);
	for (unsigned int i = 0; i < n_in; i++) {
		n_out += answer(worker, answers, i, n_out, &from);
		worker->in[i].msg_hdr.msg_namelen = sizeof(worker->peers[i]);
	}
	view_drop(&worker->reader);
	return n_out;
}

/* sendmmsg(2) stops at a message that fails, but an unreachable client must not cost the others
 * their answers. The worker never waits here: a datagram to a neighbour that does not exist
 * stays charged to our send buffer for three seconds, until the kernel gives up
 * (neigh_event_send). A worker that waited would answer no other client. Each message is tried
 * once. */
static void send_batch(struct worker *worker, unsigned int n_out)
{
	unsigned int done = 0;

	while (done < n_out) {
		int n = sendmmsg(worker->fd, worker->out + done, n_out - done,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			done += (unsigned int)n;
			continue;
		}
		stats_add(&worker->stats, STATS_SEND_ERRORS, 1);
		stats_add(&worker->stats, loss_reason(errno), 1);
		done++;
	}
}

static void *worker_run(void *arg)
{
	struct worker *worker = arg;

	for (;;) {
		unsigned int n = receive(worker);

		if (n > 0)
			send_batch(worker, answer_batch(worker, n));
		if (atomic_load_explicit(&worker->stop, memory_order_relaxed))
			return NULL;
	}
}

/* ---- sockets and threads, on the main thread ---- */

static int udp_set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int udp_set_options(int fd, int family)
{
	int err;

	/* Never believe a path MTU: forged ICMP could make us fragment, and replies are small
	 * enough for every path. OMIT exists for this (ip(7)). */
	if (family == AF_INET)
		return udp_set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	err = udp_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (err < 0)
		return err;
	return udp_set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
}

/* Never shrinks a buffer: an earlier process may have had a privilege that we lack. */
static void grow_buffer(int fd, int name, int name_force, int octets)
{
	int now = 0;
	socklen_t len = sizeof(now);

	if (getsockopt(fd, SOL_SOCKET, name, &now, &len) == 0 && now >= 2 * octets)
		return;
	/* beyond net.core.rmem_max and wmem_max only with CAP_NET_ADMIN; else up to it */
	if (udp_set_option(fd, SOL_SOCKET, name_force, octets) < 0)
		udp_set_option(fd, SOL_SOCKET, name, octets);
}

static int udp_open_socket(const struct udp_at *at, bool is_sibling, int *ret_fd)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sockaddr(&at->addr, at->port, at->scope_id, &sa);
	AUTO(closep) int fd = socket(at->addr.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	int err = udp_set_options(fd, at->addr.family);
	if (err < 0)
		return err;
	if (is_sibling && (err = udp_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) < 0)
		return err;

	if (bind(fd, (struct sockaddr *)&sa, sa_len) < 0)
		return -errno;
	if (!is_sibling && at->n_threads > 1 &&
		(err = udp_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) < 0)
		return err;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

static void on_wake(int signo)
{
	(void)signo; /* recvmmsg(2) returns with EINTR */
}

static int worker_start(struct worker *worker)
{
	sigset_t all;
	sigset_t before;
	pthread_attr_t attr;

	int err = pthread_attr_init(&attr);
	if (err)
		return -err;
	pthread_attr_setstacksize(&attr, UDP_STACK);

	/* the event loop handles signals; a thread inherits the mask of its maker */
	sigfillset(&all);
	sigdelset(&all, UDP_WAKE_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&worker->thread, &attr, worker_run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	worker->is_running = err == 0;
	return -err;
}

/* The signal may arrive just before the worker waits: repeat it until the worker has ended. */
static void worker_stop(struct worker *worker)
{
	struct timespec until;
	int err;

	do {
		pthread_kill(worker->thread, UDP_WAKE_SIGNAL);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += UDP_WAKE_NS;
		until.tv_sec += until.tv_nsec / NS_PER_S;
		until.tv_nsec %= NS_PER_S;
		err = pthread_clockjoin_np(worker->thread, NULL, CLOCK_MONOTONIC, &until);
	} while (err == ETIMEDOUT);
}

/* A socket that is bound already, or a new one. All sockets that share a port need the option. */
static int worker_get_socket(const struct udp_at *at, size_t nth, int *ret_fd)
{
	if (nth >= at->n_fds)
		return udp_open_socket(at, nth > 0, ret_fd);
	*ret_fd = at->fds[nth];
	return at->n_threads > 1 ? udp_set_option(*ret_fd, SOL_SOCKET, SO_REUSEPORT, 1) : 0;
}

static int udp_add_worker(struct udp *udp, const struct udp_at *at)
{
	struct worker *worker;
	int err;

	if (posix_memalign((void **)&worker, _Alignof(struct worker), sizeof(*worker)) != 0)
		return -ENOMEM;
	memset(worker, 0, offsetof(struct worker, controls));
	worker->fd = -1;
	worker->view = udp->view;
	worker->asks_arrival = udp->view->index == FACTS_VIEW_INSIDE;
	err = worker_get_socket(at, udp->n_workers, &worker->fd);
	if (err == 0 && worker->asks_arrival)
		err = arrival_follow(worker->fd, at->addr.family);
	if (err < 0) {
		closep(&worker->fd);
		free(worker);
		return err;
	}
	grow_buffer(worker->fd, SO_RCVBUF, SO_RCVBUFFORCE, UDP_RCVBUF);
	grow_buffer(worker->fd, SO_SNDBUF, SO_SNDBUFFORCE, UDP_SNDBUF);
	worker_init(worker);
	view_join(udp->view, &worker->reader);
	udp->workers[udp->n_workers++] = worker;
	return 0;
}

static void close_from(const struct udp_at *at, size_t first)
{
	for (size_t i = first; i < at->n_fds; i++)
		close(at->fds[i]);
}

int udp_open(const struct udp_at *at, struct view *view, struct udp **ret_udp)
{
	const struct sigaction wake = {.sa_handler = on_wake};
	struct udp *udp = calloc(1, sizeof(*udp));
	unsigned int n = 0;
	int err = 0;

	if (!udp) {
		close_from(at, 0);
		return -ENOMEM;
	}
	udp->view = view;
	sigaction(UDP_WAKE_SIGNAL, &wake, NULL); /* without SA_RESTART */
	while (n < at->n_threads && err == 0) {
		err = udp_add_worker(udp, at);
		n++;
	}
	close_from(at, n);

	/* open all sockets first: the kernel spreads queries over the bound ones */
	for (size_t i = 0; i < udp->n_workers && err == 0; i++)
		err = worker_start(udp->workers[i]);
	if (err < 0) {
		udp_close(udp);
		return err;
	}
	*ret_udp = udp;
	return 0;
}

size_t udp_fds(const struct udp *udp, int ret_fds[UDP_MAX_THREADS])
{
	for (size_t i = 0; i < udp->n_workers; i++)
		ret_fds[i] = udp->workers[i]->fd;
	return udp->n_workers;
}

void udp_close(struct udp *udp)
{
	if (!udp)
		return;
	for (size_t i = 0; i < udp->n_workers; i++)
		atomic_store(&udp->workers[i]->stop, true);
	for (size_t i = 0; i < udp->n_workers; i++) {
		struct worker *worker = udp->workers[i];

		if (worker->is_running)
			worker_stop(worker);
		close(worker->fd);
		view_leave(udp->view, &worker->reader);
		stats_sum(&worker->stats, udp->view->gone_udp);
		free(worker);
	}
	free(udp);
}

void udp_count(const struct udp *udp, uint64_t totals[STATS_N_COUNTERS])
{
	for (size_t i = 0; i < udp->n_workers; i++)
		stats_sum(&udp->workers[i]->stats, totals);
}
