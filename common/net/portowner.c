/* portowner.c - which process has a port, for the message about a bind that failed: EADDRINUSE
 *
 *     portowner_find -> diag_dump (IPv4, IPv6) -> is_in_way -> proc_search -> search_write
 *
 * Only reads. Sockets and processes may go while it looks: it names none of those.
 */
#include "common/net/portowner.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/net/nlcmd.h"

enum {
	/* Socket states, from the kernel's include/net/tcp_states.h. UDP uses the first two.
	 */
	STATE_ESTABLISHED = 1,
	STATE_CLOSE = 7,
	STATE_LISTEN = 10,
	STATE_BOUND_INACTIVE = 13, /* bound, and not listening yet (Linux 6.8) */

	PORTOWNER_NAME_MAX = 32,
};

/* One socket in the way, and the process that has it open. */
struct portowner {
	struct addr addr;
	uint32_t ifindex; /* bound to this device, else 0 */
	uint32_t uid;
	uint32_t inode;
	long pid; /* 0: not seen */
	char name[PORTOWNER_NAME_MAX];
};

struct search {
	int protocol;
	const struct addr *local;
	uint16_t port;
	struct portowner owners[PORTOWNER_MAX];
	size_t n_owners;
	size_t n_found; /* those beyond PORTOWNER_MAX too */
};

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* ---- the sockets ---- */

/* Would a socket at `held` refuse one at `wanted`? An IPv6 wildcard covers IPv4 as well unless
 * it is IPV6_V6ONLY (ipv6(7)). */
static bool is_in_way(const struct addr *held, bool v6only, const struct addr *wanted)
{
	bool held_any = addr_is_unspecified(held);

	if (held->family == wanted->family)
		return held_any || addr_is_unspecified(wanted) || addr_eq(held, wanted);
	return held->family == AF_INET6 && held_any && !v6only;
}

/* An IPv4 address that an IPv6 socket is bound to (::ffff:192.0.2.1) is that address. */
static struct addr unmapped(const struct addr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (addr->family == AF_INET6 && memcmp(addr->bytes, mapped, sizeof(mapped)) == 0)
		return addr_from_bytes(AF_INET, addr->bytes + sizeof(mapped));
	return *addr;
}

static int search_on_socket(struct nlmsghdr *msg, void *arg)
{
	struct search *search = arg;
	struct nlattr *tb[INET_DIAG_SKV6ONLY + 1];

	if (msg->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		nlmsg_parse(msg, sizeof(struct inet_diag_msg), tb, INET_DIAG_SKV6ONLY, NULL) <
			0)
		return 0;

	const struct inet_diag_msg *diag = nlmsg_data(msg);
	if (diag->idiag_family != AF_INET && diag->idiag_family != AF_INET6)
		return 0;
	if (ntohs(diag->id.idiag_sport) != search->port)
		return 0;

	struct addr held = addr_from_bytes(diag->idiag_family, diag->id.idiag_src);
	bool v6only = tb[INET_DIAG_SKV6ONLY] && nla_len(tb[INET_DIAG_SKV6ONLY]) >= 1 &&
		      nla_get_u8(tb[INET_DIAG_SKV6ONLY]);
	held = unmapped(&held);
	if (!is_in_way(&held, v6only, search->local))
		return 0;

	if (search->n_found++ < PORTOWNER_MAX)
		search->owners[search->n_owners++] = (struct portowner){
			.addr = held,
			.ifindex = diag->id.idiag_if,
			.uid = diag->idiag_uid,
			.inode = diag->idiag_inode,
		};
	return 0;
}

/* Adds the sockets of one family. */
static int diag_dump(struct nlcmd *cmd, int family, struct search *search)
{
	bool udp = search->protocol == IPPROTO_UDP;
	struct inet_diag_req_v2 request = {
		.sdiag_family = (uint8_t)family,
		.sdiag_protocol = (uint8_t)search->protocol,
		.idiag_states = udp ? 1u << STATE_CLOSE | 1u << STATE_ESTABLISHED
				    : 1u << STATE_LISTEN | 1u << STATE_BOUND_INACTIVE,
		.id.idiag_sport = htons(search->port),
	};
	AUTO(nlmsg_freep)
	struct nl_msg *msg = nlmsg_alloc_simple(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);

	if (!msg || nlmsg_append(msg, &request, sizeof(request), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;

	/* -EINTR: sockets came and went meanwhile; what was seen will do */
	int r = nlcmd_dump(cmd, msg, search_on_socket, search);
	return r == -EINTR ? 0 : r;
}

/* ---- the processes ---- */

/* The inode of "socket:[12345]", else 0. */
static uint32_t socket_inode(int dir_fd, const char *name)
{
	char target[64];
	ssize_t len = readlinkat(dir_fd, name, target, sizeof(target) - 1);
	unsigned int inode;

	if (len < 0)
		return 0;
	target[len] = '\0';
	return sscanf(target, "socket:[%u]", &inode) == 1 ? inode : 0;
}

/* The name that the process goes by, made fit for a log line. */
static void proc_read_name(long pid, char ret_name[PORTOWNER_NAME_MAX])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	AUTO(fclosep) FILE *f = fopen(path, "re");
	if (!f || !fgets(ret_name, PORTOWNER_NAME_MAX, f))
		snprintf(ret_name, PORTOWNER_NAME_MAX, "a process");

	ret_name[strcspn(ret_name, "\n")] = '\0';
	for (char *c = ret_name; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
}

/* Looks through the descriptors of one process. A socket that several have open is told as
 * that of the lowest number, mostly the parent. Returns how many were found. */
static size_t search_process(struct search *search, long pid)
{
	char path[64];
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
	AUTO(closedirp) DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		uint32_t inode = socket_inode(dirfd(dir), entry->d_name);

		for (size_t i = 0; inode && i < search->n_owners; i++) {
			struct portowner *owner = &search->owners[i];

			if (owner->inode != inode || owner->pid)
				continue;
			owner->pid = pid;
			proc_read_name(pid, owner->name);
			n++;
		}
	}
	return n;
}

static void proc_search(struct search *search)
{
	AUTO(closedirp) DIR *proc = opendir("/proc");
	const struct dirent *entry;
	size_t left = search->n_owners;

	while (left > 0 && proc && (entry = readdir(proc))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (pid > 0 && !*end)
			left -= search_process(search, pid);
	}
}

/* ---- the text ---- */

__attribute__((format(printf, 4, 5))) static void text_append(
	char *text, size_t cap, size_t *len, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text + *len, cap - *len, format, args);
	va_end(args);
	if (n > 0)
		*len += (size_t)n < cap - *len ? (size_t)n : cap - *len - 1;
}

/* Without the right to look into the process the user tells most: many servers have one of
 * their own. Sockets of the kernel, or of another PID namespace, have no process either. */
static void text_append_who(char *text, size_t cap, size_t *len, const struct portowner *owner)
{
	if (owner->pid) {
		text_append(text, cap, len, "%s (pid %ld)", owner->name, owner->pid);
		return;
	}

	struct passwd entry;
	struct passwd *user = NULL;
	char strings[4096];

	getpwuid_r(owner->uid, &entry, strings, sizeof(strings), &user);
	if (user)
		text_append(text, cap, len, "a socket of user %.32s", user->pw_name);
	else
		text_append(text, cap, len, "a socket of uid %u", owner->uid);
}

static void text_append_owner(
	char *text, size_t cap, size_t *len, const struct portowner *owner, uint16_t port)
{
	bool v6 = owner->addr.family == AF_INET6;
	char name[IF_NAMESIZE];

	text_append_who(text, cap, len, owner);
	text_append(text, cap, len, " on %s%s%s:%u", v6 ? "[" : "", addr_str(&owner->addr),
		v6 ? "]" : "", port);
	if (owner->ifindex && if_indextoname(owner->ifindex, name))
		text_append(text, cap, len, " of %s", name);
}

/* A server with a socket for each of its threads is named once. */
static bool is_named(const struct search *search, size_t i)
{
	const struct portowner *owner = &search->owners[i];

	for (size_t j = 0; j < i; j++)
		if (owner->pid && search->owners[j].pid == owner->pid &&
			search->owners[j].ifindex == owner->ifindex &&
			addr_eq(&search->owners[j].addr, &owner->addr))
			return true;
	return false;
}

static void search_write(const struct search *search, char *text, size_t cap)
{
	size_t len = 0;

	for (size_t i = 0; i < search->n_owners; i++) {
		if (is_named(search, i))
			continue;
		text_append(text, cap, &len, "%s", i ? ", " : "");
		text_append_owner(text, cap, &len, &search->owners[i], search->port);
	}
	if (search->n_found > search->n_owners)
		text_append(
			text, cap, &len, " and %zu more", search->n_found - search->n_owners);
}

int portowner_find(
	int protocol, const struct addr *local, uint16_t port, char *ret_text, size_t cap)
{
	AUTO(nlcmd_freep) struct nlcmd *cmd = NULL;
	struct search search = {.protocol = protocol, .local = local, .port = port};

	if (cap == 0)
		return -EINVAL;
	ret_text[0] = '\0';

	int r = nlcmd_new(NETLINK_SOCK_DIAG, &cmd);
	if (r == 0)
		r = diag_dump(cmd, AF_INET, &search);
	if (r == 0)
		r = diag_dump(cmd, AF_INET6, &search);
	if (r < 0)
		return r;

	proc_search(&search);
	search_write(&search, ret_text, cap);
	return (int)search.n_found;
}
