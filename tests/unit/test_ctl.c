/* test_ctl.c - the control socket, mostly as bad clients see it
 *
 * Server and clients share this process: a test sends, turns the event loop until something is
 * there, and reads. Only the blocking client function runs in a child.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "common/ctl/ctl.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ctl/ctlrequest.h"
#include "common/log.h"

enum { BIG_LEN = 4 * 1024 * 1024, PATIENCE_MS = 5000 };

struct fixture {
	struct event_base *base;
	struct ctl_server *server;
	char dir[64];
	char path[128];
};

/* `status` echoes the member "n"; `big` has a reply that no socket buffer holds. */
static json_t *handler(const char *verb, const json_t *request, void *arg)
{
	(void)arg;
	if (strcmp(verb, "status") == 0)
		return json_pack(
			"{s:s, s:O?}", "state", "up", "n", json_object_get(request, "n"));
	if (strcmp(verb, "events") == 0 || strcmp(verb, "links") == 0)
		return json_pack("{s:s}", "state", "up");
	if (strcmp(verb, "big") == 0) {
		char *text = malloc(BIG_LEN + 1);

		memset(text, 'x', BIG_LEN);
		text[BIG_LEN] = '\0';
		json_t *reply = json_pack("{s:s}", "text", text);
		free(text);
		return reply;
	}
	return NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	f->base = event_base_new();
	strcpy(f->dir, "/tmp/test_ctl.XXXXXX");
	if (!mkdtemp(f->dir) || chmod(f->dir, 0755) < 0)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/run/dnsd.sock", f->dir);
	return ctl_server_new(f->base, f->path, handler, f, &f->server);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	ctl_server_free(f->server);
	event_base_free(f->base);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	free(f);
	return system(command);
}

static int open_client(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

static void turn(struct fixture *f)
{
	event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void send_octets(struct fixture *f, int fd, const char *text, size_t len)
{
	int64_t until = clock_now_ms() + PATIENCE_MS;

	while (len > 0 && clock_now_ms() < until) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (errno != EAGAIN) {
			return; /* the server had enough */
		}
		turn(f);
	}
}

static void send_text(struct fixture *f, int fd, const char *text)
{
	send_octets(f, fd, text, strlen(text));
}

/* The next reply line without its line feed, "" at the end of the stream; "timeout" is what it
 * says. The caller frees it. */
static char *read_line(struct fixture *f, int fd)
{
	int64_t until = clock_now_ms() + PATIENCE_MS;
	char *line = calloc(1, BIG_LEN + 100);
	size_t len = 0;

	while (clock_now_ms() < until) {
		turn(f);
		ssize_t n = recv(fd, line + len, 1, MSG_PEEK);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return line;
		if (n < 0)
			continue;
		n = recv(fd, line + len, BIG_LEN + 99 - len, MSG_PEEK);
		char *end = memchr(line + len, '\n', (size_t)n);
		size_t take = end ? (size_t)(end - line) - len + 1 : (size_t)n;
		assert_int_equal(recv(fd, line + len, take, 0), take);
		len += take;
		line[len] = '\0';
		if (end) {
			*end = '\0';
			return line;
		}
	}
	strcpy(line, "timeout");
	return line;
}

static void assert_reply(struct fixture *f, int fd, const char *wanted)
{
	char *line = read_line(f, fd);

	if (!strstr(line, wanted) || (!*wanted && *line))
		fail_msg("reply '%.200s' lacks '%s'", line, wanted);
	free(line);
}

static void assert_closed(struct fixture *f, int fd)
{
	assert_reply(f, fd, "");
	close(fd);
}

static void a_request_is_answered_on_one_line(void **state)
{
	struct fixture *f = *state;
	int fd = open_client(f->path);

	send_text(f, fd, "{\"verb\":\"status\",\"n\":1}\n");
	assert_reply(f, fd, "{\"state\":\"up\",\"n\":1}");
	close(fd);
}

static void requests_in_one_segment_are_answered_in_order(void **state)
{
	struct fixture *f = *state;
	int fd = open_client(f->path);

	send_text(f, fd,
		"{\"verb\":\"status\",\"n\":1}\n{\"verb\":\"big\"}\n"
		"{\"verb\":\"status\",\"n\":3}\n");
	assert_reply(f, fd, "\"n\":1}");
	assert_reply(f, fd, "xxxx");
	assert_reply(f, fd, "\"n\":3}");
	close(fd);
}

static void a_request_may_come_in_pieces(void **state)
{
	struct fixture *f = *state;
	int fd = open_client(f->path);

	send_text(f, fd, "{\"verb\":");
	turn(f);
	send_text(f, fd, "\"status\",\"n\":7}");
	turn(f);
	send_text(f, fd, "\n");
	assert_reply(f, fd, "\"n\":7}");
	close(fd);
}

static void a_client_that_shuts_down_its_side_is_still_answered(void **state)
{
	struct fixture *f = *state;
	int fd = open_client(f->path);

	send_text(f, fd, "{\"verb\":\"status\",\"n\":1}\n{\"verb\":\"big\"}\n{\"verb\":\"sta");
	shutdown(fd, SHUT_WR);
	assert_reply(f, fd, "\"n\":1}");
	assert_reply(f, fd, "xxxx");
	assert_closed(f, fd);
}

static void what_is_no_request_is_answered_with_the_reason(void **state)
{
	static const struct {
		const char *request;
		const char *reason;
	} cases[] = {
		{"\n", "not JSON"},
		{"hello\n", "not JSON"},
		{"GET / HTTP/1.1\r\n", "not JSON"},
		{"{\"verb\":\"status\"\n", "not JSON"},
		{"{\"verb\":\"status\",\"verb\":\"big\"}\n", "duplicate"},
		{"{\"verb\":\"\xff\"}\n", "not JSON"},
		{"{\"verb\":\"sta\\u0000tus\"}\n", "not JSON"},
		{"[]\n", "is a JSON object"},
		{"42\n", "not JSON"},
		{"{}\n", "no \\\"verb\\\""},
		{"{\"verb\":5}\n", "no \\\"verb\\\""},
		{"{\"verb\":\"explode\"}\n", "unknown verb 'explode'"},
	};
	struct fixture *f = *state;
	int fd = open_client(f->path);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("  %s", cases[i].request);
		send_text(f, fd, cases[i].request);
		assert_reply(f, fd, cases[i].reason);
	}
	send_octets(f, fd, "{\"verb\":\"status\"}\0\n", 19);
	assert_reply(f, fd, "NUL");
	send_text(f, fd, "{\"verb\":\"status\"}\n"); /* and the client is still welcome */
	assert_reply(f, fd, "up");
	close(fd);
}

static void nesting_is_bounded(void **state)
{
	struct fixture *f = *state;
	static char line[CTL_REQUEST_MAX];
	int fd = open_client(f->path);

	memset(line, '[', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	send_octets(f, fd, line, sizeof(line));
	assert_reply(f, fd, "not JSON");
	close(fd);
}

static void an_overlong_request_ends_the_connection(void **state)
{
	struct fixture *f = *state;
	static char line[2 * CTL_REQUEST_MAX];
	int fd = open_client(f->path);

	memset(line, ' ', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	send_octets(f, fd, line, sizeof(line));
	assert_reply(f, fd, "too long");
	assert_closed(f, fd);

	/* one octet beyond the bound, line feed included, and one within it */
	fd = open_client(f->path);
	line[CTL_REQUEST_MAX] = '\n';
	send_octets(f, fd, line, CTL_REQUEST_MAX + 1);
	assert_reply(f, fd, "too long");
	close(fd);
	fd = open_client(f->path);
	line[CTL_REQUEST_MAX - 1] = '\n';
	send_octets(f, fd, line, CTL_REQUEST_MAX);
	assert_reply(f, fd, "not JSON");
	close(fd);
}

static void an_endless_request_ends_the_connection(void **state)
{
	struct fixture *f = *state;
	static char octets[1 << 20];
	int fd = open_client(f->path);

	memset(octets, 'a', sizeof(octets));
	send_octets(f, fd, octets, sizeof(octets));
	assert_reply(f, fd, "too long");
	assert_closed(f, fd);
}

static void a_slow_sender_is_dropped_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	ctl_server_set_idle_ms(f->server, 200);
	int fd = open_client(f->path);
	int64_t start = clock_now_ms();
	char octet;

	/* an octet each 10 ms would keep a time-out per octet from ever ending */
	while (clock_now_ms() - start < PATIENCE_MS) {
		(void)!send(fd, " ", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		poll(NULL, 0, 10);
		turn(f);
		ssize_t n = recv(fd, &octet, 1, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
	}
	assert_in_range(clock_now_ms() - start, 190, 1000);
	close(fd);
}

static void a_slow_reader_is_dropped_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	ctl_server_set_idle_ms(f->server, 200);
	int fd = open_client(f->path);
	static char octets[1 << 20];
	size_t got = 0;

	send_text(f, fd, "{\"verb\":\"big\"}\n");
	int64_t until = clock_now_ms() + 500;
	while (clock_now_ms() < until) {
		turn(f);
		poll(NULL, 0, 10);
	}
	ssize_t n;
	while ((n = recv(fd, octets, sizeof(octets), 0)) > 0)
		got += (size_t)n;
	assert_int_equal(n, 0); /* closed, and not merely empty */
	assert_true(got < BIG_LEN);
	close(fd);
}

static void an_idle_client_is_dropped_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	ctl_server_set_idle_ms(f->server, 100);
	int fd = open_client(f->path);

	send_text(f, fd, "{\"verb\":\"status\"}\n");
	assert_reply(f, fd, "up");
	assert_closed(f, fd);
}

static void a_client_that_vanishes_harms_nobody(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 50; i++) {
		int fd = open_client(f->path);

		send_text(
			f, fd, i % 2 ? "{\"verb\":\"big\"}\n{\"verb\":\"big\"}\n" : "{\"ver");
		close(fd);
	}
	a_request_is_answered_on_one_line(state);
}

static void the_number_of_clients_is_bounded(void **state)
{
	struct fixture *f = *state;
	int fds[CTL_MAX_CLIENTS];

	for (int i = 0; i < CTL_MAX_CLIENTS; i++) {
		fds[i] = open_client(f->path);
		turn(f);
	}
	int late = open_client(f->path);
	assert_reply(f, late, "too many clients");
	assert_closed(f, late);

	/* the others were not disturbed, and one that leaves makes room */
	send_text(f, fds[0], "{\"verb\":\"status\"}\n");
	assert_reply(f, fds[0], "up");
	close(fds[1]);
	turn(f);
	turn(f);
	a_request_is_answered_on_one_line(state);
	for (int i = 0; i < CTL_MAX_CLIENTS; i++)
		if (i != 1)
			close(fds[i]);
}

/* Runs `ask` in a child while the loop turns here; its return value is the result. */
static int in_child(struct fixture *f, int (*ask)(const char *path), const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(ask(path));
	assert_true(pid > 0);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		turn(f);
		poll(NULL, 0, 1);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int ask_as_nobody(const char *path)
{
	json_t *reply;

	/* sudo and login give root its own group as a supplementary one: it would open the
	 * socket */
	if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
		return 100;
	int r = ctl_request(path, "status", PATIENCE_MS, &reply);
	if (r < 0)
		return -r;
	return json_object_get(reply, "error") ? 0 : 101;
}

static void other_users_are_refused(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(f, ask_as_nobody, f->path), EACCES);
	assert_int_equal(chmod(f->path, 0666), 0); /* whoever may connect: the peer counts */
	assert_int_equal(in_child(f, ask_as_nobody, f->path), 0);
}

/* A member of the group that root's own user of the same number stands for. */
enum { GUEST_UID = 65533, GUEST_GID = 65532 };

static int ask_as(const char *path, const char *verb, bool supplementary)
{
	gid_t group = GUEST_GID;
	json_t *reply;

	if (setgroups(supplementary ? 1 : 0, &group) < 0 ||
		setgid(supplementary ? GUEST_UID : GUEST_GID) < 0 || setuid(GUEST_UID) < 0)
		return 100;
	int r = ctl_request(path, verb, PATIENCE_MS, &reply);
	if (r < 0)
		return -r;
	return json_object_get(reply, "error") ? 101 : 0;
}

static int guest_status(const char *path)
{
	return ask_as(path, "status", false);
}

static int supplementary_guest_status(const char *path)
{
	return ask_as(path, "status", true);
}

static int guest_big(const char *path)
{
	return ask_as(path, "big", true);
}

static int guest_events(const char *path)
{
	return ask_as(path, "events", true);
}

/* How many places a guest gets; the client that is refused then is the last. */
static int guest_takes_all_places(const char *path)
{
	static const char ask[] = "{\"verb\":\"events\"}\n";
	char reply[4096];

	if (setgroups(0, NULL) < 0 || setgid(GUEST_GID) < 0 || setuid(GUEST_UID) < 0)
		return 100;
	for (int n = 0; n <= CTL_MAX_SUBSCRIBERS; n++) {
		int fd = open_client(path);
		struct pollfd readable = {.fd = fd, .events = POLLIN};

		if (send(fd, ask, strlen(ask), 0) < 0 || poll(&readable, 1, PATIENCE_MS) < 1)
			return 101;
		ssize_t len = recv(fd, reply, sizeof(reply) - 1, 0);
		if (len <= 0)
			return 102;
		reply[len] = '\0';
		if (strstr(reply, "too many clients follow already"))
			return n;
	}
	return 103;
}

/* The test brings a group file of its own: the machine's has no such group. */
static void with_group(void (*run)(struct fixture *f), struct fixture *f)
{
	char line[160];
	char command[512];

	snprintf(line, sizeof(line), "multihomed:x:%d:", GUEST_GID);
	snprintf(command, sizeof(command),
		"{ grep -v ^multihomed: /etc/group; echo %s; } >%s/group && "
		"mount --bind %s/group /etc/group",
		line, f->dir, f->dir);
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || system(command) != 0)
		skip();
	run(f);
	assert_int_equal(umount("/etc/group"), 0);
}

static void guests_look(struct fixture *f)
{
	static const char *const public_verbs[] = {"status", "events", NULL};
	struct stat st;

	ctl_server_add_stream(f->server, "events");
	ctl_server_admit_group(f->server, "multihomed", public_verbs);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_gid, GUEST_GID);
	assert_int_equal(st.st_mode & 0777, 0660);

	assert_int_equal(in_child(f, guest_status, f->path), 0);
	assert_int_equal(in_child(f, supplementary_guest_status, f->path), 0);
	assert_int_equal(in_child(f, guest_events, f->path), 0);
	assert_int_equal(in_child(f, guest_big, f->path), 101);
	assert_int_equal(in_child(f, guest_takes_all_places, f->path),
		CTL_MAX_SUBSCRIBERS - CTL_RESERVED_SUBSCRIBERS);

	/* the group is of no use to those outside */
	assert_int_equal(in_child(f, ask_as_nobody, f->path), EACCES);
	assert_int_equal(chmod(f->path, 0666), 0);
	assert_int_equal(in_child(f, ask_as_nobody, f->path), 0);
	a_request_is_answered_on_one_line((void **)&f); /* root asks for everything */
}

static void members_of_the_group_may_look_and_not_touch(void **state)
{
	with_group(guests_look, *state);
}

int __wrap_lchown(const char *path, uid_t owner, gid_t group);
int __real_lchown(const char *path, uid_t owner, gid_t group);

static bool lchown_is_forbidden;

/* As under SystemCallFilter=~@privileged of our units. */
int __wrap_lchown(const char *path, uid_t owner, gid_t group)
{
	if (lchown_is_forbidden)
		fail_msg("lchown of %s", path);
	return __real_lchown(path, owner, group);
}

static void guests_look_where_nothing_may_be_given(struct fixture *f)
{
	static const char *const public_verbs[] = {"status", NULL};

	assert_int_equal(chown(f->path, (uid_t)-1, GUEST_GID), 0);
	lchown_is_forbidden = true;
	ctl_server_admit_group(f->server, "multihomed", public_verbs);
	lchown_is_forbidden = false;
	assert_int_equal(in_child(f, guest_status, f->path), 0);
}

/* The group is the daemon's own, as with our units. */
static void a_socket_of_the_group_is_not_given_to_it(void **state)
{
	with_group(guests_look_where_nothing_may_be_given, *state);
}

static void without_the_group_nothing_changes(void **state)
{
	static const char *const public_verbs[] = {"status", NULL};
	struct fixture *f = *state;
	struct stat st;

	ctl_server_admit_group(f->server, "no-such-group", public_verbs);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_gid, getegid());
	if (geteuid() == 0)
		assert_int_equal(in_child(f, guest_status, f->path), EACCES);
}

static int ask_status(const char *path)
{
	json_t *reply;
	int r = ctl_request(path, "status", PATIENCE_MS, &reply);

	if (r < 0)
		return -r;
	bool up = strcmp(json_string_value(json_object_get(reply, "state")), "up") == 0;
	json_decref(reply);
	return up ? 0 : 101;
}

static int ask_big(const char *path)
{
	json_t *reply;
	int r = ctl_request(path, "big", PATIENCE_MS, &reply);

	if (r < 0)
		return -r;
	bool whole = json_string_length(json_object_get(reply, "text")) == BIG_LEN;
	json_decref(reply);
	return whole ? 0 : 101;
}

static void the_client_function_gets_replies_of_any_size(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(in_child(f, ask_status, f->path), 0);
	assert_int_equal(in_child(f, ask_big, f->path), 0);
}

static void the_client_function_tells_that_nobody_listens(void **state)
{
	struct fixture *f = *state;
	char stale[160];
	char longest[300];
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	json_t *reply;

	snprintf(stale, sizeof(stale), "%s/stale.sock", f->dir);
	assert_int_equal(ctl_request(stale, "status", 100, &reply), -ENOENT);

	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%.100s", stale);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	assert_int_equal(ctl_request(stale, "status", 100, &reply), -ECONNREFUSED);

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(ctl_request(longest, "status", 100, &reply), -ENAMETOOLONG);
	assert_int_equal(ctl_request("", "status", 100, &reply), -ENOENT);
}

/* A server that takes one client, says `text` and hangs up, or says nothing and waits. */
static int against(const char *dir, const char *text)
{
	char path[160];
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	json_t *reply;

	snprintf(path, sizeof(path), "%s/fake.sock", dir);
	snprintf(un.sun_path, sizeof(un.sun_path), "%.100s", path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 1), 0);

	pid_t pid = fork();
	if (pid == 0) {
		int client = accept(fd, NULL, NULL);

		if (text)
			(void)!write(client, text, strlen(text));
		else
			poll(NULL, 0, 2000);
		shutdown(client, SHUT_WR);
		_exit(0);
	}
	int r = ctl_request(path, "status", text ? PATIENCE_MS : 100, &reply);
	waitpid(pid, NULL, 0);
	close(fd);
	return r;
}

static void the_client_function_does_not_trust_the_server(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(against(f->dir, ""), -EPROTO);
	assert_int_equal(against(f->dir, "{\"state\":"), -EPROTO);
	assert_int_equal(against(f->dir, "hello\n"), -EPROTO);
	assert_int_equal(against(f->dir, "[1]\n"), -EPROTO);
	assert_int_equal(against(f->dir, NULL), -ETIMEDOUT);
}

/* ---- subscribers ---- */

static void publish(struct fixture *f, const char *text)
{
	json_t *event = json_pack("{s:s}", "event", text);

	ctl_publish(f->server, "events", event);
	json_decref(event);
}

static int subscribe(struct fixture *f)
{
	int fd = open_client(f->path);

	ctl_server_add_stream(f->server, "events");
	send_text(f, fd, "{\"verb\":\"events\"}\n");
	assert_reply(f, fd, "{\"state\":\"up\"}");
	return fd;
}

static void a_subscriber_gets_what_is_published(void **state)
{
	struct fixture *f = *state;
	int fd = subscribe(f);
	int other = open_client(f->path);

	assert_int_equal(ctl_n_subscribers(f->server), 1);
	send_text(f, other, "{\"verb\":\"status\"}\n");
	publish(f, "a");
	publish(f, "b");
	assert_reply(f, fd, "{\"event\":\"a\"}");
	assert_reply(f, fd, "{\"event\":\"b\"}");
	assert_reply(f, other, "\"state\":\"up\"");
	publish(f, "c");
	assert_reply(f, fd, "{\"event\":\"c\"}");
	close(fd);
	close(other);
}

/* Who publishes first and acts then must be able to rely on the order. */
static void what_is_published_is_there_when_the_call_returns(void **state)
{
	struct fixture *f = *state;
	int fd = subscribe(f);
	char line[64] = "";

	publish(f, "a");
	assert_int_equal(recv(fd, line, sizeof(line), MSG_DONTWAIT), 14);
	assert_string_equal(line, "{\"event\":\"a\"}\n");
	close(fd);
}

static void a_line_of_any_size_reaches_who_is_not_behind(void **state)
{
	struct fixture *f = *state;
	int fd = subscribe(f);
	char *text = calloc(1, BIG_LEN / 2);

	memset(text, 'x', BIG_LEN / 2 - 1);
	publish(f, text);
	publish(f, "next"); /* and who is behind by that much is cut off */
	assert_int_equal(ctl_n_subscribers(f->server), 0);
	close(fd);

	fd = subscribe(f);
	publish(f, text);
	assert_reply(f, fd, "xxxx");
	publish(f, "next");
	assert_reply(f, fd, "next");
	free(text);
	close(fd);
}

static void streams_are_kept_apart(void **state)
{
	struct fixture *f = *state;
	int fd = subscribe(f);
	int other = open_client(f->path);
	json_t *line = json_pack("{s:i}", "version", 1);

	ctl_server_add_stream(f->server, "links");
	send_text(f, other, "{\"verb\":\"links\"}\n");
	assert_reply(f, other, "{\"state\":\"up\"}");
	assert_int_equal(ctl_n_subscribers(f->server), 2);
	publish(f, "a");
	ctl_publish(f->server, "links", line);
	ctl_publish(f->server, "nothing", line);
	publish(f, "b");
	assert_reply(f, other, "{\"version\":1}");
	assert_reply(f, fd, "{\"event\":\"a\"}");
	assert_reply(f, fd, "{\"event\":\"b\"}");
	close(fd);
	turn(f);
	turn(f);
	assert_int_equal(ctl_n_subscribers(f->server), 1);
	json_decref(line);
	close(other);
}

static void a_subscriber_may_shut_down_its_side(void **state)
{
	struct fixture *f = *state;
	int fd = subscribe(f);

	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 10; i++)
		turn(f);
	publish(f, "a");
	assert_reply(f, fd, "{\"event\":\"a\"}");
	close(fd);
}

static void a_subscriber_that_hangs_up_is_forgotten(void **state)
{
	struct fixture *f = *state;

	close(subscribe(f));
	for (int i = 0; i < 10; i++)
		turn(f);
	assert_int_equal(ctl_n_subscribers(f->server), 0);
}

/* `echo ... | socat` does so, and would use up the places of all others. */
static void one_that_shut_down_and_then_hangs_up_is_forgotten(void **state)
{
	struct fixture *f = *state;

	ctl_server_set_idle_ms(f->server, 30);
	for (int early = 0; early < 2; early++) {
		int fd = early ? open_client(f->path) : subscribe(f);
		int64_t until = clock_now_ms() + 100;

		if (early)
			send_text(f, fd, "{\"verb\":\"events\"}\n");
		shutdown(fd, SHUT_WR);
		while (clock_now_ms() < until)
			turn(f);
		assert_int_equal(ctl_n_subscribers(f->server), 1);
		close(fd);
		until = clock_now_ms() + PATIENCE_MS;
		while (ctl_n_subscribers(f->server) > 0 && clock_now_ms() < until)
			turn(f);
		assert_int_equal(ctl_n_subscribers(f->server), 0);
	}
}

static void a_subscriber_has_no_deadline_while_nothing_waits(void **state)
{
	struct fixture *f = *state;

	ctl_server_set_idle_ms(f->server, 30);
	int fd = subscribe(f);
	int64_t until = clock_now_ms() + 100;

	while (clock_now_ms() < until)
		turn(f);
	publish(f, "a");
	assert_reply(f, fd, "{\"event\":\"a\"}");
	close(fd);
}

static void a_subscriber_that_takes_nothing_is_cut_off(void **state)
{
	struct fixture *f = *state;
	char text[1024];
	int fd = subscribe(f);

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 4096 && ctl_n_subscribers(f->server) > 0; i++) {
		publish(f, text);
		turn(f);
	}
	assert_int_equal(ctl_n_subscribers(f->server), 0);
	close(fd);
}

static void the_number_of_subscribers_is_bounded(void **state)
{
	struct fixture *f = *state;
	int fds[CTL_MAX_SUBSCRIBERS];

	for (int i = 0; i < CTL_MAX_SUBSCRIBERS; i++)
		fds[i] = subscribe(f);
	int fd = open_client(f->path);
	send_text(f, fd, "{\"verb\":\"events\"}\n{\"verb\":\"status\"}\n");
	assert_reply(f, fd, "{\"error\":\"too many clients follow already\"}");
	assert_reply(f, fd, "\"state\":\"up\"");
	assert_int_equal(ctl_n_subscribers(f->server), CTL_MAX_SUBSCRIBERS);
	for (int i = 0; i < CTL_MAX_SUBSCRIBERS; i++)
		close(fds[i]);
	close(fd);
}

static int count_lines(const json_t *line, void *arg)
{
	(void)line;
	return ++*(int *)arg == 3 ? 42 : 0;
}

static void the_client_function_follows(void **state)
{
	struct fixture *f = *state;
	int64_t until = clock_now_ms() + PATIENCE_MS;
	int status;

	ctl_server_add_stream(f->server, "events");
	pid_t pid = fork();
	if (pid == 0) {
		int n = 0;

		_exit(ctl_follow(f->path, "events", PATIENCE_MS, count_lines, &n));
	}
	while (ctl_n_subscribers(f->server) == 0 && clock_now_ms() < until)
		turn(f);
	publish(f, "a");
	publish(f, "b");
	while (waitpid(pid, &status, WNOHANG) == 0 && clock_now_ms() < until)
		turn(f);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

static void the_socket_and_its_folder_have_their_modes(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	*strrchr(f->path, '/') = '\0';
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void a_freed_server_leaves_no_socket(void **state)
{
	struct fixture *f = *state;

	ctl_server_free(f->server);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(ctl_server_new(f->base, f->path, handler, f, &f->server), 0);
	a_request_is_answered_on_one_line(state);
}

static void a_dead_socket_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	ctl_server_free(f->server);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%.100s", f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	assert_int_equal(ctl_server_new(f->base, f->path, handler, f, &f->server), 0);
	a_request_is_answered_on_one_line(state);
}

static void a_live_socket_is_refused(void **state)
{
	struct fixture *f = *state;
	struct ctl_server *second;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char path[160];

	assert_int_equal(ctl_server_new(f->base, f->path, handler, f, &second), -EADDRINUSE);
	a_request_is_answered_on_one_line(state);

	/* somebody's who takes no lock */
	snprintf(path, sizeof(path), "%s/other.sock", f->dir);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%.100s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(ctl_server_new(f->base, path, handler, f, &second), -EADDRINUSE);
	assert_int_equal(access(path, F_OK), 0);
	close(fd);
}

static void a_file_in_the_way_is_not_removed(void **state)
{
	struct fixture *f = *state;
	struct ctl_server *second;
	char path[160];

	snprintf(path, sizeof(path), "%s/precious", f->dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(ctl_server_new(f->base, path, handler, f, &second), -EEXIST);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_path_that_cannot_be_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct ctl_server *second;
	char longest[300];

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(ctl_server_new(f->base, longest, handler, f, &second), -ENAMETOOLONG);
	assert_int_equal(
		ctl_server_new(f->base, "/dev/null/x.sock", handler, f, &second), -ENOTDIR);
	assert_int_equal(ctl_server_new(f->base, "", handler, f, &second), -ENOENT);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(a_request_is_answered_on_one_line),
		test(requests_in_one_segment_are_answered_in_order),
		test(a_request_may_come_in_pieces),
		test(a_client_that_shuts_down_its_side_is_still_answered),
		test(what_is_no_request_is_answered_with_the_reason),
		test(nesting_is_bounded),
		test(an_overlong_request_ends_the_connection),
		test(an_endless_request_ends_the_connection),
		test(a_slow_sender_is_dropped_at_the_deadline),
		test(a_slow_reader_is_dropped_at_the_deadline),
		test(an_idle_client_is_dropped_at_the_deadline),
		test(a_client_that_vanishes_harms_nobody),
		test(the_number_of_clients_is_bounded),
		test(other_users_are_refused),
		test(the_client_function_gets_replies_of_any_size),
		test(the_client_function_tells_that_nobody_listens),
		test(the_client_function_does_not_trust_the_server),
		test(a_subscriber_gets_what_is_published),
		test(a_subscriber_may_shut_down_its_side),
		test(a_subscriber_that_hangs_up_is_forgotten),
		test(one_that_shut_down_and_then_hangs_up_is_forgotten),
		test(a_subscriber_has_no_deadline_while_nothing_waits),
		test(a_subscriber_that_takes_nothing_is_cut_off),
		test(the_number_of_subscribers_is_bounded),
		test(what_is_published_is_there_when_the_call_returns),
		test(a_line_of_any_size_reaches_who_is_not_behind),
		test(streams_are_kept_apart),
		test(members_of_the_group_may_look_and_not_touch),
		test(a_socket_of_the_group_is_not_given_to_it),
		test(without_the_group_nothing_changes),
		test(the_client_function_follows),
		test(the_socket_and_its_folder_have_their_modes),
		test(a_freed_server_leaves_no_socket),
		test(a_dead_socket_is_replaced),
		test(a_live_socket_is_refused),
		test(a_file_in_the_way_is_not_removed),
		test(a_path_that_cannot_be_is_an_error),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	log_init("test_ctl", LOG_LEVEL_DEBUG);
	return cmocka_run_group_tests_name("ctl", tests, NULL, NULL);
}
